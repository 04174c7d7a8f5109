"""The HTML page: well formed, self-contained, its mathematics as MathML, its text escaped."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import derive
from derive.render.html import fragment
from derive.render.mathml import mathml
from derive.words import Words

NAMES = derive.theorems()
MATHML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt", "mroot"}
MATHML |= {"munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle"}


def parse(page):
    return ET.fromstring(page.replace("<!DOCTYPE html>", ""))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_well_formed_and_needs_nothing_from_outside(rendered, name):
    page = rendered(name, "html")
    tree = parse(page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<img", page)
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    links = {e.get("href") for e in tree.iter("a")}
    assert links <= {f"#{place}" for place in ids} | {f"#{name}-theorem"}
    assert not {link for link in links if not link.startswith("#")}


@pytest.mark.parametrize("name", NAMES)
def test_all_mathematics_is_mathml_without_stray_latex(rendered, name):
    formulas = list(parse(rendered(name, "html")).iter("math"))
    assert formulas
    for formula in formulas:
        assert {e.tag for e in formula.iter()} <= MATHML
        shown = "".join(formula.itertext())
        assert shown.strip()
        assert all(len(e) == 2 for e in formula.iter("msub"))
        # A brace is a sign of its own only where it opens the cases of a definition.
        fences = "".join(e.text or "" for e in formula.iter("mo")).count("{")
        assert not re.search(r"[\\}$&]|igl|operatorname", shown), shown
        assert shown.count("{") == fences


def test_every_lemma_can_be_opened_once(rendered):
    tree = parse(rendered("weight-gradient-variance", "html"))
    labels = [d.find("summary").text.split(".")[0] for d in tree.iter("details")]
    assert sorted(labels, key=lambda s: int(s.split()[1])) == [f"Lemma {n + 1}" for n in range(len(labels))]
    assert len(labels) > 10


def test_a_fragment_can_share_a_page_with_another(theorem):
    one, two = (fragment(theorem(n), style=False) for n in ("forward-variance", "backward-variance"))
    tree = ET.fromstring(f"<body>{one}{two}</body>")
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert "<style" not in one


def test_titles_and_words_are_escaped(theorem):
    odd = replace(
        theorem("product-variance"),
        title="<script>alert('a & b')</script>",
        source='"quoted" <b>',
        intro=(Words("is 1 < 2 & 3 > 2?"),),
    )
    page = odd.html()
    assert "<script" not in page
    tree = parse(page)
    assert tree.find("body/div/h1").text == "<script>alert('a & b')</script>"
    assert "is 1 < 2 & 3 > 2?" in "".join(tree.itertext())


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\operatorname{Var}[W^{i}]", "Var[Wi]"),
        (r"\mathbb{E}[f'(s^{i}_{k})]", "𝔼[f′(ski)]"),
        (r"\langle\!\langle z \rangle\!\rangle", "⟨⟨z⟩⟩"),
        (r"a \Leftrightarrow b \text{ and } c \leq d", "a⇔b\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}c≤d"),
        (r"\prod_{i'=0}^{i - 1} n_{i'}", "∏i′=0i−1ni′"),
        (r"\frac{\partial \mathrm{Cost}}{\partial s^{d}}", "∂Cost∂sd"),
    ],
)
def test_our_constructs_survive_the_conversion_to_mathml(latex, shown):
    tree = ET.fromstring(mathml(latex))
    assert "".join(tree.itertext()) == shown
    assert {e.tag for e in tree.iter()} <= MATHML


def test_operator_names_are_identifiers_and_spaces_are_lengths():
    shown = mathml(r"n \operatorname{Var}[\langle\!\langle z \rangle\!\rangle]")
    assert "<mi>Var</mi>" in shown
    assert 'width="-0.1667em"' in shown


def test_a_power_stands_at_the_whole_bracket_and_not_at_its_closing_sign():
    """A sign that is the base of a power does not stretch with what it closes."""
    tree = ET.fromstring(mathml(r"\Bigl[\frac{a}{b} + (c + 1)^{2}\Bigr]^{2}"))
    for power in tree.iter("msup"):
        first, *_, last = power[0]
        assert (first.text, last.text) in [("[", "]"), ("(", ")")]
        assert first.get("stretchy") == last.get("stretchy")
    assert len(list(tree.iter("msup"))) == 2


def test_a_bracket_whose_partner_is_on_another_line_keeps_its_size():
    (mark,) = (m for m in ET.fromstring(mathml(r"a + \Bigl(b")).iter("mo") if m.text == "(")
    assert mark.get("minsize") == mark.get("maxsize") == "1.8em"


def test_a_relation_has_space_on_both_sides_and_a_leading_minus_has_none():
    signs = [(m.text, m.get("form")) for m in ET.fromstring(mathml(r"\sim - x - y = - z")).iter("mo")]
    assert signs == [("∼", "infix"), ("−", "prefix"), ("−", "infix"), ("=", "infix"), ("−", "prefix")]


def test_primes_stay_with_their_letter_below_a_power():
    tree = ET.fromstring(mathml("f'''(u)^{2} + m'^{2}"))
    assert "".join(tree.itertext()) == "f′′′(u)2+m′2"
    assert ["".join(power[0].itertext()) for power in tree.iter("msup")] == ["(u)", "m′"]


def test_the_numerator_of_a_wide_fraction_stays_above_its_bar(rendered):
    statement = parse(rendered("critical-length-half-stable", "html")).find(".//div[@class='statement']")
    (fraction,) = statement.iter("mfrac")
    assert "".join(fraction[0].itertext()) == "4"


def test_the_rest_of_the_evidence_shows_on_hovering(theorem):
    derivation = theorem("kernel-K")
    titles = {e.get("title") for e in parse(derivation.html()).iter("span")}
    for step in derivation.steps:
        assert f"{step.rule.name}; {step.verdict}" in titles


@pytest.mark.parametrize(("name", "shown"), [("kernel-K", True), ("weight-gradient-variance", False)])
def test_steps_have_marks_where_they_are_known_differently(rendered, name, shown):
    links = [e for e in parse(rendered(name, "html")).iter("a") if e.get("href").startswith(f"#{name}-mark")]
    assert {len(link.text) for link in links} == ({1} if shown else set())
