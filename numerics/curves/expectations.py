"""Derived results with Gaussian expectations of an activation function, evaluated for one activation.

A result such as sigma_w^2 E[f(u)^2] + sigma_b^2 is compiled with a stand-in for each expectation; the numbers for the
stand-ins come from `numerics.maps`. Nothing of the formula is typed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Dummy, Expr, Integer

from derive.activations import Activation
from derive.gaussian import GaussianExpectation
from derive.network import f, slope
from derive.proof.derivation import Derivation
from derive.rules.replicas import Pair
from derive.rules.wide import MU, NU, M, Q, U, V, one_gaussian, over_networks, over_samples
from numerics.kernels.callable import Kernel
from numerics.kernels.callable import formula_kernel as kernel
from numerics.maps import Evaluated, NumericalMaps
from numerics.maps.functions import functions

Floats = NDArray[np.float64]


class Expectations:
    """Gaussian expectations of an activation and its slope; q = 0 and values beyond float64 are taken, too.

    Where f jumps, the slope is the one between the jumps, as in back-propagation. ``worst`` is the largest relative
    error among all that was evaluated since it was last set to 0; that of K is relative to E[f^2].
    """

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self._maps = NumericalMaps(activation)
        if activation.jumps:
            between = Activation(f"slope of {activation}", activation.derivative, symbol=activation.symbol)
            self._slope = NumericalMaps(between).second_moment
        else:
            self._slope = self._maps.slope_second_moment
        self.worst = 0.0

    def of(self, node: Expr, at: Mapping[Basic, Any]) -> Floats:
        """Return the value of an expectation where q, or m^2 and v^2, have the given values.

        ``node`` is one that `nodes` knows; ``at`` maps the symbols q, or m and v, to arrays of q, m^2 and v^2.
        """
        return _KNOWN[node](self, at)

    def _second(self, at: Mapping[Basic, Any]) -> Floats:
        return self._where_positive(self._maps.second_moment, at[Q], lambda value, _: value * value)

    def _slope_square(self, at: Mapping[Basic, Any]) -> Floats:
        return self._where_positive(self._slope, at[Q], lambda _, slope: slope * slope)

    def _spread(self, at: Mapping[Basic, Any]) -> Floats:
        return self._where_positive(lambda q: self._maps.separation(q, 1.0), at[Q], lambda *_: 0.0)

    def _shared(self, at: Mapping[Basic, Any]) -> Floats:
        m2, v2 = np.broadcast_arrays(*(np.asarray(at[symbol], np.float64) for symbol in (M, V)))

        def evaluate(q: Floats) -> Evaluated:
            return self._maps.covariance(q, np.minimum(m2[_usable(m2 + v2)] / q, 1.0))

        # K of an odd function vanishes with m: what it is part of is E[f^2].
        return self._where_positive(evaluate, m2 + v2, lambda value, _: value * value, self._maps.second_moment)

    def _half_difference(self, at: Mapping[Basic, Any]) -> Floats:
        m2, v2 = np.broadcast_arrays(*(np.asarray(at[symbol], np.float64) for symbol in (M, V)))

        def evaluate(q: Floats) -> Evaluated:
            return self._maps.separation(q, np.minimum(v2[_usable(m2 + v2)] / q, 1.0))

        return self._where_positive(evaluate, m2 + v2, lambda *_: 0.0)

    def _where_positive(
        self,
        evaluate: Callable[[Floats], Evaluated],
        q: Any,
        at_zero: Callable[[float, float], float],
        scale: Callable[[Floats], Evaluated] | None = None,
    ) -> Floats:
        """Evaluate at variances that are positive and finite; 0 is the function's own value, and infinite stays so."""
        q = np.asarray(q, np.float64)
        usable = _usable(q)
        out = np.full(q.shape, np.nan)
        out[np.isposinf(q)] = np.inf
        if (q == 0).any():
            zero = np.zeros(1)
            made = functions(self.activation)
            out[q == 0] = at_zero(float(made.value(zero)[0]), float(made.slope(zero)[0]))
        if usable.any():
            found = evaluate(q[usable])
            out[usable] = found.value
            against = found.value if scale is None else scale(q[usable]).value
            known = np.isfinite(found.value) & (against != 0)
            self.worst = max(self.worst, float((found.error[known] / np.abs(against[known])).max(initial=0.0)))
        return out


def _usable(q: Floats) -> NDArray[np.bool_]:
    usable: NDArray[np.bool_] = np.isfinite(q) & (q > 0)
    return usable


_KNOWN: dict[Expr, Callable[[Expectations, Mapping[Basic, Any]], Floats]] = {
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


@lru_cache
def compiled(derivation: Derivation, arguments: tuple[Basic, ...]) -> tuple[tuple[Expr, ...], Kernel]:
    """Return a result's expectations, and the kernel of their values followed by the arguments.

    Raises ValueError where the result depends on more than its expectations and the arguments.
    """
    expectations = nodes(derivation.result)
    names = {node: Dummy(f"expectation_{k}") for k, node in enumerate(expectations)}
    names |= {argument: Dummy(f"argument_{k}") for k, argument in enumerate(arguments)}
    return expectations, kernel(derivation.result.xreplace(names), list(names.values()))


def evaluate(
    derivation: Derivation, expectations: Expectations, at: Mapping[Basic, Any], arguments: Mapping[Basic, Any]
) -> Floats:
    """Return the value of a derivation's result; ``at`` as in `Expectations.of`, ``arguments`` by their expressions."""
    parts, function = compiled(derivation, tuple(arguments))
    values = [expectations.of(node, at) for node in parts]
    return np.asarray(function(*values, *arguments.values()), np.float64)
