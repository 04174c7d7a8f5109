"""A prediction held against a simulation: row by row, with what the run could have caught; one verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import scipy
from numpy.typing import NDArray

from derive.errors import InputError
from derive.results import Result
from numerics.network import Network
from numerics.scoring import SKEWED, TINY, Estimate, Limits, Row, constant
from numerics.simulation.result import Simulation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from numerics.curves import Prediction
    from numerics.finite_width import FiniteWidthBias

__all__ = ["POWER", "Predicted", "Row", "Verification", "predicted_columns", "verify"]

Floats = NDArray[np.float64]

POWER = 0.99
"""The power at which `Row.detectable` is stated."""

_WORTH_SAYING = 1e-4  # predictions that state smaller errors have no column for them
_READABLE = 1e5  # larger scores are printed by their power of ten


class Predicted(Protocol):
    """What `verify` needs of a prediction: columns of length d + 1, and which of them claim to be exact."""

    @property
    def network(self) -> Network:
        """The network that the prediction is for."""

    @property
    def columns(self) -> Mapping[str, Floats]:
        """The predicted values of layers ``0..d``, by quantity."""

    @property
    def exact(self) -> Mapping[str, bool]:
        """Whether a column claims to be exact for this network."""


@dataclass(frozen=True, repr=False)
class Verification(Result):
    """All comparisons, and one verdict with a family-wise error rate of ``alpha``; `rows` has them as plain data.

    A row agrees while ``|z| <= threshold``, the two-sided quantile of Student's t at ``alpha`` divided by the
    number of rows. That is Bonferroni's union bound, which holds however the rows depend on each other;
    rows of neighbouring layers depend strongly.
    """

    comparisons: tuple[Row, ...]
    alpha: float
    threshold: float
    networks: int
    averaged: str
    prediction: Predicted = field(compare=False)
    simulation: Simulation = field(compare=False)

    @property
    def verdict(self) -> str:
        """``"differs"`` if a row does, else ``"inconclusive"`` if a row is, else ``"agrees"``."""
        found = {row.verdict for row in self.comparisons}
        return next((word for word in ("differs", "inconclusive") if word in found), "agrees")

    @property
    def agrees(self) -> bool:
        """Whether every row agrees."""
        return self.verdict == "agrees"

    def summary(self) -> str:
        """Return the verdict in words: how many rows, the worst one, and what would have been caught."""
        found = [row for row in self.comparisons if row.verdict == self.verdict]
        share = f"{len(found)} of {len(self.comparisons)} rows"
        rule = f"|z| <= {self.threshold:.2f}"
        if self.verdict == "differs":
            worst = max(found, key=lambda row: abs(row.relative_difference))
            text = (
                f"differs: {share} break {rule}; the largest is {worst.name}, "
                f"predicted {worst.predicted:.4g}, estimated {worst.estimate:.4g} "
                f"± {worst.standard_error:.2g} ({_percent(worst.relative_difference)})."
            )
        elif self.verdict == "inconclusive":
            text = (
                f"inconclusive: {share}, such as {found[0].name}, have estimates that are too uncertain over "
                f"{self.networks} networks, or outside float64's range."
            )
        else:
            largest = max(abs(row.z) for row in self.comparisons)
            rows = len(self.comparisons)
            text = f"agrees: the largest |z| of {rows} rows is {largest:.2f}, the limit {self.threshold:.2f}."
        text += (
            f" Family-wise error rate {self.alpha:.3g} (Student's t, Bonferroni over rows, which needs no "
            "independence)."
        )
        power = [row.detectable for row in self.comparisons if row.predicted != 0]
        weak, rare = (
            sum(not detectable <= 1 for detectable in power),
            sum(row.skewness > SKEWED for row in self.comparisons),
        )
        if rare:
            text += f" In {rare} rows networks too rare for this run hold much of the mean."
        if weak:
            more = "draw more networks" if self.networks > 1 else "one network cannot tell, over='both' can"
            text += f" {weak} rows say little: an error of 100 % could have passed; {more}."
        elif self.agrees and power:
            worst_power = max(power)
            which = "any row" if len(power) == len(self.comparisons) else "any row with a prediction other than 0"
            text += f" In {which} an error of {_percent(worst_power, sign='')} would have been caught."
        return text

    def text(self) -> str:
        """Return the table and the verdict as plain text."""
        return "\n\n".join(filter(None, (self.table(), self.claims(), self.summary())))

    def claims(self) -> str:
        """Return what all rows claim, which is then no column of the table; nothing where they differ in it."""
        if len({row.exact for row in self.comparisons}) > 1:
            return ""
        return f"Every row claims to be {'exact' if self.comparisons[0].exact else 'approximate'}."

    def table(self) -> str:
        """Return one line for each comparison, under their titles."""
        head = ["layer", "quantity", "predicted", "estimate", "std error", "z", "off by", "detectable"]
        biased = any(row.width_bias for row in self.comparisons)
        stated = any(row.stated_error >= _WORTH_SAYING for row in self.comparisons)
        mixed = not self.claims()
        head += [
            *(["own error"] if stated else []),
            *(["width bias"] if biased else []),
            *(["claim"] if mixed else []),
            "verdict",
        ]
        body = [
            (
                str(row.layer),
                row.name,
                f"{row.predicted:.6g}",
                f"{row.estimate:.6g}",
                f"{row.standard_error:.2g}",
                f"{row.z:+.2f}" if abs(row.z) < _READABLE else f"{row.z:+.2g}",
                "-" if row.predicted == 0 else _percent(row.relative_difference),
                _percent(row.detectable, sign=""),
                *([_percent(row.stated_error, sign="")] if stated else []),
                *([_percent(row.width_bias)] if biased else []),
                *(["exact" if row.exact else "≈"] if mixed else []),
                row.verdict,
            )
            for row in self.comparisons
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        words = {"quantity", "claim", "verdict"}
        lines = [
            "  ".join(
                cell.ljust(width) if title in words else cell.rjust(width)
                for title, cell, width in zip(head, line, widths, strict=True)
            ).rstrip()
            for line in (head, *body)
        ]
        return "\n".join(lines)

    __str__ = text

    def plot(self, *, ax: Any = None) -> Figure:
        """Return the prediction's curves as a figure, with the estimates over them: see `plot_curves`."""
        from numerics.figures import plot_curves

        # What `plot_curves` needs of a prediction, `verify` needs, too.
        prediction = cast("Prediction", self.prediction)
        return plot_curves(prediction, self.simulation, **({} if ax is None else {"ax": ax}))

    def _repr_html_(self) -> str:
        from derive.render.table import to_html

        cells = [
            {
                "layer": row.layer,
                "quantity": row.name,
                "predicted": row.predicted,
                "estimate": row.estimate,
                "std error": f"{row.standard_error:.2g}",
                "z": f"{row.z:+.3g}",
                "off by": "-" if row.predicted == 0 else _percent(row.relative_difference),
                "detectable": _percent(row.detectable, sign=""),
                "width bias": _percent(row.width_bias) if row.width_bias else None,
                "claim": "exact" if row.exact else "approximate",
                "verdict": row.verdict,
            }
            for row in self.comparisons
        ]
        return to_html(cells, f"{self.summary()} The numbers are {self.averaged}.")

    @property
    def headline(self) -> str:
        """The verdict and its reason, in one sentence."""
        return f"{self.summary().partition('. ')[0].removesuffix('.')}; {self.networks} networks"

    def rows(self) -> list[dict[str, Any]]:
        """Return the comparisons, one row for each quantity of each layer, with the fields of `Row`."""
        return [asdict(row) for row in self.comparisons]

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as plain data; a number that is not finite becomes None."""
        return {
            "verdict": self.verdict,
            "agrees": self.agrees,
            "alpha": self.alpha,
            "threshold": self.threshold,
            "networks": self.networks,
            "averaged": self.averaged,
            "summary": self.summary(),
            **self._table(),
        }


def verify(
    prediction: Predicted,
    simulation: Simulation,
    *,
    alpha: float = 0.01,
    width_bias: FiniteWidthBias | None = None,
) -> Verification:
    """Compare every predicted variance with its estimate: the columns both sides have, layer by layer.

    ``alpha`` is the family-wise error rate: the chance that a right prediction is told to differ *anywhere* in the
    table. That rests on Student's t for means over networks, which long tails break: of a deep narrow network a few
    realisations hold most of the mean. A row can therefore differ only where its relative standard error is at most
    20 % and the skewness of its estimate at most 1, both by what the roots of the averages say of the tail
    (`numerics.simulation.tails`); else it is inconclusive. So is a row in which an error of 100 % could pass, and one
    whose numbers leave float64's range. More networks decide.

    Measured at ``alpha = 0.01`` over 300 runs, as the share that differs though all is right (in brackets: without
    regard to tails). Linear, 1000 networks: 20 layers of width 4, 0 % (19 %); 10 of width 10, 0.3 % (0.7 %). tanh:
    0.3 % (12 %) and 0.3 % (1 %). ReLU with biases: 0 % (64 %) and 0 % (4 %), m2 and v2 over 300 networks 1.3 % (97 %)
    and 1.3 % (7 %). Nearly all other runs of these are inconclusive. 4 layers of width 64: tanh 0.7 % (0.7 %), ReLU
    1.3 % (1.3 %), and none is inconclusive.

    A row without spread over networks (a Rademacher input has |z^0|^2/n_0 = Var[x] in every network) must
    equal its prediction up to rounding.

    A simulation of one network (over samples, or over a layer's units) estimates *that network's* variances, and a
    prediction is of their mean over networks: the row's standard error then has both parts, that of the estimate and
    `Simulation.network_error`. Deep in a narrow network the second is most of it, and the row says little; only
    ``over="both"`` decides then.

    What a prediction states its numbers to be off by (`Prediction.relative_error`) is a bound: an estimate differs
    where it is further away than that, and a row whose number may be off by 100 % is inconclusive.

    An infinite batch that was simulated as one of B samples is allowed `Simulation.batch_error`, of the order 1/B.

    With ``width_bias``, from `numerics.finite_width.finite_width_bias`, a column that does not claim to be exact is
    compared with ``predicted (1 + c/N)``, and the error of c counts. Without, a wide limit that a finite network is
    measurably away from differs, as it does. ``rho``, and ``var_s`` = m2 + v2, are compared also where the prediction
    has the columns m2 and v2 only.

    Raises:
        InputError: when the two sides are of different networks or share no column, a column has not one
            value per layer, or ``alpha`` is not between 0 and 1, or the bias is of another network.

    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha!r}")
    _check_networks(prediction.network, simulation)
    network = simulation.network
    width = 0 if width_bias is None else width_bias.width_of(network)
    layers = network.d + 1 if network.is_chain else len(network.rows)
    columns, exact, stated = predicted_columns(prediction), _exact(prediction), stated_errors(prediction)
    shared = [name for name in simulation.estimate if name in columns]
    if not shared:
        raise InputError(f"the prediction has none of the columns {', '.join(simulation.estimate)}")
    for name in shared:
        if np.shape(columns[name]) != (layers,):
            shape = np.shape(columns[name])
            raise InputError(f"column {name} must hold one value for each of {layers} layers, got shape {shape}")
    simulation = _at_predicted_places(prediction, simulation)
    estimates = {name: _estimates(name, simulation) for name in shared}
    # Rows without spread cannot raise a false alarm, and take no share of alpha.
    found = [e for column in estimates.values() for e in column if not math.isnan(e.value)]
    tested = sum(not constant(e.value, e.error, e.scale) for e in found)
    limits = Limits(
        threshold=-float(scipy.special.stdtrit(simulation.freedom, alpha / (2 * max(1, tested)))),
        margin=float(scipy.special.stdtrit(simulation.freedom, POWER)),
        rounding=1e-14 * (layers + 10),
    )
    rows = []
    blocks = None if simulation.network.is_chain else simulation.network.rows
    for name in shared:
        for layer, estimate in enumerate(estimates[name]):
            fit = None if width_bias is None or exact[name] else width_bias.fit(name, layer)
            bias = (0.0, 0.0) if fit is None else fit.at(width)
            value = float(columns[name][layer])
            if name in _PLACES and math.isnan(value):
                continue  # a row without positions
            wrong = float(stated[name][layer]) if name in stated else 0.0
            row = limits.row(
                layer,
                name,
                predicted=value,
                estimate=estimate,
                exact=exact[name],
                width_bias=bias,
                stated_error=wrong,
                batch_error=simulation.batch_error(name, layer),
            )
            rows.append(row if blocks is None else replace(row, block=blocks[layer].name))
    about = simulation.networks, simulation.averaged
    return Verification(tuple(rows), alpha, limits.threshold, *about, prediction, simulation)


def _estimates(name: str, simulation: Simulation) -> list[Estimate]:
    """Return what a simulation knows of a quantity, layer by layer."""
    zeros = np.zeros_like(simulation.estimate[name])
    error = np.hypot(simulation.standard_error[name], simulation.network_error.get(name, zeros))
    tails = simulation.tail_error.get(name, zeros), simulation.tail_skewness.get(name, zeros)
    scale, tail_error = zeros, tails[0]
    if name == "rho":
        # A ratio: common factors of a network cancel, and its error is that of the ratio.
        scale, tail_error = zeros + 1, zeros
        total = sum(np.abs(simulation.estimate[part]) for part in ("m2", "v2"))
        error = np.where((total > 0) & (total < TINY), np.inf, error)
    elif name in ("m2", "v2"):
        scale = np.abs(simulation.estimate["m2"]) + np.abs(simulation.estimate["v2"])
    if name == "m2" and name in simulation.network_error:
        # In one network the error is in proportion to an estimate that may be small by chance.
        with np.errstate(invalid="ignore", divide="ignore"):
            tail_error = np.nan_to_num(simulation.network_error[name] / np.abs(simulation.estimate[name]))
    columns = np.stack([simulation.estimate[name], error, tail_error, tails[1], scale])
    in_proportion = name not in ("rho", "m2")
    return [Estimate(a, b, c, d, e, in_proportion) for a, b, c, d, e in columns.T.tolist()]


def predicted_columns(prediction: Predicted) -> dict[str, Floats]:
    """Return the columns; where m2 and v2 are there, also ``rho`` = m2/(m2 + v2) and ``var_s`` = m2 + v2."""
    columns = {name: np.asarray(values, np.float64) for name, values in prediction.columns.items()}
    if "m2" in columns and "v2" in columns:
        total = columns["m2"] + columns["v2"]
        # Of nothing, or what underflows, no share is known: 0, as in a simulation of nothing.
        with np.errstate(invalid="ignore"):
            share = np.divide(columns["m2"], total, out=np.zeros_like(total), where=total != 0)
        columns["rho"] = np.where(total < TINY, 0.0, columns.get("rho", share))
        columns.setdefault("var_s", total)
    return columns


def stated_errors(prediction: Predicted) -> dict[str, Floats]:
    """Return what the columns state to be off by, in proportion; of a sum as much as the worse of its parts."""
    stated: Mapping[str, Floats] = getattr(prediction, "relative_error", {})
    found = {name: np.asarray(values, np.float64) for name, values in stated.items()}
    if "m2" in found and "v2" in found:
        worse = np.maximum(found["m2"], found["v2"])
        found = {"var_s": worse, "rho": worse, **found}
    return found


def _exact(prediction: Predicted) -> dict[str, bool]:
    both = bool(prediction.exact.get("m2", False) and prediction.exact.get("v2", False))
    derived = {"rho": both} if "var_s" in prediction.columns else {"rho": both, "var_s": both}
    return {name: bool(prediction.exact.get(name, derived.get(name, False))) for name in predicted_columns(prediction)}


def _check_networks(network: Network, simulation: Simulation) -> None:
    wanted = simulation.predicted_network
    if network == wanted:
        return
    if network != replace(wanted, input_variance=network.input_variance):
        raise InputError("the prediction and the simulation must be of the same network")
    if not math.isclose(network.input_variance, wanted.input_variance, rel_tol=1e-12):
        if simulation.fixed_input is None:
            raise InputError("the prediction and the simulation must be of the same network")
        raise InputError(
            f"the prediction must be for an input_variance of {wanted.input_variance!r}, the mean square of the fixed "
            f"input, got {network.input_variance!r}"
        )


_PLACES: dict[str, Any] = {"q_min": np.argmin, "q_max": np.argmax}


def _at_predicted_places(prediction: Predicted, simulation: Simulation) -> Simulation:
    """Return the simulation with q_min and q_max at the positions where they are predicted.

    The least of many estimates is low by chance, wherever it is.
    """
    predicted: Mapping[int, Floats] = getattr(prediction, "position_q", {})
    if not predicted or not simulation.position_q:
        return simulation
    sides = {"estimate": simulation.position_q, "standard_error": simulation.position_q_error}
    changed: dict[str, Any] = {side: dict(getattr(simulation, side)) for side in sides}
    for name, choose in _PLACES.items():
        for side, by_row in sides.items():
            column = np.full(len(simulation.names), np.nan)
            for row, values in predicted.items():
                column[row] = by_row[row].ravel()[choose(values)]
            changed[side][name] = column
    return replace(simulation, **changed)


def _percent(value: float, *, sign: str = "+") -> str:
    return "-" if math.isnan(value) else f"{100 * value:{sign}.3g} %" if math.isfinite(value) else f"{value:{sign}}"
