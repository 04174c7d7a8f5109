"""Exact evaluation of the derivation language in a tiny world, by enumerating every outcome in fractions.

This is the checker's own reading of the language: it knows definitions, derivatives, sums and expectations, and none
of the rules that derivations are made with. An expression is first read at concrete indices into small functions of
the outcomes (`Code`), since they run at thousands of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product as cartesian
from math import prod
from random import Random
from typing import Any

from sympy import Add, Basic, Expr, Integer, Mul, Piecewise, Pow, Sum, Symbol

from derive.averages import Bracket
from derive.chances import Number
from derive.cost import CostFunction
from derive.layers import i
from derive.network import Activation, ActivationSlope
from derive.proof.code import (
    Code,
    Nonexistent,
    NotEvaluable,
    Outcomes,
    Undeclared,
    coins_of,
    constant,
    plus,
    times_code,
)
from derive.proof.coins import Coin
from derive.proof.described import DescribedValue
from derive.proof.readers import MOMENTS, Reader, made_whole, reader_of
from derive.proof.verdict import listed
from derive.proof.worlds import World
from derive.randomness import Entry, Family

Environment = Mapping[Symbol, Any]
Seed = tuple[Family, tuple[int, ...]]
MAX_OUTCOMES, MOST_OUTCOMES = 520, 8200
SAMPLED_OUTCOMES = 64
"""How many outcomes are drawn where there are too many to enumerate."""
_AT_ONCE = 4096
"""At how many outcomes codes are run at once, where they are the outcomes of many conditional means."""


class Exact:
    """Evaluates expressions in one world. An environment gives the values of the free layer and unit symbols.

    With ``sampling``, `for_all` draws some of the outcomes; means are enumerated all the same. With ``patient``, more
    outcomes are enumerated.
    ``met`` is what has been read so far: sizes, symbols, functions.
    """

    def __init__(self, world: World, *, sampling: bool = False, patient: bool = False) -> None:
        self.world = world
        self.outcomes = 0
        self.sampling = sampling
        # Worlds of many layers are few, and have many coins.
        self._most = MOST_OUTCOMES if patient or len(world.layers) >= 4 else MAX_OUTCOMES
        self.met: set[Hashable] = set()
        self._drawn: dict[Coin, int] = {}
        self._joint: dict[frozenset[Coin], tuple[list[Number], Outcomes]] = {}
        self._codes: dict[Any, Code] = {}
        self._environment = {s: v for s, v in world.values.items() if isinstance(s, Symbol)}

    def value(self, expression: Basic, environment: Environment) -> Any:
        """Return the value of an expression that no coin changes."""
        code = self.read(expression, environment)
        if code.coins:
            raise NotEvaluable(f"{expression} is random")
        return code.value

    def for_all(self, expressions: tuple[Basic, ...], environment: Environment) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the expressions at every joint outcome of what they depend on; see `drawn`."""
        codes = [self.read(e, environment) for e in expressions]
        coins = coins_of(codes)
        outcomes = self._sample(coins) if self.sampling else self._enumerate(coins)[1]
        for at in outcomes.in_turn():
            for row, values in enumerate(zip(*[c.run(at) for c in codes], strict=True)):
                self._drawn = {c: shown[row] for c, shown in at.faces.items()}
                yield values

    def drawn(self) -> list[DescribedValue]:
        """Return the drawn values at the outcome that `for_all` has just yielded."""
        return self.world.laws.drawn(self._drawn)

    def read(self, expression: Basic, environment: Environment) -> Code:
        """Return the code of an expression at concrete indices."""
        reading = _reading(expression)
        values = [environment.get(s) for s in reading.symbols]
        if None in values:
            # A symbol's own value may be one of its layer.
            values.append(environment.get(i))
        key = (reading, *values)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = reading.reader(self, expression, environment)
        return code

    def free_value(self, symbol: Symbol, environment: Environment | None = None) -> Any:
        """Return the value of a symbol in this world: what is given or laid down, or one of its own."""
        self.met.add(symbol)
        if symbol in self._environment:
            return self._environment[symbol]
        if symbol in self.world.sizes:
            return self.world.sizes[symbol]
        laid_down = self.world.regime.values.get(symbol)
        if laid_down is not None:
            return self.value(laid_down, {**self._environment, **(environment or {})})
        return self.world.free(symbol)

    def integer(self, expression: Basic, environment: Environment) -> int:
        """Return the value of an index or a bound."""
        if expression.is_Integer:
            return int(expression)
        if expression in environment:
            return environment[expression]
        value = self.value(expression, environment)
        if value != int(value):
            raise NotEvaluable(f"{expression} is no whole number here")
        return int(value)

    def _enumerate(self, coins: frozenset[Coin]) -> tuple[list[Number], Outcomes]:
        """Return the weight of each joint outcome of the coins, and the outcomes."""
        weights, outcomes = self._jointly(coins)
        self.outcomes += outcomes.count
        return weights, outcomes

    def _jointly(self, coins: frozenset[Coin]) -> tuple[list[Number], Outcomes]:
        if coins not in self._joint:
            self._joint[coins] = self._listed(coins)
        return self._joint[coins]

    def _listed(self, coins: frozenset[Coin]) -> tuple[list[Number], Outcomes]:
        order = sorted(coins, key=lambda coin: coin.name)
        # What has no chance at all is no outcome: what holds almost surely holds.
        possible = [[face for face, w in enumerate(c.weights) if w] for c in order]
        count = prod(map(len, possible))
        if count > self._most:
            raise NotEvaluable(f"{count} outcomes are too many to enumerate")
        weights: list[Number] = [1]
        for c, shown in zip(order, possible, strict=True):
            weights = [w * c.weights[face] for w in weights for face in shown]
        faces = zip(*cartesian(*possible), strict=True)
        return list(made_whole(weights)[0]), Outcomes(count, dict(zip(order, faces, strict=True)))

    def _sample(self, coins: frozenset[Coin]) -> Outcomes:
        """Toss the coins a few times, always in the same way."""
        order = sorted(coins, key=lambda coin: coin.name)
        random = Random(len(order))
        self.outcomes += SAMPLED_OUTCOMES
        tossed: dict[Coin, list[int]] = {c: [] for c in order}
        for _ in range(SAMPLED_OUTCOMES):
            for c in order:
                tossed[c] += random.choices(range(len(c.weights)), [float(w) for w in c.weights])
        return Outcomes(SAMPLED_OUTCOMES, tossed)

    @staticmethod
    def _remembered(code: Code) -> Code:
        """Return the code that runs once for each outcome of its own coins."""
        if not code.coins:
            return code
        order = list(code.coins)
        known: dict[tuple[int, ...], Any] = {}

        def run(at: Outcomes) -> list[Any]:
            rows = at.of(order)
            fresh = [row for row in dict.fromkeys(rows) if row not in known]
            if fresh:
                faces = dict(zip(order, zip(*fresh, strict=True), strict=True))
                known.update(zip(fresh, code.run(Outcomes(len(fresh), faces)), strict=True))
            return [known[row] for row in rows]

        return Code(run, code.coins)

    def entry(self, entry: Entry, environment: Environment) -> Code:
        """Return the code of a scalar of a family: drawn, or by its definition."""
        index = self.index(entry, environment)
        if entry.family.source is None:
            return self._remembered(self.read(_definition(entry.family, index), self._environment))
        law = self.world.laws(entry.family, index)
        coin, values = law.coin, law.values
        if law.tied:
            coins = list(law.coins)
            return Code(lambda at: [law.at(dict(zip(coins, faces, strict=True))) for faces in at.of(coins)], law.coins)
        if coin is None:
            return constant(values[0])
        return Code(lambda at: [values[face] for face in at.faces[coin]], frozenset({coin}))

    def index(self, entry: Entry, environment: Environment) -> tuple[int, ...]:
        """Return the concrete indices of a scalar, having checked that it exists in this world."""
        index = tuple(self.integer(e, environment) for e in entry.indices)
        layer = index[0] if entry.family.layered else 0
        sizes = self.world.units(entry.family, layer)
        existing = all(1 <= unit <= size for unit, size in zip(index[entry.family.layered :], sizes, strict=True))
        if layer < 0 or not existing:
            raise Nonexistent(f"{entry} does not exist in a world of {listed(self.world.sizes_in_words)}")
        return index

    def moment(self, bracket: Bracket, environment: Environment) -> Code:
        """Return the code of a mean, variance or covariance over the coins of the named sources."""
        moment = MOMENTS[type(bracket)]
        codes = [self.read(q, environment) for q in bracket.inside]
        coins = coins_of(codes)
        mine = frozenset(c for c in coins if c.source in bracket.over.sources)

        given = coins - mine
        if not given:
            weights, outcomes = self._enumerate(mine)
            return constant(moment(weights, [c.run(outcomes) for c in codes]))

        def run(at: Outcomes) -> list[Any]:
            weights, outcomes = self._jointly(mine)
            found: list[Any] = []
            for rows in _parts(range(at.count), max(1, _AT_ONCE // outcomes.count)):
                self.outcomes += len(rows) * outcomes.count
                faces: dict[Coin, Sequence[int]] = {c: [*shown] * len(rows) for c, shown in outcomes.faces.items()}
                faces |= {c: [at.faces[c][row] for row in rows for _ in weights] for c in given}
                here = Outcomes(len(rows) * outcomes.count, faces)
                each = [_parts(c.run(here), outcomes.count) for c in codes]
                found += [moment(weights, columns) for columns in zip(*each, strict=True)]
            return found

        return self._remembered(Code(run, given))

    def derivative(self, e: Basic, seed: Seed, env: Environment) -> Code | None:
        """Return the derivative of an expression by one scalar, or None if it is zero.

        It follows the definition of the network forward from the scalar; the backward recursion is not used.
        """
        if isinstance(e, Entry):
            index = self.index(e, env)
            if (e.family, index) == seed:
                return constant(1)
            if e.family.source is not None:
                return None
            key = (seed, e.family, index)
            if key not in self._codes:
                inner = self.derivative(_definition(e.family, index), seed, self._environment)
                self._codes[key] = self._remembered(inner) if inner else constant(0)
            code = self._codes[key]
            return code if code.coins or code.value else None
        if isinstance(e, CostFunction):
            closed = self.world.setting.closes(e)
            return self.derivative(e.linear() if closed else e.curved(), seed, self._environment)
        if isinstance(e, Add):
            return plus([self.derivative(a, seed, env) for a in e.args])
        if isinstance(e, Sum):
            return plus([self.derivative(e.function, seed, inner) for inner in self.ranges(e, env)])
        if isinstance(e, Mul):
            return plus([self._times(e.args, n, seed, env) for n in range(len(e.args))])
        if isinstance(e, Pow) and e.exp.is_Rational:
            return self._times((e.exp, e.base ** (e.exp - 1), e.base), 2, seed, env)
        if isinstance(e, Piecewise):
            return self.derivative(self.chosen(e, env), seed, env)
        if isinstance(e, Activation):
            return self._times((ActivationSlope(e.args[0]), e.args[0]), 1, seed, env)
        if not e.atoms(Entry) or (isinstance(e, Bracket) and seed[0].source in e.over.sources):
            return None
        raise NotEvaluable(f"no derivative known for {type(e).__name__}")

    def _times(self, factors: tuple[Basic, ...], which: int, seed: Seed, env: Environment) -> Code | None:
        """Return the product of the factors with one of them differentiated."""
        slope = self.derivative(factors[which], seed, env)
        if slope is None:
            return None
        return times_code([slope, *(self.read(f, env) for n, f in enumerate(factors) if n != which)])

    def chosen(self, e: Piecewise, env: Environment) -> Expr:
        """Return the piece that holds at concrete indices, where no coin decides it."""
        for value, condition in e.args:
            if self.value(condition, env):
                return value
        raise NotEvaluable(f"{e} has no value here")

    def ranges(self, node: Expr, environment: Environment) -> Iterator[dict[Symbol, int]]:
        """Yield the environments of a sum's or product's terms."""
        environments = [dict(environment)]
        for index, lower, upper in reversed(node.limits):
            environments = [
                {**env, index: k}
                for env in environments
                for k in range(self.integer(lower, env), self.integer(upper, env) + 1)
            ]
        yield from environments


def _parts(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Return the values in parts of a size."""
    return [values[start : start + size] for start in range(0, len(values), size)]


@lru_cache(maxsize=2_000)
def _definition(family: Family, index: tuple[int, ...]) -> Expr:
    return family.defined(*map(Integer, index))


@dataclass(frozen=True, eq=False)
class _Reading:
    """How an expression is read, and what it hangs on."""

    reader: Reader
    symbols: tuple[Symbol, ...]


@lru_cache(maxsize=20_000)
def _reading(expression: Basic) -> _Reading:
    """Return how an expression is read; its symbols are in an order of their own, not in that of an environment."""
    return _Reading(reader_of(expression), tuple(sorted(expression.free_symbols, key=lambda s: s.name)))


__all__ = ["Exact", "Nonexistent", "NotEvaluable", "Undeclared"]
