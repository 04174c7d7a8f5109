"""Runs a block function over whole arrays: broadcasting, `out=`, cache-sized blocks, domain checks.

Needs NumPy alone: `export` copies the code of this file into the modules that it writes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384  # points a block: inputs, outputs and three registers, 0.9 MB, stay in a second-level cache
LARGEST = 2.0**1022  # largest variance accepted, so that no intermediate sum overflows

Floats = NDArray[np.float64]
Check = Callable[[Sequence[Floats], int], None]


def as_floats(name: str, value: Any) -> Floats:
    """`value` as a float64 array; TypeError that names the argument if it is not made of real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be made of real numbers, got {array.dtype} values")
    return array.astype(np.float64, copy=False)


def check_variances(names: Sequence[str], blocks: Sequence[Floats], start: int = 0) -> None:
    """Raise ValueError unless every value is NaN or in [0, 2**1022].

    One pass an argument: as unsigned integers, the bits of 0 .. 2**1022 are the smallest, and the bits of
    a negative number, an infinity, a NaN and a larger number are all larger.
    """
    bound = np.float64(LARGEST).view(np.uint64)
    for name, block in zip(names, blocks, strict=True):
        bits = block.view(np.uint64)
        if bits[bits.argmax()] <= bound:
            continue
        for wrong, rule in ((block < 0, "not be negative"), (block > LARGEST, "be at most 2**1022")):
            if wrong.any():
                at = int(wrong.argmax())
                where = f" at index {start + at}" if start + block.size > 1 else ""
                raise ValueError(f"{name} must {rule}, got {float(block[at])!r}{where}")


def registers(count: int, size: int) -> list[Floats]:
    """Scratch arrays whose data begin on cache lines (vector loads that straddle lines cost a third more)."""
    arrays = []
    for _ in range(count):
        raw = np.empty(size + 8)
        offset = -(raw.ctypes.data // 8) % 8
        arrays.append(raw[offset : offset + size])
    return arrays


def prepare(
    names: Sequence[str], values: Sequence[Any], out: Any, count: int
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """(flat contiguous inputs, flat contiguous targets, arrays to return).

    A target is the caller's own array when it is contiguous and shares no memory with an input.
    """
    arrays = [as_floats(name, value) for name, value in zip(names, values, strict=True)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    inputs = [np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(-1) for array in arrays]
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


def finish(targets: Sequence[Floats], results: Sequence[Floats]) -> list[Floats]:
    """Copy what was computed aside into the caller's arrays."""
    for target, result in zip(targets, results, strict=True):
        if not np.may_share_memory(target, result):
            result[...] = target.reshape(result.shape)
    return list(results)


def run_blocks(
    block: Callable[..., None],
    register_count: int,
    inputs: Sequence[Floats],
    targets: Sequence[Floats],
    check: Check | None = None,
) -> None:
    """Call `block(inputs..., targets..., registers...)` on one cache-sized piece after another."""
    size = targets[0].size
    scratch = registers(register_count, min(size, BLOCK))
    with np.errstate(all="ignore"):
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            pieces = [x[start:stop] for x in inputs]
            if check is not None:
                check(pieces, start)
            block(*pieces, *(y[start:stop] for y in targets), *(w[: stop - start] for w in scratch))


def scalar(value: Any) -> bool:
    """Whether a value is a Python or NumPy real number rather than an array."""
    return isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool)


def evaluate_variances(
    names: Sequence[str],
    values: Sequence[Any],
    out: Any,
    count: int,
    point: Callable[..., tuple[float, ...]],
    run: Callable[[Sequence[Floats], Sequence[Floats], Check], None],
) -> tuple[Any, ...]:
    """A map of variances, on numbers (`point`) or arrays (`run(inputs, targets, check)`), domain checked."""
    check = partial(check_variances, names)
    if out is None and all(scalar(value) for value in values):
        numbers = [float(value) for value in values]
        if all(0.0 <= number <= LARGEST for number in numbers) and any(numbers):
            return point(*numbers)
        # Zeros and NaN: Python raises on 0/0, where NumPy gives the NaN that is documented.
        inputs = [np.array([number]) for number in numbers]
        targets = [np.empty(1) for _ in range(count)]
        run(inputs, targets, check)
        return tuple(float(target[0]) for target in targets)
    inputs, targets, results = prepare(names, values, out, count)
    run(inputs, targets, check)
    return tuple(finish(targets, results))
