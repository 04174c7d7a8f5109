"""Derived results with Gaussian expectations of an activation function, evaluated for one activation.

A result such as sigma_w^2 E[f(u)^2] + sigma_b^2 is compiled with a stand-in for each expectation; the numbers for the
stand-ins come from `numerics.maps`. Nothing of the formula is typed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Dummy, Expr, Integer, Symbol, lambdify

from derive.activations import Activation
from derive.gaussian import GaussianExpectation
from derive.maps import Maps
from derive.network import f, slope
from derive.proof.derivation import Derivation
from derive.quadrature import Bounded
from derive.rules.replicas import Pair
from derive.rules.wide import FIRST, MU, NU, SECOND, M, Q, U, V, one_gaussian, over_networks, over_samples
from numerics.activations import numpy_function
from numerics.maps.interpolant import interpolants

Floats = NDArray[np.float64]
Numbers = tuple[Floats, Floats]
"""Values and the absolute errors of each."""

EPS = float(np.finfo(np.float64).eps)


class Expectations:
    """Gaussian expectations of an activation and its slope; q = 0 and values beyond float64 are taken, too.

    Where f jumps, the slope is the one between the jumps, as in back-propagation. Each method takes the values of the
    symbols q, or m and v (as m^2 and v^2), and returns values and their absolute errors.
    """

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self._maps = interpolants(activation)
        if activation.jumps:
            between = Activation(f"slope of {activation}", activation.derivative, symbol=activation.symbol)
            self._slope = interpolants(between).second_moment
        else:
            self._slope = self._maps.slope_second_moment

    @cached_property
    def _centred(self) -> bool:
        return mean_is_zero(self.activation)

    def _second(self, at: Mapping[Basic, Any]) -> Numbers:
        return self._where_positive(self._maps.second_moment, lambda value, _: value * value, at[Q])

    def _slope_square(self, at: Mapping[Basic, Any]) -> Numbers:
        return self._where_positive(self._slope, lambda _, slope: slope * slope, at[Q])

    def _spread(self, at: Mapping[Basic, Any]) -> Numbers:
        return self._where_positive(self._variance, lambda *_: 0.0, at[Q])

    def _shared(self, at: Mapping[Basic, Any]) -> Numbers:
        def evaluate(q: Floats, m2: Floats, _: Floats) -> Bounded:
            rho = np.clip(m2 / q, -1.0, 1.0)
            alone = rho == 0
            if alone.all():
                return self._squared_mean(q)
            found = self._maps.covariance(q, rho)
            if alone.any():
                value, error, mean = found.value.copy(), found.error.copy(), self._squared_mean(q[alone])
                value[alone], error[alone] = mean.value, mean.error
                return Bounded(value, error, found.method)
            return found

        return self._where_positive(evaluate, lambda value, _: value * value, at[M] + at[V], at[M], at[V])

    def _half_difference(self, at: Mapping[Basic, Any]) -> Numbers:
        def evaluate(q: Floats, _: Floats, v2: Floats) -> Bounded:
            gap = np.minimum(v2 / q, 2.0)
            return self._variance(q) if (gap == 1).all() else self._maps.separation(q, gap)

        return self._where_positive(evaluate, lambda *_: 0.0, at[M] + at[V], at[M], at[V])

    def _mean(self, at: Mapping[Basic, Any]) -> Numbers:
        if mean_is_zero(self.activation):
            return np.zeros_like(at[Q]), np.zeros_like(at[Q])
        return self._where_positive(self._maps.maps.mean, lambda value, _: value, at[Q])

    def _product(self, at: Mapping[Basic, Any]) -> Numbers:
        """E[f(u) f(w)] for any two variances, of which 0 is the value at the mean."""
        q, other, shared = np.broadcast_arrays(*(np.asarray(at[s], np.float64) for s in (Q, Q_OTHER, SHARED)))
        if np.array_equal(q, other):
            return self._shared({M: shared, V: q - shared})
        value, error = np.empty(q.shape), np.empty(q.shape)
        usable = (q > 0) & (other > 0) & np.isfinite(q) & np.isfinite(other)
        with np.errstate(invalid="ignore"):
            rho = np.clip(shared / np.sqrt(q * other), -1.0, 1.0)
        # Places of an image come in few kinds: as far from the boundary, and from each other.
        kinds, which = np.unique(np.stack([q, other, rho])[:, usable], axis=1, return_inverse=True)
        if kinds.size:
            found = self._maps.maps.covariance(kinds[0], kinds[2], kinds[1])
            value[usable], error[usable] = found.value[which.ravel()], found.error[which.ravel()]
        # One of two without a spread is a constant.
        means = [self._mean({Q: part[~usable]}) for part in (q, other)]
        value[~usable] = means[0][0] * means[1][0]
        error[~usable] = means[0][1] * np.abs(means[1][0]) + means[1][1] * np.abs(means[0][0])
        return value, error

    def _squared_mean(self, q: Floats) -> Bounded:
        """E[f(u)]^2, which is what mu = 0 leaves of E_mu[(E_nu f)^2]: 0 where that is derived, by symmetry."""
        if self._centred:
            return Bounded(np.zeros_like(q), np.zeros_like(q), "closed form")
        mean = self._maps.maps.mean(q)
        return Bounded(mean.value**2, mean.error * (2 * np.abs(mean.value) + mean.error), mean.method)

    def _variance(self, q: Floats) -> Bounded:
        """E[f(u)^2] - E[f(u)]^2, without a subtraction."""
        if self._centred:
            return self._maps.second_moment(q)
        return self._maps.separation(q, 1.0)

    def _where_positive(
        self, evaluate: Callable[..., Bounded], at_zero: Callable[[float, float], float], q: Any, *more: Any
    ) -> Numbers:
        """Evaluate at variances that are positive and finite; 0 is the function's own value, and infinite stays so."""
        q = np.asarray(q, np.float64)
        if q.size and np.minimum.reduce(q, axis=None) > 0 and np.maximum.reduce(q, axis=None) < np.inf:
            found = evaluate(q, *more)
            return found.value, found.error
        usable = np.isfinite(q) & (q > 0)
        value = np.full(q.shape, np.nan)
        value[np.isposinf(q)] = np.inf
        error = np.where(q == 0, 0.0, np.inf)
        if (q == 0).any():
            zero = np.zeros(1)
            value[q == 0] = at_zero(*(float(numpy_function(self.activation, order)(zero)[0]) for order in (0, 1)))
        if usable.any():
            found = evaluate(q[usable], *(np.broadcast_to(x, q.shape)[usable] for x in more))
            value[usable], error[usable] = found.value, found.error
        return value, error


@lru_cache(maxsize=64)
def mean_is_zero(activation: Activation) -> bool:
    """Whether `derive.maps` derives E[f(u)] = 0 for u ~ N(0, q), as it does for every odd f from the symmetry."""
    # Without a proof of oddness, deriving the mean would cost more than the number.
    if not activation.is_odd:
        return False
    found = Maps(activation).find("mean")
    return isinstance(found, Derivation) and found.result == 0


Q_OTHER, SHARED = Symbol("q_2", positive=True), Symbol("c", real=True)
"""The variance of a second Gaussian, and the covariance of both."""


def two_gaussians(integrand: Expr) -> Expr:
    """Return the mean over two Gaussians of any two variances, with a covariance."""
    rows = ((Q, SHARED), (SHARED, Q_OTHER))
    return GaussianExpectation.of(integrand, (FIRST, SECOND), (Integer(0), Integer(0)), rows)


_KNOWN: dict[Expr, Callable[[Expectations, Mapping[Basic, Any]], Numbers]] = {
    one_gaussian(f(U)): Expectations._mean,
    two_gaussians(f(FIRST) * f(SECOND)): Expectations._product,
    one_gaussian(f(U) ** 2): Expectations._second,
    one_gaussian(slope(U) ** 2): Expectations._slope_square,
    Pair(f(U), U, Integer(0), Q).half_squared_difference(): Expectations._spread,
    over_networks(over_samples(f(MU + NU)) ** 2): Expectations._shared,
    Pair(f(U), U, M**2, V**2).half_squared_difference(): Expectations._half_difference,
}


def nodes(result: Expr) -> tuple[Expr, ...]:
    """Return the outermost Gaussian expectations of a result."""
    if isinstance(result, GaussianExpectation):
        return (result,)
    return tuple(dict.fromkeys(node for argument in result.args for node in nodes(argument)))


class Step:
    """A result as a function of its expectations' arguments and of what else it depends on.

    Raises ValueError where the result depends on more than its expectations and the arguments.
    """

    def __init__(self, of: Derivation | Expr, arguments: tuple[Basic, ...] = ()) -> None:
        formula = of.result if isinstance(of, Derivation) else of
        parts = nodes(formula)
        self.expectations = [_KNOWN[node] for node in parts]
        names = [Dummy(f"expectation_{k}") for k, _ in enumerate(parts)]
        others = [Dummy(f"argument_{k}") for k, _ in enumerate(arguments)]
        known = dict(zip((*parts, *arguments), (*names, *others), strict=True))
        self._result = formula.xreplace(known)
        if missing := self._result.free_symbols - set(known.values()):
            raise ValueError(f"the result depends on {', '.join(sorted(map(str, missing)))} too")
        self._symbols = [*names, *others]
        self.value = lambdify(self._symbols, self._result, np)

    @property
    def operations(self) -> int:
        """How many operations make the result of its inputs."""
        return int(self._result.count_ops())

    @cached_property
    def slopes(self) -> Callable[..., list[Any]]:
        """The derivatives in the expectations and the arguments, by which errors are multiplied."""
        return cast(
            "Callable[..., list[Any]]", lambdify(self._symbols, [self._result.diff(s) for s in self._symbols], np)
        )

    def __call__(self, of: Expectations, at: Mapping[Basic, Any], *arguments: Any) -> Numbers:
        """Return values and their errors; ``at`` as `Expectations` takes it, ``arguments`` in the step's order."""
        found = [expectation(of, at) for expectation in self.expectations]
        inputs = (*(value for value, _ in found), *arguments)
        value = self.value(*inputs)
        error = 2 * EPS * np.abs(value)
        for slope_, (_, own) in zip(self.slopes(*inputs), found, strict=False):
            error = error + np.abs(slope_) * own
        return np.asarray(value, np.float64), error
