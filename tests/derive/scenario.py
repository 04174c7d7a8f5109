"""One place where each rule is at work, with what it must compute, typed here by hand, and errors to plant in it.

A scenario has a setting, a start, the rule, the result that is right, wrong results that a slip would give
(an index off by one, a lost term, a wrong constant), and the hypotheses that the step cannot do without.
"""

from dataclasses import dataclass, field

from sympy import Product, Sum, Symbol

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    BIASES_ZERO,
    FINITE_MOMENTS,
    FORWARD,
    INPUTS_CENTRED,
    INPUTS_SHARE_VARIANCE,
    RECTIFIER,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SYMMETRIC,
)
from derive.layers import Facts, d, i
from derive.network import W, b, f, n, s, z
from derive.proof.derivation import Proof
from derive.proof.rule import Rule
from derive.randomness import EVERYTHING
from derive.rules import (
    DeclaredVariance,
    Define,
    Induction,
)
from derive.setting import Setting
from derive.theorems.forward import HERE, forward_step

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
P = Symbol("i'", integer=True)
T = Symbol("w", real=True)
LAST = Facts((d,))


@dataclass(frozen=True)
class Scenario:
    """A rule at work."""

    rule: Rule
    start: object
    right: object
    wrong: tuple[object, ...]
    hypotheses: tuple = ()
    facts: Facts = HERE
    needs: tuple[str, ...] = ()
    over: object = EVERYTHING
    silent: tuple[str, ...] = field(default=())
    """Needed hypotheses without which the rule does not match, rather than refuse."""
    undefined: tuple[str, ...] = field(default=())
    """Needed hypotheses without which the sides have no value, so that no world can refute the step."""
    apart: tuple = ()
    """Two indices that are known to differ."""

    @property
    def setting(self):
        finite = () if FINITE_MOMENTS in self.hypotheses else (FINITE_MOMENTS,)
        setting = Setting((*self.hypotheses, *finite), self.facts, self.over)
        return setting.with_distinct(*self.apart) if self.apart else setting


def E(quantity, over=EVERYTHING):
    return Average(quantity, over)


def V(quantity, over=EVERYTHING):
    return Variance(quantity, over)


def C(left, right):
    return Covariance(left, right, EVERYTHING)


def V_W(layer):
    return SharedVariance(W, layer)


def chain(lower, upper, shift=0):
    return Product(n(P + shift) * V_W(P), (P, lower, upper))


TERM = W(i, L, K) * z(i, L)
TERM_M = W(i, M, K) * z(i, M)
INPUTS = (INPUTS_CENTRED, INPUTS_SHARE_VARIANCE)
ANY_F = (*WEIGHTS, BIASES_SHARE_VARIANCE)
ALIKE = (*WEIGHTS, UNITS_ALIKE, *INPUTS)
RELU_NETWORK = (RECTIFIER, *WEIGHTS, BIASES_ZERO, WEIGHTS_SYMMETRIC)

# The middle of the backward recursion: dCost/ds^i through the definition of s^{i+1}.
S_NEXT = Sum(f(s(i, L)) * W(i + 1, L, J), (L, 1, n(i + 1))) + b(i + 1, J)


def forward_induction():
    """The induction of the forward theorem, with its base and step derived."""
    base = Proof(Setting(FORWARD, LAST), V(z(0, K))).by(Define(z), DeclaredVariance())
    return Induction(base.done("base", "base"), forward_step())
