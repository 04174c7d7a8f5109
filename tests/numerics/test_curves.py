"""Predicted curves: against recursions typed in here, against products, against simulation; what is exact."""

import csv
import io
import json
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from derive.activations import Activation
from derive.activations import s as symbol
from derive.errors import InputError
from numerics.curves import COLUMNS, predict
from numerics.network import Network
from numerics.simulation import simulate
from numerics.verification import verify

WIDTHS = (8, 14, 5, 18, 11, 6)


def recursion(network):
    """All columns in exact fractions, by the definition of the network with f(s) = s, unit by unit."""
    n, d = network.widths, network.d
    W, b = ([Fraction(v) for v in values] for values in (network.weight_variance, network.bias_variance))
    var_z, var_s = [Fraction(network.input_variance)], []
    for i in range(d + 1):
        var_s.append(sum(W[i] * var_z[i] for _ in range(n[i])) + b[i])
        var_z.append(var_s[i])
    gradient = [Fraction(network.gradient_variance)]
    for i in range(d, 0, -1):
        gradient.insert(0, sum(W[i] * gradient[0] for _ in range(n[i + 1])))
    weight = [u * v for u, v in zip(var_z, gradient, strict=False)]
    return dict(zip(COLUMNS, (var_z[: d + 1], var_s, gradient, weight), strict=True))


NETWORKS = {
    "gain one": Network(widths=WIDTHS, gain=1.0),
    "unequal variances": Network(
        widths=WIDTHS, weight_variance=[0.3, 0.01, 2.5, 0.07, 0.4], input_variance=3.0, gradient_variance=0.2
    ),
    "biases": Network(widths=WIDTHS, weight_variance=[0.3, 0.01, 2.5, 0.07, 0.4], bias_variance=0.3),
    "a bias in one layer": Network(widths=WIDTHS, gain=[1, 2, 3, 4, 5], bias_variance=[0, 0, 0.7, 0, 0]),
    "a layer of zeros": Network(widths=WIDTHS, weight_variance=[0.3, 0.01, 0.0, 0.07, 0.4]),
    "zeros and biases": Network(widths=WIDTHS, weight_variance=[0.3, 0.01, 0.0, 0.07, 0.4], bias_variance=0.1),
    "one matrix": Network(widths=[3, 2], gain=2.0, bias_variance=0.5),
    "no input": Network(widths=WIDTHS, gain=1.0, input_variance=0.0, gradient_variance=0.0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_agrees_with_the_recursion(name):
    """Every column and layer, to rounding; zeros exactly."""
    network = NETWORKS[name]
    prediction, expected = predict(network), recursion(network)
    assert tuple(prediction.columns) == COLUMNS
    for column, values in expected.items():
        assert len(prediction.columns[column]) == network.d + 1
        assert prediction.columns[column] == pytest.approx([float(v) for v in values], rel=4e-15, abs=0)


def test_biases_zero_give_the_products():
    """Nearly no bias and none: two routes, by recursion and by products, give one curve."""
    with_biases = predict(Network(widths=WIDTHS, gain=1.5, bias_variance=1e-300)).columns
    without = predict(Network(widths=WIDTHS, gain=1.5)).columns
    for column in COLUMNS:
        assert with_biases[column] == pytest.approx(without[column], rel=1e-14)


def test_linear_network_is_exact():
    """With linear units all columns are exact at finite width, with and without biases."""
    for name in ("gain one", "biases"):
        prediction = predict(NETWORKS[name])
        assert prediction.exact == dict.fromkeys(COLUMNS, True)
        assert set(prediction.approximations.values()) == {()}


def test_tanh_rests_on_the_linear_regime():
    """With tanh units every column does, and says so; a single matrix has no activation to approximate."""
    for bias in (0.0, 0.1):
        network = Network(widths=WIDTHS, activation="tanh", gain=1.0, bias_variance=bias)
        prediction = predict(network, theory="linear-regime")
        assert prediction.exact == dict.fromkeys(COLUMNS, False)
        for (reason,) in prediction.approximations.values():
            assert reason.startswith("Linear regime")
        linear = predict(Network(widths=WIDTHS, gain=1.0, bias_variance=bias))
        for column in COLUMNS:
            assert np.array_equal(prediction.columns[column], linear.columns[column])
    alone = predict(Network(widths=[3, 2], activation="tanh", gain=1.0), theory="linear-regime")
    assert alone.exact == dict.fromkeys(COLUMNS, True)


@pytest.mark.parametrize("activation", ["sigmoid", "gelu", "exp", Activation("double", 2 * symbol)])
def test_no_linear_regime_is_refused(activation):
    """An activation that is not like f(s) = s at the origin has no linear regime, and is not given a wrong one."""
    with pytest.raises(InputError, match=r"activation must have f\(0\) = 0 and f'\(0\) = 1"):
        predict(Network(widths=WIDTHS, activation=activation, gain=1.0), theory="linear-regime")


def test_an_unknown_theory_lists_close_matches():
    with pytest.raises(InputError, match="wide"):
        predict(NETWORKS["gain one"], theory="wides")


def test_overflow_and_underflow():
    """What leaves float64's range is infinite or zero; a layer without weights starts anew from its bias."""
    variances = [1e200, 1e200, 0.0, 1.0, 1.0]
    columns = predict(Network(widths=WIDTHS, weight_variance=variances, bias_variance=0.25)).columns
    assert columns["var_z"].tolist() == [1.0, 8e200, math.inf, 0.25, 4.75]
    assert columns["var_s"][1] == math.inf
    assert columns["var_grad_w"][0] == 0.0
    products = predict(Network(widths=WIDTHS, weight_variance=variances)).columns
    assert products["var_z"].tolist() == [1.0, 8e200, math.inf, 0.0, 0.0]
    assert products["var_s"].tolist()[1:3] == [math.inf, 0.0]
    # Var[z^1] is beyond float64, and the product with a small gradient variance is not.
    back = predict(Network(widths=[1, 1, 1], weight_variance=[1e200, 1e-200], input_variance=1e200))
    assert back.columns["var_grad_w"] == pytest.approx([1.0, math.inf], rel=1e-14)
    assert json.loads(back.to_json())["rows"][1]["var_z"] is None


def test_csv_and_json_keep_every_digit():
    """Text and back gives the same float64."""
    prediction = predict(NETWORKS["unequal variances"])
    table = list(csv.DictReader(io.StringIO(prediction.to_csv())))
    data = json.loads(prediction.to_json())
    assert list(table[0]) == data["columns"] == ["layer", *COLUMNS]
    assert [int(row["layer"]) for row in table] == [row["layer"] for row in data["rows"]] == list(range(5))
    for column in COLUMNS:
        values = prediction.columns[column].tolist()
        assert [float(row[column]) for row in table] == values
        assert [row[column] for row in data["rows"]] == values
    assert Network(**data["network"]) == prediction.network


def test_columns_cannot_be_changed():
    """A prediction is a result."""
    with pytest.raises(ValueError, match="read-only"):
        predict(NETWORKS["gain one"]).columns["var_z"][0] = 2.0


def test_simulation_agrees_and_a_wrong_curve_does_not():
    """4000 networks with biases: right at the stated error rate, and the curve of the mirrored widths is caught."""
    variances = [0.11, 0.1, 0.15, 0.06, 0.1]
    network = Network(widths=WIDTHS, weight_variance=variances, bias_variance=0.05)
    simulation = simulate(network, rng=5, networks=4000)
    found = verify(predict(network), simulation)
    assert found.agrees
    assert max(row.detectable for row in found.comparisons) < 0.25

    class Mirrored:
        pass

    wrong = predict(Network(widths=WIDTHS[::-1], weight_variance=variances, bias_variance=0.05))
    Mirrored.network, Mirrored.columns, Mirrored.exact = network, wrong.columns, wrong.exact
    assert verify(Mirrored, simulation).verdict == "differs"


def test_tanh_leaves_the_linear_regime():
    """Small weights agree; at gain 2 the deepest variance is less than half of the linear one."""
    small = Network(widths=WIDTHS, activation="tanh", gain=0.005)
    large = Network(widths=WIDTHS, activation="tanh", gain=2.0)
    assert verify(predict(small, theory="linear-regime"), simulate(small, rng=6, networks=1000)).agrees
    found = verify(predict(large, theory="linear-regime"), simulate(large, rng=6, networks=1000))
    assert found.verdict == "differs"
    (row,) = [row for row in found.comparisons if (row.quantity, row.layer) == ("var_z", 4)]
    assert row.relative_difference < -0.5


def test_a_prediction_loads_no_code_generation():
    """Imports are a large part of a short command."""
    program = (
        "import sys; from numerics import Network, predict;"
        "predict(Network(widths=[9] * 3, gain=1.0, activation='tanh'));"
        "sys.exit(any(m in sys.modules for m in ('numerics.programs.callable', 'numerics.programs.printers')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
