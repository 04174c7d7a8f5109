"""Mutants that are no errors, each with the reason: what they change says the same, or something weaker and true."""

from __future__ import annotations

_SYMMETRIC = "derive.theorems.network_variance:SYMMETRIC: premise: "
_RISES = "derive.rules.asymptotics:Positive.rewrite: guard: "
_PIECE = "limit(piece, t, 0) != 0 or not factor(together(diff(piece, t))).is_positive -> "
_IS_TRUE = (
    "what it tests is true of the two functions that it is always about, and a condition that holds refuses nothing"
)
_MEAN = "derive.rules.means:_mean: obligation: "
_SAID_TWICE = (
    "the one step of a theorem that it changes cites for its other term that the input is independent of weights and "
    "biases; where nothing else says so the check refutes it, as test_worlds_that_bite.py shows"
)
_HAS_MEAN = "a law symmetric about zero has mean zero"

EQUIVALENT: dict[str, str] = {
    f"{_RISES}{_PIECE}limit(piece, t, 0) != 0": _IS_TRUE,
    f"{_RISES}{_PIECE}not factor(together(diff(piece, t))).is_positive": _IS_TRUE,
    _SYMMETRIC
    + "(Property(Kind.SYMMETRIC, Y), Property(Kind.ZERO_MEAN, Y)) -> (Property(Kind.SYMMETRIC, Y),)": _HAS_MEAN,
    _SYMMETRIC + "Property(Kind.ZERO_MEAN, Y) -> Property(Kind.SYMMETRIC, Y)": _HAS_MEAN,
    f"{_MEAN}setting.apart(quantity / c, c, over) -> frozenset()": _SAID_TWICE,
    f"{_MEAN}uses | setting.apart(quantity / c, c, over) -> uses": _SAID_TWICE,
    "derive.theorems.selu:SELU: guard: Z > 0 -> Z >= 0": "SELU is continuous: both branches are 0 at z = 0",
    "derive.maps.map_rules:_shorter: constant: 1 -> 2": "which way to write an expression is taken, no more",
    "derive.gaussian.rules:Characteristic.act: guard: found is None or not found[1].phase -> not found[1].phase": (
        "the rule comes after linearity in the chain: there is one term"
    ),
}
"""By the mutant's name, as the driver prints it."""
