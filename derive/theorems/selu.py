"""SELU's constants: the activation that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Piecewise, S, Symbol, exp, symbols

from derive.gaussian import GaussianExpectation
from derive.hypotheses import Hypothesis
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma, Solve
from derive.rules.wide import ByClosedForm
from derive.setting import Setting
from derive.words import Words

ALPHA, LAMBDA = symbols("alpha lambda", positive=True)
Z = Symbol("z", real=True)
SELU = LAMBDA * Piecewise((Z, Z > 0), (ALPHA * (exp(Z) - 1), True))


def _expectation(g: Expr, mean: Expr = S.Zero, variance: Expr = S.One) -> Expr:
    return GaussianExpectation.of(g, (Z,), (mean,), ((variance,),))


FIXED_MEAN = Hypothesis(
    "fixed-mean",
    Words("A unit with a standard normal pre-activation has mean zero: {}.", Eq(_expectation(SELU), 0, evaluate=False)),
    (),
    source="Klambauer et al. 2017, section 2",
    states=Eq(_expectation(SELU), 0, evaluate=False),
)
FIXED_SQUARE = Hypothesis(
    "fixed-square",
    Words("Its mean square is one: {}.", Eq(_expectation(SELU**2), 1, evaluate=False)),
    (),
    source="Klambauer et al. 2017, section 2",
    states=Eq(_expectation(SELU**2), 1, evaluate=False),
)


def moment(power: int, mean: Expr = S.Zero, variance: Expr = S.One) -> Derivation:
    """E[selu(z)^power] for a Gaussian z, in closed form."""
    proof = Proof(Setting(()), _expectation(SELU**power, mean, variance)).by(ByClosedForm())
    return proof.done(f"selu-moment-{power}", "The mean of SELU" if power == 1 else "The mean square of SELU")


def alpha() -> Derivation:
    """alpha, for which the mean of SELU is zero."""
    lemma = moment(1)
    proof = Proof(Setting((FIXED_MEAN,)), ALPHA)
    proof.by(Solve(ALPHA, FIXED_MEAN.key, lemma))
    return proof.done("selu-alpha", "SELU's alpha")


def selu_fixed_point() -> Derivation:
    """The constants lambda and alpha, for which SELU keeps mean 0 and variance 1."""
    first = alpha()
    square = Proof(Setting((FIXED_MEAN,)), _expectation(SELU**2)).by(ByClosedForm(), ByLemma(first))
    lemma = square.done("selu-square", "The mean square of SELU, with its alpha")
    proof = Proof(Setting((FIXED_MEAN, FIXED_SQUARE)), LAMBDA)
    proof.by(Solve(LAMBDA, FIXED_SQUARE.key, lemma))
    made = proof.done("selu-lambda", "SELU's lambda")
    return replace(
        made,
        name="selu-fixed-point",
        title="SELU's constants, in closed form",
        source="Klambauer et al. 2017, equation 2",
        parts=(first,),
    )
