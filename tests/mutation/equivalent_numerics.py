"""Mutants of `numerics` that are no errors, each with the reason."""

from __future__ import annotations

_SAME = "layers that rest are the same up to rounding"
_COST = "more nodes or memory than needed, and the same numbers"
_CHOICE = (
    "a choice that has no right value: a default range, a density of points, a place in a figure, when to use a word"
)
_BOUND = "a bound that is a little larger is still one"
_ALLOWANCE = "how much rounding is allowed for has no right value"

EQUIVALENT: dict[str, str] = {
    "numerics.kernels.panels:_excess: min or max: np.maximum(floor, least) -> np.minimum(floor, least)": _COST,
    "numerics.simulation.forward:ForwardPass.__init__: dropped term: 3 * self.block * widest -> widest": _COST,
    "numerics.phase:_usual: 5 % in a number: middle / 4 -> middle / 4 * 1.05": _CHOICE,
    "numerics.figures.diagram:_row: 5 % in a number: _STEP / 2 -> _STEP / 2 * 1.05": _CHOICE,
    "numerics.figures.decay:sample_variance: 5 % in a number: 1.45 * total -> 1.45 * total * 1.05": _CHOICE,
    "numerics.criticality.moments:Moments.grid: 5 % in a number: math.log(10) -> math.log(10) * 1.05": _CHOICE,
    "numerics.cli.trends:trend: 5 % in a number: _ONE_WAY * math.log(spread + 1) -> "
    "_ONE_WAY * math.log(spread + 1) * 1.05": _CHOICE,
    "numerics.criticality.chebyshev:Curve.through: 5 % in a number: _TOLERANCE * unit -> _TOLERANCE * unit * 1.05": (
        _ALLOWANCE
    ),
    "numerics.maps.hermite:_Damped._about_zero: 5 % in a number: high * math.sqrt(self.order) -> "
    "high * math.sqrt(self.order) * 1.05": _BOUND,
    "numerics.maps.hermite:_Damped._about_zero: 5 % in a number: math.sqrt(self.order) -> "
    "math.sqrt(self.order) * 1.05": _BOUND,
    "numerics.phase_correlations:_Block.solved: 5 % in a number: 1.0 -> 1.05": _BOUND,
    "numerics.figures.histograms:_over_samples: guard: tuple(layers) or experiment.layers -> experiment.layers": _COST,
    "numerics.maps.interpolant:Interpolants._is_direct: guard: bool(f.breakpoints) or closed_form(f, 'covariance') "
    "is not None -> bool(f.breakpoints)": _COST,
    "numerics.maps.numerical:NumericalMaps._from_separation: min or max: np.maximum(GOOD * "
    "np.abs(points.value[places]), 1e-15 * np.abs(whole.value)) -> "
    "np.minimum(GOOD * np.abs(points.value[places]), 1e-15 * np.abs(whole.value))": _COST,
    "numerics.maps.pairs:_separation_series: sign: 1 - 4 * EPS -> 1 + 4 * EPS": _ALLOWANCE,
    "numerics.maps.pairs:_separation_series: power: s.errors ** 2 -> s.errors ** 3": _ALLOWANCE,
    "numerics.true_values:TrueValues._panel: constant: np.abs(chebyshev.chebval(v, chebyshev.chebder(made))).min() * 2 "
    "-> np.abs(chebyshev.chebval(v, chebyshev.chebder(made))).min() * 3": _ALLOWANCE,
    "numerics.verification:verify: dropped term: layers + 10 -> 10": _ALLOWANCE,
}
"""By the mutant's name, as the driver prints it."""
