"""``varprop network``, and ``varprop simulate`` of networks of blocks."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from numerics.cli import main
from numerics.description import describe
from numerics.network import Network
from numerics.simulation import simulate

TEXT = "dense(6), repeat(3, residual(relu, dense(6), scale=0.5)), dropout(0.25)"
BLOCKS = ["--layers", TEXT, "--input", "4", "--gain", "2"]
PIXELS = ["--layers", "conv(3), relu, average-pool(2), flatten, dense(2)", "--input", "2x4x4", "--gain", "2"]


def ran(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


def succeeded(*arguments):
    result = ran(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_network_in_text():
    output = succeeded("network", *BLOCKS, "--input-correlation", 0.5)
    lines = output.splitlines()
    assert lines[0] == "input 4, 5 blocks."
    assert any(line.split() == ["1", "dense", "6", "dense(6,", "gain=2)"] for line in lines)
    assert any(line.split()[:3] == ["2-4", "residual", "6"] for line in lines)
    assert "    s_k = Σ_{l=1}^{4} x_l W_{lk}" in lines
    assert "    h_k = s_k + s⁽²⁾_k/2" in lines
    assert "two samples have correlation 0.5" in output
    assert "0 with probability 1/4, else 1/(1 - 1/4)" in " ".join(output.split())
    assert "dense-square" in output
    assert "h⁽²⁾" not in output


def test_all_blocks_one_by_one():
    output = succeeded("network", *BLOCKS, "--all")
    assert "    h⁽²⁾_k = h_k + s⁽³⁾_k/2" in output.splitlines()
    assert "2-4" not in output


def test_network_in_latex():
    output = succeeded("network", *BLOCKS, "--format", "latex")
    assert output.startswith(r"\begin{align*}")
    assert output.endswith("\\end{align*}\n")
    assert r"s_{k} &= \sum_{l=1}^{4} x_{l} W_{lk} && \text{1 dense} \\" in output
    assert r"W_{lk} &\sim \text{normal, variance 1/2} \\" in output


def test_network_in_json(tmp_path):
    network = Network(layers=TEXT, input=4, gain=2.0)
    assert json.loads(succeeded("network", *BLOCKS, "--format", "json")) == describe(network).to_dict()
    path = tmp_path / "network.json"
    assert succeeded("network", *BLOCKS, "--format", "json", "-o", path) == ""
    assert json.loads(path.read_text()) == describe(network).to_dict()


def test_the_chain_has_the_same_page():
    output = succeeded("network", "--widths", "3,4,2", "--gain", 1, "--activation", "tanh")
    assert "widths 3-4-2." in output
    assert "In the theorems on the chain: W^1 is W_2, s^1 is s_2." in output


def test_a_network_to_look_at_needs_no_gain():
    """Where none is given it is 1 for the weights that do not say their own, and the page says so; else it does not."""
    said = "No gain is given: 1 for all weights"
    some = succeeded("network", "--layers", "dense(6), relu, dense(3, gain=2)", "--input", 4)
    assert said in some
    assert "dense(6, gain=1)" in some
    assert "dense(3, gain=2)" in some
    assert said in succeeded("network", "--widths", "3,4,2")
    data = json.loads(succeeded("network", "--layers", "dense(6)", "--input", 4, "--format", "json"))
    assert data["usual_gain"] == 1
    for all_say in (BLOCKS, ["--layers", "dense(6, gain=2), relu", "--input", 4], ["--widths", "3,4", "--gain", 1]):
        assert said not in succeeded("network", *all_say)
    assert ran("curve", "--layers", "dense(6)", "--input", 4).exit_code == 2


def test_simulate_is_the_simulation():
    found = simulate(Network(layers=TEXT, input=4, gain=2.0, input_correlation=0.5), networks=50, rng=3)
    options = [*BLOCKS, "--networks", 50, "--seed", 3, "--input-correlation", 0.5]
    rows = list(csv.DictReader(io.StringIO(succeeded("simulate", *options, "--format", "csv"))))
    assert list(rows[0]) == list(found.rows()[0])
    assert [float(row["q"]) for row in rows] == found.estimate["q"].tolist()
    data = json.loads(succeeded("simulate", *options, "--format", "json", "--workers", 2))
    assert data == json.loads(found.to_json())
    assert [row["name"] for row in data["rows"]] == ["input", "dense", *["residual"] * 3, "dropout"]


def test_simulate_prints_a_table():
    lines = succeeded("simulate", *PIXELS, "--networks", 20).splitlines()
    assert lines[0].split()[:4] == ["layer", "name", "q", "std"]
    assert lines[0].split()[-6:] == ["q_min", "std", "error", "q_max", "std", "error"]
    assert lines[6].split()[1] == "dense"
    assert lines[6].split()[-4:] == ["-"] * 4
    assert any(line.startswith("Mean squares q") for line in lines)


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("simulate", [*BLOCKS, "--over", "sample"], "over goes with a network of widths, and not with one of layers"),
        ("simulate", [*BLOCKS, "--samples", 5], "samples goes with a network of widths"),
        ("simulate", [*BLOCKS, "--method", "brute"], "method goes with a network of widths"),
        ("simulate", [*BLOCKS, "--quantity", "var_s"], "quantities goes with a network of widths"),
        ("simulate", [*BLOCKS, "--inputs", "fixed"], "inputs goes with a network of widths"),
        ("simulate", [*BLOCKS, "--dtype", "float32"], "dtype goes with a network of widths"),
        ("simulate", [*BLOCKS, "--networks", 1], "networks must be an integer of at least 2, got 1"),
        ("network", [*BLOCKS, "--widths", "3,4"], "--widths does not go with --layers"),
        ("network", ["--widths", "3,4", "--gain", 1, "--input-mean", 1], "--input-mean goes with --layers"),
        ("network", ["--layers", "dense(3)", "--input", "x", "--gain", 1], "input must be a size such as 64, 3x32"),
        ("network", ["--layers", "dense(3), rleu", "--input", 4, "--gain", 1], "did you mean relu"),
        ("network", ["--layers", "conv(3)", "--input", 4, "--gain", 1], "conv needs positions"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(command, options, message):
    result = ran(command, *options)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
