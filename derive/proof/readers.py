"""How each kind of expression is read in a tiny world; one entry a kind in `READERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

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

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import Kind
from derive.network import Activation, ActivationSlope, Partial, Width
from derive.proof.code import (
    Code,
    Nonexistent,
    NotEvaluable,
    Undeclared,
    constant,
    folded,
    plus_code,
    times_code,
)
from derive.proof.laws import Number, whole
from derive.randomness import Entry, Over

if TYPE_CHECKING:
    from derive.proof.exact import Exact

Environment = Mapping[Symbol, int]
Table = list[tuple[Number, tuple[Any, ...]]]


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
        return folded(lambda: base.run() ** n, [base])
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


MOMENTS: dict[type, Callable[[Table, Number], Fraction]] = {
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
    seed = (e.variable.family, self.index(e.variable, env))
    return self.derivative(e.target, seed, env) or constant(0)


def _slope(self: Exact, e: ActivationSlope, env: Environment) -> Code:
    if self.world.setting.citing(Kind.LINEAR):
        return constant(1)
    argument, slope = self.read(e.args[0], env), self.world.activation.slope
    return folded(lambda: slope(argument.run()), [argument])


def _activation(self: Exact, e: Activation, env: Environment) -> Code:
    argument, function = self.read(e.args[0], env), self.world.activation.function
    return folded(lambda: function(argument.run()), [argument])


def _absolute(argument: Code) -> Code:
    return folded(lambda: abs(argument.run()), [argument])


def _delta(self: Exact, e: KroneckerDelta, env: Environment) -> Code:
    return constant(int(self.integer(e.args[0], env) == self.integer(e.args[1], env)))


def _terms(self: Exact, e: Expr, env: Environment) -> list[Code]:
    return [self.read(e.function, inner) for inner in self.ranges(e, env)]


def _logical(combine: Callable[..., bool]) -> Callable[[Exact, Basic, Environment], Code]:
    def read(self: Exact, e: Basic, env: Environment) -> Code:
        codes = [self.read(a, env) for a in e.args]
        return folded(lambda: combine(*(c.run() for c in codes)), codes)

    return read


READERS: dict[type, Callable[[Exact, Any, Environment], Code]] = {
    Symbol: _symbol,
    Add: lambda self, e, env: plus_code([self.read(a, env) for a in e.args]),
    Mul: lambda self, e, env: times_code([self.read(a, env) for a in e.args]),
    Pow: _power,
    Sum: lambda self, e, env: plus_code(_terms(self, e, env)),
    Product: lambda self, e, env: times_code(_terms(self, e, env)),
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
    READERS[type(_number)] = lambda self, e, env: constant(whole(Fraction(e.p, e.q)))
