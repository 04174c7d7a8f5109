"""Wide networks at a critical point: how the length of a pre-activation goes to its fixed point."""

from __future__ import annotations

from functools import cache
from typing import Any

from sympy import Eq, Expr, Function, Integer, Symbol, tanh

from derive.hypotheses import Hypothesis, Kind, Property
from derive.network import BIAS_VARIANCE, DERIVATIVES, GAIN
from derive.proof.derivation import Derivation, Proof
from derive.rules.any_activation import CURVATURE_OF_F, SLOPE_OF_F, F
from derive.rules.asymptotics import LAYER
from derive.rules.decay import DecayOfRecursion, recursion_of
from derive.rules.given import PutIn
from derive.rules.near_one import CollectPowers
from derive.rules.near_zero import ExpandInVariance, ExpandOneSided, OneSided
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting
from derive.words import Words

LENGTH = Function("q", positive=True)
OFFSET = Function("x", real=True)
X = Symbol("x", positive=True)
NEXT_LENGTH = GAIN * one_gaussian(F(U) ** 2) + BIAS_VARIANCE
"""The variance of a pre-activation one layer on."""
NEXT_OFFSET = Q - NEXT_LENGTH.subs(Q, Q - X)
"""How much it is then below the fixed point, where it was X below."""
SLOPE_OF_SQUARE = one_gaussian(SLOPE_OF_F(U) ** 2) + one_gaussian(F(U) * CURVATURE_OF_F(U))
"""d/dq E[f(u)^2]."""
_SLOPES = OneSided(1, 1) ** 2 + OneSided(1, -1) ** 2

SOURCE = "Roberts, Yaida & Hanin 2022, section 5.3.3"
NO_BIAS = Hypothesis(
    "origin-fixed",
    Words("Length zero is a fixed point: {} and {}.", Eq(F(0), 0), Eq(BIAS_VARIANCE, 0)),
    (),
    source=SOURCE,
)
CRITICAL = Hypothesis(
    "critical-at-zero",
    Words("The length map has slope one there: {}.", Eq(GAIN * SLOPE_OF_F(0) ** 2, 1)),
    (),
    source=SOURCE,
)
SMOOTH_AT_ZERO = Hypothesis(
    "smooth-at-zero",
    Words("The activation has six derivatives, which grow no faster than a Gaussian mean allows."),
    (Property(Kind.SMOOTH, order=6),),
    source=SOURCE,
)
SIDED_AT_ZERO = Hypothesis(
    "smooth-on-each-side",
    Words("The activation is continuous, and smooth on each side of a kink at {}.", Integer(0)),
    (Property(Kind.SIDED),),
)
CRITICAL_SIDED = Hypothesis(
    "critical-at-kink", Words("The length map has slope one at zero: {}.", Eq(GAIN * _SLOPES, 2)), ()
)
HALF_STABLE = Hypothesis(
    "half-stable",
    Words(
        "The length {} is a fixed point at which the length map has slope one: {} and {}.",
        Q,
        Eq(NEXT_LENGTH, Q),
        Eq(GAIN * SLOPE_OF_SQUARE, 1),
    ),
    (),
    source="Roberts, Yaida & Hanin 2022, section 5.3.4",
)


def _attracts(sequence: Any, recursion: Eq, why: str) -> Hypothesis:
    return Hypothesis(
        f"layer-by-layer-{sequence.__name__}",
        Words("The layers are wide, each applies the same length map, {}, and {} " + why, recursion, sequence(LAYER)),
        (Property(Kind.ATTRACTED),),
        exact=False,
        source="Poole et al. 2016; Roberts, Yaida & Hanin 2022",
        for_all=(LAYER,),
    )


FOLLOWS = _attracts(
    LENGTH,
    recursion_of(LENGTH, LAYER, NEXT_LENGTH, Q),
    "starts small, on the side that is attracted: the next order is negative.",
)
FOLLOWS_OFFSET = _attracts(
    OFFSET,
    recursion_of(OFFSET, LAYER, NEXT_OFFSET, X),
    "starts small, with the sign for which it shrinks.",
)

_ORDERS = ("the activation function", "its first derivative", "its second", "its third", "its fourth")
_SYMBOLS = (
    *((f(U), Words(f"{name}, at a pre-activation {{}}", U)) for f, name in zip(DERIVATIVES, _ORDERS, strict=True)),
    *((f(0), Words(f"{name}, at zero")) for f, name in zip(DERIVATIVES, _ORDERS, strict=True)),
    *(
        (OneSided(k, side), Words(f"{_ORDERS[k]}, {'right' if side == 1 else 'left'} of zero"))
        for k in (1, 2)
        for side in (1, -1)
    ),
    (Q, Words("the variance of a pre-activation")),
    (GAIN, Words("the variance of the weights times the fan-in")),
    (BIAS_VARIANCE, Words("the variance of the biases")),
    (LENGTH(LAYER), Words("the variance of a pre-activation at layer {}", LAYER)),
    (OFFSET(LAYER), Words("how much it is below its fixed point, at layer {}", LAYER)),
    (X, Words("how much a variance is below its fixed point")),
    (LAYER, Words("the layer")),
)
_AT_ORIGIN = PutIn(((F(0), Integer(0)), (BIAS_VARIANCE, Integer(0))))


@cache
def smooth_length_map() -> Derivation:
    """The map q' = q - c q^2, with c = -(f'''(0)/f'(0) + (3/4) (f''(0)/f'(0))^2)."""
    proof = Proof(Setting((NO_BIAS, CRITICAL, SMOOTH_AT_ZERO)), NEXT_LENGTH)
    proof.by(ExpandInVariance(Q, 3), _AT_ORIGIN)
    proof.by(PutIn(((GAIN, 1 / SLOPE_OF_F(0) ** 2),)), CollectPowers(Q))
    return proof.done("length-map-smooth", "The length map near zero", symbols=_SYMBOLS)


@cache
def critical_length() -> Derivation:
    """q_l ~ 1/(c l), with c = -(f'''(0)/f'(0) + (3/4) (f''(0)/f'(0))^2)."""
    lemma = smooth_length_map()
    proof = Proof(Setting((NO_BIAS, CRITICAL, SMOOTH_AT_ZERO, FOLLOWS)), LENGTH(LAYER))
    proof.by(DecayOfRecursion(lemma, LENGTH, Q))
    return proof.done(
        "critical-length",
        "How the length goes to zero at a critical point",
        source=SOURCE,
        symbols=_SYMBOLS,
        parts=(lemma,),
        remarks=(
            Words("For tanh, with {}, {} and {}, it is {}.", *_of_tanh(proof.now)),
            Words(
                "Where the right side is negative the next order is positive: zero repels, and no length goes to it."
            ),
        ),
    )


def _of_tanh(result: Expr) -> tuple[Expr, ...]:
    z = Symbol("z", real=True)
    at_zero = {f(0): tanh(z).diff(z, k).subs(z, 0) for k, f in enumerate(DERIVATIVES)}
    shown = [Eq(f(0), at_zero[f(0)], evaluate=False) for f in DERIVATIVES[1:4]]
    return (*shown, result.xreplace(at_zero))


def kinked_length_map() -> Derivation:
    """The map q' = q - A q^(3/2), with A from the slopes and curvatures on both sides of zero."""
    proof = Proof(Setting((NO_BIAS, CRITICAL_SIDED, SIDED_AT_ZERO)), NEXT_LENGTH)
    proof.by(ExpandOneSided(Q, 4), _AT_ORIGIN)
    proof.by(PutIn(((GAIN, 2 / _SLOPES),)), CollectPowers(Q))
    return proof.done("length-map-kinked", "The length map near zero, with a kink there", symbols=_SYMBOLS)


def critical_length_kinked() -> Derivation:
    """q_l ~ 4/(A l)^2, with A = sqrt(8/pi) (f'(0-) f''(0-) - f'(0+) f''(0+))/(f'(0+)^2 + f'(0-)^2)."""
    lemma = kinked_length_map()
    proof = Proof(Setting((NO_BIAS, CRITICAL_SIDED, SIDED_AT_ZERO, FOLLOWS)), LENGTH(LAYER))
    proof.by(DecayOfRecursion(lemma, LENGTH, Q))
    return proof.done(
        "critical-length-kinked",
        "How the length goes to zero at a critical point, with a kink at zero",
        symbols=_SYMBOLS,
        parts=(lemma,),
    )


def half_stable_map() -> Derivation:
    """The map x' = x - a x^2 for a length x below its fixed point, with a = sigma_w^2 E[(f^2)'''']/8."""
    proof = Proof(Setting((HALF_STABLE, SMOOTH_AT_ZERO)), NEXT_OFFSET)
    square, curved = one_gaussian(F(U) ** 2), one_gaussian(F(U) * CURVATURE_OF_F(U))
    proof.by(
        ExpandInVariance(X, 3),
        PutIn(((BIAS_VARIANCE, Q - GAIN * square),)),
        PutIn(((one_gaussian(SLOPE_OF_F(U) ** 2), 1 / GAIN - curved),)),
        CollectPowers(X),
    )
    return proof.done("length-map-half-stable", "The length map near a half-stable point", symbols=_SYMBOLS)


def critical_length_half_stable() -> Derivation:
    """x_l ~ 1/(a l), with a = sigma_w^2 E[(f^2)'''']/8."""
    lemma = half_stable_map()
    proof = Proof(Setting((HALF_STABLE, SMOOTH_AT_ZERO, FOLLOWS_OFFSET)), OFFSET(LAYER))
    proof.by(DecayOfRecursion(lemma, OFFSET, X))
    return proof.done(
        "critical-length-half-stable",
        "How the length goes to a half-stable fixed point",
        source="Roberts, Yaida & Hanin 2022, section 5.3.4",
        symbols=_SYMBOLS,
        parts=(lemma,),
        remarks=(
            Words(
                "Lengths on one side are attracted, those on the other are not: the right side has the sign of the "
                "side that is."
            ),
        ),
    )
