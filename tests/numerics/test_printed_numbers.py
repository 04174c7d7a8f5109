"""Every number that is printed, as text, CSV, JSON or HTML, is the one that the library computed, in its place."""

import csv
import io
import json
import math
import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from numerics import critical, predict, recommended_gains, simulate, verify
from numerics.cli import main
from numerics.maps import NumericalMaps
from numerics.maps.at_point import maps_at
from numerics.network import Network
from numerics.phase import phase_diagram
from numerics.report import page, tables
from numerics.report.subject_page import _critical as critical_table
from numerics.report.subject_page import _gains as gains_on_page

WIDTHS, WEIGHTS, BIASES = [8, 14, 5, 6], [0.3, 0.05, 0.4], [0.1, 0.2, 0.05]
NETWORK = Network(widths=WIDTHS, weight_variance=WEIGHTS, bias_variance=BIASES, activation="tanh", input_variance=1.7)
OPTIONS = (
    "--widths 8,14,5,6 --weight-variance 0.3,0.05,0.4 --bias-variance 0.1,0.2,0.05 --activation tanh "
    "--input-variance 1.7"
)


def run(line, code=0):
    found = CliRunner().invoke(main, line.split())
    assert found.exit_code == code, found.stderr
    return found.stdout


def table(text):
    """Return the rows of the first table, by title."""
    lines = text.split("\n\n")[0].splitlines()
    head, *rows = (re.split(r" {2,}", line.strip()) for line in lines)
    return head, rows


def shows(text, value, digits):
    """Whether a text is a number to so many digits; in percent where it says so."""
    text = text.strip().replace("−", "-")
    scale = 100 if text.endswith("%") else 1
    # A power of ten is set as 1·10², with its exponent raised.
    number = float(text.removesuffix("%").strip().replace("·10", "e"))
    return number == pytest.approx(scale * value, rel=0.501 * 10.0 ** (1 - digits), abs=0)


def test_a_number_is_told_from_its_neighbours():
    """The test's own ruler."""
    assert shows("1.23457", 1.234567, 6)
    assert not shows("1.23458", 1.234567, 6)
    assert shows("−2.5 %", -0.025, 2)
    assert not shows("2.5 %", -0.025, 2)


# Curves, simulations, verifications.


def test_curve_as_text():
    """Six digits of every column, under its title."""
    head, rows = table(run(f"curve {OPTIONS}"))
    expected = predict(NETWORK)
    assert head == ["layer", *expected.columns]
    for layer, row in enumerate(rows):
        assert row[0] == str(layer)
        assert all(shows(cell, expected.columns[n][layer], 6) for n, cell in zip(head[1:], row[1:], strict=True))


@pytest.fixture(scope="module")
def simulated():
    return simulate(NETWORK, rng=7, networks=300, progress=False)


def test_simulation_as_text_csv_and_json(simulated):
    """Estimates and standard errors, each beside its quantity."""
    line = f"simulate {OPTIONS} --networks 300 --seed 7"
    head, rows = table(run(line))
    names = list(simulated.estimate)
    assert head == ["layer", *(title for name in names for title in (name, "std error"))]
    as_csv = list(csv.DictReader(io.StringIO(run(f"{line} --format csv"))))
    as_json = json.loads(run(f"{line} --format json"))["rows"]
    assert len(rows) == len(as_csv) == len(as_json) == len(WIDTHS) - 1
    for layer, cells in enumerate(rows):
        assert cells[0] == as_csv[layer]["layer"] == str(as_json[layer]["layer"]) == str(layer)
        for k, name in enumerate(names):
            value, error = simulated.estimate[name][layer], simulated.standard_error[name][layer]
            assert shows(cells[1 + 2 * k], value, 6)
            assert shows(cells[2 + 2 * k], error, 2)
            assert float(as_csv[layer][name]) == as_json[layer][name] == value
            (key,) = [key for key in as_csv[layer] if key.startswith(name) and key.endswith("_error")]
            assert float(as_csv[layer][key]) == as_json[layer][key] == error


@pytest.fixture(scope="module")
def verified(simulated):
    return verify(predict(NETWORK), simulated)


def test_verification_as_text_and_json(simulated, verified):
    """Rows against prediction and simulation themselves; z and the difference by their definitions."""
    line, code = f"verify {OPTIONS} --networks 300 --seed 7", 0 if verified.agrees else 1
    head, rows = table(run(line, code))
    assert head[:8] == ["layer", "quantity", "predicted", "estimate", "std error", "z", "off by", "detectable"]
    data = json.loads(run(f"{line} --format json", code))
    assert data["threshold"] == verified.threshold
    assert data["verdict"] == verified.verdict
    predicted = predict(NETWORK).columns
    assert len(rows) == len(data["rows"]) == len(verified.comparisons) > 10
    for row, cells, plain in zip(verified.comparisons, rows, data["rows"], strict=True):
        truth = predicted[row.quantity][row.layer]
        estimate, error = (s[row.quantity][row.layer] for s in (simulated.estimate, simulated.standard_error))
        # The run's own error, or that which its tail implies where that is larger.
        error = max(error, simulated.tail_error[row.quantity][row.layer] * abs(estimate))
        assert cells[:2] == [str(row.layer), row.name]
        assert all(map(shows, cells[2:5], (truth, estimate, error), (6, 6, 2)))
        score = (estimate / truth - 1) / (error / estimate)  # the relative error over the relative standard error
        assert float(cells[5]) == pytest.approx(score, abs=0.00501)
        assert float(cells[6].rstrip(" %").replace("−", "-")) == pytest.approx(100 * (estimate / truth - 1), rel=0.051)
        assert float(cells[7].rstrip(" %")) == pytest.approx(100 * row.detectable, rel=0.051)
        assert (plain["predicted"], plain["estimate"], plain["standard_error"]) == (truth, estimate, error)
        assert plain["z"] == pytest.approx(score, rel=1e-9, abs=1e-9)
        assert plain["relative_difference"] == pytest.approx(estimate / truth - 1, rel=1e-9, abs=1e-14)
        assert plain["detectable"] == row.detectable
        assert plain["verdict"] == cells[-1] == row.verdict


def test_an_agreement_names_its_largest_score(verified):
    """By hand, beside the limit, which is another number."""
    calm = replace(verified, comparisons=tuple(replace(r, verdict="agrees", z=-1.25) for r in verified.comparisons))
    assert f"the largest |z| of {len(calm.comparisons)} rows is 1.25, the limit {verified.threshold:.2f}" in calm.text()


@pytest.mark.parametrize(("activation", "claim"), [("tanh", "approximate"), ("linear", "exact"), ("relu", "")])
def test_a_verification_fits_in_100_columns(activation, claim):
    """What all rows claim is said once; where some are exact, it is a column."""
    text = run(f"verify --widths 64,50,60 --activation {activation} --gain 1 --networks 200")
    assert max(map(len, text.splitlines())) <= 100
    assert f"Every row claims to be {claim}." in text if claim else "claim" in text.splitlines()[0]


def test_percentages_of_a_verification(verified):
    """Three digits of each, of the numbers of the row; the summary has the largest that could have passed."""
    head, *lines = (re.split(r" {2,}", line.strip()) for line in verified.text().split("\n\n")[0].splitlines())
    assert head[6:8] == ["off by", "detectable"]
    for row, cells in zip(verified.comparisons, lines, strict=True):
        assert shows(cells[6].replace("+", ""), row.estimate / row.predicted - 1, 3)
        assert shows(cells[7], row.detectable, 3)
    calm = [
        replace(row, verdict="agrees", skewness=0.0, detectable=0.0123 * n)
        for n, row in enumerate(verified.comparisons)
    ]
    (largest,) = re.findall(
        r"an error of (\S+ %) would have been caught", replace(verified, comparisons=tuple(calm)).text()
    )
    assert shows(largest, 0.0123 * (len(calm) - 1), 3)


# One activation.


def test_maps_as_text_and_json():
    """Each value with its own error, at the q and rho that were asked for."""
    numbers = NumericalMaps("tanh", weight_variance=1.3, bias_variance=0.2)
    values = maps_at(numbers, 2.0, 0.3)
    line = "maps tanh --q 2 --rho 0.3 --gain 1.3 --bias-variance 0.2"
    head, rows = table(run(line))
    assert head[1] == "at q = 2, rho = 0.3"
    data = json.loads(run(f"{line} --format json"))
    assert (data["q"], data["rho"], data["sigma_w2"], data["sigma_b2"]) == (2, 0.3, 1.3, 0.2)
    assert {row[0] for row in rows} == set(values)
    assert "The gain is 1.3, the bias variance 0.2." in run(line)
    for name, value, error, method in rows:
        found = values[name]
        assert method == found.method
        assert float(value) == pytest.approx(found.value, rel=6e-15, abs=1e-300)
        assert float(error) == pytest.approx(found.error, rel=0.051)
        assert (data["maps"][name]["value"], data["maps"][name]["error"]) == (found.value, found.error)


@pytest.mark.parametrize("bias", [None, 0.05])
def test_critical_as_text_json_and_html(bias):
    """Every value under its own name."""
    found = critical("tanh", bias_variance=bias)
    line = "critical tanh" + (f" --bias-variance {bias}" if bias else "")
    shown = dict(re.split(r" {2,}", row.strip(), maxsplit=1) for row in run(line).split("\n\n")[0].splitlines()[1:])
    data = json.loads(run(f"{line} --format json"))
    titles = {"sigma_w2": "gain n Var[W], sigma_w2", "sigma_b2": "sigma_b2 (Var[b])", "chi_perp": "chi_perp"}
    titles |= {"chi_par": "chi_par", "q_star": "q_star", "xi_q": "xi_q (layers)", "xi_c": "xi_c (layers)"}
    for name, title in titles.items():
        value, text = getattr(found, name), shown[title].split(" (")[0]
        if value is None or math.isinf(value):
            assert text in ("every q", "infinite", "-")
            assert data[name] is None
        else:
            assert shows(text, value, 13)
            assert data[name] == value
    html = critical_table(SimpleNamespace(critical=found, edge=found))
    cells = re.findall(r'<td class="num">([^<]*)</td>', html)[:7]
    names = ("sigma_w2", "sigma_b2", "q_star", "chi_perp", "chi_par", "xi_q", "xi_c")
    for name, cell in zip(names, cells, strict=True):
        value = getattr(found, name)
        plain = "every" if value is None else "∞" if math.isinf(value) else None
        assert cell == plain if plain else shows(cell, value, 8)


def test_a_point_at_every_length():
    """For ReLU the gain 2 keeps every length (He et al. 2015): a word in place of the length, and no empty cells."""
    found = critical("relu")
    shown = dict(re.split(r" {2,}", row.strip(), maxsplit=1) for row in run("critical relu").splitlines()[1:9])
    assert list(shown.values()) == [
        "scale-invariant", "2", "0", "every q (neutral)", "1", "1", "infinite", "infinite"
    ]  # fmt: skip
    data = json.loads(run("critical relu --format json"))
    assert (data["sigma_w2"], data["sigma_b2"], data["chi_perp"], data["chi_par"]) == (2, 0, 1, 1)
    assert data["q_star"] is data["xi_q"] is data["xi_c"] is None
    html = critical_table(SimpleNamespace(critical=found, edge=found))
    row = ["2", "0", "every", "1", "1", "∞", "∞"]
    assert re.findall(r'<td class="num">([^<]*)</td>', html) == [*row, *row]
    assert html.count("<td>neutral</td>") == 2


def test_fixed_points_as_text_and_json():
    """Every column of every point, each under its own name."""
    found = critical("tanh", bias_variance=0.05)
    assert found.fixed_points
    line = "critical tanh --bias-variance 0.05"
    head, rows = table(run(line).split("\n\n")[1])
    assert head == ["fixed point q", "error", "chi_par", "chi_perp", "xi_q", "stability"]
    data = json.loads(run(f"{line} --format json"))["fixed_points"]
    for point, row, plain in zip(found.fixed_points, rows, data, strict=True):
        names = ("q", "error", "chi_par", "chi_perp", "xi_q")
        digits = (13, 1, 9, 9, 6)
        assert all(shows(cell, getattr(point, n), d) for cell, n, d in zip(row[:5], names, digits, strict=True))
        assert row[5] == point.stability == plain["stability"]
        assert all(plain[n] == getattr(point, n) for n in names)


def test_gains_on_the_page():
    """As in the terminal, with ten digits."""
    gains = recommended_gains("gelu")
    html = gains_on_page(SimpleNamespace(gains=gains))
    shown = re.findall(r"Gain (\S+) \(n Var\[W\]; torch gain ([^)]+)\)(?:, bias variance ([^:]+))?:", html)
    for gain, (variance, root, bias) in zip(gains, shown, strict=True):
        assert shows(root, math.sqrt(gain.sigma_w2), 10)
        assert shows(variance, gain.sigma_w2, 10)
        assert float(bias or 0) == pytest.approx(gain.sigma_b2, rel=1e-9)


def test_gains_as_text_and_json():
    """The gain is n Var[W], and the torch gain its root, in the table and in the lines for PyTorch and JAX."""
    gains = recommended_gains("gelu")
    data = json.loads(run("init gelu --format json"))["gains"]
    blocks = re.findall(r"^(\S.*): gain (\S+), torch gain (\S+?)(?:, bias variance (\S+))?$",
                        run("init gelu"), re.MULTILINE)  # fmt: skip
    assert len(blocks) == len(data) == len(gains) > 1
    for gain, (name, variance, root, bias), plain in zip(gains, blocks, data, strict=True):
        assert name == gain.name == plain["name"]
        assert float(variance) == pytest.approx(gain.sigma_w2, rel=1e-11)
        assert float(root) == pytest.approx(math.sqrt(gain.sigma_w2), rel=1e-11)
        assert float(bias or 0) == pytest.approx(gain.sigma_b2, rel=1e-11)
        assert plain["gain"] == plain["sigma_w2"] == gain.sigma_w2
        assert plain["torch_gain"] == math.sqrt(gain.sigma_w2)


def test_phase_csv(tmp_path):
    """Each column of the diagram, at its own point."""
    run(f"phase tanh -o {tmp_path / 'p.csv'} --points 5 --gain 1 3 --bias-variance 0 0.4")
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    diagram = phase_diagram("tanh", weight_variance=(1, 3), bias_variance=(0, 0.4), points=5)
    assert len(rows) == 25
    columns = [name for name in rows[0] if hasattr(diagram, name)]
    assert len(columns) >= 5
    for n, row in enumerate(rows):
        b, w = divmod(n, 5)
        for name in columns:
            values = np.asarray(getattr(diagram, name), dtype=float)
            value = values[w] if name == "sigma_w2" else values[b] if name == "sigma_b2" else values[b, w]
            # The digits that hold are printed, nine at most.
            digits = len(row[name].split("e")[0].replace("-", "").replace(".", "").lstrip("0")) or 9
            assert float(row[name]) == pytest.approx(value, rel=max(6e-9, 0.6 * 10.0 ** (1 - digits)), nan_ok=True)
            assert digits >= 4 or not np.isfinite(value) or value == round(value, 3)


# The report.


def cells_of(html):
    rows = ElementTree.fromstring(html).iter("tr")
    return [["".join(cell.itertext()) for cell in row if cell.tag == "td"] for row in rows]


def test_rows_of_the_report(verified):
    """Predicted, simulated, standard error, z, difference and detectable, in percent where they are."""
    markup = re.sub(r"<math.*?</math>", "", tables._rows(verified), flags=re.DOTALL)
    rows = [row for row in cells_of(markup) if row]
    assert len(rows) == len(verified.comparisons)
    for row, (_, layer, *numbers, verdict) in zip(verified.comparisons, rows, strict=True):
        assert (layer, verdict) == (str(row.layer), row.verdict)
        values = (row.predicted, row.estimate, row.standard_error)
        assert all(map(shows, numbers[:3], values, (5, 5, 2)))
        assert float(numbers[3].replace("−", "-")) == pytest.approx(row.z, abs=0.00501)
        assert shows(numbers[4], row.estimate / row.predicted - 1, 2)
        assert shows(numbers[5], row.detectable, 2)


def test_summary_of_the_report(verified):
    """Rows, those that differ, the largest |z| and the threshold, of a table in which some differ."""
    rows = [replace(row, verdict="agrees", z=1.0) for row in verified.comparisons]
    worse = [replace(row, verdict="differs", z=-9.75) if n % 3 == 0 else row for n, row in enumerate(rows)]
    bad = replace(verified, comparisons=tuple(worse))
    case = SimpleNamespace(key="k", title="t", verification=bad)
    (row,) = [row for row in cells_of(tables._summary([case])) if row]
    assert row == ["t", str(len(worse)), str(-(-len(worse) // 3)), "9.8", f"{bad.threshold:.2f}", "differs"]


def test_the_abstract_counts_what_there_is():
    """Theorems by grade, claims by verdict, networks by agreement: no two numbers are the same."""
    grades = ["exact"] * 7 + ["assumed"] * 2
    verdicts = ["holds"] * 3 + ["holds-if"] * 4 + ["refuted"] * 5
    contents = SimpleNamespace(
        theorems=[SimpleNamespace(grade=grade) for grade in grades],
        audits=[SimpleNamespace(verdict=verdict) for verdict in verdicts],
        cases=[
            SimpleNamespace(title=title, verification=SimpleNamespace(verdict=verdict))
            for title, verdict in (
                ("Linear units, wide", "agrees"),
                ("Tanh units, deep", "differs"),
                ("ReLU units", "agrees"),
            )
        ],
    )
    text = page._abstract(contents)
    assert "9 theorems are derived (7 exact and 2 assumed)." in text
    assert "Of 12 formulas in print, 3 hold as printed, 4 only if more is assumed and 5 are refuted." in text
    assert "agree with theory for linear units with wide and ReLU units; they differ for tanh units with deep." in text
