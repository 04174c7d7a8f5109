"""Squared gradients through BatchNorm of a finite batch, leaky ReLU and weights: by which factor they grow a layer."""

from __future__ import annotations

from functools import lru_cache

from sympy import Eq, Expr, Gt, Heaviside, Integer, Lambda, Max, Sum, Symbol

from derive.averages import Average
from derive.blocks.lemmas import BATCH, BATCH_SIZE, FIRST, OVER, SECOND
from derive.blocks.lemmas_batch import EXCHANGEABLE_SAMPLES, GRADIENT, IN
from derive.blocks.signal import Extents
from derive.gaussian import GaussianExpectation
from derive.hypotheses import FINITE_MOMENTS, RECTIFIER, MadeHypothesis
from derive.indices import J, K, M
from derive.kinds import Hypothesis, Kind, Property
from derive.network import GAIN, Partial
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import OUTPUT_GRADIENT, Family
from derive.rules.algebra import FactorOut
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.calculus import Differentiate
from derive.rules.exchangeable import EXCHANGEABLE, AnyOtherSample, EqualSamples
from derive.rules.given import Everywhere, PutIn
from derive.rules.lemma import ByLemma
from derive.rules.means import Linearity
from derive.rules.pairs import SplitDiagonal
from derive.rules.spheres import GAUSSIAN_BATCH, LengthApart, OnSphere
from derive.rules.sums import BringIn, ContractDelta, MultiplySums, PullOut
from derive.rules.weights import SplitOff
from derive.rules.wide import FIRST as ONE
from derive.rules.wide import SECOND as OTHER
from derive.rules.wide import ByClosedForm, U, one_gaussian
from derive.setting import Setting
from derive.theorems.batch_gradient import VARIANCE, Y, Z, batch_derivative_length
from derive.theorems.signals import alike
from derive.words import Words

E = Family(
    "e",
    meaning="the gradients of the cost at the activations",
    extents=Extents(IN.axes),
    layered=False,
    source=OUTPUT_GRADIENT,
)
_APART = (FIRST, SECOND)
_COMING = Symbol("G", positive=True)
_ALL = Eq(Sum(E(J, K), (J, Integer(1), BATCH)), 0, evaluate=False)
GAUSSIAN_BATCH_VALUES = Hypothesis(
    "batch-gaussian",
    Words("The layers are wide: the values {} of a batch are jointly Gaussian, and not all one.", Z(J, K)),
    (Property(GAUSSIAN_BATCH, Z, licenses="->"),),
    exact=False,
    source="Neal 1996; Lee et al. 2018; Matthews et al. 2018",
)
GRADIENTS_INDEPENDENT = Hypothesis(
    "batch-gradients-independent",
    Words("The gradients {} are independent of the values {}.", E(J, K), Z(J, K)),
    (Property(Kind.INDEPENDENT_OF, E, Z),),
    exact=False,
    source="Schoenholz et al. 2017, section 4; Yang 2020, Tensor Programs II",
)
MORE_THAN_THREE = Hypothesis(
    "batch-more-than-three",
    Words("A batch has more than three samples: {}, and so {}.", Gt(BATCH - 3, 0), Gt(BATCH - 2, 0)),
    (),
)
_HYPOTHESES = (
    FINITE_MOMENTS,
    BATCH_SIZE,
    EXCHANGEABLE_SAMPLES,
    RECTIFIER,
    MORE_THAN_THREE,
    GAUSSIAN_BATCH_VALUES,
    Hypothesis(
        "batch-gradients-alike",
        Words("No sample of a batch is special: the joint law of {} does not depend on their order.", E(J, K)),
        (Property(EXCHANGEABLE, E),),
    ),
    GRADIENTS_INDEPENDENT,
    Hypothesis(
        "batch-gradients-add-up",
        Words("BatchNorm is behind the weights, so that the gradients of a batch add up to nothing: {}.", _ALL),
        (),
        for_all=(K,),
    ),
)


def pair(first: Expr, second: Expr) -> GaussianExpectation:
    """Return the mean of a product of functions of two normalised samples."""
    across = -1 / (BATCH - 1)
    return GaussianExpectation.of(
        first * second, (ONE, OTHER), (Integer(0), Integer(0)), ((Integer(1), across), (across, Integer(1)))
    )


_NOTATION = (
    (FIRST, Words("a sample of the batch")),
    (SECOND, Words("another sample of the batch")),
    (BATCH, Words("the number of samples of a batch")),
    (_COMING, Words("the mean square of the gradient one layer on")),
    *((u, Words("a normalised value")) for u in (U, ONE, OTHER)),
)
_POSITIVE = (MORE_THAN_THREE,)
_SQUARE, _PRODUCT = one_gaussian(F(U) ** 2, Integer(1)), pair(F(ONE), F(OTHER))
_MOMENTS = (
    (Average(Z(FIRST, K) ** 2, OVER), GAIN * _SQUARE),
    (Average(Z(SECOND, K) ** 2, OVER), GAIN * _SQUARE),
    (Average(Z(FIRST, K) * Z(SECOND, K), OVER), GAIN * _PRODUCT),
    (Average(E(FIRST, K) ** 2, OVER), GAIN * _COMING),
)
"""What weights of the same gain make of a batch that is normalised and activated, and of what comes back."""
_LAYERS = (
    alike("finite-batch-layers", *_MOMENTS, unit=K),
    Hypothesis(
        "finite-batch-varies",
        Words("Behind the activation function the samples of a batch differ: {}.", Gt(_SQUARE - _PRODUCT, 0)),
        (),
    ),
)


@lru_cache(maxsize=1)
def finite_batch_chain() -> Derivation:
    """dC/dy_tk = f'(y_tk) e_tk, for the gradients e at the activations f(y)."""
    cost = Sum(E(M, K) * F(Y(M, K)), (M, Integer(1), BATCH))
    proof = Proof(Setting((BATCH_SIZE,)), Partial(cost, Y(J, K))).by(Differentiate(), ContractDelta())
    return proof.done("finite-batch-chain", "What comes back through the activation function", symbols=_NOTATION[2:3])


@lru_cache(maxsize=1)
def _chain() -> tuple[Hypothesis, Eq]:
    """Return that the gradients behind BatchNorm are what comes back through the activation function."""
    equation = Eq(GRADIENT(J, K), finite_batch_chain().result, evaluate=False)
    words = Words("What comes back to the normalised values came through the activation function: {}.", equation)
    return Hypothesis("batch-chain", words, (), for_all=(J, K)), equation


MADE_HYPOTHESES = (
    MadeHypothesis(
        "batch-chain",
        Words("What comes back to the normalised values came through the activation function."),
        "",
        lambda: _chain()[0],
    ),
)
"""Hypotheses of this file that rest on what a part derives."""


@lru_cache(maxsize=1)
def finite_batch_gradient() -> Derivation:
    """(1/B) sum_t E[(dC/dz_tk)^2] for weights, leaky ReLU and BatchNorm of B > 3 samples, in front of as many."""
    cost = Sum(GRADIENT(J, K) * Y(J, K), (J, Integer(1), BATCH))
    start = Average(Sum(Partial(cost, Z(M, K)) ** 2, (M, Integer(1), BATCH)) / BATCH, OVER)
    chain, equation = _chain()
    setting = Setting((*_HYPOTHESES, chain, *_LAYERS), over=OVER).with_distinct(*_APART)
    squares = (ByLemma(batch_derivative_length()), Everywhere(equation), MultiplySums(), SplitDiagonal(), BringIn())
    means = (Linearity(), SplitOff(E), LengthApart(VARIANCE, Z, Y, _APART, BATCH), OnSphere(Z, Y, BATCH), PullOut())
    backward = (EqualSamples(*_APART), PutIn(_MOMENTS[:-1]), AnyOtherSample(*_APART), Everywhere(_ALL), Linearity())
    proof = Proof(setting, start).by(*squares, *means, *backward, PutIn(_MOMENTS[-1:]), FactorOut(_COMING))
    return proof.done(
        "finite-batch-gradient",
        "Squared gradients grow by a factor at every layer with BatchNorm of a finite batch",
        symbols=_NOTATION,
        source="Yang et al. 2019, A mean field theory of batch normalization",
    )


def _of(function: Expr, name: str, title: str, *rules: Rule) -> Derivation:
    """Return the factor of a layer with one function of U for the activation."""
    slope = Lambda(U, function.diff(U).replace(Heaviside, lambda u, *_: Heaviside(u)))
    start = (finite_batch_gradient().result / _COMING).replace(SLOPE_OF_F, slope).replace(F, Lambda(U, function))
    proof = Proof(Setting((BATCH_SIZE, *_POSITIVE)), start).by(ByClosedForm(), *rules)
    return proof.done(name, title, symbols=_NOTATION[2:3])


@lru_cache(maxsize=1)
def finite_batch_relu() -> Derivation:
    """The factor for ReLU, by the orthant probability and the arc-cosine kernel at the correlation -1/(B - 1)."""
    return _of(Max(U, 0), "finite-batch-relu", "ReLU behind BatchNorm of a finite batch")


@lru_cache(maxsize=1)
def finite_batch_linear() -> Derivation:
    """(B - 2)/(B - 3): the factor of a layer without an activation function."""
    return _of(
        U, "finite-batch-linear", "BatchNorm of a finite batch without an activation function", FactorOut(BATCH - 2)
    )
