"""The maps of mean-field theory for any activation, as arrays with the error of every number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation
from derive.errors import InputError
from numerics.maps import closed
from numerics.maps.fast import METHOD, Fast
from numerics.maps.functions import Array, Functions, functions
from numerics.maps.line import EPS, moments
from numerics.maps.pairs import Pairs
from numerics.maps.values import Evaluated, bounded, named, shares, variance, variances_of

METHODS = ("auto", "closed form", "quadrature")
GOOD = 2e-13
"""The largest relative error with which a closed form is used in place of quadrature."""

_NEAR = 1e-3  # up to this share of v² in q, K of a function with jumps is E[f²] less what the samples differ by


class NumericalMaps:
    r"""Maps of a wide layer ``s' = W f(s) + b`` with weights of variance σ_w²/N and biases of variance σ_b².

    A pre-activation is normal with mean 0 and variance q; two of them (for two inputs) have correlation ρ.

    Args:
        activation: a name for `derive.activations.activation`, or an `Activation`.
        weight_variance: σ_w², the weight variance times the fan-in N.
        bias_variance: σ_b².
        method: ``"auto"`` takes a closed form where the engine derives one and its rounding error is below 2e-13,
            and quadrature elsewhere; ``"closed form"`` and ``"quadrature"`` insist. Arrays of 256 points or more, and
            every separation, go through a compiled closed form without cancellation where one is certified.

    Raises:
        InputError: for an argument that breaks a rule, and by ``"closed form"`` where there is none.

    >>> maps = NumericalMaps("relu", weight_variance=2.0)
    >>> float(maps.length_map(0.7).value)
    0.7
    >>> maps.chi_perp(1.0).method
    array('closed form', dtype=object)

    """

    def __init__(
        self,
        activation: str | Activation,
        *,
        weight_variance: float = 1.0,
        bias_variance: float = 0.0,
        method: str = "auto",
    ) -> None:
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        self.activation = named(activation)
        self.functions: Functions = functions(self.activation)
        self.weight_variance = variance("weight_variance", weight_variance)
        self.bias_variance = variance("bias_variance", bias_variance)
        self.method = method
        self._pairs = Pairs(self.functions)
        self._fast = Fast(self.activation, self.weight_variance, self.bias_variance)

    def mean(self, q: ArrayLike) -> Evaluated:
        """E[f(s)], s ~ N(0, q)."""
        return self._of_q("mean", q)

    def second_moment(self, q: ArrayLike) -> Evaluated:
        """E[f(s)²], s ~ N(0, q)."""
        return self._of_q("second", q)

    def slope_second_moment(self, q: ArrayLike) -> Evaluated:
        """E[f'(s)²], s ~ N(0, q); infinite if f jumps."""
        return self._of_q("slope_second", q)

    def second_moment_slope(self, q: ArrayLike) -> Evaluated:
        """dE[f²]/dq = E[f'² + f f''] = E[s f f']/q."""
        return self._of_q("second_slope", q)

    def length_map(self, q: ArrayLike) -> Evaluated:
        """Q' = σ_w² E[f²] + σ_b² (Poole et al. 2016, equation 3)."""
        return self._compiled("second", "map", q) or self._layer(self.second_moment(q))

    def chi_perp(self, q: ArrayLike) -> Evaluated:
        """χ_⊥ = σ_w² E[f'²]: by how much a layer stretches a small difference (Poole et al. 2016, equation 6)."""
        return self._compiled("slope_second", "scaled", q) or self._scaled(self.slope_second_moment(q))

    def chi_par(self, q: ArrayLike) -> Evaluated:
        """χ_∥ = dq'/dq, the slope of the length map (Roberts, Yaida & Hanin 2022, section 5.1)."""
        return self._compiled("second_slope", "scaled", q) or self._scaled(self.second_moment_slope(q))

    def covariance(self, q: ArrayLike, rho: ArrayLike, q2: ArrayLike | None = None) -> Evaluated:
        """E[f(u1) f(u2)] for variances q and q2 (= q when left out) and correlation ρ."""
        found = self._two("covariance", "", q, rho) if q2 is None else None
        return found or self._of_pairs("covariance", q, rho, q if q2 is None else q2)

    def separation(self, q: ArrayLike, gap: ArrayLike) -> Evaluated:
        """E[f²] - E[f(u1) f(u2)] = E[(f(u1) - f(u2))²]/2 at variance q and correlation ρ = 1 - gap.

        Computed without subtracting: accurate for every gap > 0.
        """
        return self._two("separation", "", q, gap) or self._of_pairs("separation", q, gap, None)

    def covariance_map(self, q: ArrayLike, rho: ArrayLike, q2: ArrayLike | None = None) -> Evaluated:
        """σ_w² E[f(u1) f(u2)] + σ_b² (Poole et al. 2016, equation 4)."""
        found = self._two("covariance", "map", q, rho) if q2 is None else None
        return found or self._layer(self.covariance(q, rho, q2))

    def correlation_map(self, q: ArrayLike, rho: ArrayLike) -> Evaluated:
        """ρ' = (σ_w² E[f(u1) f(u2)] + σ_b²)/q' for two inputs of the same variance q (q' by the length map)."""
        return self._two("covariance", "ratio", q, rho) or self._over_length(self.covariance_map(q, rho), q)

    def gap_map(self, q: ArrayLike, gap: ArrayLike) -> Evaluated:
        """1 - ρ' for correlation ρ = 1 - gap, accurate for every gap > 0."""
        found = self._two("separation", "ratio", q, gap)
        return found or self._over_length(self._scaled(self.separation(q, gap)), q)

    def K(self, m: ArrayLike, v: ArrayLike) -> Evaluated:
        """E_mu[(E_nu f(mu + nu))²] for mu ~ N(0, m²) over networks and nu ~ N(0, v²) over samples."""
        if self.method != "quadrature" and (found := self._fast.shares("covariance", "", m, v)):
            return found
        q, gap = shares(m, v)
        found = self._of_pairs("covariance", q, 1 - gap, q)
        # Where f jumps, K falls like the root of v²/q, of which 1 - v²/q keeps too few digits.
        near = np.asarray(gap < _NEAR)
        if self.functions.is_continuous or not near.any():
            return found
        whole, apart = self.second_moment(q[near]), self._of_pairs("separation", q[near], gap[near], None)
        found.value[near], found.error[near] = whole.value - apart.value, whole.error + apart.error
        found.method[near] = apart.method
        return found

    def sample_variance_map(self, m: ArrayLike, v: ArrayLike) -> Evaluated:
        """v'² = σ_w² E_mu[Var_nu f(mu + nu)]: the next layer's variance over samples, averaged over networks.

        Without cancellation for every v: it is σ_w² E[(f(mu + nu1) - f(mu + nu2))²]/2 (law of total variance).
        """
        if self.method != "quadrature" and (found := self._fast.shares("separation", "scaled", m, v)):
            return found
        q, gap = shares(m, v)
        return self._scaled(self._of_pairs("separation", q, gap, None))

    def hermite_coefficients(self, q: float, order: int) -> Evaluated:
        """The first ``order`` a_k of f(√q z) = Σ a_k He_k(z)/√k!; a_k² are the coefficients of the dual activation."""
        from numerics.maps.hermite import ORDERS, series

        if not 1 <= order <= ORDERS[-1]:
            raise InputError(f"order must be from 1 to {ORDERS[-1]}, got {order}")
        found = series(self.functions, float(variances_of("q", q)), next(n for n in ORDERS if n >= order))
        if found is None:
            raise InputError(f"Hermite coefficients of {self.activation} at q = {q} need too many nodes")
        values = found.coefficients[:order]
        return Evaluated(values, np.full(order, found.error), _method(values.shape, "quadrature"))

    # ---- how

    def _compiled(self, what: str, wrap: str, q: ArrayLike) -> Evaluated | None:
        return None if self.method == "quadrature" else self._fast.of_q(what, wrap, q)

    def _two(self, what: str, wrap: str, q: ArrayLike, second: ArrayLike) -> Evaluated | None:
        return None if self.method == "quadrature" else self._fast.pairs(what, wrap, q, second)

    def _of_q(self, what: str, q: ArrayLike) -> Evaluated:
        variances = variances_of("q", q)
        if found := self._compiled(what, "", variances):
            return found
        distinct, where = np.unique(variances, return_inverse=True)
        value, error = np.full(distinct.shape, np.nan), np.full(distinct.shape, np.inf)
        method = _method(distinct.shape, "quadrature")
        todo = np.ones(distinct.shape, dtype=bool)
        if self.method != "quadrature":
            todo = self._by_closed_form(what, {closed.Q: _exact(distinct)}, value, error, method)
        for n in np.flatnonzero(todo):
            point = moments(self.functions, float(distinct[n]))
            if point.error[what] < error[n] or np.isnan(value[n]):
                value[n], error[n], method[n] = point.value[what], point.error[what], "quadrature"
        return Evaluated(*(part[where.ravel()].reshape(variances.shape) for part in (value, error, method)))

    def _of_pairs(self, what: str, q: ArrayLike, second: ArrayLike, q2: ArrayLike | None) -> Evaluated:
        name = "rho" if what == "covariance" else "gap"
        first, other, last = np.broadcast_arrays(
            variances_of("q", q), bounded(name, second), variances_of("q2", q if q2 is None else q2)
        )
        shape = first.shape
        first, other, last = first.ravel(), other.ravel(), last.ravel()
        value, error = np.full(first.shape, np.nan), np.full(first.shape, np.inf)
        method = _method(first.shape, "series")
        todo = np.ones(first.shape, dtype=bool)
        if self.method != "quadrature" and what == "covariance":
            same = first == last
            if same.all():
                common = first * other
                at = {closed.Q: _exact(first), closed.C: closed.Bounded(common, EPS * np.abs(common))}
                todo = self._by_closed_form(what, at, value, error, method)
                self._from_separation(todo, first, other, value, error, method)
        kernel: Callable[..., Any] = self._pairs.covariance if what == "covariance" else self._pairs.separation
        for pair in np.unique(np.stack([first[todo], last[todo]]), axis=1).T:
            here = todo & (first == pair[0]) & (last == pair[1])
            sizes = (float(pair[0]), float(pair[1])) if what == "covariance" else (float(pair[0]),)
            new, bound, by = kernel(*sizes, other[here])
            places = np.flatnonzero(here)
            better = bound < error[places]
            if what == "separation" and not better.all():
                self._by_subtraction(places[~better], first, other, value, error, method)
            places = places[better]
            value[places], error[places], method[places] = new[better], bound[better], by[better]
        return Evaluated(value.reshape(shape), error.reshape(shape), method.reshape(shape))

    def _from_separation(self, todo: Any, q: Array, rho: Array, value: Array, error: Array, method: Any) -> None:
        """Near correlation 1: E[f²] less the separation, since 1 - ρ is known better than ρq."""
        places = np.flatnonzero(todo & (rho > 0.5))
        apart = self._two("separation", "", q[places], 1 - rho[places])
        if apart is None:
            return
        whole = self.second_moment(q[places])
        difference = whole.value - apart.value
        wrong = whole.error + apart.error + EPS * np.abs(difference)
        better = wrong < error[places]
        found = places[better]
        value[found], error[found], method[found] = difference[better], wrong[better], METHOD
        todo[found] = error[found] > np.maximum(GOOD * np.abs(value[found]), 1e-15 * np.abs(whole.value[better]))

    def _by_subtraction(self, places: Array, q: Array, gap: Array, value: Array, error: Array, method: Any) -> None:
        """Where nothing else is affordable: E[f²] - E[f(u1) f(u2)], with the error that this has."""
        whole = self.second_moment(q[places])
        covariance = self.covariance(q[places], 1 - gap[places])
        value[places] = whole.value - covariance.value
        error[places] = whole.error + covariance.error
        method[places] = covariance.method

    def _by_closed_form(
        self, what: str, at: dict[Any, closed.Bounded], value: Array, error: Array, method: Any
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Fill in what the closed form gives well; return where something else is needed."""
        insist = self.method == "closed form"
        form = closed.closed_form(self.activation, what)
        try:
            found = None if form is None else closed.evaluate(form, at)
        except closed.NotSupported:
            found = None
        if found is None:
            if insist:
                raise InputError(f"activation {self.activation} has no closed form of {what} that can be evaluated")
            return np.ones(value.shape, dtype=bool)
        numbers, bounds = (np.broadcast_to(part, value.shape) for part in found)
        good = np.isfinite(numbers) & (bounds <= GOOD * np.abs(numbers))
        # An exact zero (the mean of an odd function) is as good as a number can be.
        good |= (numbers == 0) & (bounds == 0)
        good |= insist
        # The others are kept until something better is found.
        usable = np.isfinite(numbers) & ~np.isnan(bounds)
        value[usable], error[usable], method[usable] = numbers[usable], bounds[usable], "closed form"
        value[np.isinf(numbers)] = math.inf
        rest: np.ndarray[Any, np.dtype[np.bool_]] = ~good
        return rest

    def _scaled(self, e: Evaluated) -> Evaluated:
        w = self.weight_variance
        if w == 0:
            return Evaluated(np.zeros_like(e.value), np.zeros_like(e.error), e.method)
        return Evaluated(w * e.value, w * e.error + EPS * np.abs(w * e.value), e.method)

    def _layer(self, e: Evaluated) -> Evaluated:
        scaled = self._scaled(e)
        value = scaled.value + self.bias_variance
        return Evaluated(value, scaled.error + EPS * np.abs(value), e.method)

    def _over_length(self, e: Evaluated, q: ArrayLike) -> Evaluated:
        length = self.length_map(q)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = e.value / length.value
            error = e.error / length.value + np.abs(value) * (length.error / length.value + EPS)
        return Evaluated(np.asarray(value), np.asarray(error), e.method)


def _exact(values: Array) -> closed.Bounded:
    return closed.Bounded(values, np.zeros_like(values))


def _method(shape: tuple[int, ...], name: str) -> np.ndarray[Any, Any]:
    return np.full(shape, name, dtype=object)
