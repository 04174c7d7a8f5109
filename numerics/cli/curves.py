"""``varprop curve``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import click
import numpy as np
from numpy.typing import NDArray

from numerics.cli.limits import time_limit
from numerics.cli.narrow import Part, Prose
from numerics.cli.network_options import network_options, theory_option
from numerics.cli.output import emit, show, table, to_json, working
from numerics.cli.trends import trends
from numerics.curves import Prediction, predict
from numerics.network import Network

Floats = NDArray[np.float64]

_OF_PLACES = ("q_min", "q_max")
_LARGE = 1e-6
"""An error that is said of its own column."""


@click.command("curve")
@network_options
@theory_option
@click.option("--spread", is_flag=True, help="With --theory finite: the fluctuation from network to network, too.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--plot", metavar="FILE", help="Draw the curves too: .png, .svg or .pdf.")
@time_limit
def curve(network: Network, theory: str | None, spread: bool, form: str, plot: str | None) -> None:
    """Predict the variances of a network, layer by layer: over input, weights, biases and output gradient together.

    Columns: layer, var_z (Var[z^i]), var_s (Var[s^i]), var_grad_s (Var[dCost/ds^i]), var_grad_w (Var[dCost/dw^i]); in
    the theory of wide layers also m2 and v2, the variance over networks of the mean over samples and that of the
    fluctuation about it, and rho = m2/(m2 + v2), the correlation of two samples. With --spread, sd_q and sd_v2: the
    standard deviations over networks of |s|²/n of one sample, and of |s - s'|²/(2n) of a pair of samples.

    With --layers a row is the input, or what comes out of a block: layer, name, q (mean square a unit; q_min and q_max
    over positions), m2 (mean product of two samples), v2 = q - m2, rho = m2/q and grad (mean square of the gradient).
    """
    with working("predicting"):
        prediction = predict(network, theory=theory, spread=spread)
    if plot is not None:
        from numerics.figures import save_curves

        save_curves(plot, prediction)
    if form == "csv":
        emit(prediction.to_csv())
    elif form == "json":
        emit(to_json(prediction.to_dict()))
    else:
        show(*_parts(prediction))


def _parts(prediction: Prediction) -> list[Part]:
    names = ["name"] if prediction.names else []
    header = ["layer", *names, *prediction.columns]
    rows = [
        [*(str(row[name]) for name in ("layer", *names)), *(_cell(name, row[name]) for name in prediction.columns)]
        for row in prediction.rows()
    ]
    words = trends({name: values.tolist() for name, values in prediction.columns.items()})
    parts: list[Part] = [table(header, rows), "", *map(Prose, words), *([""] if words else [])]
    reasons: dict[str, list[str]] = {}
    for name, why in prediction.approximations.items():
        for reason in why:
            reasons.setdefault(reason, []).append(name)
    if not reasons:
        parts.append(Prose("All columns are exact at these widths."))
    else:
        parts.append(Prose("Approximate, since this network only approaches what is assumed:"))
        parts += [Prose(f"{', '.join(names)}: {why}", indent=2, hang=2) for why, names in reasons.items()]
    lost = [name for name, values in prediction.columns.items() if name != "rho" and _lost(name, values)]
    if lost:
        parts += ["", Prose(f"Beyond float64's range in {', '.join(lost)}: inf is too large, and nan comes of it.")]
    return [*parts, *_errors(prediction.expectation_error)]


def _cell(name: str, value: float) -> str:
    return "-" if name in _OF_PLACES and math.isnan(value) else f"{value:.6g}"


def _lost(name: str, values: Floats) -> bool:
    """Return whether numbers are beyond float64; rows without positions have none of the least and the largest."""
    return bool((np.isinf(values) if name in _OF_PLACES else ~np.isfinite(values)).any())


def _errors(errors: Mapping[str, float]) -> list[Part]:
    """Return a sentence on errors: on all columns together where they are small, or on each that has a large one."""
    most = max(errors.values(), default=0.0)
    if not 0 < most < math.inf:
        return []
    large = {name: error for name, error in errors.items() if error >= _LARGE}
    rest = max((error for name, error in errors.items() if name not in large), default=0.0)
    # Powers of ten: the digits of an error mean nothing. A large one has its first digit, rounded up.
    of_rest = f"1e-{math.floor(-math.log10(rest)):02}" if rest else "0"
    included = "what earlier layers bring in included"
    if not large:
        return ["", Prose(f"The numbers have a relative error of at most {of_rest}, {included}.")]
    said = ", ".join(f"{_rounded_up(error)} in {name}" for name, error in large.items())
    others = f", {of_rest} in the others" if len(large) < len(errors) else ""
    return ["", Prose(f"The numbers have relative errors of at most {said}{others}, {included}.")]


def _rounded_up(error: float) -> str:
    unit = 10.0 ** math.floor(math.log10(error))
    return f"{math.ceil(error / unit * (1 - 1e-12)) * unit:.0e}"
