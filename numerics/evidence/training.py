"""Gradient descent with momentum on mini-batches, for several seeds at once, with the array reading's gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from numerics.evidence.cost import accuracy, cross_entropy, output_gradient
from numerics.evidence.data import Split, Task
from numerics.evidence.initialisation import initial
from numerics.evidence.networks import Learner, Values

Floats = NDArray[Any]  # of float32 or float64

MOMENTUM = 0.9


@dataclass
class History:
    """What a training run was seen to do; every entry has a number for each copy.

    ``cost`` is that of the training batch, by step; ``update`` the relative change |dW|/|W| of each matrix, by step;
    ``validation`` and ``test`` are accuracies at the end, ``validation_cost`` the cost there.
    """

    steps: list[int] = field(default_factory=list)
    cost: list[Floats] = field(default_factory=list)
    update: list[Floats] = field(default_factory=list)
    validation: Floats | None = None
    validation_cost: Floats | None = None
    test: Floats | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, of five digits; what is no number becomes None."""
        return {name: _plain(value) for name, value in vars(self).items()}


def train(
    learner: Learner,
    task: Task,
    *,
    seeds: list[SeedSequence],
    start: str,
    rate: float,
    steps: int,
    every: int,
) -> History:
    """Train a copy for each seed and return what was seen.

    v <- 0.9 v - rate dCost/dW, W <- W + v, with the mean cost of a batch of training samples that are drawn without
    replacement until all are used. A seed gives the weights, the order of the samples and the masks of its copy,
    whatever else is trained beside it.
    """
    weights, order, masks = ([np.random.default_rng(child) for child in kind] for kind in _children(seeds))
    batches = _batches(task.train, learner.batch, order)
    x, y = next(batches)
    values = initial(learner, start, weights, x)
    velocity = {key: np.zeros_like(value) for key, value in values.items()}
    seen = History()
    with np.errstate(all="ignore"):
        for step in range(steps):
            run = learner.run(learner.program, {**values, **learner.masks(masks)}, x)
            s = learner.output(run)
            gradients = run.gradients(output_gradient(s, y) / np.asarray(learner.batch, s.dtype))
            shown = step % every == 0 or step == steps - 1
            sizes = [_norm(values[key]) for key in learner.matrices] if shown else []
            for key in learner.weights:
                velocity[key] *= np.asarray(MOMENTUM, s.dtype)
                velocity[key] -= np.asarray(rate, s.dtype) * gradients[_named(key)]
                values[key] += velocity[key]
            if shown:
                seen.steps.append(step)
                seen.cost.append(cross_entropy(s, y))
                changes = [_norm(velocity[key]) for key in learner.matrices]
                seen.update.append(np.array([a / b for a, b in zip(changes, sizes, strict=True)]))
            x, y = next(batches)
        seen.validation_cost, seen.validation = tested(learner, values, task.validation)
        _, seen.test = tested(learner, values, task.test)
    return seen


def tested(learner: Learner, values: Values, split: Split) -> tuple[Floats, Floats]:
    """Return each copy's cost and accuracy on all whole batches of samples, with masks at their mean."""
    found = []
    for start in range(0, len(split) - learner.batch + 1, learner.batch):
        part = slice(start, start + learner.batch)
        s = learner.output(learner.run(learner.program, {**values, **learner.means()}, split.x[part]))
        found.append((cross_entropy(s, split.y[part]), accuracy(s, split.y[part])))
    costs, shares = zip(*found, strict=True)
    return np.mean(costs, axis=0), np.mean(shares, axis=0)


def _children(seeds: list[SeedSequence]) -> Iterator[list[SeedSequence]]:
    """Yield, for each kind of what is drawn, a stream for each copy."""
    for kind in range(3):
        yield [SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, kind)) for seed in seeds]


def _batches(split: Split, size: int, streams: list[Generator]) -> Iterator[tuple[Floats, Floats]]:
    """Yield batches without end, of other samples for each copy."""
    while True:
        orders = np.stack([rng.permutation(len(split)) for rng in streams])
        for start in range(0, len(split) - size + 1, size):
            chosen = orders[:, start : start + size]
            yield split.x[chosen], split.y[chosen]


def _norm(values: Floats) -> Floats:
    return np.sqrt(np.square(values, dtype=np.float64).sum(axis=tuple(range(1, values.ndim))))


def _named(key: Any) -> Any:
    return key[0] if key[1] is None else key


def _plain(value: Any) -> Any:
    if isinstance(value, list | np.ndarray) and np.ndim(value):
        return [_plain(part) for part in value]
    if isinstance(value, int):
        return value
    return float(f"{value:.5g}") if value is not None and np.isfinite(value) else None
