"""What a network of blocks is made of: its blocks with numbers in all of them, and the rows of its curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer

from derive.activations import Activation
from derive.blocks import BatchNorm, Block, Dense, Elementwise, Serial, Signal, network_input, read, read_sizes
from derive.blocks.network_text import MOST_BLOCKS, count
from derive.blocks.signal import Axis, Extents
from derive.decimals import exact
from derive.errors import InputError
from derive.randomness import INPUT, Family
from numerics.laws import law

Floats = NDArray[np.float64]

INPUT_ROW = "input"
LARGEST_INPUT = 1 << 30


@dataclass(frozen=True)
class Row:
    """One row of a network's curves: the input, or what comes out of a block.

    ``name`` is what the row is called, ``block`` the block (None for the input) and ``signal`` what comes out.
    """

    layer: int
    name: str
    block: Block | None = field(repr=False)
    signal: Signal = field(repr=False)


def axes(blocks: Sequence[Block], start: Signal) -> tuple[tuple[Axis, ...], ...]:
    """Return the axes in front of and behind each block; raise `InputError`, naming the block, where one does not fit.

    A block does not look at what came before: each one is tried alone, and only once where it comes again.
    """
    found = [start.axes]
    for place, block in enumerate(blocks):
        try:
            found.append(_behind(block, found[-1]))
        except InputError as error:
            raise InputError(f"layers: block {place + 1}, {block}: {error}") from None
    return tuple(found)


@lru_cache(maxsize=1024)
def _behind(block: Block, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    return block(alone(axes)).axes


def alone(axes: tuple[Axis, ...]) -> Signal:
    """Return a signal with these axes of which nothing else is known."""
    return Signal(Family("x", meaning="", extents=Extents(axes), layered=False, source=INPUT), axes)


def rows(blocks: Sequence[Block], start: Signal) -> tuple[Row, ...]:
    """Return the input's row and one for each block, with all that has been drawn and defined on the way."""
    found = [Row(0, INPUT_ROW, None, start)]
    for block in blocks:
        found.append(Row(len(found), block.name, block, block(found[-1].signal)))
    return tuple(found)


def made(layers: Any, defaults: Mapping[str, Any]) -> Block:
    """Return the block that a network is made of, with the defaults for what its parts do not say themselves.

    A text says what stands in it; of a `Block`, a parameter that is the default of its class says nothing.
    """
    if isinstance(layers, str):
        block = read(layers, defaults=defaults)
    elif isinstance(layers, Block):
        block = _filled(layers, defaults)
    elif isinstance(layers, Iterable):
        block = Serial(*(made(part, defaults) for part in layers))
    else:
        raise InputError(f"layers must be a text, a Block or a list of them, got {layers!r}")
    if count(block) > MOST_BLOCKS:
        raise InputError(f"layers must be at most {MOST_BLOCKS} blocks, repeats written out, got {count(block)}")
    _check(block)
    return block


def _filled(block: Block, defaults: Mapping[str, Any]) -> Block:
    usual = {name: p.default for name, p in signature(type(block)).parameters.items() if name in defaults}
    new = {name: defaults[name] for name, value in usual.items() if getattr(block, name) == value}
    return block.changed(tuple(_filled(part, defaults) for part in block.inside), **new)


def _check(block: Block) -> None:
    """Raise `InputError` for a block without its numbers."""
    for part in block.inside:
        _check(part)
    if isinstance(block, Elementwise) and (block.activation is None or block.activation.free_parameters):
        raise InputError(f"layers: {block} must be an activation function without free parameters")
    for name in signature(type(block)).parameters:
        value = getattr(block, name)
        if isinstance(value, Expr) and value.free_symbols:
            raise InputError(f"layers: {name} of {block} must be a number")
        if name == "gain" and value is None:
            raise InputError(f"give gain, for all or in {block}: its weights have no variance yet")
        if name == "bias_variance" and value is None:
            raise InputError(f"layers: bias_variance of {block} must be a number")
        if name == "law":
            try:
                law(value)
            except InputError as error:
                raise InputError(f"layers: {block}: {error}") from None


def sizes(given: Any, data: Floats | None) -> tuple[int, ...]:
    """Return the sizes of the input, as given or as those of the data."""
    if given is None:
        if data is None:
            raise InputError("give input, such as 64 or 3x32x32: the network has no size yet")
        given = data.shape[1:]
    if isinstance(given, str):
        given = read_sizes(given)
    listed = tuple(given) if isinstance(given, Iterable) else (given,)
    if any(isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1 for size in listed):
        raise InputError(f"input must be a size such as 64 or (3, 32, 32), got {given!r}")
    found = tuple(map(int, listed))
    if np.prod(found, dtype=float) > LARGEST_INPUT:
        raise InputError(f"input must have at most {LARGEST_INPUT} numbers, got {'x'.join(map(str, found))}")
    network_input(*found)
    return found


def data_matrix(given: Any) -> Floats | None:
    """Return the samples of a data matrix, which come first, as an array of its own."""
    if given is None:
        return None
    try:
        data = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"inputs must be an array of samples, got {type(given).__name__}") from None
    if data.ndim < 2 or not data.size or not np.isfinite(data).all():
        raise InputError(f"inputs must be samples of finite numbers, one a row, got an array of shape {data.shape}")
    data.setflags(write=False)
    return data


def fitted(data: Floats | None, shape: tuple[int, ...]) -> Floats | None:
    """Return the samples in the shape of the input."""
    if data is None or data.shape[1:] == shape:
        return data
    if data.shape[1:] != (int(np.prod(shape)),):
        raise InputError(f"inputs must be samples of {'x'.join(map(str, shape))}, got an array of shape {data.shape}")
    found = data.reshape(-1, *shape)
    found.setflags(write=False)
    return found


def chain(
    widths: Sequence[int],
    activation: Activation,
    weight_variance: Sequence[float],
    bias_variance: Sequence[float],
    weight_law: str,
) -> tuple[Block, ...]:
    """Return the blocks of the papers' chain: dense layers with the activation between them."""
    blocks: list[Block] = []
    for n, m, variance, bias in zip(widths, widths[1:], weight_variance, bias_variance, strict=False):
        gain = Integer(n) * exact("weight_variance", float(variance))
        blocks += [Dense(m, gain=gain, bias_variance=float(bias), law=weight_law), Elementwise(activation)]
    return tuple(blocks[:-1])


def samples(blocks: Iterable[Block], data: Floats | None) -> int:
    """Return how many samples a network sees at once: those that are given, those of its batch, or two."""
    sizes = {size for block in blocks for size in block.batches}
    if None in sizes and data is None:
        raise InputError("an infinite batch cannot be simulated: give batchnorm a batch, such as batchnorm(batch=64)")
    finite = {int(size) for size in sizes if size is not None} | (set() if data is None else {len(data)})
    if len(finite) > 1:
        raise InputError(f"a network has one batch, and its samples are those: got {sorted(finite)}")
    return finite.pop() if finite else 2


def with_batch(block: Block, batch: int) -> Block:
    """Return a block in which infinite batches are finite."""
    inside = tuple(with_batch(part, batch) for part in block.inside)
    return block.changed(inside, **({"batch": batch} if isinstance(block, BatchNorm) and block.batch is None else {}))
