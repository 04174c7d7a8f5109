"""Average pooling: the mean square of the mean of correlated units."""

from __future__ import annotations

from sympy import Eq, Integer, KroneckerDelta, Symbol

from derive.averages import Average
from derive.blocks import AveragePool
from derive.blocks.lemmas import SIZES, passed_back
from derive.blocks.lemmas_linear import SECOND_MOMENT_OF_POOLED
from derive.hypotheses import Hypothesis
from derive.indices import PLACES, K, T, V
from derive.kinds import definition
from derive.proof.derivation import Derivation
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, Linearity
from derive.rules.algebra import Expand
from derive.rules.deltas import OnlyTerm
from derive.rules.given import Everywhere
from derive.rules.sums import JoinSums
from derive.rules.weights import CentredSquare
from derive.rules.wide import Q
from derive.theorems.signals import OVER, OVER_ALL, TWO_SAMPLES, coming_back, proof, signal
from derive.words import Words

P, R = PLACES[0]
SIZE = SIZES[0]
M = Symbol("m", real=True)
_IN = signal("z", "the values that are pooled", positions=1)
_OUT = AveragePool()(_IN)
_Z, _Y = _IN.family, _OUT.family
_G, _COMING = coming_back(_OUT)
_PLACES = definition("rows", Words("A channel has {} rows.", SIZE))
_ONE = Integer(1)
_PRODUCTS = Eq(Average(_Z(T, K, P) * _Z(T, K, R), OVER), M + (Q - M) * KroneckerDelta(P, R, (1, SIZE)), evaluate=False)
ALIKE = Hypothesis(
    "equally-correlated",
    Words(
        "Every value has the mean square {}, and every two of a channel have the mean product {}: {}.", Q, M, _PRODUCTS
    ),
    (),
    for_all=(T, K, P, R),
)


def pooled_variance() -> Derivation:
    """E[y_tk y_uk] = (1/T^2) sum_p sum_r E[z_tkp z_ukr] for y_tk = (1/T) sum_p z_tkp, exactly, however they depend."""
    start = Average(_Y(T, K, _ONE) * _Y(V, K, _ONE), OVER)
    return proof((_PLACES,), start, Define(_Y), *SECOND_MOMENT_OF_POOLED).done(
        "pooled-variance",
        "Two samples behind average pooling, whatever the correlation of what is pooled",
        symbols=TWO_SAMPLES,
        parts=(pooled_alike(), pooled_gradient()),
        remarks=(
            Words(
                "Pooling does not divide the mean square by {} unless the values are uncorrelated: with one mean "
                "product {} of two of them, that is what is left of many.",
                SIZE,
                M,
            ),
        ),
    )


def pooled_alike() -> Derivation:
    """E[y_tk^2] = (q + (T - 1) m)/T where every value has the mean square q and every two the mean product m."""
    start = Average(_Y(T, K, _ONE) ** 2, OVER)
    rules = (Define(_Y), *SECOND_MOMENT_OF_POOLED, Everywhere(_PRODUCTS), Expand(), ContractDelta(), EqualTerms())
    return proof((_PLACES, ALIKE), start, *rules).done(
        "pooled-alike", "Values that are equally correlated", symbols=TWO_SAMPLES[:1]
    )


def pooled_gradient() -> Derivation:
    """E[(dC/dz_tkp)^2] = Var[g]/T^2"""
    start = Average(passed_back(_OUT, _G, _Z(T, K, P), T) ** 2, OVER_ALL)
    rules = (
        Define(_Y),
        Differentiate(),
        JoinSums(),
        ContractDelta(),
        OnlyTerm((P, _ONE)),
        Linearity(),
        CentredSquare(),
    )
    return proof((*_COMING, _PLACES), start, *rules, over=OVER_ALL).done(
        "pooled-gradient", "The gradient in front of average pooling", symbols=TWO_SAMPLES[:1]
    )
