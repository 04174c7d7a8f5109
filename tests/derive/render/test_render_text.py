"""The text format: line lengths, where lines break, and what a reader is told."""

import re

import pytest

import derive
from derive.errors import InputError
from derive.render.breaking import break_latex, break_text, latex_width
from derive.render.latex_printer import print_latex
from derive.render.order import TIMES
from derive.render.text import statement_text
from derive.render.text_printer import print_text

NAMES = derive.theorems()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_longer_than_the_width(theorem, width):
    for name in NAMES:
        assert max(map(len, theorem(name).text(width=width).splitlines())) <= width, name


def test_a_width_too_small_to_read_is_an_error(theorem):
    with pytest.raises(InputError, match="width must be at least 40, got 39"):
        theorem("product-variance").text(width=39)


def test_the_statement_stands_on_one_line_as_the_paper_prints_it(theorem):
    assert statement_text(theorem("backward-variance")) == (
        "Var[∂Cost/∂s^i_k] = Var[∂Cost/∂s^d] · ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]"
    )
    assert statement_text(theorem("forward-variance")) == ("Var[z^i_k] = Var[x] · ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]")


def test_a_lemma_stands_in_one_line_where_it_is_used_and_is_proved_after_the_main_chain(theorem):
    shown = theorem("backward-variance").text()
    cited = shown.index("Lemma 1 (At the last layer the gradient is given):")
    assert cited < shown.index("∏_{i'=i}^{d-1}") < shown.index("\nLemma 1. At the last layer the gradient is given")


def test_a_formula_breaks_at_its_outermost_sign_and_keeps_a_product_together():
    shown = "Var[a + b] + Σ_{j=1}^{n} a_j\N{INVISIBLE TIMES}b_j + Var[b]"
    assert break_text(shown, 32, 32) == ["Var[a + b] + Σ_{j=1}^{n} a_j b_j", "+ Var[b]"]
    assert break_text(shown, 31, 31) == ["Var[a + b]", "+ Σ_{j=1}^{n} a_j b_j + Var[b]"]


def test_breaking_only_adds_line_ends(theorem):
    def bare(shown):
        return re.sub(rf"\s|{TIMES}|\\\\(left|right|[bB]igg?[lr])(?![a-z])", "", shown)

    for name in NAMES:
        for step in theorem(name).steps:
            as_text, as_latex = print_text(step.after), print_latex(step.after)
            assert bare("".join(break_text(as_text, 40, 36))) == bare(as_text)
            assert bare("".join(break_latex(as_latex, 80, 74))) == bare(as_latex) or r"\frac" in as_latex


def test_brackets_that_stretch_open_when_the_line_is_too_short():
    shown = r"x = \left(a + b + c + d + e\right)^{2}"
    assert break_latex(shown, 16, 16) == [r"x = \Bigl(a + b + c + d", r"+ e\Bigr)^{2}"]


def test_a_fraction_wider_than_the_line_becomes_its_numerator_over_the_denominator_in_front():
    assert break_latex(r"\frac{a + b + c}{d}", 8, 8) == [r"\frac{1}{d} \Bigl(a + b", r"+ c\Bigr)"]


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
    assert latex_width(r"\frac{abcdef}{g}") == pytest.approx(latex_width("abcdef") + 0.5)
