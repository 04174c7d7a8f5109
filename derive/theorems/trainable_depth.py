"""How many layers a difference between two samples and a gradient survive, by the distance from the edge of chaos."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Gt, Symbol, exp, log

from derive.hypotheses import Hypothesis
from derive.layers import i
from derive.network import GAIN, n
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma
from derive.rules.asymptotics import LocalExpansion
from derive.rules.given import PutIn, Rename
from derive.rules.mean_field import TakeLogarithms
from derive.setting import Setting
from derive.theorems.edge_of_chaos import CHI, GAP, LAYER, NOTATION, correlation_map_slope, depth_scale
from derive.theorems.sample_variance import GAIN_DEFINED
from derive.theorems.wide_networks import one_layer_back
from derive.words import Words

DISTANCE = Symbol("delta", positive=True)
ORDERED = Hypothesis("ordered", Words("The network is in its ordered phase: {}.", Gt(1 - CHI, 0, evaluate=False)), ())
EQUAL_WIDTHS = Hypothesis(
    "next-width", Words("The layers have one width: {}.", Eq(n(i + 2), n(i + 1), evaluate=False)), ()
)
_SYMBOLS = (*NOTATION, (DISTANCE, Words("the distance of {} from one", CHI)))


def reach() -> Derivation:
    """epsilon_l = epsilon_0/e exactly when l = -1/log chi."""
    scale = depth_scale()
    proof = Proof(Setting((*scale.setting.hypotheses, ORDERED)), Eq(GAP(LAYER), GAP(0) * exp(-1), evaluate=False))
    return proof.by(ByLemma(scale), TakeLogarithms(LAYER)).done(
        "trainable-depth",
        "In how many layers a difference between two samples, or a gradient, falls by e",
        symbols=NOTATION,
    )


def trainable_depth() -> Derivation:
    """epsilon_l = epsilon_0/e exactly when l = -1/log chi, and how that grows near the edge."""
    near = near_edge("ordered", 1 - DISTANCE, "Just inside the ordered phase: the reach, times the distance")
    beyond = near_edge("chaotic", 1 + DISTANCE, "Just inside the chaotic phase: in how many layers it grows by e")
    return replace(
        reach(),
        source="Schoenholz et al. 2017, sections 3 to 5",
        parts=(gradient_factor(), near, beyond),
        remarks=_remarks(),
    )


def near_edge(phase: str, chi: Expr, title: str) -> Derivation:
    """delta/|log(1 -+ delta)| ~ 1 -+ delta/2."""
    scale = 1 / log(chi) * (DISTANCE if phase == "chaotic" else -DISTANCE)
    proof = Proof(Setting(()), scale).by(LocalExpansion(DISTANCE, 2))
    return proof.done(f"trainable-depth-{phase}", title, symbols=_SYMBOLS[-1:])


def gradient_factor() -> Derivation:
    """Var[dCost/ds^i_k] -> sigma_w^2 E[f'(u)^2] Var[dCost/ds^{i+1}_j] for layers of one width."""
    proof = one_layer_back(EQUAL_WIDTHS, GAIN_DEFINED)
    proof.by(PutIn(((n(i + 2), n(i + 1)),)), Rename((GAIN,)))
    return proof.done("trainable-depth-gradient", "A gradient has the same factor a layer, back from the output")


def _remarks() -> tuple[Words, ...]:
    return (
        Words(
            "Between two samples {} is one less their correlation, and {} is {}; for a gradient it is its variance, "
            "counted from the output, and {} the same. A net whose depth is many times that reach has forgotten its "
            "input at the output, and at its first layers the gradient.",
            GAP(LAYER),
            CHI,
            correlation_map_slope().result,
            CHI,
        ),
        Words(
            "On the edge itself the reach is infinite, and a difference falls by a power of the depth: theorems "
            "critical-correlation-smooth and critical-correlation-kinked."
        ),
    )
