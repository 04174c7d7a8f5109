"""Discs: arrays of complex discs with real centres, and what functions make of them.

A disc encloses all values that a function takes where its argument lies in a disc; so it bounds the function on a
piece of the real line (``real``), or on a neighbourhood of it in the complex plane, which bounds the error of a Gauss
rule. A disc of radius 0 that goes in comes out with the rounding error of the value as its radius. Functions of NumPy
and SciPy are taken to be right to a few units in the last place (`_ULPS`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from derive.gaussian import numeric

Floats = NDArray[np.float64]
EPS = 2.0**-52
_ULPS = 4 * EPS
_LEAST, _NORMAL = 2.0**-1070, 2.0**-1022
_TINY = 2.0**-20
_SQUARE = 2
_HALF_PI = np.pi / 2
_LARGE = 100.0
_ROOT_PI, _ROOT_2PI = np.sqrt(np.pi), np.sqrt(2 * np.pi)


class Disc(NamedTuple):
    """{z : |z - mid| <= rad}; an infinite radius says that nothing is known.

    An infinite middle with the radius 0 stands for what is beyond float64, with that sign.
    """

    mid: Floats
    rad: Floats


Function = Callable[[Disc, bool], Disc]
"""A function of a disc; the second argument says that only real arguments count."""


def constant(value: float, error: float = EPS / 2) -> Disc:
    """A number and its rounding; ``error`` is relative."""
    return Disc(np.asarray(value, dtype=np.float64), np.asarray(abs(value) * error))


def add(*terms: Disc) -> Disc:
    """The sum."""
    mid, rad = terms[0]
    for term in terms[1:]:
        mid = mid + term.mid
        rad = _rounded(rad + term.rad, np.abs(mid))
    return Disc(mid, rad)


def _rounded(rad: Any, size: Any) -> Any:
    """A radius and the rounding of a middle of this size, of which there is none beyond float64."""
    if not np.isinf(np.maximum.reduce(size, axis=None, initial=0.0)):
        return rad + EPS * size
    sure = np.isinf(size) & np.isfinite(rad)
    return np.where(sure, 0.0, rad + EPS * np.where(sure, 0.0, size))


def multiply(*factors: Disc) -> Disc:
    """The product; 0 times what is not known is 0."""
    mid, rad = factors[0]
    for m, r in factors[1:]:
        product = mid * m
        a, b = np.abs(mid), np.abs(m)
        with np.errstate(invalid="ignore", over="ignore"):
            total = (a + rad) * r + rad * b
            unknown = np.isnan(np.add.reduce(total, axis=None))
        if unknown:
            total = _times(a + rad, r) + _times(rad, b)
        size = np.abs(product)
        total = _rounded(total, size)
        if _is_small(size):
            total = _underflowing(total, size, (a + rad > 0) & (b + r > 0))
        mid, rad = product, total
    return Disc(mid, rad)


def _underflowing(rad: Any, size: Any, sure: Any = True) -> Any:
    """A radius and the rounding of what is too small for all digits, where it is not 0."""
    return rad + _LEAST * ((size < _NORMAL) & sure) if _is_small(size) else rad


def _is_small(size: Any) -> Any:
    # Methods of ufuncs: np.min takes as long as a hundred values.
    return np.minimum.reduce(size, axis=None, initial=1.0) < _NORMAL


def _times(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore"):
        product = a * b
    lost = np.isnan(product)
    return np.where(lost & ((a == 0) | (b == 0)), 0.0, product) if lost.any() else product


def power(u: Disc, exponent: float, real: bool) -> Disc:
    """u^exponent for a fixed real exponent."""
    if exponent == int(exponent):
        found = _whole_power(u, int(exponent))
        if real and exponent > 0 and exponent % 2 == 0:
            # An even power is not negative.
            half = 0.5 * (np.abs(u.mid) + u.rad) ** int(exponent)
            reaches = u.rad > np.abs(u.mid)
            return Disc(np.where(reaches, half, found.mid), np.where(reaches, half * (1 + _ULPS), found.rad))
        return found
    c, r = u
    value = c**exponent
    w = np.where(c > 0, r / np.abs(c), np.inf)
    if np.all(w < _TINY):
        return Disc(value, np.abs(value) * (_slightly(exponent, w) + _ULPS))
    if 0 < exponent < 1:
        share = -np.expm1(exponent * np.log1p(-np.minimum(w, 1.0)))
    elif exponent < 0:
        share = np.expm1(exponent * np.log1p(-np.minimum(w, 1.0)))
    else:
        share = np.expm1(exponent * np.log1p(w))
    rad = np.where(w < 1, np.abs(value) * (share + _ULPS), np.inf)
    if real and exponent > 0:
        # Up to a zero of u, and not beyond: a power of a negative number is not real.
        hull = np.maximum(c + r, 0.0) ** exponent
        touches = (w >= 1) & (c + r >= 0)
        value, rad = np.where(touches, 0.5 * hull, value), np.where(touches, 0.5 * hull * (1 + _ULPS), rad)
    return Disc(value, rad)


def _whole_power(u: Disc, n: int) -> Disc:
    c, r = u
    size = np.abs(c)
    if n == _SQUARE:
        square = c * c
        found = Disc(square, _rounded(_times(r, 2 * size + r) * (1 + EPS), square))
        found = Disc(square, _underflowing(found.rad, square, c != 0))
        return _overflowing(found, 2 * np.log(np.maximum(size - r, 1.0)))
    w = np.where(np.isinf(size) & (r == 0), 0.0, _quotient(r, size))
    value = 1 / c if n == -1 else c ** float(n)
    if np.all(w < _TINY):
        return Disc(
            value, _times(np.abs(value), _slightly(n, w)) + _ULPS * np.where(np.isinf(value), 0.0, np.abs(value))
        )
    if n >= 0:
        rad = np.where(r <= size, np.abs(value) * np.expm1(n * np.log1p(w)), (size + r) ** n - size**n)
    else:
        rad = np.where(w < 1, np.abs(value) * np.expm1(n * np.log1p(-np.minimum(w, 1.0))), np.inf)
    return Disc(value, rad + _ULPS * np.abs(value))


def _slightly(exponent: float, w: Any) -> Any:
    """A bound of |(1 ± w)^exponent - 1| for tiny w."""
    first = abs(exponent) * w
    return np.where(first < _TINY, first * (1 + 2 * first + 2 * w), np.expm1(abs(exponent) * -np.log1p(-w)))


def _quotient(r: Floats, size: Floats) -> Any:
    return np.where(r == 0, 0.0, r / size)


def _near(c: Floats, r: Floats) -> Any:
    """How close the disc comes to 0."""
    return np.maximum(np.abs(c) - r, 0.0)


def _by_slope(u: Disc, value: Any, slope: Any, ulps: Any = _ULPS, *, positive: bool = False) -> Disc:
    """|f(z) - f(c)| <= r sup |f'| on a disc, which is convex; a function that is ``positive`` is nowhere 0."""
    rad = _times(u.rad, slope) + ulps * np.abs(value)
    return Disc(value, _underflowing(rad, value) if positive else rad)


def _capped(d: Disc, largest: float) -> Disc:
    """What a real function of size at most ``largest`` can be."""
    return Disc(d.mid, np.minimum(d.rad, np.abs(d.mid) + largest))


def exp(u: Disc, real: bool) -> Disc:
    """exp(u)."""
    value = np.exp(u.mid)
    rad = _underflowing(_exp_change(u, value) + _ULPS * value, value)
    return _overflowing(Disc(value, rad), u.mid - u.rad)


def _overflowing(found: Disc, least: Any) -> Disc:
    """Beyond float64, where the middle is and the rest is not below 1e298."""
    beyond = np.isinf(found.mid) & (least > 688.0)
    return Disc(found.mid, np.where(beyond, 0.0, found.rad)) if np.any(beyond) else found


def _exp_change(u: Disc, value: Any) -> Any:
    """The largest |exp(z) - exp(c)| with value = exp(c), which may underflow where exp(c + r) does not."""
    c, r = u
    if np.all(r < _TINY):
        return value * (r * (1 + r))
    return np.where(r < 1, np.exp(c) * np.expm1(np.minimum(r, 1.0)), np.exp(c + r))


def expm1(u: Disc, real: bool) -> Disc:
    """exp(u) - 1."""
    value = np.expm1(u.mid)
    return Disc(value, _exp_change(u, np.exp(u.mid)) + _ULPS * np.abs(value))


def log(u: Disc, real: bool) -> Disc:
    """log(u)."""
    value = np.log(u.mid)
    w = np.where(u.mid > 0, u.rad / np.abs(u.mid), np.inf)
    return Disc(value, np.where(w < 1, -np.log1p(-np.minimum(w, 1.0)), np.inf) + _ULPS * np.abs(value))


def log1p(u: Disc, real: bool) -> Disc:
    """log(1 + u)."""
    value = np.log1p(u.mid)
    w = np.where(u.mid > -1, u.rad / np.abs(1 + u.mid), np.inf)
    return Disc(value, np.where(w < 1, -np.log1p(-np.minimum(w, 1.0)), np.inf) + _ULPS * np.abs(value))


def sin(u: Disc, real: bool) -> Disc:
    """sin(u)."""
    return _wave(u, np.sin(u.mid), real)


def cos(u: Disc, real: bool) -> Disc:
    """cos(u)."""
    return _wave(u, np.cos(u.mid), real)


def _wave(u: Disc, value: Any, real: bool) -> Disc:
    reach = 1.0 if real else np.cosh(u.rad)
    return Disc(value, np.minimum(_times(u.rad, reach), np.abs(value) + reach) + _ULPS * np.abs(value))


def tan(u: Disc, real: bool) -> Disc:
    """tan(u)."""
    least = np.abs(np.cos(u.mid)) - u.rad * (1.0 if real else np.cosh(np.minimum(u.rad, 710.0))) - _ULPS
    return _by_slope(
        u, np.tan(u.mid), np.where(least > 0, 1 / np.square(least), np.inf), _ULPS / np.maximum(least, EPS)
    )


def sinh(u: Disc, real: bool) -> Disc:
    """sinh(u)."""
    found = _by_slope(u, np.sinh(u.mid), np.cosh(np.abs(u.mid) + u.rad))
    return _overflowing(found, np.abs(u.mid) - u.rad)


def cosh(u: Disc, real: bool) -> Disc:
    """cosh(u)."""
    far = np.abs(u.mid) + u.rad
    found = _by_slope(u, np.cosh(u.mid), np.sinh(far) if real else np.cosh(far))
    return _overflowing(found, np.abs(u.mid) - u.rad)


def sech(u: Disc, real: bool) -> Disc:
    """1/cosh(u), which does not overflow; |tanh|² <= 1 + 1/|cosh|²."""
    small = np.exp(-np.abs(u.mid))
    least = _least_cosh2(*u, real)
    return _by_slope(u, 2 * small / (1 + small * small), np.sqrt((1 + 1 / least) / least), 2 * _ULPS, positive=True)


def _least_cosh2(c: Floats, r: Floats, real: bool) -> Any:
    """Min |cosh z|² = sinh² Re z + cos² Im z."""
    near = np.minimum(_near(c, r), 350.0)
    return np.square(np.sinh(near)) + (1.0 if real else np.square(np.cos(np.minimum(r, _HALF_PI))))


def tanh(u: Disc, real: bool) -> Disc:
    """tanh(u)."""
    found = _by_slope(u, np.tanh(u.mid), 1 / _least_cosh2(*u, real))
    return _capped(found, 1.0) if real else found


def _expit(x: Floats) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1 + small)


def logistic(u: Disc, real: bool) -> Disc:
    """1/(1 + exp(-u))."""
    slope = 0.25 / _least_cosh2(0.5 * u.mid, 0.5 * u.rad, real)
    found = _by_slope(u, _expit(u.mid), slope, positive=True)
    return _capped(found, 1.0) if real else found


def softplus(u: Disc, real: bool) -> Disc:
    """log(1 + exp(u)), with the slope 1/(1 + exp(-u))."""
    c, r = u
    value = np.logaddexp(0.0, c)
    top = np.clip(c + r, -700.0, 700.0)
    if real:
        slope = _expit(top)
    else:
        # |1 + exp(-z)|² >= 1 + exp(-2x) for |Im z| <= π/2; beyond it only its modulus is known.
        close = 1 / np.sqrt(1 + np.exp(-2 * np.clip(top, -350.0, 350.0)))
        low = np.clip(c - r, -700.0, 700.0)
        left, right = 1 / np.expm1(np.where(top < 0, -top, np.inf)), -1 / np.expm1(np.where(low > 0, -low, -np.inf))
        far = np.where(top < 0, left, np.where(low > 0, right, np.inf))
        slope = np.where(r <= _HALF_PI, close, far)
    return _by_slope(u, value, slope, positive=True)


def _bell(c: Floats, r: Floats, real: bool, width: float) -> Any:
    """Sup |exp(-z²/width)|: at Re z = c/2 where the disc reaches that, else at its point next to 0."""
    far = -np.square(_near(c, r))
    return np.exp((far if real else np.where(2 * r < np.abs(c), far, r * r - 0.5 * c * c)) / width)


def _tail_ulps(c: Floats) -> Any:
    """What SciPy's tails lose by rounding the square of their argument; they vanish beyond 40."""
    return _ULPS * (1 + np.square(np.clip(c, 0.0, 40.0)))


def erf(u: Disc, real: bool) -> Disc:
    """erf(u)."""
    found = _by_slope(u, scipy.special.erf(u.mid), 2 / _ROOT_PI * _bell(*u, real, 1.0))
    return _capped(found, 1.0) if real else found


def erfc(u: Disc, real: bool) -> Disc:
    """1 - erf(u)."""
    slope = 2 / _ROOT_PI * _bell(*u, real, 1.0)
    found = _by_slope(u, scipy.special.erfc(u.mid), slope, _tail_ulps(u.mid), positive=True)
    return _capped(found, 2.0) if real else found


def normal_density(u: Disc, real: bool) -> Disc:
    """exp(-u²/2)/√(2π)."""
    square = multiply(u, u)
    return multiply(exp(Disc(-0.5 * square.mid, 0.5 * square.rad), real), constant(1 / _ROOT_2PI, EPS))


def erfcx(u: Disc, real: bool) -> Disc:
    """exp(u²) erfc(u), the Laplace transform of a positive function: its slope is largest at the least real part.

    It is 2/√π - 2 u erfcx(u), which cancels for a large u, where it is at most 1/(√π u²).
    """
    least = u.mid - u.rad
    slope = 2 / _ROOT_PI - 2 * least * scipy.special.erfcx(least)
    slope = np.where(least > _LARGE, 1 / (_ROOT_PI * np.square(least)), slope)
    return _by_slope(u, scipy.special.erfcx(u.mid), slope, _tail_ulps(-u.mid))


def ndtr(u: Disc, real: bool) -> Disc:
    """Φ(u)."""
    slope = _bell(*u, real, 2.0) / _ROOT_2PI
    found = _by_slope(u, scipy.special.ndtr(u.mid), slope, _tail_ulps(-u.mid), positive=True)
    return _capped(found, 1.0) if real else found


def log_ndtr(u: Disc, real: bool) -> Disc:
    """Log Φ(u); its slope on the real line is largest at the left end."""
    value = scipy.special.log_ndtr(u.mid)
    ulps = 4 * _tail_ulps(u.mid)
    if real:
        slope = np.sqrt(2 / np.pi) / scipy.special.erfcx(-(u.mid - u.rad) / np.sqrt(2))
        return _by_slope(u, value, slope, ulps)
    # sup |φ| over Φ(c), of which both may be too small for float64.
    w = _times(u.rad, np.exp(np.minimum(0.5 * (np.square(u.rad) - np.square(_near(*u))) - value, 709.0)) / _ROOT_2PI)
    return Disc(value, np.where(w < 1, -np.log1p(-np.minimum(w, 1.0)), np.inf) + ulps * np.abs(value))


def asin(u: Disc, real: bool) -> Disc:
    """asin(u); acos(1 - r) <= 1.6 √r for r <= 1 is the most that a real argument changes it."""
    inside = 1 - np.square(np.abs(u.mid) + u.rad)
    found = _by_slope(u, np.arcsin(u.mid), np.where(inside > 0, 1 / np.sqrt(np.abs(inside)), np.inf))
    if not real:
        return found
    at_end = np.where(u.rad <= 1, 1.6 * np.sqrt(u.rad), np.pi) + _ULPS * np.abs(found.mid)
    return Disc(found.mid, np.fmin(found.rad, at_end))


def acos(u: Disc, real: bool) -> Disc:
    """acos(u)."""
    return Disc(np.arccos(u.mid), asin(u, real).rad + _ULPS)


def _least_circle(u: Disc, real: bool) -> Any:
    """Min |1 + z²|, 0 if the disc may reach i."""
    return 1 + np.square(_near(*u)) if real else np.square(np.maximum(np.hypot(u.mid, 1.0) - u.rad, 0.0))


def atan(u: Disc, real: bool) -> Disc:
    """atan(u)."""
    found = _by_slope(u, np.arctan(u.mid), 1 / _least_circle(u, real))
    return _capped(found, _HALF_PI) if real else found


def asinh(u: Disc, real: bool) -> Disc:
    """asinh(u)."""
    return _by_slope(u, np.arcsinh(u.mid), 1 / np.sqrt(_least_circle(u, real)))


def atanh(u: Disc, real: bool) -> Disc:
    """atanh(u)."""
    inside = 1 - np.square(np.abs(u.mid) + u.rad)
    return _by_slope(u, np.arctanh(u.mid), np.where(inside > 0, 1 / inside, np.inf))


def owens_t(h: Disc, a: Disc, real: bool) -> Disc:
    """T(h, a) for real arguments, with the slopes -φ(h) (Φ(ah) - 1/2) and exp(-h²(1 + a²)/2)/(2π (1 + a²))."""
    value = scipy.special.owens_t(h.mid, a.mid)
    angle, far = 1 + np.square(_near(*a)), (np.abs(h.mid) + h.rad) * (np.abs(a.mid) + a.rad)
    by_h = _bell(*h, True, 2.0) / _ROOT_2PI * (scipy.special.ndtr(far) - 0.5)
    by_a = np.exp(-np.square(_near(*h)) * angle / 2) / (2 * np.pi * angle)
    rad = _times(h.rad, by_h) + _times(a.rad, by_a) + _tail_ulps(np.abs(h.mid)) * np.abs(value)
    return Disc(value, rad if real else np.full_like(rad, np.inf))


def bivariate_cdf(h: Disc, k: Disc, rho: Disc, real: bool) -> Disc:
    """Φ₂(h, k; ρ) for real arguments; its slope in asin ρ is at most exp(-max(h², k²)/2)/2π."""
    value = np.asarray(_bivariate_cdf(h.mid, k.mid, rho.mid), dtype=np.float64)
    bells = _bell(*h, True, 2.0), _bell(*k, True, 2.0)
    rad = (_times(h.rad, bells[0]) + _times(k.rad, bells[1])) / _ROOT_2PI + _ULPS * np.abs(value)
    rad = rad + asin(rho, True).rad * np.minimum(*bells) / (2 * np.pi)
    return Disc(value, rad if real else np.full_like(rad, np.inf))


_bivariate_cdf = np.vectorize(numeric.float_bivariate_cdf, otypes="d")


def root(u: Disc, b: Disc, real: bool) -> Disc:
    """√(u² + b) for b > 0."""
    value = np.hypot(u.mid, np.sqrt(b.mid))
    least = value - u.rad
    slope = 1.0 if real else np.where(least > 0, (np.abs(u.mid) + u.rad) / np.maximum(least, 1e-300), np.inf)
    return _by_slope(u, value, slope)


def plus_root(u: Disc, b: Disc, real: bool) -> Disc:
    """U + √(u² + b) for b > 0, whose logarithm has the slope 1/√(u² + b)."""
    size = np.hypot(u.mid, np.sqrt(b.mid))
    value = np.where(u.mid > 0, u.mid + size, b.mid / (size - u.mid))
    least = np.sqrt(np.square(_near(*u)) + b.mid) if real else size - u.rad
    change = np.where(least > 0, u.rad / np.maximum(least, 1e-300), np.inf)
    return Disc(value, np.abs(value) * (np.expm1(change) + 2 * _ULPS))
