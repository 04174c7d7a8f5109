"""Reading: the documents' lines, other spellings of them, what is refused, and how a reading is explained."""

from __future__ import annotations

from random import Random
from time import process_time

import pytest
from hostile import BROKEN, CODE, HUGE, hostile
from printed_lines import LINES, POST_3, QUESTION_2
from spelled_otherwise import spelled_otherwise
from sympy import Product, Sum, Symbol

import derive
from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.equations.equation_reading import read
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.layers import d, i
from derive.network import W, b, cost_gradient, f, g, n, s, slope, x, z
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES

J, K, L = (Symbol(c, integer=True) for c in "jkl")
P = Symbol("i'", integer=True)


_STEP_1 = POST_3[5]


def statement(text, **more):
    (found,) = read(text, **more).statements
    return found


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_lines_of_the_documents_are_read(line):
    """As they stand, with dollar signs and tags."""
    assert read(line.text, let=line.let).statements


def test_a_bar_is_a_mean_over_samples():
    """With the index that stands behind it."""
    assert read(QUESTION_2[-1].text).statements[1] == Statement(Average(x(2), SAMPLES), "=", 0)


def test_names_with_arguments_are_names():
    """y(w, t) stands for what its --let says; with other arguments it is not that."""
    line = POST_3[-3]
    assert statement(line.text, let=line.let) == Statement(s(i, K), "=", s(i, K))
    with pytest.raises(InputError, match="y takes 2 arguments, as in its --let"):
        read("y(w) = 1", let=line.let)


def test_an_integral_over_a_density_is_a_mean():
    """Over the law that a --let gives: the same object as the theorem's, which decides what it is."""
    line, known = POST_3[-1], derive.theorem("kernel-K").statement
    names = Vocabulary.of(known.lhs, known.rhs)
    assert statement(line.text, let=line.let, names=names).lhs == known.lhs
    with pytest.raises(InputError, match=r"nothing says what the density P\(μ\) is"):
        read(line.text, let=line.let[:-1])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (5, "question-1-activations"),
        (7, "question-1-product-rule"),
        (8, "question-1-equation-1"),
        (9, "glorot-2010-eq-7"),
    ],
)
def test_lines_are_the_claims_of_the_catalogue(line, name):
    """The same objects that were written down by hand for the catalogue, whatever the averages are over."""
    claim = derive.claim(name)
    assert read(LINES[line].text, over=claim.setting.over).statements == (claim.printed,)


def test_chain_rule_with_a_row():
    """A colon is a sum over the index that it stands for; the gradient printed beside it keeps its own unit."""
    assert statement(LINES[3].text) == derive.claim("question-1-chain-rule").printed


def test_vectors_and_matrices():
    """s^i = z^i W^i + b^i holds for every unit."""
    made = statement(LINES[0].text)
    assert made.lhs == s(i, K)
    assert made.rhs == Sum(z(i, L) * W(i, L, K), (L, 1, n(i))) + b(i, K)
    transposed = read(LINES[16].text).statements[1]
    assert transposed.rhs.atoms(type(z(i, L))) == {z(i - 1, J), s(i, K)}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Var(x) = E[x_k^2]", (SharedVariance(x), Average(x(K) ** 2, EVERYTHING))),
        (r"\mathbb{E}[z^2_k] = \langle z^2_k \rangle", (Average(z(2, K), EVERYTHING), Average(z(2, K), SAMPLES))),
        (r"\operatorname{Cov}(s^i_k, s^i_j) = 0", (Covariance(s(i, K), s(i, J), EVERYTHING), 0)),
        ("⟪(s^i_k)²⟫ = Var_{networks}[s^i_k]", (Average(s(i, K) ** 2, NETWORKS), Variance(s(i, K), NETWORKS))),
        ("∂Cost/∂s^i_k = f'(s^i_k)", (cost_gradient(s(i, K)), slope(s(i, K)))),
        ("Var[∂Cost/∂s^d] = Var[W^i]/2", (SharedVariance(g), SharedVariance(W, i) / 2)),
        ("n_i' n_i = n_{i'+1}", (n(P) * n(i), n(P + 1))),
        ("z^{i+1}_k = f(s^i_k)", (z(i + 1, K), f(s(i, K)))),
        ("W^i_{11} = W^i_{1,1}", (W(i, 1, 1), W(i, 1, 1))),
        ("1/2 n_i = n_i/2", (n(i) / 2, n(i) / 2)),
        (
            r"\prod_{i'=0}^{d} n_{i'} \times n_d = ∏_{i'=0}^d n_{i'} n_d",
            (Product(n(P), (P, 0, d)) * n(d), Product(n(P) * n(d), (P, 0, d))),
        ),
    ],
)
def test_one_equation_many_spellings(text, made):
    """Papers' brackets, indices left out, digits that stand together, and how far a product reaches."""
    assert statement(text) == Statement(made[0], "=", made[1])


def test_other_spellings_are_the_same_object():
    """40 of the documents' lines, spelled otherwise."""
    rng = Random(14)
    known = {line: read(line.text, let=line.let).statements for line in LINES}
    for _ in range(40):
        line = rng.choice(LINES)
        spelled = spelled_otherwise(line.text, rng)
        assert read(spelled, let=line.let).statements == known[line], spelled


def test_another_equation_is_another_object():
    """A shifted index is not lost in the reading."""
    assert statement("Var[z^i] = n_i Var[x]") != statement("Var[z^i] = n_{i+1} Var[x]")


@pytest.mark.parametrize("text", [*CODE, *HUGE, *BROKEN], ids=range(len((*CODE, *HUGE, *BROKEN))))
def test_hostile_texts_are_refused(text):
    """Nothing is executed, nothing takes long, and the error is the one for bad input."""
    before = process_time()
    with pytest.raises(InputError):
        read(text)
    assert process_time() - before < 2


def test_texts_with_signs_thrown_in_are_read_or_refused():
    """No other error comes out, whatever stands there."""
    for text in hostile(Random(3), 200):
        try:
            read(text)
        except InputError:
            continue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Var[z^i = 1", r"'\[' is not closed, at column 4"),
        ("Var[z^i] = n_i Var[q^i_k]", "q has no index, at column 20"),
        ("Var[z^i] = Var[H^i]", "unknown name 'H'; .*at column 16"),
        ("Var[x] = \\foo", r"\\foo is no command that an equation is read with, at column 10"),
        ("z^i_k f = 1", "f is a function: its argument was expected in brackets"),
        ("z^i_{k,l} = 1", "z takes 1 indices below, got 2, at column 1"),
        ("Var[x] + 1", "a relation such as = expected, got the end"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text, expected):
    """One error: the column, the part, and what was expected."""
    with pytest.raises(InputError, match=expected):
        read(text)


def test_a_reading_is_explained():
    """≈ is said to be read as =, the layer's name, and what each average is over."""
    found = read(_STEP_1.text, let=_STEP_1.let)
    assert found.explained() == [
        "≈ is read as =",
        "the layer l is called i",
        "⟨·⟩ is over the input",
        "⟪·⟫ is over the weights and the biases",
    ]


def test_names_of_ones_own():
    """A name for a name, a name with its layer below, and one for an expression."""
    assert statement("Var[h^i] = 1", let=("h = z",)) == statement("Var[z^i] = 1")
    assert statement("Var[y_l] = N", let=("y_l = s^{l-1}", "N = n_l")) == statement("Var[s^{i-1}] = n_i")
    with pytest.raises(InputError, match="--let 'y_l' must be a name"):
        read("Var[x] = 1", let=("y_l",))


def test_a_chain_is_more_than_one_statement():
    """a = b = c says two things."""
    assert [s.relation for s in read("E[x] = E[W^i] = 0").statements] == ["=", "="]


def test_an_index_may_count():
    """A letter that is an index elsewhere is a number in an exponent or factor; another letter is no name."""
    found = statement("Var[z^i] = (i + 1) Var[x] (n_0 Var[W^0])^i")
    assert found.rhs == (i + 1) * SharedVariance(x) * (n(0) * SharedVariance(W, 0)) ** i
    with pytest.raises(InputError, match="unknown name 'k'"):
        read("Var[z^i] = k Var[x]")


def test_a_variance_of_one_layer_stands_outside_a_product():
    """Behind the factors of each layer, the variance at a layer of its own is not multiplied again."""
    found = statement(r"Var[s^i] = \prod_{i'=1}^{i} n_{i'} Var[W^{i'}] Var[s^0]")
    assert Variance(s(0, J), EVERYTHING) in found.rhs.args
