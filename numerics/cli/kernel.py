"""``varprop kernel``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from derive.errors import InputError, unknown_name
from numerics.cli.activation_options import PARAM, read_activation
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Prose
from numerics.cli.numbers import NUMBER
from numerics.cli.output import emit, show, working

if TYPE_CHECKING:
    from derive.activations import Activation
    from numerics.kernels import Kernel


@click.command("kernel")
@click.argument("name", metavar="NAME")
@click.option("--activation", metavar="A", help="A name, or an expression in x.  [default: relu]")
@PARAM
@click.option(
    "--domain",
    type=NUMBER,
    nargs=2,
    metavar="LOW HIGH",
    help="Smallest and largest variance of a pre-activation.  [default: 1e-3 1e2]",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "closed-form", "quadrature"]),
    default="auto",
    show_default=True,
    help="The derived closed form, a fixed quadrature rule, or what loses no digits.",
)
@click.option("--gain", type=NUMBER, metavar="G", help="n Var[W]: of the step (default 2), or the default of sigma_w2.")
@click.option("--bias-variance", type=NUMBER, metavar="V", help="Var[b]: of the step, or the default of sigma_b2.")
@click.option("--backend", type=click.Choice(["numpy", "numba"]), default="numpy", show_default=True)
@click.option(
    "--export", "path", metavar="FILE", help="Write a module that needs neither SymPy nor varprop: .py or .c."
)
@time_limit
def kernel(
    name: str,
    activation: str | None,
    parameters: tuple[str, ...],
    domain: tuple[float, float] | None,
    method: str,
    gain: float | None,
    bias_variance: float | None,
    backend: str,
    path: str | None,
) -> None:
    """Print the generated code of a map of an activation, or of a theorem's result, with its certificate.

    NAME is a map (see `varprop maps`), such as length-map, covariance-map, chi-perp or K; sample-variance, for the step
    (m2, v2) -> (m2, v2) of the recursion over samples; or a theorem (see `varprop list`).
    """
    import derive
    from derive.lookup import Kind, lookup
    from numerics.maps.definitions import ARGUMENTS, STEP, is_map, map_name

    # A theorem about a map of any activation has a value only for one: then the map is meant.
    if is_map(name):
        full = map_name(name)
        chosen: dict[str, Any] = {"method": method.replace("-", " "), "backend": backend}
        chosen |= {} if domain is None else {"domain": domain}
        make = _step if full == STEP else partial(_map, full)
        f = read_activation(activation or "relu", parameters)
        _print(lambda: make(f, gain, bias_variance, chosen), path)
        return
    with suppress(InputError):
        name = lookup(name, (Kind.THEOREM,)).name
    if name not in derive.theorems():
        raise unknown_name("map or theorem", name, [*(a.replace("_", "-") for a in ARGUMENTS), *derive.theorems()])
    given = {
        "--export": path,
        "--activation": activation,
        "--param": parameters or None,
        "--domain": domain,
        "--gain": gain,
    }
    for option, value in (given | {"--bias-variance": bias_variance}).items():
        if value is not None:
            raise InputError(f"{option} goes with a map, got the theorem {name}")
    _print_theorem(name)


def _step(activation: Activation, gain: float | None, bias_variance: float | None, chosen: dict[str, Any]) -> Kernel:
    from numerics.kernels import sample_variance_step

    return sample_variance_step(activation, 2.0 if gain is None else gain, bias_variance or 0.0, **chosen)


def _map(
    name: str, activation: Activation, gain: float | None, bias_variance: float | None, chosen: dict[str, Any]
) -> Kernel:
    from numerics.kernels import map_kernel

    return map_kernel(activation, name, weight_variance=gain, bias_variance=bias_variance, **chosen)


def _print(make: Callable[[], Kernel], path: str | None) -> None:
    from numerics.programs.exporting import export, python_module

    try:
        with working("deriving and certifying"):
            made = make()
            certificate = made.certificate
            if path is not None:
                export(made, path)
    except ImportError as error:
        raise InputError(str(error)) from None
    words = Prose(f"method: {made.method}. {made.note}"), "", certificate.text()
    if path is not None:
        show(*words)
    elif made.program.helpers:
        # The certificate stands on top of it: the output is a module.
        emit(python_module(made))
    else:
        emit(f"{made.source.rstrip()}\n\n")
        show(*words)


def _print_theorem(name: str) -> None:
    from numerics.derivations import derivation
    from numerics.kernels import kernel as make

    try:
        made = make(derivation(name))
    except (TypeError, ValueError) as error:
        raise InputError(f"the result of {name} has no value to compute: {error}") from None
    emit(made.source)
