"""Softmax cross-entropy: -sum_k y_k log p_k with p = softmax(s), its gradient p - y, and how many classes are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # of float32 or float64


def cross_entropy(s: Floats, y: Floats) -> Floats:
    """Return each copy's mean cost, of logits (copies, samples, classes) and one-hot classes."""
    shifted = s - s.max(axis=-1, keepdims=True)
    costs = np.log(np.exp(shifted).sum(axis=-1)) - (shifted * y).sum(axis=-1)
    return np.asarray(costs.mean(axis=-1))


def output_gradient(s: Floats, y: Floats) -> Floats:
    """Return the gradient of each sample's cost with respect to its logits."""
    p = np.exp(s - s.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return np.asarray(p - y, s.dtype)


def accuracy(s: Floats, y: Floats) -> Floats:
    """Return each copy's share of samples whose largest logit is that of their class; 0 where logits are no numbers."""
    right = (s.argmax(axis=-1) == y.argmax(axis=-1)) & np.isfinite(s).all(axis=-1)
    return np.asarray(right.mean(axis=-1))
