"""``varprop sweep``, and ``varprop curve`` and ``varprop verify`` of networks of blocks."""

import csv
import io

import pytest
from click.testing import CliRunner

from numerics import Network, predict
from numerics.cli import main

LAYERS = "dense(16), repeat({depth}, {activation}, dense(16))"


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_a_sweep_has_a_row_for_every_row_of_every_network():
    more = ("--gain", "1:2:3", "--depth", "2,3", "--activation", "relu", "--activation", "tanh", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(run("sweep", "--layers", LAYERS, "--input", "8", *more))))
    assert len(rows) == 2 * 3 * (6 + 8)
    assert {row["gain"] for row in rows} == {"1.0", "1.5", "2.0"}
    network = Network(layers="dense(16), repeat(3, tanh, dense(16))", input=8, gain=1.5)
    mine = [r for r in rows if (r["activation"], r["depth"], r["gain"]) == ("tanh", "3", "1.5")]
    assert [float(r["q"]) for r in mine] == pytest.approx(predict(network).columns["q"].tolist(), rel=1e-12)


def test_a_heat_map_is_drawn(tmp_path):
    path = tmp_path / "map.svg"
    more = ("--gain", "1,2", "--bias-variance", "0,0.5", "--quantity", "rho", "--plot", str(path))
    table = run("sweep", "--layers", "dense(4), relu, dense(4)", "--input", "4", *more)
    assert len(table.splitlines()) == 5
    assert path.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--gain", "1:2"), "must be numbers, or ranges such as 0.5:3:20 (first, last, how many), got '1:2'"),
        (("--gain", "1", "--depth", "x"), "--depth must be positive integers, separated by commas, got 'x'"),
        (("--gain", "1", "--depth", "2"), "depth goes with {depth} in layers: give both, or neither"),
        (("--gain", "1", "--quantity", "k"), "quantity must be one of q, m2, v2, rho, grad, got 'k'"),
    ],
)
def test_a_sweep_refuses_bad_input_with_one_line(arguments, text):
    output = run("sweep", "--layers", "dense(4)", "--input", "4", *arguments, code=2)
    assert text in output
    assert "Traceback" not in output


def test_curve_takes_layers():
    layers = "conv(4), residual(relu, conv(4), scale=0.5), flatten, dense(2)"
    output = run("curve", "--layers", layers, "--input", "3x4", "--gain", "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [row["name"] for row in rows] == ["input", "conv", "residual", "flatten", "dense"]
    assert "jointly Gaussian" in run("curve", "--layers", layers, "--input", "3x4", "--gain", "2")


def test_verify_takes_layers():
    layers = "dense(64), residual(relu, dense(64), scale=0.5)"
    arguments = ("--layers", layers, "--input", "64", "--gain", "2", "--input-correlation", "0.5", "--networks", "200")
    assert "agrees: " in run("verify", *arguments)
