"""An expression read by discs: `Reading` encloses its values over boxes, and evaluates it with its rounding error.

Conditions (of a Piecewise, a sign, a maximum) are decided from the values that the real arguments take; where they are
decided the other side is never looked at, so that each formula is continued analytically beyond its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from derive.gaussian import functions
from derive.quadrature import discs
from derive.quadrature.discs import Disc

STABLE: dict[str, Callable[..., Disc]] = {
    "Logistic": discs.logistic,
    "Softplus": discs.softplus,
    "Expm1": discs.expm1,
    "Tanh": discs.tanh,
    "Cdf": discs.ndtr,
    "LogCdf": discs.log_ndtr,
    "Root": discs.root,
    "PlusRoot": discs.plus_root,
    "Erfcx": discs.erfcx,
    "Log1p": discs.log1p,
}
"""By name: functions that stand for a form that does not cancel."""

_FUNCTIONS: dict[type, Callable[..., Disc]] = {
    sp.exp: discs.exp,
    sp.log: discs.log,
    sp.sin: discs.sin,
    sp.cos: discs.cos,
    sp.tan: discs.tan,
    sp.sinh: discs.sinh,
    sp.cosh: discs.cosh,
    sp.tanh: discs.tanh,
    sp.erf: discs.erf,
    sp.erfc: discs.erfc,
    functions.Phi: discs.ndtr,
    functions.NormalDensity: discs.normal_density,
    functions.OwensT: discs.owens_t,
    functions.BivariateNormalCDF: discs.bivariate_cdf,
    sp.asin: discs.asin,
    sp.acos: discs.acos,
    sp.atan: discs.atan,
    sp.asinh: discs.asinh,
    sp.atanh: discs.atanh,
}


class CannotRead(Exception):
    """A function that discs have no rule for."""


class Truth(NamedTuple):
    """Where a condition surely holds, and where it surely does not."""

    yes: Any
    no: Any


Decided = dict[int, tuple[Any, ...]]
"""By the place in the program: what was decided on the real line."""


class _Run:
    """One pass over the program."""

    def __init__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None) -> None:
        self.given = given
        self.real = decided is None
        self.decided: Decided = {} if decided is None else decided

    def decide(self, place: int, make: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Make a decision on the real line; repeat it in the plane."""
        if self.real:
            self.decided[place] = make()
        return self.decided[place]


Switch = Callable[[list[Any], _Run], tuple[Any, Any]]


class Reading:
    """Expressions that share their parts, each part computed once.

    Raises `CannotRead` for a function without a rule.
    """

    def __init__(self, expressions: Sequence[sp.Expr], variables: Sequence[sp.Symbol] = ()) -> None:
        self.variables = tuple(variables)
        self._steps: list[Callable[[list[Any], _Run], Any]] = []
        self._places: dict[sp.Basic, int] = {}
        self._switches: list[sp.Expr] = []
        self._outputs = [self._place(e) for e in expressions]

    @property
    def length(self) -> int:
        """How many steps a value takes."""
        return len(self._steps)

    def __call__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None = None) -> tuple[list[Disc], Decided]:
        """Enclose the values at arguments given as discs, which broadcast.

        Without ``decided`` the arguments are real, and the decisions are made and returned; with it they are complex
        discs about the same points, and what was decided holds for them.
        """
        run = _Run(given, decided)
        values: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self._steps:
                values.append(step(values, run))
        return [values[n] for n in self._outputs], run.decided

    def _place(self, e: sp.Basic) -> int:
        if e not in self._places:
            step = self._step(e)  # which places the parts first
            self._steps.append(step)
            self._places[e] = len(self._steps) - 1
        return self._places[e]

    def _step(self, e: sp.Basic) -> Callable[[list[Any], _Run], Any]:
        if isinstance(e, sp.Symbol):
            return lambda values, run: run.given[e]
        if e.is_number and not isinstance(e, sp.logic.boolalg.BooleanAtom):
            return self._number(e)
        if e in (sp.true, sp.false):
            truth = Truth(np.asarray(e is sp.true), np.asarray(e is sp.false))
            return lambda values, run: truth
        if isinstance(e, sp.Piecewise):
            return self._piecewise(e)
        if isinstance(e, sp.Pow) and not e.exp.is_number:
            return self._step(sp.exp(e.exp * sp.log(e.base), evaluate=False) if e.base != sp.E else sp.exp(e.exp))
        if isinstance(e, sp.Pow) and isinstance(e.base, sp.cosh) and e.exp.is_negative:
            inner, size = self._place(e.base.args[0]), -float(e.exp)
            return lambda values, run: discs.power(discs.sech(values[inner], run.real), size, run.real)
        if isinstance(e, sp.Pow) and e.exp.is_number:
            base, exponent = self._place(e.base), float(e.exp)
            return lambda values, run: discs.power(values[base], exponent, run.real)
        parts = [self._place(a) for a in e.args]
        return self._combined(e, parts)

    def _number(self, e: sp.Basic) -> Callable[[list[Any], _Run], Any]:
        value = e.evalf(25)
        if not value.is_Float and not value.is_Rational:
            raise CannotRead(f"{e} is not a real number")
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        exact = bool(e.is_Rational) and np.isfinite(number) and sp.Rational(number) == e
        found = discs.constant(number, 0.0 if exact else discs.EPS)
        return lambda values, run: found

    def _combined(self, e: sp.Basic, parts: list[int]) -> Callable[[list[Any], _Run], Any]:
        if e.is_Add:
            return lambda values, run: discs.add(*(values[n] for n in parts))
        if e.is_Mul:
            return lambda values, run: discs.multiply(*(values[n] for n in parts))
        if isinstance(e, Relational):
            return self._relation(e)
        if isinstance(e, sp.And | sp.Or | sp.Not | sp.ITE):
            return lambda values, run: _logic(type(e), [values[n] for n in parts])
        if isinstance(e, sp.Abs | sp.sign | sp.Heaviside):
            first, kind, switch = parts[0], _SIGNS[type(e)], self._switch(e.args[0])
            return lambda values, run: kind(values[first], *switch(values, run), run.real)
        if isinstance(e, sp.Max | sp.Min):
            side = 1 if isinstance(e, sp.Max) else -1
            leads = [[self._switch(side * (a - b)) for b in e.args if b is not a] for a in e.args]
            return lambda values, run: _chosen(
                [values[n] for n in parts], [[lead(values, run) for lead in rest] for rest in leads], side, run.real
            )
        function = _FUNCTIONS.get(type(e)) or STABLE.get(type(e).__name__)
        if function is None:
            raise CannotRead(str(e.func))
        return lambda values, run: function(*(values[n] for n in parts), run.real)

    def _relation(self, e: Relational) -> Callable[[list[Any], _Run], Any]:
        if e.rel_op in ("==", "!="):
            # Equality holds at single points only, which have no weight.
            truth = Truth(np.asarray(e.rel_op == "!="), np.asarray(e.rel_op == "=="))
            return lambda values, run: truth
        switch, strict = self._switch(e.gts - e.lts), e.rel_op in ("<", ">")
        return lambda values, run: _decided(*switch(values, run), strict)

    def _switch(self, u: sp.Expr) -> Switch:
        """Where u is surely positive, and where it is surely negative, on the real line; a point has no weight.

        Where u is 0 throughout, both are said.
        """
        place = len(self._switches)
        self._switches.append(u)
        decide = self._affine_switch(u) or self._any_switch(u)
        return lambda values, run: run.decide(place, lambda: decide(values, run))

    def _any_switch(self, u: sp.Expr) -> Switch:
        n = self._place(u)
        return lambda values, run: (values[n].mid >= values[n].rad, values[n].mid <= -values[n].rad)

    def _affine_switch(self, u: sp.Expr) -> Switch | None:
        """From its values at the ends, whose rounding is small where they are."""
        own = [v for v in self.variables if v in u.free_symbols]
        if not own or not u.is_polynomial(*own) or sp.Poly(u, *own).total_degree() > 1:
            return None
        rates = [self._place(sp.sympify(sp.Poly(u, *own).coeff_monomial(v))) for v in own]
        start = self._place(sp.sympify(sp.Poly(u, *own).coeff_monomial(1)))

        def decide(values: list[Any], run: _Run) -> tuple[Any, Any]:
            low = high = values[start].mid
            error_low = error_high = values[start].rad + discs.EPS * np.abs(low)
            for v, n in zip(own, rates, strict=True):
                rate, (m, r) = values[n], run.given[v]
                first, last = m - r, m + r
                left, right = np.where(rate.mid > 0, first, last), np.where(rate.mid > 0, last, first)
                low, high = low + rate.mid * left, high + rate.mid * right
                share = np.abs(rate.mid) * 3 * discs.EPS + rate.rad
                error_low = error_low + share * np.abs(left) + discs.EPS * np.abs(low)
                error_high = error_high + share * np.abs(right) + discs.EPS * np.abs(high)
            return low >= error_low, high <= -error_high

        return decide

    def _piecewise(self, e: sp.Piecewise) -> Callable[[list[Any], _Run], Any]:
        cases = [(self._place(value), self._place(condition)) for value, condition in e.args]
        return lambda values, run: _first(run, [(values[v], values[c]) for v, c in cases])


def _decided(positive: Any, negative: Any, strict: bool) -> Truth:
    """Whether u > 0 (strict), or u >= 0."""
    zero = positive & negative
    return Truth(positive & ~zero, negative) if strict else Truth(positive, negative & ~zero)


def _logic(kind: type, parts: list[Truth]) -> Truth:
    if kind is sp.ITE:
        test, first, second = parts
        yes = (test.yes & first.yes) | (test.no & second.yes) | (first.yes & second.yes)
        return Truth(yes, (test.yes & first.no) | (test.no & second.no) | (first.no & second.no))
    if kind is sp.Not:
        return Truth(parts[0].no, parts[0].yes)
    yes, no = parts[0]
    for part in parts[1:]:
        yes, no = (yes & part.yes, no | part.no) if kind is sp.And else (yes | part.yes, no & part.no)
    return Truth(yes, no)


def _hull(low: Any, high: Any) -> Disc:
    return Disc(0.5 * (low + high), 0.5 * (high - low))


def _pick(choices: Sequence[tuple[Any, Disc]], otherwise: Disc) -> Disc:
    mid, rad = otherwise
    for where, (m, r) in choices:
        mid, rad = np.where(where, m, mid), np.where(where, r, rad)
    return Disc(mid, rad)


def _unknown(real: bool, low: Any, high: Any) -> Disc:
    """Between two numbers on the real line; in the plane nothing is known of what is not one formula."""
    hull = _hull(low, high)
    return hull if real else Disc(hull.mid, np.full_like(hull.mid, np.inf))


def _abs(u: Disc, yes: Any, no: Any, real: bool) -> Disc:
    return _pick([(yes, u), (no, Disc(-u.mid, u.rad))], _unknown(real, 0.0 * u.mid, np.abs(u.mid) + u.rad))


def _sign(u: Disc, yes: Any, no: Any, real: bool) -> Disc:
    one = np.ones_like(u.mid)
    none = np.zeros_like(one)
    cases = [(yes, Disc(one, none)), (no, Disc(-one, none)), (yes & no, Disc(none, none))]
    return _pick(cases, _unknown(real, -one, one))


def _heaviside(u: Disc, yes: Any, no: Any, real: bool) -> Disc:
    sign = _sign(u, yes, no, real)
    return Disc(0.5 * (1 + sign.mid), 0.5 * sign.rad)


_SIGNS: dict[type, Callable[..., Disc]] = {sp.Abs: _abs, sp.sign: _sign, sp.Heaviside: _heaviside}


def _chosen(parts: list[Disc], leads: list[list[tuple[Any, Any]]], side: int, real: bool) -> Disc:
    """The largest (smallest) of the parts: that which leads all others."""
    choose = np.maximum if side > 0 else np.minimum
    low, high = parts[0].mid - parts[0].rad, parts[0].mid + parts[0].rad
    for m, r in parts[1:]:
        low, high = choose(low, m - r), choose(high, m + r)
    choices = []
    for part, rest in zip(parts, leads, strict=True):
        leading = np.asarray(True)
        for yes, _ in rest:
            leading = leading & yes
        choices.append((leading, part))
    return _pick(choices, _unknown(real, low, high))


def _first(run: _Run, cases: list[tuple[Disc, Truth]]) -> Disc:
    """The first case that holds; on the real line the hull of all that may be."""
    left = np.asarray(True)
    low, high = np.asarray(np.inf), np.asarray(-np.inf)
    for (m, r), condition in cases:
        may = left & ~condition.no
        low, high = np.where(may, np.minimum(low, m - r), low), np.where(may, np.maximum(high, m + r), high)
        left = left & ~condition.yes
    return _pick(_settled(cases), _unknown(run.real, low, high))


def _settled(cases: list[tuple[Disc, Truth]]) -> list[tuple[Any, Disc]]:
    """Where each case is the one: its condition holds, and all before surely do not."""
    before = np.asarray(True)
    found = []
    for value, condition in cases:
        found.append((before & condition.yes, value))
        before = before & condition.no
    return found
