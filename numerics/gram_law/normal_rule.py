"""Means over one or two standard normal numbers of functions that are smooth between straight lines.

Gauss-Legendre panels, with edges wherever an argument of f meets a breakpoint of f, and where two such lines cross.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EDGES = np.array([-8.5, -3.0, -1.2, 0.0, 1.2, 3.0, 8.5])
"""Panels short where the normal density is large; beyond, it is 1e-17."""


def on_line(breaks: Floats, nodes: int, *, half: bool) -> tuple[Floats, Floats]:
    """Return points and weights, (points, nodes), of a mean over x that has breaks at (breaks, points).

    With ``half``, for even functions, x is positive.
    """
    edges = np.concatenate([np.repeat(_EDGES[:, None], breaks.shape[1], axis=1), breaks])
    return _panels(edges, nodes, half=half)


def on_plane(first: Floats, second: Floats, half_angle: Floats, nodes: int, *, half: bool) -> tuple[Floats, ...]:
    """Return points x, y and weights, (points, nodes), of means over two standard normal numbers.

    With c and s the cosine and sine of ``half_angle`` t/2, (points,), the functions break where ``c x + s y`` is one
    of ``first``, or ``c x - s y`` one of ``second``, both (breaks, points). With ``half``, for functions that are even
    in (x, y) together, x is positive.
    """
    c, s = np.cos(half_angle), np.sin(half_angle)
    crossings = ((first[:, None] - second) / (2 * s)).reshape(len(first) ** 2, len(s))
    y, along = on_line(crossings, nodes, half=False)
    lines = np.concatenate(
        [(side[..., None] - sign * s[:, None] * y) / c[:, None] for side, sign in ((first, 1), (second, -1))]
    )
    x, across = on_line(lines.reshape(len(lines), y.size), nodes, half=half)
    shape = (len(s), y.shape[1], -1)
    weights = across.reshape(shape) * along[..., None]
    y = np.broadcast_to(y[..., None], weights.shape)
    return tuple(part.reshape(len(s), -1) for part in (x, y, weights))


def _panels(edges: Floats, nodes: int, *, half: bool) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    edges = np.sort(np.clip(edges, 0.0 if half else _EDGES[0], _EDGES[-1]), axis=0)
    if half:
        edges = edges[np.count_nonzero(_EDGES < 0) :]
    middle, reach = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    points = middle[..., None] + reach[..., None] * x
    weights = reach[..., None] * w * np.exp(-(points**2) / 2)
    points, weights = (np.moveaxis(part, 0, 1).reshape(edges.shape[1], -1) for part in (points, weights))
    return points, weights / weights.sum(axis=1, keepdims=True)
