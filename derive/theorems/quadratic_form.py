"""The variance of a quadratic form in Gaussian weights: how much one neuron's variance over samples fluctuates."""

from __future__ import annotations

from functools import cache

from sympy import Eq, Sum, symbols

from derive.averages import SharedVariance, Variance
from derive.hypotheses import Hypothesis, Kind, Property
from derive.indices import K
from derive.network import n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import Family, Over, Source
from derive.rules import ContractDelta, PullOut, VarianceDefinition, VarianceOfSum
from derive.rules.given import PutIn
from derive.rules.means import IndependentTerms, ScaleVariance
from derive.rules.wide import GaussianMoment
from derive.setting import Setting
from derive.words import Words

MATRIX = Source("matrix")
ROW = Source("weights of the neuron")
OVER_ROW = Over("weights of the neuron", (ROW,), "network")
EIGENVALUES = Family(
    "eigenvalue",
    symbol="lambda",
    meaning=Words("the eigenvalues of the fixed symmetric matrix"),
    extents=lambda _: (n(0),),
    layered=False,
    source=MATRIX,
)
COORDINATES = Family(
    "coordinate",
    symbol="w",
    meaning=Words("the weights along the eigenvectors"),
    extents=lambda _: (n(0),),
    layered=False,
    source=ROW,
)
N, SCALE = symbols("N s", positive=True)
EIGENVALUE_MEANS = symbols("lambda_mean lambda_square", positive=True)
"""The mean of the eigenvalues, and the mean of their squares."""

GAUSSIAN_ROW = Hypothesis(
    "gaussian-row",
    Words(
        "The weights of the neuron are independent Gaussians of mean zero and one variance; in the basis of the "
        "eigenvectors they still are."
    ),
    (
        Property(Kind.ENTRIES_INDEPENDENT, COORDINATES),
        Property(Kind.INDEPENDENT_OF, COORDINATES, EIGENVALUES),
        Property(Kind.ZERO_MEAN, COORDINATES),
        Property(Kind.SHARED_VARIANCE, COORDINATES),
        Property(Kind.GAUSSIAN, COORDINATES),
        Property(Kind.FINITE_MOMENTS, order=4),
    ),
)
_TOTAL_SQUARE = Sum(EIGENVALUES(K) ** 2, (K, 1, n(0)))
_VARIANCE = SharedVariance(COORDINATES)
SCALED = Hypothesis(
    "scaled-row",
    Words(
        "There are {} weights, each of variance {}; {} is the mean of the squared eigenvalues, {}.",
        N,
        Eq(_VARIANCE, SCALE**2 / N),
        EIGENVALUE_MEANS[1],
        Eq(_TOTAL_SQUARE, N * EIGENVALUE_MEANS[1]),
    ),
    (),
)


@cache
def quadratic_form_variance() -> Derivation:
    """Var_w[w^T C w] = 2 s^4/N <lambda^2> for w ~ N(0, s^2/N) and a fixed symmetric C."""
    form = Sum(EIGENVALUES(K) * COORDINATES(K) ** 2, (K, 1, n(0)))
    proof = Proof(Setting((GAUSSIAN_ROW, SCALED), over=OVER_ROW), Variance(form, OVER_ROW))
    proof.by(
        VarianceOfSum(),
        IndependentTerms(),
        ContractDelta(),
        ScaleVariance(),
        VarianceDefinition(),
        GaussianMoment(),
        PullOut(),
        PutIn(((_VARIANCE, SCALE**2 / N), (_TOTAL_SQUARE, N * EIGENVALUE_MEANS[1]))),
    )
    return proof.done("quadratic-form-variance", "The variance of a quadratic form in Gaussian weights")
