"""Two samples at real widths: the covariances of a layer's pre-activations are random, and how they travel."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Integer, Sum, Symbol, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.blocks import Dense, Elementwise, Serial, layers, network_input
from derive.hypotheses import FINITE_FOURTH_MOMENTS, Hypothesis, Kind, Property
from derive.indices import L
from derive.kinds import definition
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import NETWORKS, Family
from derive.rules import ByLemma, Define, EqualTerms, Expand, Linearity
from derive.rules.algebra import FactorOut
from derive.rules.expectation import CovarianceDefinition
from derive.rules.fluctuations import SmallFluctuations
from derive.rules.given import PutIn, Rename
from derive.rules.kernel import GivenLayersBefore
from derive.rules.pairs import EqualPairs, SplitDiagonal
from derive.rules.sums import MultiplySums
from derive.rules.towers import CovarianceFromMoments
from derive.rules.wide import FIRST, SECOND, U
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE
from derive.theorems.signals import Q1, Q2, Q12
from derive.words import Words

_CHAIN = layers(
    Serial(Dense(n(i + 1), bias_variance=None), Elementwise(output="z'")), network_input(n(i), samples=2), "z"
)
_Z, _S = _CHAIN.defined
_X, _W, _B = (drawn.family for drawn in _CHAIN.drawn)
KERNELS = Family(
    "K",
    meaning=Words("the covariance of the pre-activations of two samples over a layer's own weights and biases"),
    extents=lambda _: (Integer(2), Integer(2)),
    definition=lambda i, t, u: (
        SharedVariance(_W, i) * Sum(_Z(i, t, L) * _Z(i, u, L), (L, 1, n(i))) + SharedVariance(_B, i)
    ),
)
_GAIN = definition(
    "gain",
    Words("{} is the gain of the weights: {}.", GAIN, Eq(GAIN, n(i + 1) * SharedVariance(_W, i + 1), evaluate=False)),
)
_BIAS = definition(
    "bias-variance",
    Words("{} is the variance of the biases: {}.", BIAS_VARIANCE, Eq(BIAS_VARIANCE, SharedVariance(_B, i + 1))),
)
_GAUSSIAN = Hypothesis(
    "gaussian-layers",
    Words("All weights and biases are Gaussian; the biases are independent of each other and of the two samples."),
    (
        Property(Kind.GAUSSIAN, _W),
        Property(Kind.GAUSSIAN, _B),
    ),
)
