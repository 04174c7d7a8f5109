"""Curves of networks of blocks: the state of the input through the lemmas of all blocks, and the gradient back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic

from derive.blocks import Block
from derive.errors import InputError
from derive.proof.derivation import Derivation
from numerics.curves.places import Shape
from numerics.curves.prediction import BLOCK_COLUMNS, Prediction
from numerics.curves.state import Numbers
from numerics.curves.through import Flow, Loop, reads_pairs
from numerics.kernels.layered_quantities import text
from numerics.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Columns of shape (settings, rows), q at every position of rows that have some, and the derivations behind each."""

    columns: Mapping[str, Floats]
    position_q: Mapping[int, Floats]
    derivations: Mapping[str, tuple[Derivation, ...]]


def predict_blocks(network: Network) -> Prediction:
    """Return the columns of `BLOCK_COLUMNS` for a network of blocks, row by row; see `predict`."""
    found = curves(network, network.blocks, {})
    columns = {name: values[0] for name, values in found.columns.items()}
    for values in columns.values():
        values.setflags(write=False)
    return Prediction(
        network,
        columns,
        {name: approximations(found.derivations[name]) for name in columns},
        {name: tuple(dict.fromkeys(d.name for d in found.derivations[name])) for name in columns},
        "wide",
        {name: np.zeros(len(network.rows)) for name in columns},
        tuple(row.name for row in network.rows),
        {row: values[0] for row, values in found.position_q.items()},
    )


def curves(network: Network, blocks: Sequence[Block], values: Mapping[Basic, Any]) -> Curves:
    """Return all columns of a network made of these blocks, for settings that give their symbols these values."""
    loop = Loop(values)
    flows, backs = [_input(network, pairs=any(map(reads_pairs, blocks)))], []
    for place, block in enumerate(blocks):
        try:
            flow, back = loop.one(block, flows[-1], pairs=any(map(reads_pairs, blocks[place:])))
        except InputError as problem:
            raise InputError(f"layers: block {place + 1}, {block}: {problem}") from None
        flows.append(flow)
        backs.append(back)
    gradient = Numbers(np.full((1, 1, flows[-1].shape.places), network.gradient_variance), _alike(flows[-1].shape))
    gradients = [gradient]
    for back in reversed(backs):
        gradients.append(back(gradients[-1]))
    positions = {row: _by_position(flow) for row, flow in enumerate(flows) if flow.shape.positions}
    return Curves(_columns(flows, gradients[::-1], positions), positions, _behind(loop))


def _alike(shape: Shape) -> Shape:
    return Shape(1, shape.positions)


def _by_position(flow: Flow) -> Floats:
    """Return the mean square at every position, of shape (settings, positions...)."""
    values = flow.state["square"].diagonal.values.mean(axis=1)
    return np.asarray(values.reshape(-1, *flow.shape.positions))


def _columns(flows: Sequence[Flow], gradients: Sequence[Numbers], positions: Mapping[int, Floats]) -> dict[str, Floats]:
    q, m2, grad = (
        _rows([_average(numbers.values) for numbers in column])
        for column in (*([f.state[name].diagonal for f in flows] for name in ("square", "product")), gradients)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.where(q > 0, m2 / q, np.nan)
    columns = {"q": q}
    for name, end in (("q_min", np.min), ("q_max", np.max)) if positions else ():
        nowhere = np.full(1, np.nan)
        column = [
            positions.get(row, nowhere).reshape(len(positions.get(row, nowhere)), -1) for row in range(len(flows))
        ]
        columns[name] = _rows([end(values, axis=1) for values in column])
    return {**columns, "m2": m2, "v2": q - m2, "rho": rho, "grad": grad}


def _average(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=(1, 2)))


def _rows(rows: Sequence[Floats]) -> Floats:
    return np.stack(np.broadcast_arrays(*rows), axis=1)


def _behind(loop: Loop) -> dict[str, tuple[Derivation, ...]]:
    forward, product, backward = (tuple(loop.derivations[name].values()) for name in ("forward", "product", "backward"))
    both = (*forward, *product)
    found = dict.fromkeys(("q", "q_min", "q_max"), forward) | dict.fromkeys(("m2", "v2", "rho"), both)
    return {**found, "grad": (*forward, *backward)}


def approximations(derivations: Sequence[Derivation]) -> tuple[str, ...]:
    """Return the hypotheses of derivations that hold for wide layers only, in words."""
    used = {h.key: h for d in derivations for h in d.rests_on if not h.exact}
    return tuple(h.text.render(text) for h in used.values())


def _input(network: Network, *, pairs: bool) -> Flow:
    """Return the state of the input: its law's, or that of the samples of a data matrix."""
    shape = Shape(1, network.shape[1:])
    if network.inputs is None:
        mean, square, product, gaussian = _of_law(network, shape.places)
    else:
        mean, square, product = _of_data(network.inputs, shape.places)
        gaussian = False
    state = {"mean": Numbers(mean.reshape(1, 1, -1), shape)}
    for name, values in (("square", square), ("product", product)):
        whole = Numbers(values.reshape(1, 1, -1), shape, pairs=True)
        state[name] = whole if pairs and shape.places > 1 else whole.diagonal
    return Flow(network.rows[0].signal.axes, state, gaussian, "the input")


def _of_law(network: Network, places: int) -> tuple[Floats, Floats, Floats, bool]:
    mean, variance = network.input_mean, network.input_variance
    # Features are independent; the samples of one feature have the given correlation.
    alone = mean**2 * np.ones((places, places))
    square = alone + variance * np.eye(places)
    product = alone + network.input_correlation * variance * np.eye(places)
    gaussian = network.input_law.name == "normal" and mean == 0
    return np.full(places, mean), square, product, gaussian


def _of_data(inputs: Floats, places: int) -> tuple[Floats, Floats, Floats]:
    """Return the means over samples, or pairs of two different ones, and over units."""
    samples = inputs.reshape(len(inputs), -1, places)
    if len(samples) < 2:
        raise InputError("inputs must be two samples at least: m2 is of two different ones")
    square = np.einsum("scp,scq->cpq", samples, samples)
    total = samples.sum(axis=0)
    product = np.einsum("cp,cq->cpq", total, total) - square
    count = len(samples)
    return samples.mean((0, 1)), square.mean(0) / count, product.mean(0) / (count * (count - 1))


__all__ = ["BLOCK_COLUMNS", "Curves", "approximations", "curves", "predict_blocks"]
