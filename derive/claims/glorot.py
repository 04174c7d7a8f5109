"""The variance equations of Glorot & Bengio (2010), section 4.2.1, as printed and as the first question has them."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Product, Symbol

from derive.averages import SharedVariance, Variance
from derive.claims.claim import Claim
from derive.hypotheses import BACKWARD, FORWARD, HOMOGENEOUS, INPUTS_CENTRED
from derive.indices import K, L
from derive.layers import Facts, d, i
from derive.network import W, cost_gradient, g, n, s, x, z
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING
from derive.setting import Setting
from derive.theorems.backward import backward_variance, weight_gradient_variance
from derive.theorems.forward import forward_variance
from derive.words import Words

QUESTION = "Question “Understanding an equation used in the Xavier initialization for deep neural networks paper”"
_QUESTION = "the question “Understanding an equation used in the Xavier initialization”"
PAPER = "Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
_P = Symbol("i'", integer=True)
_QUOTED = (SharedVariance(W, i), SharedVariance(W, _P))
_HERE = Facts((i, d - i))
_BOTH = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))


def _forward_product(lower: Expr, upper: Expr) -> Expr:
    return Product(n(_P) * SharedVariance(W, _P), (_P, lower, upper))


def _backward_product(lower: Expr, upper: Expr) -> Expr:
    return Product(n(_P + 1) * SharedVariance(W, _P), (_P, lower, upper))


def equation_5() -> Claim:
    """Var[z^i] = Var[x] prod_{i'=0}^{i-1} n_{i'} Var[W^{i'}]."""
    return Claim(
        id="glorot-2010-eq-5",
        title="Variance of the activations",
        source=PAPER,
        where=f"equation 5; quoted in {_QUESTION} with another index",
        printed=Statement(Variance(z(i, K), EVERYTHING), "=", SharedVariance(x) * _forward_product(0, i - 1)),
        setting=Setting(FORWARD, _HERE),
        against=(forward_variance,),
        reading=Words("The weights and the input have mean zero, as the question reads it."),
    )


def equation_5_uncentred() -> Claim:
    """The same, with only what the paper states: it does not say that the input has mean zero."""
    return replace(
        equation_5(),
        id="glorot-2010-eq-5-uncentred",
        title="Variance of the activations, for inputs of any mean",
        setting=Setting(tuple(h for h in FORWARD if h != INPUTS_CENTRED), _HERE),
        reading=Words("Only what the paper states: the mean of the input is left open."),
    )


def equation_6() -> Claim:
    """Var[dCost/ds^i] = Var[dCost/ds^d] prod_{i'=i}^{d} n_{i'+1} Var[W^{i'}]."""
    return Claim(
        id="glorot-2010-eq-6",
        title="Variance of the gradients at the pre-activations",
        source=PAPER,
        where=f"equation 6; equation (1) of {_QUESTION}, with another index",
        printed=Statement(
            Variance(cost_gradient(s(i, K)), EVERYTHING), "=", SharedVariance(g) * _backward_product(i, d)
        ),
        setting=Setting(BACKWARD, _HERE),
        against=(backward_variance,),
    )


def question_activations() -> Claim:
    """Var[z^i] = Var[x] prod_{i'=0}^{i-1} n_{i'} Var[W^i], with i for i' in the variance."""
    return replace(
        equation_5(),
        id="question-1-activations",
        title="Variance of the activations, as the first question quotes it",
        source=QUESTION,
        where="the displayed formula for the activations",
        printed=Statement(
            Variance(z(i, K), EVERYTHING),
            "=",
            SharedVariance(x) * Product(n(_P) * SharedVariance(W, i), (_P, 0, i - 1)),
        ),
        reading=Words("The question prints {} inside the product, where the paper has {}.", *_QUOTED),
    )


def question_gradients() -> Claim:
    """Var[dCost/ds^i] = Var[dCost/ds^d] prod_{i'=i}^{d} n_{i'+1} Var[W^i], with i for i' in the variance."""
    return replace(
        equation_6(),
        id="question-1-equation-1",
        title="Variance of the gradients at the pre-activations, as the first question quotes it",
        source=QUESTION,
        where="equation (1)",
        printed=Statement(
            Variance(cost_gradient(s(i, K)), EVERYTHING),
            "=",
            SharedVariance(g) * Product(n(_P + 1) * SharedVariance(W, i), (_P, i, d)),
        ),
        reading=Words("The question prints {} inside the product, where the paper has {}.", *_QUOTED),
    )


def equation_6_homogeneous() -> Claim:
    """Equation 6 in a network of equal widths and equal weight variances."""
    return _homogeneous(equation_6())


def equation_7() -> Claim:
    """Var[dCost/dw^i] = prod_{i'<i} n_{i'} Var[W^{i'}] prod_{i<=i'<d} n_{i'+1} Var[W^{i'}] Var[x] Var[dCost/ds^d]."""
    rhs = _forward_product(0, i - 1) * _backward_product(i, d - 1) * SharedVariance(x) * SharedVariance(g)
    return Claim(
        id="glorot-2010-eq-7",
        title="Variance of the gradients of the weights",
        source=PAPER,
        where=f"equation 7; equation (2) of {_QUESTION}",
        printed=Statement(Variance(cost_gradient(W(i, L, K)), EVERYTHING), "=", rhs),
        setting=Setting(_BOTH, _HERE),
        against=(weight_gradient_variance,),
    )


def equation_7_homogeneous() -> Claim:
    """Equation 7 in a network of equal widths and equal weight variances."""
    return _homogeneous(equation_7())


def _homogeneous(claim: Claim) -> Claim:
    return replace(
        claim,
        id=f"{claim.id}-homogeneous",
        title=f"{claim.title}, equal widths and variances",
        setting=claim.setting.assuming(HOMOGENEOUS),
    )
