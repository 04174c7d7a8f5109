"""``varprop expect`` and ``varprop kernel``: what they print, and that the number without a closed form is right."""

import json
import math
import re

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.polynomial.hermite_e import hermegauss

from numerics.cli import main


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_closed_form():
    """E[relu(x) relu(y)] is the arc-cosine kernel of order 1 (Cho & Saul 2009), and its number at 0 is 1/(2 pi)."""
    found = json.loads(run("expect", "relu(x)", "--with", "relu(x)", "--correlation", "0", "--format", "json").stdout)
    assert found["closed_form"] is not None
    assert found["value"] == pytest.approx(1 / (2 * float(mpmath.pi)), rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "mean", "variance", "integrand", "cuts"),
    [
        ("where(x > 0.3, tanh(x), 0)", "0", "1", lambda s: mpmath.tanh(s) if s > 0.3 else 0, [-13, 0.3, 2, 5, 13]),
        ("abs(tanh(x)-0.5)", "0", "1", lambda s: abs(mpmath.tanh(s) - 0.5), [-13, -3, 0, mpmath.atanh(0.5), 2, 5, 13]),
        (
            "where(erf(x) > 0.5, tanh(x), 0)",
            "0",
            "1",
            lambda s: mpmath.tanh(s) if mpmath.erf(s) > 0.5 else 0,
            [-13, 0, mpmath.erfinv(0.5), 2, 5, 13],
        ),
        ("tanh(x)**2", "0.5", "2", lambda s: mpmath.tanh(s) ** 2, [-18, -5, -1, 0, 1, 5, 19]),
    ],
)
def test_number_without_a_closed_form(expression, mean, variance, integrand, cuts):
    """A jump off the grid and a mean off zero cost no digits; quadrature split where the integrand jumps decides."""
    arguments = ("expect", expression, "--mean", mean, "--variance", variance, "--format", "json")
    found = json.loads(run(*arguments).stdout)
    assert found["closed_form"] is None
    with mpmath.workdps(25):
        m, s = mpmath.mpf(mean), mpmath.sqrt(mpmath.mpf(variance))
        true = mpmath.quad(lambda y: integrand(y) * mpmath.npdf(y, m, s), cuts)
    assert abs(found["value"] - true) <= 1e-15
    assert found["error_bound"] < 1e-14


def test_number_of_two_variables_without_a_closed_form():
    """E[tanh(x) silu(y)] with a mean, by the trapezoidal rule on the plane; at correlation -1 by one integral.

    The error of that rule falls as exp(-2 pi a/h) for a function analytic to a from the real line, here beyond 1e-100.
    """
    silu = lambda s: s / (1 + mpmath.exp(-s))  # noqa: E731 -- the function under test, in mpmath
    common = ("expect", "tanh(x)", "--with", "silu(x)", "--mean", "0.3", "--variance", "2", "--format", "json")

    h = 1 / 32
    t, u = np.meshgrid(*2 * [np.arange(-9, 9 + h, h)])
    y = 0.3 + np.sqrt(2) * (np.sqrt(0.51) * u - 0.7 * t)
    density = np.exp(-(t**2 + u**2) / 2) / (2 * np.pi)
    true = h**2 * np.sum(np.tanh(0.3 + np.sqrt(2) * t) * y / (1 + np.exp(-y)) * density)
    found = json.loads(run(*common, "--correlation", "-0.7").stdout)
    assert abs(found["value"] - true) < 1e-13
    assert found["error_bound"] < 1e-12
    opposite = mpmath.quad(
        lambda t: mpmath.tanh(0.3 + mpmath.sqrt(2) * t) * silu(0.3 - mpmath.sqrt(2) * t) * mpmath.npdf(t), [-12, 0, 12]
    )
    assert abs(json.loads(run(*common, "--correlation", "-1").stdout)["value"] - opposite) < 1e-13


def test_no_number_is_no_method():
    """An expectation that does not exist, and one whose parameters are symbols, have neither value nor method."""
    for arguments in (("exp(x**2)",), ("1/x",), ("tanh(x)**2", "--variance", "q")):
        found = json.loads(run("expect", *arguments, "--format", "json").stdout)
        assert found["value"] is None
        assert found["error_bound"] is None
        assert found["method"].startswith("none; ")
        assert not re.search(r"\binf\b", run("expect", *arguments).stdout)


@pytest.mark.parametrize(
    ("arguments", "true"),
    [
        # Clark 1961: E[max(x, y)] = sqrt((1 - r)/pi) for standard normals
        (("max(x,y)", "--correlation", "0.5"), lambda: mpmath.sqrt(0.5 / mpmath.pi)),
        (("max(x,y)", "--correlation", "0.999999999999"), lambda: mpmath.sqrt(mpmath.mpf("1e-12") / mpmath.pi)),
        (("max(x,y)", "--correlation", "-1"), lambda: mpmath.sqrt(2 / mpmath.pi)),
        (("x**2*y**2", "--correlation", "0.25", "--variance", "4"), lambda: mpmath.mpf(16 * (1 + 2 * 0.0625))),
        (("max(x,0)", "--with", "max(x,0)", "--correlation", "-0.99999"), lambda: "4.7450859953268048029e-9"),
        (("sign(x-0.5)", "--with", "sign(x-0.5)", "--correlation", "0.999999999999"), lambda: "0.9999992054736396449"),
        (("where(x>15,1,0)*Phi(-x)",), lambda: "6.737996418248351731e-102"),
        (("exp(-1e10*(x-1)**2)",), lambda: "4.2888194248035339824e-6"),
        (("log(Phi(x))",), lambda: -1),
        (("1/(1+exp(-x))", "--variance", "1e8"), lambda: 0.5),
        (("tanh(x) + 1e-30",), lambda: "1e-30"),
    ],
)
def test_closed_forms_to_the_last_digit(arguments, true):
    """The value is the nearest float, and the stated bound holds and is relative to it (typed: 19 digits, by flint)."""
    found = json.loads(run("expect", *arguments, "--format", "json").stdout)
    assert found["closed_form"] is not None
    with mpmath.workdps(40):
        right = mpmath.mpf(true())
        assert abs(found["value"] - right) <= found["error_bound"] + mpmath.mpf(10) ** -18 * abs(right)
    assert found["error_bound"] <= 3e-16 * abs(found["value"])


def test_a_joint_function_with_symbols():
    """The correlation may be a name; a correlation of nothing is refused."""
    assert run("expect", "max(x,y)", "--correlation", "r").stdout.startswith("√(1 − r)/√π")
    result = run("expect", "x", "--correlation", "0.5")
    assert result.exit_code == 2
    assert "--correlation goes with --with, or with a function of x and y" in result.stderr
    result = run("expect", "log(x - y)", "--correlation", "0.5")
    assert result.exit_code == 2
    assert "EXPR must be real for every x" in result.stderr


def test_a_joint_function_without_a_closed_form_is_a_number():
    """Held against the product rule of Gauss and Hermite, which converges fast for a function this smooth."""
    found = json.loads(run("expect", "tanh(x*y)**2", "--correlation", "0.5", "--format", "json").stdout)
    assert found["closed_form"] is None
    z, weight = np.polynomial.hermite_e.hermegauss(180)
    x, y = np.meshgrid(z, z)
    value = np.tanh(x * (0.5 * x + math.sqrt(0.75) * y)) ** 2
    true = float(weight @ value.T @ weight) / (2 * math.pi)
    assert found["value"] == pytest.approx(true, abs=1e-5)
    assert found["error_bound"] < 1e-13


def test_numbers_beyond_floats_are_printed():
    """exp(-4.5e6) has no float: its decimal digits in text; what cancels to nothing is 0 to within a bound."""
    assert "= 6.7832116285705224e-1954326, a number beyond" in run("expect", "cos(3*x)", "--variance", "1e6").stdout
    with mpmath.workdps(30):
        assert mpmath.nstr(mpmath.exp(-mpmath.mpf("4.5e6")), 17) == "6.7832116285705224e-1954326"
    tiny = run("expect", "max(0,x)", "--with", "max(0,x-1)", "--correlation", "-0.999999999999").stdout
    # The leading exponential is exp(-5e23/1999999999999).
    assert re.search(r"^= \d\.\d+e-1085736\d{5}, a number beyond", tiny, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "variance", "exponent", "is_float"),
    [
        ("cos(x)", 10000, -5000, False),
        ("cos(x)", 1440, -720, False),
        ("cos(x)", 1400, -700, True),
        ("exp(x)", 1400, 700, True),
        ("exp(x)", 1440, 720, False),
    ],
)
def test_where_the_range_of_floats_ends(text, variance, exponent, is_float):
    """E cos x = exp(-v/2), E exp x = exp(v/2): denormal and beyond in decimal digits, and no value in JSON."""
    shown = run("expect", text, "--variance", str(variance)).stdout.splitlines()[1]
    data = json.loads(run("expect", text, "--variance", str(variance), "--format", "json").stdout)
    with mpmath.workdps(30):
        true = mpmath.exp(exponent)
        if is_float:
            assert shown == f"= {float(true)!r}"
            assert abs(mpmath.mpf(data["value"]) - true) <= data["error_bound"] <= 1e-15 * true
        else:
            assert shown == f"= {mpmath.nstr(true, 17)}, a number beyond the range of floating-point numbers"
            assert data["value"] is data["error_bound"] is None


def test_real_though_floats_fail():
    """log Φ(x), φ/Φ and log(1 - tanh²) are real for every x, where floats have a logarithm or quotient of 0."""
    for text in ("log(Phi(x))", "exp(-x**2/2)/Phi(x)", "log(1-tanh(x)**2)"):
        assert run("expect", text).exit_code == 0


@pytest.mark.parametrize("text", ["abs(tanh(x)-0.5)", "sqrt(abs(tanh(x)-0.5))", "softsign(abs(tanh(x)-0.5))"])
def test_breakpoints_of_smooth_functions(text):
    """A kink at atanh(1/2): the number is right, by mpmath split there."""
    found = json.loads(run("expect", text, "--format", "json").stdout)
    inside = {"a": lambda u: u, "sq": mpmath.sqrt, "so": lambda u: u / (1 + u)}[text[:2].rstrip("b")]
    with mpmath.workdps(25):
        cuts = [-13, -4, -1, 0, mpmath.atanh(0.5), 1, 2, 5, 13]
        true = mpmath.quad(lambda x: inside(abs(mpmath.tanh(x) - 0.5)) * mpmath.npdf(x), cuts)
    assert abs(found["value"] - true) <= found["error_bound"] + 1e-15


def _log_moment(variance):
    """E[log|x|] = (log(2 v) + ψ(1/2))/2, from the gamma function's integral."""
    return (mpmath.log(2 * variance) + mpmath.digamma(mpmath.mpf(1) / 2)) / 2


def _power_moment(power):
    """E[|x|^p] = 2^(p/2) Γ((p + 1)/2)/√π for a standard normal x (Winkelbauer 2012, equation 18)."""
    return 2 ** (mpmath.mpf(power) / 2) * mpmath.gamma((mpmath.mpf(power) + 1) / 2) / mpmath.sqrt(mpmath.pi)


@pytest.mark.parametrize(
    ("arguments", "true"),
    [
        (("log(abs(x))", "--variance", "2"), lambda: _log_moment(2)),
        (("log(abs(x - 1))", "--mean", "1"), lambda: _log_moment(1)),
        (("where(x > 0, log(x), 0)",), lambda: _log_moment(1) / 2),
        (("1/abs(x)**(3/4)",), lambda: _power_moment(-0.75)),
        # without a pole, but with an infinite E[f²]
        (("exp(x**2/4)*tanh(x)**2",), lambda: _damped()),
    ],
)
def test_a_pole_that_can_be_integrated_over_has_a_number(arguments, true):
    """The number is right to its error, and that to 13 digits."""
    found = json.loads(run("expect", *arguments, "--format", "json").stdout)
    assert found["closed_form"] is None
    with mpmath.workdps(30):
        assert abs(found["value"] - true()) <= 4 * found["error_bound"]
    assert found["error_bound"] < 1e-13 * abs(found["value"])


def _damped():
    integrand = lambda x: mpmath.exp(-x * x / 4) * mpmath.tanh(x) ** 2  # noqa: E731
    return mpmath.quad(integrand, [-20, -8, -2, 0, 2, 8, 20]) / mpmath.sqrt(2 * mpmath.pi)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("1/x", "--variance", "2"), "the expectation does not exist: there is no integral up to the pole at 0"),
        (("1/(x - 1)**2",), "the expectation is infinite: there is no integral up to the pole at 1"),
        (("tan(x)",), "the expectation does not exist"),
        (("exp(x**2)", "--variance", "2"), "the expectation is infinite: the integrand grows faster"),
        (("x*exp(x**2)", "--variance", "2"), "the expectation does not exist: the integrand grows faster"),
        (("exp(x**2/2)",), "the expectation is infinite: the integrand grows faster"),
        (("exp(exp(x))",), "the expectation is infinite"),
        (("1/x", "--with", "tanh(x)", "--correlation", "0.5"), "the quadrature does not converge, or"),
    ],
)
def test_no_number_is_explained(arguments, words):
    """Odd poles and tails leave nothing, even ones infinity; JSON has the same words."""
    result = run("expect", *arguments)
    assert result.exit_code == 0
    assert f"No number: {words}" in result.stdout
    found = json.loads(run("expect", *arguments, "--format", "json").stdout)
    assert found["value"] is None
    assert words in found["method"]


def test_where_the_closed_form_holds():
    """The condition of integrability is printed beside the closed form, in text and in JSON."""
    assert "for 1 − 2 q > 0" in run("expect", "exp(x**2)", "--variance", "q").stdout
    found = json.loads(run("expect", "exp(x**2)", "--variance", "q", "--format", "json").stdout)
    assert [c["text"] for c in found["conditions"]] == ["1 − 2 q > 0"]


def test_symbols_of_the_expression():
    """E[exp(a x)] = exp(a² q/2): a is declared, and one name is one symbol."""
    assert run("expect", "exp(a*x)", "--symbol", "a", "--variance", "q").stdout.startswith("exp(a² q/2)")
    assert run("expect", "x*x", "--mean", "q", "--variance", "q").stdout.startswith("q² + q")


def test_a_number_beyond_float64():
    """exp(500000) has a closed form and no float: no infinity in JSON, and words in text."""
    found = json.loads(run("expect", "exp(1000*x)", "--format", "json").stdout)
    assert found["closed_form"]["text"] == "exp(500000)"
    assert found["value"] is None
    assert "beyond the range" in run("expect", "exp(1000*x)").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("expect", "x", "--variance", "nan"), "variance must be a number or a name that nothing else has, got 'nan'"),
        (("expect", "x", "--mean", "inf"), "mean must be a number or a name that nothing else has, got 'inf'"),
        (("expect", "x", "--variance", "x"), "variance must be a number or a name that nothing else has, got 'x'"),
        (("expect", "x", "--variance", "1e99999999"), "3 digits of exponent"),
        (("expect", "x", "--variance", "9**9**9"), "an exponent must be"),
        (("expect", "x", "--symbol", "sin"), "symbol must be a number or a name that nothing else has, got 'sin'"),
        (("expect", "__import__('os')"), "unexpected character"),
        (("expect", "x", "--variance", "-1"), "variance must be positive, got -1"),
        (("expect", "x", "--with", "x"), "--with and --correlation go together"),
        (("expect", "x", "--with", "x", "--correlation", "2"), "correlation must be between -1 and 1, got 2"),
        (("expect", "log(x)"), "EXPR must be real for every x, which fails at x = -0.9863 in 'log(x)'"),
        (("expect", "sqrt(x)", "--variance", "q"), "EXPR must be real for every x"),
        (("expect", "x", "--with", "log(x)", "--correlation", "0.5"), "EXPR2 must be real for every x"),
        (("kernel", "sample-variance", "--gain", "-1"), "gain must be positive"),
        (("kernel", "backward-variance", "--export", "x.py"), "--export goes with a map"),
    ],
)
def test_bad_input(arguments, message):
    """One clear line, exit code 2."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_kernel_prints_its_code_and_certificate():
    """The step of the sample variance with its accuracy; a theorem's result as a function of layers."""
    assert "ulp" in run("kernel", "sample-variance").stdout
    assert run("kernel", "backward-variance").stdout.startswith("def backward_variance(i, d, n, var_W, var_grad_s_d)")


def test_a_pair_without_a_closed_form():
    """E[tanh(x) y] = r E[x tanh(x)], by the regression of y on x."""
    found = json.loads(run("expect", "tanh(x)", "--with", "x", "--correlation", "0.5", "--format", "json").stdout)
    true = mpmath.quad(lambda s: s * mpmath.tanh(s) * mpmath.npdf(s), [-13, -3, 0, 3, 13]) / 2
    assert found["value"] == pytest.approx(float(true), rel=1e-13)


def test_a_number_without_a_closed_form_says_why_in_the_same_words():
    """As text a sentence of its own, in JSON after the method; the number and its bound are the same."""
    command = ["expect", "tanh(x)**2", "--variance", "0.7"]
    text = run(*command).stdout
    data = json.loads(run(*command, "--format", "json").stdout)
    method, _, reason = data["method"].partition("; ")
    said, number = " ".join(text.split()).split(" = ", 1)
    assert method == "quadrature"
    assert said == reason[0].upper() + reason[1:]
    assert number == f"{data['value']!r}, by quadrature, error at most {data['error_bound']:.1e}"
    nodes, weights = hermegauss(160)
    assert data["value"] == pytest.approx(weights @ np.tanh(np.sqrt(0.7) * nodes) ** 2 / weights.sum(), rel=1e-12)


@pytest.mark.parametrize("other", ["tanh(x)", "tanh(x)**2"])
def test_a_product_of_two_functions_with_a_mean(other):
    """E[g(x) h(y)] where both have mean 0.6, variance 0.7 and correlation 0.5: by a sum over two independent units."""
    line = ["expect", "tanh(x)", "--with", other, "--mean", "0.6", "--variance", "0.7", "--correlation", "0.5"]
    found = json.loads(run(*line, "--format", "json").stdout)
    nodes, weights = hermegauss(80)
    weights = weights / weights.sum()
    x = 0.6 + np.sqrt(0.7) * nodes[:, None]
    y = 0.6 + np.sqrt(0.7) * (0.5 * nodes[:, None] + np.sqrt(0.75) * nodes)
    expected = weights @ (np.tanh(x) * np.tanh(y) ** (2 if other.endswith("2") else 1)) @ weights
    assert found["value"] == pytest.approx(expected, rel=1e-9)
    assert found["error_bound"] < 1e-9
