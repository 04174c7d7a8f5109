"""``varprop expect`` and ``varprop kernel``: what they print, and that the number without a closed form is right."""

import json

import mpmath
import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("expect", "__import__('os')"), "unexpected character"),
        (("expect", "x", "--variance", "-1"), "variance must be positive, got -1"),
        (("expect", "x", "--with", "x"), "--with and --correlation go together"),
        (("expect", "x", "--with", "x", "--correlation", "2"), "correlation must be between -1 and 1, got 2"),
        (("kernel", "sample-variance", "--gain", "-1"), "gain must be positive"),
        (("kernel", "backward-variance", "--export", "x.py"), "--export goes with sample-variance"),
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
