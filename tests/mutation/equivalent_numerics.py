"""Mutants of `numerics` that are no errors, each with the reason."""

from __future__ import annotations

_SAME = "layers that rest are the same up to rounding"
_COST = "more nodes or memory than needed, and the same numbers"
_ALLOWANCE = "how much rounding is allowed for has no right value"

EQUIVALENT: dict[str, str] = {
    "numerics.curves.recursion:_through: index: layer - 1 -> layer - 2 #3": _SAME,
    "numerics.kernels.panels:_excess: min or max: np.maximum(floor, least) -> np.minimum(floor, least)": _COST,
    "numerics.simulation.forward:ForwardPass.__init__: dropped term: 3 * self.block * widest -> widest": _COST,
    "numerics.verification:verify: dropped term: layers + 10 -> 10": _ALLOWANCE,
}
"""By the mutant's name, as the driver prints it."""
