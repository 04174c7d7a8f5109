"""A tiny world enumerated again, in plain Python: every joint outcome, the forward pass, the backward pass.

Nothing of the exact evaluator is used; only the laws (the values of each scalar at each face of its coin) are taken
from the world. The backward pass is the textbook's, with the matrices written out.
"""

from fractions import Fraction
from itertools import product
from math import prod

from derive.averages import SharedVariance
from derive.layers import d
from derive.network import W, b, f, g, n, x
from derive.proof.tiny_functions import IDENTITY
from derive.proof.worlds import World


def network(setting, widths, variances, activation=IDENTITY, **more):
    """The tiny world of a fully connected network with these widths n_0..n_{d+1} and weight variances."""
    sizes = {n(k): width for k, width in enumerate(widths)}
    values = {d: len(widths) - 2, **{SharedVariance(W, k): v for k, v in enumerate(variances)}}
    return World(setting, sizes, {**values, **more.pop("values", {})}, {f: activation}, **more)


def widths_of(world):
    """The widths n_0..n_{d+1} of a network's tiny world."""
    return tuple(world.sizes[n(k)] for k in range(world.layers[-1] + 2))


def outcomes(world, closed_cost):
    """Yield (probability, {name: value}) for every joint outcome of all coins of the world."""
    widths, depth = widths_of(world), world.layers[-1]
    scalars = [(x, (k,)) for k in _units(widths[0])] + [(g, (k,)) for k in _units(widths[depth + 1])]
    for layer in range(depth + 1):
        scalars += [(b, (layer, k)) for k in _units(widths[layer + 1])]
        scalars += [(W, (layer, r, k)) for r in _units(widths[layer]) for k in _units(widths[layer + 1])]
    met = {(family.name, index): world.laws(family, index) for family, index in scalars}
    laws = {
        name: (id(law.coin), law.coin.weights, law.values) if law.coin else (None, (1,), law.values[:1])
        for name, law in met.items()
    }
    for weight, drawn in faces_of(laws):
        yield weight, _run(drawn, widths, depth, world.functions[f], closed_cost)


def faces_of(laws):
    """Yield (probability, {name: value}) for all outcomes of {name: (coin, the weights of its faces, values)}."""
    coins = {coin: weights for coin, weights, _ in laws.values()}
    total = prod(map(sum, coins.values()))
    for faces in product(*(range(len(weights)) for weights in coins.values())):
        shown = dict(zip(coins, faces, strict=True))
        weight = prod((coins[coin][face] for coin, face in shown.items()), start=Fraction(1))
        yield weight / total, {name: Fraction(values[shown[coin]]) for name, (coin, _, values) in laws.items()}


def _units(width):
    return range(1, width + 1)


def _run(drawn, widths, depth, activation, closed_cost):
    """All quantities of the network at one outcome, forward and backward."""
    v = dict(drawn)
    for k in _units(widths[0]):
        v["z", (0, k)] = v["x", (k,)]
    for layer in range(depth + 1):
        for k in _units(widths[layer + 1]):
            total = v["b", (layer, k)]
            for r in _units(widths[layer]):
                total += v["z", (layer, r)] * v["W", (layer, r, k)]
            v["s", (layer, k)] = total
            v["z", (layer + 1, k)] = Fraction(activation.function(total))
    for k in _units(widths[depth + 1]):
        own = 0 if closed_cost else v["s", (depth, k)]
        v["ds", (depth, k)] = v["g", (k,)] + own
    for layer in reversed(range(depth)):
        for k in _units(widths[layer + 1]):
            back = Fraction(0)
            for j in _units(widths[layer + 2]):
                back += v["W", (layer + 1, k, j)] * v["ds", (layer + 1, j)]
            v["ds", (layer, k)] = Fraction(activation.slope(v["s", (layer, k)])) * back
    for layer in range(depth + 1):
        for r in _units(widths[layer]):
            for k in _units(widths[layer + 1]):
                v["dw", (layer, r, k)] = v["z", (layer, r)] * v["ds", (layer, k)]
    return v


def mean(table, name):
    """E[name]."""
    return sum(p * v[name] for p, v in table)


def variance(table, name):
    """Var[name]."""
    return sum(p * v[name] ** 2 for p, v in table) - mean(table, name) ** 2


def covariance(table, one, other):
    """Cov[one, other]."""
    return sum(p * v[one] * v[other] for p, v in table) - mean(table, one) * mean(table, other)
