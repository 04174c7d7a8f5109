"""The report: whole or not at all, the same for the same seed, and a page that shows what was computed."""

import csv
import json
import os
import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import ndtr

import derive
from derive.activations import activation
from derive.errors import InputError
from numerics.curves import predict
from numerics.figures import FIGURES
from numerics.files import MANIFEST, directory_atomic, write_atomic
from numerics.network import Network
from numerics.processes import spread
from numerics.report import build, write_report
from numerics.report.chapters import CAPTIONS, CHAPTERS, home
from numerics.report.page import _over_what
from numerics.report.spelled import spelled
from numerics.report.subject import subject
from numerics.report.subject_page import subject_body
from numerics.report.tasks import perform
from numerics.report.typeset import find_engine, typeset
from numerics.report.works import works, works_table
from numerics.simulation import simulate
from numerics.stages import Stage, stream

SEED = 12345
"""Of its own: figures that other tests drew are kept, by their seed."""

ACTIVATION = "x*Phi(2*x)"

SMALL = {
    "seed": SEED,
    "theorems": ["product-variance"],
    "claims": ["glorot-2010-eq-6", "question-1-product-rule"],
    "networks": 60,
    "pdf": False,
    "workers": 1,
    "experiment": {"width": 32, "depth": 5},
}
FILES = [
    "audit.html",
    "audit.json",
    "curves/glorot.csv",
    "curves/glorot.png",
    "curves/linear-regime.csv",
    "curves/linear-regime.png",
    "curves/relu.csv",
    "curves/relu.png",
    "curves/tanh-large.csv",
    "curves/tanh-large.png",
    "curves/tanh-small.csv",
    "curves/tanh-small.png",
    "derivations/product-variance.html",
    "derivations/product-variance.tex",
    "figures/batch-norm-gradients.png",
    "figures/depth-scale.png",
    "figures/edge-of-chaos.png",
    "figures/kaiming-net.png",
    "figures/layer-randomness.png",
    "figures/network-randomness.png",
    "figures/normalised-decay.png",
    "figures/sample-randomness.png",
    "figures/sample-variance.png",
    "figures/samplelayer-randomness.png",
    "index.html",
    "manifest.json",
    "verification/glorot.csv",
    "verification/relu.csv",
    "verification/tanh-large.csv",
    "verification/tanh-small.csv",
]


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(Path(root).rglob("*")) if p.is_file()}


def table(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def seeded():
    """The streams of random numbers that the two reports draw from, as they are made; what is kept is drawn once."""
    return []


@pytest.fixture(scope="module")
def make(seeded):
    """Write a report on a machine without LaTeX, the networks and diagrams of its pages small; return its index.

    Certificates of kernels, operators of the angle and SciPy's distributions draw no network: they are not recorded.
    """
    rng_of = np.random.default_rng
    others = ("numerics.angle", "numerics.kernels", "numerics.maps", "scipy.")

    def record(rng=None):
        made = rng_of(rng)
        caller = sys._getframe(1).f_globals["__name__"]
        if made is not rng and not caller.startswith(others):
            seeded.append(made.bit_generator.seed_seq)
        return made

    def write(root, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np.random, "default_rng", record)
            patch.setattr(build, "find_engine", lambda: None)
            for constant, value in {"_SAMPLED_WIDTH": 256, "_BACKWARD_WIDTH": 64, "_GRID": 32}.items():
                patch.setattr(f"numerics.report.subject.{constant}", value)
            return write_report(root, **SMALL | {"pdf": True} | options)

    return write


@pytest.fixture(scope="module")
def report(tmp_path_factory, make):
    """A small report, in the place of an older one."""
    root = tmp_path_factory.mktemp("made") / "report"
    with directory_atomic(root, generator=build.GENERATOR) as older:
        (older / "old.txt").write_text("old")
    said = []
    assert make(root, progress=said.append) == root / "index.html"
    assert said[0] == "theorem product-variance"
    return root


@pytest.fixture(scope="module")
def with_page(tmp_path_factory, make):
    """The same by two workers, with the page of an expression of the user's own, and another: its index, and a page."""
    root = tmp_path_factory.mktemp("subject") / "report"
    index = make(root, workers=2, activations=[ACTIVATION, "linear"])
    (page,) = root.glob("activation-x*.html")
    return index.read_text(encoding="utf-8"), page


def test_all_files_are_there(report):
    """The manifest lists every file but itself; nothing is left of the older report, nor beside this one."""
    found = contents(report)
    assert sorted(found) == FILES
    manifest = json.loads(found[MANIFEST])
    assert manifest == {"generator": "varprop report", "files": [name for name in FILES if name != MANIFEST]}
    assert os.listdir(report.parent) == ["report"]
    assert all(text.endswith(b"\n") for name, text in found.items() if name.endswith((".csv", ".json")))


def test_same_seed_same_bytes(report, with_page):
    """Also where the work is spread over processes; pages of activations change what names them, and nothing else."""
    index, page = with_page
    first, again = contents(report), contents(page.parent)
    names = set(FILES) - {"index.html", MANIFEST}
    assert {name: again[name] for name in names} == {name: first[name] for name in names}
    named = r'<li><a href="#activations">.*?</li>|<section id="activations">.*?</section>\n?| --activation [^<]*'
    shown = [re.sub(named, "", text, flags=re.S) for text in (index, first["index.html"].decode())]
    assert len({re.sub(r"<h2>\d+", "<h2>", text) for text in shown}) == 1


def test_page_is_complete_and_self_contained(report):
    """Well-formed; every link leads somewhere in the report; nothing is fetched and nothing runs."""
    text = (report / "index.html").read_text(encoding="utf-8")
    tree = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    tags = {element.tag.rsplit("}")[-1] for element in tree.iter()}
    assert {"math", "svg", "table", "details"} <= tags
    assert not tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"@import|url\((?!#)", text)
    ids = {element.get("id") for element in tree.iter() if element.get("id")}
    for element in tree.iter("a"):
        target = element.get("href")
        assert target[1:] in ids if target.startswith("#") else (report / target).is_file()


SCROLLING = {"math", "scroll"}
"""Classes of blocks that scroll where they are wider than the page; so do paragraphs, summaries and code."""


def check_structure(text):
    """Hold a page against what every page must have: see the test below."""
    body = text.partition("<main")[2].partition(">")[2].rpartition("</main>")[0]
    tree = ElementTree.fromstring(f"<div>{body or text}</div>")
    above = {child: parent for parent in tree.iter() for child in parent}

    def within(element):
        while element in above:
            element = above[element]
            yield element

    # Drawings repeat the glyphs that they share.
    ids = [element.get("id") for element in tree.iter() if element.get("id") and "svg" not in element.tag]
    assert len(set(ids)) == len(ids)
    contents = {link.get("href")[1:] for link in tree.find(".//nav").iter("a")}
    assert {section.get("id") for section in tree.iter("section")} <= contents
    assert {heading.get("id") for heading in tree.iter("h3") if heading.get("id")} <= contents
    for element in tree.iter("math"):
        around = list(within(element))
        scrolls = [e for e in around if SCROLLING & set((e.get("class") or "").split())]
        inline = [e for e in around if e.tag in ("p", "summary", "table") or "steps" in (e.get("class") or "")]
        assert scrolls or (inline and not element.get("displaystyle")), ElementTree.tostring(element)[:200]
    for element in tree.iter("table"):
        if "ruled" in (element.get("class") or ""):
            assert above[element].get("class") == "scroll"
    drawings = [element for element in tree.iter() if element.tag.endswith("svg")]
    assert len(drawings) == sum(1 for _ in tree.iter("figure"))
    for element in drawings:
        assert above[element].get("class") == "scroll"
        assert len(element.get("aria-label")) > 40
    raw = re.search(r".{0,20}(\w'?\^|sigma_|chi_p|\d[eE]-\d).{0,9}", "".join(shown_text(tree)))
    assert raw is None, raw


def shown_text(element):
    """Yield the text of an element but for code, file names, drawings, and derivations (pages of their own)."""
    if element.tag in ("pre", "code", "a", "math") or element.tag.endswith("svg") or element.get("class") == "varprop":
        yield element.tail or ""
        return
    yield element.text or ""
    for child in element:
        yield from shown_text(child)
    yield element.tail or ""


def test_structure_of_the_index(report):
    """No id twice; chapters and audits in the contents; formulas, tables and drawings in what scrolls; alt texts."""
    text = (report / "index.html").read_text(encoding="utf-8")
    check_structure(text)
    assert 'href="#glorot-audit"' in text
    assert 'href="audit.html"' in text


def test_what_scrolls_is_said_by_the_style_sheet(report):
    """The blocks that the test of the structure takes for scrolling scroll, with shaded edges, in page and report."""
    sheet = (report / "index.html").read_text(encoding="utf-8").partition("</style>")[0]
    (rule,) = re.findall(r"\.varprop :where\((.*?)\) \{ (.*?) \}", sheet, re.S)
    assert {".math", ".scroll", ".steps > li", "p", "summary", "table", "pre"} == set(rule[0].split(", "))
    assert "overflow-x: auto" in rule[1]
    assert rule[1].count(" local no-repeat") == rule[1].count(" scroll no-repeat") == 2
    assert not re.search(r"overflow(-x)?: (visible|hidden)", sheet)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sigma_w2 E[f'^2]", "σ<sub>w</sub>² E[f′<sup>2</sup>]"),
        ("q - q* ~ 6962.5 l^-1", "q − q* ~ 6962.5 l<sup>−1</sup>"),
        ("|z| <= 3.5, s^i_k, (-98 %)", "|z| ≤ 3.5, s<sup>i</sup><sub>k</sub>, (−98 %)"),
        ("chi_perp q/q', f''(0)", "χ<sub>⊥</sub> q/q′, f″(0)".replace("″", "′′")),
        ("0.5 ± 2e-15, 1e+20", "0.5 ± 2·10<sup>−15</sup>, 1·10<sup>20</sup>"),
        ("Student's t, half-stable, a < b", "Student's t, half-stable, a &lt; b"),
        ("W^0_{12} = 3", "W<sup>0</sup><sub>12</sub> = 3"),
        ("σ_w² = 1, x*Phi(2*x)", "σ<sub>w</sub>² = 1, x*Phi(2*x)"),
    ],
)
def test_plain_formulas_are_set(text, shown):
    assert spelled(text) == shown


def test_the_page_of_audits_is_a_list_that_a_script_filters(report):
    """Without the script all is there, and the form is hidden; nothing is fetched; what decides is linked."""
    text = (report / "audit.html").read_text(encoding="utf-8")
    tree = ElementTree.fromstring(text.partition("<main")[1] + text.partition("<main")[2].partition("</body>")[0])
    articles = list(tree.iter("article"))
    assert {article.get("id") for article in articles} == set(SMALL["claims"])
    assert not any(element.get("hidden") is not None for element in tree.iter() if element.tag != "form")
    (form,) = tree.iter("form")
    assert form.get("hidden") is not None
    assert {article.get("data-verdict") for article in articles} == {
        box.get("value") for box in form.iter("input") if box.get("type") == "checkbox"
    }
    assert {article.get("data-source") for article in articles} == {o.get("value") for o in form.iter("option")} - {""}
    assert not re.search(r"(src|href)=.(https?:)?//", text)
    linked = {a.get("href") for article in articles for a in article.iter("a")}
    assert "index.html#product-variance" in linked


def test_page_shows_what_was_found(report):
    """Theorem, claims with verdicts and counterexample, verdicts of the verification, and the values in the tables."""
    text = (report / "index.html").read_text(encoding="utf-8")
    assert derive.theorem("product-variance").title in text
    for claim in SMALL["claims"]:
        assert f'<article class="claim" id="{claim}" data-verdict=' in text
    assert '<span class="chip bad">refuted</span></h4>' in text
    assert "<p>the left side is " in text
    assert "laws (chances in brackets): W<sup>0</sup><sub>11</sub> = " in text
    assert "Of 2 formulas in print, 1 hold as printed and 1 are refuted." in text
    audits = json.loads((report / "audit.json").read_text(encoding="utf-8"))
    assert [a["verdict"] for a in audits] == ["refuted", "holds"]
    for name in ("glorot", "tanh-small", "tanh-large"):
        rows = table(report / "verification" / f"{name}.csv")
        assert len(rows) == 20
        assert spelled(f"{float(rows[7]['estimate']):.5g}") in text


def test_figures_and_chapters_tell_the_story_in_order(report):
    """Every figure is on the page, numbered in order; claims and theorems stand in their chapters; contents link."""
    text = (report / "index.html").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"<figcaption>Figure (\d+)\.", text)]
    assert numbers == list(range(1, 16))
    marks = [f'id="{key}"' for key in ("over-what", "figure-kaiming-net", "figure-layer-randomness", "glorot")]
    marks += [f'id="{key}"' for key in ("product-variance", "glorot-2010-eq-6", "samples", "figure-sample-variance")]
    marks += [f'id="{key}"' for key in ("figure-edge-of-chaos", "figure-depth-scale", "verification", "run-relu")]
    marks.append('id="again"')
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_chapters_hold_every_name_once():
    """A theorem or a claim that a chapter names exists; none stands in two; all figures are shown, with a caption."""
    listed = [name for chapter in CHAPTERS for name in chapter.theorems]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(derive.theorems())
    for chapter in CHAPTERS:
        for start in chapter.claims:
            assert any(name.startswith(start) for name in derive.claims())
    assert home("edge-of-chaos", "theorems").key == home("torch-gain-tanh", "claims").key == "any"
    assert sorted(name for chapter in CHAPTERS for name in chapter.figures) == sorted(FIGURES) == sorted(CAPTIONS)


def test_works_are_named_with_what_they_average_over():
    """Each source of a theorem that is a work, once, by its authors and year; what has no year is no work."""
    theorems = [perform(("theorem", name)) for name in ("half-variance", "total-variance")]
    (law,) = theorems[0].over
    many = replace(theorems[0], name="two", source="The post of 2020-02-18, step 1; He et al. 2015, equation 7")
    found = works([*theorems, many])
    assert list(found) == ["He et al. 2015", "The post of 2020-02-18"]
    assert found["He et al. 2015"] == {law: ["half-variance", "two"]}
    assert 'href="#half-variance"' in works_table(theorems)
    assert works_table(theorems[1:]) == ""


def test_the_page_defines_the_network():
    """s^i of z^i and W^i, z^(i+1) of s^i by the activation, z^0 the input: subscripts before superscripts."""
    found = ElementTree.fromstring(f"<div>{_over_what()}</div>").findall(".//math[@displaystyle]")
    shown = ["".join(element.itertext()) for element in found]
    assert shown == ["ski=∑l=1nizliWlki+bki", "zki+1=f(ski)", "zk0=xk"]


def test_rectifier_is_compared_with_the_wide_limit(report):
    """Rows for m^2, v^2, rho and the total of ten layers; the wide limit's rows have a bias by width, the exact not."""
    rows = table(report / "verification" / "relu.csv")
    assert sorted({row["quantity"] for row in rows}) == ["m2", "rho", "v2", "var_s"]
    assert len(rows) == 40
    assert all(float(row["width_bias"]) == 0 for row in rows if row["quantity"] == "var_s")
    assert float(rows[-1]["predicted"]) == pytest.approx(2)


def test_curve_of_the_compromise(report):
    """The first network has the variances 2/(n_i + n_{i+1}), typed in here, and its curve is in the CSV."""
    n = [8, 14, 5, 18, 11, 6]
    network = Network(widths=n, weight_variance=[2 / (a + b) for a, b in pairwise(n)])
    assert (report / "curves" / "glorot.csv").read_text() == predict(network).to_csv()


def test_tanh_leaves_the_linear_regime(report):
    """The sweep falls from near 1 to far below."""
    rows = table(report / "curves" / "linear-regime.csv")
    first, last = (float(rows[k]["var_z_4_ratio"]) for k in (0, -1))
    assert first > 0.6
    assert last < 0.05


def test_ratios_where_the_linear_regime_ends(report):
    """Simulated again: a ratio to the linear regime's variance, and the standard error of that ratio.

    With n_(i+1) Var[W^i] = gain n_(i+1)/n_i, that variance is gain^4 forward, and gain^4 6/14 backward.
    """
    rows = table(report / "curves" / "linear-regime.csv")
    assert [float(row["gain"]) for row in rows] == pytest.approx(np.exp(np.linspace(np.log(0.01), np.log(4), 10)))
    for number in (0, 6, 9):
        row = {name: float(value) for name, value in rows[number].items()}
        network = Network(widths=[8, 14, 5, 18, 11, 6], activation="tanh", gain=row["gain"])
        run = simulate(network, rng=stream(SEED, Stage.REGIME, number), networks=SMALL["networks"], progress=False)
        for name, layer, predicted in (("var_z", 4, row["gain"] ** 4), ("var_grad_s", 0, row["gain"] ** 4 * 6 / 14)):
            estimate, error = run.estimate[name][layer], run.standard_error[name][layer]
            assert row[f"{name}_{layer}_ratio"] == pytest.approx(estimate / predicted, rel=1e-9)
            assert row[f"{name}_{layer}_standard_error"] == pytest.approx(error / predicted, rel=1e-9)


def test_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    """No partial report, and the older one as it was."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "spread", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "new", **SMALL)
    assert os.listdir(tmp_path) == []
    with directory_atomic(tmp_path / "r", generator=build.GENERATOR) as root:
        (root / "old.txt").write_text("old")
    before = contents(tmp_path / "r")
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "r", **SMALL)
    assert contents(tmp_path / "r") == before
    assert os.listdir(tmp_path) == ["r"]


def test_failed_swap_puts_the_older_report_back(tmp_path, monkeypatch):
    """When the second rename fails, the first is undone."""
    with directory_atomic(tmp_path / "r", generator="g") as root:
        (root / "old.txt").write_text("old")
    before, rename = contents(tmp_path / "r"), Path.rename

    def fail_once(self, target):
        if Path(target) == tmp_path / "r" and (self / "new.txt").exists():
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with (
        pytest.raises(InputError, match=r"cannot write .*no space left on device"),
        directory_atomic(tmp_path / "r", generator="g") as root,
    ):
        (root / "new.txt").write_text("new")
    assert contents(tmp_path / "r") == before
    assert os.listdir(tmp_path) == ["r"]


def test_other_directories_are_left_alone(tmp_path):
    """A directory with files of others, a report with a file of somebody's in it, a file: each is refused at once."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds files and is no varprop report"):
        write_report(theirs, **SMALL)
    with directory_atomic(tmp_path / "r", generator=build.GENERATOR) as root:
        (root / "index.html").write_text("old")
    (tmp_path / "r" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"also holds 'notes.txt', which is no part of a varprop report"):
        write_report(tmp_path / "r", **SMALL)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; the output must be a directory"):
        write_report(tmp_path / "file", **SMALL)
    assert (theirs / "thesis.tex").read_text() == "years of work"
    assert (tmp_path / "r" / "notes.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["file", "r", "theirs"]


def test_empty_directory_is_used(tmp_path):
    """One that was made for the report."""
    (tmp_path / "r").mkdir()
    with directory_atomic(tmp_path / "r", generator="g") as root:
        (root / "a").write_text("a")
    assert sorted(contents(tmp_path / "r")) == ["a", MANIFEST]


def test_unknown_names_before_any_work(tmp_path):
    """A wrong name costs no wait, and leaves nothing."""
    with pytest.raises(InputError, match="unknown claim 'glorot-2010-eq-8'"):
        write_report(tmp_path / "r", **SMALL | {"claims": ["glorot-2010-eq-8"]})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("tasks", "workers"), [([3, 1, 2], 1), ([3], 4), ([], 2)])
def test_one_worker_or_one_task_needs_no_process(tasks, workers):
    """A function that no other process could import is called here, task by task, each as its turn comes."""
    order = []
    made = spread(
        lambda task: order.append(("made", task)) or (os.getpid(), task),
        tasks,
        workers=workers,
        waiting=lambda task: order.append(("waiting", task)),
    )
    assert made == [(os.getpid(), task) for task in tasks]
    assert order == [(what, task) for task in tasks for what in ("waiting", "made")]


@pytest.mark.skipif(find_engine() is None, reason="no LaTeX engine is installed")
def test_typeset():
    """A PDF with the same bytes each time; what is wrong with a document that does not compile."""
    document = derive.theorem("product-variance").latex(standalone=True)
    made = typeset(document, find_engine())
    assert made.startswith(b"%PDF")
    assert typeset(document, find_engine()) == made
    broken = typeset(r"\documentclass{article}\begin{document}\undefined\end{document}", find_engine())
    assert broken == "! Undefined control sequence."


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ('echo "$SOURCE_DATE_EPOCH $FORCE_SOURCE_DATE" >document.pdf', b"0 1\n"),
        ("echo one >>document.pdf; echo Rerun", b"one\none\none\n"),
        ("echo one >>document.pdf; test -s second || echo Rerun; echo 1 >second", b"one\none\n"),
        ("echo made >document.pdf; echo '! No such thing.'; exit 1", "! No such thing."),
        ("echo made >document.pdf; echo nothing; exit 2", "pdflatex failed"),
    ],
)
def test_what_an_engine_does_is_taken_up(tmp_path, script, made):
    """The epoch as the date; again while it asks for it, three times at most; its first complaint where it fails."""
    engine = tmp_path / "engine"
    engine.write_text(f"#!/bin/sh\n{script}\n")
    engine.chmod(0o755)
    assert typeset("document", str(engine)) == made


def test_an_engine_that_is_not_there_is_a_reason(tmp_path):
    assert "No such file" in typeset("document", str(tmp_path / "none"))


def test_missing_engine_is_noted(report):
    """The page says why there are no PDFs."""
    assert "No PDFs: pdflatex is not installed." in (report / "index.html").read_text(encoding="utf-8")


def test_written_file_keeps_mode_and_link(tmp_path):
    """Replacing a file keeps its permissions; a link keeps pointing to the file, which is written."""
    target = tmp_path / "file"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    write_atomic(tmp_path / "link", "new")
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").is_symlink()
    write_atomic("/dev/null", "gone")
    assert not Path("/dev/null").is_file()


def test_no_two_stages_share_random_numbers(with_page, seeded):
    """Every stream that is seeded for a report with two activations: of different states, and none a child of another.

    The figures show one experiment; some show other layers of it, for which it is drawn again.
    """
    made = list({sequence.spawn_key: sequence for sequence in seeded}.values())
    # Three kinds, two widths, three phases, four normalisations and three batches in the figures, four networks and one
    # fit, ten gains, and six networks a page.
    assert len(made) == 3 + 2 + 3 + 4 + 3 + 4 + 1 + 10 + 2 * 6
    assert len({tuple(sequence.generate_state(8)) for sequence in made}) == len(made)
    assert {sequence.entropy for sequence in made} == {SEED}
    keys = [sequence.spawn_key for sequence in made]
    assert not any(a != b and b[: len(a)] == a for a in keys for b in keys)


def test_the_page_of_an_activation_is_linked_and_well_formed(with_page):
    """Every file that it names is there, the index links to it, and all that is wide scrolls."""
    index, page = with_page
    text = page.read_text(encoding="utf-8")
    check_structure(text)
    assert page.name in index
    ElementTree.fromstring(text.partition("\n")[2])
    for name in re.findall(r'href="((?!data:)[^"#]+)"', text):
        assert (page.parent / name).is_file(), name


def test_the_page_shows_maps_gains_and_three_phases(with_page):
    """Closed forms with their derivations, numbers with errors, one-liners, and both kinds of runs in each phase."""
    _, page = with_page
    text = page.read_text(encoding="utf-8")
    for name in ("Length map", "Covariance map", "χ<sub>⊥</sub>", "Sample variance map", "K"):
        assert f"<h3>{name} " in text
    assert text.count("closed form") > 10
    assert "torch.nn.init.normal_" in text
    runs = sorted(
        path.stem for path in (page.parent / "verification").glob(f"{page.stem.removeprefix('activation-')}-*")
    )
    assert [run.rsplit("-", 2)[1:] for run in runs] == [
        [phase, over] for phase in ("above", "at", "below") for over in ("both", "network")
    ]


def test_the_numbers_on_the_page_are_those_of_the_maps(with_page):
    """E[f^2] at the q of the page, by quadrature written here."""
    _, page = with_page
    text = page.read_text(encoding="utf-8")
    q = float(re.search(r"q = ([0-9.]+) and", text).group(1))
    article = text[text.index('id="second-moment"') :]
    shown = float(re.search(r"<p>([0-9.]+) ±", article).group(1))
    nodes, weights = hermegauss(150)
    s = np.sqrt(q) * nodes
    expected = weights @ (s * ndtr(2 * s)) ** 2 / weights.sum()
    assert shown == pytest.approx(expected, rel=2e-5)


def test_the_three_phases_of_a_page(tmp_path, monkeypatch):
    """At 0.7, 1 and 1.5 times the weight variance, each with both kinds of runs; the text says the product."""
    module = sys.modules[subject.__module__]
    for constant, value in {"_SAMPLED_WIDTH": 8, "_BACKWARD_WIDTH": 12}.items():
        monkeypatch.setattr(module, constant, value)
    for folder in ("curves", "verification"):
        (tmp_path / folder).mkdir()
    cases = list(module._cases(tmp_path, "t", activation("erf"), 1.3, 0.2, 4, 0, lambda said: None, 0))
    shown = []
    for case in cases:
        network = case.simulation.network
        assert case.prediction.network == network
        assert set(network.bias_variance) == {0.2}
        assert (
            f"σ_w² = {network.gain[0]:.4g}, σ_b² = 0.2; 5 layers of {network.widths[0]} units, 4 networks" in case.about
        )
        shown.append((case.key, network.widths[0], network.gain[0]))
    assert [row[:2] for row in shown] == [
        (f"t-{phase}-{over}", width)
        for phase in ("below", "at", "above")
        for over, width in (("network", 12), ("both", 8))
    ]
    assert [row[2] for row in shown] == pytest.approx([0.91, 0.91, 1.3, 1.3, 1.95, 1.95], rel=1e-12)


def test_a_figure_that_cannot_be_drawn_leaves_the_rest(tmp_path, monkeypatch):
    """The page says why it has no phase diagram, numbers its figures without a gap, and has all else."""

    def refused(*_, **__):
        raise InputError("E[f²] < 0 at q = 1")

    monkeypatch.setattr("numerics.report.subject.phase_diagram", refused)
    monkeypatch.setattr("numerics.report.subject._cases", lambda *_: iter(()))
    for part in ("figures", "derivations"):
        (tmp_path / part).mkdir()
    made = subject(tmp_path, ACTIVATION, 2, 0, lambda _: None)
    assert isinstance(made.figures["phase"], str)
    text = subject_body(made)
    assert "phase diagram could not be drawn and is left out: E[f²] &lt; 0 at q = 1." in text
    assert re.findall(r"<figcaption>Figure (\d+)", text) == ["1", "2"]
    check_structure(text)
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"x-phi-2-x-function.png", "x-phi-2-x-maps.png"} <= drawn
    assert "x-phi-2-x-phase.png" not in drawn
    assert "figures/x-phi-2-x-phase.png" not in text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gelus"], "gelu"),
        (["x**"], "column"),
        (["gelu", "gelu"], "would both have the page"),
    ],
)
def test_an_activation_without_a_page_is_refused_before_anything_is_written(tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        write_report(tmp_path / "report", **SMALL, activations=names)
    assert not (tmp_path / "report").exists()
