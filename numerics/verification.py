"""A prediction held against a simulation: row by row, with what the run could have caught; one verdict.

The score of a row is ``z = (estimate / predicted - 1) / (standard_error / estimate)``: the standard error is
taken in proportion to the value. The average square of a deep layer is a product of random factors, with a
long right tail: a run that misses the tail has a low estimate *and* a low standard error, and the usual
score ``(estimate - predicted) / standard_error`` then raises false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from derive.errors import InputError
from numerics.network import Network
from numerics.simulation.result import Simulation

Floats = NDArray[np.float64]

POWER = 0.99
"""The power at which `Row.detectable` is stated."""

# Beyond this relative standard error the estimated error itself cannot be trusted (see `verify`).
_TRUSTED = 0.2
# Below this, averages of squares have left float64's normal range.
_TINY = 1e-300

_SYMBOLS = {
    "var_z": "Var[z^{}]",
    "var_s": "Var[s^{}]",
    "var_grad_s": "Var[∂Cost/∂s^{}]",
    "var_grad_w": "Var[∂Cost/∂w^{}]",
}


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


@dataclass(frozen=True)
class Row:
    """One variance of one layer, predicted and estimated.

    ``z`` is the relative error over the relative standard error. ``relative_difference`` is
    ``estimate / predicted - 1``. ``detectable`` is the smallest relative error of the prediction that a run
    like this one catches with 99 % probability. ``exact`` tells whether the prediction claims to be exact, or
    an approximation. ``verdict`` is ``"agrees"``, ``"differs"`` or ``"inconclusive"``.
    """

    layer: int
    quantity: str
    predicted: float
    estimate: float
    standard_error: float
    z: float
    relative_difference: float
    detectable: float
    exact: bool
    verdict: str

    @property
    def name(self) -> str:
        """The variance in the papers' notation, such as ``Var[z^2]``."""
        return _SYMBOLS.get(self.quantity, self.quantity + "^{}").format(self.layer)

    def to_dict(self) -> dict[str, object]:
        """Return the row as plain data; a number that is not finite becomes None, as JSON has none."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Verification:
    """All rows, and one verdict with a family-wise error rate of ``alpha``.

    A row agrees while ``|z| <= threshold``, the two-sided quantile of Student's t at ``alpha`` divided by the
    number of rows. That is Bonferroni's union bound, which holds however the rows depend on each other;
    rows of neighbouring layers depend strongly.
    """

    rows: tuple[Row, ...]
    alpha: float
    threshold: float
    networks: int
    averaged: str

    @property
    def verdict(self) -> str:
        """``"differs"`` if a row does, else ``"inconclusive"`` if a row is, else ``"agrees"``."""
        found = {row.verdict for row in self.rows}
        return next((word for word in ("differs", "inconclusive") if word in found), "agrees")

    @property
    def agrees(self) -> bool:
        """Whether every row agrees."""
        return self.verdict == "agrees"

    def summary(self) -> str:
        """Return the verdict in words: how many rows, the worst one, and what would have been caught."""
        found = [row for row in self.rows if row.verdict == self.verdict]
        share = f"{len(found)} of {len(self.rows)} rows"
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
            text = f"agrees: {rule} in all {len(self.rows)} rows."
        text += (
            f" Family-wise error rate {self.alpha:.3g} (Student's t, Bonferroni over rows, which needs no "
            "independence)."
        )
        weak = sum(not row.detectable <= 1 for row in self.rows)
        if weak:
            text += f" {weak} rows say little: an error of 100 % could have passed; draw more networks."
        elif self.agrees:
            largest = max(row.detectable for row in self.rows)
            text += f" In any row an error of {_percent(largest, sign='')} would have been caught."
        return text

    def text(self) -> str:
        """Return the table and the verdict as plain text."""
        head = ["layer", "quantity", "predicted", "estimate", "std error", "z", "off by", "detectable"]
        head += ["claim", "verdict"]
        body = [
            (
                str(row.layer),
                row.name,
                f"{row.predicted:.6g}",
                f"{row.estimate:.6g}",
                f"{row.standard_error:.2g}",
                f"{row.z:+.2f}",
                _percent(row.relative_difference),
                _percent(row.detectable, sign=""),
                "exact" if row.exact else "approximate",
                row.verdict,
            )
            for row in self.rows
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
        return "\n".join([*lines, "", self.summary()])

    __str__ = text

    def to_dict(self) -> dict[str, object]:
        """Return the verification as plain data."""
        return {
            "verdict": self.verdict,
            "agrees": self.agrees,
            "alpha": self.alpha,
            "threshold": self.threshold,
            "networks": self.networks,
            "averaged": self.averaged,
            "summary": self.summary(),
            "rows": [row.to_dict() for row in self.rows],
        }


def verify(prediction: Predicted, simulation: Simulation, *, alpha: float = 0.01) -> Verification:
    """Compare every predicted variance with its estimate: the columns both sides have, layer by layer.

    ``alpha`` is the family-wise error rate: the chance that a right prediction is told to differ *anywhere*
    in the table. That rests on Student's t for means over networks, which long tails strain. Measured at
    ``alpha = 0.01``, as the share of runs with a false alarm (in brackets: with the usual score):

    - widths 8, 14, 5, 18, 11, 6, linear, over 10 000 runs each: 1.1 % (13 %) at 30 networks, 1.3 % (6.4 %)
      at 100, 0.6 % (1.3 %) at 1000;
    - 21 layers of width 10, where layer averages have a skewness above 100 and no run can know a tail that it
      has not met: 3.5 % (49 %) at 100 networks, 4.3 % (21 %) at 1000, 3.1 % (13 %) at 3000.

    A row beyond the threshold whose relative standard error is above 20 % is called inconclusive: there the
    standard error itself cannot be trusted.

    A row without spread over networks (a Rademacher input has |z^0|^2/n_0 = Var[x] in every network) must
    equal its prediction up to rounding.

    Raises:
        InputError: when the two sides are of different networks or share no column, a column has not one
            value per layer, or ``alpha`` is not between 0 and 1.

    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha!r}")
    if prediction.network != simulation.network:
        raise InputError("the prediction and the simulation must be of the same network")
    layers = simulation.network.d + 1
    shared = [name for name in simulation.estimate if name in prediction.columns]
    if not shared:
        raise InputError(f"the prediction has none of the columns {', '.join(simulation.estimate)}")
    for name in shared:
        shape = np.shape(prediction.columns[name])
        if shape != (layers,):
            raise InputError(
                f"column {name} must hold one value for each of {layers} layers, got shape {shape}"
            )
    # Rows without spread cannot raise a false alarm, and take no share of alpha.
    tested = sum(
        not _constant(estimate, error)
        for name in shared
        for estimate, error in zip(simulation.estimate[name], simulation.standard_error[name], strict=True)
    )
    freedom = simulation.networks - 1
    limits = _Limits(
        threshold=-float(stdtrit(freedom, alpha / (2 * max(1, tested)))),
        margin=float(stdtrit(freedom, POWER)),
        rounding=1e-14 * (layers + 10),
    )
    rows = [
        limits.row(
            layer,
            name,
            predicted=float(prediction.columns[name][layer]),
            estimate=float(simulation.estimate[name][layer]),
            error=float(simulation.standard_error[name][layer]),
            exact=bool(prediction.exact.get(name, False)),
        )
        for name in shared
        for layer in range(layers)
    ]
    return Verification(tuple(rows), alpha, limits.threshold, simulation.networks, simulation.averaged)


def _constant(estimate: float, error: float) -> bool:
    return error <= 1e-14 * abs(estimate)


@dataclass(frozen=True)
class _Limits:
    """The largest |z| that agrees, the quantile that adds the power, and the tolerance without spread."""

    threshold: float
    margin: float
    rounding: float

    def row(
        self, layer: int, quantity: str, *, predicted: float, estimate: float, error: float, exact: bool
    ) -> Row:
        difference = estimate - predicted
        off_by = (
            difference / predicted if predicted else math.copysign(math.inf, difference) if estimate else 0.0
        )
        relative_error = error / estimate if estimate > 0 else math.inf
        z = detectable = math.nan
        if not (math.isfinite(estimate) and math.isfinite(error)):
            verdict = "inconclusive"
        elif not math.isfinite(predicted):
            verdict = "differs"
        elif 0 < max(abs(predicted), abs(estimate)) < _TINY:
            verdict = "inconclusive"
        elif _constant(estimate, error):
            same = abs(off_by) <= self.rounding
            z, detectable = 0.0 if same else math.copysign(math.inf, difference), self.rounding
            verdict = "agrees" if same else "differs"
        else:
            # An estimate that is not positive (a debiased variance can be) leaves only the usual score.
            scaled = error * predicted / estimate if estimate > 0 else error
            z = difference / scaled if scaled > 0 else math.copysign(math.inf, difference)
            detectable = self._detectable(relative_error)
            trusted = relative_error <= _TRUSTED or predicted <= 0
            verdict = "agrees" if abs(z) <= self.threshold else "differs" if trusted else "inconclusive"
        return Row(layer, quantity, predicted, estimate, error, z, off_by, detectable, exact, verdict)

    def _detectable(self, relative_error: float) -> float:
        # If the truth is (1 + δ) times the prediction, so is the standard error: solve δ = r (c + m (1 + δ)).
        room = 1 - self.margin * relative_error
        return relative_error * (self.threshold + self.margin) / room if room > 0 else math.inf


def _percent(value: float, *, sign: str = "+") -> str:
    return f"{100 * value:{sign}.3g} %" if math.isfinite(value) else f"{value:{sign}}"
