"""The gains that are worth starting from, each with what it achieves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from derive.activations import Activation
from derive.results import Result, plain
from numerics.criticality.critical import critical
from numerics.criticality.fixed_points import LengthMap
from numerics.criticality.moments import Moments, Number, moments_of
from numerics.criticality.point import SCALE_INVARIANT
from numerics.criticality.stability import HALF_STABLE, STABLE, UNDECIDED, UNSTABLE, by_sides, by_slope
from numerics.criticality.theorems import correlation_slope, edge_weight, fixing_weight, length
from numerics.maps.values import named

DEPTH = 50


@dataclass(frozen=True, repr=False)
class Gain(Result):
    """A weight variance times the fan-in, with its meaning.

    ``gain`` = ``sigma_w2`` is n Var[W], n the fan-in, as everywhere in varprop. Its root ``torch_gain`` is the factor
    of the standard deviation, std = torch_gain/√n, as ``torch.nn.init`` means a gain.
    ``sigma_b2`` is the bias variance that belongs to it. ``length_after`` is the variance of pre-activations `DEPTH`
    wide layers after one of variance 1, ``gradient_after`` the factor of the gradient's variance over them.
    ``unit_length_after`` and ``unit_gradient_after`` are the same from ``unit_start``, where inputs of variance 1
    start.
    """

    name: str
    meaning: str
    sigma_w2: float
    sigma_b2: float = 0.0
    length_after: float = math.nan
    gradient_after: float = math.nan
    unit_length_after: float = math.nan
    unit_gradient_after: float = math.nan

    @property
    def unit_start(self) -> float:
        """The variance of the first pre-activations where inputs have variance 1: n Var[W] + Var[b]."""
        return self.sigma_w2 + self.sigma_b2

    @property
    def input_variance(self) -> float | None:
        """The variance of inputs whose first pre-activations have variance 1; None where biases alone have as much."""
        left = (1 - self.sigma_b2) / self.sigma_w2
        return left if left > 0 else None

    @property
    def outcome(self) -> str:
        """What becomes of pre-activations of variance 1 and of a gradient's variance in `DEPTH` wide layers."""
        return f"{DEPTH} layers on from q = 1{self._inputs}: {_outcome(self.length_after, self.gradient_after)}"

    @property
    def unit_outcome(self) -> str:
        """The same for inputs of variance 1; nothing where these are the ones with pre-activations of variance 1."""
        if self.input_variance == 1:
            return ""
        after = _outcome(self.unit_length_after, self.unit_gradient_after)
        return f"from q = {self.unit_start:.4g} (inputs of variance 1): {after}"

    @property
    def _inputs(self) -> str:
        if self.input_variance is None:
            return ", which is less than what the biases add"
        return f" (inputs of variance {self.input_variance:.4g})"

    @property
    def gain(self) -> float:
        """N Var[W]: the option ``--gain``, and ``gain`` of a `numerics.network.Network`."""
        return self.sigma_w2

    @property
    def torch_gain(self) -> float:
        """√(n Var[W]): the gain of ``torch.nn.init``."""
        return math.sqrt(self.sigma_w2)

    @property
    def change(self) -> float:
        """The larger of the two changes over `DEPTH` layers, of lengths and of gradients, as |log factor|."""
        return _change(self.length_after, self.gradient_after)

    @property
    def unit_change(self) -> float:
        """The same for inputs of variance 1."""
        return _change(self.unit_length_after / self.unit_start, self.unit_gradient_after)

    @property
    def pytorch(self) -> str:
        """One line for a ``torch.nn.Linear`` called ``layer``."""
        line = f"torch.nn.init.normal_(layer.weight, std={self.torch_gain!r} / layer.in_features**0.5)"
        bias = math.sqrt(self.sigma_b2)
        return line + ("; " + (f"torch.nn.init.normal_(layer.bias, std={bias!r})" if bias else _NO_BIAS))

    @property
    def jax(self) -> str:
        """One line that makes JAX initializers: of the kernel (fan-in first) and, where it needs one, of the bias."""
        line = f'kernel_init = jax.nn.initializers.variance_scaling({self.sigma_w2!r}, "fan_in", "normal")'
        bias = math.sqrt(self.sigma_b2)
        made = f"normal({bias!r})" if bias else "zeros"
        return f"{line}; bias_init = jax.nn.initializers.{made}"

    @property
    def options(self) -> str:
        """The options of ``varprop curve`` and others, with the inputs whose first pre-activations have variance 1."""
        given = [f"--gain {self.sigma_w2!r}"]
        given += [f"--bias-variance {self.sigma_b2!r}"] if self.sigma_b2 else []
        given += [f"--input-variance {self.input_variance!r}"] if self.input_variance not in (1, None) else []
        return " ".join(given)

    @property
    def headline(self) -> str:
        """The gain and what it is for."""
        return f"{self.name}, gain {self.gain:.6g}: {self.meaning}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the gain, how to set it, and what comes of it in ``layers`` layers."""
        row = {name: getattr(self, name) for name in _SETTING}
        return [row | {"layers": DEPTH} | {name: getattr(self, name) for name in _RESULT}]

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        (row,) = plain(self.rows())
        return dict(row)


class Gains(Result, tuple[Gain, ...]):
    """The gains that are recommended for an activation, as a tuple; ``notes`` says why one is missing."""

    activation: Activation
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The activation, and the gains by name."""
        return f"{self.activation}: " + (", ".join(f"{gain.name} {gain.gain:.6g}" for gain in self) or "none")

    @property
    def best(self) -> Gain | None:
        """The gain with which `DEPTH` layers change lengths and gradients least: the smallest `Gain.change`.

        >>> recommended_gains("relu").best.gain
        2.0
        """
        return min((g for g in self if g.change < math.inf), key=lambda g: g.change, default=None)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each gain."""
        return [row for gain in self for row in gain.rows()]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: the gains, and the notes."""
        return {
            "activation": str(self.activation),
            "recommended": None if self.best is None else self.best.name,
            "gains": [gain.to_dict() for gain in self],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        from derive.render.table import to_html

        # What is to be pasted is long, and one gain is enough to show it for.
        rows = [{k: v for k, v in row.items() if k not in _LONG} for row in self.rows()]
        table = to_html(rows, self.headline)
        return table if self.best is None else table + to_html(self.best.rows(), f"Recommended: {self.best.headline}")


def _change(*factors: float) -> float:
    return max(abs(math.log(f)) if 0 < f < math.inf else math.inf for f in factors)


def _outcome(length: float, gradient: float) -> str:
    lengths, gradients = ("infinite" if x == math.inf else f"{x:.4g}" for x in (length, gradient))
    return f"q = {lengths}, and the variance of gradients times {gradients}"


_SIZES = ("gain", "torch_gain", "sigma_w2", "sigma_b2", "input_variance")
_SETTING = ("name", "meaning", *_SIZES, "pytorch", "jax", "options")
_RESULT = ("length_after", "gradient_after", "unit_start", "unit_length_after", "unit_gradient_after")
_LONG = ("sigma_w2", "pytorch", "jax", "options")
_NO_BIAS = "torch.nn.init.zeros_(layer.bias)"


def recommended_gains(activation: str | Activation) -> Gains:
    """Return the gains for an activation, each with what comes of it; those that it does not have are left out.

    ``second-moment``: 1/E[f²] at q = 1, which keeps pre-activations of variance 1 at variance 1.
    ``gradient``: 1/E[f'²] at q = 1, which keeps gradients' variance where pre-activations have variance 1.
    ``homogeneous``: 2/(1 + a²) where f(c s) = c f(s): keeps every length and every gradient (He et al. 2015).
    ``critical``: the critical point (χ_⊥ = χ_∥ = 1), with the bias variance it needs; or, where there is none, the
    edge of chaos (χ_⊥ = 1) at bias variance 0.04 if there is one.

    >>> [(gain.name, gain.sigma_w2) for gain in recommended_gains("relu")]
    [('homogeneous', 2.0)]
    """
    moments = moments_of(named(activation))
    found = Gains(_followed(moments, gain) for gain in _gains(moments))
    found.activation = moments.activation
    # E[f'²] is infinite, or not known: then there is no gain for gradients.
    found.notes = tuple(note for note in (moments.infinite, moments.doubt) if note)
    return found


def _followed(moments: Moments, gain: Gain) -> Gain:
    """Return a gain with what comes of it, from pre-activations of variance 1 and from inputs of variance 1."""
    length, gradient = _after(moments, gain, 1.0)
    gain = replace(gain, length_after=length, gradient_after=gradient)
    length, gradient = _after(moments, gain, gain.unit_start)
    return replace(gain, unit_length_after=length, unit_gradient_after=gradient)


def _after(moments: Moments, gain: Gain, q: float) -> tuple[float, float]:
    """Return the length and the factor of gradients: one layer of the length map and of them after the other."""
    factor = 1.0
    for _ in range(DEPTH):
        if not 0 < q < _BEYOND:
            break
        second, slope = (moments.value(name, q) for name in ("second", "slope_second"))
        q, factor = (
            float(length()(second, gain.sigma_w2, gain.sigma_b2)),
            factor * float(correlation_slope()(slope, gain.sigma_w2)),
        )
    return (q, factor) if q < _BEYOND else (math.inf, math.inf)


def _gains(moments: Moments) -> tuple[Gain, ...]:
    point = critical(moments.activation)
    if point.kind == SCALE_INVARIANT and point.sigma_w2 is not None:
        meaning = "keeps every length and every gradient: He-like, f(c s) = c f(s) for c > 0; critical, too"
        return (Gain("homogeneous", meaning, point.sigma_w2),)
    gains = []
    second, slope = (moments.exact(name, 1.0) for name in ("second", "slope_second"))
    if _is_known(second):
        gains.append(_keeps_length(moments, float(fixing_weight()(1.0, second.value, 0.0))))
    if _is_known(slope):
        meaning = "keeps the variance of gradients where pre-activations have variance 1: 1/E[f'(z)²], z ~ N(0, 1)"
        gains.append(Gain("gradient", meaning, float(edge_weight()(slope.value))))
    if point.sigma_w2 is not None and point.sigma_b2 is not None:
        where = "q = 0" if not point.q_star else f"q = {point.q_star:.6g}"
        meaning = f"critical, chi_perp = chi_par = 1 at {where}, which {_behaviour(point.stability, point.evidence)}"
        gains.append(Gain("critical", meaning, point.sigma_w2, point.sigma_b2))
        return tuple(gains)
    edge = critical(moments.activation, bias_variance=_EXAMPLE_BIAS)
    if edge.sigma_w2 is not None:
        critical_too = "and chi_par = 1, as everywhere on the edge" if edge.chi_par == 1 else _NO_POINT
        meaning = (
            f"edge of chaos, chi_perp = 1, at bias variance {_EXAMPLE_BIAS:g}: fixed point q = {edge.q_star:.6g}, "
            f"which {_behaviour(edge.stability, edge.evidence)}; {critical_too}"
        )
        gains.append(Gain("edge-of-chaos", meaning, edge.sigma_w2, _EXAMPLE_BIAS))
    return tuple(gains)


def _is_known(moment: Number) -> bool:
    return 0 < moment.value < math.inf and moment.error <= _KNOWN * moment.value


def _keeps_length(moments: Moments, weight_variance: float) -> Gain:
    """The gain that keeps q = 1, and whether lengths near 1 come to it: by its slope or, where that is 1, by sides."""
    map_ = LengthMap(moments, weight_variance, 0.0)
    chi = map_.chi_par(1.0)
    judged = by_slope(chi)
    why = f"chi_par = {chi.value:.4g}" if judged else ""
    if judged is None:
        judged = by_sides(map_.step, 1.0, chi)
        why = judged.evidence
    meaning = f"keeps pre-activations at variance 1: 1/E[f(z)²], z ~ N(0, 1); q = 1 {_AFTER[judged.stability]} ({why})"
    return Gain("second-moment", meaning, weight_variance)


def _behaviour(stability: str | None, evidence: str) -> str:
    """What a fixed point does with the lengths beside it; a half-stable one from which side."""
    sides = f": {evidence.partition(':')[0]}" if stability == HALF_STABLE else ""
    return _AFTER.get(stability or "", "is undecided") + sides


_AFTER = {STABLE: "attracts", UNSTABLE: "repels", HALF_STABLE: "is half-stable", UNDECIDED: "is undecided"}
_EXAMPLE_BIAS = 0.04
_BEYOND = 1e12
_KNOWN = 1e-6  # the largest relative error of a moment from which a gain is made
_NO_POINT = "the activation has no point with chi_par = 1 as well"
