"""Runs generated code over whole arrays: broadcasting, `out=`, cache-sized blocks, domain checks, a path for numbers.

Needs NumPy alone: `export` copies the code of this file into the modules that it writes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 28672  # points a block: what an operation reads and writes, 0.7 MB, stays in a second-level cache
LARGEST = 2.0**1022  # largest variance accepted where sums must not overflow

Floats = NDArray[np.float64]


class Limit(NamedTuple):
    """An argument (by its place), or a function of all arguments, that must lie in [low, high]; ``why`` it must."""

    name: str
    low: float
    high: float
    of: int | Callable[..., Any]
    why: str = ""


class Code(NamedTuple):
    """One function: its arguments, its limits, how arrays and numbers are evaluated."""

    names: tuple[str, ...]
    outputs: int
    limits: tuple[Limit, ...]
    run: Callable[[Sequence[Floats], Sequence[Floats], Callable[[Sequence[Floats], int], None]], None]
    point: Callable[..., tuple[float, ...]] | None


def as_floats(name: str, value: Any) -> Floats:
    """`value` as a float64 array; TypeError that names the argument if it is not made of real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be made of real numbers, got {array.dtype} values")
    return array.astype(np.float64, copy=False)


def check(limits: Sequence[Limit], blocks: Sequence[Any], start: int = 0) -> None:
    """Raise ValueError unless every value is NaN or within its limits.

    One pass an argument from 0 on: as unsigned integers, the bits of 0 .. high are the smallest, and those of a
    negative number, an infinity, a NaN and a larger number are all larger.
    """
    for limit in limits:
        values = blocks[limit.of] if isinstance(limit.of, int) else limit.of(*blocks)
        if limit.low == 0.0 and values.ndim:
            bits = values.view(np.uint64)
            if bits[bits.argmax()] <= np.float64(limit.high).view(np.uint64):
                continue
        wrong = (values < limit.low) | (values > limit.high)
        if wrong.any():
            at = int(wrong.argmax())
            got = float(np.ravel(values)[at])
            where = f" at index {start + at}" if start + wrong.size > 1 else ""
            raise ValueError(f"{limit.name} must {rule(limit, got)}, got {got!r}{where}{limit.why}")


def rule(limit: Limit, got: float) -> str:
    """What a value broke, in words."""
    high = "2**1022" if limit.high == LARGEST else f"{limit.high:g}"
    if limit.low == 0.0:
        return "not be negative" if got < 0.0 else f"be at most {high}"
    return f"be from {limit.low:g} to {high}"


def registers(count: int, size: int) -> list[Floats]:
    """Scratch arrays whose data begin on cache lines (vector loads that straddle lines cost a third more)."""
    stride = 8 * max(1, -(-size // 8))
    raw = np.empty(count * stride + 8)
    start = -(raw.__array_interface__["data"][0] // 8) % 8
    return [raw[k : k + size] for k in range(start, start + count * stride, stride)]


def prepare(
    names: Sequence[str], values: Sequence[Any], out: Any, count: int
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """(flat contiguous inputs, flat contiguous targets, arrays to return).

    A target is the caller's own array when it is contiguous and shares no memory with an input.
    """
    arrays = [as_floats(name, value) for name, value in zip(names, values, strict=True)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    full = [array if array.shape == shape else np.broadcast_to(array, shape) for array in arrays]
    inputs = [np.ascontiguousarray(array).reshape(-1) for array in full]
    if out is None:
        results = [np.empty(shape) for _ in range(count)]
        return inputs, [result.reshape(-1) for result in results], results
    results = list(out) if isinstance(out, (tuple, list)) else [out]
    if len(results) != count:
        raise ValueError(f"out must hold {count} arrays, got {len(results)}")
    targets = []
    for result in results:
        if not isinstance(result, np.ndarray) or result.dtype != np.float64 or result.shape != shape:
            got = f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
            raise ValueError(f"out must be float64 arrays of shape {shape}, got {got}")
        direct = result.flags.c_contiguous and not any(np.may_share_memory(result, x) for x in inputs)
        targets.append(result.reshape(-1) if direct else np.empty(result.size))
    return inputs, targets, results


def blocks(block: Callable[..., None], count: int) -> Callable[..., None]:
    """Return what calls `block(inputs..., fixed..., targets..., registers...)` on one cache-sized piece after another.

    ``look`` is called with every piece of the inputs before, while it is in the cache.
    """

    def run(inputs: Sequence[Floats], targets: Sequence[Floats], look: Any = None, fixed: Sequence[Any] = ()) -> None:
        size = targets[0].size
        scratch = registers(count, min(size, BLOCK))
        with np.errstate(all="ignore"):
            for start in range(0, size, BLOCK):
                stop = min(start + BLOCK, size)
                pieces = [x[start:stop] for x in inputs]
                if look is not None:
                    look(pieces, start)
                block(*pieces, *fixed, *(y[start:stop] for y in targets), *(w[: stop - start] for w in scratch))

    return run


def scalar(value: Any) -> bool:
    """Whether a value is a Python or NumPy real number rather than an array."""
    return isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool)


def at_point(code: Code, values: Sequence[Any]) -> list[float] | None:
    """The results for numbers inside of the limits, or None where arrays have an answer, such as NaN for 0/0."""
    if code.point is None:
        return None
    try:
        numbers = [float(value) for value in values]
        for limit in code.limits:
            value = numbers[limit.of] if isinstance(limit.of, int) else limit.of(*numbers)
            if not limit.low <= value <= limit.high:
                return None
        return [float(result) for result in code.point(*numbers)]
    except (ArithmeticError, ValueError, TypeError):
        return None


def evaluate(code: Code, values: Sequence[Any], out: Any = None, look: Any = None) -> tuple[Any, ...]:
    """Evaluate on numbers, which give floats, or on arrays that broadcast; ValueError outside of the limits.

    ``look`` sees the inputs in place of the check of the limits.
    """
    numbers = out is None and all(map(scalar, values))
    if numbers:
        found = at_point(code, values)
        if found is not None:
            return tuple(found)
    inputs, targets, results = prepare(code.names, values, out, code.outputs)
    code.run(inputs, targets, look or partial(check, code.limits))
    for target, result in zip(targets, results, strict=True):
        if not np.may_share_memory(target, result):
            result[...] = target.reshape(result.shape)
    return tuple(float(result) for result in results) if numbers else tuple(results)
