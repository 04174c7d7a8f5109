"""Rules for the gradients that come back through a wide layer, and for the units of a layer being alike."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul, Rational, Sum

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import LEAKY_RELU, Kind
from derive.network import SLOPE, ActivationSlope, Cost, Partial, W, b, g, s, x, z
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class GradientIndependence(Rule):
    """Var[f'(s_k) sum_j W_kj G_j] -> E[f'(s_k)^2] Var[W] sum_j Var[G_j], and Var[z_l G_k] -> E[z_l^2] Var[G_k]

    G are the gradients at the next pre-activations (of this layer's, in the second form). They depend on the weights
    that they are multiplied with and on the pre-activations, since the forward pass has used them; as the width grows
    the dependence fades, as if the backward pass had weights of its own. An approximation at finite width.

    Obligation: weights of mean zero that share a variance; an output gradient of mean zero, drawn independently.
    """

    name = "gradient-independence"
    words = (
        "As the width grows, what comes back is independent of what went forward, as if the backward pass had weights "
        "of its own; then the terms are uncorrelated."
    )
    source = "Schoenholz et al. 2017, section 4; Yang 2020, Tensor Programs II (gradient independence)"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the variance of a gradient that has been written as a product."""
        found = _passing_back(node)
        if found is None:
            return None
        forward, coming = found
        if W.source not in node.over.sources:
            raise Undischarged(f"gradients come back independently over the weights, not over {node.over}")
        return Rewrite(Average(forward**2, node.over) * coming, _obligations(setting) | finite(setting, node))


@dataclass(frozen=True)
class RectifierGradient(Rule):
    """Var[f'(s_k) sum_j W_kj G_j] = (1 + a^2)/2 Var[W] sum_j Var[G_j], and Var[z_l G_k] = E[z_l^2] Var[G_k]

    For leaky ReLU and the gradients G at the next pre-activations (of this layer's, in the second form). Given all
    before it, a unit's weights and bias may change sign together: its squared slope, 1 or a^2, is then (1 + a^2)/2 on
    average, and stays so next to the square of one of its weights; next to a product of two of them the mean is zero.
    From the output down, what comes back to a layer is therefore uncorrelated between its units, and its mean square
    does not depend on the pre-activations: the independence that is assumed for other activation functions holds.

    Obligation: leaky ReLU; weights and biases symmetric about zero and independent of each other and of the input; no
    pre-activation exactly zero, where leaky ReLU has no slope; an output gradient of mean zero, drawn independently;
    in the first form, weights that share a variance.
    """

    name = "rectifier-gradient"
    words = "A sign that the weights and the bias of a unit share decides its slope, and nothing else that comes back."
    source = "He et al. 2015, equations 13 and 14 (they assume independence); Hanin & Nica 2020 (it is not needed)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the variance of a gradient that has been written as a product."""
        found = _passing_back(node)
        if found is None:
            return None
        forward, coming = found
        if not {W.source, b.source, g.source} <= set(node.over.sources):
            raise Undischarged(f"signs are drawn with weights, biases and output gradient, not with {node.over}")
        uses = frozenset({setting.stating(LEAKY_RELU).key})
        uses |= setting.require(Kind.NEVER_ZERO, s) | finite(setting, node)
        for family in (W, b):
            for kind in (Kind.SYMMETRIC, Kind.ENTRIES_INDEPENDENT):
                uses |= setting.require(kind, family)
        uses |= setting.all_independent(W, b, x, g)
        uses |= setting.require(Kind.ZERO_MEAN, g)
        if isinstance(forward, Entry):
            words = Words("What comes back has the same mean square whatever {} is, and mean zero.", forward)
            return Rewrite(Average(forward**2, node.over) * coming, uses, words)
        uses |= setting.require(Kind.SHARED_VARIANCE, W)
        share = (1 + SLOPE**2) * Rational(1, 2)
        words = Words(
            "A sign that the weights and the bias of a unit share decides its slope, and nothing else that comes back: "
            "given all the rest, the squared slope is {} on average.",
            share,
        )
        return Rewrite(share * coming, uses, words)


def _passing_back(node: Expr) -> tuple[Expr, Expr] | None:
    """Return what a gradient is multiplied with, and the variance of what comes back, if the node is such a variance.

    That is f'(s_k) and Var[W] sum_j Var[G_j] for Var[f'(s_k) sum_j W_kj G_j], z_l and Var[G_k] for Var[z_l G_k].
    """
    if not (isinstance(node, Variance) and isinstance(node.inside[0], Mul) and len(node.inside[0].args) == 2):
        return None
    for forward, backward in (node.inside[0].args, node.inside[0].args[::-1]):
        if isinstance(forward, ActivationSlope) and isinstance(backward, Sum):
            coming = _weighted_gradients(backward, node)
        elif isinstance(forward, Entry) and forward.family == z and _is_gradient(backward):
            coming = Variance(backward, node.over)
        else:
            continue
        if coming is not None:
            return forward, coming
    return None


def _weighted_gradients(total: Sum, node: Variance) -> Expr | None:
    """Return Var[W] sum_j Var[G_j] for sum_j W_kj G_j, or None if it is no such sum."""
    factors = Mul.make_args(total.function)
    weights = [f for f in factors if isinstance(f, Entry) and f.family == W]
    gradients = [f for f in factors if _is_gradient(f)]
    if len(factors) != 2 or not weights or not gradients:
        return None
    return SharedVariance(W, weights[0].layer) * Sum(Variance(gradients[0], node.over), *total.limits)


def _is_gradient(e: Expr) -> bool:
    return isinstance(e, Partial) and e.target == Cost and e.variable.family == s


def _obligations(setting: Setting) -> frozenset[str]:
    uses = setting.require(Kind.GRADIENT_INDEPENDENCE)
    uses |= setting.require(Kind.ZERO_MEAN, W) | setting.require(Kind.SHARED_VARIANCE, W)
    return uses | setting.require(Kind.ZERO_MEAN, g) | setting.all_independent(g, W)


@dataclass(frozen=True)
class SameGradients(Rule):
    """sum_{j=1}^{n} Var[dCost/ds^i_j] = n Var[dCost/ds^i_j]

    Exchanging two units of a layer, with the weights into and out of them, changes no law: their gradients have one
    variance; in the last layer by assumption.

    Obligation: the weights of a layer are independent with one law, and so are the biases; weights, biases, input and
    output gradient are independent of each other; the components of the output gradient share a variance.
    """

    name = "same-gradients"
    words = "Every unit of the layer has a gradient of the same variance: the sum is the width times one of them."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a sum over units of equal variances by the width times one of them."""
        if not (isinstance(node, Sum) and len(node.limits) == 1 and isinstance(node.function, Variance)):
            return None
        index, lower, upper = node.limits[0]
        (gradient,) = node.function.inside
        if not _is_gradient(gradient) or gradient.variable.units != (index,):
            return None
        if not {W.source, b.source, g.source} <= set(node.function.over.sources):
            raise Undischarged(
                f"units are alike over weights, biases and output gradient, not over {node.function.over}"
            )
        uses = setting.require(Kind.SHARED_VARIANCE, g)
        for family in (W, b):
            for kind in (Kind.IDENTICAL, Kind.ENTRIES_INDEPENDENT):
                uses |= setting.require(kind, family)
        uses |= setting.all_independent(W, b, x, g)
        words = Words("Every unit of the layer has a gradient of the same variance: there are {}.", upper - lower + 1)
        return Rewrite((upper - lower + 1) * node.function, uses, words)
