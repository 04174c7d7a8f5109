"""How deep signals reach, and a first step: networks enumerated, maps in closed form, moments of polynomials."""

from __future__ import annotations

from collections.abc import Mapping

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Network
from derive.theorems.oracles.cases import identity, known, signs, skewed
from derive.theorems.oracles.glorot_cases import SOURCE, G, X


def _linear(i: int, first: Law, second: Law, widths: tuple[int, ...] = (1, 2, 1, 3)) -> Known:
    return known(Network(widths, (signs(2), first, second), identity, X, G), i=i)


def _when(second: Law, holds: bool) -> Case:
    return Case(f"variances 2 and {'2' if holds else '9'}", lambda: _linear(1, skewed(1), second), equals=holds)


ORACLES: Mapping[str, Oracle] = {
    "first-step": Oracle(
        SOURCE,
        # n_1 n_2 Var[x] Var[g] (n_0 Var[W^0]) (n_3 Var[W^2]), and the first layer's.
        (
            Case("a layer in the middle", lambda: _linear(1, skewed(1), signs(3)), equals=2 * 2 * 2 * 4 * (3 * 9)),
            Case("the first layer", lambda: _linear(0, skewed(1), signs(3)), equals=2 * 2 * 2 * (1 * 2) * (3 * 9)),
        ),
    ),
    "first-step-ratio": Oracle(SOURCE, (Case("variances 2 and 9", lambda: _linear(1, skewed(1), signs(3))),)),
    "first-step-equal": Oracle(SOURCE, (_when(signs(3), False), _when(signs(2**0.5), True))),
    "first-step-relative": Oracle(SOURCE, (Case("variances 2 and 9", lambda: _linear(1, skewed(1), signs(3))),)),
}
