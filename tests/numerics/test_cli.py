"""The command line: its output, its exit codes, and what it says of bad input."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

import derive
from numerics.cli import main
from numerics.curves import COLUMNS, predict
from numerics.network import Network

NETWORK = ["--widths", "8,14,5,18,11,6", "--gain", "1"]


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def good(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


# Help and lists.


def test_help_names_every_command():
    """With no arguments too."""
    assert good("--help") == good()
    for command in ("list", "derive", "audit", "curve", "verify", "report"):
        assert command in good("--help")
        assert good(command, "--help").startswith(f"Usage: main {command}")


def test_list_names_everything():
    """As text one line each, as JSON a list for each kind."""
    lines = good("list").splitlines()
    data = json.loads(good("list", "--format", "json"))
    assert set(data) == {"theorems", "claims", "activations", "hypotheses"}
    assert [t["name"] for t in data["theorems"]] == derive.theorems()
    assert [c["id"] for c in data["claims"]] == derive.claims()
    assert all(entry["statement"] for entry in data["theorems"] + data["claims"])
    assert len(lines) == 1 + sum(map(len, data.values()))
    assert any(line.split()[:2] == ["activation", "tanh"] for line in lines)


def test_long_fractions_are_listed_as_decimals():
    """LeCun's 1.7159 is what the fraction 17159/10000 is; where decimals are rounded, and nowhere else, it says ≈."""
    lines = good("list", "activations").splitlines()[1:]
    formulas = dict(re.split(" {2,}", line)[1:3] for line in lines)
    assert formulas["lecun-tanh"] == "f(s) = 1.7159 tanh(2 s/3)"
    assert formulas["gelu-tanh"].count("0.044715") == 1
    # Klambauer et al. 2017 print 1.0507 and 1.7581 = 1.6733 * 1.0507.
    assert "1.050701 s" in formulas["selu"]
    assert [name for name, shown in formulas.items() if shown.startswith("f(s) ≈")] == ["selu"]
    assert not any(
        part.isdigit() and len(part) > 4 for shown in formulas.values() for part in re.split(r"[^0-9.]", shown)
    )


# Derivations and audits.


def test_derive_text_latex_html():
    """Each format is what the derivation itself prints; the text ends with the claims that it decides."""
    derivation = derive.theorem("product-variance")
    decided = "Decides, by varprop audit: question-1-product-rule, dropout-variance."
    assert good("derive", "product-variance") == derivation.text().rstrip("\n") + f"\n\n{decided}\n"
    assert good("derive", "product-variance", "--format", "latex").strip() == derivation.latex().strip()
    document = good("derive", "product-variance", "--format", "latex", "--standalone")
    assert document.strip() == derivation.latex(standalone=True).strip()
    assert good("derive", "product-variance", "--format", "html").startswith("<!DOCTYPE html>")


def test_derive_depth_and_evidence():
    """The lemmas by their statements alone; the rules in a list at the end."""
    derivation = derive.theorem("backward-variance")
    options = ("--depth", "main", "--evidence", "appendix")
    assert good("derive", "backward-variance", *options) == derivation.text(depth="main", evidence="appendix")
    fragment = good("derive", "backward-variance", "--format", "latex", *options)
    assert fragment.strip() == derivation.latex(depth="main", evidence="appendix").strip()


def test_derive_json():
    """The documented keys; --check replaces the verdicts by those of the check."""
    data = json.loads(good("derive", "product-variance", "--format", "json", "--check"))
    assert {"name", "title", "statement", "assumptions", "steps", "grade"} <= set(data)
    assert set(data["statement"]) >= {"latex", "text"}
    assert all(set(a) >= {"id", "text"} for a in data["assumptions"])
    keys = {"id", "relation", "before", "after", "rule", "why", "uses", "verdict", "evidence"}
    assert all(keys <= set(step) for step in data["steps"])
    assert all("tiny worlds" in step["evidence"] for step in data["steps"])


def test_derive_to_file(tmp_path):
    """The file holds what the terminal would show; nothing else is left beside it."""
    target = tmp_path / "proof.txt"
    assert good("derive", "product-variance", "-o", target) == ""
    assert target.read_text() == good("derive", "product-variance")
    assert os.listdir(tmp_path) == ["proof.txt"]


def test_failed_check_is_exit_code_1(monkeypatch):
    """A check that fails prints the derivation, says what failed on standard error, and exits with 1."""
    from derive.proof.derivation import CheckResult, Derivation

    monkeypatch.setattr(Derivation, "check", lambda self, progress: CheckResult(self, ("step 2: wrong",)))
    result = run("derive", "product-variance", "--check")
    assert result.exit_code == 1
    assert result.stderr == "varprop: step 2: wrong\n"
    assert "Var[X" in result.stdout


def test_audit_json():
    """The documented keys; a refuted claim is a finding, not an error."""
    found = json.loads(good("audit", "glorot-2010-eq-6", "question-1-product-rule", "--format", "json"))
    keys = {"id", "source", "printed", "verdict", "condition", "counterexample", "derived"}
    assert all(keys <= set(audit) for audit in found)
    assert [(a["id"], a["verdict"]) for a in found] == [
        ("glorot-2010-eq-6", "refuted"),
        ("question-1-product-rule", "holds"),
    ]
    assert found[0]["counterexample"]["left"] != found[0]["counterexample"]["right"]
    assert found[1]["counterexample"] is None


def test_audit_text():
    """Claims in the order in which they were asked for."""
    text = good("audit", "question-1-product-rule", "glorot-2010-eq-6")
    assert 0 <= text.index("question-1-product-rule") < text.index("glorot-2010-eq-6")
    assert "refuted" in text


# Curves.


def test_curve_csv_and_json_have_full_precision():
    """The numbers of the library, to the last digit, under the documented columns."""
    network = Network(widths=[8, 14, 5, 18, 11, 6], weight_variance=[0.3, 0.01, 2.5, 0.07, 0.4], bias_variance=0.1)
    options = ["--widths", "8,14,5,18,11,6", "--weight-variance", "0.3,0.01,2.5,0.07,0.4", "--bias-variance", "0.1"]
    expected = predict(network)
    table = list(csv.DictReader(io.StringIO(good("curve", *options, "--format", "csv"))))
    data = json.loads(good("curve", *options, "--format", "json"))
    assert list(table[0]) == ["layer", *COLUMNS]
    for name in COLUMNS:
        assert [float(row[name]) for row in table] == expected.columns[name].tolist()
        assert [row[name] for row in data["rows"]] == expected.columns[name].tolist()
    assert data["network"] == network.to_dict()


def test_curve_table_says_what_is_exact():
    """Linear units are exact; others name the hypothesis that they only approach, by either theory."""
    assert good("curve", *NETWORK).splitlines()[0].split() == ["layer", *COLUMNS]
    assert "All columns are exact" in good("curve", *NETWORK)
    assert "Linear regime" in good("curve", *NETWORK, "--activation", "tanh", "--theory", "linear-regime")
    wide = good("curve", *NETWORK, "--activation", "tanh")
    assert wide.splitlines()[0].split() == ["layer", "var_z", "var_s", "m2", "v2", "rho", *COLUMNS[2:]]
    assert "The layers are wide" in wide
    assert "have a relative error of at most 1e-1" in wide


def test_depth_and_width():
    """--depth counts weight matrices, and so the rows."""
    assert good("curve", "--depth", 3, "--width", 7, "--gain", 2) == good("curve", "--widths", "7,7,7,7", "--gain", 2)


def test_all_network_options():
    """Every option reaches the network."""
    arguments = (
        "--depth 2 --width 3 --activation tanh --gain 0.5,2 --bias-variance 0.1,0.2 --weight-law rademacher "
        "--input-variance 4 --gradient-variance 9 --format json"
    )
    assert json.loads(good("curve", *arguments.split()))["network"] == {
        "widths": [3, 3, 3],
        "activation": "tanh",
        "weight_variance": [0.5 / 3, 2 / 3],
        "bias_variance": [0.1, 0.2],
        "weight_law": "rademacher",
        "input_law": "normal",
        "input_variance": 4.0,
        "gradient_variance": 9.0,
    }


@pytest.mark.parametrize(
    ("name", "magic"), [("curve.png", b"\x89PNG"), ("curve.svg", b"<?xml"), ("curve.pdf", b"%PDF")]
)
def test_plot_is_written(tmp_path, name, magic):
    """The format is that of the name; the same curve gives the same bytes."""
    good("curve", *NETWORK, "--plot", tmp_path / name)
    first = (tmp_path / name).read_bytes()
    assert first.startswith(magic)
    good("curve", *NETWORK, "--plot", tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert os.listdir(tmp_path) == [name]


# Verification.


def test_verify_agrees_with_0():
    """Table and JSON, reproducible by seed."""
    first = good("verify", *NETWORK, "--networks", 300, "--seed", 4)
    assert first == good("verify", *NETWORK, "--networks", 300, "--seed", 4)
    assert first != good("verify", *NETWORK, "--networks", 300, "--seed", 5)
    data = json.loads(good("verify", *NETWORK, "--networks", 300, "--seed", 4, "--format", "json"))
    assert data["verdict"] == "agrees"
    assert data["seed"] == 4
    assert data["over"] == "network"
    assert len(data["rows"]) == 20


def test_verify_differs_with_1():
    """A tanh network with large weights is not where the linear regime says it is."""
    result = run("verify", *NETWORK[:2], "--gain", 3, "--activation", "tanh", "--networks", 300, "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"] == "differs"


# Bad input.

BAD = [
    ("derive forward-varianc", "unknown theorem 'forward-varianc'; did you mean forward-variance"),
    ("derive", "Missing argument 'NAME'"),
    ("derive product-variance --format pdf", "'pdf' is not one of"),
    (
        "derive product-variance --format html --depth main",
        "--depth goes with --format text or latex, got --format html",
    ),
    (
        "derive product-variance --format json --evidence none",
        "--evidence goes with --format text or latex, got --format json",
    ),
    ("derive product-variance --standalone", "--standalone goes with --format latex, got --format text"),
    ("derive product-variance -o /no/such/directory/x", "cannot write '/no/such/directory/x': no such file"),
    ("derive product-variance -o /", "cannot write '/': is a directory"),
    ("audit glorot-2010-eq-66", "unknown claim 'glorot-2010-eq-66'; did you mean glorot-2010-eq-6"),
    ("curv", "unknown command 'curv'; did you mean curve?"),
    ("curve --bogus 1", "No such option"),
    ("curve --gain 1", "give --widths N0,N1,... or --depth L --width N"),
    ("curve --depth 3 --gain 1", "give --widths N0,N1,... or --depth L --width N"),
    ("curve --widths 8,4 --depth 3 --gain 1", "give --widths, or --depth and --width, not both"),
    ("curve --depth 0 --width 3 --gain 1", "depth must be an integer from 1"),
    ("curve --depth 999999999 --width 3 --gain 1", "depth must be an integer from 1 to 10000000, got 999999999"),
    ("curve --depth 2 --width 0 --gain 1", "widths must be positive integers, got 0 at layer 0"),
    ("curve --widths 8,0,4 --gain 1", "widths must be positive integers, got 0 at layer 1"),
    ("curve --widths 8,4.5 --gain 1", "'--widths': must be positive integers, separated by commas, got '8,4.5'"),
    ("curve --widths 8,,4 --gain 1", "'--widths': must be positive integers, separated by commas"),
    ("curve --widths 8 --gain 1", "widths must hold at least two sizes"),
    ("curve --widths 8,4,2", "give --weight-variance or --gain"),
    ("curve --widths 8,4,2 --gain 1 --weight-variance 1", "give weight_variance or gain, not both"),
    ("curve --widths 8,4,2 --gain 1,2,3", "gain must be one number or 2 (one for each weight matrix), got 3"),
    ("curve --widths 8,4,2 --gain nan", "gain must be finite and not negative, got nan"),
    ("curve --widths 8,4,2 --weight-variance 1,-1", "weight_variance must be finite and not negative, got -1.0 at"),
    ("curve --widths 8,4,2 --weight-variance inf", "weight_variance must be finite and not negative, got inf"),
    ("curve --widths 8,4,2 --weight-variance 1;2", "'--weight-variance': must be numbers, separated by commas"),
    ("curve --widths 8,4,2 --gain 1 --bias-variance -1", "bias_variance must be finite and not negative, got -1.0"),
    ("curve --widths 8,4,2 --gain 1 --input-variance nan", "input_variance must be finite and not negative, got nan"),
    ("curve --widths 8,4,2 --gain 1 --gradient-variance -1", "gradient_variance must be finite and not negative"),
    ("curve --widths 8,4,2 --gain 1 --activation tahn", "unknown activation 'tahn'; did you mean tanh?"),
    ("curve --widths 8,4,2 --gain 1 --weight-law norml", "unknown law 'norml'; did you mean normal"),
    ("curve --widths 8,4,2 --gain 1 --plot x.gif", "a plot's file name must end in .png, .svg, .pdf, got 'x.gif'"),
    ("curve --widths 8,4,2 --gain 1 --plot /no/dir/x.png", "cannot write '/no/dir/x.png': no such file"),
    ("verify --widths 8,4,2 --gain 1 --networks 0", "networks must be an integer of at least 2, got 0"),
    ("verify --widths 8,4,2 --gain 1 --seed -1", "rng must be a non-negative integer seed"),
    ("verify --widths 8,4,2 --gain 1 --over sample --theory linear-regime", "none of the columns m2, v2, rho"),
    ("curve --widths 8,4,2 --gain 1 --theory narrow", "narrow"),
    ("curve --widths 8,4,2 --gain 1 --theory linear-regime --activation gelu", "f'(0) = 1"),
    ("report", "Missing option '-o'"),
    ("report -o /dev/null/x", "cannot write '/dev/null/x'"),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_line_and_exit_code_2(line, message):
    """Nothing on standard output, no traceback, one line that names the rule and the value."""
    result = run(*line.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("varprop: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_unwritable_output_leaves_the_old_file(tmp_path, monkeypatch):
    """When the rename fails, the old file is there, whole, and nothing beside it."""
    target = tmp_path / "proof.txt"
    target.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    result = run("derive", "product-variance", "-o", target)
    assert result.exit_code == 2
    assert result.stderr == f"varprop: cannot write {str(target)!r}: no space left on device\n"
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["proof.txt"]


def test_interrupt_is_exit_code_130(tmp_path, monkeypatch):
    """An interrupt while writing leaves no file, and no traceback."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    result = run("derive", "product-variance", "-o", tmp_path / "proof.txt")
    assert result.exit_code == 130
    assert result.stderr.strip() == "varprop: interrupted"
    assert os.listdir(tmp_path) == []


def test_a_defect_is_not_taken_for_bad_input(monkeypatch):
    """Only `InputError` is the caller's: any other error stays loud."""

    def broken(name):
        raise ValueError("a defect of ours")

    monkeypatch.setattr(derive, "theorem", broken)
    result = run("derive", "product-variance")
    assert isinstance(result.exception, ValueError)
    assert "a defect of ours" in str(result.exception)


def test_every_command_is_imported_by_name():
    """The table of commands matches the modules."""
    context = click.Context(main)
    for name in main.list_commands(context):
        assert main.get_command(context, name).name == name


# The installed program.

PROGRAM = [sys.executable, "-c", "from numerics.cli import main; main()"]


def test_program_answers_and_refuses():
    """As a process: exit codes, streams, and help without waiting for SymPy."""
    start = time.perf_counter()
    shown = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    assert "derive" in shown.stdout
    # Measured 0.05 s; the bound leaves room for a busy machine and still excludes an import of SymPy.
    assert seconds < 0.35
    refused = subprocess.run([*PROGRAM, "curve", "--widths", "3"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    probe = "import sys, numerics.cli; print({'sympy', 'numpy', 'matplotlib', 'rich'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


def test_help_keeps_its_lines():
    """Each example on a line of its own, without marks of the formatter."""
    shown = good("--help")
    assert "\n  varprop derive backward-variance\n  varprop audit" in shown
    assert "\\b" not in shown


def test_curve_says_where_float64_ends():
    shown = good("curve", "--depth", 6, "--width", 9, "--gain", 1.5, "--activation", "exp")
    assert "Beyond float64's range in var_z, var_s, m2, v2" in shown
    assert "range" not in good("curve", "--depth", 6, "--width", 9, "--gain", 1.5, "--activation", "sin")
