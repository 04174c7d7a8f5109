"""What is printed for people fits their terminal; what is printed for programs does not change; minus signs."""

import ast
import json
import re
from textwrap import wrap

import pytest
from click.testing import CliRunner

from numerics import Network, predict
from numerics.cli import main
from numerics.cli.narrow import Prose, fitted

NETWORK = "--widths 8,14,5,6 --gain 1"
COMMANDS = [
    "list",
    "derive product-variance",
    "audit glorot-2010-eq-6",
    f"curve {NETWORK}",
    f"curve {NETWORK} --activation tanh",
    f"verify {NETWORK} --networks 500",
    f"simulate {NETWORK} --networks 8",
    "expect max(x,0)*Phi(x)*exp(a*x) --mean m --variance q --symbol a",
    "expect log(2+tanh(x))",
    "expect x**4 --steps",
    "maps relu",
    "critical tanh",
    "init relu",
    "figure",
    "maps --help",
]


def run(line, **environment):
    found = CliRunner().invoke(main, line.split(), env=environment)
    assert found.exit_code == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("columns", [40, 61])
@pytest.mark.parametrize("line", COMMANDS)
def test_no_line_is_wider_than_the_terminal(line, columns):
    """And nothing is lost but spaces and the repeated names of a table's columns."""
    narrow, wide = run(line, COLUMNS=str(columns)), run(line, COLUMNS="1000")
    copied = ("torch.", "jax.", "  varprop:")  # what is to be copied stays in one piece
    assert max(len(row) for row in narrow.splitlines() if not any(mark in row for mark in copied)) <= columns
    numbers = r"\d+\.\d+(?:e[-+]\d+)?"
    if not line.startswith(("derive", "audit", "expect")):  # whose formulas are written in other ways when they break
        assert set(re.findall(numbers, narrow)) == set(re.findall(numbers, wide))


@pytest.mark.parametrize("line", ["curve --depth 2 --width 4 --gain 1 --format csv", "list --format json"])
def test_what_programs_read_keeps_its_lines(line):
    assert run(line, COLUMNS="40") == run(line, COLUMNS="200") == run(line)


def test_without_a_terminal_tables_keep_their_rows():
    """`varprop ... | awk` sees a row a line, unless COLUMNS says how wide it may be."""
    assert len(run(f"simulate {NETWORK} --networks 8").splitlines()[0]) > 80


def test_a_wide_table_stacks_its_cells_under_their_names():
    table = "layer  var_z  what it is\n    0      1  the input\n    1   0.25  hidden"
    assert fitted(table, 20).splitlines() == [
        "layer: 0", "var_z: 1", "what it is: the", "    input", "", "layer: 1", "var_z: 0.25", "what it is: hidden",
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80])
def test_sentences_are_wrapped_once(columns):
    """As the standard library wraps the whole sentence, each further line under the first."""
    shown = run(f"curve {NETWORK} --activation tanh", COLUMNS=str(columns))
    found = predict(Network(widths=[8, 14, 5, 6], gain=1.0, activation="tanh")).approximations
    for why in set().union(*found.values()):
        names = ", ".join(name for name, reasons in found.items() if why in reasons)
        lines = wrap(f"{names}: {why}", columns, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        assert len(lines) > 1
        assert "\n".join(lines) in shown


def test_a_relation_in_a_sentence_is_kept_together():
    assert Prose("here it is that q = 1 attracts").fitted(21) == "here it is that q = 1\nattracts"
    assert Prose("here it is that q = 1 attracts").fitted(19) == "here it is that\nq = 1 attracts"


def test_lines_to_be_copied_are_never_broken():
    """Each line for PyTorch and JAX is Python as it stands."""
    lines = [line[11:] for line in run("init relu", COLUMNS="40").splitlines() if "torch." in line or "jax." in line]
    assert len(lines) == 4
    for line in lines:
        ast.parse(line)


def test_sentences_have_a_width_where_no_terminal_is():
    """Tables keep their rows for programs."""
    for line in (f"verify {NETWORK} --networks 500", "maps tanh", f"curve {NETWORK} --activation tanh"):
        assert max(map(len, run(line).splitlines())) <= 100


def test_maps_say_where_a_quotient_is():
    """The expression has none; its derivative has."""
    text = " ".join(run("maps x*tanh(softplus(1.3*x))").split())
    assert "a quotient is outside the class (met in the integrand of f')" in text


def test_several_audits_end_in_a_tally():
    text = run("audit glorot-2010-eq-6 glorot-2010-eq-5")
    assert text.splitlines()[-1] == "2 printed formulas: 1 refuted, 1 holds."
    assert "printed formulas:" not in run("audit glorot-2010-eq-6")


def test_a_wide_formula_breaks_at_its_sums():
    assert fitted("a·b + c·d + e·f", 12).splitlines() == ["a·b + c·d", "    + e·f"]


# A minus.


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("expect -x**2", "expect -- -x**2"),
        ("expect -x**2", "expect 0-x**2"),
        ("expect --mean -1 -x**2 --format json", "expect --mean -1 --format json -- -x**2"),
        ("expect -hard_tanh(x) --variance 2", "expect --variance 2 0-hard_tanh(x)"),
        ("expect -tanh(x) --with -x --correlation -0.5", "expect 0-tanh(x) --with 0-x --correlation -0.5"),
        ("init -tanh(x)", "init -- -tanh(x)"),
        ("critical -tanh(x) --bias-variance 0.1", "critical --bias-variance 0.1 -- -tanh(x)"),
        ("maps --q 2 -max(x,0) --rho -0.5", "maps --q 2 --rho -0.5 -- -max(x,0)"),
    ],
)
def test_a_formula_may_begin_with_a_minus(line, same):
    assert run(line) == run(same)


def test_a_sign_is_kept():
    """E[-x^2] = -1 at variance 1."""
    assert json.loads(run("expect -x**2 --format json"))["value"] == -1


def test_options_are_still_options():
    """Help, and one that is not known."""
    assert run("expect -h").startswith("Usage")
    found = CliRunner().invoke(main, ["expect", "--bogus", "-x"])
    assert (found.exit_code, found.stderr) == (2, "varprop: No such option '--bogus'.\n")
