"""Numbers that libraries ship: the derived value by other means, and the verdict by the rule of rounding."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from sympy import Eq, Float, acos

import derive
from derive.claims.audit import Inconsistent, audit
from derive.network import SLOPE
from derive.proof.derivation import Statement


def _mean(f, cuts=()):
    points = sorted({-13, -8, -5, -2, 0, 2, 5, 8, 13, *cuts})
    return mpmath.quad(lambda z: f(z) * mpmath.npdf(z), points)


def _deviation(f):
    return mpmath.sqrt(_mean(lambda z: f(z) ** 2) - _mean(f) ** 2)


def _selu_alpha():
    # Klambauer et al. 2017, equation 14
    e, root = mpmath.exp, mpmath.sqrt
    return -root(2 / mpmath.pi) / (mpmath.erfc(1 / root(2)) * e(0.5) - 1)


def _selu_lambda():
    """From E[selu²] = 1 with E[selu] = 0, by quadrature with the alpha above."""
    alpha = _selu_alpha()
    return 1 / mpmath.sqrt(_mean(lambda z: z * z if z > 0 else (alpha * mpmath.expm1(z)) ** 2))


def _edge(f, slope, b, guess):
    """σ_w² with q = σ_w² E[f²] + b and σ_w² E[f'²] = 1."""

    def moments(q):
        s = mpmath.sqrt(q)
        return _mean(lambda z: f(s * z) ** 2), _mean(lambda z: slope(s * z) ** 2)

    def gap(q):
        second, square = moments(q)
        return q - second / square - b

    q = mpmath.findroot(gap, guess, solver="secant", tol=1e-16)
    return 1 / moments(q)[1]


def _logistic(z):
    return 1 / (1 + mpmath.exp(-z))


def _silu_slope(z):
    return _logistic(z) * (1 + z * _logistic(-z))


def _phi(z):
    return z * mpmath.ncdf(z)


def _elu(z):
    return z if z > 0 else mpmath.expm1(z)


B = mpmath.mpf(1) / 25
VALUES = {
    "torch-gain-tanh": (lambda: 1 / mpmath.sqrt(_mean(lambda z: mpmath.tanh(z) ** 2)), "1.6666666666666666666666667"),
    "torch-gain-selu": (lambda: mpmath.mpf(1), "0.75"),
    "torch-gain-sigmoid": (lambda: 1 / mpmath.sqrt(_mean(lambda z: _logistic(z) ** 2)), "1"),
    "nfnet-gamma-relu": (lambda: 1 / mpmath.sqrt(0.5 - 0.5 / mpmath.pi), "1.7139588594436646"),
    "nfnet-gamma-gelu": (lambda: 1 / _deviation(_phi), "1.7015043497085571"),
    "nfnet-gamma-silu": (lambda: 1 / _deviation(lambda z: z * _logistic(z)), "1.7881293296813965"),
    "nfnet-gamma-tanh": (lambda: 1 / _deviation(mpmath.tanh), "1.5939117670059204"),
    "nfnet-gamma-sigmoid": (lambda: 1 / _deviation(_logistic), "4.803835391998291"),
    "nfnet-gamma-elu": (lambda: 1 / _deviation(_elu), "1.2716004848480225"),
    # f(0) = 1/2, f'(0) = 1/4: N v² = 1/(f'(0)² (1 + f(0)²)) (Kumar 2017, equation 14)
    "kumar-sigmoid": (lambda: mpmath.sqrt(16 / mpmath.mpf("1.25")), "3.6"),
    "selu-alpha": (_selu_alpha, "1.6732632423543772848170429916717"),
    "selu-lambda": (_selu_lambda, "1.0507009873554804934193349852946"),
    "hayou-tanh-eoc": (
        lambda: mpmath.sqrt(_edge(mpmath.tanh, lambda z: mpmath.sech(z) ** 2, B, (0.5, 0.53))),
        "1.302",
    ),
    "hayou-elu-eoc": (
        lambda: mpmath.sqrt(_edge(_elu, lambda z: mpmath.mpf(1) if z > 0 else mpmath.exp(z), B, (1.1, 1.2))),
        "1.227",
    ),
    "swish-eoc": (lambda: _edge(lambda z: z * _logistic(z), _silu_slope, B, (0.6, 0.7)), "2.952"),
    # 1 - 2·2φ(2)/(2Φ(2) - 1) is the variance of a normal truncated at two
    "truncated-normal-std": (
        lambda: mpmath.sqrt(1 - 4 * mpmath.npdf(2) / (2 * mpmath.ncdf(2) - 1)),
        "0.87962566103423978",
    ),
    "glorot-tanh-linear": (lambda: _mean(lambda z: mpmath.tanh(z) ** 2), "1"),
}
EXACT = {"torch-gain-tanh", "torch-gain-selu", "torch-gain-sigmoid", "glorot-tanh-linear"}
# Two-dimensional searches are exact to fewer digits.
DIGITS = {"hayou-tanh-eoc": 13, "hayou-elu-eoc": 13, "swish-eoc": 13, "selu-lambda": 25}


@pytest.fixture(autouse=True)
def _many_digits():
    with mpmath.workdps(45):
        yield


@pytest.fixture(scope="module", params=VALUES)
def number(request):
    """A claim, its audit, the true value by mpmath and what is printed."""
    value, printed = VALUES[request.param]
    with mpmath.workdps(20 if request.param in DIGITS and DIGITS[request.param] == 13 else 38):
        true = value()
    claim = derive.claim(request.param)
    return request.param, claim, claim.audit(), true, printed


def test_the_derived_value_is_the_true_one(number):
    """Quadrature and published formulas written here, not the project's."""
    name, _, found, true, _ = number
    derived = mpmath.mpf(str(found.derived.evalf(32)))
    assert abs(derived / true - 1) < mpmath.mpf(10) ** -DIGITS.get(name, 26)


def test_the_verdict_is_that_of_rounding(number):
    """A decimal holds if the true value rounds to its digits or to its float64; an exact value must be equal."""
    name, claim, found, true, printed = number
    unit = Fraction(1, 10 ** len(printed.partition(".")[2]))
    if name in EXACT:
        holds = abs(mpmath.mpf(printed) - true) < mpmath.mpf(10) ** -20
        assert claim.decimal is None
    else:
        holds = abs(mpmath.mpf(printed) - true) <= mpmath.mpf(unit.numerator) / unit.denominator / 2
        holds = holds or float(printed) == float(true)
        assert claim.decimal == printed
    assert found.verdict == ("holds" if holds else "refuted")
    assert "identical" not in found.evidence or claim.decimal is None


def test_a_planted_digit_is_caught(number):
    """The true value, rounded to the digits printed, holds; one more in the last digit is refuted."""
    name, claim, _, true, printed = number
    places = min(len(printed.partition(".")[2]) or 3, DIGITS.get(name, 26))
    right = int(mpmath.nint(true * mpmath.mpf(10) ** places))
    for shift, verdict in ((0, "holds"), (1, "refuted"), (-1, "refuted")):
        decimal = str(right + shift)
        decimal = f"{decimal[:-places].rjust(1, '0')}.{decimal[-places:].rjust(places, '0')}"
        planted = replace(claim, printed=Statement(claim.printed.lhs, "=", Float(decimal, places + 2)), decimal=decimal)
        try:
            found = planted.audit()
        except Inconsistent as why:
            pytest.fail(str(why))
        if len(decimal) >= len(repr(float(true))) and float(decimal) == float(true):
            # The nearest float64, to as many digits as it has.
            written = f"{Decimal(float(true)):.{places}f}"
            verdict = "holds" if shift == 0 or decimal == written else "refuted"
        assert found.verdict == verdict, decimal
        assert (found.counterexample is None) == (verdict == "holds")


@pytest.mark.parametrize("name", ["torch-gain-relu", "torch-gain-leaky-relu"])
def test_formulas_that_hold(name):
    """E[relu²] = q/2 and E[leaky²] = (1 + a²) q/2, so √2 and √(2/(1 + a²)); a wrong factor is refuted."""
    claim = derive.claim(name)
    assert claim.audit().verdict == "holds"
    wrong = replace(claim, printed=Statement(claim.printed.lhs, "=", claim.printed.rhs * 101 / 100))
    assert wrong.audit().verdict == "refuted"


def test_dropout_needs_mean_zero():
    """Var[x m] = (s + μ² p)/(1 - p) for a mask of 1/(1 - p) with probability 1 - p: s/(1 - p) only if μ = 0."""
    found = derive.claim("dropout-variance").audit()
    assert found.verdict == "holds-if"
    assert str(found.condition) == "Eq(mu, 0)"
    s, p, mu = (next(x for x in found.derived.free_symbols if x.name == n) for n in ("s", "p", "mu"))
    assert (found.derived - (s + mu**2 * p) / (1 - p)).simplify() == 0


def test_every_claim_of_the_list_exists_and_reads():
    """Each has a verdict, a source and a text without an internal name."""
    for name in [*VALUES, "torch-gain-relu", "torch-gain-leaky-relu", "dropout-variance"]:
        assert name in derive.claims()
        text = derive.claim(name).audit().text()
        assert "__" not in text
        assert "printed" in text
        assert "source" in text


def test_the_correlation_map_of_leaky_relu():
    """As TAT has it, against an integral over the angle of two normals; with another factor it is right for lines."""
    found = derive.claim("tat-correlation").audit()
    assert found.verdict == "holds"
    c, a = mpmath.mpf("0.4"), mpmath.mpf("0.3")
    angle = mpmath.acos(c)

    def both(t):
        left, right = mpmath.cos(t), mpmath.cos(t - angle)
        return (left if left > 0 else a * left) * (right if right > 0 else a * right)

    kinks = sorted({0, 2 * mpmath.pi, *(mpmath.pi * k / 2 + shift for k in (1, 3) for shift in (0, angle))})
    true = mpmath.quad(both, [k for k in kinks if k <= 2 * mpmath.pi]) / mpmath.pi * 2 / (1 + a**2)
    printed = found.claim.printed.rhs
    at = {s: {"c": c, "a": a}[s.name] for s in printed.free_symbols}
    assert abs(mpmath.mpf(str(printed.subs(at).evalf(20))) / true - 1) < 1e-12
    half = printed.replace(acos, lambda e: acos(e) / 2)
    wrong = audit(replace(found.claim, printed=replace(found.claim.printed, rhs=half)))
    assert (wrong.verdict, wrong.condition) == ("holds-if", Eq(SLOPE, 1))
