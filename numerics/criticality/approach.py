"""How a critical network nears its fixed point: the derived power laws, with the activation's numbers in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import mpmath
from sympy import Basic, Expr, Float, Rational, log

from derive.activations import Activation
from derive.activations.pieces import jumps, pieces
from derive.expressions.stable import precise
from derive.gaussian import GaussianExpectation
from derive.network import DERIVATIVES, GAIN
from derive.proof.derivation import Derivation
from derive.proof.rule import replace_everywhere
from derive.rules.any_activation import CURVATURE_OF_F, SMOOTH_CURVATURE, over_kinks
from derive.rules.asymptotics import LAYER
from derive.rules.decay import LocalForm
from derive.rules.near_zero import OneSided
from derive.rules.wide import Q, U
from derive.theorems.critical import critical_correlation_kinked, critical_correlation_smooth
from derive.theorems.critical_length import critical_length, critical_length_half_stable, critical_length_kinked
from numerics.criticality.fixed_points import LengthMap
from numerics.criticality.moments import Moments, Number
from numerics.maps import NumericalMaps

_NOTHING = 1e-12
"""A coefficient that is smaller than this beside its terms is taken to be 0."""

_CURVED = 1e-6
"""The largest relative error of E[f''²] with which a smooth activation's decay is given."""


@dataclass(frozen=True)
class Approach:
    """How a deviation falls with the layer l: amplitude · l^exponent, or exp(-l/scale) where ``scale`` is given."""

    quantity: str
    exponent: float | None = None
    amplitude: float | None = None
    scale: float | None = None

    def __str__(self) -> str:
        if self.scale is not None:
            return f"{self.quantity} falls as exp(-l/{self.scale:.6g})"
        return f"{self.quantity} ~ {self.amplitude:.6g} l^{self.exponent:g}"


@lru_cache(maxsize=8)
def _theorem(build: Callable[[], Derivation]) -> tuple[Expr, Expr, Expr]:
    """Return a theorem's amplitude and exponent, and what a power of the deviation grows by at each layer."""
    made = build()
    (step,) = made.steps
    local = LocalForm.read(made.parts[0], step.rule.variable)  # type: ignore[attr-defined]
    amplitude, exponent = made.result.subs(log(LAYER), 0).as_coeff_exponent(LAYER)
    return amplitude, exponent, local.power * local.first


def _power_law(build: Callable[[], Derivation], put_in: Callable[[Expr], Expr]) -> tuple[float, float] | None:
    """Return amplitude and exponent for an activation, or None where its numbers make the fixed point repel."""
    amplitude, exponent, growth = _theorem(build)
    if not float(put_in(growth)) > 0:
        return None
    return float(put_in(amplitude)), float(exponent)


def length_at_zero(f: Moments, weight_variance: float) -> Approach | None:
    """At K* = 0: how the length falls to 0, by the theorems ``critical-length`` and ``critical-length-kinked``.

    Where both second orders vanish, the first order that does not is fitted to the length map at q = 1e-5 and 1e-6, to
    four or more digits. None where 0 repels.
    Source: Roberts, Yaida & Hanin 2022, section 5.3.3, for smooth f.
    """
    sides = _at_zero(f.activation)
    if sides is None:
        return _fitted(f, weight_variance)
    values: dict[Basic, Basic] = {
        OneSided(k, side): Float(sides[side][k]) for k in range(len(DERIVATIVES) - 1) for side in (1, -1)
    }
    values |= {g(0): (values[OneSided(k, 1)] + values[OneSided(k, -1)]) / 2 for k, g in enumerate(DERIVATIVES[:-1])}
    smooth = all(abs(a - b) <= _NOTHING * (abs(a) + abs(b)) for a, b in zip(sides[1], sides[-1], strict=True))
    build = critical_length if smooth else critical_length_kinked
    if abs(_theorem(build)[2].xreplace(values)) <= _NOTHING:
        return _fitted(f, weight_variance)
    law = _power_law(build, lambda e: e.xreplace(values))
    return None if law is None else Approach("q", law[1], law[0])


def _at_zero(f: Activation) -> Mapping[int, tuple[float, ...]] | None:
    """The value and three derivatives right (1) and left (-1) of 0, or None where they cannot be computed."""
    x = f.symbol
    points, formulas = pieces(f.expression, x)
    places = [float(p) for p in points]
    right, left = sum(p <= 0 for p in places), sum(p < 0 for p in places)
    try:
        with mpmath.workdps(30):
            taylor = {side: mpmath.taylor(precise(formulas[n], x), 0, 3) for side, n in ((1, right), (-1, left))}
            return {
                side: tuple(float(c) * math.factorial(k) for k, c in enumerate(found)) for side, found in taylor.items()
            }
    except (ArithmeticError, NotImplementedError, TypeError, ValueError):
        return None


def _fitted(f: Moments, weight_variance: float) -> Approach | None:
    """The first order that is not 0, fitted: q' = q - A q^(1 + k), and the decay that is derived for it."""
    map_ = LengthMap(f, weight_variance, 0.0)

    def lost(q: float) -> float:
        return -map_.step(q).value / q

    # So near to 0 as rounding allows: what is lost has to stand out from it.
    q = next((q for q in (1e-6, 1e-5, 1e-4) if abs(lost(q)) > 1e-9), 1e-3)
    near, far = lost(q), lost(10 * q)
    if near <= 0 or far <= 0:
        return None
    order = Rational(round(2 * math.log10(far / near)), 2)
    if order <= 0:
        return None
    ratio = 10.0 ** (0.5 if order < 1 else 1.0)
    k = float(order)
    first, second = near / q**k, far / (10 * q) ** k
    local = LocalForm(order, Float((ratio * first - second) / (ratio - 1)), None)
    amplitude, exponent = local.decay(LAYER).as_coeff_exponent(LAYER)
    return Approach("q", float(exponent), float(amplitude))


def correlation_at_edge(f: Moments, q: float, weight_variance: float) -> Approach | None:
    """At χ_⊥ = 1 and fixed length q: how 1 - ρ falls, by ``critical-correlation-kinked`` or ``-smooth``.

    None where E[f'²] is infinite, or f affine.
    Source: Hayou, Doucet & Rousseau 2019 (κ = 1/β for smooth f; 9π²/2 for ReLU).
    """
    if f.infinite:
        return None
    heights = jumps(f.activation.expression, f.activation.symbol, 1)
    kinks = tuple((Float(p), Float(height)) for p, height in heights.items())
    build = critical_correlation_kinked if kinks else critical_correlation_smooth
    if not kinks:
        curvature = _mean(f.activation, CURVATURE_OF_F(U) ** 2, q)
        # No curvature, or one too singular to be known.
        if not curvature.error < _CURVED * curvature.value:
            return None
    law = _power_law(build, lambda e: _numbers(over_kinks(e, kinks), f, q, weight_variance))
    return None if law is None else Approach("1 - rho", law[1], law[0])


def length_at_double_root(f: Moments, q: float, weight_variance: float) -> Approach:
    """At a half-stable q*: (q - q*)' = x + a x², so q* - q ~ 1/(a l) from the side that is attracted.

    By the theorem ``critical-length-half-stable``; where f is not smooth, a is half the slope of χ_∥ by differences.
    """
    if not f.activation.breakpoints:
        amplitude, exponent, _ = _theorem(critical_length_half_stable)
        rate = float(_numbers(amplitude, f, q, weight_variance))
    else:
        step = 1e-4 * q
        chi_par = LengthMap(f, weight_variance, 0.0).chi_par
        rise = chi_par(q + step).value - chi_par(q - step).value
        local = LocalForm(Rational(1), Float(rise / (4 * step)), None)
        amplitude, exponent = local.decay(LAYER).as_coeff_exponent(LAYER)
        rate = float(amplitude)
    return Approach("q* - q" if rate > 0 else "q - q*", float(exponent), abs(rate))


def _numbers(e: Expr, f: Moments, q: float, weight_variance: float) -> Expr:
    """Put the gain, the length and the activation's expectations into a formula."""

    def mean(node: Expr) -> Expr | None:
        if not isinstance(node, GaussianExpectation):
            return None
        return Float(_mean(f.activation, node.integrand, q).value)

    return replace_everywhere(e, mean).xreplace({GAIN: Float(weight_variance), Q: Float(q)})


@lru_cache(maxsize=256)
def _mean(activation: Activation, integrand: Expr, q: float) -> Number:
    """E[integrand] over u ~ N(0, q), in which an activation's derivatives are those away from kinks."""
    put_in, body = {}, activation
    for g in DERIVATIVES:
        if not integrand.has(*DERIVATIVES[DERIVATIVES.index(g) :], SMOOTH_CURVATURE):
            break
        put_in[g(U)] = body.expression
        if g == CURVATURE_OF_F:
            put_in[SMOOTH_CURVATURE(U)] = body.expression
        body = Activation(activation.name, body.derivative, symbol=activation.symbol)
    function = Activation(f"{integrand} of {activation}", integrand.xreplace(put_in), symbol=activation.symbol)
    found = NumericalMaps(function, method="quadrature").mean(q)
    return Number(float(found.value), float(found.error))
