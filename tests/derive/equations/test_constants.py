"""Constants held against the number that they stand for, by mpmath where SymPy has no closed form."""

from __future__ import annotations

import mpmath
import pytest
from sympy import Rational

from derive.equations import audit_constant
from derive.equations.constants import right_digits
from derive.errors import InputError

SILU = "1/sqrt(E[silu(u)^2])"


def _true_silu():
    with mpmath.workdps(30):
        square = mpmath.quad(
            lambda u: (u / (1 + mpmath.exp(-u))) ** 2 * mpmath.npdf(u), [-mpmath.inf, -4, 0, 4, mpmath.inf]
        )
        return 1 / mpmath.sqrt(square)


def test_the_constant_of_e3nn():
    """Three of its digits are right: the true value is 1.67653..., and 50 layers make 17 % of the variance of it."""
    found = audit_constant("1.6791767923989418", SILU)
    assert found.verdict == "refuted"
    assert abs(mpmath.mpf(str(found.derived)) / _true_silu() - 1) < 1e-25
    growth = (mpmath.mpf("1.6791767923989418") / _true_silu()) ** 100
    assert f"its variance by {float(growth):.6g}" in str(found.claim.reading)
    assert "of the 17 digits printed 3 are right" in str(found.claim.reading)


def test_the_nearest_float_holds_and_a_wrong_last_digit_does_not():
    """A number to its float64 holds; its neighbour's digits do not, and 15 of them are right."""
    nearest = repr(float(_true_silu()))
    assert audit_constant(nearest, SILU).verdict == "holds"
    wrong = nearest[:-1] + str((int(nearest[-1]) + 5) % 10)
    found = audit_constant(wrong, SILU)
    assert found.verdict == "refuted"
    assert "15 are right" in str(found.claim.reading) or "16 are right" in str(found.claim.reading)


@pytest.mark.parametrize(
    ("printed", "of", "verdict"),
    [
        ("1.414", "1/sqrt(E[relu(u)^2])", "holds"),
        ("1.42", "1/sqrt(E[relu(u)^2])", "refuted"),
        ("5/3", "1/sqrt(E[tanh(u)^2])", "refuted"),
        ("1.5925", "1/sqrt(E[tanh(u)^2])", "holds"),
        ("0.394", "E[tanh(u)^2]", "holds"),
        ("1.46694220692425986", "π/(π - 1)", "holds"),
        ("1.466942206924260361", "π/(π - 1)", "refuted"),
        ("1.71314847", r"1/sqrt(Var[\operatorname{relu6}(z)])", "refuted"),
        ("2", "E[u^2; u ~ N(0, 2)]", "holds"),
    ],
)
def test_constants_in_use(printed, of, verdict):
    """Gains, published means and a closed form."""
    assert audit_constant(printed, of).verdict == verdict


def test_right_digits():
    """By rounding, so that 1.30 for 1.2966 is right to three."""
    assert [right_digits(Rational(p), Rational("3.14159265")) for p in ("3", "3.1", "3.2", "3.14", "4")] == [
        1,
        2,
        1,
        3,
        0,
    ]


@pytest.mark.parametrize(
    ("printed", "of", "message"),
    [
        ("1.5", "E[u*v]", "unknown name 'v'"),
        ("1.5", "E[u x]", "function of one variable expected"),
        ("1.5", "u", "u stands outside every mean"),
        ("1.5", "E[1/u]", "not known to enough digits|no value"),
        ("1.5", "__import__('os')", "a script expected"),
        ("1", "E[u^2; u ~ N(0, -1)]", "a variance is positive, got -1, at column 17"),
        ("1", "E[u; u ~ U(1, 1)]", "the length from one end to the other is positive, got 0"),
        ("1", "E[d; d ~ Bernoulli(3)]", "a chance is between 0 and 1, got 3"),
        ("1", "E[u^2; u ~ N(0, 1), |u| < 0]", "the bound of a law that is cut off is positive"),
        ("1", "E[u^2; u ~ N(0, 1), |x| < 2]", "the bound is that of the variable before it"),
        ("1", "E[u; u ~ Cauchy(0, 1)]", "a law expected, one of N"),
        ("1", "∫ w exp(-w^2) dw", "w stands outside every mean"),
        ("one", "E[u^2]", "is no name that is known here"),
    ],
)
def test_what_is_no_constant(printed, of, message):
    """Each is one clear error."""
    with pytest.raises(InputError, match=message):
        audit_constant(printed, of)
