"""The values that the kernel of a map is held against: its derived closed form in many digits, or `numerics.maps`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import mpmath
import numpy as np
from sympy import Expr

from derive.activations import Activation
from derive.gaussian.check import answer_at
from derive.quadrature import Bounded
from numerics.maps import NumericalMaps
from numerics.maps.definitions import Definition
from numerics.maps.evaluation import evaluate
from numerics.maps.one_unit import expectation
from numerics.maps.values import Array
from numerics.programs.certificate import Answer

Point = Mapping[str, float]

_DIGITS = 20
CLOSED_FORM = f"mpmath {mpmath.__version__}, the derived closed form, to {_DIGITS} digits or more"
QUADRATURE = "numerics.maps by quadrature, the bound of its error added"


def by_closed_form(e: Expr, at: Point) -> Answer:
    """The value of a closed form in symbols that `at` names.

    Raises ZeroDivisionError where it is 0/0.
    """
    sample = {symbol: mpmath.mpf(at[symbol.name]) for symbol in e.free_symbols}
    return answer_at(e, sample, _DIGITS), 0.0


def by_quadrature(activation: Activation, e: Expr, found: Definition, at: Point) -> Answer:
    """The value of a result of a definition and the bound of its error."""
    maps = _maps(activation)
    used = {s: i for s, i in found.integrals.items() if s in e.free_symbols}
    laws = (part.free_symbols for i in used.values() for part in i.law)
    known = {s: np.array(at[s.name]) for s in e.free_symbols.union(*laws) - used.keys()}
    value = evaluate(e, known, {s: maps.integral(i, known) for s, i in used.items()})
    return mpmath.mpf(float(value.value)), float(value.error)


class _Precise(NumericalMaps):
    """Expectations of one unit to the last digit, where that can be."""

    def _expectation(self, integrand: Expr, q: Array) -> Bounded:
        return expectation(integrand, self.activation.symbol, q, good=0.0)


@lru_cache(maxsize=256)
def _maps(activation: Activation) -> NumericalMaps:
    return _Precise(activation, method="quadrature")
