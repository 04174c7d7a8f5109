"""Every result gives rows, plain data, a table for pandas and for a notebook, a short text, and a dir of its own."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import derive
import numerics
from derive.render.table import to_html
from derive.results import Result, plain
from numerics import Network, NumericalMaps, predict, simulate, verify
from numerics.cli import main

NETWORK = Network(widths=[8, 14, 5], gain=1.0, bias_variance=0.1)


def _run():
    return simulate(NETWORK, seed=1, networks=30)


RESULTS = {
    "prediction": lambda: predict(NETWORK),
    "wide prediction": lambda: predict(Network(depth=3, width=64, gain=2.0, activation="relu")),
    "simulation": _run,
    "simulation of one network": lambda: simulate(NETWORK, over="sample", seed=1, samples=9),
    "verification": lambda: verify(predict(NETWORK), _run()),
    "critical point": lambda: numerics.critical("tanh", bias_variance=0.04),
    "no critical point": lambda: numerics.critical("exp", bias_variance=1e5),
    "fixed points": lambda: numerics.fixed_points("tanh", weight_variance=1.5),
    "every length is fixed": lambda: numerics.fixed_points("relu", weight_variance=2.0),
    "fixed point": lambda: numerics.fixed_points("tanh", weight_variance=1.5).points[1],
    "phase diagram": lambda: numerics.phase_diagram("tanh", points=9),
    "a map's numbers": lambda: NumericalMaps("tanh").length_map([0.5, 1.0, 2.0]),
    "a map's number": lambda: NumericalMaps("relu", weight_variance=2.0).length_map(0.7),
    "all maps at a point": lambda: NumericalMaps("erf").at(q=0.5, rho=0.25),
    "gains": lambda: numerics.recommended_gains("tanh"),
    "gain": lambda: numerics.recommended_gains("relu")[0],
    "width bias": lambda: numerics.finite_width_bias(
        Network(depth=2, width=64, gain=2.0, activation="relu"), predict, widths=(8, 16), networks=20, seed=1
    ),
    "derivation": lambda: derive.theorem("backward-variance"),
    "check": lambda: derive.theorem("product-variance").check(),
    "closed form": lambda: derive.Maps("erf").K,
    "closed forms": lambda: derive.Maps("erf"),
    "claim": lambda: derive.claim("glorot-2010-eq-6"),
    "audit": lambda: derive.claim("glorot-2010-eq-6").audit(),
    "certificate": lambda: numerics.map_kernel("relu", "length_map").certificate,
}


@pytest.fixture(scope="module")
def made():
    """Return what gives a result by name, each made once."""
    found: dict[str, Result] = {}

    def get(name: str) -> Result:
        return found.setdefault(name, RESULTS[name]()) if name not in found else found[name]

    return get


@pytest.mark.parametrize("name", RESULTS)
def test_rows_are_a_table_of_plain_cells(made, name):
    """All rows have the same columns; a cell is a number, a text, a truth value or None."""
    rows = made(name).rows()
    assert rows or name == "every length is fixed"
    assert len({tuple(row) for row in rows}) <= 1
    assert {type(cell) for row in rows for cell in row.values()} <= {int, float, str, bool, type(None)}


@pytest.mark.parametrize("name", RESULTS)
def test_plain_data_is_ready_for_json(made, name):
    """`to_dict` goes through a JSON that knows no NaN, and comes back the same."""
    data = made(name).to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data == json.loads(made(name).to_json())


@pytest.mark.parametrize("name", RESULTS)
def test_csv_has_the_rows_to_the_last_digit(made, name):
    """Numbers come back as the same float64, infinities and NaN included."""
    rows = made(name).rows()
    read = list(csv.DictReader(io.StringIO(made(name).to_csv())))
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        assert list(cells) == list(row)
        for key, value in row.items():
            if isinstance(value, float):
                assert float(cells[key]) == value or (math.isnan(value) and cells[key] == "nan")
            else:
                assert cells[key] == ("" if value is None else str(value))


@pytest.mark.parametrize("name", RESULTS)
def test_text_is_short(made, name):
    """`repr` is one line that names the class."""
    text = repr(made(name))
    assert "\n" not in text
    assert len(text) <= 300
    assert type(made(name)).__name__ in text


@pytest.mark.parametrize("name", RESULTS)
def test_dir_shows_what_there_is(made, name):
    """Public names only, each of which is there; and what all results have is among them."""
    result = made(name)
    names = dir(result)
    assert not [n for n in names if n.startswith("_")]
    assert {"rows", "to_dict", "to_csv", "to_json", "to_dataframe", "headline"} <= set(names)
    assert [n for n in names if not hasattr(type(result), n) and not _has(result, n)] == []


def _has(result: object, name: str) -> bool:
    # A map without a closed form says so when it is asked for.
    try:
        getattr(result, name)
    except derive.NoClosedForm:
        return True
    except AttributeError:
        return False
    return True


class _Cells(HTMLParser):
    """The text of the cells of a table; every element must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag in ("td", "th", "div"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th", "div"):
            self.cells[-1] += data


WORDED = ("derivation", "closed form", "audit", "verification", "gains")
"""What a notebook shows in another form than its rows."""


@pytest.mark.parametrize("name", [n for n in RESULTS if n not in WORDED])
def test_notebooks_show_a_table(made, name):
    """The headline stands on top; the columns that have values are there, and the numbers to six digits."""
    result = made(name)
    reader = _Cells()
    reader.feed(result._repr_html_())
    assert not reader.open
    assert reader.cells[:2] == ["", result.headline]
    rows = result.rows()
    for key, value in rows[0].items() if rows else ():
        if value is not None and value != "":
            assert {key, _shown(value)} <= set(reader.cells)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def test_a_long_table_shows_its_ends(made):
    """81 grid points are shown as the first and the last thirty, and their number."""
    reader = _Cells()
    reader.feed(made("phase diagram")._repr_html_())
    assert reader.cells.count("…") == 8
    assert reader.cells[-1] == "81 rows"
    last = made("phase diagram").rows()[-1]
    assert reader.cells[-9:-1] == [f"{value:.6g}" for value in last.values()]


def test_text_in_a_table_is_no_markup():
    """A column's name, a cell and the headline are escaped."""
    for rows in ([{"<i>": "a < b & c"}], [{"<i>": "a < b & c"}] * 2):
        reader = _Cells()
        reader.feed(to_html(rows, "<b>"))
        assert {"<b>", "<i>", "a < b & c"} <= set(reader.cells)


@pytest.mark.parametrize("name", ["derivation", "closed form", "audit"])
def test_notebooks_show_formulas_as_mathematics(made, name):
    """Derivations and audits come with MathML and their own style, in an element of that style's class."""
    shown = made(name)._repr_html_()
    assert "<math" in shown
    assert "<style>" in shown
    assert 'class="varprop' in shown
    assert made("audit").verdict in made("audit")._repr_html_()


def test_pandas_gets_the_rows(made, monkeypatch):
    """`to_dataframe` is `pandas.DataFrame` of the rows."""
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows: ("frame", rows)))
    result = made("critical point")
    assert result.to_dataframe() == ("frame", result.rows())


@pytest.mark.parametrize("name", RESULTS)
def test_a_data_frame_has_the_columns(made, name):
    """With pandas itself: the same columns, the same numbers."""
    pytest.importorskip("pandas")
    result = made(name)
    frame, rows = result.to_dataframe(), result.rows()
    assert list(frame.columns) == (list(rows[0]) if rows else [])
    for key in frame.columns:
        numbers = [row[key] for row in rows]
        if all(isinstance(number, float) for number in numbers):
            assert np.array_equal(frame[key].to_numpy(), numbers, equal_nan=True)


def test_without_pandas_the_extra_is_named(made, monkeypatch):
    """One clear error."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    message = "to_dataframe needs pandas; install the extra: pip install 'varprop[pandas]'"
    with pytest.raises(ImportError, match=f"^{re.escape(message)}$"):
        made("prediction").to_dataframe()


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("curve --widths 8,14,5 --gain 1 --bias-variance 0.1", "prediction"),
        ("simulate --widths 8,14,5 --gain 1 --bias-variance 0.1 --seed 1 --networks 30", "simulation"),
    ],
)
def test_the_command_line_has_the_same_rows(made, line, result):
    """CSV and JSON of a command are those of the result."""
    runner = CliRunner()
    as_csv, as_json = (runner.invoke(main, [*line.split(), "--format", form]).output for form in ("csv", "json"))
    assert as_csv == made(result).to_csv()
    assert json.loads(as_json) == made(result).to_dict()
    assert json.loads(as_json)["rows"] == plain(made(result).rows())


def test_the_parts_of_a_derivation_have_short_texts():
    """Steps, statements, assumptions and words are one line, as text reads them."""
    found = derive.theorem("backward-variance")
    assert repr(found.steps[0]).startswith("<Step 1, induction: = Var[∂Cost/∂s^d] · ∏")
    assert repr(found.statement).startswith("<Statement: Var[∂Cost/∂s^i_k] = Var[∂Cost/∂s^d]")
    assert repr(found.assumptions[0]).startswith("<Hypothesis linear-regime: Linear regime: every pre-activation")
    assert str(found.assumptions[0].text).endswith("so that f'(s) = 1.")
    assert repr(numerics.kernel(found)).startswith("<LayeredKernel: backward_variance(i, d, n, var_W, var_grad_s_d)")


def test_a_plain_number_is_finite():
    """Arrays, tuples and keys of any sort become what JSON has; what is not finite becomes None."""
    data = {1: np.array([1.0, np.nan]), "a": (True, np.float64(2.0), "x"), "b": {"c": -math.inf}}
    assert plain(data) == {"1": [1.0, None], "a": [True, 2.0, "x"], "b": {"c": None}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("verification", ("std error", "off by", " %", "variances over the input")),
        ("critical point", ("Approach: ", "Fixed points with these weights:", "infinite")),
        ("gains", ("Recommended: ", "torch.nn.init")),
        ("audit", ("assumes", "decided by", "varprop derive backward-variance")),
    ],
)
def test_a_notebook_shows_what_the_command_shows(made, name, words):
    """No name of a field, and what belongs to it."""
    shown = made(name)._repr_html_()
    assert not {word for word in words if word not in shown}
    assert not re.search(r"standard_error|relative_difference", shown)
