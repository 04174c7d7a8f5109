"""Derived closed forms without cancellation, with the errors measured of them.

The formula around a form (σ_w² X + σ_b², or that over the length map) is the definition of its map, from
`numerics.maps.definitions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Mul, S, Symbol, collect

from derive.activations import Activation
from derive.gaussian.evaluate import CannotEvaluate
from derive.maps import Maps, apart, sigma_b2, sigma_w2
from derive.maps.symbols import c, q
from derive.proof.rule import RuleDoesNotApply
from derive.quadrature.discs import EPS
from numerics.maps import closed
from numerics.maps.compiled import Compiled
from numerics.maps.definitions import definition
from numerics.maps.values import Array
from numerics.programs.printers import UnsupportedExpressionError

Span = tuple[float, float]
WRAPS = {
    ("second", "map"): "length_map",
    ("slope_second", "scaled"): "chi_perp",
    ("second_slope", "scaled"): "chi_par",
    ("covariance", "map"): "covariance_map",
    ("covariance", "ratio"): "correlation_map",
    ("separation", "scaled"): "sample_variance_map",
    ("separation", "ratio"): "gap_map",
}
"""The map that a wrap makes of a form."""

_MODES = {"separation": "gap", "covariance": "rho"}
_DECADES = range(-13, 7)
_PLACES = np.random.default_rng(20160616).uniform(0.1, 0.9, len(_DECADES))
_GAPS = np.array([0.0, *(3.7 * 10.0**-k for k in range(17, 0, -1)), 0.61, 0.9, 1.0, 1.13, 1.42, 1.81, 1.97, 1.9991, 1.999999, 2.0])  # fmt: skip  # noqa: E501
_TRUTH_DIGITS = 110
_LONGEST = 160
# A decade of q counts when the error is below these: relative to the value, or to E[f²].
_RELATIVE, _OF_SIZE = 1e-13, 1e-15


class Form:
    """One closed form of an activation, without cancellation, compiled for each way of calling it.

    ``second`` is the form of E[f²], ``truth`` the closed form as a function of mpmath numbers q and c.
    """

    def __init__(
        self, activation: Activation, what: str, expression: Expr, second: Expr, truth: Callable[..., Any]
    ) -> None:
        self.activation, self.what = activation, what
        self.expression, self.second, self.truth = expression, second, truth
        self._kernels: dict[tuple[str, str, bool, bool], Compiled] = {}
        self.measured: dict[int, tuple[float, float]] = {}

    def kernel(self, mode: str, wrap: str, *, one_q: bool, bias: bool) -> Compiled:
        """The function of (σ_w², σ_b²) or (q, σ_w², σ_b²), and of arrays."""
        key = mode, wrap, one_q, bias
        if key not in self._kernels:
            fixed = [q, sigma_w2, sigma_b2] if one_q else [sigma_w2, sigma_b2]
            unit = one_q and self.power is not None
            self._kernels[key] = Compiled(self._wrapped(wrap, unit=unit, bias=bias), mode, fixed, unit=unit)
        return self._kernels[key]

    def _wrapped(self, wrap: str, *, unit: bool, bias: bool) -> Expr:
        """The map's definition, which is linear in the form, with the form put in term by term."""
        value, size = (self.expression.xreplace({q: S.One}), q**self.power) if unit else (self.expression, S.One)
        if wrap == "":
            return _spread(size, value)
        whole, stand_in = _definition(self.activation, self.what, wrap)
        whole = whole.xreplace({_SECOND: self.second} if bias else {_SECOND: self.second, sigma_b2: S.Zero})
        return _spread(whole.diff(stand_in) * size, value) + whole.xreplace({stand_in: S.Zero})

    @cached_property
    def power(self) -> int | None:
        """The k for which the form is homogeneous of degree k, tried at points; then one q takes no part."""
        run = apart.evaluator(self.expression)
        with mpmath.workdps(40):
            points = [[mpmath.mpf(x) / 10 for x in at] for at in ((13, 4, 9, 17), (6, -5, 11, 1))]
            for k in (0, 1, 2, 3):
                if all(abs(run(*(3 * x for x in at)) / 3**k - run(*at)) < mpmath.mpf(10) ** -35 for at in points):
                    return k
        return None

    def decade(self, k: int) -> tuple[float, float]:
        """The largest errors, of the value and of E[f²], for 10^k <= q < 10^(k + 1), measured once."""
        if k not in self.measured:
            gaps = _GAPS if self.what in _MODES else np.array([0.5])
            places = 10.0 ** (k + np.array([0.01, _PLACES[k - _DECADES.start], 0.99]))
            relative, of_size = np.max([self._worst(at, gaps) for at in places.tolist()], axis=0).tolist()
            self.measured[k] = relative, of_size
        return self.measured[k]

    def _holds(self, k: int) -> bool:
        relative, of_size = self.decade(k)
        return relative <= _RELATIVE or (self.what == "covariance" and of_size <= _OF_SIZE)

    def covers(self, span: Span) -> bool:
        """Whether errors are small in all decades from 1 to these variances, and between them."""
        low, high = math.floor(math.log10(span[0])), math.ceil(math.log10(span[1])) - 1
        return all(k in _DECADES and self._holds(k) for k in range(min(low, 0), max(high, 0) + 1))

    def errors(self, span: Span) -> tuple[float, float]:
        """Twice the largest errors over the decades that hold these variances, and a rounding."""
        low, high = (math.floor(math.log10(x)) for x in span)
        relative, of_size = np.max([self.decade(k) for k in range(low, high + 1)], axis=0)
        return 2 * float(relative) + EPS, 2 * float(of_size) + EPS

    def _worst(self, at: float, gaps: Array) -> tuple[float, float]:
        """The largest errors at a variance, relative to the value and to E[f²]."""
        mode = _MODES.get(self.what, "q")
        second = {"gap": (gaps,), "rho": (1 - gaps,), "q": ()}[mode]
        found = self.kernel(mode, "", one_q=False, bias=False)((1.0, 0.0), (np.array([at]), *second))
        relative = of_size = 0.0
        with mpmath.workdps(_TRUTH_DIGITS):
            variance = mpmath.mpf(at)
            try:
                whole = self.truth(variance, variance)
                for n, value in enumerate(found.tolist()):
                    gap = mpmath.mpf(gaps[n]) if mode == "gap" else 1 - mpmath.mpf(float(1 - gaps[n]))
                    truth = self.truth(variance, variance * (1 - gap))
                    truth = whole - truth if self.what == "separation" else truth
                    error = abs(mpmath.mpf(value) - truth) if math.isfinite(value) else mpmath.inf
                    relative = max(relative, _share(error, truth))
                    of_size = max(of_size, _share(error, whole))
            except (ArithmeticError, ValueError, CannotEvaluate):
                return math.inf, math.inf
        return relative, of_size


def _share(error: Any, of: Any) -> float:
    return float(error / abs(of)) if of else (math.inf if error else 0.0)


_SECOND = Symbol("second", positive=True)


@lru_cache(maxsize=512)
def _definition(activation: Activation, what: str, wrap: str) -> tuple[Expr, Symbol]:
    """The definition of a map in stand-ins for E[f²] (`_SECOND`) and for the form, which is returned, too."""
    found = definition(Maps(activation), WRAPS[what, wrap])
    (whole,) = found.results
    squares = {s for s, i in found.integrals.items() if i.kind == "moment" and i.factors == ("value", "value")}
    (stand_in,) = found.integrals.keys() - squares or squares
    if stand_in in squares:
        return whole, stand_in
    whole = whole.xreplace(dict.fromkeys(squares, _SECOND))
    return whole, stand_in


def _spread(scale: Expr, value: Expr) -> Expr:
    """Scale every term, so that its own constant takes the scale in."""
    value = collect(value, c) if value.is_Add else value
    return sum((scale * term for term in value.args), S.Zero) if value.is_Add else Mul(scale, value)


@lru_cache(maxsize=512)
def form(activation: Activation, what: str) -> Form | None:
    """The compiled closed form of a map, or None where there is none that float64 holds.

    ``what`` is separation, covariance, or a moment of one unit that `closed.closed_form` knows.
    """
    found = closed.closed_form(activation, "covariance" if what == "separation" else what)
    second = closed.closed_form(activation, "second")
    if found is None or second is None or max(found.count_ops(), second.count_ops()) > _LONGEST:
        return None
    names = {closed.Q: q, closed.C: c}
    source, second = found.xreplace(names), second.xreplace(names)
    make = apart.separation_form if what == "separation" else apart.covariance_form
    try:
        # Without a covariance in it there is no gap to name.
        made = make(source) if source.has(c) else None
        size = apart.covariance_form(second).result if second.has(c) else second
        run = apart.evaluator(source)
        expression = source if made is None else made.result
        new = Form(activation, what, expression, size, lambda variance, shared: run(variance, shared, None, None))
        # Whether NumPy has all of its functions shows at once; the rest takes longer.
        new.kernel(_MODES.get(what, "q"), "", one_q=False, bias=False)
        # The kernel rests on the derivation, so it is checked here.
        if made is not None and not made.check().passed:
            return None
        return new if new.covers((1.0, 1.0)) else None
    except (RuleDoesNotApply, UnsupportedExpressionError, CannotEvaluate):
        return None
