"""Squared gradients of networks of real width, for any activation function and normal weights.

Given the pre-activations ``s' = W z + b`` of a layer, each row of W is normal: its mean is along z, with variances
``σ²/n (1 - σ²/(n K') z zᵀ)``, where ``K' = σ² |z|²/n + Var[b]``, and it does not depend on what comes after s'. So the
gradient ``δ = f'(s) Wᵀ δ'`` in front of the layer has, over W, means of two squares that are linear in those behind it:
of ``P = |δ|²`` and of ``R = (s·δ)²``, with ``φ = (σ²/(n K'))² R' - (σ²/n)(σ²/(n K')) P'``,

    P = σ²/n P' Σ f'(s)² + φ Σ f'(s)² f(s)²    and    R = σ²/n P' Σ (s f'(s))² + φ (Σ s f'(s) f(s))².

The sums are over the n units of s, independent of one variance K given K, as K' is a sum over them, too. So the means
given K of both are functions of K alone, and one step back is an integral over one unit or two, with the rest of the
sum K' carried by points: no width is large here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.activations import numpy_function
from numerics.gram_law.law import Sizes, carried
from numerics.gram_law.normal_rule import on_line
from numerics.gram_law.points import after_layer
from numerics.gram_law.samples import ONE, Layers
from numerics.network import Network

Floats = NDArray[np.float64]
Means = Callable[[Floats], tuple[Floats, Floats]]
"""P and R by log K, in parts of what is behind the last layer."""

_TINY = np.finfo(np.float64).tiny
_DEVIATIONS, _STILL, _NODES_OF_PAIRS = 6.0, 1e-3, 4


@dataclass(frozen=True, eq=False)
class Gradients:
    """Mean squares over networks and inputs of dCost/ds and dCost/dw, of s^0, s^1, ... and of the weights behind them.

    In parts of the variance of the output's gradient.
    """

    of_units: Floats
    of_weights: Floats


def gradients(network: Network, sizes: Sizes) -> Gradients:
    """Return the mean squared gradients of all layers; the law of the variance K of s is that of `carried`.

    Those of weights are means of K times a function of K: under the law that is weighted with K.
    """
    forward, weighted = (carried(ONE, network, power, sizes) for power in (0, 1))
    layers = Layers(network.activation, sizes.nodes)
    rows: list[tuple[float, float]] = []
    means: Means | None = None
    for layer in range(network.d, -1, -1):
        units, gain, bias = network.widths[layer + 1], network.gain[layer], network.bias_variance[layer]
        if means is None:
            means = _last(units)
        else:
            centre, deviation = forward.log_mean[layer], np.sqrt(forward.log_variance[layer])
            at = _grid(centre, max(_STILL, deviation) * _DEVIATIONS, sizes.points)
            after = (network.gain[layer + 1], network.bias_variance[layer + 1])
            means = _through(at, *_before(layers, at, units, after, means, sizes))
        square, times = (
            float(means(law.at[0])[0] @ law.weights) / units for law in (forward.laws[layer], weighted.laws[layer])
        )
        rows.append((square, (times * weighted.moment[layer] - square * bias) / gain))
    return Gradients(*np.array(rows[::-1]).T)


def _last(units: int) -> Means:
    """The gradient of the output does not depend on it: n independent numbers."""
    return lambda log: (np.full_like(log, float(units)), units * np.exp(log))


def _grid(centre: float, reach: float, points: int) -> Floats:
    return centre + reach * np.cos(np.pi * np.arange(points + 1) / points)


def _through(at: Floats, *values: Floats) -> Means:
    """Return means whose logarithms are polynomials in log K, through values; beyond the ends they stay as there."""
    domain = [at.min(), at.max()]
    made = [np.polynomial.Chebyshev.fit(at, np.log(np.maximum(v, _TINY)), len(at) - 1, domain=domain) for v in values]

    def means(log: Floats) -> tuple[Floats, Floats]:
        first, second = (np.exp(series(np.clip(log, *domain))) for series in made)
        return first, second

    return means


def _before(
    layers: Layers, at: Floats, units: int, after: tuple[float, float], behind: Means, sizes: Sizes
) -> tuple[Floats, Floats]:
    """Return P and R in front of a layer with a gain and biases, given log K at some points, by those behind it."""
    gain, bias = after
    part = gain / units
    none = np.zeros(1)
    raw = ONE.unit(layers, at[None], none, sizes.layer)
    root = np.exp(at / 2)[:, None]

    def rest(left: int) -> tuple[Floats, Floats]:
        """Return points and weights of K' less what one unit or two give it."""
        log, weights = after_layer(ONE, raw, units - left, gain * (units - left) / units, bias, sizes.points)
        return np.exp(log[0]), weights

    def unit(nodes: int) -> tuple[Floats, ...]:
        x, w = on_line(layers.breakpoints / root[:, 0], nodes, half=False)
        s = root * x
        return w, s, layers.value(s), np.broadcast_to(numpy_function(layers.activation, 1)(s), s.shape)

    def turned(k: Floats) -> tuple[Floats, Floats]:
        square, along = behind(np.log(k))
        return square, (part / k) ** 2 * along - part * (part / k) * square

    w, s, z, slope = unit(sizes.nodes)
    k, weights = rest(1)
    square, along = turned(k[:, None] + part * (z**2)[..., None])
    square, along = ((w * np.einsum("gup,gp->gu", values, weights)) for values in (square, along))
    p = gain * (square * slope**2).sum(1) + units * (along * (slope * z) ** 2).sum(1)
    own = units * (along * (s * slope * z) ** 2).sum(1)
    r = gain * (square * (s * slope) ** 2).sum(1) + own

    w, s, z, slope = unit(_NODES_OF_PAIRS)
    k, weights = rest(2)
    both = z[:, :, None] ** 2 + z[:, None] ** 2
    along = np.zeros_like(both)
    for at_rest, weight in zip(k.T, weights.T, strict=True):
        along += turned(at_rest[:, None, None] + part * both)[1] * weight[:, None, None]
    one = w * s * slope * z
    return p, r + units * (units - 1) * np.einsum("gu,guv,gv->g", one, along, one)
