"""The conditions of Glorot & Bengio (2010), equations 8 to 12 and 16: forward, backward, and their compromise."""

from __future__ import annotations

from dataclasses import replace

from sympy import And, Eq, Integral, Rational, Symbol

from derive.averages import SharedVariance, Variance
from derive.hypotheses import BACKWARD, FORWARD, NONDEGENERATE, WEIGHTS_SHARE_VARIANCE, Hypothesis
from derive.indices import J, K
from derive.layers import d, i
from derive.network import W, cost_gradient, n, s, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING
from derive.rules import ByLemma, CancelEquation, DivideEquations, Integrate, Solve
from derive.setting import Setting
from derive.theorems.backward import backward_variance
from derive.theorems.forward import BEFORE_LAST, HERE, forward_variance
from derive.words import Words

HALF_WIDTH = Symbol("a", positive=True)
WEIGHT = Symbol("w", real=True)
_VARIANCE = SharedVariance(W, i)
_UNIFORM_SQUARE = Integral(WEIGHT**2 / (2 * HALF_WIDTH), (WEIGHT, -HALF_WIDTH, HALF_WIDTH))
ONE_ON_AVERAGE = Eq((n(i) * _VARIANCE + n(i + 1) * _VARIANCE) * Rational(1, 2), 1)
UNIFORM_VARIANCE = Eq(_UNIFORM_SQUARE, _VARIANCE)

COMPROMISE = Hypothesis(
    "compromise",
    Words(
        "The forward factor {} and the backward factor {} are 1 on average, {}. This is a choice: no variance of the "
        "weights makes both of them 1 where the widths differ.",
        n(i) * _VARIANCE,
        n(i + 1) * _VARIANCE,
        ONE_ON_AVERAGE,
    ),
    (),
    exact=False,
    source="Glorot & Bengio 2010, equation 12",
)
UNIFORM = Hypothesis(
    "uniform-weights",
    Words(
        "The weights of layer {} are drawn uniformly from {} to {}, so that {}.",
        i,
        -HALF_WIDTH,
        HALF_WIDTH,
        UNIFORM_VARIANCE,
    ),
    (),
    source="Glorot & Bengio 2010, equation 16",
)


def forward_condition() -> Derivation:
    """Var[z^{i+1}] = Var[z^i] <=> n_i Var[W^i] = 1, for i = 0..d-1."""
    sides = Eq(Variance(z(i + 1, K), EVERYTHING), Variance(z(i, J), EVERYTHING))
    proof = Proof(Setting((*FORWARD, NONDEGENERATE), BEFORE_LAST), sides)
    proof.by(ByLemma(forward_variance()), CancelEquation())
    return proof.done(
        "forward-condition",
        "When the activations keep their variance",
        source="Glorot & Bengio 2010, equation 10",
        remarks=(Words("It is needed at the layers {} whose output is an activation, from 0 to {}.", i, d - 1),),
    )


def backward_condition() -> Derivation:
    """Var[dCost/ds^i] = Var[dCost/ds^{i+1}] <=> n_{i+2} Var[W^{i+1}] = 1, for i = 0..d-1."""
    left = Variance(cost_gradient(s(i, K)), EVERYTHING)
    right = Variance(cost_gradient(s(i + 1, J)), EVERYTHING)
    proof = Proof(Setting((*BACKWARD, NONDEGENERATE), BEFORE_LAST), Eq(left, right))
    proof.by(ByLemma(backward_variance()), CancelEquation())
    return proof.done(
        "backward-condition",
        "When the gradients keep their variance",
        source="Glorot & Bengio 2010, equation 11",
        remarks=(
            Words(
                "It is needed for the weights of layers 1 to {}: no gradient passes through those of layer 0.",
                d,
            ),
        ),
    )


def both_conditions() -> Derivation:
    """n_i Var[W^i] = 1 and n_{i+1} Var[W^i] = 1 only where n_i = n_{i+1}."""
    both = And(Eq(n(i) * _VARIANCE, 1), Eq(n(i + 1) * _VARIANCE, 1))
    proof = Proof(Setting((WEIGHTS_SHARE_VARIANCE,), HERE), both).by(DivideEquations())
    return proof.done("both-conditions", "Both conditions at once ask for equal widths")


def uniform_variance() -> Derivation:
    """The uniform law on [-a, a] has variance a^2/3."""
    proof = Proof(Setting(()), _UNIFORM_SQUARE).by(Integrate())
    return proof.done("uniform-variance", "The mean square of a uniform weight")


def compromise() -> Derivation:
    """Var[W^i] = 2/(n_i + n_{i+1})."""
    proof = Proof(Setting((COMPROMISE, WEIGHTS_SHARE_VARIANCE), HERE), _VARIANCE).by(Solve(_VARIANCE, ONE_ON_AVERAGE))
    return proof.done("compromise", "The compromise between forward and backward")


def uniform_bound() -> Derivation:
    """A = sqrt(6)/sqrt(n_i + n_{i+1}) gives U(-a, a) the compromise variance."""
    lemma = uniform_variance()
    proof = Proof(Setting((UNIFORM, COMPROMISE), HERE), HALF_WIDTH)
    proof.by(Solve(HALF_WIDTH, UNIFORM_VARIANCE, lemma), ByLemma(compromise()))
    return proof.done(
        "uniform-bound",
        "The uniform law with the compromise variance",
        source="Glorot & Bengio 2010, equation 16 (normalized initialization)",
    )


def glorot_condition() -> Derivation:
    """Forward n_i Var[W^i] = 1; backward n_{i+1} Var[W^i] = 1; the compromise Var[W^i] = 2/(n_i + n_{i+1})."""
    return replace(
        compromise(),
        name="glorot-condition",
        title="Which variance of the weights keeps the variances constant",
        source="Glorot & Bengio 2010, equations 8 to 12 and 16",
        parts=(forward_condition(), backward_condition(), both_conditions(), uniform_bound()),
    )
