"""The printers, node by node; the expected strings are typed from the papers' notation."""

import pytest
from sympy import (
    And,
    Eq,
    Function,
    Integral,
    KroneckerDelta,
    Limit,
    Mul,
    Ne,
    Product,
    Rational,
    Sum,
    Symbol,
    asin,
    erf,
    exp,
    oo,
    pi,
    sqrt,
    symbols,
)
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.layers import d, i
from derive.network import Activation, ActivationSlope, Cost, Partial, W, Width, b, cost_gradient, g, s, x, z
from derive.randomness import EVERYTHING, INPUT, WEIGHTS, Over
from derive.render import latex, text
from derive.render.brackets import Brackets

j, k, m = symbols("j k m", integer=True)
ell = Symbol("l", integer=True)
i_ = Symbol("i'", integer=True)
t, q, v = symbols("t q v", positive=True)
OVER_WEIGHTS = Over("weights", (WEIGHTS,), style="network")
OVER_INPUT = Over("input", (INPUT,), style="sample")
COST = r"\mathrm{Cost}"


def var(e):
    return Variance(e, EVERYTHING)


def mean(e):
    return Average(e, EVERYTHING)


factor = Width(i_ + 1) * SharedVariance(W, i_)
back = Product(factor, (i_, i + 1, d))
forth = Product(Width(i_) * SharedVariance(W, i_), (i_, 0, i - 1))
bent = W(i + 1, k, j) * cost_gradient(s(i + 1, j))

TABLE = [
    (W(i, ell, k), "W^i_{lk}", "W^{i}_{lk}"),
    (W(i + 1, k, j), "W^{i+1}_{kj}", "W^{i + 1}_{kj}"),
    (z(i, ell), "z^i_l", "z^{i}_{l}"),
    (z(0, k), "z^0_k", "z^{0}_{k}"),
    (x(k), "x_k", "x_{k}"),
    (b(i, k), "b^i_k", "b^{i}_{k}"),
    (W(i_, k, j + 1), "W^{i'}_{k,j+1}", "W^{i'}_{k,j + 1}"),
    (Width(i), "n_i", "n_{i}"),
    (Width(i_ + 1), "n_{i'+1}", "n_{i' + 1}"),
    (Width(i) ** 2, "n_i²", "n_{i}^{2}"),
    (Activation(s(i, k)), "f(s^i_k)", "f(s^{i}_{k})"),
    (ActivationSlope(s(i, k)) ** 2, "f'(s^i_k)²", "f'(s^{i}_{k})^{2}"),
    (cost_gradient(s(i, k)), "∂Cost/∂s^i_k", rf"\frac{{\partial {COST}}}{{\partial s^{{i}}_{{k}}}}"),
    (cost_gradient(W(i, ell, k)), "∂Cost/∂W^i_{lk}", rf"\frac{{\partial {COST}}}{{\partial W^{{i}}_{{lk}}}}"),
    (g(k), "∂Cost/∂s^d_k", rf"\frac{{\partial {COST}}}{{\partial s^{{d}}_{{k}}}}"),
    (
        Partial(b(i, j) + s(i, j), s(i, k)),
        "∂/∂s^i_k (b^i_j + s^i_j)",
        r"\frac{\partial}{\partial s^{i}_{k}}\,(b^{i}_{j} + s^{i}_{j})",
    ),
    (mean(z(i, ell) ** 2), "E[(z^i_l)²]", r"\mathbb{E}[(z^{i}_{l})^{2}]"),
    (mean(z(i, ell)) ** 2, "E[z^i_l]²", r"\mathbb{E}[z^{i}_{l}]^{2}"),
    (Average(z(i, ell), OVER_WEIGHTS), "⟪z^i_l⟫", r"\langle\!\langle z^{i}_{l} \rangle\!\rangle"),
    (Average(x(k) ** 2, OVER_INPUT), "⟨(x_k)²⟩", r"\langle x_{k}^{2} \rangle"),
    (Average(z(i, ell), OVER_WEIGHTS) ** 2, "⟪z^i_l⟫²", r"(\langle\!\langle z^{i}_{l} \rangle\!\rangle)^{2}"),
    (var(z(i, ell)), "Var[z^i_l]", r"\operatorname{Var}[z^{i}_{l}]"),
    (
        var(cost_gradient(s(i, k))),
        "Var[∂Cost/∂s^i_k]",
        rf"\operatorname{{Var}}\Bigl[\frac{{\partial {COST}}}{{\partial s^{{i}}_{{k}}}}\Bigr]",
    ),
    (Covariance(z(i, ell), x(k), EVERYTHING), "Cov[z^i_l, x_k]", r"\operatorname{Cov}[z^{i}_{l}, x_{k}]"),
    (SharedVariance(W, i), "Var[W^i]", r"\operatorname{Var}[W^{i}]"),
    (SharedVariance(x), "Var[x]", r"\operatorname{Var}[x]"),
    (
        SharedVariance(g),
        "Var[∂Cost/∂s^d]",
        rf"\operatorname{{Var}}\Bigl[\frac{{\partial {COST}}}{{\partial s^{{d}}}}\Bigr]",
    ),
    (KroneckerDelta(j, k, (1, Width(i))), "δ_{jk}", r"\delta_{jk}"),
    # The papers' order of factors, whatever SymPy's.
    (
        Width(i) * SharedVariance(W, i) * mean(z(i, ell) ** 2),
        "n_i Var[W^i] E[(z^i_l)²]",
        r"n_{i} \operatorname{Var}[W^{i}] \mathbb{E}[(z^{i}_{l})^{2}]",
    ),
    (
        SharedVariance(g) * back,
        "Var[∂Cost/∂s^d] · ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]",
        rf"\operatorname{{Var}}\Bigl[\frac{{\partial {COST}}}{{\partial s^{{d}}}}\Bigr] "
        r"\prod_{i'=i + 1}^{d} n_{i' + 1} \operatorname{Var}[W^{i'}]",
    ),
    (
        SharedVariance(x) * forth,
        "Var[x] · ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]",
        r"\operatorname{Var}[x] \prod_{i'=0}^{i - 1} n_{i'} \operatorname{Var}[W^{i'}]",
    ),
    (
        forth * back,
        "(∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]) · ∏_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}]",
        r"\biggl(\prod_{i'=0}^{i - 1} n_{i'} \operatorname{Var}[W^{i'}]\biggr) "
        r"\prod_{i'=i + 1}^{d} n_{i' + 1} \operatorname{Var}[W^{i'}]",
    ),
    (
        forth / Width(i),
        "(∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}])/n_i",
        r"\frac{\prod_{i'=0}^{i - 1} n_{i'} \operatorname{Var}[W^{i'}]}{n_{i}}",
    ),
    (
        Sum(bent, (j, 1, Width(i + 2))),
        "Σ_{j=1}^{n_{i+2}} W^{i+1}_{kj} ∂Cost/∂s^{i+1}_j",
        rf"\sum_{{j=1}}^{{n_{{i + 2}}}} W^{{i + 1}}_{{kj}} "
        rf"\,\frac{{\partial {COST}}}{{\partial s^{{i + 1}}_{{j}}}}",
    ),
    (
        Sum(z(i, ell) * W(i, ell, k), (ell, 1, Width(i))) + b(i, k),
        "Σ_{l=1}^{n_i} z^i_l W^i_{lk} + b^i_k",
        r"\sum_{l=1}^{n_{i}} z^{i}_{l} W^{i}_{lk} + b^{i}_{k}",
    ),
    (
        Sum(x(k) + b(i, k), (k, 1, Width(i))),
        "Σ_{k=1}^{n_i} (b^i_k + x_k)",
        r"\sum_{k=1}^{n_{i}} (b^{i}_{k} + x_{k})",
    ),
    (
        Sum(W(i, j, k) * W(i, m, k), (m, 1, 3), (j, 1, 2)),
        "Σ_{j=1}^{2} Σ_{m=1}^{3} W^i_{jk} W^i_{mk}",
        r"\sum_{j=1}^{2} \sum_{m=1}^{3} W^{i}_{jk} W^{i}_{mk}",
    ),
    (
        var(x(k)) * var(b(i, k)) + mean(x(k)) ** 2 * var(b(i, k)) - 2 * mean(b(i, k)),
        "Var[x_k] Var[b^i_k] + E[x_k]² Var[b^i_k] − 2 E[b^i_k]",
        r"\operatorname{Var}[x_{k}] \operatorname{Var}[b^{i}_{k}]"
        r" + \mathbb{E}[x_{k}]^{2} \operatorname{Var}[b^{i}_{k}] - 2 \mathbb{E}[b^{i}_{k}]",
    ),
    (2 / (Width(i) + Width(i + 1)), "2/(n_i + n_{i+1})", r"\frac{2}{n_{i} + n_{i + 1}}"),
    (
        Width(i + 2) * SharedVariance(W, i + 1) / (Width(i) * SharedVariance(W, i)),
        "n_{i+2} Var[W^{i+1}]/(n_i Var[W^i])",
        r"\frac{n_{i + 2} \operatorname{Var}[W^{i + 1}]}{n_{i} \operatorname{Var}[W^{i}]}",
    ),
    (-SharedVariance(x) / 2, "−Var[x]/2", r"-\frac{\operatorname{Var}[x]}{2}"),
    (1 / SharedVariance(x), "1/Var[x]", r"\frac{1}{\operatorname{Var}[x]}"),
    (sqrt(Width(i)), "√(n_i)", r"\sqrt{n_{i}}"),
    (
        Eq(Width(i) * SharedVariance(W, i), 1),
        "n_i Var[W^i] = 1",
        r"n_{i} \operatorname{Var}[W^{i}] = 1",
    ),
    (Ne(j, m, evaluate=False), "j ≠ m", r"j \neq m"),
    (
        And(Eq(Width(i), 1), Eq(Width(i + 1), 2)),
        "n_i = 1 and n_{i+1} = 2",
        r"n_{i} = 1 \quad\text{and}\quad n_{i + 1} = 2",
    ),
    # Words are upright, and a name that is a formula is printed as one.
    (Symbol("gain"), "gain", r"\mathrm{gain}"),
    (Symbol("Var(w^T C w)"), "Var[wᵀ C w]", r"\operatorname{Var}[w^{T} C w]"),
    (Symbol("v sqrt(N)"), "v √N", r"v \sqrt{N}"),
    (Function("f''")(t) ** 2, "f''(t)²", "f''(t)^{2}"),
    # Plain SymPy, as Gaussian integrals and limits need it.
    (Cost, "Cost", COST),
    (2 * asin(v) / pi, "2 asin(v)/π", r"\frac{2 \arcsin(v)}{\pi}"),
    (exp(-(t**2) / 2), "exp(−t²/2)", r"e^{- \frac{t^{2}}{2}}"),
    (erf(t / sqrt(2)), "erf(√2 t/2)", r"\operatorname{erf}\Bigl(\frac{\sqrt{2} t}{2}\Bigr)"),
    (Rational(-2, 3), "−2/3", r"- \frac{2}{3}"),
    (Integral(exp(-t), (t, 0, oo)), "∫_{0}^{∞} exp(−t) dt", r"\int_{0}^{\infty} e^{- t}\, dt"),
    (Limit(q / t, t, oo), "lim_{t→∞} q/t", r"\lim_{t \to \infty}\Bigl(\frac{q}{t}\Bigr)"),
    (Symbol("rho"), "ρ", r"\rho"),
]


@pytest.mark.parametrize(("expression", "as_text", "as_latex"), TABLE, ids=[row[1] for row in TABLE])
def test_each_node_prints_as_the_papers_write_it(expression, as_text, as_latex):
    assert text.formula(expression) == as_text
    assert latex.formula(expression) == as_latex


def test_the_square_of_a_mean_and_the_mean_of_a_square_differ_in_every_format():
    inner, outer = mean(z(i, ell) ** 2), mean(z(i, ell)) ** 2
    assert text.formula(inner) != text.formula(outer)
    assert latex.formula(inner) != latex.formula(outer)


def test_inline_formulas_have_no_fractions_and_no_tall_brackets():
    shown = latex.formula(SharedVariance(g) * back / Width(i), inline=True)
    assert r"\frac" not in shown
    assert "igl" not in shown
    assert shown.endswith(")/n_{i}")


def test_brackets_that_look_alike_carry_a_name_when_they_average_over_different_things():
    other = Over("input alone", (INPUT,))
    both = mean(x(k)) + Average(x(k), other)
    brackets = Brackets.of([both], EVERYTHING)
    assert set(text.formula(both, brackets).split(" + ")) == {"E[x_k]", "E_{input alone}[x_k]"}
    assert r"\mathbb{E}_{\text{input alone}}[x_{k}]" in latex.formula(both, brackets)
    alone = Average(x(k), other)
    assert text.formula(alone, Brackets.of([alone], EVERYTHING)) == "E[x_k]"


def test_an_unevaluated_product_of_numbers_keeps_a_sign_between_them():
    shown = Mul(2, 3, SharedVariance(x), evaluate=False)
    assert text.formula(shown) == "2 · 3 Var[x]"
    assert latex.formula(shown) == r"2 \cdot 3 \operatorname{Var}[x]"


def test_names_are_printed_alike_whatever_the_encoding_that_sympy_was_imported_under():
    before = pretty_use_unicode(False)
    try:
        assert text.formula(Function("alpha")(Symbol("q_1") + 1)) == "α(q₁ + 1)"
        assert pretty_use_unicode() is False
    finally:
        pretty_use_unicode(before)
