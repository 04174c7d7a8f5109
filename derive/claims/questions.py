"""What the two questions and the answer print: a chain rule, a product rule, an equivalence and an implication."""

from __future__ import annotations

from dataclasses import replace

from sympy import And, Eq, Expr, Sum, Symbol

from derive.averages import Average, Variance
from derive.claims.claim import Claim
from derive.claims.glorot import QUESTION
from derive.hypotheses import BACKWARD, FORWARD
from derive.layers import Facts, d, i
from derive.network import W, cost_gradient, n, s, slope, z
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.backward import backward_variance, weight_gradient_variance
from derive.theorems.forward import forward_variance
from derive.theorems.product import BOTH_FACTORS, FACTORS_INDEPENDENT, X, Y, product_variance
from derive.words import Words

ANSWER = "Answer to the question why the variance should be the same in all layers"
J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
_BOTH = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
_INNER = Facts((i - 1, d - 1 - i))


def chain_rule() -> Claim:
    """dCost/ds^i_k = f'(s^i_k) W^{i+1}_{k,:} dCost/ds^i_k."""
    printed = slope(s(i, K)) * Sum(W(i + 1, K, J) * cost_gradient(s(i, K)), (J, 1, n(i + 2)))
    return Claim(
        id="question-1-chain-rule",
        title="The gradient at a pre-activation, by the chain rule",
        source=QUESTION,
        where="second displayed formula",
        printed=Statement(cost_gradient(s(i, K)), "=", printed),
        setting=Setting((), Facts((i, d - 1 - i))),
        against=(gradient_recursion,),
        reading=Words(
            "The row {} of the weights acts on the gradient that is printed, {}.",
            W(i + 1, K, J),
            cost_gradient(s(i, K)),
        ),
    )


def product_rule() -> Claim:
    """Var(XY) = Var(X)Var(Y) + E(X)^2 Var(Y) + E(Y)^2 Var(X) for independent X, Y."""

    def mean(e: Expr) -> Expr:
        return Average(e, BOTH_FACTORS)

    def var(e: Expr) -> Expr:
        return Variance(e, BOTH_FACTORS)

    a, b = X(), Y()
    return Claim(
        id="question-1-product-rule",
        title="The variance of a product",
        source=QUESTION,
        where="third paragraph",
        printed=Statement(var(a * b), "=", var(a) * var(b) + mean(a) ** 2 * var(b) + mean(b) ** 2 * var(a)),
        setting=Setting((FACTORS_INDEPENDENT,), Facts(), over=BOTH_FACTORS),
        against=(product_variance,),
    )


def gradients_equal() -> Eq:
    """Return Var[dCost/ds^i] = Var[dCost/ds^{i+1}]."""
    left, right = (
        Variance(cost_gradient(s(i, K)), EVERYTHING),
        Variance(cost_gradient(s(i + 1, L)), EVERYTHING),
    )
    return Eq(left, right)


def activations_equal(layer: Expr) -> Eq:
    """Return Var[z^i] = Var[z^{i-1}], for a layer i."""
    return Eq(Variance(z(layer, J), EVERYTHING), Variance(z(layer - 1, M), EVERYTHING))


def _weight_gradients_equal() -> Eq:
    return Eq(Variance(cost_gradient(W(i, J, K)), EVERYTHING), Variance(cost_gradient(W(i + 1, M, L)), EVERYTHING))


def equivalence() -> Claim:
    """Var(dCost/ds^i) = Var(dCost/ds^{i+1}) <-> Var(z^i) = Var(z^{i-1})."""
    return Claim(
        id="answer-2-equivalence",
        title="Constant gradients if and only if constant activations",
        source=ANSWER,
        where="the displayed equivalence",
        printed=Statement(gradients_equal(), "<=>", activations_equal(i)),
        setting=Setting(_BOTH, _INNER),
        against=(forward_variance, backward_variance),
        reading=Words("In the paper's indices, which the answer says it follows."),
    )


def equivalence_own_indices() -> Claim:
    """The same with the answer's own layers, where s^i = W^i z^{i-1}: its z^i is the paper's z^{i+1}."""
    return replace(
        equivalence(),
        id="answer-2-equivalence-own-indices",
        title="Constant gradients if and only if constant activations, in the answer's own indices",
        printed=Statement(gradients_equal(), "<=>", activations_equal(i + 1)),
        setting=Setting(_BOTH, Facts((i, d - 1 - i))),
        reading=_OWN_INDICES,
    )


def balance() -> Claim:
    """Both equalities imply Var(dCost/dW^i) = Var(dCost/dW^{i+1})."""
    return Claim(
        id="answer-2-balance",
        title="Constant gradients and activations make neighbouring layers learn at the same rhythm",
        source=ANSWER,
        where="the last displayed formula",
        printed=Statement(And(gradients_equal(), activations_equal(i)), "=>", _weight_gradients_equal()),
        setting=Setting(_BOTH, _INNER),
        against=(forward_variance, backward_variance, weight_gradient_variance),
        reading=Words("At the layers that it names, in the paper's indices, which the answer says it follows."),
    )


def balance_own_indices() -> Claim:
    """The same with the answer's own layers, where s^i = W^i z^{i-1}: its z^i is the paper's z^{i+1}."""
    return replace(
        balance(),
        id="answer-2-balance-own-indices",
        title="Neighbouring layers learn at the same rhythm, in the answer's own indices",
        printed=Statement(And(gradients_equal(), activations_equal(i + 1)), "=>", _weight_gradients_equal()),
        setting=Setting(_BOTH, Facts((i, d - 1 - i))),
        reading=_OWN_INDICES,
    )


_OWN_INDICES = Words(
    "The answer writes the gradient of the weights with the activations of the layer before, so that its activations "
    "are the paper's one layer on: its equality is that of {} and {}.",
    Variance(z(i + 1, J), EVERYTHING),
    Variance(z(i, M), EVERYTHING),
)
