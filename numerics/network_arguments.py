"""The arguments of a network, read and checked: those of the papers' chain and those of a network of blocks."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from derive.activations import Activation, activation
from derive.errors import InputError
from numerics import network_blocks
from numerics.laws import Law, law


def chain(
    *,
    widths: Any,
    depth: Any,
    width: Any,
    activation: Any,
    weight_variance: Any,
    gain: Any,
    bias_variance: Any,
    weight_law: Any,
) -> dict[str, Any]:
    """Return the fields of the papers' chain."""
    sizes = _widths(widths) if depth is None and width is None else _equal_widths(widths, depth, width)
    matrices = len(sizes) - 1
    if weight_variance is not None and gain is not None:
        raise InputError("give weight_variance or gain, not both")
    if weight_variance is not None:
        variances = _per_layer("weight_variance", weight_variance, matrices)
    elif gain is not None:
        gains = _per_layer("gain", gain, matrices)
        variances = tuple(g / n for g, n in zip(gains, sizes, strict=False))
    else:
        raise InputError("give weight_variance or gain: the weights have no variance yet")
    return {
        "widths": sizes,
        "activation": _activation("linear" if activation is None else activation),
        "weight_variance": variances,
        "bias_variance": _per_layer("bias_variance", 0.0 if bias_variance is None else bias_variance, matrices),
        "weight_law": named_law("weight_law", "normal" if weight_law is None else weight_law),
    }


def of_blocks(layers: Any, size: Any, inputs: Any, *, gain: Any, bias_variance: Any, weight_law: Any) -> dict[str, Any]:
    """Return the fields of a network of blocks."""
    defaults: dict[str, Any] = {}
    for name, value in (("gain", gain), ("bias_variance", bias_variance)):
        if value is not None:
            if _listed(value) is not None:
                raise InputError(f"{name} must be one number for all layers, got {value!r}; a block may say its own")
            defaults[name] = variance(name, value)
    if weight_law is not None:
        defaults["law"] = named_law("weight_law", weight_law).name
    data = network_blocks.data_matrix(inputs)
    block, shape = network_blocks.made(layers, defaults), network_blocks.sizes(size, data)
    return {"layers": block, "input": shape, "inputs": network_blocks.fitted(data, shape)}


def refuse(rule: str, given: dict[str, Any]) -> None:
    """Raise `InputError` for the first argument that is given; the rule has a place for its name."""
    for name, value in given.items():
        if value is not None:
            raise InputError(rule.format(name))


def mean(value: Any) -> float:
    """Return the mean of the input; raise `InputError` for what is not finite."""
    number = _number(value)
    if not math.isfinite(number):
        raise InputError(f"input_mean must be finite, got {_shown(value)}")
    return number


def correlation(value: Any) -> float:
    """Return the correlation of two samples of the input; raise `InputError` for what is none."""
    number = _number(value)
    if not -1 <= number <= 1:
        raise InputError(f"input_correlation must be from -1 to 1, got {_shown(value)}")
    return number


def _equal_widths(widths: Any, depth: Any, width: Any) -> tuple[int, ...]:
    if widths is not None:
        raise InputError("give widths, or depth and width, not both")
    for name, size in (("depth", depth), ("width", width)):
        if size is None:
            raise InputError(f"depth and width go together: {name} is missing")
        if _integer(size) is None or size < 1:
            raise InputError(f"{name} must be a positive integer, got {_shown(size)}")
    return (operator.index(width),) * (operator.index(depth) + 1)


def _widths(widths: Sequence[int] | None) -> tuple[int, ...]:
    if widths is None:
        raise InputError("give widths, or depth and width: the network has no size yet")
    listed = _listed(widths)
    if listed is None:
        raise InputError(f"widths must be a list of positive integers, got {widths!r}")
    sizes = tuple(_width(width, layer) for layer, width in enumerate(listed))
    if len(sizes) < 2:
        raise InputError(f"widths must hold at least two sizes (input and output), got {len(sizes)}")
    return sizes


def _integer(value: Any) -> int | None:
    try:
        # True is an integer to Python, and not a size to anybody.
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _width(width: Any, layer: int) -> int:
    size = _integer(width)
    if size is None or size < 1:
        raise InputError(f"widths must be positive integers, got {_shown(width)} at layer {layer}")
    return size


def variance(name: str, value: Any, where: str = "") -> float:
    """Return a variance; raise `InputError` for what is none."""
    number = _number(value)
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} must be finite and not negative, got {_shown(value)}{where}")
    return number


def _number(value: Any) -> float:
    """Return a float, and not a number for what is none."""
    try:
        return math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _per_layer(name: str, values: float | Sequence[float], layers: int) -> tuple[float, ...]:
    listed = _listed(values)
    if listed is None:
        return (variance(name, values),) * layers
    if len(listed) != layers:
        raise InputError(
            f"{name} must be one number or {layers} (one for each weight matrix), got {len(listed)} numbers"
        )
    return tuple(variance(name, value, f" at layer {layer}") for layer, value in enumerate(listed))


def _listed(values: Any) -> list[Any] | None:
    """Return the values as a list, or None for a single value (a text counts as one)."""
    if isinstance(values, str):
        return None
    try:
        return list(values)
    except TypeError:
        return None


def _shown(value: Any) -> str:
    # NumPy scalars print as np.float64(-1.0); the number alone is what the reader typed.
    return repr(value.item() if hasattr(value, "item") else value)


def _activation(given: str | Activation) -> Activation:
    if isinstance(given, Activation):
        return given
    if not isinstance(given, str):
        raise InputError(f"activation must be a name or an Activation, got {given!r}")
    return activation(given)


def named_law(argument: str, given: str | Law) -> Law:
    """Return a law, given by its name or as it is."""
    if isinstance(given, Law):
        return given
    if not isinstance(given, str):
        raise InputError(f"{argument} must be a name or a Law, got {given!r}")
    return law(given)
