"""The symbols of the maps."""

from sympy import Symbol, symbols

from derive.network import BIAS_VARIANCE, GAIN

q, q_1, q_2 = symbols("q q_1 q_2", positive=True)
"""Variance of a pre-activation: the length of mean-field theory; of two inputs where they differ."""

c = Symbol("c", real=True)
"""Covariance of the pre-activations of two inputs."""

rho = Symbol("rho", real=True)
"""Correlation of the pre-activations of two inputs, between -1 and 1."""

m, v = symbols("m v", positive=True)
"""Root mean square over networks of the mean over samples, and of the fluctuation about it: q = m^2 + v^2."""

sigma_w2 = GAIN
"""sigma_w^2: the variance of a weight is sigma_w^2 over the fan-in."""

sigma_b2 = BIAS_VARIANCE
"""sigma_b^2: the variance of a bias."""

fan_in, fan_out = symbols("n_in n_out", positive=True)
"""The numbers of units before and after the weights."""

x, y = symbols("x y", real=True)
"""The pre-activations of two inputs."""
