"""An oracle of deep networks: exact draws of two samples' Gram matrix, of which a layer's largest come again.

Each network is drawn again in proportion to what its size grew by in the layer (Del Moral 2004):
the product of the mean growths is an unbiased estimate of E[size], however few networks most of it is in.
"""

import numpy as np

from numerics.activations import numpy_function

GROUP = 4096


def _layer(rng, f, gram, units):
    """(A, B, C) of f(s), f(s') as means over units, and of their distance, half the mean squared difference."""
    a, b, c = gram
    out = np.empty((4, len(a)))
    for start in range(0, len(a), GROUP):
        at = slice(start, start + GROUP)
        x, y = rng.standard_normal((2, len(a[at]), units))
        root = np.sqrt(a[at])
        s = f(root[:, None] * x)
        rest = np.sqrt(np.maximum(b[at] - (c[at] / root) ** 2, 0))
        t = f((c[at] / root)[:, None] * x + rest[:, None] * y)
        out[:, at] = (s * s).mean(1), (t * t).mean(1), (s * t).mean(1), ((s - t) ** 2).mean(1) / 2
    return out


def resampled(network, size, networks, rng, read=None):
    """Return, layer by layer, E[size] and E[read]: ``size`` and ``read`` of A, B, C and the distance of s^i."""
    f = numpy_function(network.activation)
    x, y = np.sqrt(network.input_variance) * rng.standard_normal((2, networks, network.widths[0]))
    made = np.stack([(x * x).mean(1), (y * y).mean(1), (x * y).mean(1), ((x - y) ** 2).mean(1) / 2])
    total, before, rows = 1.0, np.ones(networks), []
    for layer, units in enumerate([*network.widths[1:-1], 0]):
        gain, bias = network.gain[layer], network.bias_variance[layer]
        gram = gain * made + np.array([bias, bias, bias, 0])[:, None]
        now = size(*gram)
        growth = now / before
        total *= growth.mean()
        rows.append((total, total * ((read or size)(*gram) / before).mean() / growth.mean()))
        if not units:
            break
        ends = np.cumsum(growth)
        chosen = np.searchsorted(ends, (np.arange(networks) + rng.random()) / networks * ends[-1])
        gram, before = gram[:, chosen], now[chosen]
        made = _layer(rng, f, gram[:3], units)
    return np.array(rows).T


def with_errors(network, size, networks, seed, batches=10, read=None):
    """Return E[size], E[read] and their standard errors, from independent batches."""
    rngs = np.random.default_rng(seed).spawn(batches)
    found = np.array([resampled(network, size, networks // batches, rng, read) for rng in rngs])
    return found.mean(0), found.std(0, ddof=1) / np.sqrt(batches)
