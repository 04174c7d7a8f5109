r"""Gaussian expectations as certified interpolants in log q: microseconds in place of milliseconds.

For a function g that does not depend on the variance, q -> E[g(s)], s ~ N(0, q), is analytic in log q for
\|Im log q\| < pi/2. At q = r e^(i theta) the density is at most sqrt(Q/r) times that of N(0, Q) for every
Q >= r/cos(theta), whatever g is; for two units of variance q and a fixed correlation the factor is Q/r. Chebyshev
interpolation of degree n on an octave of q is therefore off by at most 4 M rho^-n/(rho - 1) (Trefethen 2013, theorem
8.2), with M from one evaluation at Q, where rho belongs to the ellipse on which \|Im\| <= theta.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation
from derive.quadrature import Bounded
from numerics.maps.closed import closed_form
from numerics.maps.hermite import Series, many_series, many_squares
from numerics.maps.numerical import NumericalMaps
from numerics.maps.octave import COEFFICIENTS, DEGREE, DEGREES, Ellipse, middle, nodes, polynomials_at
from numerics.maps.values import Array

METHOD = "interpolant"
GOOD = 1e-12
"""An interpolant of one unit whose relative error may be larger is not used."""

_EPS = float(np.finfo(float).eps)
_ANGLES = (1.3, 1.0, 0.7)
_ORDERS, _ENOUGH = (48, 128, 256, 512, 1024, 2048), 1e-13
# A polynomial is at most so much larger than its values at the nodes.
_LEBESGUE = 2 / math.pi * math.log(DEGREE + 1) + 1
_ROUNDING = 4 * _LEBESGUE * _EPS
# Complex correlations of at most this size count as well, where f is odd: an angle of 0.1 more.
_RADIUS = math.sin(0.1)


@dataclass(frozen=True, eq=False)
class One:
    """An expectation over one unit on an octave, as Chebyshev coefficients; ``error`` is a bound on what is wrong."""

    coefficients: Array
    error: float

    @classmethod
    def made(cls, expectation: Callable[[ArrayLike], Bounded], octave: int) -> One | None:
        """Interpolate an expectation of a function that is never negative; None where no good bound is found."""
        found = expectation(nodes(octave))
        if not np.isfinite(found.value).all() or not np.isfinite(found.error).all():
            return None
        coefficients = COEFFICIENTS @ found.value
        # The last term is what a rounding of log q changes.
        rounding = _ROUNDING * found.value.max() + 4 * _EPS * float(DEGREES[:, 0] ** 2 @ np.abs(coefficients))
        rounding += _LEBESGUE * float(found.error.max())
        error = math.inf
        for angle in _ANGLES:
            if error > rounding:
                error = min(error, _one_unit(expectation, Ellipse(middle(octave), angle)))
        error += rounding
        if not found.value.any():
            return cls(coefficients, 0.0)
        return cls(coefficients, error) if error <= GOOD * found.value.min() else None

    def __call__(self, polynomials: Array) -> tuple[Array, Array]:
        """Return values and errors, from the Chebyshev polynomials at the points."""
        value = self.coefficients @ polynomials
        return value, np.full(value.shape, self.error)


def _one_unit(expectation: Callable[[ArrayLike], Bounded], ellipse: Ellipse) -> float:
    widest = ellipse.widest()
    majorant = _upper(expectation, widest)
    return ellipse.decay * math.sqrt(widest / ellipse.narrowest) * majorant


def _upper(expectation: Callable[[ArrayLike], Bounded], q: float) -> float:
    found = expectation(q) if 0 < q < math.inf else None
    upper = math.inf if found is None else float(found.value) + float(found.error)
    return upper if upper >= 0 else math.inf


@dataclass(frozen=True, eq=False)
class Pair:
    """Sums over k of a_k(q)^2 w_k on an octave, for numbers w_k that do not depend on q (Mehler's formula).

    Each row of ``rows`` belongs to the ``orders`` k: the first are the Chebyshev coefficients of a_k^2; the last two
    bound what is wrong at the nodes, and the function on the ellipse, where the sum stands for an expectation over two
    units. ``steep`` bounds both for an odd f, whose covariance is 0 at correlation 0, in units of the correlation.
    """

    orders: Array
    rows: Array
    beyond: float
    left_out: float
    steep: float

    @classmethod
    def made(cls, maps: NumericalMaps, octave: int) -> Pair | None:
        """Interpolate the squares of the Hermite coefficients; None where their sums do not converge soon enough."""
        at_nodes = _series(maps.activation, nodes(octave).tolist(), _ENOUGH)
        known = [m for m in at_nodes if m is not None]
        if len(known) < len(at_nodes):
            return None
        for angle in _ANGLES:
            made = cls._within(maps, known, Ellipse(middle(octave), angle))
            if made is not None and made.worst() <= GOOD:
                return made
        return None

    @classmethod
    def _within(cls, maps: NumericalMaps, known: Sequence[Series], ellipse: Ellipse) -> Pair | None:
        widest = ellipse.widest()
        (above,) = _series(maps.activation, [widest], 1.0) if widest < math.inf else [None]
        if above is None:
            return None
        order = max(m.order for m in [*known, above])
        squares, wrong = (np.stack(side) for side in zip(*(_squares(m, order) for m in known), strict=True))
        scale = ellipse.decay * widest / ellipse.narrowest
        majorant = scale * sum(_squares(above, order))
        orders = np.flatnonzero((squares > 0).any(axis=0) | (majorant > 0))
        noise = _LEBESGUE * wrong.max(axis=0) + _ROUNDING * squares.max(axis=0)
        rows = np.concatenate([COEFFICIENTS @ squares, [noise, majorant]])[:, orders]
        return cls(
            orders.astype(np.float64),
            rows,
            _LEBESGUE * max(m.slope_tail for m in known) + scale * above.slope_tail,
            _LEBESGUE * max(m.tail for m in known) + scale * above.tail,
            _schwarz(maps, ellipse.middle) if maps.activation.is_odd else math.inf,
        )

    def worst(self) -> float:
        """Return the largest relative error that `separation` states, at gaps 1 and near 0."""
        polynomials, gaps = np.cos(DEGREES * np.linspace(0, math.pi, 3)), np.array([1.0, 1.0, 1.0])
        found = (self.separation(polynomials, gap * gaps) for gap in (1.0, 1e-30))
        return max(float((error / value).max()) if (value > 0).all() else math.inf for value, error in found)

    def separation(self, polynomials: Array, gap: Array) -> tuple[Array, Array]:
        """Return the sums of a_k^2 (1 - (1 - gap)^k), of which none is negative, and bounds of their errors."""
        k = self.orders[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = -np.expm1(k * np.log1p(-np.minimum(gap, 1.0)))
            if (gap >= 1).any():
                weights = np.where(gap < 1, weights, 1 - (1 - gap) ** k)
        sums = self.rows @ weights
        error = sums[-2] + sums[-1] + np.minimum(gap * self.beyond, 2 * self.left_out)
        return (polynomials * sums[:-2]).sum(axis=0), error

    def covariance(self, polynomials: Array, rho: Array) -> tuple[Array, Array]:
        """Return the sums of a_k^2 rho^k and bounds of their errors."""
        k, size = self.orders[:, None], np.abs(rho)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.exp(k * np.log(size))
        sizes[k[:, 0] == 0] = 1.0
        weights = np.where((rho < 0) & (k % 2 == 1), -sizes, sizes) if (rho < 0).any() else sizes
        sums = self.rows[:-2] @ weights
        whole = float(self.rows[-1].sum()) + self.left_out
        bound = np.where(size <= _RADIUS, np.minimum(whole, self.steep * size), whole)
        return (polynomials * sums).sum(axis=0), self.rows[-2] @ sizes + bound + self.left_out * size


def _series(f: Activation, variances: Sequence[float], enough: float) -> list[Series | None]:
    """Coefficients that leave at most a part ``enough`` of q E[f'²] out; None where the last order will not suffice.

    Behind a pole of f they fall like exp(-c √k): from what is left at one order it is known how many are needed.
    """
    found: list[Series | None] = [None] * len(variances)
    slopes = [slope + error for _, (slope, error) in many_squares(f, variances)]
    todo: dict[int, list[int]] = {order: [] for order in _ORDERS}
    todo[_ORDERS[0]] = list(range(len(variances)))
    for order, which in todo.items():
        for k, one in zip(which, many_series(f, [variances[k] for k in which], order) if which else [], strict=True):
            if one is None or math.isinf(one.slope_tail):
                continue
            part = one.slope_tail / (one.q * slopes[k]) if one.slope_tail else 0.0
            if part <= enough:
                found[k] = one
            elif part < 1:
                needed = order * (math.log(enough) / math.log(part)) ** 2
                further = next((n for n in _ORDERS if n > order and n >= _OPTIMISM * needed), None)
                if further is not None:
                    todo[further].append(k)
    return found


_OPTIMISM = 0.8
"""The next order is at least so much of the one that seems needed."""


def _squares(s: Series, order: int) -> tuple[Array, Array]:
    """The a_k² and what each is wrong by, followed by zeros."""
    a = np.abs(s.coefficients)
    more = (0, order - s.order)
    return np.pad(a * a, more), np.pad(2 * s.errors * a + s.errors**2, more)


def _schwarz(maps: NumericalMaps, centre: float) -> float:
    """Bound the interpolation error of an odd f's covariance, over the correlation, for correlations to `_RADIUS`.

    The mean and half the difference of two units have the variances q (1 +- rho)/2, also for complex rho; the
    covariance is analytic in rho, and 0 at 0, so that Schwarz's lemma divides its bound by the radius.
    """
    ellipse = Ellipse(centre, _ANGLES[0])
    widest = ellipse.widest(math.asin(_RADIUS)) * (1 + _RADIUS)
    factor = widest / (ellipse.narrowest * (1 - _RADIUS) * _RADIUS)
    return ellipse.decay * factor * _upper(maps.second_moment, widest)


class Interpolants:
    """Expectations of one activation at any variances, by interpolants that are made where they are first needed.

    Every method takes arrays of positive finite variances and returns what `NumericalMaps` would, with bounds on the
    errors (that rest on the errors of `NumericalMaps` at the nodes). Where no interpolant is certified (a mean square
    that ceases to exist near q, a Mehler series that does not converge: kinks, or a very large q), the values are those
    of `NumericalMaps`.

    >>> from derive.activations import activation
    >>> made = interpolants(activation("tanh"))
    >>> found = made.separation([0.5, 0.7], 1e-12)
    >>> bool((found.error < 1e-12 * found.value).all()), set(found.method)
    (True, {'interpolant'})
    """

    def __init__(self, activation: Activation) -> None:
        self.maps = NumericalMaps(activation)
        self._made: dict[tuple[str, int], Any] = {}

    def second_moment(self, q: ArrayLike) -> Bounded:
        """E[f(s)^2], s ~ N(0, q)."""
        return self._of_one("second", self.maps.second_moment, q)

    def slope_second_moment(self, q: ArrayLike) -> Bounded:
        """E[f'(s)^2]."""
        return self._of_one("slope", self.maps.slope_second_moment, q)

    def separation(self, q: ArrayLike, gap: ArrayLike) -> Bounded:
        """E[f^2] - E[f(u1) f(u2)] at correlation 1 - gap, without a subtraction."""
        return self._of_pair(Pair.separation, self.maps.separation, q, gap)

    def covariance(self, q: ArrayLike, rho: ArrayLike) -> Bounded:
        """E[f(u1) f(u2)] at correlation rho."""
        return self._of_pair(Pair.covariance, self.maps.covariance, q, rho)

    def _of_one(self, name: str, direct: Callable[[ArrayLike], Bounded], q: ArrayLike) -> Bounded:
        return _by_octave(
            np.asarray(q, np.float64),
            lambda octave: self._get(name, octave, lambda: One.made(direct, octave)),
            lambda made, polynomials, _: made(polynomials),
            lambda variances, _: direct(variances),
        )

    def _of_pair(self, run: Any, direct: Callable[[Array, Array], Bounded], q: ArrayLike, x: ArrayLike) -> Bounded:
        first, second = np.broadcast_arrays(np.asarray(q, np.float64), np.asarray(x, np.float64))
        if self._is_direct:
            return direct(first, second)
        flat = second.ravel()
        return _by_octave(
            first,
            lambda octave: self._get("pair", octave, lambda: Pair.made(self.maps, octave)),
            lambda made, polynomials, where: run(made, polynomials, flat[where]),
            lambda variances, where: direct(variances, flat[where]),
        )

    @cached_property
    def _is_direct(self) -> bool:
        """Whether `NumericalMaps` is the better way: it has a closed form, or the series of a kink converges slowly."""
        f = self.maps.activation
        return bool(f.breakpoints) or closed_form(f, "covariance") is not None

    def _get(self, name: str, octave: int, make: Callable[[], Any]) -> Any:
        if (name, octave) not in self._made:
            self._made[name, octave] = make()
        return self._made[name, octave]


@lru_cache(maxsize=32)
def interpolants(activation: Activation) -> Interpolants:
    """Return the interpolants of an activation: all who ask share them."""
    return Interpolants(activation)


def _by_octave(
    q: Array,
    panel: Callable[[int], Any],
    run: Callable[[Any, Array, Any], tuple[Array, Array]],
    direct: Callable[[Array, Any], Bounded],
) -> Bounded:
    """Evaluate octave by octave: by an interpolant where there is one, else directly."""
    flat = q.ravel()
    mantissa, exponent = np.frexp(flat)
    lowest, highest = (int(exponent.min()), int(exponent.max())) if flat.size else (0, 1)
    if lowest == highest and (made := panel(lowest)) is not None:
        value, error = run(made, polynomials_at(mantissa), slice(None))
        return Bounded(value.reshape(q.shape), error.reshape(q.shape), METHOD)
    value, error, method = np.empty(flat.shape), np.empty(flat.shape), np.full(flat.shape, METHOD, dtype=object)
    for octave in set(exponent.tolist()):
        where = np.flatnonzero(exponent == octave)
        made = panel(octave)
        if made is None:
            found = direct(flat[where], where)
            value[where], error[where], method[where] = found.value, found.error, found.method
        else:
            value[where], error[where] = run(made, polynomials_at(mantissa[where]), where)
    return Bounded(value.reshape(q.shape), error.reshape(q.shape), method.reshape(q.shape))
