"""The options that describe a network, shared by all commands that need one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from numerics.cli.activation_options import PARAM, read_activation
from numerics.cli.numbers import NUMBER, NUMBERS

if TYPE_CHECKING:
    from numerics.network import Network

# The sizes of this many layers still fit easily in memory.
_DEEPEST = 10_000_000


class _Widths(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Integers separated by commas."""

    name = "positive integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f"must be {self.name}, separated by commas, got {value!r}", param, ctx)


_WIDTHS = _Widths()

_OPTIONS = (
    click.option(
        "--layers",
        metavar="BLOCKS",
        help="Blocks in place of a chain: 'dense(64), residual(relu, dense(64), scale=0.5), dropout(0.1)'.",
    ),
    click.option("--input", "size", metavar="N|CxTxT", help="Size of the input of --layers: 64, or 3x32x32."),
    click.option("--input-mean", type=NUMBER, metavar="M", help="E[x], with --layers.  [default: 0]"),
    click.option(
        "--input-correlation", type=NUMBER, metavar="C", help="Correlation of two inputs, with --layers.  [default: 0]"
    ),
    click.option("--widths", type=_WIDTHS, metavar="N0,N1,...", help="Sizes n_0..n_{d+1} of input, layers, output."),
    click.option("--depth", type=int, metavar="L", help="Number of weight matrices, all between layers of --width."),
    click.option("--width", type=int, metavar="N", help="Size of every layer, with --depth."),
    click.option(
        "--activation",
        metavar="NAME|EXPR",
        help="Activation function: a name, or an expression in x.  [default: linear]",
    ),
    PARAM,
    click.option("--weight-variance", type=NUMBERS, metavar="V|V0,V1,...", help="Var[W^i], one or one a matrix."),
    click.option("--gain", type=NUMBERS, metavar="G|G0,G1,...", help="n_i Var[W^i], in place of --weight-variance."),
    click.option("--bias-variance", type=NUMBERS, metavar="V|V0,V1,...", help="Var[b^i].  [default: 0]"),
    click.option(
        "--weight-law",
        metavar="NAME",
        help="normal, uniform, rademacher or truncated-normal.  [default: normal]",
    ),
    click.option("--input-variance", type=NUMBER, default=1.0, show_default=True, metavar="V", help="Var[x]."),
    click.option(
        "--gradient-variance", type=NUMBER, default=1.0, show_default=True, metavar="V", help="Var[dCost/ds^d]."
    ),
)


theory_option = click.option(
    "--theory",
    type=click.Choice(["linear-regime", "wide", "finite"]),
    help="What the prediction is by.  [default: linear-regime for linear units, else wide]",
)


_DRAWING = (
    click.option(
        "--over",
        type=click.Choice(["network", "sample", "layer", "both"]),
        default="network",
        show_default=True,
        help="What variances are over: networks, the samples of one network, the units of one layer, or both.",
    ),
    click.option("--networks", type=int, metavar="R", help="Networks to draw.  [default: 1000; 100 over both, else 1]"),
    click.option(
        "--samples", type=int, metavar="T", help="Inputs per network.  [default: 1000 over samples, 100 over both]"
    ),
    click.option(
        "--method",
        type=click.Choice(["brute", "conditional", "gram", "norm-law"]),
        help="How to draw; default: the fastest.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Seed of the random numbers."),
)


def drawing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is drawn: ``over``, ``networks``, ``samples``, ``method``, ``seed``."""
    for option in reversed(_DRAWING):
        command = option(command)
    return command


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the network options; it gets ``network``, a `numerics.network.Network`, in their place."""

    @wraps(command)
    def with_network(**options: Any) -> Any:
        return command(network=_network({name: options.pop(name) for name in _NAMES}), **options)

    return _with_options(with_network)


USUAL_GAIN = 1.0
"""The gain of a network that is only looked at, where none is given."""


def described_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the network options, of which the gain may be missing: ``gain_said`` tells whether it is not."""

    @wraps(command)
    def with_network(**options: Any) -> Any:
        given = {name: options.pop(name) for name in _NAMES}
        said = (
            given["gain"] is not None or given["weight_variance"] is not None or not _asks_for_a_gain(given["layers"])
        )
        whole = given if said else {**given, "gain": USUAL_GAIN}
        return command(network=_network(whole), gain_said=said, **options)

    return _with_options(with_network)


_OF_REPORT = (
    "layers",
    "size",
    "input_mean",
    "input_correlation",
    "gain",
    "bias_variance",
    "weight_law",
    "input_variance",
)


def own_network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a network of blocks; it gets ``network``, or None where no layers are given."""

    @wraps(command)
    def with_network(**options: Any) -> Any:
        own = {name: options.pop(name) for name in _OF_REPORT}
        given = {**dict.fromkeys(_NAMES), **own}
        usual = {"layers": None, "input_variance": 1.0}
        if own["layers"] is None:
            alone = {name: None if value == usual.get(name) else value for name, value in own.items()}
            _refuse(alone, _OF_REPORT, "{} goes with --layers")
        return command(network=None if own["layers"] is None else _of_blocks(given), **options)

    return _with_options(with_network, _OF_REPORT)


def _with_options(command: Callable[..., Any], names: Collection[str] | None = None) -> Callable[..., Any]:
    for name, option in reversed([*zip(_NAMES, _OPTIONS, strict=True)]):
        command = option(command) if names is None or name in names else command
    return command


def _network(given: Mapping[str, Any]) -> Network:
    return _of_blocks(given) if given["layers"] is not None else _chain(given)


def _asks_for_a_gain(layers: str | None) -> bool:
    """Return whether blocks have weights whose variance they do not say; those of a chain do not say it."""
    if layers is None:
        return True
    from derive.blocks import read

    return read(layers).lacks("gain")


_NAMES = (
    "layers",
    "size",
    "input_mean",
    "input_correlation",
    "widths",
    "depth",
    "width",
    "activation",
    "parameters",
    "weight_variance",
    "gain",
    "bias_variance",
    "weight_law",
    "input_variance",
    "gradient_variance",
)
_OF_BLOCKS = ("size", "input_mean", "input_correlation")
_OF_CHAIN = ("widths", "depth", "width", "activation", "parameters", "weight_variance")


def _refuse(given: Mapping[str, Any], names: Sequence[str], rule: str) -> None:
    for name in names:
        if given[name] not in (None, ()):
            option = {"size": "input", "parameters": "param"}.get(name, name).replace("_", "-")
            raise click.UsageError(rule.format(f"--{option}"))


def _said(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name] is not None}


def _of_blocks(given: Mapping[str, Any]) -> Network:
    _refuse(given, _OF_CHAIN, "{} does not go with --layers")
    from numerics.network import Network

    shared = _said(
        given,
        "gain",
        "bias_variance",
        "weight_law",
        "input_mean",
        "input_correlation",
        "input_variance",
        "gradient_variance",
    )
    return Network(layers=given["layers"], input=given["size"], **shared)


def _chain(given: Mapping[str, Any]) -> Network:
    _refuse(given, _OF_BLOCKS, "{} goes with --layers")
    if given["weight_variance"] is None and given["gain"] is None:
        raise click.UsageError("give --weight-variance or --gain: the weights have no variance yet")
    from numerics.network import Network

    activation = "linear" if given["activation"] is None else given["activation"]
    return Network(
        widths=_widths(given["widths"], given["depth"], given["width"]),
        activation=read_activation(activation, given["parameters"]),
        **_said(
            given,
            "weight_variance",
            "gain",
            "bias_variance",
            "weight_law",
            "input_variance",
            "gradient_variance",
        ),
    )


def _widths(widths: Sequence[int] | None, depth: int | None, width: int | None) -> Sequence[int]:
    if widths is not None:
        if depth is not None or width is not None:
            raise click.UsageError("give --widths, or --depth and --width, not both")
        return widths
    if depth is None or width is None:
        raise click.UsageError("give --widths N0,N1,... or --depth L --width N: the network has no size yet")
    if not 1 <= depth <= _DEEPEST:
        raise click.UsageError(f"depth must be an integer from 1 to {_DEEPEST}, got {depth}")
    return [width] * (depth + 1)
