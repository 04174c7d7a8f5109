"""Two samples in a homogeneous network without biases: their covariance at every width, by an operator."""

from __future__ import annotations

from sympy import Eq, Expr, Integer, Sum, Symbol, sqrt

from derive.averages import Average, SharedVariance
from derive.blocks import Dense, Elementwise, Serial, layers, network_input
from derive.hypotheses import FINITE_MOMENTS, HE_WEIGHTS, RECTIFIER, Hypothesis, Kind, Property
from derive.indices import K, fresh_index
from derive.kinds import definition
from derive.layers import d, i
from derive.network import f, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import WEIGHTS, Family, Over
from derive.rules import ByLemma, Define, EqualTerms, Expand, Induction, Linearity, PullOut
from derive.rules.given import PutIn
from derive.rules.gram import (
    ETA,
    OVER_PAIRS,
    XI,
    Carried,
    Correlation,
    GaussianPairs,
    Homogeneous,
    ScalesPass,
    partner,
)
from derive.rules.naming import Gather, Recognise
from derive.rules.rectifier import Collect, DefineRectifier, OddMean
from derive.rules.weights import CentredSquare
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.words import Words

OVER_WEIGHTS = Over("networks", (WEIGHTS,), "network")
CHAIN = layers(Serial(Dense(n(i + 1)), Elementwise(output="z'")), network_input(n(i), samples=2), "z")
Z, S = CHAIN.defined
X, W = (drawn.family for drawn in CHAIN.drawn)


def product_of_samples(values: Family, layer: Expr, t: Expr, u: Expr) -> Expr:
    """Return the sum over the units of a layer of the product of two samples' values."""
    unit = fresh_index(layer, t, u, among="ljm")
    return Sum(values(layer, t, unit) * values(layer, u, unit), (unit, 1, n(layer)))


GRAM = Family(
    "G",
    meaning=Words("the Gram matrix of the activations of layer {} of two samples", i),
    extents=lambda _: (Integer(2), Integer(2)),
    definition=lambda i, t, u: product_of_samples(Z, i, t, u),
)
RHO = Symbol("rho", real=True)
_A, _B = (Symbol(name, positive=True) for name in "AB")
_C = Symbol("C", real=True)


def covariance(layer: Expr) -> Expr:
    """Return sqrt(A B) m_i(rho), of the Gram matrix of a layer."""
    a, b, c = entries(layer)
    return sqrt(a) * sqrt(b) * Carried(layer, Correlation(a, b, c))


def entries(layer: Expr) -> tuple[Expr, Expr, Expr]:
    """Return A, B and C: the squared lengths of the activations of two samples in a layer, and their product."""
    return GRAM(layer, 1, 1), GRAM(layer, 2, 2), GRAM(layer, 1, 2)


def pair_sums(rho: Expr) -> tuple[Expr, Expr, Expr]:
    """Return the sums of f(xi)^2, f(xi')^2 and f(xi) f(xi') over the units behind layer i, of correlation rho."""
    one, other = f(XI(i, K)), f(partner(rho, XI(i, K), ETA(i, K)))
    alpha, beta, gamma = (Sum(e, (K, 1, n(i + 1))) for e in (one**2, other**2, one * other))
    return alpha, beta, gamma


def operator() -> Eq:
    """Return m_i(rho) = Var[W^i] E[sqrt(alpha beta) m_{i+1}(gamma/sqrt(alpha beta))] for one layer."""
    alpha, beta, gamma = pair_sums(RHO)
    inner = sqrt(alpha * beta) * Carried(i + 1, Correlation(alpha, beta, gamma))
    return Eq(Carried(i, RHO), SharedVariance(W, i) * Average(inner, OVER_PAIRS), evaluate=False)


LAST_OF_ALL = Eq(sqrt(_A * _B) * Carried(d, Correlation(_A, _B, _C)), _C, evaluate=False)
FUNCTIONS = definition(
    "angle-functions",
    Words(
        "The functions {} of a correlation are defined from the last layer back: {} there (also where a length is "
        "zero), and {}.",
        Carried(i, RHO),
        LAST_OF_ALL,
        operator(),
    ),
    for_all=(i, RHO, _A, _B, _C),
)
GAUSSIAN = Hypothesis("gaussian-weights", Words("Every weight is Gaussian."), (Property(Kind.GAUSSIAN, W),))
STANDARD = Hypothesis(
    "standard-pairs",
    Words(
        "The {} and {} are standard Gaussian variables, independent of each other and of all the rest "
        "together: {} and {}.",
        XI(i, K),
        ETA(i, K),
        *(Eq(SharedVariance(e, i), 1, evaluate=False) for e in (XI, ETA)),
    ),
    (
        *(
            Property(kind, e)
            for e in (XI, ETA)
            for kind in (Kind.GAUSSIAN, Kind.SYMMETRIC, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT)
        ),
        Property(Kind.INDEPENDENT_OF, XI, ETA, W, X),
        Property(Kind.INDEPENDENT_OF, ETA, W, X),
        Property(Kind.NONDEGENERATE, XI),
        Property(Kind.NONDEGENERATE, ETA),
    ),
    for_all=(i,),
)
INPUT_FIXED = Hypothesis(
    "samples-given",
    Words("The two samples are given: they are independent of the weights."),
    (Property(Kind.INDEPENDENT_OF, W, X),),
)
DRAWN = (*CHAIN.assumed, GAUSSIAN, STANDARD)
"""What is said of the weights, and of the Gaussian pairs that stand for them."""
_ALL = (RECTIFIER, FINITE_MOMENTS, *DRAWN, FUNCTIONS)
_SYMBOLS = (
    (XI(i, K), Words("one of a standard Gaussian pair, for the first sample")),
    (ETA(i, K), Words("the other of the pair, independent of it")),
    (RHO, Words("a correlation: the cosine of the angle between two samples")),
)


def one_layer() -> Derivation:
    """E[sqrt(A' B') m_{i+1}(rho')] = E[sqrt(A B) m_i(rho)], over the networks."""
    proof = Proof(Setting(_ALL, BEFORE_LAST, OVER_WEIGHTS), Average(covariance(i + 1), OVER_WEIGHTS))
    proof.by(Define(GRAM), Define(Z), Define(S), GaussianPairs(), Gather(entries(i)), Homogeneous(), PullOut())
    a, b, c = entries(i)
    v = SharedVariance(W, i)
    proof.by(ScalesPass(v * a, v * b), Linearity(), Recognise(operator(), ((RHO, Correlation(a, b, c)),)))
    return proof.done("angle-operator-step", "One layer, given the layers before", symbols=_SYMBOLS)


def every_layer() -> Derivation:
    """E[sqrt(A B) m_i(rho)] is the same for every layer i: what it is at the input."""
    base = Proof(
        Setting((FINITE_MOMENTS, INPUT_FIXED), LAST, OVER_WEIGHTS), Average(covariance(Integer(0)), OVER_WEIGHTS)
    )
    base.by(Define(GRAM), Define(Z), Linearity())
    rule = Induction(base.done("angle-operator-base", "The input is fixed"), one_layer())
    proof = Proof(Setting((*_ALL, INPUT_FIXED), HERE, OVER_WEIGHTS), Average(covariance(i), OVER_WEIGHTS)).by(rule)
    return proof.done("angle-operator-layers", "From every layer on, the same is foreseen", symbols=_SYMBOLS)


def angle_operator() -> Derivation:
    """E[C] behind the last layer is |x| |x'| m_0(rho), for two inputs x and x' of correlation rho."""
    a, b, c = entries(d)
    layers_before = every_layer()
    proof = Proof(Setting((*_ALL, INPUT_FIXED), LAST, OVER_WEIGHTS), Average(c, OVER_WEIGHTS))
    proof.by(Recognise(LAST_OF_ALL, ((_A, a), (_B, b), (_C, c))), ByLemma(layers_before))
    return proof.done(
        "angle-operator",
        "The covariance of two samples at every width, by an operator on functions of their angle",
        symbols=_SYMBOLS,
        source="Jakub & Nica 2023 (the angle as a Markov chain)",
        parts=(layers_before, length()),
        remarks=(
            Words(
                "It is exact at every width, and the layers may have any widths: {} is one linear operator a layer, on "
                "functions of a correlation. At He's gain, {}, the mean squared length per unit stays as it is.",
                operator(),
                *HE_WEIGHTS.equations,
            ),
        ),
    )


def length() -> Derivation:
    """E[alpha] = n_{i+1} (1 + a^2)/2: what a layer makes of a squared length, on average, but for Var[W]."""
    alpha, _, _ = pair_sums(RHO)
    setting = Setting((RECTIFIER, FINITE_MOMENTS, STANDARD), HERE, OVER_PAIRS)
    proof = Proof(setting, Average(alpha, OVER_PAIRS))
    proof.by(Linearity(), DefineRectifier(), Expand(), Linearity(), OddMean(), CentredSquare())
    proof.by(PutIn(((SharedVariance(XI, i), Integer(1)),)), EqualTerms(), Collect())
    return proof.done("angle-operator-length", "What a layer makes of a squared length, on average", symbols=_SYMBOLS)
