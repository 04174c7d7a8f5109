"""The symbols of the maps."""

from sympy import Symbol, symbols

from derive.network import BIAS_VARIANCE as sigma_b2
from derive.network import GAIN as sigma_w2

q, q_1, q_2 = symbols("q q_1 q_2", positive=True)
"""Variance of a pre-activation: the length of mean-field theory; of two inputs where they differ."""

c = Symbol("c", real=True)
"""Covariance of the pre-activations of two inputs."""

rho = Symbol("rho", real=True)
"""Correlation of the pre-activations of two inputs, between -1 and 1."""

m, v = symbols("m v", positive=True)
"""Root mean square over networks of the mean over samples, and of the fluctuation about it: q = m^2 + v^2."""

fan_in, fan_out = symbols("n_in n_out", positive=True)
"""The numbers of units before and after the weights."""

x, y = symbols("x y", real=True)
"""The pre-activations of two inputs."""

__all__ = ["c", "fan_in", "fan_out", "m", "q", "q_1", "q_2", "rho", "sigma_b2", "sigma_w2", "v", "x", "y"]
