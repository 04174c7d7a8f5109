"""The task that networks learn: the digits that scikit-learn ships, or a made-up one of the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from derive.errors import unknown_name
from numerics.stages import Stage, stream

Floats = NDArray[np.float64]

PIXELS, CLASSES, SAMPLES = 64, 10, 1797
TRAINED, VALIDATED = 1221, 256
"""How many samples are for training and for the choice of a step size; the rest, 320, are for the test."""

DIGITS, MADE_UP = "digits", "made-up"
KINDS = (DIGITS, MADE_UP)


@dataclass(frozen=True, eq=False)
class Split:
    """Samples, one a row, and the class of each as a one-hot row."""

    x: Floats
    y: Floats

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Task:
    """A classification task in three parts; ``about`` says what it is.

    Every pixel has mean 0 over the training samples, and all of them together have mean square 1.
    """

    kind: str
    about: str
    train: Split
    validation: Split
    test: Split


def available() -> str:
    """Return the kind of task that there is: the digits where scikit-learn is installed."""
    from importlib.util import find_spec

    return MADE_UP if find_spec("sklearn") is None else DIGITS


@lru_cache(maxsize=2)
def task(kind: str) -> Task:
    """Return a task by its kind.

    Raises `InputError` for an unknown kind, `ImportError` for the digits without scikit-learn.
    """
    if kind not in KINDS:
        raise unknown_name("data", kind, KINDS)
    x, labels = _digits() if kind == DIGITS else _made_up()
    about = (
        "the 1797 handwritten digits of 8 x 8 pixels that scikit-learn ships"
        if kind == DIGITS
        else "a made-up task of the shape of the digits (64 numbers, 10 classes): scikit-learn is not installed"
    )
    # One shuffle for all: which samples are for what does not depend on the seed of a run.
    order = np.random.default_rng(stream(0, Stage.EVIDENCE, 0)).permutation(len(x))
    x, y = x[order], np.eye(CLASSES)[labels[order]]
    x = x - x[:TRAINED].mean(axis=0)
    x /= np.sqrt((x[:TRAINED] ** 2).mean())
    ends = (0, TRAINED, TRAINED + VALIDATED, len(x))
    parts = [Split(x[start:end], y[start:end]) for start, end in pairwise(ends)]
    for part in parts:
        part.x.setflags(write=False)
        part.y.setflags(write=False)
    return Task(kind, about, *parts)


def _digits() -> tuple[Floats, NDArray[np.intp]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.asarray(found.data, np.float64), np.asarray(found.target, np.intp)


def _made_up() -> tuple[Floats, NDArray[np.intp]]:
    """Ten classes of three clusters each, near enough to each other that a linear classifier makes mistakes."""
    rng = np.random.default_rng(stream(0, Stage.EVIDENCE, 1))
    labels = rng.integers(CLASSES, size=SAMPLES)
    centres = rng.standard_normal((CLASSES, 3, PIXELS))
    return centres[labels, rng.integers(3, size=SAMPLES)] + 1.5 * rng.standard_normal((SAMPLES, PIXELS)), labels
