"""The chapter of a report on the reader's own network: its definitions, prediction, simulation and figure."""

import csv
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from derive.errors import InputError
from numerics import Network, predict
from numerics.cli import main
from numerics.report import build, write_report
from numerics.report.own_page import as_options

LAYERS = "dense(12), repeat(3, residual(relu, dense(12), scale=0.5)), dropout(0.25)"
NETWORK = Network(layers=LAYERS, input=8, gain=2.0, input_correlation=0.5)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of this network, with next to nothing beside it."""
    root = tmp_path_factory.mktemp("own") / "report"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("simulated", "_drawings", "_derivations"):
            patch.setattr(build, name, lambda *_: ())
        regime = build.linear_regime
        patch.setattr(build, "linear_regime", lambda root, networks, *more: regime(root, 2, *more))
        write_report(root, theorems=["product-variance"], claims=[], networks=200, pdf=False, network=NETWORK)
    return root


def test_the_chapter_shows_what_the_network_is_and_how_it_does(page):
    text = (page / "index.html").read_text(encoding="utf-8")
    tree = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    (chapter,) = (s for s in tree.iter() if s.tag.endswith("section") and s.get("id") == "network")
    words = " ".join("".join(chapter.itertext()).split())
    assert "residual(relu, dense(12, gain=2), scale=0.5)" in words
    assert "2–4" in words
    assert "dense-square" in words
    tags = [element.tag.rsplit("}")[-1] for element in chapter.iter()]
    assert tags.count("math") >= 6  # two definitions of the first residual block, and those around it
    assert "svg" in tags
    rows = list(csv.DictReader((page / "curves" / "network.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row["q"]) for row in rows] == predict(NETWORK).columns["q"].tolist()
    compared = list(csv.DictReader((page / "verification" / "network.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["quantity"] for row in compared} == {"q", "m2", "v2", "rho", "grad"}
    assert {row["verdict"] for row in compared} <= {"agrees", "inconclusive"}


def test_the_report_says_how_to_make_it_again(page):
    assert as_options(NETWORK) in (page / "index.html").read_text(encoding="utf-8").replace("&quot;", '"').replace(
        "&#x27;", "'"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--layers", "dense(3), relu, relu", "--input", "4", "--gain", "1"], "relu is predicted for Gaussian values"),
        (["--gain", "1"], "--gain goes with --layers"),
        (["--layers", "dense(3)", "--gain", "1"], "give input"),
    ],
)
def test_what_has_no_chapter_is_refused_at_once(options, text, tmp_path):
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "r"), *options])
    assert (result.exit_code, (tmp_path / "r").exists()) == (2, False)
    assert text in result.output


def test_a_network_without_a_prediction_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="Gaussian values"):
        write_report(tmp_path / "r", network=Network(layers="dense(3), relu, relu", input=4, gain=1.0))
    assert not (tmp_path / "r").exists()
