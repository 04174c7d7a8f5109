"""The gains that are worth starting from, each with what it achieves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from derive.activations import Activation
from numerics.criticality.critical import SCALE_INVARIANT, critical
from numerics.maps.functions import Functions, functions
from numerics.maps.kernels import NumericalMaps
from numerics.maps.line import moments
from numerics.maps.values import named
from numerics.plain import finite

DEPTH = 50


@dataclass(frozen=True)
class Gain:
    """A weight variance times the fan-in, with its meaning.

    ``gain`` is the factor of the standard deviation: std = gain/√fan_in; ``sigma_w2`` = gain² is fan_in · Var[W].
    ``sigma_b2`` is the bias variance that belongs to it. ``length_after`` is the variance of pre-activations `DEPTH`
    wide layers after one of variance 1, ``gradient_after`` the factor of the gradient's variance over them.
    """

    name: str
    meaning: str
    sigma_w2: float
    sigma_b2: float = 0.0
    length_after: float = math.nan
    gradient_after: float = math.nan

    @property
    def outcome(self) -> str:
        """What becomes of pre-activations of variance 1 and of a gradient's variance in `DEPTH` wide layers."""
        return (
            f"{DEPTH} layers on from q = 1: q = {self.length_after:.4g}, and the variance of gradients times "
            f"{self.gradient_after:.4g}"
        )

    @property
    def gain(self) -> float:
        """√(fan_in · Var[W])."""
        return math.sqrt(self.sigma_w2)

    @property
    def pytorch(self) -> str:
        """One line for a ``torch.nn.Linear`` called ``layer``."""
        line = f"torch.nn.init.normal_(layer.weight, std={self.gain!r} / layer.in_features**0.5)"
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
        """The options of ``varprop curve`` and others: their gain is n Var[W], the square of this one."""
        bias = f" --bias-variance {self.sigma_b2!r}" if self.sigma_b2 else ""
        return f"--gain {self.sigma_w2!r}{bias}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "meaning": self.meaning,
            "gain": self.gain,
            "sigma_w2": self.sigma_w2,
            "sigma_b2": self.sigma_b2,
            "pytorch": self.pytorch,
            "jax": self.jax,
            "options": self.options,
            "layers": DEPTH,
            "length_after": finite(self.length_after),
            "gradient_after": finite(self.gradient_after),
        }


_NO_BIAS = "torch.nn.init.zeros_(layer.bias)"


def recommended_gains(activation: str | Activation) -> tuple[Gain, ...]:
    """Return the gains for an activation, each with what comes of it; those that it does not have are left out.

    ``second-moment``: 1/E[f²] at q = 1, which keeps pre-activations of variance 1 at variance 1.
    ``gradient``: 1/E[f'²] at q = 1, which keeps gradients' variance where pre-activations have variance 1.
    ``homogeneous``: 2/(1 + a²) where f(c s) = c f(s): keeps every length and every gradient (He et al. 2015).
    ``critical``: the critical point (χ_⊥ = χ_∥ = 1), with the bias variance it needs; or, where there is none, the
    edge of chaos (χ_⊥ = 1) at bias variance 0.04 if there is one.

    >>> [(gain.name, gain.sigma_w2) for gain in recommended_gains("relu")]
    [('homogeneous', 2.0)]
    """
    made = named(activation)
    return tuple(_followed(functions(made), gain) for gain in _gains(made))


def _followed(f: Functions, gain: Gain) -> Gain:
    """Return a gain with what comes of it: one layer of the length map and of the gradient after the other."""
    q = factor = 1.0
    for _ in range(DEPTH):
        if not 0 < q < _BEYOND:
            break
        at = moments(f, q).value
        q, factor = gain.sigma_w2 * at["second"] + gain.sigma_b2, factor * gain.sigma_w2 * at["slope_second"]
    return replace(
        gain, length_after=q if q < _BEYOND else math.inf, gradient_after=factor if q < _BEYOND else math.inf
    )


def _gains(made: Activation) -> tuple[Gain, ...]:
    point = critical(made)
    if point.kind == SCALE_INVARIANT and point.sigma_w2 is not None:
        meaning = "keeps every length and every gradient: He-like, f(c s) = c f(s) for c > 0; critical, too"
        return (Gain("homogeneous", meaning, point.sigma_w2),)
    maps = NumericalMaps(made)
    gains = []
    second, slope = float(maps.second_moment(1.0).value), float(maps.slope_second_moment(1.0).value)
    if 0 < second < math.inf:
        stable = float(maps.second_moment_slope(1.0).value) / second
        after = "attracts" if abs(stable) < 1 else "repels"
        meaning = (
            f"keeps pre-activations at variance 1: 1/E[f(z)²], z ~ N(0, 1); q = 1 {after} (chi_par = {stable:.4g})"
        )
        gains.append(Gain("second-moment", meaning, 1 / second))
    if 0 < slope < math.inf:
        meaning = "keeps the variance of gradients where pre-activations have variance 1: 1/E[f'(z)²], z ~ N(0, 1)"
        gains.append(Gain("gradient", meaning, 1 / slope))
    if point.sigma_w2 is not None and point.sigma_b2 is not None:
        where = "q = 0" if not point.q_star else f"q = {point.q_star:.6g}"
        meaning = f"critical, chi_perp = chi_par = 1 at {where} (class {point.kind}, {point.stability})"
        gains.append(Gain("critical", meaning, point.sigma_w2, point.sigma_b2))
        return tuple(gains)
    edge = critical(made, bias_variance=_EXAMPLE_BIAS)
    if edge.sigma_w2 is not None:
        critical_too = "and chi_par = 1, as everywhere on the edge" if edge.chi_par == 1 else _NO_POINT
        meaning = (
            f"edge of chaos, chi_perp = 1, at bias variance {_EXAMPLE_BIAS:g}: fixed point q = {edge.q_star:.6g}, "
            f"{edge.stability}; {critical_too}"
        )
        gains.append(Gain("edge-of-chaos", meaning, edge.sigma_w2, _EXAMPLE_BIAS))
    return tuple(gains)


_EXAMPLE_BIAS = 0.04
_BEYOND = 1e12
_NO_POINT = "the activation has no point with chi_par = 1 as well"
