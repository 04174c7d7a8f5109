"""Every format shows every step, assumption, lemma and verdict of a derivation; a renderer that drops one is caught."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import derive
from derive.errors import InputError
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.render import html, latex, text
from derive.render.mathml import mathml
from derive.render.outline import Outline
from derive.render.relation_signs import LATEX_RELATIONS, TEXT_RELATIONS
from derive.render.sentences import footer

NAMES = derive.theorems()


def parsed(page):
    return ET.fromstring(page.replace("<!DOCTYPE html>", ""))


def squeeze(string):
    """Drop everything that breaking into lines may add or take."""
    string = re.sub(r"\s+", "", string)
    string = re.sub(r"\{?\\(?:begin|end)\{aligned\}\}?|\\(?:left|right|[bB]igg?[lr])(?![a-z])", "", string)
    return re.sub(r"\\\\\*?|&\\quad\{\}|\\cdot|[·⋅&{}]", "", string)


def chains(rendered, derivation, formula, relations, words):
    """Return the first thing that is missing, in the order in which it has to appear, or None."""
    outline = Outline(derivation)
    rest = squeeze(rendered)
    # The argument comes first, then the lemmas beside it.
    for section in outline.proved:
        for step in section.derivation.steps:
            notes = words(outline, step)
            known = f"[{';'.join(notes)}]" if notes else ""
            shown = f"{relations[step.relation]}{formula(step.after, section.brackets)}"
            for piece in (known, shown):
                place = rest.find(squeeze(piece))
                if place < 0:
                    return f"{section.label}, step {step.id}: {piece}"
                rest = rest[place + len(squeeze(piece)) :]
    return None


def in_text(rendered, derivation):
    return chains(rendered, derivation, text.formula, TEXT_RELATIONS, footer)


def in_latex(rendered, derivation):
    def noted(outline, step):
        return footer(outline, step, cite=lambda name: rf"\ref{{{derivation.name}:{name}}}")

    return chains(rendered, derivation, latex.formula, LATEX_RELATIONS, noted)


def in_html(tree, derivation):
    """Return the first step, assumption or lemma whose place is missing or whose formula differs, or None."""
    outline = Outline(derivation)
    places = {e.get("id"): e for e in tree.iter() if e.get("id")}
    for a in outline.assumptions:
        if f"{derivation.name}-{a.id}" not in places:
            return a.id
    for section in outline.sections:
        for step in section.derivation.steps:
            place = places.get(f"{derivation.name}-{section.anchor}-step-{step.id}")
            if place is None or place.find("span[@class='number']").get("title") != f"{step.rule.name}; {step.verdict}":
                return f"{section.label}, step {step.id}"
            known, notes = place.find("span[@class='known']"), footer(outline, step)
            if (known is None) != (not notes):
                return f"{section.label}, step {step.id}"
            if known is not None and "".join(known.itertext()) != f"[{'; '.join(notes)}]":
                return f"{section.label}, step {step.id}"
            signed = f"{LATEX_RELATIONS[step.relation]} {latex.formula(step.after, section.brackets)}"
            shown = "".join(place.find("div[@class='math']").itertext())
            if squeeze(shown) != squeeze("".join(ET.fromstring(mathml(signed)).itertext())):
                return f"{section.label}, step {step.id}: {signed}"
    return None


@pytest.mark.parametrize("name", NAMES)
def test_text_shows_every_step_in_order_with_its_assumptions_and_its_verdict(theorem, rendered, name):
    assert in_text(rendered(name, "text"), theorem(name)) is None


@pytest.mark.parametrize("name", NAMES)
def test_latex_shows_every_step_in_order_with_its_assumptions_and_its_verdict(theorem, rendered, name):
    assert in_latex(rendered(name, "latex"), theorem(name)) is None


def test_a_document_is_the_fragment_between_a_preamble_and_an_end(rendered):
    fragment, document = (rendered("half-variance", "latex", standalone=s) for s in (False, True))
    assert document.endswith("\\begin{document}\n" + fragment.split("\n", 2)[2] + "\\end{document}\n")


@pytest.mark.parametrize("name", NAMES)
def test_html_shows_every_step_with_its_rule_its_assumptions_and_its_verdict(theorem, rendered, name):
    assert in_html(parsed(rendered(name, "html")), theorem(name)) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_format_shows_every_assumption_under_its_number(theorem, rendered, name):
    data = rendered(name, "to_dict")
    shown = " ".join(rendered(name, "text").split())
    for a in data["assumptions"]:
        assert f"{a['id']} {a['text']}" in shown
    fragment = squeeze(re.sub(r"\\newline\\hspace\*\{\dem\}|\\allowbreak|\$", "", rendered(name, "latex")))
    for a in Outline(theorem(name)).assumptions:
        words = a.hypothesis.text.render(lambda e: latex.formula(e, inline=True), latex.escape)
        assert squeeze(rf"\textbf{{{a.id}}} {words}") in fragment


@pytest.mark.parametrize("name", NAMES)
def test_every_used_assumption_has_a_number_and_every_theorem_assumption_stands_first(theorem, name):
    derivation = theorem(name)
    outline = Outline(derivation)
    assert tuple(a.hypothesis for a in outline.assumptions if a.theorem) == derivation.assumptions
    assert [a.theorem for a in outline.assumptions] == sorted((a.theorem for a in outline.assumptions), reverse=True)
    for section in outline.sections:
        for step in section.derivation.steps:
            assert len(outline.uses(step)) == len(step.uses)


@pytest.mark.parametrize("name", NAMES)
def test_every_lemma_is_proved_once_and_cited(theorem, rendered, name):
    outline = Outline(theorem(name))
    cited = [s for section in outline.sections for step in section.derivation.steps for s in outline.cited(step)]
    assert {s.label for s in outline.lemmas} == {s.label for s in cited if s.kind == "lemma"}
    shown = rendered(name, "text")
    for section in outline.lemmas:
        assert len(re.findall(rf"^{section.label}\. ", shown, re.MULTILINE)) == 1


def test_a_derivation_rendered_without_its_last_step_is_caught(theorem):
    whole = theorem("product-variance")
    short = replace(whole, steps=whole.steps[:-1])
    assert "step 4" in in_text(short.text(), whole)
    assert "step 4" in in_latex(short.latex(), whole)
    assert "step 4" in in_html(ET.fromstring(html.fragment(short, style=False)), whole)


def test_a_renderer_that_drops_what_a_step_uses_is_caught(theorem, monkeypatch):
    whole = theorem("product-variance")
    monkeypatch.setattr(Outline, "uses", lambda outline, step: [])
    forgetful = whole.text(), whole.latex(), html.fragment(whole, style=False)
    monkeypatch.undo()
    assert "step 1: [A2" in in_text(forgetful[0], whole)
    assert "A2" in in_latex(forgetful[1], whole)
    assert "step 1" in in_html(ET.fromstring(forgetful[2]), whole)


def test_swapped_steps_are_caught(theorem):
    whole = theorem("product-variance")
    one, two, *rest = whole.steps
    assert in_text(replace(whole, steps=(two, one, *rest)).text(), whole) is not None
    assert in_latex(replace(whole, steps=(two, one, *rest)).latex(), whole) is not None


def test_a_step_that_uses_what_its_setting_does_not_have_is_an_error_in_every_format(theorem):
    whole = theorem("product-variance")
    wrong = replace(whole, steps=(replace(whole.steps[0], uses=frozenset({"moon-phase"})), *whole.steps[1:]))
    for render in (wrong.text, wrong.latex, wrong.html, wrong.to_dict):
        with pytest.raises(InputError, match=r"step 1 .* uses moon-phase"):
            render()


def test_an_unknown_relation_is_an_error_in_every_format(theorem):
    whole = theorem("product-variance")
    wrong = replace(whole, statement=replace(whole.statement, relation="<>"))
    for render in (wrong.text, lambda: wrong.latex(standalone=True), wrong.html, wrong.to_dict):
        with pytest.raises(InputError, match="unknown relation '<>'"):
            render()


def test_a_failed_step_shows_its_counterexample_in_every_format(theorem):
    whole = theorem("product-variance")
    world = {"widths": {"n_1": "2", "n_3": "1"}, "laws": ["x[1] = 3", "x[2] = 5"]}
    found = Counterexample(world, {"k": "1"}, "3/7", "=", "22/7")
    assert str(found).endswith("(not =) at k = 1 [widths: n_1 = 2, n_3 = 1; laws: x[1] = 3; x[2] = 5]")
    failed = Verdict(Grade.FAILED, "refuted in a tiny world", found)
    wrong = replace(whole, steps=(*whole.steps[:-1], replace(whole.steps[-1], verdict=failed)))
    for rendered in (wrong.text(), wrong.latex(), wrong.html()):
        assert "failed: refuted in a tiny world" in " ".join(rendered.split())
        assert "left side 3/7, right side 22/7" in " ".join(rendered.split())
        assert "laws: x[1] = 3; x[2] = 5" in " ".join(rendered.split())
    assert wrong.to_dict()["grade"] == "failed"
    assert wrong.to_dict()["steps"][-1]["counterexample"]["right"] == "22/7"


@pytest.mark.parametrize("name", NAMES)
def test_every_average_says_over_what(theorem, rendered, name):
    outline = Outline(theorem(name))
    shown = " ".join(rendered(name, "text").split())
    for section in outline.sections:
        for over, _ in section.brackets.legend():
            assert f"taken over {over.describe()}." in shown


def test_the_legend_names_what_occurs_and_nothing_else(rendered):
    def symbols(name):
        return {s["text"] for item in rendered(name, "to_dict")["symbols"] for s in item["symbols"]}

    assert symbols("product-variance") == {"X", "Y"}
    assert "Var[∂Cost/∂s^d]" not in symbols("forward-variance")
    assert {"W^i_{lk}", "z^i_k", "n_i", "Var[x]", "Var[W^i]", "f(s)"} <= symbols("forward-variance")
    assert {"Cost", "∂Cost/∂s^d_k", "f'(s)", "δ_{jm}"} <= symbols("backward-variance")
