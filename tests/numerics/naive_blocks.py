"""Networks of blocks as plain loops over NumPy arrays, written apart from all that is tested: two samples, and back."""

import numpy as np

_FUNCTIONS = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}


def simulated(network, networks, seed):
    """Return the means over networks of q, m2 and the mean square gradient of every row, and their standard errors."""
    rng = np.random.default_rng(seed)
    found = np.array([_one(network, rng) for _ in range(networks)])
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(networks)


def _one(network, rng):
    c = network.input_correlation
    first, other = rng.normal(size=(2, *network.shape))
    x = np.stack([first, c * first + np.sqrt(1 - c * c) * other])
    states, backs = [x], []
    for block in network.blocks:
        x, back = _through(block, x, rng)
        states.append(x)
        backs.append(back)
    gradients = [rng.normal(size=x.shape[1:])]
    for back in reversed(backs):
        gradients.append(back(gradients[-1]))
    return [[(z**2).mean(), (z[0] * z[1]).mean(), (g**2).mean()] for z, g in zip(states, gradients[::-1], strict=True)]


def _through(block, x, rng):
    return _BLOCKS[block.word](block, x, rng)


def _row(blocks, x, rng):
    backs = []
    for block in blocks:
        x, back = _through(block, x, rng)
        backs.append(back)

    def through(g):
        for back in reversed(backs):
            g = back(g)
        return g

    return x, through


def _dense(block, x, rng):
    n, m = x.shape[1], int(block.units)
    W = rng.normal(size=(n, m)) * np.sqrt(float(block.gain) / n)
    b = rng.normal(size=m) * np.sqrt(float(block.bias_variance))
    return x @ W + b, lambda g: W @ g


def _elementwise(block, x, rng):
    f, slope = _FUNCTIONS[block.name]
    return f(x), lambda g: g * slope(x[0])


def _dropout(block, x, rng):
    p = float(block.rate)
    mask = (rng.random(x.shape) >= p) / (1 - p)
    return x * mask, lambda g: g * mask[0]


def _residual(block, x, rng):
    alpha = float(block.scale)
    y, back = _row(block.inside, x, rng)
    return x + alpha * y, lambda g: g + alpha * back(g)


def _sum(block, x, rng):
    parts = [_through(branch, x, rng) for branch in block.inside]
    return sum(y for y, _ in parts), lambda g: sum(back(g) for _, back in parts)


def _pool(block, x, rng):
    windows = [block.window or size for size in x.shape[2:]]
    split = [part for size, w in zip(x.shape[2:], windows, strict=True) for part in (size // w, w)]
    y = x.reshape(*x.shape[:2], *split).mean(axis=tuple(3 + 2 * k for k in range(len(windows))))

    def back(g):
        for axis, w in enumerate(windows):
            g = np.repeat(g, w, axis=1 + axis) / w
        return g

    return y, back


def _conv(block, x, rng):
    k, stride, sizes, groups = block.kernel, block.stride, x.shape[2:], block.groups
    inside, outside = x.shape[1] // groups, int(block.channels) // groups
    kernel = rng.normal(size=(inside, *[k] * len(sizes), groups * outside))
    kernel *= np.sqrt(float(block.gain) / (inside * k ** len(sizes)))
    out = [-(-size // stride) for size in sizes]
    y = np.zeros((2, groups * outside, *out))
    y += rng.normal(size=(groups * outside, *[1] * len(sizes))) * np.sqrt(float(block.bias_variance))
    links = []
    for there in np.ndindex(*out):
        for offset in np.ndindex(*[k] * len(sizes)):
            here = [stride * p + o - (k - 1) // 2 for p, o in zip(there, offset, strict=True)]
            if block.padding == "circular":
                here = [p % size for p, size in zip(here, sizes, strict=True)]
            elif any(not 0 <= p < size for p, size in zip(here, sizes, strict=True)):
                continue
            for group in range(groups):
                into = slice(group * outside, (group + 1) * outside)
                links.append(((slice(group * inside, (group + 1) * inside), *here), (into, *there), (*offset, into)))
    for here, there, offset in links:
        y[:, *there] += x[:, *here] @ kernel[:, *offset]

    def back(g):
        found = np.zeros(x.shape[1:])
        for here, there, offset in links:
            found[here] += kernel[:, *offset] @ g[there]
        return found

    return y, back


_BLOCKS = {
    "dense": _dense,
    "elementwise": _elementwise,
    "dropout": _dropout,
    "residual": _residual,
    "sum": _sum,
    "average-pool": _pool,
    "conv": _conv,
    "serial": lambda block, x, rng: _row(block.inside, x, rng),
    "scale": lambda block, x, rng: (float(block.factor) * x, lambda g: float(block.factor) * g),
    "flatten": lambda block, x, rng: (x.reshape(2, -1), lambda g: g.reshape(x.shape[1:])),
}
