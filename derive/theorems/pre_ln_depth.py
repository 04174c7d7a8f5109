"""Pre-LN blocks in depth: the stream grows by one amount a block, and gradients fall as its mean square grows."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Function, Symbol, symbols

from derive.averages import Average, SharedVariance
from derive.hypotheses import MadeHypothesis
from derive.kinds import Hypothesis
from derive.layers import Facts, d, i
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma
from derive.rules.algebra import FactorOut
from derive.rules.depth import Telescope
from derive.rules.given import PutIn
from derive.rules.naming import Recognise
from derive.rules.recursion import Induction
from derive.rules.wide import ByClosedForm
from derive.setting import Setting
from derive.theorems.branch_gradients import COMING, GRADIENT, equal, with_leaky_relu
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.theorems.pre_ln_block import pre_ln_block, pre_ln_square, pre_ln_weights
from derive.theorems.residual_depth import LENGTH
from derive.theorems.signals import ONE, Q1
from derive.words import Words

ADDED, RETURNED = Symbol("c", positive=True), Symbol("c'", nonnegative=True)
START, END = symbols("q_0 G_d", positive=True)
_ANYWHERE, _STEP = Facts((i, d - i)), Facts((i, d - 1 - i))
_BACK = 1 + RETURNED / LENGTH(i)
_STREAM_GROWS = Hypothesis(
    "pre-ln-blocks",
    Words("All blocks have weights of the same variances: {} in every one.", equal(LENGTH(i + 1), LENGTH(i) + ADDED)),
    (),
    exact=False,
    for_all=(i,),
)
_GRADIENT_GROWS = Hypothesis(
    "pre-ln-blocks-backward",
    Words(
        "All blocks have weights of the same variances: {} in every one.", equal(GRADIENT(i), _BACK * GRADIENT(i + 1))
    ),
    (),
    exact=False,
    for_all=(i,),
)
_STARTS = Hypothesis("pre-ln-start", Words("The stream begins with {}.", equal(LENGTH(0), START)), ())
_ENDS = Hypothesis("pre-ln-end", Words("Behind the last block the gradient has {}.", equal(GRADIENT(d), END)), ())
_HOMOGENEOUS = Hypothesis(
    "pre-ln-homogeneous",
    Words("The activation function is leaky ReLU, for which both are one number: {}.", equal(RETURNED, ADDED)),
    (),
)
NOTATION = (
    (LENGTH(i), Words("the mean square of the stream behind {} blocks", i)),
    (GRADIENT(i), Words("the mean square of the gradient there")),
    (d, Words("the number of blocks")),
    (ADDED, Words("what a block adds to the mean square of the stream")),
    (RETURNED, Words("what comes back through a branch, times the mean square of the stream, for each that comes")),
)


def added() -> Expr:
    """Return alpha^2 n_1 Var[U] E[f(u)^2]: what a block adds to the mean square of the stream."""
    grown = pre_ln_square()
    return grown.result - sum(grown.result.atoms(Average))


def returned() -> Expr:
    """Return alpha^2 n_1 Var[U] q E[f'(u)^2]: the share that comes back through the branch, times q_1."""
    return ((pre_ln_block().result / COMING - 1) * Q1).expand()


def pre_ln_rectifier() -> Derivation:
    """c'/c = q E[f'(u)^2]/E[f(u)^2] = 1 for leaky ReLU"""
    proof = Proof(Setting(()), with_leaky_relu(returned() / added()))
    return proof.by(ByClosedForm()).done(
        "pre-ln-rectifier",
        "Leaky ReLU: a branch multiplies the gradient by what it adds to the stream",
        symbols=(*RECTIFIER_NOTATION, *ONE),
    )


@lru_cache(maxsize=1)
def pre_ln_depth() -> Derivation:
    """q(i) = q_0 + i c"""
    base, step = (LENGTH(0), START), (LENGTH(i + 1), LENGTH(i) + ADDED)
    first = Proof(Setting((_STARTS,)), base[0]).by(PutIn((base,))).done("pre-ln-first", "The stream at the input")
    next_ = Proof(Setting((_STREAM_GROWS,), _STEP), step[0]).by(PutIn((step,))).done("pre-ln-next", "One block more")
    proof = Proof(Setting((_STREAM_GROWS, _STARTS), _ANYWHERE), LENGTH(i)).by(Induction(first, next_))
    return proof.done("pre-ln-depth", "The stream grows by one amount a block", symbols=NOTATION)


def _last() -> Derivation:
    return Proof(Setting((_ENDS,)), GRADIENT(d)).by(PutIn(((GRADIENT(d), END),))).done("pre-ln-last", "Behind the end")


def pre_ln_gradients() -> Derivation:
    """G(i) = G_d prod_{i'=i}^{d-1} (1 + c'/q(i')), for any activation function."""
    step = (GRADIENT(i), _BACK * GRADIENT(i + 1))
    back = (
        Proof(Setting((_GRADIENT_GROWS,), _STEP), GRADIENT(i)).by(PutIn((step,))).done("pre-ln-back", "One block back")
    )
    proof = Proof(Setting((_GRADIENT_GROWS, _ENDS), _ANYWHERE), GRADIENT(i)).by(Induction(_last(), back))
    return proof.done("pre-ln-gradients", "The squared gradient at any block", symbols=NOTATION)


@lru_cache(maxsize=1)
def pre_ln_law() -> Derivation:
    """G(i) = G_d (q_0 + d c)/(q_0 + i c) for leaky ReLU: gradients fall as the stream grows."""
    equation = equal(LENGTH(i + 1), LENGTH(i) + ADDED)
    known = (_STREAM_GROWS, _GRADIENT_GROWS, _HOMOGENEOUS)
    moved = Proof(Setting(known, _STEP), GRADIENT(i)).by(
        PutIn(((GRADIENT(i), _BACK * GRADIENT(i + 1)),)),
        PutIn(((RETURNED, ADDED),)),
        FactorOut(1 / LENGTH(i)),
        Recognise(equation, ((i, i),)),
    )
    back = moved.done("pre-ln-ratio", "One block back, for leaky ReLU")
    proof = Proof(Setting((*known, _STARTS, _ENDS), _ANYWHERE), GRADIENT(i))
    return proof.by(Induction(_last(), back), Telescope(), ByLemma(pre_ln_depth())).done(
        "pre-ln-law", "The squared gradient is largest near the input", symbols=NOTATION
    )


_WEIGHTS = Function("w", positive=True)


def _of_weights() -> tuple[Hypothesis, tuple[Expr, Expr]]:
    """Return the squared gradient of the last weights in the branch of every block, as the part before derives it."""
    one = pre_ln_weights().result
    (coming,) = one.atoms(SharedVariance)
    value = (_WEIGHTS(i), one.subs(coming, GRADIENT(i + 1)))
    words = Words("The squared gradient of the last weights in the branch of block {}: {}.", i, equal(*value))
    return Hypothesis("pre-ln-last-weights", words, (), exact=False, for_all=(i,)), value


MADE_HYPOTHESES = (
    MadeHypothesis(
        "pre-ln-last-weights",
        Words("The squared gradient of the last weights in the branch of every block is as the parts derive it."),
        "",
        lambda: _of_weights()[0],
    ),
)
"""Hypotheses of this file that rest on what a part derives."""


def pre_ln_weights_in_depth() -> Derivation:
    """w(i) = alpha^2 E[f(u)^2] G_d (q_0 + d c)/(q_0 + (i+1) c) for leaky ReLU: about 1/i, not one number."""
    law, (weights, value) = pre_ln_law(), _of_weights()
    proof = Proof(Setting((*law.setting.hypotheses, weights), _STEP), _WEIGHTS(i))
    return proof.by(PutIn((value,)), ByLemma(law)).done(
        "pre-ln-weights-in-depth",
        "The squared gradient of the last weights of a branch falls with the number of blocks before it",
        symbols=(*NOTATION, (_WEIGHTS(i), Words("the mean square of the gradient of those weights")), *ONE),
    )
