"""What is done with one cell: a network is trained, or its variances at initialisation are held against predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from numerics.curves import predict
from numerics.evidence.cost import output_gradient
from numerics.evidence.data import task
from numerics.evidence.networks import Learner
from numerics.evidence.training import train
from numerics.network import Network
from numerics.stages import Stage, stream

if TYPE_CHECKING:
    from numerics.evidence.cells import Cell

Floats = NDArray[np.float64]


def seeds(cell: Cell) -> list[SeedSequence]:
    """Return the stream of each copy: those of one seed are the same in all cells, which are compared in pairs."""
    return [stream(cell.seed, Stage.EVIDENCE, 2, number) for number in range(cell.copies)]


def trained(cell: Cell) -> dict[str, Any]:
    """Train the copies of a network: see `History`."""
    learner = Learner(cell.network, cell.batch)
    history = train(
        learner,
        task(cell.data),
        seeds=seeds(cell),
        start=cell.start,
        rate=cell.rate,
        steps=cell.steps,
        every=cell.every,
    )
    return history.to_dict()


def measured(cell: Cell) -> dict[str, Any]:
    """Measure each row's mean square, and that of the gradient there: of the cost, and of a drawn output gradient.

    Every number is a mean over the units and the samples of one batch, by copy. The drawn gradient is normal, of the
    mean square that the cost's has in that copy, and independent of the weights. ``predicted_grad`` is that of an
    output gradient of mean square 1.
    """
    data, learner = task(cell.data), Learner(cell.network, cell.batch, "float64")
    x, y = data.train.x[: cell.batch], data.train.y[: cell.batch]
    streams = [np.random.default_rng(seed) for seed in seeds(cell)]
    parts = [_squares(learner, streams[at : at + _GROUP], x, y) for at in range(0, len(streams), _GROUP)]
    prediction = predict(Network(**_described(cell), inputs=x))
    return {
        "names": list(prediction.names),
        "predicted_q": _plain(prediction.columns["q"]),
        "predicted_grad": _plain(prediction.columns["grad"]),
        **{name: _plain(np.concatenate([part[name] for part in parts])) for name in parts[0]},
    }


_GROUP = 10  # copies that are in memory together


def _squares(learner: Learner, streams: list[Generator], x: Floats, y: Floats) -> dict[str, Floats]:
    """Return the mean squares of a group of copies, of shape (copies, rows)."""
    run = learner.run(learner.whole, learner.draw(streams) | learner.masks(streams), x)
    of_cost = output_gradient(learner.output(run), y)
    drawn = np.stack([rng.standard_normal(of_cost.shape[1:]) for rng in streams])
    drawn *= np.sqrt(_square(of_cost) / _square(drawn))[:, None, None]
    gradients = {"grad": run.gradients(of_cost), "drawn_grad": run.gradients(drawn)}
    found = {"q": [_square(run[row]) for row in learner.rows]}
    found |= {name: [_square(values[row]) for row in learner.rows] for name, values in gradients.items()}
    # All copies have the same input.
    return {name: np.transpose(np.broadcast_arrays(*values)) for name, values in found.items()}


def _described(cell: Cell) -> dict[str, Any]:
    return {"layers": cell.layers, "gain": cell.gain, "bias_variance": cell.bias_variance}


def _square(values: Any) -> Floats:
    """Return each copy's mean square."""
    return np.asarray(np.square(values, dtype=np.float64).mean(axis=tuple(range(1, np.ndim(values)))))


def _plain(values: Any) -> Any:
    return [_plain(v) for v in values] if np.ndim(values) else float(f"{values:.6g}")
