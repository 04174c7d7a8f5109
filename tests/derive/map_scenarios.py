"""Rules of maps at work: derivatives of Gaussian expectations, values, closed forms near full correlation."""

from scenario import Scenario
from sympy import Abs, Derivative, Integer, Rational, Subs, asin, atan, pi, sign, sqrt, tanh

from derive.gaussian import GaussianExpectation
from derive.layers import Facts
from derive.maps.apart import GAPS_NAMED, NameGaps, TermByTerm, difference
from derive.maps.gaps import d, e
from derive.maps.map_rules import (
    Differentiate,
    EvenPart,
    OneVariable,
    PriceInCorrelation,
    PriceInVariance,
    ScaleInVariance,
    SetValue,
    Shorten,
)
from derive.maps.symbols import c, q, rho, sigma_w2, x, y
from derive.rules.wide import U


def one(integrand):
    """E[g(u)] for u ~ N(0, q)."""
    return GaussianExpectation.of(integrand, (U,), (Integer(0),), ((q,),))


def pair(integrand):
    """E[g(x, y)] at variance q and correlation rho."""
    return GaussianExpectation.of(integrand, (x, y), (Integer(0), Integer(0)), ((q, q * rho), (q * rho, q)))


def of_one_law(integrand, shared):
    """E[g(x, y)] at variance q and a covariance."""
    return GaussianExpectation.of(integrand, (x, y), (Integer(0), Integer(0)), ((q, shared), (shared, q)))


def map_scenarios():
    """Price's theorem in the correlation and the variance, scaling, symmetry, values, differences term by term."""
    ratio = q * rho / (1 + q)
    third = q**3 / 3 + q
    near = asin(c / q)
    # Names are put in on both sides; no world is without them.
    key = GAPS_NAMED.key
    named = {"hypotheses": (GAPS_NAMED,), "needs": (key,), "undefined": (key,)}
    return [
        Scenario(
            PriceInCorrelation(),
            Derivative(sigma_w2 * pair(x**2 * y**2) + q, rho),
            sigma_w2 * q * pair(4 * x * y),
            (sigma_w2 * pair(4 * x * y), 2 * sigma_w2 * q * pair(x * y), sigma_w2 * q * pair(4 * x**2)),
        ),
        Scenario(
            OneVariable(U),
            sigma_w2 * of_one_law(x**2 * Abs(y), Integer(0)),
            sigma_w2 * one(U**2) * one(Abs(U)),
            (sigma_w2 * one(U**2 * Abs(U)), sigma_w2 * one(U**2) ** 2, one(U**2) * one(Abs(U))),
        ),
        Scenario(
            OneVariable(U),
            2 * of_one_law(x**2 * Abs(y), q),
            2 * one(U**2 * Abs(U)),
            (2 * one(U**2) * one(Abs(U)), 2 * one(Abs(U)), one(U**2 * Abs(U))),
        ),
        Scenario(
            PriceInVariance(),
            Derivative(3 * one(U**4 + U), q),
            Rational(3, 2) * one(12 * U**2),
            (36 * one(U**2), 18 * one(U), 6 * one(U**3)),
        ),
        Scenario(
            ScaleInVariance(),
            Derivative(sigma_w2 * one(Abs(U)), q),
            sigma_w2 * one(U * sign(U)) / (2 * q),
            (sigma_w2 * one(U * sign(U)) / q, sigma_w2 * one(U * sign(U)) / 2, one(U * sign(U)) / (2 * q)),
        ),
        Scenario(
            Differentiate(),
            Derivative(third, q),
            q**2 + 1,
            (q**2, q**2 / 3 + 1, q**3 + q),
        ),
        Scenario(
            SetValue(),
            Subs(asin(ratio) + rho, rho, 1),
            asin(q / (1 + q)) + 1,
            (asin(q / (1 + q)), asin(q / (2 + q)) + 1, Integer(1)),
        ),
        Scenario(EvenPart(), 2 * one(tanh(U) + 1), Integer(2), (Integer(0), Integer(4))),
        Scenario(Shorten(), q * rho + q * sigma_w2, q * (rho + sigma_w2), (q * rho + sigma_w2, q * (rho - sigma_w2))),
        Scenario(
            TermByTerm(near),
            difference(near),
            # asin 1 - asin r = 2 atan sqrt((1 - r)/(1 + r)).
            2 * atan(sqrt(d) / sqrt(e)),
            (atan(sqrt(d) / sqrt(e)), 2 * atan(sqrt(e) / sqrt(d)), pi / 2 - 2 * atan(sqrt(d) / sqrt(e))),
            facts=Facts(),
            **named,
        ),
        Scenario(
            NameGaps(),
            q * sqrt(q**2 - c**2),
            q * sqrt(d) * sqrt(e),
            (q * d * e, q * sqrt(d), 2 * q * sqrt(d) * sqrt(e)),
            **named,
        ),
    ]
