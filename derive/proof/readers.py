"""How each kind of expression is read in a tiny world; one entry a kind in `READERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from math import lcm, prod
from operator import mod
from typing import TYPE_CHECKING, Any

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Eq,
    Equivalent,
    Expr,
    Function,
    GreaterThan,
    Implies,
    Integer,
    KroneckerDelta,
    LessThan,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Not,
    Number,
    NumberSymbol,
    Or,
    Piecewise,
    Pow,
    Product,
    StrictGreaterThan,
    StrictLessThan,
    Sum,
    Symbol,
    Tuple,
)
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.cost import CostFunction, Partial
from derive.gaussian.expectation import GaussianExpectation
from derive.hypotheses import Kind
from derive.network import Activation, ActivationSlope
from derive.proof.atoms import equal, inexact, less, numeric, opaque, power, quotient, symbolic, told_apart
from derive.proof.code import (
    Code,
    Nonexistent,
    NotEvaluable,
    Outcomes,
    Undeclared,
    coins_of,
    constant,
    lifted,
    plus_code,
    times_code,
)
from derive.proof.regime import is_size
from derive.proof.tiny_functions import IDENTITY
from derive.randomness import Entry, Over

if TYPE_CHECKING:
    from derive.proof.exact import Exact

Environment = Mapping[Symbol, Any]
Values = Sequence[Any]
Reader = Callable[["Exact", Any, Environment], Code]


def _symbol(self: Exact, e: Symbol, env: Environment) -> Code:
    return constant(env[e] if e in env else self.free_value(e, env))


def _power(self: Exact, e: Expr, env: Environment) -> Code:
    return lifted(power, [self.read(e.base, env), self.read(e.exp, env)])


def made_whole(values: Values) -> tuple[Values, int]:
    """Return values and what they are to be divided by: whole numbers, whose arithmetic is fast, where there are."""
    if any(map(inexact, values)):
        return values, 1
    below = lcm(*{v.denominator for v in values})
    return values if below == 1 else [v.numerator * (below // v.denominator) for v in values], below


def _mean(weights: Values, columns: Sequence[Values]) -> Any:
    whole = [made_whole(column) for column in columns]
    above = sum(map(prod, zip(weights, *[values for values, _ in whole], strict=True)))
    return quotient(above, sum(weights) * prod(below for _, below in whole))


def _variance(weights: Values, columns: Sequence[Values]) -> Any:
    return _covariance(weights, [*columns, *columns])


def _covariance(weights: Values, columns: Sequence[Values]) -> Any:
    left, right = columns
    return _mean(weights, columns) - _mean(weights, [left]) * _mean(weights, [right])


MOMENTS: dict[type, Callable[[Values, Sequence[Values]], Any]] = {
    Average: _mean,
    Variance: _variance,
    Covariance: _covariance,
}


def _shared_variance(self: Exact, e: SharedVariance, env: Environment) -> Code:
    if not self.world.setting.citing(Kind.SHARED_VARIANCE, e.family):
        if not self.world.declares(Kind.SHARED_VARIANCE, e.family) and not self.world.speaks_of(e.family):
            raise Undeclared(f"nothing says that the scalars of {e.family.name} share a variance")
        # Declared, and not used by this step: a number of which nothing else is known.
        layer = self.integer(e.layer[0], env) if e.layer else 0
        if layer not in self.world.layers:
            raise Nonexistent(f"there is no layer {layer} in a world of layers 0 to {self.world.layers[-1]}")
        return constant(self.world.variance(e.family, layer))
    first = Entry(e.family, *e.layer, *(Integer(1),) * len(e.family.extents(Integer(0))))
    sources = sorted({coin.source for coin in self.read(first, env).coins}, key=str)
    return self.read(Variance(first, Over("its own law", tuple(sources))), env)


def _size(self: Exact, e: Expr, env: Environment) -> Code:
    concrete = e.func(Integer(self.integer(e.args[0], env)))
    self.met.add(concrete)
    return constant(self.world.size(concrete))


def _partial(self: Exact, e: Partial, env: Environment) -> Code:
    seed = (e.variable.family, self.index(e.variable, env))
    return self.derivative(e.target, seed, env) or constant(0)


def _slope(self: Exact, e: ActivationSlope, env: Environment) -> Code:
    if Activation not in self.world.functions:
        return function(self, e, env)
    self.met.add(Activation)
    slope = self.world.functions[Activation].slope
    if self.world.functions[Activation] is IDENTITY:
        return constant(1)
    argument = self.read(e.args[0], env)
    return lifted(slope, [argument])


def _activation(self: Exact, e: Activation, env: Environment) -> Code:
    if Activation not in self.world.functions:
        return function(self, e, env)
    self.met.add(Activation)
    return lifted(self.world.functions[Activation].function, [self.read(e.args[0], env)])


def _delta(self: Exact, e: KroneckerDelta, env: Environment) -> Code:
    return constant(int(self.integer(e.args[0], env) == self.integer(e.args[1], env)))


def _terms(self: Exact, e: Expr, env: Environment) -> list[Code]:
    return [self.read(e.function, inner) for inner in self.ranges(e, env)]


def _of_all(combine: Callable[..., Any]) -> Reader:
    return lambda self, e, env: lifted(combine, [self.read(a, env) for a in e.args])


def _number(self: Exact, e: Expr, env: Environment) -> Code:
    return constant(numeric(e))


def function(self: Exact, e: Function, env: Environment) -> Code:
    """Read a function at its arguments: its value where SymPy knows one, else one of its own for each argument."""
    name, world = type(e).__name__, self.world.number

    def value(*arguments: Any) -> Any:
        known = None if isinstance(e, AppliedUndef) else _known(e.func, arguments)
        if known is not None:
            return known
        return opaque(world, name, tuple(map(told_apart, arguments)), like=e)

    return lifted(value, [self.read(a, env) for a in e.args])


@lru_cache(maxsize=20_000)
def _known(of: type[Function], arguments: tuple[Any, ...]) -> Any:
    """Return the value of a function where SymPy knows one, else None."""
    value = of(*map(symbolic, arguments)).evalf(60)
    return numeric(value) if value.is_number and not value.has(of) else None


def _gaussian(self: Exact, e: GaussianExpectation, env: Environment) -> Code:
    """Read a Gaussian expectation as the mean over a law of few points, its own for each mean and covariance.

    Whatever holds of it there holds by linearity, or of the integrand at every point.
    """
    law = [self.read(p, env) for p in (*e.mean, *(c for row in e.covariance for c in row))]

    @cache
    def mean(*moments: Any) -> Code:
        key = (self.world.number, *moments)
        weights: list[Any] = [abs(opaque(*key, point)) for point in range(3)]
        codes = []
        for point, weight in enumerate(weights):
            inner = {**env, **{v: opaque(*key, point, k) for k, v in enumerate(e.variables)}}
            codes.append(times_code([constant(weight), self.read(e.integrand, inner)]))
        return times_code([constant(quotient(1, sum(weights))), plus_code(codes)])

    random = coins_of(law)
    if not random:
        return mean(*(told_apart(c.value) for c in law))
    inside = self.read(e.integrand, {**env, **dict.fromkeys(e.variables, 1)}).coins

    def run(at: Outcomes) -> list[Any]:
        each = zip(*(map(told_apart, c.run(at)) for c in law), strict=True)
        return [value for row, moments in enumerate(each) for value in mean(*moments).run(at.only([row]))]

    return Code(run, random | inside)


def _piecewise(self: Exact, e: Piecewise, env: Environment) -> Code:
    pieces: list[tuple[Code, Code]] = []
    for value, condition in e.args:
        # What stands where a condition on indices fails need not exist.
        holds = self.read(condition, env)
        if holds.coins or holds.value:
            pieces.append((self.read(value, env), holds))
            if not holds.coins:
                break
    if not pieces:
        raise NotEvaluable(f"{e} has no value here")
    if not pieces[0][1].coins:
        return pieces[0][0]

    def run(at: Outcomes) -> list[Any]:
        found: dict[int, Any] = {}
        left = list(range(at.count))
        for value, condition in pieces:
            holds = dict(zip(left, condition.run(at.only(left)), strict=True))
            here = [row for row in left if holds[row]]
            found |= zip(here, value.run(at.only(here)), strict=True)
            left = [row for row in left if not holds[row]]
        if left:
            raise NotEvaluable(f"{e} has no value here")
        return [found[row] for row in range(at.count)]

    return Code(run, coins_of([code for piece in pieces for code in piece]))


def unexplained(self: Exact, e: Basic, env: Environment) -> Code:
    """Read a node of which a tiny world knows nothing as an opaque atom."""
    if e.atoms(Entry):
        raise NotEvaluable(f"{type(e).__name__} has no exact value in a tiny world")
    values = {s: symbolic(self.read(s, env).value) for s in sorted(e.free_symbols, key=str)}
    return constant(opaque(self.world.number, str(e.xreplace(values)), like=e if isinstance(e, Expr) else None))


READERS: dict[type, Reader] = {
    Symbol: _symbol,
    CostFunction: _symbol,
    Add: lambda self, e, env: plus_code([self.read(a, env) for a in e.args]),
    Mul: lambda self, e, env: times_code([self.read(a, env) for a in e.args]),
    Pow: _power,
    Sum: lambda self, e, env: plus_code(_terms(self, e, env)),
    Product: lambda self, e, env: times_code(_terms(self, e, env)),
    KroneckerDelta: _delta,
    Entry: lambda self, e, env: self.entry(e, env),
    Partial: _partial,
    Mod: _of_all(mod),
    Abs: _of_all(abs),
    Activation: _activation,
    ActivationSlope: _slope,
    Average: lambda self, e, env: self.moment(e, env),
    Variance: lambda self, e, env: self.moment(e, env),
    Covariance: lambda self, e, env: self.moment(e, env),
    SharedVariance: _shared_variance,
    GaussianExpectation: _gaussian,
    Max: _of_all(lambda *a: max(a)),
    Min: _of_all(lambda *a: min(a)),
    Piecewise: _piecewise,
    Tuple: _of_all(lambda *a: a),
    Eq: _of_all(equal),
    Ne: _of_all(lambda a, b: not equal(a, b)),
    StrictLessThan: _of_all(less),
    StrictGreaterThan: _of_all(lambda a, b: less(b, a)),
    LessThan: _of_all(lambda a, b: not less(b, a)),
    GreaterThan: _of_all(lambda a, b: not less(a, b)),
    And: _of_all(lambda *a: all(a)),
    Or: _of_all(lambda *a: any(a)),
    Not: _of_all(lambda a: not a),
    Implies: _of_all(lambda a, b: not a or b),
    Equivalent: _of_all(lambda *a: len({bool(x) for x in a}) == 1),
    BooleanTrue: lambda self, e, env: constant(True),
    BooleanFalse: lambda self, e, env: constant(False),
}


def reader_of(e: Basic) -> Reader:
    """Return how a node is read."""
    if type(e) in READERS:
        return READERS[type(e)]
    if is_size(e):
        return _size
    if isinstance(e, Number | NumberSymbol):
        return _number
    return function if isinstance(e, Function) else unexplained
