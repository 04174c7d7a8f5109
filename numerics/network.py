"""A concrete random network: widths, activation, and the laws of all that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.activations import Activation
from derive.blocks import Block, Serial, Signal, network_input
from derive.blocks.signal import Axis
from derive.errors import InputError
from numerics import network_arguments as arguments
from numerics import network_blocks
from numerics.laws import NORMAL, Law
from numerics.network_blocks import Row


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Network:
    r"""A random network at initialisation: of any blocks (``layers`` and ``input``), or the papers' chain (``widths``).

    The chain is fully connected, in the indices of Glorot & Bengio (2010), section 4.2.1:
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
        layers: what the network is made of, in place of all that describes the chain: a text that
            `derive.blocks.read` reads, a `derive.blocks.Block`, or a list of them. ``gain``, ``bias_variance`` and
            ``weight_law``, one for all, are for the blocks that say nothing themselves; a gain is the fan-in
            times Var[W], for convolutions too.
        input: the size of an input of ``layers``: ``64``, ``(3, 32, 32)`` or ``"3x32x32"``.
        input_mean: ``E[x]``, with ``layers``.
        input_correlation: the correlation of two samples of the input, unit by unit, with ``layers``: their covariance
            is ``input_correlation * input_variance``.
        inputs: the samples themselves, one a row, in place of the input's law, with ``layers``.

    With ``layers``, ``rows`` are the input and what comes out of each of ``blocks``, the gradient is that of the last
    row, and what describes the chain alone (``widths``, ``activation``, ``weight_variance``, ``bias_variance``,
    ``weight_law``) is None.

    Raises:
        InputError: when an argument breaks a rule; the text names the argument, the rule, the value and the
            layer.

    >>> network = Network(widths=[8, 14, 5], gain=2.0)
    >>> network.d, network.weight_variance
    (1, (0.25, 0.14285714285714285))
    >>> Network(depth=3, width=64, gain=2.0, activation="relu").widths
    (64, 64, 64, 64)
    >>> residual = Network(layers="dense(8), repeat(2, residual(relu, dense(8)))", input=4, gain=2.0)
    >>> [row.name for row in residual.rows]
    ['input', 'dense', 'residual', 'residual']

    """

    widths: tuple[int, ...]
    activation: Activation
    weight_variance: tuple[float, ...]
    bias_variance: tuple[float, ...]
    weight_law: Law
    input_law: Law
    input_variance: float
    gradient_variance: float
    layers: Block | None
    input: tuple[int, ...] | None
    input_mean: float
    input_correlation: float
    inputs: NDArray[np.float64] | None

    def __init__(
        self,
        *,
        widths: Sequence[int] | None = None,
        depth: int | None = None,
        width: int | None = None,
        activation: str | Activation | None = None,
        weight_variance: float | Sequence[float] | None = None,
        gain: float | Sequence[float] | None = None,
        bias_variance: float | Sequence[float] | None = None,
        weight_law: str | Law | None = None,
        input_law: str | Law = "normal",
        input_variance: float = 1.0,
        gradient_variance: float = 1.0,
        layers: str | Block | Iterable[str | Block] | None = None,
        input: int | Sequence[int] | str | None = None,
        input_mean: float = 0.0,
        input_correlation: float = 0.0,
        inputs: Any = None,
    ) -> None:
        of_chain = {
            "widths": widths,
            "depth": depth,
            "width": width,
            "activation": activation,
            "weight_variance": weight_variance,
        }
        of_both = {"gain": gain, "bias_variance": bias_variance, "weight_law": weight_law}
        values = dict.fromkeys(f.name for f in fields(self)) | {
            "input_law": arguments.named_law("input_law", input_law),
            "input_variance": arguments.variance("input_variance", input_variance),
            "gradient_variance": arguments.variance("gradient_variance", gradient_variance),
            "input_mean": arguments.mean(input_mean),
            "input_correlation": arguments.correlation(input_correlation),
        }
        if layers is None:
            arguments.refuse("{} goes with layers, and there are none", {"input": input, "inputs": inputs})
            arguments.refuse(
                "{} goes with layers, and there are none", _unusual(values, "input_mean", "input_correlation")
            )
            values |= arguments.chain(**of_chain, **of_both)
        else:
            arguments.refuse("{} and layers do not go together", of_chain)
            values |= arguments.of_blocks(layers, input, inputs, **of_both)
        if inputs is not None:
            arguments.refuse("{} and inputs do not go together", _unusual(values, *_OF_LAW))
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if layers is not None:
            _ = self.axes  # raises where a block does not fit

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: what was computed from them is no part of it, and does not go to other processes."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def _key(self) -> tuple[Any, ...]:
        data = self.inputs
        return (
            *(getattr(self, f.name) for f in fields(self) if f.name != "inputs"),
            None if data is None else (data.shape, data.tobytes()),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def is_chain(self) -> bool:
        """Whether the network is the papers' chain, with widths."""
        return self.layers is None

    def need_chain(self, what: str) -> None:
        """Raise `InputError` for a network of layers, which ``what`` does not take."""
        if not self.is_chain:
            raise InputError(f"{what} takes networks of widths, and not of layers")

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the input: units, or channels and positions."""
        return self.widths[:1] if self.input is None else self.input

    @property
    def _text(self) -> str:
        return ", ".join(map(str, self.layers.inside if isinstance(self.layers, Serial) else [self.layers]))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """What the network is made of, one after the other, repeats written out; the chain's too."""
        if self.layers is not None:
            return self.layers.steps
        variances = self.weight_variance, self.bias_variance
        return network_blocks.chain(self.widths, self.activation, *variances, self.weight_law.name)

    @cached_property
    def axes(self) -> tuple[tuple[Axis, ...], ...]:
        """The axes of the input and of what comes out of each of the blocks, for one sample."""
        return network_blocks.axes(self.blocks, network_input(*self.shape))

    @property
    def names(self) -> tuple[str, ...]:
        """What the rows are called: the input, and each of the blocks."""
        return (network_blocks.INPUT_ROW, *(block.name for block in self.blocks))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The input and what comes out of each of the blocks, for one sample."""
        return self.rows_of()

    def rows_of(self, samples: int | None = None) -> tuple[Row, ...]:
        """Return the rows of the network that sees several samples at once, or one without an axis of samples."""
        return network_blocks.rows(self.blocks, network_input(*self.shape, samples=samples))

    @property
    def samples(self) -> int:
        """How many samples a simulation sees at once: those that are given, those of a batch, or two.

        Raises `InputError` for a batch that is infinite, or not what is given: see `with_batch`.
        """
        return network_blocks.samples(self.blocks, self.inputs)

    def with_batch(self, batch: int) -> Network:
        """Return the network that normalises over a finite batch where this one does so over an infinite one."""
        if self.layers is None or None not in self.layers.batches:
            return self
        return self.with_blocks(network_blocks.with_batch(self.layers, batch))

    def with_blocks(self, layers: Block, size: int | None = None) -> Network:
        """Return a network of other blocks, and of another size of the input where one is given, all else the same."""
        law = {} if self.inputs is not None else {name: getattr(self, name) for name in _OF_LAW}
        start: dict[str, Any] = {"input": size or self.input, "inputs": self.inputs}
        start["gradient_variance"] = self.gradient_variance
        return Network(layers=layers, **start, **law)

    @property
    def signal(self) -> Signal:
        """What comes out of the last block, for one sample."""
        return self.rows[-1].signal

    @property
    def d(self) -> int:
        """The index of the last layer: layers are ``0..d``, with ``d + 1`` weight matrices."""
        self.need_chain("d")
        return len(self.widths) - 2

    @property
    def gain(self) -> tuple[float, ...]:
        """``n_i Var[W^i]`` for each layer (``n_i`` is the fan-in)."""
        self.need_chain("gain")
        return tuple(n * v for n, v in zip(self.widths, self.weight_variance, strict=False))

    @property
    def sizes(self) -> str:
        """The widths in short: all of them, or depth and width where they are equal; the number of blocks."""
        if not self.is_chain:
            return f"input {'x'.join(map(str, self.shape))}, {len(self.blocks)} blocks"
        n = self.widths
        if len(set(n)) == 1 and len(n) > 2:
            return f"depth {len(n) - 1}, width {n[0]}"
        return "widths " + "-".join(map(str, n if len(n) <= _MANY else [*n[:3], "...", n[-1]]))

    def __repr__(self) -> str:
        if not self.is_chain:
            return f"Network({', '.join([f'layers={self._text!r}, input={self.shape}', *self._input_words()])})"
        n = self.widths
        wide = f"depth={len(n) - 1}, width={n[0]}" if len(set(n)) == 1 and len(n) > 2 else f"widths={_short(n)}"
        said = [wide, f"weight_variance={_short(self.weight_variance)}", f"activation={str(self.activation)!r}"]
        if any(self.bias_variance):
            said.append(f"bias_variance={_short(self.bias_variance)}")
        if self.weight_law != NORMAL:
            said.append(f"weight_law={self.weight_law.name!r}")
        return f"Network({', '.join([*said, *self._input_words()])})"

    def _input_words(self) -> list[str]:
        """Return what is unusual of the input and of the output gradient, as arguments."""
        said = [f"{name}={str(v) if isinstance(v, Law) else v!r}" for name, v in _unusual(vars(self), *_USUAL).items()]
        return said if self.inputs is None else [*said, f"inputs=<array of shape {self.inputs.shape}>"]

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name.startswith("_"))

    def to_dict(self) -> dict[str, object]:
        """Return the network as plain data; ``Network(**network.to_dict())`` is the same network.

        An activation is given by its text (a name of the catalogue with its parameters, or the user's own expression)
        and a law by its name. An `Activation` or `Law` made by hand under a name of its own is not found again by it.
        """
        if not self.is_chain:
            plain: dict[str, object] = {
                "layers": self._text,
                "input": list(self.shape),
                "input_law": self.input_law.name,
                "input_mean": self.input_mean,
                "input_variance": self.input_variance,
                "input_correlation": self.input_correlation,
                "gradient_variance": self.gradient_variance,
            }
            return plain if self.inputs is None else plain | {"inputs": self.inputs.tolist()}
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


_OF_LAW: dict[str, Any] = {
    "input_mean": 0.0,
    "input_variance": 1.0,
    "input_correlation": 0.0,
    "input_law": NORMAL,
}
_USUAL = {**_OF_LAW, "gradient_variance": 1.0}


def _unusual(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return which of these fields have other values than by default."""
    return {name: values[name] for name in names if values[name] != _USUAL[name]}


_MANY = 8  # from so many layers on, a text leaves out those in the middle


def _short(values: Any) -> str:
    """Return a number, or a list of them: one for all where they are equal, and of many the first and the last."""
    if not isinstance(values, tuple):
        return repr(values)
    if len(set(values)) == 1 and isinstance(values[0], float):
        return repr(values[0])
    shown = map(repr, values) if len(values) <= _MANY else [*map(repr, values[:3]), "...", repr(values[-1])]
    return f"[{', '.join(shown)}]"
