"""One predicted number against one estimate: the score, what would have been caught, and the verdict.

The score of a row is ``z = (estimate / expected - 1) / (standard_error / estimate)``: the standard error is
taken in proportion to the value. The average square of a deep layer is a product of random factors, with a
long right tail: a run that misses the tail has a low estimate *and* a low standard error, and the usual
score ``(estimate - expected) / standard_error`` then raises false alarms. The usual score remains for what may be
zero or negative, and for ``rho``, which is bounded.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from numerics.plain import finite

# Beyond this relative standard error the estimated error itself cannot be trusted (see `verify`).
_TRUSTED = 0.2
# Below this, averages of squares have left float64's normal range.
_TINY = 1e-300

_SYMBOLS = {
    "var_z": "Var[z^{}]",
    "var_s": "Var[s^{}]",
    "var_grad_s": "Var[∂Cost/∂s^{}]",
    "var_grad_w": "Var[∂Cost/∂w^{}]",
    "m2": "m²[s^{}]",
    "v2": "v²[s^{}]",
    "rho": "ρ[s^{}]",
}


@dataclass(frozen=True)
class Row:
    """One variance of one layer, predicted and estimated.

    ``z`` is the relative error over the relative standard error. ``relative_difference`` is
    ``estimate / predicted - 1``. ``detectable`` is the smallest relative error of the prediction that a run
    like this one catches with 99 % probability (not a number for a prediction of zero). ``exact`` tells whether the
    prediction claims to be exact, or an approximation. ``width_bias`` is the relative bias of this width from the wide
    limit that was allowed for: ``z`` compares the estimate with ``predicted (1 + width_bias)``. ``verdict`` is
    ``"agrees"``, ``"differs"`` or ``"inconclusive"``.
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
    width_bias: float = 0.0

    @property
    def name(self) -> str:
        """The quantity in the papers' notation, such as ``Var[z^2]``."""
        return _SYMBOLS.get(self.quantity, self.quantity + "^{}").format(self.layer)

    def to_dict(self) -> dict[str, object]:
        """Return the row as plain data; a number that is not finite becomes None, as JSON has none."""
        return {key: finite(value) if isinstance(value, float) else value for key, value in asdict(self).items()}


def constant(estimate: float, error: float) -> bool:
    """Return whether an estimate has no spread beyond rounding."""
    return error <= 1e-14 * abs(estimate)


@dataclass(frozen=True)
class Limits:
    """The largest |z| that agrees, the quantile that adds the power, and the tolerance without spread."""

    threshold: float
    margin: float
    rounding: float

    def row(
        self,
        layer: int,
        quantity: str,
        *,
        predicted: float,
        estimate: float,
        error: float,
        exact: bool,
        width_bias: tuple[float, float] = (0.0, 0.0),
    ) -> Row:
        """Score an estimate; ``width_bias`` is a relative bias to allow for, and its standard error."""
        bias, bias_error = width_bias
        expected = predicted * (1 + bias)
        z, detectable, verdict = self._score(quantity, expected, estimate, error, abs(predicted) * bias_error)
        difference = estimate - predicted
        off_by = difference / predicted if predicted else math.copysign(math.inf, difference) if estimate else 0.0
        return Row(layer, quantity, predicted, estimate, error, z, off_by, detectable, exact, verdict, bias)

    def _score(
        self, quantity: str, expected: float, estimate: float, error: float, expected_error: float
    ) -> tuple[float, float, str]:
        difference = estimate - expected
        if not (math.isfinite(estimate) and math.isfinite(error)):
            return math.nan, math.nan, "inconclusive"
        if not math.isfinite(expected):
            return math.nan, math.nan, "differs"
        if 0 < max(abs(expected), abs(estimate)) < _TINY:
            return math.nan, math.nan, "inconclusive"
        if constant(estimate, error) and expected_error == 0:
            same = abs(difference) <= self.rounding * abs(expected)
            z = 0.0 if same else math.copysign(math.inf, difference)
            return z, self.rounding, "agrees" if same else "differs"
        in_proportion = estimate > 0 and expected > 0 and quantity != "rho"
        scaled = math.hypot(error * expected / estimate if in_proportion else error, expected_error)
        z = difference / scaled if scaled > 0 else math.copysign(math.inf, difference)
        relative_error = scaled / expected if expected > 0 else math.inf
        trusted = relative_error <= _TRUSTED or expected <= 0
        verdict = "agrees" if abs(z) <= self.threshold else "differs" if trusted else "inconclusive"
        return z, self._detectable(relative_error) if expected > 0 else math.nan, verdict

    def _detectable(self, relative_error: float) -> float:
        # If the truth is (1 + δ) times the prediction, so is the standard error: solve δ = r (c + m (1 + δ)).
        room = 1 - self.margin * relative_error
        return relative_error * (self.threshold + self.margin) / room if room > 0 else math.inf
