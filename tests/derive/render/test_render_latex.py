"""LaTeX: every document compiles with a real engine, nothing runs off the page, plain text is escaped."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

import derive
from derive.proof.derivation import Derivation
from derive.render.latex import escape, statement_latex
from derive.words import Words

ENGINE = shutil.which("pdflatex")
needs_engine = pytest.mark.skipif(ENGINE is None, reason="no pdflatex on this machine")
WORST_OVERFULL = 15.0
BASE_PACKAGES = {"inputenc", "geometry", "amsmath", "amssymb"}


def compiled(source, folder):
    (folder / "page.tex").write_text(source, encoding="utf-8")
    command = [ENGINE, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert (folder / "page.pdf").stat().st_size > 0
    return log


def overfull(log):
    return [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


@needs_engine
@pytest.mark.parametrize("name", derive.theorems())
def test_the_standalone_document_compiles_and_nothing_runs_off_the_page(theorem, name, tmp_path):
    log = compiled(theorem(name).latex(standalone=True), tmp_path)
    assert max(overfull(log), default=0.0) <= WORST_OVERFULL
    assert "Missing character" not in log


@needs_engine
def test_the_body_compiles_in_a_document_that_loads_amsmath(theorem, tmp_path):
    body = theorem("backward-variance").latex()
    preamble = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}"
    compiled(f"{preamble}\n{body}\n\\end{{document}}\n", tmp_path)


@needs_engine
def test_hostile_text_is_printed_and_not_obeyed(theorem, tmp_path):
    text = r"100% of $x_1^2 & #{}~ \input{/etc/passwd} ≈ “é” ∂ → <a|b>"
    odd = replace(theorem("product-variance"), title=text, source=text, intro=(Words(text.replace("{}", "")),))
    compiled(odd.latex(standalone=True), tmp_path)


def test_a_document_loads_only_packages_of_a_basic_installation(theorem):
    source = theorem("product-variance").latex(standalone=True)
    loaded = {p for group in re.findall(r"\\usepackage(?:\[.*?\])?{(.*?)}", source) for p in group.split(",")}
    assert loaded <= BASE_PACKAGES


def test_the_body_is_one_align_for_the_proof_and_one_for_each_part_and_lemma(theorem):
    derivation: Derivation = theorem("forward-variance")
    body = derivation.latex()
    data = derivation.to_dict()
    assert body.count(r"\begin{align*}") == 1 + len(data["parts"]) + len(data["lemmas"])
    assert r"\documentclass" not in body


def test_the_statement_is_printed_as_the_paper_prints_it(theorem):
    assert statement_latex(theorem("forward-variance")) == (
        r"\operatorname{Var}[z^{i}_{k}] = \operatorname{Var}[x] "
        r"\prod_{i'=0}^{i - 1} n_{i'} \operatorname{Var}[W^{i'}]"
    )


def test_plain_text_is_escaped():
    assert escape("a_b & 50% ~ ^ \\") == (r"a\_b \& 50\% \textasciitilde{} \textasciicircum{} \textbackslash{}")
    assert escape('the "shared" one') == "the ``shared'' one"
