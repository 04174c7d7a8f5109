"""What a curve does from layer to layer, in words: each word decided by hand for sequences of known behaviour."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from numerics.cli import main
from numerics.cli.trends import trend, trends
from numerics.cli.verification import _remedy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([2.0] * 9, "is kept"),
        ([1.0, 1 + 1e-12, 1.0], "is kept"),
        ([1.0, 1.02, 1.01], "is nearly kept, within 2 %"),
        (1.3 ** np.arange(10), "grows 1.3x a layer"),
        (0.9 ** np.arange(10), "shrinks 0.9x a layer"),
        (1.0043 ** np.arange(51), "grows 0.43 % a layer, 1.24x in all"),
        (0.996 ** np.arange(101), "shrinks 0.4 % a layer, 0.67x in all"),
        (0.1 ** np.arange(4), "vanishes, 0.1x a layer"),
        (0.1 ** np.arange(3), "shrinks 0.1x a layer"),
        ([1.0, 2.0, 8.0], "grows 2.83x a layer on average"),
        ([1.0, 3.0, 0.5, 1.1], "goes up and down between 0.5 and 3"),
        ([1.0, 8.0, 64.0, 50.0], "grows 3.68x a layer on average"),
        (0.7 + 0.3 * 0.1 ** np.arange(8), "settles at 0.7"),
        ([0.0, 0.0], "is zero"),
        ([1.0, 0.0], "vanishes"),
        ([0.0, 0.2, 0.5], "rises from 0 to 0.5"),
        ([1.0, np.inf], "leaves the range of numbers"),
    ],
)
def test_words_of_a_sequence(values, words):
    assert trend(values) == words


def test_the_gradient_is_read_backward():
    """0.25, 0.5, 1 from layer 0 to d shrinks on its way back."""
    columns = {"var_s": [1, 1, 1], "var_grad_s": [0.25, 0.5, 1]}
    assert trends(columns) == ["Forward, var_s is kept.", "Backward, var_grad_s shrinks 0.5x a layer."]


def test_one_layer_has_no_trend():
    assert trends({"var_s": [1.0], "var_grad_s": [1.0]}) == []


def test_curve_says_what_a_linear_network_does():
    """n Var[W] = g at equal widths: both variances are powers of g."""
    for gain, words in ((1, "is kept"), (1.5, "grows 1.5x a layer"), (0.01, "vanishes, 0.01x a layer")):
        text = CliRunner().invoke(main, ["curve", "--depth", "5", "--width", "8", "--gain", str(gain)]).stdout
        assert f"Forward, var_s {words}." in text
        assert f"Backward, var_grad_s {words}." in text


def test_curve_says_that_samples_come_to_look_alike():
    """ReLU with He's gain: v2 shrinks, rho rises, as the table's own numbers say."""
    command = "curve --depth 6 --width 64 --activation relu --gain 2"
    text = " ".join(CliRunner().invoke(main, command.split()).stdout.split())
    first, last = 2, 0.528107
    rate = float(re.search(r"v2 shrinks ([\d.]+)x a layer on average", text)[1])
    assert rate == pytest.approx((last / first) ** (1 / 5), rel=1e-2)
    assert "rises from 0 to 0.736: they come to look alike" in text


def test_verify_names_the_option_that_may_reconcile():
    """Wide layers: --theory finite and --width-bias; the linear regime: --theory wide; nothing where all agree."""
    run = CliRunner().invoke
    narrow = "verify --depth 4 --width 8 --activation relu --gain 2 --over both --networks 300 --samples 20"
    text = run(main, narrow.split())
    assert text.exit_code == 1
    assert "--width-bias estimates what the finite width adds" in " ".join(text.stdout.split())
    assert "--width-bias" not in run(main, [*narrow.split(), "--width-bias"]).stdout
    regime = "verify --widths 8,5,6 --activation tanh --gain 2 --networks 500 --theory linear-regime"
    assert "--theory wide" in run(main, regime.split()).stdout
    assert "--theory" not in run(main, ["verify", "--widths", "8,5,6", "--gain", "1", "--networks", "500"]).stdout


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("agrees agrees", ""),
        ("agrees differs", "The row that differs is approximate"),
        ("differs exact", "One of the rows that differ is approximate"),
        ("differs differs agrees", "The rows that differ are approximate"),
        ("differs differs exact", "Rows that differ are approximate"),
        ("exact agrees", ""),
    ],
)
def test_what_may_reconcile_is_said_of_the_rows_that_are_approximate(rows, words):
    """Of one, some or all of those that differ; of exact ones nothing."""
    kinds = {"agrees": ("agrees", False), "differs": ("differs", False), "exact": ("differs", True)}
    found = SimpleNamespace(
        comparisons=[SimpleNamespace(verdict=v, exact=e) for v, e in (kinds[row] for row in rows.split())]
    )
    for theory, bias, more in (
        ("wide", False, ", by wide layers: --theory finite predicts real ones; --width-bias"),
        ("finite", False, ", by wide layers: --width-bias"),
        ("linear-regime", False, ", by the linear regime: --theory wide"),
        ("linear-regime", True, ", by the linear regime: --theory wide"),
    ):
        assert _remedy(found, theory, bias).startswith(f"{words}{more}" if words else "")
        assert bool(_remedy(found, theory, bias)) == bool(words)
    assert _remedy(found, "wide", True) == ""
