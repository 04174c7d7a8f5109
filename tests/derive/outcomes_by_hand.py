"""The joint outcomes of scalars of a tiny world from their laws alone, and which of them are independent."""

from itertools import product
from math import prod

from sympy import Rational


def table(world, scalars):
    """Every joint outcome with its chance, from the laws alone."""
    laws = [world.laws(s.family, tuple(map(int, s.indices))) for s in scalars]
    coins = sorted(set().union(*(law.coins for law in laws)), key=lambda coin: coin.name)
    for faces in product(*(range(len(coin.weights)) for coin in coins)):
        chance = prod((Rational(coin.weights[k], coin.total) for coin, k in zip(coins, faces, strict=True)), start=1)
        yield chance, tuple(law.at(dict(zip(coins, faces, strict=True))) for law in laws)


def marginal(rows, *places):
    found = {}
    for chance, values in rows:
        at = tuple(values[k] for k in places)
        found[at] = found.get(at, 0) + chance
    return found


def independent(rows, *groups):
    """Whether groups of scalars are independent, each of all the others together."""
    alone = [marginal(rows, *group) for group in groups]
    joint = marginal(rows, *(k for group in groups for k in group))
    return all(
        joint.get(sum(values, ()), 0) == prod(chances[v] for chances, v in zip(alone, values, strict=True))
        for values in product(*alone)
    )
