"""`varprop expect`: numbers that once were wrong, or missing. The right ones were computed with ball arithmetic
(python-flint) or with mpmath at 30 to 60 digits.
"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from numerics.cli import main as cli

NUMBERS = [
    (["1/cosh(x)**2", "--variance", "1e9"], 2.52313252e-05, 1e-8),
    (["1-tanh(1e4*(x-0.7))**2"], 6.24507865423748e-05, 1e-13),
    (["exp(-1e10*(x-1)**2)"], 4.288819424803534e-06, 1e-14),
    (["where(x>15,1,0)*Phi(-x)"], 6.737996418248351e-102, 1e-12),
    (["Phi(x)**2", "--mean", "-20"], 2.5121632197899699e-61, 1e-13),
    (["max(x,0)**3", "--mean", "-15"], 6.276497216651909e-54, 1e-12),
    (["abs(x)**0.6"], 0.8086726247742882, 1e-13),
    (["max(x,0)", "--with", "max(x,0)", "--correlation", "-0.99999"], 4.7450859953268048e-09, 1e-12),
    (["exp(x**2)", "--variance", "0.499999999999"], 7.0711e5, 2e-5),
    (["log(Phi(x))"], -1.0, 1e-13),
    (["exp(-x**2/2)/Phi(x)"], 2.26397985357629, 1e-13),
    (["log(1-tanh(x)**2)"], -0.749134414982876, 1e-13),
    (["sign(x-0.5)", "--with", "sign(x-0.5)", "--correlation", "0.999999999999"], 0.99999920547364, 1e-13),
    (["abs(tanh(x)-0.5)"], 0.6579251777283122, 1e-13),
    (["sqrt(abs(x))"], 0.8221789586624584, 1e-13),
]


@pytest.mark.parametrize(("arguments", "right", "digits"), NUMBERS, ids=[" ".join(a) for a, _, _ in NUMBERS])
def test_the_number_is_right_and_its_bound_holds(arguments: list[str], right: float, digits: float) -> None:
    result = CliRunner().invoke(cli, ["expect", *arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    off = abs(found["value"] - right)
    assert off <= digits * abs(right)
    assert off <= found["error_bound"] + digits * abs(right)
    assert found["error_bound"] <= 1e-10 * abs(right)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("sin(x)", 0), ("tanh(x)*cos(x)", 0), ("x*abs(x)", 0), ("x/(1+x**2)", 0), ("1/(1+exp(-x))", 0.5)],
)
def test_a_symmetric_law_leaves_the_even_part(expression: str, value: float) -> None:
    result = CliRunner().invoke(cli, ["expect", expression, "--format", "json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["value"] == value
    assert found["closed_form"] is not None


def test_a_cosine_of_a_huge_variance_is_a_closed_form() -> None:
    result = CliRunner().invoke(cli, ["expect", "cos(3*x)", "--variance", "1e6"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("exp(−4500000)\n")
