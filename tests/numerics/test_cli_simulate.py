"""`varprop simulate`: the numbers of `numerics.simulate`, said clearly."""

import csv
import io
import json
import os

import pytest
from click.testing import CliRunner

from numerics import Network, simulate
from numerics.cli import main

NETWORK = ["--widths", "6,7,5,4", "--gain", "2", "--bias-variance", "0.1"]
OWN = "x*Phi(1.702*x)"


def run(*arguments):
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


def good(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def network(activation):
    return Network(widths=[6, 7, 5, 4], gain=2.0, bias_variance=0.1, activation=activation)


CASES = {
    "network": (["--networks", 30], {"networks": 30}),
    "sample": (["--samples", 40], {"samples": 40}),
    "layer": ([], {}),
    "both": (["--networks", 6, "--samples", 9], {"networks": 6, "samples": 9}),
}


@pytest.mark.parametrize("activation", ["relu", OWN])
@pytest.mark.parametrize("over", CASES)
def test_the_numbers_are_those_of_simulate(over, activation):
    """For the same seed, in CSV and in JSON, to the last digit, whatever the variances are over."""
    options, arguments = CASES[over]
    line = [*NETWORK, "--activation", activation, "--over", over, "--seed", 3, *options]
    found = simulate(network(activation), over=over, rng=3, **arguments)
    data = json.loads(good(*line, "--format", "json"))
    table = list(csv.DictReader(io.StringIO(good(*line, "--format", "csv"))))
    assert list(table[0]) == data["columns"]
    assert [float(row["layer"]) for row in table] == [0, 1, 2]
    for name, values in found.estimate.items():
        for key, column in ((name, values), (f"{name}_standard_error", found.standard_error[name])):
            assert [float(row[key]) for row in table] == column.tolist()
            assert [row[key] for row in data["rows"]] == column.tolist()
    assert data["averaged"] == found.averaged
    assert Network(**data["network"]) == found.network


def test_the_options_reach_the_simulation():
    """Method, inputs, quantities (separated or repeated), dtype and workers."""
    line = [*NETWORK, "--activation", "relu", "--networks", 20, "--format", "json"]
    data = json.loads(good(*line, "--method", "norm-law", "--inputs", "fixed", "--quantity", "var_s"))
    wanted = simulate(network("relu"), rng=0, networks=20, method="norm-law", inputs="fixed", quantities=["var_s"])
    assert data["estimate"] == {"var_s": wanted.estimate["var_s"].tolist()}
    assert data["fixed_input"] == wanted.fixed_input.tolist()
    single = json.loads(good(*line, "--dtype", "float32", "--quantity", "var_s", "--quantity", "var_z,var_grad_s"))
    assert list(single["estimate"]) == ["var_z", "var_s", "var_grad_s"]
    assert (single["dtype"], single["method"]) == ("float32", "brute")
    assert good(*line, "--workers", 2) == good(*line)


def test_the_table_says_over_what_and_how():
    """In words, with the method, and what a column is."""
    shown = good(*NETWORK, "--over", "both", "--networks", 4, "--samples", 5, "--seed", 8)
    assert shown.splitlines()[0].split() == [
        "layer",
        "m2",
        "std",
        "error",
        "v2",
        "std",
        "error",
        "rho",
        "std",
        "error",
        "var_s",
        "std",
        "error",
    ]
    words = " ".join(shown.split())
    assert "Variances over 5 samples in each of 4 networks (v2)" in words
    assert "Method brute, float64, seed 8." in words
    assert "network error" in good(*NETWORK, "--over", "layer")


def test_an_overflow_is_said_and_is_no_number():
    """Exp with a large gain: infinite in CSV, null in JSON, a sentence in the table; what is finite stays."""
    line = ["--widths", "6,7,5,4", "--gain", 100, "--activation", "exp"]
    data = json.loads(good(*line, "--format", "json"))
    assert data["estimate"]["var_s"][2] is None
    assert data["standard_error"]["var_s"][2] is None
    assert data["overflows"]["var_s"] == [2]
    assert 80 < data["estimate"]["var_s"][0] < 120
    last = list(csv.DictReader(io.StringIO(good(*line, "--format", "csv"))))[2]
    assert (last["var_s"], last["var_z"], last["var_s_standard_error"]) == ("inf", "inf", "inf")
    assert "Outside float64's range, and so without an estimate: var_z of layer 2" in " ".join(good(*line).split())


def test_output_to_a_file(tmp_path, monkeypatch):
    """The file holds what the terminal would show; if it cannot be completed the old one stays, alone."""
    target = tmp_path / "estimates.csv"
    line = [*NETWORK, "--networks", 5, "--format", "csv"]
    assert good(*line, "-o", target) == ""
    assert target.read_text() == good(*line)
    target.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert run(*line, "-o", target).exit_code == 2
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["estimates.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quantity", "var_q"], "unknown quantity 'var_q'; did you mean var_z"),
        (["--quantity", ""], "unknown quantity ''"),
        (["--over", "layer", "--quantity", "var_s"], "quantities can be chosen with over='network' only"),
        (["--over", "both", "--inputs", "fixed"], "inputs can be fixed with over='network' only"),
        (["--networks", "1"], "networks must be an integer of at least 2, got 1"),
        (["--workers", "0"], "workers must be an integer of at least 1, got 0"),
        (["--seed", "-1"], "rng must be a non-negative integer seed"),
        (["--method", "norm-law", "--activation", "tanh"], "needs an activation made of two straight lines"),
        (["--activation", "x*("], "activation"),
        (["--activation", "tahn"], "unknown activation 'tahn'; did you mean tanh?"),
        (["-o", "/no/such/directory/x"], "cannot write '/no/such/directory/x': no such file"),
    ],
)
def test_bad_input_is_one_line(options, message):
    """Exit code 2, nothing on standard output, no traceback."""
    result = run(*NETWORK, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("varprop: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
