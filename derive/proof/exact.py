"""Exact evaluation of the derivation language in a tiny world, by enumerating every outcome in fractions.

This is the checker's own reading of the language: it knows definitions, derivatives, sums and expectations, and none
of the rules that derivations are made with. An expression is first read at concrete indices into small functions of
the outcome (`Code`), since every one of thousands of outcomes runs them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product as cartesian
from math import prod
from typing import Any

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Eq,
    Equivalent,
    Expr,
    Implies,
    Integer,
    KroneckerDelta,
    Mul,
    Ne,
    Not,
    Or,
    Pow,
    Product,
    Rational,
    Sum,
    Symbol,
)
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from derive.averages import Average, Bracket, Covariance, SharedVariance, Variance
from derive.hypotheses import Kind
from derive.layers import d
from derive.network import SLOPE, Activation, ActivationSlope, Cost, Partial, Width
from derive.proof.laws import Coin, Number, whole
from derive.proof.worlds import World
from derive.randomness import Entry, Family, Over

Environment = Mapping[Symbol, int]
MAX_OUTCOMES = 520
_NO_COINS: frozenset[Coin] = frozenset()


class NotEvaluable(Exception):
    """An expression that has no exact value in this world, with the reason."""


class Nonexistent(NotEvaluable):
    """An expression that speaks of a unit or a layer that this world does not have."""


class Undeclared(NotEvaluable):
    """An expression that has no meaning, since the setting does not declare what it speaks of."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function of the current outcome, and the coins that it looks at."""

    run: Callable[[], Any]
    coins: frozenset[Coin] = _NO_COINS


def constant(value: Any) -> Code:
    """Return the code of a value that no coin changes."""
    return Code(lambda: value)


Table = list[tuple[Number, tuple[Any, ...]]]


class Exact:
    """Evaluates expressions in one world. An environment gives the values of the free layer and unit symbols."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outcomes = 0
        self._faces: dict[Coin, int] = {}
        self._tossed = _NO_COINS
        self._stamp = 0
        self._codes: dict[Any, Code] = {}
        self._extents: dict[tuple[Family, int], tuple[int, ...]] = {}
        self.parameters = {SLOPE: Fraction(1, 5), **dict(world.activation.parameters)}
        self._environment = {d: world.depth, **self.parameters}

    def value(self, expression: Basic, environment: Environment) -> Any:
        """Return the value of an expression that no coin changes."""
        code = self.read(expression, environment)
        if code.coins:
            raise NotEvaluable(f"{expression} is random")
        return code.run()

    def for_all(self, expressions: tuple[Basic, ...], environment: Environment) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the expressions at every joint outcome of what they depend on; see `drawn`."""
        codes = [self.read(e, environment) for e in expressions]
        self._tossed = _coins(codes)
        for _ in self._enumerate(self._tossed):
            yield tuple(c.run() for c in codes)

    def drawn(self) -> list[str]:
        """Return the drawn values at the outcome that `for_all` has just yielded."""
        return self.world.laws.drawn({coin: self._faces[coin] for coin in self._tossed})

    def read(self, expression: Basic, environment: Environment) -> Code:
        """Return the code of an expression at concrete indices."""
        key = (expression, tuple(environment.get(s) for s in _free_symbols(expression)))
        if key not in self._codes:
            reader = _READ.get(type(expression))
            if reader is None:
                raise NotEvaluable(f"{type(expression).__name__} has no exact value in a tiny world")
            self._codes[key] = reader(self, expression, environment)
        return self._codes[key]

    def integer(self, expression: Basic, environment: Environment) -> int:
        """Return the value of an index or a bound."""
        if expression.is_Integer:
            return int(expression)
        if expression in environment:
            return environment[expression]
        return int(self.value(expression, environment))

    def _enumerate(self, coins: frozenset[Coin]) -> Iterator[Number]:
        """Yield the weight of each joint outcome of the coins, having tossed them so; then put them back."""
        order = sorted(coins, key=lambda coin: coin.name)
        count = prod(len(c.weights) for c in order)
        if count > MAX_OUTCOMES:
            raise NotEvaluable(f"{count} outcomes are too many to enumerate")
        self.outcomes += count
        around = {c: self._faces[c] for c in order if c in self._faces}
        for faces in cartesian(*(range(len(c.weights)) for c in order)):
            weight: Number = 1
            for c, face in zip(order, faces, strict=True):
                self._faces[c] = face
                weight *= c.weights[face]
            self._stamp += 1
            yield weight
        self._faces.update(around)
        self._stamp += 1

    def _remembered(self, code: Code) -> Code:
        """Return the code that runs once an outcome."""
        stamp, value = -1, None

        def run() -> Any:
            nonlocal stamp, value
            if stamp != self._stamp:
                value, stamp = code.run(), self._stamp
            return value

        return Code(run, code.coins)

    def entry(self, entry: Entry, environment: Environment) -> Code:
        """Return the code of a scalar of a family: drawn, or by its definition."""
        index = self.index(entry, environment)
        if entry.family.source is None:
            return self._remembered(self.read(_definition(entry.family, index), self._environment))
        law = self.world.laws(entry.family, index)
        coin, values = law.coin, law.values
        if coin is None:
            return constant(values[0])
        faces = self._faces
        return Code(lambda: values[faces[coin]], frozenset({coin}))

    def index(self, entry: Entry, environment: Environment) -> tuple[int, ...]:
        """Return the concrete indices of a scalar, having checked that it exists in this world."""
        index = tuple(self.integer(e, environment) for e in entry.indices)
        sizes = self._sizes(entry.family, index[0] if entry.family.layered else 0)
        if not all(1 <= unit <= size for unit, size in zip(index[entry.family.layered :], sizes, strict=True)):
            raise Nonexistent(f"{entry} does not exist in a world of widths {self.world.widths}")
        return index

    def _sizes(self, family: Family, layer: int) -> tuple[int, ...]:
        """Return how many values each unit index of a family has in a layer."""
        if (family, layer) not in self._extents:
            extents = family.extents(Integer(layer))
            self._extents[family, layer] = tuple(self.integer(e, self._environment) for e in extents)
        return self._extents[family, layer]

    def moment(self, bracket: Bracket, environment: Environment) -> Code:
        """Return the code of a mean, variance or covariance over the coins of the named sources."""
        moment = _MOMENTS[type(bracket)]
        codes = [self.read(q, environment) for q in bracket.inside]
        coins = _coins(codes)
        mine = frozenset(c for c in coins if c.source in bracket.over.sources)

        def run() -> Number:
            total = prod((c.total for c in mine), start=1)
            table = [(w, tuple(c.run() for c in codes)) for w in self._enumerate(mine)]
            return whole(moment(table, total))

        given = coins - mine
        return Code(run, given) if given else constant(run())

    def derivative(self, e: Basic, seed: tuple[str, tuple[int, ...]], env: Environment) -> Code | None:
        """Return the derivative of an expression by one scalar, or None if it is zero.

        It follows the definition of the network forward from the scalar; the backward recursion is not used.
        """
        if isinstance(e, Entry):
            index = self.index(e, env)
            if (e.family.name, index) == seed:
                return constant(1)
            if e.family.source is not None:
                return None
            key = (seed, e.family.name, index)
            if key not in self._codes:
                inner = self.derivative(_definition(e.family, index), seed, self._environment)
                self._codes[key] = self._remembered(inner) if inner else constant(0)
            code = self._codes[key]
            return code if code.coins or code.run() else None
        if e == Cost:
            return self.derivative(self.world.cost, seed, self._environment)
        if isinstance(e, Add):
            return _plus([self.derivative(a, seed, env) for a in e.args])
        if isinstance(e, Sum):
            return _plus([self.derivative(e.function, seed, inner) for inner in self.ranges(e, env)])
        if isinstance(e, Mul):
            return _plus([self._times(e.args, n, seed, env) for n in range(len(e.args))])
        if isinstance(e, Pow) and e.exp.is_Integer:
            return self._times((Integer(e.exp), e.base ** (e.exp - 1), e.base), 2, seed, env)
        if isinstance(e, Activation):
            return self._times((ActivationSlope(e.args[0]), e.args[0]), 1, seed, env)
        if not e.atoms(Entry):
            return None
        raise NotEvaluable(f"no derivative known for {type(e).__name__}")

    def _times(
        self, factors: tuple[Basic, ...], which: int, seed: tuple[str, tuple[int, ...]], env: Environment
    ) -> Code | None:
        """Return the product of the factors with one of them differentiated."""
        slope = self.derivative(factors[which], seed, env)
        if slope is None:
            return None
        return _times_code([slope, *(self.read(f, env) for n, f in enumerate(factors) if n != which)])

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


@lru_cache(maxsize=2_000)
def _definition(family: Family, index: tuple[int, ...]) -> Expr:
    return family.definition(*map(Integer, index))


@lru_cache(maxsize=20_000)
def _free_symbols(expression: Basic) -> tuple[Symbol, ...]:
    """Return the free symbols in an order of their own: what is remembered must not hang on an environment's."""
    return tuple(sorted(expression.free_symbols, key=lambda s: s.name))


def _coins(codes: list[Code]) -> frozenset[Coin]:
    return _NO_COINS.union(*(c.coins for c in codes))


def _folded(run: Callable[[], Any], codes: list[Code]) -> Code:
    coins = _coins(codes)
    return Code(run, coins) if coins else constant(run())


def _plus(terms: list[Code | None]) -> Code | None:
    codes = [t for t in terms if t is not None]
    return _plus_code(codes) if codes else None


def _plus_code(codes: list[Code]) -> Code:
    runs = [c.run for c in codes]
    if len(runs) == 2:
        one, two = runs
        return _folded(lambda: one() + two(), codes)
    return _folded(lambda: sum(run() for run in runs), codes)


def _times_code(codes: list[Code]) -> Code:
    runs = [c.run for c in codes]
    if len(runs) == 2:
        one, two = runs
        return _folded(lambda: one() * two(), codes)
    return _folded(lambda: prod(run() for run in runs), codes)


def _symbol(self: Exact, e: Symbol, env: Environment) -> Code:
    if e not in env:
        raise NotEvaluable(f"{e} has no value in a tiny world")
    return constant(env[e])


def _power(self: Exact, e: Expr, env: Environment) -> Code:
    base, exponent = self.read(e.base, env), self.read(e.exp, env)
    if exponent.coins or exponent.run() != int(exponent.run()):
        raise NotEvaluable(f"{e} is not rational")
    n = int(exponent.run())
    if n >= 0:
        return _folded(lambda: base.run() ** n, [base])
    if base.coins:
        raise NotEvaluable(f"{e} divides by a random quantity")
    if base.run() == 0:
        raise NotEvaluable(f"{e.base} is zero in this world")
    return constant(whole(Fraction(base.run()) ** n))


def _mean(table: Table, total: Number) -> Fraction:
    return Fraction(sum(w * v for w, (v,) in table)) / total


def _variance(table: Table, total: Number) -> Fraction:
    return Fraction(sum(w * v * v for w, (v,) in table)) / total - _mean(table, total) ** 2


def _covariance(table: Table, total: Number) -> Fraction:
    product = Fraction(sum(w * u * v for w, (u, v) in table)) / total
    left = Fraction(sum(w * u for w, (u, _) in table)) / total
    right = Fraction(sum(w * v for w, (_, v) in table)) / total
    return product - left * right


_MOMENTS: dict[type, Callable[[Table, Number], Fraction]] = {
    Average: _mean,
    Variance: _variance,
    Covariance: _covariance,
}


def _shared_variance(self: Exact, e: SharedVariance, env: Environment) -> Code:
    if not self.world.setting.citing(Kind.SHARED_VARIANCE, e.family):
        raise Undeclared(f"nothing says that the scalars of {e.family.name} share a variance")
    first = Entry(e.family, *e.layer, *(Integer(1),) * len(e.family.extents(Integer(0))))
    sources = sorted({coin.source for coin in self.read(first, env).coins}, key=str)
    return self.read(Variance(first, Over("its own law", tuple(sources))), env)


def _width(self: Exact, e: Expr, env: Environment) -> Code:
    layer = self.integer(e.args[0], env)
    if not 0 <= layer < len(self.world.widths):
        raise Nonexistent(f"there is no layer {layer} in a world of depth {self.world.depth}")
    return constant(self.world.widths[layer])


def _partial(self: Exact, e: Partial, env: Environment) -> Code:
    seed = (e.variable.family.name, self.index(e.variable, env))
    return self.derivative(e.target, seed, env) or constant(0)


def _slope(self: Exact, e: ActivationSlope, env: Environment) -> Code:
    if self.world.setting.citing(Kind.LINEAR):
        return constant(1)
    argument, slope = self.read(e.args[0], env), self.world.activation.slope
    return _folded(lambda: slope(argument.run()), [argument])


def _activation(self: Exact, e: Activation, env: Environment) -> Code:
    argument, function = self.read(e.args[0], env), self.world.activation.function
    return _folded(lambda: function(argument.run()), [argument])


def _absolute(argument: Code) -> Code:
    return _folded(lambda: abs(argument.run()), [argument])


def _delta(self: Exact, e: KroneckerDelta, env: Environment) -> Code:
    return constant(int(self.integer(e.args[0], env) == self.integer(e.args[1], env)))


def _terms(self: Exact, e: Expr, env: Environment) -> list[Code]:
    return [self.read(e.function, inner) for inner in self.ranges(e, env)]


def _logical(combine: Callable[..., bool]) -> Callable[[Exact, Basic, Environment], Code]:
    def read(self: Exact, e: Basic, env: Environment) -> Code:
        codes = [self.read(a, env) for a in e.args]
        return _folded(lambda: combine(*(c.run() for c in codes)), codes)

    return read


_READ: dict[type, Callable[[Exact, Any, Environment], Code]] = {
    Symbol: _symbol,
    Add: lambda self, e, env: _plus_code([self.read(a, env) for a in e.args]),
    Mul: lambda self, e, env: _times_code([self.read(a, env) for a in e.args]),
    Pow: _power,
    Sum: lambda self, e, env: _plus_code(_terms(self, e, env)),
    Product: lambda self, e, env: _times_code(_terms(self, e, env)),
    KroneckerDelta: _delta,
    Width: _width,
    Entry: lambda self, e, env: self.entry(e, env),
    Partial: _partial,
    Abs: lambda self, e, env: _absolute(self.read(e.args[0], env)),
    Activation: _activation,
    ActivationSlope: _slope,
    Average: lambda self, e, env: self.moment(e, env),
    Variance: lambda self, e, env: self.moment(e, env),
    Covariance: lambda self, e, env: self.moment(e, env),
    SharedVariance: _shared_variance,
    Eq: _logical(lambda a, b: a == b),
    Ne: _logical(lambda a, b: a != b),
    And: _logical(lambda *a: all(a)),
    Or: _logical(lambda *a: any(a)),
    Not: _logical(lambda a: not a),
    Implies: _logical(lambda a, b: not a or b),
    Equivalent: _logical(lambda *a: len({bool(x) for x in a}) == 1),
    BooleanTrue: lambda self, e, env: constant(True),
    BooleanFalse: lambda self, e, env: constant(False),
}
for _number in (Integer(0), Integer(1), Integer(-1), Integer(2), Rational(1, 2), Rational(1, 3)):
    _READ[type(_number)] = lambda self, e, env: constant(whole(Fraction(e.p, e.q)))
