"""A concrete random network: widths, activation, and the laws of all that is drawn."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from derive.activations import Activation, activation
from derive.errors import InputError
from numerics.laws import Law, law


@dataclass(frozen=True, init=False, repr=False)
class Network:
    r"""A fully connected network at initialisation, in the indices of Glorot & Bengio (2010), section 4.2.1.

    ``z^0 = x``, ``s^i = z^i W^i + b^i`` and ``z^{i+1} = f(s^i)`` for layers ``i = 0..d``; ``n_i`` is the
    size of layer ``i``, ``W^i`` is ``n_i`` x ``n_{i+1}`` and ``s^d`` is the last pre-activation.
    ``len(widths)`` is ``d + 2``: six widths are the five matrices ``W^0 .. W^4``, and ``d = 4``.

    Everything drawn is independent, identically distributed within its layer and of mean zero: the weights by
    ``weight_law``, the input features by ``input_law``, the biases and the output gradient ``dCost/ds^d``
    normal. That ``dCost/ds^d`` is independent of the weights is a hypothesis of the paper's equations 6 and
    7, and it is built into this network; a cost that depends on ``s^d`` through the weights would not
    satisfy it.

    Args:
        widths: ``n_0 .. n_{d+1}``, at least two.
        depth: in place of ``widths``, with ``width``: the number ``d + 1`` of weight matrices.
        width: the size of every layer, with ``depth``.
        activation: a name for `derive.activations.activation`, such as ``"tanh"``, or an `Activation`.
        weight_variance: ``Var[W^i]``, one for all matrices or one for each of the ``d + 1``.
        gain: ``n_i Var[W^i]`` (``n_i`` is the fan-in), in place of ``weight_variance``; one for all or one
            for each.
        bias_variance: ``Var[b^i]``, one for all layers or one for each.
        weight_law: a name for `numerics.laws.law`, or a `Law`. ``weight_variance`` is the law's true
            variance, also for ``truncated-normal``.
        input_law: the law of the input features.
        input_variance: ``Var[x]``.
        gradient_variance: ``Var[dCost/ds^d]``.

    Raises:
        InputError: when an argument breaks a rule; the text names the argument, the rule, the value and the
            layer.

    >>> network = Network(widths=[8, 14, 5], gain=2.0)
    >>> network.d, network.weight_variance
    (1, (0.25, 0.14285714285714285))
    >>> Network(depth=3, width=64, gain=2.0, activation="relu").widths
    (64, 64, 64, 64)

    """

    widths: tuple[int, ...]
    activation: Activation
    weight_variance: tuple[float, ...]
    bias_variance: tuple[float, ...]
    weight_law: Law
    input_law: Law
    input_variance: float
    gradient_variance: float

    def __init__(
        self,
        *,
        widths: Sequence[int] | None = None,
        depth: int | None = None,
        width: int | None = None,
        activation: str | Activation = "linear",
        weight_variance: float | Sequence[float] | None = None,
        gain: float | Sequence[float] | None = None,
        bias_variance: float | Sequence[float] = 0.0,
        weight_law: str | Law = "normal",
        input_law: str | Law = "normal",
        input_variance: float = 1.0,
        gradient_variance: float = 1.0,
    ) -> None:
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
        values = {
            "widths": sizes,
            "activation": _activation(activation),
            "weight_variance": variances,
            "bias_variance": _per_layer("bias_variance", bias_variance, matrices),
            "weight_law": _law("weight_law", weight_law),
            "input_law": _law("input_law", input_law),
            "input_variance": _variance("input_variance", input_variance),
            "gradient_variance": _variance("gradient_variance", gradient_variance),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def d(self) -> int:
        """The index of the last layer: layers are ``0..d``, with ``d + 1`` weight matrices."""
        return len(self.widths) - 2

    @property
    def gain(self) -> tuple[float, ...]:
        """``n_i Var[W^i]`` for each layer (``n_i`` is the fan-in)."""
        return tuple(n * v for n, v in zip(self.widths, self.weight_variance, strict=False))

    @property
    def sizes(self) -> str:
        """The widths in short: all of them, or depth and width where they are equal."""
        n = self.widths
        if len(set(n)) == 1 and len(n) > 2:
            return f"depth {len(n) - 1}, width {n[0]}"
        return "widths " + "-".join(map(str, n if len(n) <= _MANY else [*n[:3], "...", n[-1]]))

    def __repr__(self) -> str:
        n = self.widths
        wide = f"depth={len(n) - 1}, width={n[0]}" if len(set(n)) == 1 and len(n) > 2 else f"widths={_short(n)}"
        said = [wide, f"weight_variance={_short(self.weight_variance)}", f"activation={str(self.activation)!r}"]
        for name, usual in (("bias_variance", 0.0), ("input_variance", 1.0), ("gradient_variance", 1.0)):
            value = getattr(self, name)
            if value != usual and (not isinstance(value, tuple) or any(value)):
                said.append(f"{name}={_short(value)}")
        laws = (("weight_law", self.weight_law), ("input_law", self.input_law))
        said += [f"{name}={law.name!r}" for name, law in laws if law.name != "normal"]
        return f"Network({', '.join(said)})"

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name.startswith("_"))

    def to_dict(self) -> dict[str, object]:
        """Return the network as plain data; ``Network(**network.to_dict())`` is the same network.

        An activation is given by its text (a name of the catalogue with its parameters, or the user's own expression)
        and a law by its name. An `Activation` or `Law` made by hand under a name of its own is not found again by it.
        """
        return {
            "widths": list(self.widths),
            "activation": str(self.activation),
            "weight_variance": list(self.weight_variance),
            "bias_variance": list(self.bias_variance),
            "weight_law": self.weight_law.name,
            "input_law": self.input_law.name,
            "input_variance": self.input_variance,
            "gradient_variance": self.gradient_variance,
        }


_MANY = 8  # from so many layers on, a text leaves out those in the middle


def _short(values: Any) -> str:
    """Return a number, or a list of them: one for all where they are equal, and of many the first and the last."""
    if not isinstance(values, tuple):
        return repr(values)
    if len(set(values)) == 1 and isinstance(values[0], float):
        return repr(values[0])
    shown = map(repr, values) if len(values) <= _MANY else [*map(repr, values[:3]), "...", repr(values[-1])]
    return f"[{', '.join(shown)}]"


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


def _variance(name: str, value: Any, where: str = "") -> float:
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} must be finite and not negative, got {_shown(value)}{where}")
    return number


def _per_layer(name: str, values: float | Sequence[float], layers: int) -> tuple[float, ...]:
    listed = _listed(values)
    if listed is None:
        return (_variance(name, values),) * layers
    if len(listed) != layers:
        raise InputError(
            f"{name} must be one number or {layers} (one for each weight matrix), got {len(listed)} numbers"
        )
    return tuple(_variance(name, value, f" at layer {layer}") for layer, value in enumerate(listed))


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


def _law(argument: str, given: str | Law) -> Law:
    if isinstance(given, Law):
        return given
    if not isinstance(given, str):
        raise InputError(f"{argument} must be a name or a Law, got {given!r}")
    return law(given)
