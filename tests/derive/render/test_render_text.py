"""The text format: line lengths, where lines break, and what a reader is told."""

import re

import pytest
from planting import checked_theorem

import derive
from derive.errors import InputError
from derive.render.breaking import break_latex, break_text, latex_width
from derive.render.latex_printer import print_latex
from derive.render.order import TIMES
from derive.render.text import statement_text
from derive.render.text_printer import print_text

NAMES = derive.theorems()


@pytest.mark.parametrize("options", [{}, {"width": 60}])
def test_no_line_is_longer_than_the_width(rendered, options):
    for name in NAMES:
        shown = rendered(name, "text", **options)
        assert max(map(len, shown.splitlines())) <= options.get("width", 100), name


def test_a_width_too_small_to_read_is_an_error(theorem):
    with pytest.raises(InputError, match="width must be at least 40, got 39"):
        theorem("product-variance").text(width=39)


def test_the_statement_stands_on_one_line_as_the_paper_prints_it(theorem):
    assert statement_text(theorem("backward-variance")) == (
        "Var[∂Cost/∂s^i_k] = Var[∂Cost/∂s^d] · ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]"
    )
    assert statement_text(theorem("forward-variance")) == ("Var[z^i_k] = Var[x] · ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]")


def test_the_statement_comes_first_then_the_proof_then_what_explains_it(rendered):
    shown = rendered("backward-variance", "text")
    order = ["= Var[∂Cost/∂s^d] · ∏", "\nProof.", "\nLemma 2. ", "\nSymbols", "\nAverages", "\nAssumptions"]
    places = [shown.index(piece) for piece in [*order, "\nLemma 3. ", "\nHow the steps are known"]]
    assert places == sorted(places)


def test_a_lemma_stands_in_one_line_where_it_is_used_and_is_proved_after_the_main_chain(rendered):
    shown = rendered("backward-variance", "text")
    cited = shown.index("Lemma 3 (The gradient passes back through one layer):")
    assert cited < shown.index("\nSymbols") < shown.index("\nLemma 3. The gradient passes back through one layer")


def test_the_main_argument_leaves_the_proofs_of_its_lemmas_out(rendered):
    whole, main = (rendered("backward-variance", "text", depth=depth) for depth in ("full", "main"))
    assert whole.count("Proof.") == 1 + 7
    assert main.count("Proof.") == 1 + 2  # the base and the step of its induction
    assert "\nLemma 3. The gradient passes back through one layer\n" in main


def steps_of(derivation):
    found = list(derivation.steps)
    for inner in (*derivation.parts, *derivation.lemmas):
        found += steps_of(inner)
    return found


def test_evidence_is_a_mark_at_the_step_and_one_line_below(theorem):
    checked = theorem("product-variance").check().derivation
    sentence = "both sides equal in"
    assert checked.text().count(sentence) == 1
    assert "All steps: exact: " in checked.text()
    assert "1 variance-definition, 2 product-law" in checked.text(evidence="appendix")
    assert sentence not in checked.text(evidence="none")


def test_one_line_explains_all_evidence_of_a_kind_whatever_its_numbers():
    derivation = checked_theorem("kernel-K").derivation
    legend = re.findall(r"^ +\[([a-z])\] ", derivation.text(), re.MULTILINE)
    kinds = {(s.verdict.grade, re.sub(r"\d[\d.e+-]*", "", s.verdict.evidence)) for s in steps_of(derivation)}
    assert legend == [chr(ord("a") + n) for n in range(len(kinds))]
    assert len(kinds) > 1


@pytest.mark.parametrize(("option", "words"), [("depth", "main, full"), ("evidence", "inline, appendix, none")])
def test_an_unknown_choice_is_an_error(theorem, option, words):
    for render in (theorem("product-variance").text, theorem("product-variance").latex):
        with pytest.raises(InputError, match=f"{option} must be one of {words}, got 'some'"):
            render(**{option: "some"})


def test_a_formula_breaks_at_its_outermost_sign_and_keeps_a_product_together():
    shown = "Var[a + b] + Σ_{j=1}^{n} a_j\N{INVISIBLE TIMES}b_j + Var[b]"
    assert break_text(shown, 32, 32) == ["Var[a + b] + Σ_{j=1}^{n} a_j b_j", "+ Var[b]"]
    assert break_text(shown, 31, 31) == ["Var[a + b]", "+ Σ_{j=1}^{n} a_j b_j + Var[b]"]


def test_a_product_on_two_lines_has_its_sign():
    """Without one, its factors would read as two formulas."""
    shown = f"Var[x]{TIMES}Var[W]{TIMES}E[g]"
    assert break_text(shown, 14, 14) == ["Var[x] Var[W]", "· E[g]"]
    shown = rf"\operatorname{{Var}}[x]{TIMES}\prod_{{i}} n_{{i}}{TIMES}a_{{i}}"
    assert break_latex(shown, 9, 9) == [r"\operatorname{Var}[x]", r"\cdot \prod_{i} n_{i} a_{i}"]


def test_no_sign_seems_to_end_the_body_of_a_product_over_an_index():
    assert break_text(f"∏_{{i=0}}^{{d}} n_i{TIMES}Var[W^i]", 16, 16) == ["∏_{i=0}^{d} n_i", "Var[W^i]"]


def test_breaking_only_adds_line_ends(theorem):
    signs = rf"\s|{TIMES}|·|\\cdot|\\\\|&|\\quad\{{\}}"
    noise = signs + r"|\{?\\(?:begin|end)\{aligned\}\}?|\\(?:left|right|[bB]igg?[lr])(?![a-z])"

    def bare(shown):
        return re.sub(r"[{}]", "", re.sub(noise, "", shown.replace(" ", "")))

    for name in NAMES:
        for step in theorem(name).steps:
            as_text, as_latex = print_text(step.after), print_latex(step.after)
            assert bare("".join(break_text(as_text, 40, 36))) == bare(as_text)
            assert bare("".join(break_latex(as_latex, 40, 38))) == bare(as_latex)


def test_brackets_that_stretch_open_when_the_line_is_too_short():
    shown = r"x = \left(a + b + c + d + e\right)^{2}"
    assert break_latex(shown, 16, 16) == [r"x = \Bigl(a + b + c", r"+ d + e\Bigr)^{2}"]


def test_what_is_wider_than_the_line_is_broken_where_it_stands_in_its_fraction():
    lines = r"{\begin{aligned}&a + b\\&\quad {} + c\end{aligned}}"
    assert break_latex(r"\frac{a + b + c}{d}", 8, 8) == [rf"\frac{lines}{{d}}"]
    assert break_latex(r"\frac{1}{a + b + c}", 8, 8) == [rf"\frac{{1}}{lines}"]


def test_latex_never_breaks_inside_left_and_right():
    shown = r"a + \left(b + c + \left[d + e\right] + f\right) + g"
    assert break_latex(shown, 24, 24) == [r"a + \left(b + c + \left[d + e\right] + f\right)", "+ g"]


def test_a_line_never_ends_inside_an_environment():
    """A comparison or a sum within cases is no place to break; they are as wide as their widest row."""
    cases = r"\begin{cases} x + y & \text{for}\: x > 0 \\\begin{smallmatrix}a + b & c\end{smallmatrix} & z \end{cases}"
    assert break_latex(rf"\left({cases}\right) + \left({cases}\right)", 12, 12) == [
        rf"\Bigl({cases}\Bigr)",
        rf"+ \Bigl({cases}\Bigr)",
    ]
    assert latex_width(cases) < latex_width(r"x + y for: x > 0") + 4


def test_a_fraction_is_as_wide_as_its_wider_half():
    assert latex_width(r"\frac{abcdef}{g}") == pytest.approx(latex_width("abcdef") + 0.48)
