"""``critical``, ``init`` and ``phase`` on the command line: every printed number, parsed and held against mpmath."""

import csv
import json
import math
import re
from collections.abc import Callable
from functools import cache

import mpmath
import pytest
from click.testing import CliRunner

from numerics.cli import main
from numerics.criticality import critical
from numerics.criticality.depth import INFINITE, LEFT
from numerics.report.subject_page import _numbers

HALF = "max(x,0)-1/sqrt(2*pi)"


@cache
def good(*arguments: str) -> str:
    """What a command prints, run once for all tests."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _flat(text: str) -> str:
    """Sentences without their line breaks."""
    return " ".join(text.split())


def _table(text: str) -> dict[str, str]:
    """The first table: what stands in front, and the value."""
    lines = text.split("\n\n")[0].splitlines()[1:]
    cells = [re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines]
    return {row[0]: row[1] for row in cells}


def _edge_of_erf(b: mpmath.mpf) -> dict[str, mpmath.mpf]:
    """E[erf²] = (2/π) asin(2q/(1 + 2q)), E[erf'²] = 4/(π √(1 + 4q)) (Williams 1997)."""

    def second(q: mpmath.mpf) -> mpmath.mpf:
        return 2 / mpmath.pi * mpmath.asin(2 * q / (1 + 2 * q))

    def slope(q: mpmath.mpf) -> mpmath.mpf:
        return 4 / mpmath.pi / mpmath.sqrt(1 + 4 * q)

    with mpmath.workdps(40):
        q = mpmath.findroot(lambda x: x - second(x) / slope(x) - b, 0.3)
        par = mpmath.diff(second, q) / slope(q)
        return {"w": 1 / slope(q), "q": q, "par": par, "xi": -1 / mpmath.log(par)}


def test_every_number_of_the_edge_of_erf() -> None:
    """Text and JSON, all numbers to twelve digits, the depth scale of the correlation in a word."""
    with mpmath.workdps(40):
        truth = _edge_of_erf(mpmath.mpf(0.05))
    shown = _table(good("critical", "erf", "--bias-variance", "0.05"))
    data = json.loads(good("critical", "erf", "--bias-variance", "0.05", "--format", "json"))
    (point,) = data["fixed_points"]
    pairs = [
        (shown["gain n Var[W], sigma_w2"], truth["w"]),
        (shown["q_star"].removesuffix(" (stable)"), truth["q"]),
        (shown["chi_par"], truth["par"]),
        (shown["xi_q (layers)"], truth["xi"]),
        (shown["chi_perp"], 1),
        (data["sigma_w2"], truth["w"]),
        (data["q_star"], truth["q"]),
        (data["chi_par"], truth["par"]),
        (data["xi_q"], truth["xi"]),
        (point["q"], truth["q"]),
        (point["chi_par"], truth["par"]),
        (point["xi_q"], truth["xi"]),
        (point["chi_perp"], 1),
    ]
    for got, right in pairs:
        assert float(got) == pytest.approx(float(right), rel=1e-12)
    assert shown["xi_c (layers)"] == data["words"]["xi_c"] == INFINITE
    assert data["xi_c"] is None


def test_the_row_of_a_fixed_point() -> None:
    """The second table: q, its error, both slopes and the depth scale, in their columns."""
    truth = _edge_of_erf(mpmath.mpf(0.05))
    text = good("critical", "erf", "--bias-variance", "0.05").split("\n\n")[1]
    header, row = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines()[:2])
    found = dict(zip(header, row, strict=True))
    assert float(found["fixed point q"]) == pytest.approx(float(truth["q"]), rel=1e-12)
    assert 0 < float(found["error"]) < 1e-13
    assert float(found["chi_par"]) == pytest.approx(float(truth["par"]), abs=6e-10)
    assert float(found["chi_perp"]) == pytest.approx(1, abs=6e-10)
    assert float(found["xi_q"]) == pytest.approx(float(truth["xi"]), rel=6e-6)
    assert found["stability"] == "stable"


def test_an_unstable_edge_says_that_a_network_does_not_stay() -> None:
    """For exp: q* = 1 + σ_b², χ_∥ = 2; no sign of a negative depth scale or of a sentinel, in text, JSON or HTML."""
    text = good("critical", "exp", "--bias-variance", "0.04")
    shown = _table(text)
    assert shown["q_star"] == "1.04 (unstable)"
    assert shown["xi_q (layers)"] == shown["xi_c (layers)"] == "unstable"
    assert "approach" not in text
    # Said once below the table, with where it goes: at 0.243 is a point that attracts, above none.
    (place,) = re.findall(
        r"does not stay there: smaller lengths go to q = ([\d.]+) \(.*\), larger ones grow", _flat(text)
    )
    low = mpmath.findroot(lambda q: mpmath.exp(2 * q) * 0.12493021219858241 + mpmath.mpf("0.04") - q, 0.24)
    assert float(place) == pytest.approx(float(low), rel=1e-5)
    assert text.count("stay") == 1
    assert "stay" not in good("critical", "tanh", "--bias-variance", "0.04")
    data = json.loads(good("critical", "exp", "--bias-variance", "0.04", "--format", "json"))
    assert data["xi_q"] is data["xi_c"] is None
    assert data["words"] == {"xi_q": LEFT, "xi_c": LEFT}
    html = _numbers(critical("exp", bias_variance=0.04))
    assert html.count('<td class="num">unstable</td>') == 2
    assert html.endswith("<td>unstable</td>")


def test_a_half_stable_point_shows_its_evidence() -> None:
    """Gelu's: both signs of Q(q) - q are negative, so that it attracts from above (Roberts, Yaida & Hanin 2022)."""
    text = good("critical", "gelu")
    (line,) = re.findall(r"q = [\d.]+ is half-stable: .*? approach", _flat(text))
    assert "attracts from above, repels below: chi_par = 1 within" in line
    assert len(re.findall(r"Q\(q\) - q = -", line)) == 2
    assert _table(text)["xi_q (layers)"] == INFINITE


def test_init_does_not_call_a_half_stable_length_attracting() -> None:
    """f = max(s, 0) - 1/√(2π): 1/E[f²] = 1/(1/2 - 1/(2π)); the slope of the length map at q = 1 is 1."""
    text = good("init", HALF)
    assert "q = 1 is half-stable (attracts from below, repels above: chi_par = 1 within" in _flat(text)
    assert "q = 1 attracts" not in text
    gain = float(re.search(r"second-moment: .*torch gain ([\d.]+)", text)[1])  # type: ignore[index]
    assert gain == pytest.approx((0.5 - 1 / (2 * math.pi)) ** -0.5, rel=1e-11)


@pytest.mark.parametrize(
    ("name", "second", "word"),
    [
        ("erf", lambda q: 2 / mpmath.pi * mpmath.asin(2 * q / (1 + 2 * q)), "attracts"),
        ("sin", lambda q: (1 - mpmath.exp(-2 * q)) / 2, "attracts"),
        ("x**2", lambda q: 3 * q**2, "repels"),
    ],
)
def test_init_says_what_the_slope_decides(name: str, second: Callable[[mpmath.mpf], mpmath.mpf], word: str) -> None:
    """The slope of the length map at q = 1, where the gain is 1/E[f²]: the logarithmic derivative of E[f²]."""
    (slope,) = re.findall(rf"q = 1 {word} \(chi_par = ([\d.]+)\)", _flat(good("init", name)))
    assert slope == f"{float(mpmath.diff(lambda q: mpmath.log(second(q)), 1)):.4g}"


def test_init_follows_gradients_layer_by_layer() -> None:
    """For erf at its critical gain π/4: both factors over 50 layers from q = 1, by hand in mpmath."""
    q, factor = mpmath.mpf(1), mpmath.mpf(1)
    for _ in range(50):
        factor *= mpmath.pi / 4 * 4 / mpmath.pi / mpmath.sqrt(1 + 4 * q)
        q = mpmath.asin(2 * q / (1 + 2 * q)) / 2
    data = json.loads(good("init", "erf", "--format", "json"))
    (gain,) = [gain for gain in data["gains"] if gain["name"] == "critical"]
    assert gain["sigma_w2"] == pytest.approx(math.pi / 4, rel=1e-13)
    assert gain["length_after"] == pytest.approx(float(q), rel=1e-10)
    assert gain["gradient_after"] == pytest.approx(float(factor), rel=1e-10)
    assert data["notes"] == []


@pytest.mark.parametrize("name", ["max(x,0)+tanh(x)", "relu"])
def test_what_init_promises_is_what_curve_shows(name: str) -> None:
    """With the printed options var_s goes from 1 to what was said in 50 layers; so it does from inputs of variance 1.

    These are followed where the first gain says what comes of them: a curve takes seconds.
    """
    text = good("init", name)
    blocks = re.findall(
        r"q = 1 \(inputs [^)]*\): q = (\S+), and the variance of gradients times (\S+) "
        r"(?:from q = \S+ \(inputs of variance 1\): q = (\S+), and the variance of gradients times (\S+) )?"
        r"PyTorch: .*? varprop: ((?:--[\w-]+ \S+ ?)+)",
        _flat(text),
    )
    assert len(blocks) == len(json.loads(good("init", name, "--format", "json"))["gains"])
    followed = next((k for k, found in enumerate(blocks) if found[2]), None)
    for k, (*found, options) in enumerate(blocks):
        unit = re.sub(" --input-variance .*", "", options)
        for given, start, length, gradient in ((options, 1.0, *found[:2]), (unit, None, *(found[2:]))):
            if not length:  # inputs of variance 1 are the ones with a length of 1
                assert given == options
            if not length or (start is None and k != followed):
                continue
            size = ["--depth", "51", "--width", "9", "--activation", name, "--format", "json"]
            rows = json.loads(good("curve", *size, *given.split()))["rows"]
            assert start is None or rows[0]["var_s"] == pytest.approx(start, rel=1e-12)
            assert rows[50]["var_s"] == pytest.approx(float(length), rel=6e-4)
            assert rows[0]["var_grad_s"] == pytest.approx(float(gradient), rel=6e-4)


def test_init_warns_where_inputs_of_variance_1_start_elsewhere() -> None:
    """A half-stable point says from which side it repels, and what comes of inputs of variance 1."""
    text = good("init", "x*tanh(softplus(1.3*x))")
    assert "half-stable: attracts from below, repels above" in _flat(text)
    assert "Inputs of variance 1 start at 2.069 instead" in _flat(text)
    assert "instead" not in _flat(good("init", "relu"))


def test_no_gain_for_gradients_of_a_step() -> None:
    text = good("init", "step")
    assert text.splitlines()[-1] == "step jumps: its E[f'²] is infinite, and so is χ_⊥ at every weight variance"
    assert [line for line in text.splitlines() if line.startswith(("gradient:", "critical:", "edge-of"))] == []
    assert "the variance of gradients times infinite" in text


def test_the_table_of_a_phase_diagram(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """For exp E[f²] = exp(2 q): q* by mpmath, χ_∥ = 2 w exp(2 q), χ_⊥ = half of it; unbounded lengths are inf."""
    path = tmp_path / "exp.csv"
    good("phase", "exp", "-o", str(path), "--points", "5")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 25
    bounded = 0
    for row in rows:
        w, b = mpmath.mpf(float(row["sigma_w2"])), mpmath.mpf(float(row["sigma_b2"]))
        # The map touches q where 2 w exp(2 q) = 1: beyond, or for 1 beyond the upper root, lengths grow.
        top = -mpmath.log(2 * w) / 2
        if w * mpmath.exp(2 * top) + b > top or (w * mpmath.exp(2) + b > 1 and top < 1):
            assert row["q_star"] == "inf"
            assert row["xi_q"] == row["xi_c"] == "nan"
            continue
        q = mpmath.findroot(lambda x: w * mpmath.exp(2 * x) + b - x, (0, top), solver="anderson", tol=1e-40)  # noqa: B023
        par = 2 * w * mpmath.exp(2 * q)
        assert float(row["q_star"]) == pytest.approx(float(q), rel=1e-8)
        assert float(row["chi_par"]) == pytest.approx(float(par), rel=1e-8)
        assert float(row["chi_perp"]) == pytest.approx(float(par / 2), rel=1e-8)
        assert float(row["xi_q"]) == pytest.approx(float(-1 / mpmath.log(par)), rel=1e-8)
        assert float(row["xi_c"]) == pytest.approx(float(-1 / mpmath.log(par / 2)), rel=1e-8)
        bounded += 1
    assert 8 <= bounded <= 22


def test_init_recommends_one_gain_in_words_first() -> None:
    """That whose larger change over 50 layers, of lengths or of gradients, is the smallest; n Var[W], and its root."""
    for name in ("tanh", "gelu", "selu", "relu"):
        data = json.loads(good("init", name, "--format", "json"))

        def change(gain: dict[str, float]) -> float:
            return max(abs(math.log(gain["length_after"])), abs(math.log(gain["gradient_after"])))

        use = min(data["gains"], key=change)
        assert data["recommended"] == use["name"]
        assert use["gain"] == use["sigma_w2"] == pytest.approx(use["torch_gain"] ** 2, rel=1e-15)
        first = good("init", name).splitlines()[0]
        assert first.startswith(f"Use gain {use['gain']:.12g}")
        assert f"torch gain {use['torch_gain']:.12g}" in first
    # He et al. 2015: gain 2, and PyTorch's calculate_gain("relu") is its root.
    assert "Use gain 2: Var[W] = 2/n, n the fan-in; torch gain 1.41421356237." in _flat(good("init", "relu"))


def test_init_recommends_nothing_where_every_gradient_is_infinite() -> None:
    assert "Use gain" not in good("init", "step")
    assert json.loads(good("init", "step", "--format", "json"))["recommended"] is None
