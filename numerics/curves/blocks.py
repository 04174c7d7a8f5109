"""Curves of networks of blocks: the state of the input through the lemmas of all blocks, and the gradient back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from derive.blocks import Block
from derive.errors import InputError
from derive.proof.derivation import Derivation
from numerics.curves.bound import Values
from numerics.curves.lemma_plans import Plan
from numerics.curves.places import Shape
from numerics.curves.plans import plan, reads_pairs
from numerics.curves.prediction import Prediction
from numerics.curves.runs import Column, Once, Run, averaged, joined
from numerics.curves.state import CARRIED, EPS, Numbers, Port, State
from numerics.kernels.layered_quantities import text
from numerics.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Columns of shape (settings, rows), q at every position of a row, and the derivations behind each column."""

    columns: Mapping[str, Column]
    position_q: Mapping[int, Floats]
    derivations: Mapping[str, tuple[Derivation, ...]]


def predict_blocks(network: Network) -> Prediction:
    """Return the columns of `BLOCK_COLUMNS` for a network of blocks, row by row; see `predict`."""
    found = curves(network, network.blocks, {})
    columns = {name: column.value[0] for name, column in found.columns.items()}
    for values in columns.values():
        values.setflags(write=False)
    return Prediction(
        network,
        columns,
        {name: approximations(found.derivations[name]) for name in columns},
        {name: tuple(dict.fromkeys(d.name for d in found.derivations[name])) for name in columns},
        "wide",
        {name: column.relative[0] for name, column in found.columns.items()},
        network.names,
        {row: values[0] for row, values in found.position_q.items()},
    )


def predict_finite_blocks(network: Network) -> Prediction:
    """Return the columns of blocks whose lemmas hold at any width; the gradients are those of wide layers.

    Raises `InputError` with what is missing for blocks whose lemmas need wide layers: activation functions.
    """
    found = predict_blocks(network)
    missing = dict.fromkeys(why for name in ("q", "m2", "v2") for why in found.approximations[name])
    if missing:
        raise InputError(
            f"theory 'finite' covers layers whose lemmas hold at any width, and those of {network.sizes} need: "
            + " ".join(missing)
        )
    return replace(found, theory="finite")


def curves(network: Network, blocks: Sequence[Block], values: Values) -> Curves:
    """Return all columns of a network made of these blocks, for settings that give their symbols these values."""
    pairs = any(map(reads_pairs, blocks))
    port, state = at_input(network, pairs=pairs)
    segments = planned(blocks, port, values)
    with np.errstate(all="ignore"):
        passed = through(segments, state, network.gradient_variance)
    return Curves(_columns(passed), passed.position_q, _behind(segments))


def planned(blocks: Sequence[Block], port: Port, values: Values) -> list[Once | Run]:
    """Return the plans of all blocks, those that come again and again as runs."""
    segments: list[Once | Run] = []
    planned_once = lru_cache(maxsize=64)(plan)  # blocks of positions come again and again, too
    place = 0
    while place < len(blocks):
        length, times = _repeated(blocks, place)
        plans: list[Plan] = []
        end = port
        for at in range(place, place + length):
            try:
                plans.append(planned_once(blocks[at], end, pairs=any(map(reads_pairs, blocks[at:]))))
            except InputError as problem:
                raise InputError(f"layers: block {at + 1}, {blocks[at]}: {problem}") from None
            end = plans[-1].out
        same = replace(end, source=port.source, gaussian=port.gaussian) == port and end.gaussian >= port.gaussian
        if times > 1 and same and all(p.single for p in plans):
            segments.append(Run(plans, port, times, values))
            place += length * times
        else:
            segments.append(Once(plans[0], values))
            end, place = plans[0].out, place + 1
        port = end
    return segments


def _repeated(blocks: Sequence[Block], place: int) -> tuple[int, int]:
    """Return how many blocks from a place on come again at once, and how many times they come: 1 and 1 for none."""
    for length in range(1, min(_LONGEST, (len(blocks) - place) // _FEWEST) + 1):
        end = place + length
        while end < len(blocks) and blocks[end] == blocks[end - length]:
            end += 1
        if (end - place) // length >= _FEWEST:
            return length, (end - place) // length
    return 1, 1


_LONGEST, _FEWEST = 8, 3
"""How many blocks a run repeats at most, and how often at least."""


@dataclass(frozen=True)
class Passed:
    """The numbers of all rows, the input's first; the gradient's are of shape (settings, rows) too."""

    numbers: Mapping[str, Column]
    gradient: Column
    position_q: Mapping[int, Floats]


def through(segments: Sequence[Once | Run], state: State, gradient_variance: float | Floats) -> Passed:
    """Pass a state through all plans, and the gradient of the last row back, of this variance in each setting."""
    first = {name: state[name].diagonal for name in CARRIED}
    positions = {0: _by_position(first["square"])} if first["square"].shape.positions else {}
    row = 1
    for segment in segments:
        state = segment.forward(state)
        if isinstance(segment, Once) and segment.square.shape.positions:
            positions[row] = _by_position(segment.square)
        row += segment.rows
    shape = replace(state["square"].shape, groups=1)
    gradient = Numbers(gradient_variance * np.ones((1, 1, shape.places)), shape, error=np.zeros((1, 1, 1, 1)))
    for segment in reversed(segments):
        gradient = segment.back(gradient)
    numbers = {n: joined([averaged(first[n]), *(segment.columns[n] for segment in segments)]) for n in CARRIED}
    return Passed(numbers, joined([averaged(gradient), *(segment.gradients for segment in segments)]), positions)


def _by_position(square: Numbers) -> Floats:
    """Return the mean square at every position, of shape (settings, positions...)."""
    return np.asarray(square.values.mean(axis=1).reshape(-1, *square.shape.positions))


def _columns(passed: Passed) -> dict[str, Column]:
    q, m2, v2 = (passed.numbers[name] for name in CARRIED)
    columns = {"q": q}
    at = passed.position_q
    for name, end in (("q_min", np.min), ("q_max", np.max)) if at else ():
        nowhere = np.full((1, 1), np.nan)
        rows = [
            end(at.get(k, nowhere).reshape(len(at.get(k, nowhere)), -1), axis=1)[:, None]
            for k in range(q.value.shape[1])
        ]
        values = joined([Column(row, np.zeros(row.shape)) for row in rows]).value
        # Each position is as good as their mean, where all of them add up what is not negative.
        columns[name] = Column(values, values * q.relative)
    rho = correlation(m2, v2)
    columns |= {"m2": m2, "v2": v2, "rho": rho}
    # Behind a finite batch gradients have no lemma.
    return columns if np.isnan(passed.gradient.value).any() else columns | {"grad": passed.gradient}


def correlation(m2: Column, v2: Column) -> Column:
    """Return m2/(m2 + v2): its error is the smaller, the nearer it is to 1."""
    total = m2.value + v2.value
    with np.errstate(all="ignore"):
        rho, apart = (np.where(total > 0, part / total, np.nan) for part in (m2.value, v2.value))
        wrong = np.abs(apart) * (m2.relative + v2.relative) + 2 * EPS
        return Column(rho, np.where(rho == 0, 0.0, wrong * np.abs(rho)))


def _behind(segments: Sequence[Once | Run]) -> dict[str, tuple[Derivation, ...]]:
    plans = [plan for segment in segments for plan in segment.plans]
    forward, product, backward = (
        tuple({id(d): d for plan in plans for d in plan.behind[name]}.values())
        for name in ("forward", "product", "backward")
    )
    both = (*forward, *product)
    found = dict.fromkeys(("q", "q_min", "q_max"), forward) | dict.fromkeys(("m2", "v2", "rho"), both)
    return {**found, "grad": (*forward, *backward)}


def approximations(derivations: Sequence[Derivation]) -> tuple[str, ...]:
    """Return the hypotheses of derivations that hold for wide layers only, in words."""
    used = {h.key: h for d in derivations for h in d.rests_on if not h.exact}
    return tuple(h.text.render(text) for h in used.values())


def at_input(network: Network, *, pairs: bool) -> tuple[Port, State]:
    """Return the port and the state of the input: its law's, or that of the samples of a data matrix."""
    shape = Shape(1, network.shape[1:])
    moments = _of_law if network.inputs is None else _of_data
    *numbers, gaussian = moments(network, shape.places)
    pairs = pairs and shape.places > 1
    state: dict[str, Numbers] = {}
    rounded = network.inputs is not None or bool(network.input_mean) or bool(network.input_correlation)
    for name, values in zip(("mean", *CARRIED), numbers, strict=True):
        of_pairs = name in CARRIED
        # Products and sums of what was given are rounded.
        error = 4 * EPS * np.abs(values) * rounded
        whole = Numbers(values.reshape(1, 1, -1), shape, of_pairs, error.reshape(1, 1, 1, -1))
        state[name] = whole if pairs and of_pairs else whole.diagonal
    return Port(network.axes[0], shape, pairs, gaussian, "the input"), State(state)


def _of_law(network: Network, places: int) -> tuple[Floats, Floats, Floats, Floats, bool]:
    mean, variance, c = network.input_mean, network.input_variance, network.input_correlation
    # Features are independent; the samples of one feature have the given correlation.
    alone = mean**2 * np.ones((places, places))
    own = variance * np.eye(places)
    gaussian = network.input_law.name == "normal" and mean == 0
    return np.full(places, mean), alone + own, alone + c * own, (1 - c) * own, gaussian


def _of_data(network: Network, places: int) -> tuple[Floats, Floats, Floats, Floats, bool]:
    """Return the means over samples, or pairs of two different ones, and over units."""
    assert network.inputs is not None  # there are data
    samples = network.inputs.reshape(len(network.inputs), -1, places)
    count = len(samples)
    if count < 2:
        raise InputError("inputs must be two samples at least: m2 is of two different ones")
    square = np.einsum("scp,scq->cpq", samples, samples)
    total = samples.sum(axis=0)
    product = np.einsum("cp,cq->cpq", total, total) - square
    # Half the mean squared difference of two samples is their variance, with the divisor of an estimate.
    apart = samples - samples.mean(axis=0)
    gap = np.einsum("scp,scq->pq", apart, apart) / samples.shape[1] / (count - 1)
    return samples.mean((0, 1)), square.mean(0) / count, product.mean(0) / (count * (count - 1)), gap, False


__all__ = ["Curves", "approximations", "curves", "predict_blocks", "predict_finite_blocks"]
