"""Evaluate the predicted variances of one network, and of many at once."""

import numpy as np

import derive
from numerics import Network, kernel, predict

# One network: all columns, layer by layer.
network = Network(widths=[8, 14, 5, 18, 11, 6], gain=1.0)
prediction = predict(network)
print(prediction.to_csv())

# The same numbers from the theorem itself, compiled to NumPy.
backward = kernel(derive.theorem("backward-variance"))
print(backward.__doc__)
layers = np.arange(network.d + 1)
print(backward(layers, network.d, network.widths, network.weight_variance, network.gradient_variance))

# Many networks: the leading axes of the arguments. Here 1000 gains from 0.5 to 2, at depth 50.
gains = np.linspace(0.5, 2.0, 1000)
n = np.full(52, 256)
first_layer = backward(0, 50, n, gains[:, None] / n[:-1], 1.0)
best = gains[np.argmin(np.abs(np.log(first_layer)))]
print(f"gain at which 50 layers keep the variance of the gradients: {best:.2f}")
