"""LaTeX: every document compiles with a real engine, nothing runs off the page, plain text is escaped."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

import derive
from derive.render import latex
from derive.render.latex import escape, statement_latex
from derive.words import Words

ENGINE = shutil.which("pdflatex")
needs_engine = pytest.mark.skipif(ENGINE is None, reason="no pdflatex on this machine")
WORST_OVERFULL = 10.0
BASE_PACKAGES = {"inputenc", "geometry", "amsmath", "amssymb"}


def compiled(source, folder, runs=1):
    (folder / "page.tex").write_text(source, encoding="utf-8")
    command = [ENGINE, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    for k in range(runs):
        # Before the last run labels are looked for, and no page is written.
        draft = ["-draftmode"] if k < runs - 1 else []
        run = subprocess.run(
            [*command[:1], *draft, *command[1:]], cwd=folder, capture_output=True, timeout=120, check=False
        )
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert (folder / "page.pdf").stat().st_size > 0
    return log


def overfull(log):
    return [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


def in_two_columns(fragments, folder):
    """Return the log of an article of two columns, with amsmath and amssymb alone, that inputs theorems."""
    for name, fragment in fragments.items():
        (folder / f"{name}.tex").write_text(fragment, encoding="utf-8")
    sections = "\n".join(rf"\section{{{name}}}\input{{{name}}}" for name in fragments)
    preamble = "\\documentclass[twocolumn]{article}\n\\usepackage{amsmath,amssymb}\n\\begin{document}"
    return compiled(f"{preamble}\n{sections}\n\\end{{document}}\n", folder, runs=2)


@needs_engine
@pytest.mark.parametrize("options", [{}, {"depth": "main", "evidence": "appendix"}])
def test_every_fragment_can_stand_in_a_paper_of_two_columns(rendered, options, tmp_path):
    log = in_two_columns({name: rendered(name, "latex", **options) for name in derive.theorems()}, tmp_path)
    assert max(overfull(log), default=0.0) <= WORST_OVERFULL
    assert not re.search(r"undefined|multiply.defined|Missing character", log)


@needs_engine
def test_lines_longer_than_a_column_show_in_the_log(theorem, tmp_path, monkeypatch):
    monkeypatch.setattr(latex, "COLUMN", 55.0)
    name = "selu-fixed-point"
    assert max(overfull(in_two_columns({name: theorem(name).latex()}, tmp_path))) > WORST_OVERFULL


@needs_engine
@pytest.mark.parametrize("name", ["backward-variance", "selu-fixed-point", "critical-correlation-kinked"])
def test_the_standalone_document_compiles_and_nothing_runs_off_the_page(rendered, name, tmp_path):
    log = compiled(rendered(name, "latex", standalone=True), tmp_path, runs=2)
    assert max(overfull(log), default=0.0) <= WORST_OVERFULL
    assert not re.search(r"undefined|Missing character", log)


@needs_engine
def test_equation_1_is_one_page_and_an_appendix(rendered, tmp_path):
    source = rendered("backward-variance", "latex", standalone=True)
    after = r"\par\medskip\textbf{Symbols.}"
    assert after in source
    log = compiled(source.replace(after, r"\label{end-of-proof}" + after), tmp_path, runs=2)
    (place,) = re.findall(r"newlabel\{end-of-proof\}\{\{.*\}\{(\d+)\}\}", (tmp_path / "page.aux").read_text("utf-8"))
    assert place == "1"
    assert int(re.search(r"Output written on page.pdf \((\d+) pages", log)[1]) <= 3


def test_a_fragment_names_its_packages_and_says_everything_as_text(theorem):
    """Nothing of the statement, the assumptions or the lemmas stands in a comment."""
    derivation = theorem("backward-variance")
    first, title, *rest = derivation.latex().splitlines()
    assert first == r"% \usepackage{amsmath,amssymb}"
    assert title == f"% {derivation.title} (backward-variance)"
    assert not [line for line in rest if line.startswith("%")]
    fragment = "\n".join(rest)
    assert r"\label{backward-variance}" in fragment
    for n in range(1, 8):
        assert rf"\varproplabel{{backward-variance:A{n}}}{{A{n}}}" in fragment
        assert rf"\varproplabel{{backward-variance:lemma-{n}}}{{{n}}}" in fragment
    for lemma in derivation.to_dict()["lemmas"]:
        assert escape(lemma["title"]) in fragment


def test_the_depth_decides_which_lemmas_are_proved(rendered):
    data = rendered("forward-variance", "to_dict")
    for depth in ("main", "full"):
        fragment = rendered("forward-variance", "latex", depth=depth)
        everything = 1 + len(data["parts"]) + len(data["lemmas"])
        assert (fragment.count(r"\emph{Proof.}") == everything) is (depth == "full")
        assert len(re.findall(r"varproplabel\{forward-variance:lemma-\d+\}", fragment)) == len(data["lemmas"])


@needs_engine
def test_hostile_text_is_printed_and_not_obeyed(theorem, tmp_path):
    text = r"100% of $x_1^2 & #{}~ \input{/etc/passwd} ≈ “é” ∂ → <a|b>"
    odd = replace(theorem("product-variance"), title=text, source=text, intro=(Words(text.replace("{}", "")),))
    compiled(odd.latex(standalone=True), tmp_path)


def test_a_document_loads_only_packages_of_a_basic_installation(rendered):
    source = rendered("product-variance", "latex", standalone=True)
    loaded = {p for group in re.findall(r"\\usepackage(?:\[.*?\])?{(.*?)}", source) for p in group.split(",")}
    assert loaded <= BASE_PACKAGES


def test_the_statement_is_printed_as_the_paper_prints_it(theorem):
    assert statement_latex(theorem("forward-variance")) == (
        r"\operatorname{Var}[z^{i}_{k}] = \operatorname{Var}[x] "
        r"\prod_{i'=0}^{i - 1} n_{i'} \operatorname{Var}[W^{i'}]"
    )


def test_plain_text_is_escaped():
    assert escape("a_b & 50% ~ ^ \\") == (r"a\_b \& 50\% \textasciitilde{} \textasciicircum{} \textbackslash{}")
    assert escape('the "shared" one') == "the ``shared'' one"
