"""A law over networks carried through all layers by few weighted points, and the means that are asked of it.

Given the Gram matrix of a layer's pre-activations, the next one is a mean over independent units: exact moments, as
functions of this one. The law of the Gram matrix is carried by points; each makes the points of its next one; of these,
few are kept, with the moments of all of them up to a degree: that is what is closed by hand.

Means over networks of long tails are of sizes that grow by factors. So a law is weighted with a power of the size, a
length or a distance: ``E[size^k]`` is then a product over layers of means of ``(size'/size)^k``, which hardly varies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.gram_law.points import Points, after_layer, few
from numerics.gram_law.samples import ONE, Layers, Samples, mean_value
from numerics.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    """How finely a law is carried.

    ``kept``: the degree of the moments kept from layer to layer; ``layer``: the degree of a layer's exact moments;
    ``points`` in each direction behind a layer; ``nodes`` a panel of the means over units. ``fluctuating``: whether the
    kurtosis of pre-activations, of weights that are not normal, allows for what the lengths before them vary.
    """

    kept: int
    layer: int
    points: int
    nodes: int
    fluctuating: bool = True


SIZES = {
    1: (Sizes(6, 6, 9, 8), Sizes(5, 5, 7, 6, fluctuating=False)),
    3: (Sizes(6, 6, 7, 6), Sizes(5, 5, 6, 7, fluctuating=False)),
}
"""By the number of variables: the sizes to compute with, and coarser ones, which a stated error comes from."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Of s^0, s^1, ...: ``moment`` E[size^k] over networks and samples, and ``value`` E f(s), of one sample.

    ``log_mean`` and ``log_variance`` are of log size, under the law weighted with size^k; ``laws`` are its points.
    """

    moment: Floats
    log_mean: Floats
    log_variance: Floats
    value: Floats
    laws: tuple[Points, ...]


def carried(of: Samples, network: Network, power: int, sizes: Sizes) -> Carried:
    """Carry the law, weighted with the size to a power, through all layers of a network."""
    layers = Layers(network.activation, sizes.nodes)
    excess_kurtosis = network.weight_law.kurtosis - 3
    raw, weights, before, moment = of.inputs(network, sizes.layer), np.ones(1), np.ones(1), 1.0
    gains = (network.gain[0] * network.input_variance, *network.gain[1:])
    rows, laws = [], []
    for units, gain, bias in zip(network.widths, gains, network.bias_variance, strict=False):
        at, given = after_layer(of, raw, units, gain, bias, sizes.points)
        at = at.reshape(of.variables, -1)
        size = of.size(at)
        tilted = ((weights / before)[:, None] * given).ravel() * size**power
        growth = float(tilted.sum())
        moment *= growth
        points, log = Points(at, tilted / growth), np.log(size)
        laws.append(points)
        centre = float(log @ points.weights)
        row = [moment, centre, float((log - centre) ** 2 @ points.weights)]
        excess = excess_kurtosis * of.fourth(raw, weights, bias / gain, units if sizes.fluctuating else 0)
        excess = excess if sizes.fluctuating else excess / units
        points = few(of, points, sizes.kept)
        weights, before = points.weights, of.size(points.at) ** power
        raw = of.unit(layers, points.at, excess, sizes.layer)
        value = mean_value(layers, points.at, excess) if of is ONE else 0.0
        rows.append([*row, moment * float((weights / before * value).sum())])
    moment, mean, variance, value = np.array(rows).T
    return Carried(moment, mean, variance, value, tuple(laws))
