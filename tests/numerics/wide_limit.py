"""The wide limit of m² and v² in leaky ReLU networks, in plain Python with mpmath: an independent prediction."""

from dataclasses import dataclass

import numpy as np
from mpmath import atan, mpf, pi, sqrt

from numerics.network import Network


@dataclass(frozen=True)
class WideLimit:
    network: Network
    columns: dict
    exact: dict

    def altered(self, name, layer, factor):
        values = self.columns[name].copy()
        values[layer] *= factor
        return WideLimit(self.network, self.columns | {name: values}, self.exact)


def wide_limit(network, slope=0):
    """m² and v² of layers 0..d for a network of (leaky) ReLU; white-noise inputs have m² = Var[b^0] at layer 0."""
    a, gain = mpf(slope), [mpf(g) for g in network.gain]
    m2, v2 = [mpf(network.bias_variance[0])], [gain[0] * network.input_variance]
    for s, bias in zip(gain[1:], network.bias_variance[1:], strict=True):
        m, v = m2[-1], v2[-1]
        total = s * (1 + a**2) / 2 * (m + v) + bias
        T = sqrt(v) / sqrt(v + 2 * m)
        h = atan(T) + (T - atan(T)) / T**2
        v2.append(s * v * ((1 + a**2) / 2 - (1 - a) ** 2 * h / (2 * pi)))
        m2.append(total - v2[-1])
    columns = {"m2": np.array(m2, float), "v2": np.array(v2, float)}
    return WideLimit(network, columns, dict.fromkeys(columns, False))
