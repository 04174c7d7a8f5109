"""One predicted number against one estimate: the score, what would have been caught, and the verdict.

The score of an average of squares is ``z = (estimate / expected - 1) / r``, with the relative standard error r of the
estimate: in proportion to the value, and at least what the roots of the networks' averages imply
(`numerics.simulation.tails`). The average square of a deep layer is a product of random factors, with a long right
tail: a run that misses the tail has a low estimate *and* a low standard error, and the usual score
``(estimate - expected) / standard_error`` then raises false alarms. The usual score remains for ``m2``, which may be
zero and its estimate negative, and for ``rho``, which is bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# What rounding may leave of numbers that are all alike, relative to them.
_ROUNDING = 1e-14
# Beyond this relative standard error the estimated error itself cannot be trusted (see `verify`).
_TRUSTED = 0.2
# Beyond this skewness the law of a mean is too far from normal for any quantile of a normal law to mean something.
SKEWED = 1.0
# An error as large as the value could pass: such a row says nothing.
_USELESS = 1.0
# Below this, averages of squares have left float64's normal range.
TINY = 1e-300

_SYMBOLS = {
    "var_z": "Var[z^{}]",
    "var_s": "Var[s^{}]",
    "var_grad_s": "Var[∂Cost/∂s^{}]",
    "var_grad_w": "Var[∂Cost/∂w^{}]",
    "m2": "m²[s^{}]",
    "v2": "v²[s^{}]",
    "rho": "ρ[s^{}]",
    "sd_q": "sd |s^{}|²/n",
    "sd_v2": "sd v²[s^{}]",
}


@dataclass(frozen=True)
class Row:
    """One variance of one layer, predicted and estimated.

    ``standard_error`` is the run's own, or the one that its tail implies where that is larger; ``z`` is the relative
    error over the relative standard error. ``relative_difference`` is ``estimate / predicted - 1``. ``detectable`` is
    the smallest relative error of the prediction that a run like this one catches with 99 % probability (not a number
    for a prediction of zero). ``exact`` tells whether the prediction claims to be exact, or an approximation.
    ``stated_error`` is the relative error that the prediction states of itself: ``z`` is of the difference beyond it,
    and ``detectable`` grows by it. ``width_bias`` is the relative bias of this width from the wide limit that was
    allowed for: ``z`` compares the estimate with ``predicted (1 + width_bias)``. ``verdict`` is
    ``"agrees"``, ``"differs"`` or ``"inconclusive"``: the run could not have caught an error of 100 % (of the layer's
    variance, where the prediction is zero). ``skewness`` is that of the estimate over repetitions of the run: beyond
    `SKEWED` a few networks, which the run may not have met, hold much of the mean, and no verdict but this one is safe.
    ``block`` is what the layer is called in a network of blocks.
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
    skewness: float = 0.0
    block: str = ""
    stated_error: float = 0.0

    @property
    def name(self) -> str:
        """The quantity in the papers' notation, such as ``Var[z^2]``, or behind which block, such as ``q relu``."""
        if self.block:
            return f"{self.quantity} {self.block}"
        return _SYMBOLS.get(self.quantity, self.quantity + "^{}").format(self.layer)


def constant(estimate: float, error: float, scale: float = 0.0) -> bool:
    """Return whether an estimate has no spread beyond the rounding of it, or of a scale that it is a part of."""
    return error <= _ROUNDING * max(abs(estimate), scale)


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error, and what is known of it besides.

    ``tail_error`` and ``skewness`` are the relative standard error and the skewness that the roots imply; ``scale`` is
    the variance of the layer of which this is a part, 0 where it is no part; ``in_proportion`` tells that it is an
    average of squares, never negative, whose error is in proportion to its size.
    """

    value: float
    error: float
    tail_error: float = 0.0
    skewness: float = 0.0
    scale: float = 0.0
    in_proportion: bool = True

    def standard_error(self, expected: float) -> float:
        """Return the larger of the run's own error and the one that the tail implies."""
        # A part, which may be small by chance, is spread over networks as the whole is.
        size = abs(self.value) if self.in_proportion else max(abs(self.value), expected)
        return max(self.error, self.tail_error * size)

    def relative_error(self, expected: float) -> tuple[float, float]:
        """Return a unit, the expected value where that is positive, and the standard error in terms of it."""
        error = self.standard_error(expected)
        if self.in_proportion and self.value > 0 and expected > 0:
            return expected, error / self.value
        unit = expected if expected > 0 else self.scale or abs(self.value)
        return unit, error / unit


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
        estimate: Estimate,
        exact: bool,
        width_bias: tuple[float, float] = (0.0, 0.0),
        stated_error: float = 0.0,
        batch_error: float = 0.0,
    ) -> Row:
        """Score an estimate; ``width_bias`` is a relative bias to allow for, and its standard error.

        ``stated_error`` is what the prediction may be off by, in proportion: a bound, within which nothing differs.
        ``batch_error`` is one in proportion to the variance of the layer, of which the prediction is a part.
        """
        bias, bias_error = width_bias
        expected = predicted * (1 + bias)
        allowed = stated_error * abs(expected) + batch_error * max(abs(expected), estimate.scale)
        stated_error += batch_error
        z, detectable, verdict = self._score(expected, estimate, bias_error / (1 + bias), stated_error, allowed)
        return Row(
            layer,
            quantity,
            predicted,
            estimate.value,
            estimate.standard_error(predicted),
            z,
            _off_by(predicted, estimate.value),
            detectable if predicted > 0 or detectable <= self.rounding else math.nan,
            exact,
            verdict,
            bias,
            estimate.skewness,
            stated_error=stated_error,
        )

    def _score(
        self, expected: float, estimate: Estimate, expected_error: float, stated_error: float, allowed: float
    ) -> tuple[float, float, str]:
        """Return z, the smallest relative error that is caught, and the verdict."""
        value, difference = estimate.value, estimate.value - expected
        if not (math.isfinite(value) and math.isfinite(estimate.error)):
            return math.nan, math.nan, "inconclusive"
        if not math.isfinite(expected):
            return math.nan, math.nan, "differs"
        if 0 < max(abs(expected), abs(value)) < TINY or not stated_error < _USELESS:
            return math.nan, math.nan, "inconclusive"
        difference = math.copysign(max(0.0, abs(difference) - allowed), difference)
        if constant(value, estimate.error, estimate.scale) and not (expected and expected_error):
            same = abs(difference) <= self.rounding * max(abs(expected), estimate.scale)
            z = 0.0 if same else math.copysign(math.inf, difference)
            return z, self.rounding + stated_error, "agrees" if same else "differs"
        unit, relative_error = estimate.relative_error(expected)
        relative_error = math.hypot(relative_error, expected_error)
        z = difference / unit / relative_error
        trusted = relative_error <= _TRUSTED and estimate.skewness <= SKEWED
        detectable = stated_error + self._detectable(relative_error, grows=expected > 0) if trusted else math.inf
        if abs(z) > self.threshold:
            return z, detectable, "differs" if trusted else "inconclusive"
        return z, detectable, "agrees" if detectable <= _USELESS else "inconclusive"

    def _detectable(self, relative_error: float, *, grows: bool) -> float:
        # If the truth is (1 + δ) times the prediction, so is the standard error: solve δ = r (c + m (1 + δ)).
        room = 1 - self.margin * relative_error if grows else 1.0
        return relative_error * (self.threshold + self.margin) / room if room > 0 else math.inf


def _off_by(predicted: float, estimate: float) -> float:
    if not predicted:
        return math.copysign(math.inf, estimate) if estimate else 0.0
    return (estimate - predicted) / predicted
