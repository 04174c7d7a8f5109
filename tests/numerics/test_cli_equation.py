"""``varprop audit --equation`` and ``--constant``: exit codes, JSON, files, and errors."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from numerics.cli import main

TRUE = "Var[z^i] = Var[x] ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]"
FALSE = "Var[z^i] = 2 Var[x] ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]"
OPEN = r"E[s^i_k s^i_j] = \delta_{jk} Var[s^i_k]"


def run(*arguments, text=None):
    return CliRunner().invoke(main, ["audit", *arguments], input=text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--equation", TRUE), 0),
        (("--equation", FALSE), 1),
        (("--equation", OPEN, "--assume", "glorot"), 3),
        (("--equation", "Var[s_k] = 2 Var[x]", "--layers", "dense(3, gain=2), relu", "--input", "2"), 0),
        (("--equation", "Var[s_k] = 3 Var[x]", "--layers", "dense(3, gain=2), relu", "--input", "2"), 1),
        (("--equation", "Var[s_k] = 3 Var[x]", "--layers", "dense(3, gain=2), relu"), 2),
        (("--layers", "dense(3)", "--input", "2"), 2),
        (("--equation", "Var[z^i = 1"), 2),
        (("--constant", "1.414", "--of", "1/sqrt(E[relu(u)^2])"), 0),
        (("--constant", "1.42", "--of", "1/sqrt(E[relu(u)^2])"), 1),
        (("--constant", "1.42"), 2),
        (("--assume", "glorot"), 2),
        (("eq6", "--equation", TRUE), 2),
        (("--equation-file", "there/is/none"), 2),
    ],
)
def test_exit_codes(arguments, code):
    """0 holds, 1 refuted or holds-if, 3 undecided, 2 what cannot be read."""
    result = run(*arguments)
    assert result.exit_code == code
    assert (code == 2) == result.stderr.startswith("varprop: ")


def test_the_reading_is_printed_back():
    """How it was understood, what the averages are over, and what was proposed."""
    shown = " ".join(run("--equation", TRUE).stdout.split())
    assert "printed Var[z^i_k] = Var[x] · ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]" in shown
    assert "Var[·] is over the input, the weights, the biases and the output gradient" in shown
    assert "those of forward-variance are proposed" in shown
    assert "decided by varprop derive forward-variance" in shown


def test_json_is_that_of_claims():
    """One object for each equation, with audits as `varprop audit NAME` gives them."""
    (found,) = json.loads(run("--equation", FALSE, "--format", "json").stdout)
    assert (found["equation"], found["verdict"]) == (FALSE, "refuted")
    (claim,) = json.loads(run("glorot-2010-eq-6", "--format", "json").stdout)
    assert found["audits"][0].keys() == claim.keys()
    assert found["audits"][0]["counterexample"]["left"] != found["audits"][0]["counterexample"]["right"]


def test_equations_from_a_file_and_from_standard_input(tmp_path):
    """One a paragraph; the worst verdict gives the exit code."""
    file = tmp_path / "equations.tex"
    file.write_text(f"$${TRUE}$$\n\n{FALSE.replace(' = ', ' =' + chr(10))}\n", encoding="utf-8")
    found = json.loads(run("--equation-file", str(file), "--format", "json").stdout)
    assert [one["verdict"] for one in found] == ["holds", "refuted"]
    assert run("--equation-file", "-", text=f"{TRUE}\n\n{TRUE}\n").exit_code == 0
    assert run("--equation", "-", text=TRUE).exit_code == 0


def test_an_error_names_the_place():
    """One line: the column, and what was expected."""
    result = run("--equation", "Var[x] = \\foo")
    assert result.stderr.startswith(
        "varprop: equation: \\foo is no command that an equation is read with, at column 10"
    )
    assert result.stderr.count("\n") == 1
