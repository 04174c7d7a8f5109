"""``varprop kernel``."""

from __future__ import annotations

import click

from derive.errors import InputError
from numerics.cli.output import emit, working
from numerics.derivations import derivation

_STEP = "sample-variance"


@click.command("kernel")
@click.argument("name", metavar="NAME")
@click.option("--activation", default="relu", show_default=True, help="relu, leaky-relu(a), abs or linear.")
@click.option("--gain", type=float, default=2.0, show_default=True, help="n Var[W].")
@click.option("--bias-variance", type=float, default=0.0, show_default=True, help="Var[b].")
@click.option("--backend", type=click.Choice(["numpy", "numba"]), default="numpy", show_default=True)
@click.option(
    "--export", "path", metavar="FILE", help="Write a module that needs neither SymPy nor varprop: .py or .c."
)
def kernel(name: str, activation: str, gain: float, bias_variance: float, backend: str, path: str | None) -> None:
    """Print the generated code of a theorem's result, or of the step of the sample variance with its certificate.

    NAME is sample-variance, for the step (m2, v2) -> (m2, v2) of (leaky) ReLU networks, or a theorem (see
    `varprop list`). The options below are the step's.
    """
    if name == _STEP:
        _print_step(activation, gain, bias_variance, backend, path)
        return
    if path is not None:
        raise InputError(f"--export goes with {_STEP}, got {name}")
    from numerics.kernels import kernel as make

    try:
        made = make(derivation(name))
    except (TypeError, ValueError) as error:
        raise InputError(f"the result of {name} has no value to compute: {error}") from None
    emit(made.source)


def _print_step(activation: str, gain: float, bias_variance: float, backend: str, path: str | None) -> None:
    from numerics.kernels import export, sample_variance_step

    try:
        with working("deriving, fitting and certifying"):
            step = sample_variance_step(activation, gain=gain, bias_variance=bias_variance, backend=backend)
            certificate = step.certificate
            if path is not None:
                export(step, path)
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from None
    emit(f"{step.source.rstrip()}\n\n{certificate.text()}" if path is None else certificate.text())
