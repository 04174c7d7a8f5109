"""What comes back through BatchNorm of a finite batch, exactly: neither a constant nor what is along the values."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, Sum, sqrt

from derive.blocks import BatchNorm
from derive.blocks.lemmas import BATCH, BATCH_SIZE, FIRST, UNIT_INDEX
from derive.blocks.lemmas_batch import GRADIENT, IN
from derive.indices import J, M
from derive.network import Partial
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.rules.algebra import ByComplement, Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.lemma import ByLemma
from derive.rules.naming import Gather
from derive.rules.sums import ContractDelta, EqualTerms, OneIndex, PullOut
from derive.setting import Setting
from derive.words import Words

MEAN, VARIANCE, Y = BatchNorm()(IN).defined
Z = IN.family
_MU, _V = MEAN(UNIT_INDEX), VARIANCE(UNIT_INDEX)
_SETTING = Setting((BATCH_SIZE,))
_NOTATION = (
    (FIRST, Words("a sample of the batch")),
    (BATCH, Words("the number of samples of a batch")),
)
_SOURCE = "Yang et al. 2019, A mean field theory of batch normalization"


def _over_batch(of: Expr, index: Expr = J) -> Sum:
    return Sum(of, (index, Integer(1), BATCH))


_COST = _over_batch(GRADIENT(J, UNIT_INDEX) * Y(J, UNIT_INDEX))
"""The cost's linear part at one unit: its values before go into no other unit's normalised values."""
_TOTAL = _over_batch(GRADIENT(J, UNIT_INDEX))


def _projected() -> Expr:
    """Return (g_t - (1/B) sum_j g_j - y_t (1/B) sum_j g_j y_j)/V^(1/2)."""
    along = Y(FIRST, UNIT_INDEX) * _COST / BATCH
    return (GRADIENT(FIRST, UNIT_INDEX) - _TOTAL / BATCH - along) / sqrt(_V)


@lru_cache(maxsize=1)
def batch_derivative() -> Derivation:
    """dC/dz_tk = (g_tk - (1/B) sum_j g_jk - y_tk (1/B) sum_j g_jk y_jk)/V_k^(1/2): exact, epsilon being 0."""
    back = (Define(Y), Define(VARIANCE), Define(MEAN), Differentiate(), ContractDelta(), PullOut())
    names = (Gather((_MU,)), Gather((_V,)))
    ends: tuple[Rule, ...] = (Expand(), PullOut(), ContractDelta(), PullOut(), EqualTerms(), Gather((_MU,)))
    derivative = Partial(_COST, Z(FIRST, UNIT_INDEX))
    gap = Proof(_SETTING, _projected() - derivative).by(*back, *names, *ends)
    nothing = gap.done("batch-derivative-less-derivative", "Both are the same")
    return (
        Proof(_SETTING, derivative)
        .by(ByComplement(_projected(), nothing))
        .done("batch-derivative", "The gradient in front of BatchNorm", symbols=_NOTATION, source=_SOURCE)
    )


def _sum_of_values() -> Derivation:
    rules = (Define(Y), PullOut(), Expand(), EqualTerms(), Gather((_MU,)))
    return Proof(_SETTING, _over_batch(Y(J, UNIT_INDEX))).by(*rules).done("batch-values-sum", "The sum over the batch")


def _length_of_values() -> Derivation:
    rules = (Define(Y), PullOut(), Gather((_V,)))
    made = Proof(_SETTING, _over_batch(Y(J, UNIT_INDEX) ** 2)).by(*rules)
    return made.done("batch-values-length", "The sum of squares over the batch")


def batch_derivative_sum() -> Derivation:
    """sum_t dC/dz_tk = 0: what comes back has no part that all samples share."""
    start = _over_batch(Partial(_COST, Z(M, UNIT_INDEX)), M)
    rules = (ByLemma(batch_derivative()), Expand(), PullOut(), EqualTerms(), ByLemma(_sum_of_values()), OneIndex())
    return (
        Proof(_SETTING, start)
        .by(*rules)
        .done(
            "batch-derivative-sum", "The gradients of a batch add up to nothing", symbols=_NOTATION[1:], source=_SOURCE
        )
    )


def batch_derivative_length() -> Derivation:
    """sum_t (dC/dz_tk)^2 = (sum_t g_tk^2 - (sum_t g_tk)^2/B - (sum_t g_tk y_tk)^2/B)/V_k: exact, at any B."""
    start = _over_batch(Partial(_COST, Z(M, UNIT_INDEX)) ** 2, M)
    squared = (ByLemma(batch_derivative()), Expand(), PullOut(), EqualTerms())
    sums = (ByLemma(_sum_of_values()), ByLemma(_length_of_values()), OneIndex())
    return (
        Proof(_SETTING, start)
        .by(*squared, *sums)
        .done(
            "batch-derivative-length",
            "What a batch keeps of the squared gradients: what is across all ones, and across its values",
            symbols=_NOTATION[1:],
            source=_SOURCE,
        )
    )
