"""The values that the kernel of a map is held against: its derived closed form in many digits, or `numerics.maps`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import mpmath
import numpy as np
from sympy import DiracDelta, Expr, Symbol

from derive.activations import Activation
from derive.gaussian.check import answer_at
from derive.quadrature import Bounded, Line
from derive.quadrature.digits import many_digits
from derive.quadrature.discs import EPS
from numerics.maps import NumericalMaps
from numerics.maps.values import Array
from numerics.programs.certificate import Answer

Point = Mapping[str, float]

_DIGITS = 20
CLOSED_FORM = f"mpmath {mpmath.__version__}, the derived closed form, to {_DIGITS} digits or more"
QUADRATURE = "numerics.maps by quadrature, the bound of its error added"

_ARGUMENTS = {"covariance_map": ("q_1", "rho", "q_2"), "correlation_map": ("q", "rho")}
_ARGUMENTS |= dict.fromkeys(("K", "mean_square_map", "sample_variance_map"), ("m", "v"))


def by_closed_form(e: Expr, at: Point) -> Answer:
    """The value of a closed form in symbols that `at` names.

    Raises ZeroDivisionError where it is 0/0.
    """
    sample = {symbol: mpmath.mpf(at[symbol.name]) for symbol in e.free_symbols}
    return answer_at(e, sample, _DIGITS), 0.0


def by_quadrature(activation: Activation, name: str, at: Point) -> Answer:
    """The value of a map and the bound of its error."""
    maps = _maps(activation, at.get("sigma_w2", 1.0), at.get("sigma_b2", 0.0))
    known = dict(at)
    if name == "covariance_map":
        with mpmath.workdps(30):
            rho = mpmath.mpf(at["c"]) / mpmath.sqrt(mpmath.mpf(at["q_1"]) * mpmath.mpf(at["q_2"]))
        known["rho"] = min(max(float(rho), -1.0), 1.0)
    if "m2" in at:
        known |= {"m": at["m2"] ** 0.5, "v": at["v2"] ** 0.5}
    evaluate = maps.chi_perp if name == "backward_factor" else getattr(maps, name)
    found = evaluate(*(known[argument] for argument in _ARGUMENTS.get(name, ("q",))))
    factor = mpmath.mpf(at["n_out"]) / mpmath.mpf(at["n_in"]) if name == "backward_factor" else 1
    return factor * mpmath.mpf(float(found.value)), float(factor * float(found.error))


class _Precise(NumericalMaps):
    """Expectations of one unit to the last digit, where that can be."""

    def _expectation(self, integrand: Expr, q: Array) -> Bounded:
        line = None if integrand.has(DiracDelta) else _line(integrand, self.activation.symbol)
        found = [line and many_digits(line, 0.0, variance, _DIGITS) for variance in q.ravel().tolist()]
        known = [f for f in found if f is not None]
        if not line or len(known) < len(found):
            return super()._expectation(integrand, q)
        value, error, _ = np.array(known, dtype=np.float64).T.reshape(3, *q.shape)
        return Bounded(value, error + 0.5 * EPS * np.abs(value))


@lru_cache(maxsize=256)
def _line(g: Expr, s: Symbol) -> Line:
    return Line([g], s)


@lru_cache(maxsize=256)
def _maps(activation: Activation, weight_variance: float, bias_variance: float) -> NumericalMaps:
    return _Precise(activation, weight_variance=weight_variance, bias_variance=bias_variance, method="quadrature")
