"""Numbers for Φ, φ, Owen's T and Φ₂ in the contexts of mpmath: `mpmath.mp` for many digits, `mpmath.fp` for floats.

They are right to the digits of the context, relative to the value, for all arguments: every value is a sum of positive
numbers, and the working precision is raised by what the size of the arguments costs.
They are computed from the defining integrals, so that they are a check on the closed forms and not a copy of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath

from derive.gaussian.wedge import wedge

_FLOAT_BITS = 53
_SPLIT = 2.0**27 + 1


def phi(ctx: Any, x: Any) -> Any:
    """Φ(x) = erfc(-x/√2)/2, for real or complex x."""
    if ctx is mpmath.fp and not isinstance(x, complex):
        return _phi_float(float(x))
    return _raised(ctx, lambda _, y: _erfc(-y / mpmath.mp.sqrt(2)) / 2, x)


def _erfc(x: Any) -> Any:
    """erfc(x); beyond 1e100, where mpmath's own overflows, exp(-x²)/(x √π), of a relative error of 1e-200."""
    mp = mpmath.mp
    if isinstance(x, mp.mpc) or mp.mag(x) < 340 or mp.isinf(x):
        return mp.erfc(x)
    return mp.exp(-x * x) / (x * mp.sqrt(mp.pi)) if x > 0 else mp.mpf(2)


def density(ctx: Any, x: Any) -> Any:
    """φ(x) = exp(-x²/2)/√(2π)."""
    if ctx is mpmath.fp and not isinstance(x, complex):
        return _bell(float(x)) / math.sqrt(2 * math.pi)
    return _raised(ctx, lambda _, y: mpmath.mp.exp(-y * y / 2) / mpmath.mp.sqrt(2 * mpmath.mp.pi), x)


def owens_t(ctx: Any, h: Any, a: Any) -> Any:
    """T(h, a) = (1/2π) ∫_0^a exp(-h²(1 + x²)/2)/(1 + x²) dx for real h and a; for |a| > 1 through T(ah, 1/a).

    (Owen 1956, eq. 2.3, in the complements of Φ, which keep their digits.)
    """
    _check_real(h, a)
    if a < 0:
        return -owens_t(ctx, h, -a)
    if a == 0 or abs(h) == mpmath.inf:
        return ctx.zero
    if h == 0 and a != mpmath.inf:
        return ctx.atan(a) / (2 * ctx.pi)
    return _raised(ctx, partial(_owens_t, ctx), h, a)


def bivariate_cdf(ctx: Any, h: Any, k: Any, rho: Any) -> Any:
    """Φ₂(h, k; ρ) for real arguments: max(0, Φ(h) - Φ(-k)) + ∫_{-1}^ρ of the density at (h, k), for ρ ≤ 0.

    For ρ > 0 it is Φ(h)Φ(k) + ∫_0^ρ (Plackett 1954); beyond ±1 the correlation counts as ±1.
    """
    _check_real(h, k, rho)
    if min(h, k) == -mpmath.inf:
        return ctx.zero
    if max(h, k) == mpmath.inf or rho >= 1:
        return phi(ctx, min(h, k))
    spread = 1 if rho <= -1 else _sum(1, -abs(rho))
    return _raised(ctx, partial(_bivariate_cdf, ctx), h, k, rho, costs=-2 * mpmath.mp.mag(spread))


float_owens_t, float_bivariate_cdf = (partial(f, mpmath.fp) for f in (owens_t, bivariate_cdf))
mp_phi, mp_owens_t, mp_bivariate_cdf = (partial(f, mpmath.mp) for f in (phi, owens_t, bivariate_cdf))
"""The names that generated code calls: of floats, and at the working precision of mpmath."""


# ---- in numbers of mpmath.mp, at a precision that covers what the arguments cost


def _owens_t(ctx: Any, bits: int, h: Any, a: Any) -> Any:
    mp, h = mpmath.mp, abs(h)
    if a == mp.inf:
        return phi(mp, -h) / 2
    if a > 1:
        with mp.workprec(mp.prec + 2 * max(0, mp.mag(a))):
            p, q = phi(mp, -h), phi(mp, -a * h)
            return (p + q) / 2 - p * q - _owens_t(ctx, bits, a * h, 1 / a)
    return _total(wedge(mp.mpf(0), h * h / 2, mp.mpf(0), a, ctx, bits), h * h / 2) / (2 * mp.pi)


def _bivariate_cdf(ctx: Any, bits: int, h: Any, k: Any, rho: Any) -> Any:
    """With ρ = sin t the integral over t is (1/π) exp(-(h² + k²)/4) J with 8A = (h + k)², 8B = (h - k)²."""
    mp = mpmath.mp
    if rho <= -1:
        return _between(-k, h)
    plus, minus = _sum(1, rho), _sum(1, -rho)
    A, B = _sum(h, k) ** 2 / 8, _sum(h, -k) ** 2 / 8
    if rho <= 0:
        rest, parts = _between(-k, h), wedge(A, B, mp.mpf(0), mp.sqrt(plus / minus), ctx, bits)
    else:
        # J over 1..1/low, turned about 1 by t -> 1/t.
        rest, parts = phi(mp, h) * phi(mp, k), wedge(B, A, mp.sqrt(minus / plus), mp.mpf(1), ctx, bits)
    return rest + _total(parts, (h * h + k * k) / 4) / mp.pi


def _total(parts: list[Any], exponent: Any) -> Any:
    mp = mpmath.mp
    return mp.fsum(mantissa * mp.exp(-(exponent + more)) for mantissa, more in parts)


def _between(low: Any, high: Any) -> Any:
    """Φ(high) - Φ(low), or 0 where low ≥ high."""
    mp = mpmath.mp
    if _sum(high, -low) <= 0:
        return mp.zero
    if low < 0 < high:
        return (mp.erf(high / mp.sqrt(2)) + mp.erf(-low / mp.sqrt(2))) / 2
    if low >= 0:
        low, high = -high, -low
    more = 0
    while True:
        with mp.workprec(mp.prec + more):
            whole = phi(mp, high)
            found = whole - phi(mp, low)
            lost = mp.mag(whole) - mp.mag(found) if found else mp.prec
        if lost <= more + 1:
            return found
        more = lost


def _sum(x: Any, y: Any) -> Any:
    """The sum, exact where it cancels."""
    mp = mpmath.mp
    return mp.fadd(x, y, exact=True) if abs(mp.mag(x) - mp.mag(y)) < 2 else mp.mpf(x) + y


def _raised(ctx: Any, compute: Callable[..., Any], *arguments: Any, costs: int = 0) -> Any:
    """compute(bits, *arguments) in `mpmath.mp` as a number of ``ctx``, with 2 log₂|x| bits more for every large x."""
    mp = mpmath.mp
    sizes = [mp.mag(x) for x in arguments]
    costs += sum(2 * int(size) for size in sizes if 0 < size < mp.inf)
    bits = (_FLOAT_BITS if ctx is mpmath.fp else mp.prec) + 8
    with mp.workprec(bits + 16 + costs):
        value = compute(bits, *map(mp.mpmathify, arguments))
    return ctx.convert(value) if ctx is mpmath.fp else +value


def _check_real(*arguments: Any) -> None:
    if any(isinstance(x, complex | mpmath.mpc) for x in arguments):
        raise ValueError("Owen's T and the bivariate normal CDF are computed for real arguments only")


# ---- in floats


def _phi_float(x: float) -> float:
    """Φ with the rounding of x/√2 put right: erfc(y + e) = erfc(y) exp(-2 y e) to first order in e, for y > 1."""
    y = -x / math.sqrt(2)
    value = math.erfc(y) / 2
    return value if y < 1 or math.isinf(y) else value * (1 - _square_less(x, y))


def _square_less(x: float, y: float) -> float:
    """x²/2 - y² for y near -x/√2, where both squares round: by halves of their digits (Dekker 1971)."""
    a, c = _upper(x), _upper(y)
    b, d = x - a, y - c
    return (a * a / 2 - c * c) + (a * b - 2 * c * d) + (b * b / 2 - d * d)


def _upper(x: float) -> float:
    """The leading half of the digits of x."""
    large = _SPLIT * x
    return large - (large - x)


def _bell(x: float) -> float:
    """exp(-x²/2), with x² in two parts of which the first is exact."""
    if abs(x) > 40:
        return 0.0
    a = _upper(x)
    return math.exp(-a * a / 2) * math.exp(-(x - a) * (x + a) / 2)
