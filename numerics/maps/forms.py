"""Derived closed forms without cancellation, with the errors measured of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, S, Symbol

from derive.activations import Activation
from derive.gaussian import NoClosedForm
from derive.gaussian.evaluate import CannotEvaluate
from derive.maps import apart
from derive.maps.gaps import named
from derive.maps.symbols import c, q, rho, sigma_b2, sigma_w2
from derive.proof.rule import RuleDoesNotApply
from derive.quadrature.discs import EPS
from numerics.maps.closed import closed_form
from numerics.maps.compiled import map_program, put_in
from numerics.maps.definitions import GAP, Definition, definition
from numerics.programs.callable import Kernel
from numerics.programs.certificate import RELATIVE, Columns, Truth, measure
from numerics.programs.printers import UnsupportedExpressionError

Span = tuple[float, float]

_SECOND = {"separation": GAP, "covariance": rho}
_DECADES = range(-13, 7)
_PLACES = np.random.default_rng(20160616).uniform(0.1, 0.9, len(_DECADES))
_GAPS = np.array([0.0, *(3.7 * 10.0**-k for k in range(17, 0, -1)), 0.61, 0.9, 1.0, 1.13, 1.42, 1.81, 1.97, 1.9991, 1.999999, 2.0])  # fmt: skip  # noqa: E501
_TRUTH_DIGITS = 110
_LONGEST = 160
# A decade of q counts when the error is below these: relative to the value, or to E[f²].
_RELATIVE, _OF_SIZE = 1e-13, 1e-15


class Form:
    """One closed form of an activation, without cancellation; ``truth`` is it as a function of mpmath's q and c."""

    def __init__(self, activation: Activation, kind: str, expression: Expr, truth: Callable[..., Any]) -> None:
        self.activation, self.kind, self.expression = activation, kind, expression
        self.truth = cache(truth)
        self.measured: dict[int, tuple[float, float]] = {}
        self._kernels: dict[tuple[Symbol, ...], Kernel] = {}

    @cached_property
    def given(self) -> tuple[Symbol, ...]:
        """Its arguments."""
        return (q, _SECOND[self.kind]) if self.kind in _SECOND else (q,)

    def kernel(self, given: tuple[Symbol, ...]) -> Kernel:
        """The function of arrays."""
        if given not in self._kernels:
            self._kernels[given] = Kernel(map_program([self.expression], given, ()), tuple(s.name for s in given))
        return self._kernels[given]

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
            places = 10.0 ** (k + np.array([0.01, _PLACES[k - _DECADES.start], 0.99]))
            gaps = _GAPS if len(self.given) > 1 else np.zeros(1)
            at = {"q": np.repeat(places, len(gaps)), "gap": np.tile(gaps, 3), "rho": np.tile(1 - gaps, 3)}
            columns = {s.name: at[s.name] for s in self.given}
            with mpmath.workdps(_TRUTH_DIGITS):
                found = measure(self.kernel(self.given), self._truth(columns), points=len(at["q"]))
            self.measured[k] = found.accuracies[0].error, found.accuracies[1].error
        return self.measured[k]

    def _truth(self, columns: Columns) -> Truth:
        """The closed form in many digits at some points: beside itself, and beside E[f²]."""
        return Truth(
            outputs=("value", "part of E[f^2]"),
            points=lambda count: (columns, count),
            exact=lambda at: (self._exact(at),) * 2,
            results=lambda kernel, at: (kernel(**at),) * 2,
            domain="a decade of q",
            reference=f"mpmath {mpmath.__version__}, the derived closed form, to {_TRUTH_DIGITS} digits",
            unit=RELATIVE,
            sizes=lambda at: (None, np.array([abs(float(self._at_one(x))) for x in at["q"].tolist()])),
        )

    def _at_one(self, variance: float) -> Any:
        try:
            return self.truth(mpmath.mpf(variance), mpmath.mpf(variance))
        except (ArithmeticError, ValueError, CannotEvaluate):
            return mpmath.nan

    def _exact(self, at: Mapping[str, float]) -> tuple[Any, float]:
        variance, whole = mpmath.mpf(at["q"]), self._at_one(at["q"])
        gap = mpmath.mpf(at["gap"]) if "gap" in at else 1 - mpmath.mpf(at.get("rho", 1.0))
        try:
            found = self.truth(variance, variance * (1 - gap))
        except (ArithmeticError, ValueError, CannotEvaluate):
            found = mpmath.nan
        found = whole - found if self.kind == "separation" else found
        # What is beyond float64 is no truth here: another method takes over.
        return (found if abs(found) < np.finfo(float).max else mpmath.nan), 0.0

    def _holds(self, k: int) -> bool:
        relative, of_size = self.decade(k)
        return relative <= _RELATIVE or (self.kind == "covariance" and of_size <= _OF_SIZE)

    def covers(self, span: Span) -> bool:
        """Whether errors are small in all decades from 1 to these variances, and between them."""
        low, high = math.floor(math.log10(span[0])), math.ceil(math.log10(span[1])) - 1
        return all(k in _DECADES and self._holds(k) for k in range(min(low, 0), max(high, 0) + 1))

    def errors(self, span: Span) -> tuple[float, float]:
        """Twice the largest errors over the decades that hold these variances, and a rounding."""
        low, high = (math.floor(math.log10(x)) for x in span)
        relative, of_size = np.max([self.decade(k) for k in range(low, high + 1)], axis=0)
        return 2 * float(relative) + EPS, 2 * float(of_size) + EPS


@lru_cache(maxsize=512)
def form(activation: Activation, kind: str) -> Form | None:
    """The closed form of an integral of `definitions`, by its kind, or None where there is none that float64 holds."""
    source = closed_form(activation, "covariance" if kind == "separation" else kind)
    if source is None or source.count_ops() > _LONGEST:
        return None
    make = apart.separation_form if kind == "separation" else apart.covariance_form
    try:
        # Without a covariance in it there is no gap to name.
        made = make(source) if source.has(c) and (kind == "separation" or named(source) != source) else None
        run = apart.evaluator(source)
        expression = source if made is None else made.result
        new = Form(activation, kind, expression, lambda variance, shared: run(variance, shared, None, None))
        # Whether NumPy has all of its functions shows at once; the rest takes longer.
        new.kernel(new.given)
        # The kernel rests on the derivation, so it is checked here.
        if made is not None and not made.check().passed:
            return None
        return new if new.covers((1.0, 1.0)) else None
    except (RuleDoesNotApply, UnsupportedExpressionError, CannotEvaluate):
        return None


Plan = tuple[Definition, dict[str, Form]]


@lru_cache(maxsize=1024)
def plan(activation: Activation, name: str) -> Plan | None:
    """The definition of a map, and the certified form of each of its integrals."""
    try:
        found = definition(activation, name)
    except NoClosedForm:
        return None
    forms = {i.kind: form(activation, i.kind) for i in found.integrals.values()}
    known = {kind: f for kind, f in forms.items() if f is not None}
    return (found, known) if len(known) == len(forms) else None


@lru_cache(maxsize=1024)
def compiled_map(activation: Activation, name: str, symbols: Any, one_q: bool, bias: bool, backend: str) -> Kernel:
    """A map of arrays as a kernel, for one variance or many; weights and biases, and the one variance, come last."""
    planned = plan(activation, name)
    assert planned is not None  # `Fast` has seen it
    found, forms = planned
    unit = one_q and all(f.power is not None for f in forms.values() if len(f.given) > 1)
    scaled = {
        kind: (q**f.power, f.expression.xreplace({q: S.One})) if unit and len(f.given) > 1 else (S.One, f.expression)
        for kind, f in forms.items()
    }
    results = put_in(found, scaled)
    if not bias:
        results = [r.xreplace({sigma_b2: S.Zero}) for r in results]
    fixed = (*((q,) if one_q else ()), sigma_w2, sigma_b2)
    program = map_program(results, symbols, fixed, unit=unit)
    return Kernel(program, tuple(a.name[:-1] for a in program.arguments), backend=backend)
