"""Closed forms as compiled kernels, with the error that was measured against the closed form in many digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Mul, S, Symbol, collect, symbols

from derive.activations import Activation
from derive.gaussian.evaluate import CannotEvaluate
from derive.maps import apart
from derive.maps.symbols import c, q
from derive.proof.rule import RuleDoesNotApply
from numerics.kernels.printers import UnsupportedExpressionError
from numerics.maps import closed
from numerics.maps.functions import Array
from numerics.maps.line import EPS
from numerics.maps.program import Compiled

Span = tuple[float, float]
W, B = symbols("weight_variance bias_variance", positive=True)
WRAPS = ("", "scaled", "map", "ratio")
"""X, σ_w² X, σ_w² X + σ_b², and that over the length map; separations take no σ_b²."""
_MODES = {"separation": "gap", "covariance": "rho"}

_DECADES = range(-13, 7)
_GAPS = (
    0.0,
    *(3.7 * 10.0**-k for k in range(17, 0, -1)),
    0.61,
    0.9,
    1.0,
    1.13,
    1.42,
    1.81,
    1.97,
    1.9991,
    1.999999,
    2.0,
)
_DIGITS = 110
_LONGEST = 160
# A decade of q counts when the error is below these: relative to the value, or to E[f²].
_RELATIVE, _OF_SIZE = 1e-13, 1e-15


@dataclass(frozen=True, eq=False)
class Certificate:
    """The largest errors measured, for each decade of q: relative to the value, and to E[f²]; and where they are good.

    ``first`` and ``last`` bound the decades of q that are used.
    """

    relative: Array
    of_size: Array
    first: float
    last: float
    points: int

    def covers(self, span: Span) -> bool:
        """Whether all variances between two are inside."""
        return span[0] >= self.first and span[1] <= self.last

    def over(self, span: Span) -> tuple[float, float]:
        """Twice the largest errors over the decades that hold these variances, and a rounding."""
        low, high = (math.floor(math.log10(x)) - _DECADES.start for x in span)
        part = slice(max(low, 0), high + 1)
        return 2 * float(self.relative[part].max()) + EPS, 2 * float(self.of_size[part].max()) + EPS


class Form:
    """One closed form of an activation, without cancellation, compiled for each way of calling it."""

    def __init__(self, what: str, expression: Expr, second: Expr | None, truth: Callable[..., Any]) -> None:
        self.what, self.expression, self.second = what, expression, second
        self._truth = truth
        self._kernels: dict[tuple[str, str, bool, bool], Compiled] = {}

    def kernel(self, mode: str, wrap: str, *, one_q: bool, bias: bool) -> Compiled:
        """The function of (W, B) or (q, W, B), and of arrays."""
        key = mode, wrap, one_q, bias
        if key not in self._kernels:
            fixed: list[Symbol] = [q, W, B] if one_q else [W, B]
            unit = one_q and self.power is not None
            self._kernels[key] = Compiled(self._wrapped(wrap, unit=unit, bias=bias), mode, fixed, unit=unit)
        return self._kernels[key]

    def _wrapped(self, wrap: str, *, unit: bool, bias: bool) -> Expr:
        value, size = self.expression, S.One
        if unit:
            value, size = value.xreplace({q: S.One}), q**self.power
        if wrap == "":
            return _spread(size, value)
        if wrap == "scaled":
            return _spread(W * size, value)
        shift = B if bias else S.Zero
        own = shift if self.what != "separation" else S.Zero
        if wrap == "map":
            return _spread(W * size, value) + own
        length = W * self.second + shift if bias else self.second
        scale = (W if bias else S.One) * size / length
        return _spread(scale, value) + own / length

    @cached_property
    def power(self) -> int | None:
        """The k for which the form is homogeneous of degree k, tried at points; then one q takes no part."""
        run = apart.evaluator(self.expression)
        with mpmath.workdps(40):
            points = [
                [mpmath.mpf(x) for x in at] for at in (("1.3", "0.4", "0.9", "1.7"), ("0.6", "-0.5", "1.1", "0.1"))
            ]
            for k in (0, 1, 2, 3):
                if all(abs(run(*(3 * x for x in at)) / 3**k - run(*at)) < mpmath.mpf(10) ** -35 for at in points):
                    return k
        return None

    @cached_property
    def certificate(self) -> Certificate:
        """Measured on first use at every decade of q from 1e-13 to 1e6, and gaps from 4e-17 to 2."""
        random = np.random.default_rng(20160616)
        gaps = np.array(_GAPS) if self.what in ("covariance", "separation") else np.array([0.5])
        relative, of_size = [], []
        for decade in _DECADES:
            places = 10.0 ** (decade + np.array([0.01, random.uniform(0.1, 0.9), 0.99]))
            worst = [self._worst(float(at), gaps) for at in places]
            relative.append(max(r for r, _ in worst))
            of_size.append(max(s for _, s in worst))
        usable = np.array([self._is_good(r, s) for r, s in zip(relative, of_size, strict=True)])
        middle = -_DECADES.start
        first = last = middle
        if not usable[middle]:
            return Certificate(np.array(relative), np.array(of_size), math.inf, -math.inf, 0)
        while first > 0 and usable[first - 1]:
            first -= 1
        while last + 1 < len(usable) and usable[last + 1]:
            last += 1
        bounds = (10.0 ** (_DECADES.start + first), 10.0 ** (_DECADES.start + last + 1))
        return Certificate(np.array(relative), np.array(of_size), *bounds, 3 * len(gaps) * len(_DECADES))

    def _is_good(self, relative: float, of_size: float) -> bool:
        return relative <= _RELATIVE or (self.what == "covariance" and of_size <= _OF_SIZE)

    def _worst(self, at: float, gaps: Array) -> tuple[float, float]:
        mode = _MODES.get(self.what, "q")
        second = {"gap": (gaps,), "rho": (1 - gaps,), "q": ()}[mode]
        found = self.kernel(mode, "", one_q=False, bias=False)((1.0, 0.0), (np.array([at]), *second))
        relative = of_size = 0.0
        with mpmath.workdps(_DIGITS):
            variance = mpmath.mpf(at)
            try:
                whole = self._truth(variance, variance)
                size = abs(whole)
                for n, value in enumerate(found):
                    gap = mpmath.mpf(gaps[n]) if mode == "gap" else 1 - mpmath.mpf(float(1 - gaps[n]))
                    truth = self._truth(variance, variance * (1 - gap))
                    truth = whole - truth if self.what == "separation" else truth
                    if not math.isfinite(value):
                        return math.inf, math.inf
                    error = abs(mpmath.mpf(float(value)) - truth)
                    relative = max(relative, float(error / abs(truth)) if truth else (0.0 if not error else math.inf))
                    of_size = max(of_size, float(error / size) if size else math.inf)
            except (ArithmeticError, ValueError, CannotEvaluate):
                return math.inf, math.inf
        return relative, of_size


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
        made = make(source) if source.free_symbols else None
        size = apart.covariance_form(second).result if second.free_symbols else second
        expression = source if made is None else made.result
        run = apart.evaluator(source)
        new = Form(what, expression, size, lambda variance, shared: run(variance, shared, None, None))
        # Whether NumPy has all of its functions shows at once; the rest takes longer.
        new.kernel(_MODES.get(what, "q"), "", one_q=False, bias=False)
        # The kernel rests on the derivation, so it is checked here.
        if made is not None and not made.check().passed:
            return None
        return new if new.certificate.points else None
    except (RuleDoesNotApply, UnsupportedExpressionError, CannotEvaluate):
        return None
