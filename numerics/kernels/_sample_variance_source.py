"""The expressions that the sample-variance kernels are generated from.

TO BE REPLACED by `derive.theorem("sample-variance-stable").result` and `derive.theorem("kernel-K").result`
once those theorems exist: nothing else in this package states a formula.
`tests/numerics/kernels/test_source.py` proves `STABLE` equal to `DEFINITION`, and holds `DEFINITION`
against the nested integral.

Notation: mu ~ N(0, m^2) over networks, nu ~ N(0, v^2) over samples, y = mu + nu, leaky ReLU of slope a,
sigma_w2 = N Var[W] the gain, sigma_b2 the variance of the bias.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy as sp

THEOREM = "sample-variance-stable"
SOURCES = (
    "Kaiming initialization doesn't preserve neuron variance, if you compute the variance over inputs "
    "rather than weights (2020), steps 1-4",
    "Cho & Saul, Kernel methods for deep learning (2009), the arc-cosine kernel of order 1",
)

m, v, gain = sp.symbols("m v sigma_w2", positive=True)
slope = sp.Symbol("a", real=True)
bias_variance = sp.Symbol("sigma_b2", nonnegative=True)


class SampleVarianceExpressions(NamedTuple):
    """v'^2 and m'^2 as functions of m, v, the slope a, sigma_w2 and sigma_b2."""

    v2: sp.Expr
    m2: sp.Expr


def _definition() -> SampleVarianceExpressions:
    """m'^2 = sigma_w2 K + sigma_b2 and v'^2 = q' - m'^2, with phi(y) = (1+a)/2 y + (1-a)/2 |y|.

    The cross term of K is odd in mu and vanishes; E|y_1||y_2| is the arc-cosine kernel. Loses every digit
    of v'^2 once v^2/m^2 < 1e-16.
    """
    q = m**2 + v**2
    absolute = 2 / sp.pi * (sp.sqrt(q**2 - m**4) + m**2 * sp.asin(m**2 / q))
    K = ((1 + slope) / 2) ** 2 * m**2 + ((1 - slope) / 2) ** 2 * absolute
    m2 = gain * K + bias_variance
    return SampleVarianceExpressions(v2=gain * (1 + slope**2) / 2 * q + bias_variance - m2, m2=m2)


def _stable() -> SampleVarianceExpressions:
    """With T = v/sqrt(v^2 + 2 m^2) and h = atan T + (T - atan T)/T^2, h from 0 (v = 0) to 1 (m = 0):

    v'^2 = sigma_w2/2 v^2 [(1 + a^2) - (1 - a)^2 h/pi],
    m'^2 = sigma_w2/2 [(1 + a^2) m^2 + (1 - a)^2 v^2 h/pi] + sigma_b2.

    Every term of m'^2 is positive; the bracket of v'^2 is at least (1 + a^2) - (1 - a)^2/pi, which is between
    0.36 (a = -1) and 1 (a = 1) of its first term: no cancellation at any slope.
    """
    T = v / sp.sqrt(v**2 + 2 * m**2)
    h = sp.atan(T) + (T - sp.atan(T)) / T**2
    return SampleVarianceExpressions(
        v2=gain * v**2 / 2 * (1 + slope**2 - (1 - slope) ** 2 * h / sp.pi),
        m2=gain / 2 * ((1 + slope**2) * m**2 + (1 - slope) ** 2 * v**2 * h / sp.pi) + bias_variance,
    )


DEFINITION = _definition()
STABLE = _stable()
