"""Reading an expression as a number where all that it is made of is known: definitions only, none of the rules."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import (
    Add,
    And,
    Basic,
    Derivative,
    Eq,
    Expr,
    Function,
    Gt,
    Mul,
    NumberSymbol,
    Pow,
    Product,
    Rational,
    Sum,
    Symbol,
    Tuple,
)
from sympy.logic.boolalg import BooleanAtom

from derive.averages import Average, Bracket
from derive.errors import InputError
from derive.gaussian.expectation import GaussianExpectation
from derive.network import Cost, Partial
from derive.proof.outcomes import ROUNDING, Known, Toss, World
from derive.randomness import Entry, Family

Values = Mapping[Symbol, Any]
FAR, PANEL, NODES = 9.0, 1.0, 12
"""A standard normal variable is integrated over [-9, 9], in panels of this length with this many nodes."""
_STEP = 2.0**-8


class Reader:
    """Reads expressions as numbers; outside integrals, fractions stay fractions."""

    def __init__(self, known: Known) -> None:
        self.known = known

    def number(self, e: Basic) -> Any:
        """Return what a side of a statement is worth: a number, or True or False for a relation."""
        return self.read(e, {}, None)

    def read(self, e: Basic, at: Values, toss: Toss | None) -> Any:
        """Return the value of an expression, given those of bound variables and the coins tossed so far."""
        for kinds, read in _READERS:
            if isinstance(e, kinds):
                return read(self, e, at, toss)
        raise InputError(f"an oracle cannot read {type(e).__name__}")

    def _fraction(self, e: Any, at: Values, toss: Toss | None) -> Any:
        exact = Fraction(int(e.p), int(e.q))
        return float(exact) if _FLOATS in at else exact

    def _symbol(self, e: Any, at: Values, toss: Toss | None) -> Any:
        if e in at:
            return at[e]
        return self._look_up(self.known.symbols, e.name)

    def _look_up(self, table: Mapping[str, Any], name: str) -> Any:
        if name not in table:
            raise InputError(f"the case does not say what {name} is")
        return table[name]

    def _terms(self, e: Any, at: Values, toss: Toss | None) -> list[Any]:
        """The terms of a sum or product; the ends of an index may depend on those written after it."""
        places = [at]
        for index, lower, upper in reversed(e.limits):
            places = [
                {**here, index: k}
                for here in places
                for k in range(int(self.read(lower, here, toss)), int(self.read(upper, here, toss)) + 1)
            ]
        return [self.read(e.function, here, toss) for here in places]

    def _power(self, e: Any, at: Values, toss: Toss | None) -> Any:
        base, exponent = self.read(e.base, at, toss), self.read(e.exp, at, toss)
        if isinstance(exponent, Fraction) and exponent.denominator == 1:
            return (Fraction(base) if isinstance(base, int) else base) ** int(exponent)
        return (float(base) if isinstance(base, Fraction | int) else base) ** float(exponent)

    def _equal(self, e: Any, at: Values, toss: Toss | None) -> bool:
        left, right = (self.read(a, at, toss) for a in e.args)
        return bool(abs(left - right) <= ROUNDING * max(abs(left), abs(right)))

    def _greater(self, e: Any, at: Values, toss: Toss | None) -> bool:
        left, right = (self.read(a, at, toss) for a in e.args)
        return bool(left - right > ROUNDING * max(abs(left), abs(right)))

    def _function(self, e: Any, at: Values, toss: Toss | None) -> Any:
        name = type(e).__name__
        arguments = [a.name if isinstance(a, Family) else _plain(self.read(a, at, toss)) for a in e.args]
        if name in self.known.functions:
            return self.known.functions[name](*arguments)
        return self._look_up(_ELEMENTARY, name)(*arguments)

    def _partial(self, e: Any, at: Values, toss: Toss | None) -> Any:
        """The derivative of the cost by a scalar, or that of an expression as a quotient of differences."""
        if e.target == Cost:
            return self._scalar(e, at, toss)
        index = tuple(int(self.read(a, at, toss)) for a in e.variable.indices)
        world, name = self._world(), e.variable.family.name
        ahead, behind = (
            Reader(replace(self.known, world=world.moved(name, index, side * _STEP))).read(
                e.target, at, toss or world.fixed
            )
            for side in (1, -1)
        )
        return (ahead - behind) / (2 * _STEP)

    def _scalar(self, e: Any, at: Values, toss: Toss | None) -> Any:
        """A scalar of the world, or the cost's derivative by one."""
        entry = e.variable if isinstance(e, Partial) else e
        index = tuple(int(self.read(a, at, toss)) for a in entry.indices)
        world = self._world()
        look = world.cost_slope if isinstance(e, Partial) else world.value
        return look(entry.family.name, index, toss or world.fixed)

    def _bracket(self, e: Any, at: Values, toss: Toss | None) -> Any:
        """A mean, variance or covariance by its definition, every outcome of the named sources tossed."""
        world, sources = self._world(), frozenset(s.name for s in e.over.sources)
        table = world.outcomes(lambda t: [self.read(q, at, t) for q in e.inside], sources, toss or world.fixed)
        total = sum(w for w, _ in table)

        def mean(of: Callable[[list[Any]], Any]) -> Any:
            return sum(w * of(v) for w, v in table) / total

        if isinstance(e, Average):
            return mean(operator.itemgetter(0))
        first, last = (mean(operator.itemgetter(k)) for k in (0, -1))
        return mean(lambda v: v[0] * v[-1]) - first * last

    def _world(self) -> World:
        if self.known.world is None:
            raise InputError("the case has nothing random")
        return self.known.world

    def _derivative(self, e: Any, at: Values, toss: Toss | None) -> Any:
        """A derivative, of one variable after the other, by central differences, each extrapolated once."""

        def slope(variables: tuple[Symbol, ...], there: Values) -> Any:
            if not variables:
                return self.read(e.expr, there, toss)
            first, *others = variables
            here = float(self.read(first, there, toss))

            def quotient(h: float) -> Any:
                ahead, behind = (slope(tuple(others), {**there, first: here + side * h}) for side in (1, -1))
                return (ahead - behind) / (2 * h)

            return (4 * quotient(_STEP / 2) - quotient(_STEP)) / 3

        return slope(e.variables, at)

    def _expectation(self, e: Any, at: Values, toss: Toss | None) -> Any:
        """A Gaussian mean, one standard normal variable after the other (Cholesky), split where kinks are."""
        mean = [float(self.read(m, at, toss)) for m in e.mean]
        covariance = [[float(self.read(c, at, toss)) for c in row] for row in e.covariance]
        if covariance != [list(column) for column in zip(*covariance, strict=True)]:
            raise InputError(f"a covariance is symmetric, got {covariance}")
        rows = _cholesky(covariance)
        return self._integral(e, mean, rows, (), {**at, _FLOATS: True}, toss)

    def _integral(self, e: Any, mean: Any, rows: Any, drawn: tuple[Any, ...], at: Values, toss: Toss | None) -> Any:
        k = len(drawn)
        if k == len(mean):
            return self.read(e.integrand, at, toss)
        centre = mean[k] + sum(rows[k][j] * drawn[j] for j in range(k))
        spread, variable = rows[k][k], e.variables[k]
        if spread == 0:
            found = self._integral(e, mean, rows, (*drawn, 0.0), {**at, variable: centre}, toss)
            return found[:, 0] if getattr(found, "ndim", 0) == 2 else found

        def inner(x: Any) -> Any:
            return self._integral(e, mean, rows, (*drawn, x), {**at, variable: centre + spread * x}, toss)

        breaks = [(u - centre) / spread for u in self._kinks(e, k, at, toss)]
        nodes, weights = _rule(breaks)
        whole = k + 1 == len(mean) and not e.integrand.has(GaussianExpectation)
        if len(mean) == 2 and k == 0 and not self.known.kinks and not e.integrand.has(GaussianExpectation):
            # Both variables at once; the second one's sum is over the last axis.
            return float((weights * inner(nodes[:, None])).sum())
        values = inner(nodes) if whole else [inner(float(x)) for x in nodes]
        total = (weights * values).sum(axis=-1)
        return total if total.ndim else float(total)

    def _kinks(self, e: Any, k: int, at: Values, toss: Toss | None) -> set[float]:
        """Where, in the k-th variable, an argument of an activation function meets a kink: it is affine in it."""
        found, variable, later = set[float](), e.variables[k], set(e.variables[k + 1 :])
        for node in _functions_of(e.integrand):
            argument = node.args[0]
            if not self.known.kinks or variable not in argument.free_symbols or argument.free_symbols & later:
                continue
            start, end = (self.read(argument, {**at, variable: float(u)}, toss) for u in (0, 1))
            found |= {(p - start) / (end - start) for p in self.known.kinks}
        return found


_FLOATS = Symbol("inside an integral")


def _plain(value: Any) -> Any:
    """Return a fraction as an int or a float."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value


def _functions_of(e: Basic) -> set[Any]:
    """Return the applied functions of an integrand, those of expectations inside it left out."""
    if isinstance(e, GaussianExpectation):
        return set()
    inner = set[Any]().union(*(_functions_of(a) for a in e.args))
    return inner | {e} if isinstance(e, Function) else inner


def _cholesky(covariance: list[list[float]]) -> list[list[float]]:
    rows: list[list[float]] = []
    for k, row in enumerate(covariance):
        mine: list[float] = []
        for j in range(k):
            rest = row[j] - sum(a * b for a, b in zip(mine, rows[j], strict=False))
            mine.append(rest / rows[j][j] if rows[j][j] else 0.0)
        rest = row[k] - sum(a * a for a in mine)
        rows.append([*mine, math.sqrt(rest) if rest > ROUNDING**2 * row[k] else 0.0])
    return rows


def _rule(breaks: list[float]) -> tuple[Any, Any]:
    """Return nodes and weights for a standard normal variable: Gauss and Legendre's on panels, finer at breaks."""
    import numpy as np
    from numpy.polynomial.legendre import leggauss

    ends = {-FAR + PANEL * k for k in range(int(2 * FAR / PANEL) + 1)}
    for at in breaks:
        ends |= {at + side * PANEL * 4.0**-k for k in range(1, 6) for side in (-1, 1)} | {at}
    inside = np.array(sorted(x for x in ends if abs(x) <= FAR))
    x, w = leggauss(NODES)
    half, middle = np.diff(inside) / 2, (inside[1:] + inside[:-1]) / 2
    nodes = (middle[:, None] + half[:, None] * x).ravel()
    return nodes, (half[:, None] * w).ravel() * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)


def _spectral_radius(rows: Any) -> float:
    import numpy as np

    return float(abs(np.linalg.eigvals(np.array(rows, dtype=float))).max())


_ELEMENTARY: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("exp", "log", "asin", "atan")},
    "Phi": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "NormalDensity": lambda x: math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    "SpectralRadius": _spectral_radius,
    "Abs": abs,
    "Max": max,
    "Min": min,
    "Mod": operator.mod,
    "floor": math.floor,
    "KroneckerDelta": lambda j, k, *_: int(j == k),
}
_READERS: tuple[tuple[Any, Callable[[Reader, Any, Values, Toss | None], Any]], ...] = (
    (BooleanAtom, lambda _, e, __, ___: bool(e)),
    (Symbol, Reader._symbol),
    (Rational, Reader._fraction),
    (NumberSymbol, lambda _, e, __, ___: float(e)),
    (Add, lambda self, e, at, toss: sum(self.read(a, at, toss) for a in e.args)),
    (Mul, lambda self, e, at, toss: math.prod(self.read(a, at, toss) for a in e.args)),
    (Pow, Reader._power),
    (Sum, lambda self, e, at, toss: sum(self._terms(e, at, toss))),
    (Product, lambda self, e, at, toss: math.prod(self._terms(e, at, toss))),
    (And, lambda self, e, at, toss: all(self.read(a, at, toss) for a in e.args)),
    (Eq, Reader._equal),
    (Gt, Reader._greater),
    (Tuple, lambda self, e, at, toss: [self.read(a, at, toss) for a in e.args]),
    (Bracket, Reader._bracket),
    (Entry, Reader._scalar),
    (Partial, Reader._partial),
    (GaussianExpectation, Reader._expectation),
    (Derivative, Reader._derivative),
    (Expr, Reader._function),
)
