"""SELU's constants: the activation that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Derivative, Eq, Expr, Piecewise, S, Subs, Symbol, exp, symbols

from derive.averages import Average, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import FINITE_MOMENTS, Hypothesis
from derive.kinds import definition
from derive.maps.map_rules import Differentiate, SetValue
from derive.proof.derivation import Derivation, Proof
from derive.randomness import Over, Source
from derive.rules import ByLemma, Solve, VarianceDefinition
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.given import PutIn
from derive.rules.stability import (
    BoundByIntervals,
    DerivativeInMean,
    DerivativeOfParts,
    SpectralRadius,
    TriangularSpectrum,
)
from derive.rules.wide import ByClosedForm
from derive.setting import Setting
from derive.words import Words

ALPHA, LAMBDA = symbols("alpha lambda", positive=True)
Z = Symbol("z", real=True)
SELU = LAMBDA * Piecewise((Z, Z > 0), (ALPHA * (exp(Z) - 1), True))


def _expectation(g: Expr, mean: Expr = S.Zero, variance: Expr = S.One) -> Expr:
    return GaussianExpectation.of(g, (Z,), (mean,), ((variance,),))


MEAN, OMEGA = symbols("mu omega", real=True)
VARIANCE, TAU = symbols("nu tau", positive=True)
_OVER_UNITS = Over("units", (Source("pre-activations"),))


def _next(moment: Expr) -> Expr:
    """Return a moment over the units of a layer as one over the law of their pre-activations."""
    made: Expr = moment.replace(Average, lambda g, _: _expectation(g, MEAN * OMEGA, VARIANCE * TAU))
    return made


NEXT_MEAN = _next(Average(F(Z), _OVER_UNITS))
NEXT_VARIANCE = _next(VarianceDefinition().apply(Variance(F(Z), _OVER_UNITS), Setting((FINITE_MOMENTS,))).after)
_SYMBOLS = (
    (LAMBDA, Words("the factor of SELU")),
    (ALPHA, Words("how far below zero SELU goes, in units of {}", LAMBDA)),
    (Z, Words("a pre-activation")),
    (F(Z), Words("the activation function")),
    (SLOPE_OF_F(Z), Words("its derivative")),
    (MEAN, Words("the mean of the activations of a layer")),
    (VARIANCE, Words("their variance")),
    (OMEGA, Words("the sum of the weights into a unit")),
    (TAU, Words("the sum of their squares")),
)
NORMALISED = Hypothesis(
    "normalised-weights",
    Words(
        "A pre-activation is a sum of many independent terms, Gaussian with mean {} and variance {}; the weights into "
        "a unit are normalised: {}, {}.",
        MEAN * OMEGA,
        VARIANCE * TAU,
        Eq(OMEGA, 0),
        Eq(TAU, 1),
    ),
    (),
    exact=False,
    source="Klambauer et al. 2017, section 2",
)
JACOBIAN = tuple(symbols(names, real=True) for names in ("J_11 J_12", "J_21 J_22"))
_SLOPES = {
    JACOBIAN[row][column]: Subs(Derivative(of, by), (MEAN, VARIANCE), (0, 1))
    for row, of in enumerate((NEXT_MEAN, NEXT_VARIANCE))
    for column, by in enumerate((MEAN, VARIANCE))
}
MOMENT_MAP = definition(
    "moment-map",
    Words(
        "The derivatives of the next mean and of the next variance by the mean {} and the variance {} are called {}, "
        "{}, {} and {}.",
        MEAN,
        VARIANCE,
        *(Eq(entry, slope, evaluate=False) for entry, slope in _SLOPES.items()),
    ),
    source="Klambauer et al. 2017, section 2",
)
SELU_UNIT = Hypothesis(
    "selu",
    Words("The activation is SELU, {}.", Eq(F(Z), SELU, evaluate=False)),
    (),
    source="Klambauer et al. 2017, equation 2",
    for_all=(Z,),
)
_NORMALISED = PutIn(((OMEGA, S.Zero), (TAU, S.One)))
_SELU = PutIn(((F(Z), SELU),))
MEAN_IS_ZERO = Eq(_expectation(SELU), 0, evaluate=False)
SQUARE_IS_ONE = Eq(_expectation(SELU**2), 1, evaluate=False)
FIXED_MEAN = Hypothesis(
    "fixed-mean",
    Words("A unit with a standard normal pre-activation has mean zero: {}.", MEAN_IS_ZERO),
    (),
    source="Klambauer et al. 2017, section 2",
)
FIXED_SQUARE = Hypothesis(
    "fixed-square",
    Words("Its mean square is one: {}.", SQUARE_IS_ONE),
    (),
    source="Klambauer et al. 2017, section 2",
)


def moment(power: int, mean: Expr = S.Zero, variance: Expr = S.One) -> Derivation:
    """E[selu(z)^power] for a Gaussian z, in closed form."""
    proof = Proof(Setting(()), _expectation(SELU**power, mean, variance)).by(ByClosedForm())
    return proof.done(f"selu-moment-{power}", "The mean of SELU" if power == 1 else "The mean square of SELU")


@cache
def alpha() -> Derivation:
    """alpha, for which the mean of SELU is zero."""
    lemma = moment(1)
    proof = Proof(Setting((FIXED_MEAN,)), ALPHA)
    proof.by(Solve(ALPHA, MEAN_IS_ZERO, lemma))
    return proof.done("selu-alpha", "SELU's alpha")


def constant_lambda(first: Derivation) -> Derivation:
    """Return lambda, for which the mean square of SELU is one."""
    square = Proof(Setting((FIXED_MEAN,)), _expectation(SELU**2)).by(ByClosedForm(), ByLemma(first))
    lemma = square.done("selu-square", "The mean square of SELU, with its alpha")
    proof = Proof(Setting((FIXED_MEAN, FIXED_SQUARE)), LAMBDA)
    proof.by(Solve(LAMBDA, SQUARE_IS_ONE, lemma))
    return proof.done("selu-lambda", "SELU's lambda")


def slope(row: int, column: int) -> Derivation:
    """Return an entry of the Jacobian of the map of mean and variance, at its fixed point, for normalised weights."""
    entry = JACOBIAN[row][column]
    hypotheses = [MOMENT_MAP, NORMALISED]
    if column == 1:
        hypotheses += [SELU_UNIT] if row == 0 else [SELU_UNIT, FIXED_MEAN]
    proof = Proof(Setting(tuple(hypotheses)), entry)
    proof.by(PutIn(((entry, _SLOPES[entry]),)), say=Words("By its definition."))
    if column == 0:
        proof.by(DerivativeInMean(), _NORMALISED)
    else:
        proof.by(*((DerivativeOfParts(),) if row == 1 else ()), _NORMALISED, _SELU)
        proof.by(*((PutIn(((_expectation(SELU), S.Zero),)),) if row == 1 else ()), ByClosedForm(), Differentiate())
    names = ("mean", "variance")
    title = f"The next {names[row]} when the {names[column]} changes"
    return proof.by(SetValue()).done(f"selu-{names[row]}-by-{names[column]}", title)


def selu_stability(first: Derivation, second: Derivation) -> Derivation:
    """Return a bound on the spectral radius of the map (mean, variance) at its fixed point: it is below 1."""
    proof = Proof(Setting((MOMENT_MAP, NORMALISED, SELU_UNIT, FIXED_MEAN, FIXED_SQUARE)), SpectralRadius.of(JACOBIAN))
    proof.by(ByLemma(slope(0, 0)), ByLemma(slope(1, 0)), TriangularSpectrum(), ByLemma(slope(1, 1)))
    proof.by(ByLemma(first), ByLemma(second), BoundByIntervals(4))
    return proof.done(
        "selu-stability",
        "Mean 0 and variance 1 attract",
        source="Klambauer et al. 2017, section 2 and appendix A3",
        symbols=_SYMBOLS,
        parts=(slope(0, 1),),
        remarks=(
            Words(
                "The bound is below one: a mean and a variance near {} and {} come closer at every layer. The first "
                "column vanishes, since a mean passes through the sum of the weights, {}.",
                S.Zero,
                S.One,
                OMEGA,
            ),
        ),
    )


def selu_fixed_point() -> Derivation:
    """The constants lambda and alpha, for which SELU keeps mean 0 and variance 1."""
    first = alpha()
    second = constant_lambda(first)
    return replace(
        second,
        name="selu-fixed-point",
        title="SELU's constants, in closed form",
        source="Klambauer et al. 2017, equation 2",
        symbols=_SYMBOLS,
        parts=(first, selu_stability(first, second)),
    )
