"""Exact evaluation of the derivation language in a tiny world, by enumerating every outcome in fractions.

This is the checker's own reading of the language: it knows definitions, derivatives, sums and expectations, and none
of the rules that derivations are made with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property
from itertools import product as cartesian
from typing import Any

from sympy import (
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
    Not,
    Or,
    Pow,
    Product,
    Sum,
    Symbol,
)
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import Kind
from derive.layers import d
from derive.network import Activation, ActivationSlope, Cost, Partial, Width
from derive.proof.worlds import Coin, Number, World
from derive.randomness import Entry, Family, Over

Environment = Mapping[Symbol, int]
MAX_OUTCOMES = 1100


class NotEvaluable(Exception):
    """An expression that has no exact value in this world, with the reason."""


class _Unassigned(Exception):
    def __init__(self, coin: Coin) -> None:
        self.coin = coin


class Exact:
    """Evaluates expressions in one world. ``environment`` gives the values of free layer and unit symbols."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outcomes = 0
        self._outcome: dict[Coin, int] = {}
        self._memo: dict[Any, Any] = {}
        self._closed: dict[Any, Fraction] = {}
        self._draws: dict[Any, tuple[Coin | None, tuple[Number, ...]]] = {}
        self._definitions: dict[Any, Expr] = {}
        self._indices: dict[Entry, tuple[int, ...]] = {}
        self._touched: set[Coin] | None = None

    def value(self, expression: Basic, environment: Environment) -> Any:
        """Return the value at the current outcome: a fraction, or a truth value for a relation."""
        return _EVALUATE[type(expression)](self, expression, environment)

    def for_all(self, expressions: tuple[Basic, ...], environment: Environment) -> list[tuple[Any, ...]]:
        """Return the values of the expressions at every joint outcome of what they depend on."""
        touched: set[Coin] = set()
        for e in expressions:
            touched |= self._touch(e, environment)
        return [
            tuple(self.value(e, environment) for e in expressions) for _ in self._enumerate(tuple(touched))
        ]

    def _touch(self, expression: Basic, environment: Environment) -> set[Coin]:
        """Return the coins that an expression depends on and that are not tossed yet."""
        saved, memo = self._touched, self._memo
        self._touched, self._memo = set(), {}
        try:
            self.value(expression, environment)
            return self._touched
        finally:
            self._touched, self._memo = saved, memo

    def _enumerate(self, coins: tuple[Coin, ...]) -> Any:
        """Yield the weight of each joint outcome of the coins, having tossed them so."""
        count = 1
        for c in coins:
            count *= len(c.weights)
        if count > MAX_OUTCOMES:
            raise NotEvaluable(f"{count} outcomes are too many to enumerate")
        self.outcomes += count
        memo = self._memo
        for faces in cartesian(*(range(len(c.weights)) for c in coins)):
            weight: Number = 1
            for c, face in zip(coins, faces, strict=True):
                self._outcome[c] = face
                weight *= c.weights[face]
            self._memo = {}
            yield weight
        self._memo = memo
        for c in coins:
            del self._outcome[c]

    def _moments(
        self, quantities: tuple[Basic, ...], over: Over, environment: Environment, moment: Callable[..., Any]
    ) -> Fraction:
        """Return moment(list of (weight, values), total weight) over the coins of the named sources."""
        key = (moment, quantities, over, tuple((s, environment[s]) for s in _free(quantities, environment)))
        if key in self._closed:
            return self._closed[key]
        touched: set[Coin] = set()
        for q in quantities:
            touched |= self._touch(q, environment)
        mine = tuple(c for c in touched if c.source in over.sources)
        others = touched.difference(mine)
        if others:
            if self._touched is None:
                raise NotEvaluable("an average of what is still random in another source")
            self._touched |= others
            return Fraction(1)
        conditional = bool(self._outcome)
        saved, self._touched = self._touched, None
        total: Number = 1
        for c in mine:
            total *= c.total
        table = [
            (weight, tuple(self.value(q, environment) for q in quantities))
            for weight in self._enumerate(mine)
        ]
        self._touched = saved
        result = moment(table, total)
        if not conditional:
            self._closed[key] = result
        return result

    @cached_property
    def _cost(self) -> Expr:
        return self._concrete(self.world.cost)

    def _concrete(self, expression: Expr) -> Expr:
        """Write out the sums of a definition once, since every outcome reads them again."""
        concrete = expression.subs(d, self.world.depth)
        concrete = concrete.replace(Width, lambda layer: Integer(self.world.widths[int(layer)]))
        return concrete.replace(Sum, lambda f, limits: Sum(f, limits).doit())

    def draw(self, entry: Entry, index: tuple[int, ...]) -> Number:
        """Return the value of a drawn scalar at the current outcome."""
        key = (entry.family.name, index)
        if key not in self._draws:
            self._draws[key] = self.world.draw(entry.family, index)
        coin, values = self._draws[key]
        if coin is None:
            return values[0]
        if coin not in self._outcome:
            if self._touched is None:
                raise _Unassigned(coin)
            self._touched.add(coin)
            return values[0]
        return values[self._outcome[coin]]

    def entry(self, entry: Entry, environment: Environment) -> Any:
        """Return the value of a scalar of a family: drawn, or by its definition."""
        index = self.index(entry, environment)
        if entry.family.source is not None:
            return self.draw(entry, index)
        key = (entry.family.name, index)
        if key not in self._memo:
            self._memo[key] = self.value(self.definition(entry.family, index), {d: self.world.depth})
        return self._memo[key]

    def definition(self, family: Family, index: tuple[int, ...]) -> Expr:
        """Return the definition of a scalar at concrete indices."""
        key = (family.name, index)
        if key not in self._definitions:
            self._definitions[key] = self._concrete(family.definition(*map(Integer, index)))
        return self._definitions[key]

    def index(self, entry: Entry, environment: Environment) -> tuple[int, ...]:
        """Return the concrete indices of a scalar, having checked that it exists in this world."""
        if entry in self._indices:
            return self._indices[entry]
        index = tuple(int(self.value(e, environment)) for e in entry.indices)
        layer = index[0] if entry.family.layered else 0
        extents = entry.family.extents(Integer(layer))
        env = {d: self.world.depth}
        units = index[1:] if entry.family.layered else index
        for unit, extent in zip(units, extents, strict=True):
            if not 1 <= unit <= self.value(extent, env):
                raise NotEvaluable(f"{entry} does not exist in a world of widths {self.world.widths}")
        if not entry.free_symbols:
            self._indices[entry] = index
        return index

    def derivative(self, expression: Basic, seed: tuple[str, tuple[int, ...]], environment: Environment) -> Any:
        """Return the derivative of an expression by one scalar, by the definition of the network alone."""
        if isinstance(expression, Entry):
            index = self.index(expression, environment)
            key = (expression.family.name, index)
            if key == seed:
                return 1
            if expression.family.source is not None:
                return 0
            memo_key = ("d", seed, key)
            if memo_key not in self._memo:
                definition = self.definition(expression.family, index)
                self._memo[memo_key] = self.derivative(definition, seed, {d: self.world.depth})
            return self._memo[memo_key]
        if expression == Cost:
            return self.derivative(self._cost, seed, {d: self.world.depth})
        if isinstance(expression, Add):
            return sum(self.derivative(a, seed, environment) for a in expression.args)
        if isinstance(expression, Sum):
            return sum(self.derivative(expression.function, seed, e) for e in self.ranges(expression, environment))
        if isinstance(expression, Mul):
            total = 0
            for n, factor in enumerate(expression.args):
                slope = self.derivative(factor, seed, environment)
                if slope:
                    for other in (*expression.args[:n], *expression.args[n + 1 :]):
                        slope *= self.value(other, environment)
                    total += slope
            return total
        if isinstance(expression, Activation):
            inner = self.derivative(expression.args[0], seed, environment)
            return inner and inner * self._slope(expression.args[0], environment)
        if isinstance(expression, Pow) and expression.exp.is_Integer:
            inner = self.derivative(expression.base, seed, environment)
            return inner and inner * expression.exp.p * self.value(expression.base, environment) ** (expression.exp.p - 1)
        if not expression.atoms(Entry):
            return 0
        raise NotEvaluable(f"no derivative known for {type(expression).__name__}")

    def _slope(self, argument: Expr, environment: Environment) -> Any:
        if self.world.setting.citing(Kind.LINEAR):
            return 1
        return self.world.activation.slope(self.value(argument, environment))

    def ranges(self, node: Expr, environment: Environment) -> Any:
        """Yield the environments of a sum's or product's terms."""
        yield from self._ranges(list(reversed(node.limits)), dict(environment))

    def _ranges(self, limits: list[Any], environment: dict[Symbol, int]) -> Any:
        if not limits:
            yield environment
            return
        (index, lower, upper), *inner = limits
        for k in range(int(self.value(lower, environment)), int(self.value(upper, environment)) + 1):
            environment[index] = k
            yield from self._ranges(inner, environment)


def _free(quantities: tuple[Basic, ...], environment: Environment) -> tuple[Symbol, ...]:
    free: set[Symbol] = set().union(*(q.free_symbols for q in quantities))
    return tuple(s for s in environment if s in free)


def _symbol(self: Exact, e: Symbol, env: Environment) -> int:
    if e not in env:
        raise NotEvaluable(f"{e} has no value in a tiny world")
    return env[e]


def _mul(self: Exact, e: Expr, env: Environment) -> Any:
    result: Any = 1
    for a in e.args:
        result = result * self.value(a, env)
    return result


def _pow(self: Exact, e: Expr, env: Environment) -> Any:
    if not e.exp.is_Integer and not isinstance(e.exp, Expr):
        raise NotEvaluable(f"{e} is not rational")
    exponent = self.value(e.exp, env)
    if exponent != int(exponent):
        raise NotEvaluable(f"{e} is not rational")
    base = self.value(e.base, env)
    if exponent < 0 and base == 0:
        if self._touched is not None:
            return Fraction(1)
        raise NotEvaluable(f"{e.base} is zero in this world")
    return base ** int(exponent) if exponent >= 0 else Fraction(base) ** int(exponent)


def _product(self: Exact, e: Expr, env: Environment) -> Any:
    result: Any = 1
    for inner in self.ranges(e, env):
        result = result * self.value(e.function, inner)
    return result


Table = list[tuple[Number, tuple[Any, ...]]]


def _mean(table: Table, total: Number) -> Fraction:
    return Fraction(sum(w * v for w, (v,) in table)) / total


def _variance(table: Table, total: Number) -> Fraction:
    return Fraction(sum(w * v * v for w, (v,) in table)) / total - _mean(table, total) ** 2


def _covariance(table: Table, total: Number) -> Fraction:
    product = Fraction(sum(w * u * v for w, (u, v) in table)) / total
    left = Fraction(sum(w * u for w, (u, _) in table)) / total
    right = Fraction(sum(w * v for w, (_, v) in table)) / total
    return product - left * right


def _shared_variance(self: Exact, e: SharedVariance, env: Environment) -> Fraction:
    if not self.world.setting.citing(Kind.SHARED_VARIANCE, e.family) and not self.world.setting.citing(
        Kind.ZERO, e.family
    ):
        raise NotEvaluable(f"the scalars of {e.family.name} share no variance in this setting")
    layer = tuple(int(self.value(a, env)) for a in e.layer)
    units = (1,) * len(e.family.extents(Integer(0)))
    coin, values = self.world.draw(e.family, (*layer, *units))
    if coin is None:
        return Fraction(0)
    return _variance([(w, (v,)) for w, v in zip(coin.weights, values, strict=True)], coin.total)


def _width(self: Exact, e: Expr, env: Environment) -> int:
    layer = int(self.value(e.args[0], env))
    if not 0 <= layer < len(self.world.widths):
        raise NotEvaluable(f"there is no layer {layer} in a world of depth {self.world.depth}")
    return self.world.widths[layer]


def _partial(self: Exact, e: Partial, env: Environment) -> Any:
    seed = (e.variable.family.name, self.index(e.variable, env))
    return self.derivative(e.target, seed, env)


_EVALUATE: dict[type, Callable[[Exact, Any, Environment], Any]] = {}


def _register() -> None:
    from sympy.core import numbers

    for number in (numbers.Integer, numbers.One, numbers.Zero, numbers.NegativeOne, numbers.Rational, numbers.Half):
        _EVALUATE[number] = lambda self, e, env: Fraction(e.p, e.q) if e.q != 1 else e.p
    _EVALUATE.update(
        {
            Symbol: _symbol,
            Add: lambda self, e, env: sum(self.value(a, env) for a in e.args),
            Mul: _mul,
            Pow: _pow,
            Sum: lambda self, e, env: sum(self.value(e.function, n) for n in self.ranges(e, env)),
            Product: _product,
            KroneckerDelta: lambda self, e, env: int(self.value(e.args[0], env) == self.value(e.args[1], env)),
            Width: _width,
            Entry: lambda self, e, env: self.entry(e, env),
            Partial: _partial,
            Activation: lambda self, e, env: self.world.activation.function(self.value(e.args[0], env)),
            ActivationSlope: lambda self, e, env: self._slope(e.args[0], env),
            Average: lambda self, e, env: self._moments(e.inside, e.over, env, _mean),
            Variance: lambda self, e, env: self._moments(e.inside, e.over, env, _variance),
            Covariance: lambda self, e, env: self._moments(e.inside, e.over, env, _covariance),
            SharedVariance: _shared_variance,
            Eq: lambda self, e, env: self.value(e.lhs, env) == self.value(e.rhs, env),
            And: lambda self, e, env: all(self.value(a, env) for a in e.args),
            Or: lambda self, e, env: any(self.value(a, env) for a in e.args),
            Not: lambda self, e, env: not self.value(e.args[0], env),
            Implies: lambda self, e, env: not self.value(e.args[0], env) or self.value(e.args[1], env),
            Equivalent: lambda self, e, env: len({bool(self.value(a, env)) for a in e.args}) == 1,
            BooleanTrue: lambda self, e, env: True,
            BooleanFalse: lambda self, e, env: False,
        }
    )


_register()
