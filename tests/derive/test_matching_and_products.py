"""Matching lemmas at other indices without capturing any; products over layers in their canonical form."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Product, Sum, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.errors import InputError
from derive.layers import Facts, d, i
from derive.network import W, Width, n, s, x, z
from derive.randomness import EVERYTHING
from derive.rules.match import index_variables, instantiate, match, matches
from derive.rules.products import canonical, ratio, same, unit_condition

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
P = Symbol("i'", integer=True)
letters = st.sampled_from([J, K, L, M])
layers = st.builds(lambda base, shift: base + shift, st.sampled_from([i, d, Integer(0), P]), st.integers(-2, 2))


@settings(max_examples=60, deadline=None)
@given(layers, letters, letters, st.integers(-2, 2))
def test_matching_finds_the_indices_and_putting_them_in_gives_the_node(layer, one, other, shift):
    pattern = Variance(W(i + shift, L, K) * z(i, L), EVERYTHING)
    node = pattern.xreplace({}).subs({i: layer, L: one, K: other}, simultaneous=True)
    binding = matches(pattern, node, index_variables(pattern))
    assert binding is not None
    assert instantiate(pattern, binding) == node


@pytest.mark.parametrize(
    ("pattern", "node"),
    [
        (W(i, L, L), W(i, L, K)),
        (W(i, L, K) * z(i, L), W(i, L, K) * z(i + 1, L)),
        (z(i, K) + z(i + 1, K), z(i, K) + z(i + 2, K)),
        (Variance(z(i, K), EVERYTHING), Average(z(i, K), EVERYTHING)),
        (s(d, K), s(i, K)),
        (z(0, K), z(1, K)),
    ],
    ids=str,
)
def test_what_does_not_fit_does_not_match(pattern, node):
    assert matches(pattern, node, index_variables(pattern)) is None


def test_shifts_are_undone():
    assert matches(z(i + 1, K), z(i, J), index_variables(z(i + 1, K))) == {i: i - 1, K: J}
    assert match(z(i + 1, K), z(0, 2), frozenset({i, K})) == {i: -1, K: 2}


def test_the_depth_and_symbols_that_are_no_indices_stand_for_themselves():
    """A half-width a is not an index: a lemma about it does not rewrite everything."""
    a = Symbol("a", positive=True)
    assert index_variables(a * z(i, K) * d) == {i, K}
    assert matches(a, n(i), index_variables(a)) is None
    assert matches(a, a, index_variables(a)) == {}


def test_a_summation_index_of_the_node_does_not_escape():
    """sum_l u_{lk} does not match sum_l u_{ll} with k = l: that l means nothing outside its sum."""
    pattern = Sum(W(i, L, K), (L, 1, n(i)))
    assert matches(pattern, Sum(W(i, L, J), (L, 1, n(i))), index_variables(pattern)) == {K: J, i: i}
    assert matches(pattern, Sum(W(i, L, L), (L, 1, n(i))), index_variables(pattern)) is None


def test_what_a_summation_index_is_called_does_not_matter():
    """Nor inside a mean, with nothing to match; a name that would be captured is not taken."""
    pattern = Sum(W(i, L, K), (L, 1, n(i)))
    free = index_variables(pattern)
    assert matches(pattern, Sum(W(d, M, J), (M, 1, n(d))), free) == {K: J, i: d}
    assert matches(pattern, Sum(W(i, M, M), (M, 1, n(i))), free) is None
    assert matches(pattern, Sum(W(i, J, M), (M, 1, n(i))), free) is None
    assert matches(pattern, Sum(W(i, K, J), (K, 1, n(i))), free) is None
    square = Average(Sum(z(0, L) ** 2, (L, 1, n(0))) ** 2, EVERYTHING)
    other = Average(Sum(z(0, J) ** 2, (J, 1, n(0))) ** 2, EVERYTHING)
    assert matches(square, other, frozenset()) == {}
    assert matches(square, other.subs(n(0), n(1)), frozenset()) is None
    assert matches(square, other.subs(0, 1), frozenset()) is None


@settings(max_examples=40, deadline=None)
@given(letters, letters)
def test_putting_indices_in_captures_none(one, other):
    """sum_l W_{lk} z_l at k = l is sum_j W_{jl} z_j: as many free indices as were put in."""
    body = Sum(W(i, L, K) * Sum(z(i, M), (M, 1, n(i))) * x(J), (L, 1, n(i)))
    found = instantiate(body, {K: one, J: other})
    assert found.free_symbols == {i, one, other}
    inner = next(t for t in found.atoms(Sum) if t.atoms(Sum) == {t} and t.has(z))
    assert inner.function.args[-1] == inner.limits[0][0]


def value(expression, at, widths, variances):
    """The value of a product over layers, in plain Python."""
    if isinstance(expression, Product):
        index, lower, upper = expression.limits[0]
        total = Fraction(1)
        for layer in range(int(lower.subs(at)), int(upper.subs(at)) + 1):
            total *= value(expression.function, {**at, index: layer}, widths, variances)
        return total
    if isinstance(expression, Width):
        return Fraction(widths[int(expression.args[0].subs(at))])
    if isinstance(expression, SharedVariance):
        return variances[expression.family.name, int(expression.layer[0].subs(at)) if expression.layer else 0]
    if expression.is_Pow:
        return value(expression.base, at, widths, variances) ** int(expression.exp.subs(at))
    if expression.is_Mul or expression.is_Add:
        total = Fraction(1 if expression.is_Mul else 0)
        for a in expression.args:
            v = value(a, at, widths, variances)
            total = total * v if expression.is_Mul else total + v
        return total
    return Fraction(str(expression.subs(at)))


LAYERS = range(-3, 20)
WIDTHS = dict(zip(LAYERS, Random(7).sample(range(2, 60), len(LAYERS)), strict=True))
VARIANCES = {("W", layer): Fraction(layer + 5, 30 - layer) for layer in LAYERS} | {("x", 0): Fraction(29, 31)}
AT = {i: 6, d: 13}
ORDER = Facts((i - 6, d - i - 7))
"""With these, every two of the bounds below are in a known order."""


def random_product(random):
    """A product of widths, variances and products of them, in which ranges are not empty at AT."""
    total = Integer(random.choice([1, 2, 3]))
    for _ in range(random.randint(1, 4)):
        shift, other = random.randint(-1, 2), random.randint(-1, 2)
        lower = random.choice([Integer(0), Integer(1), i - 1, i])
        upper = random.choice([i + 1, d - 1, d, i + 2])
        factor = random.choice(
            [
                n(i + shift),
                SharedVariance(W, i + shift),
                SharedVariance(x),
                Product(n(P + shift) * SharedVariance(W, P + other), (P, lower, upper)),
                Product(SharedVariance(W, P), (P, lower, upper)),
                Product(2 * n(P), (P, lower, upper)),
            ]
        )
        total *= factor ** random.choice([1, 1, -1, 2])
    return total


@pytest.mark.parametrize("seed", range(25))
def test_a_ratio_has_the_value_of_the_quotient(seed):
    random = Random(seed)
    left, right = random_product(random), random_product(random)
    expected = value(left, AT, WIDTHS, VARIANCES) / value(right, AT, WIDTHS, VARIANCES)
    assert value(ratio(left, right, ORDER), AT, WIDTHS, VARIANCES) == expected


@pytest.mark.parametrize("seed", range(25))
def test_same_says_yes_to_equal_products_and_no_to_others(seed):
    random = Random(100 + seed)
    product, factor = random_product(random), random_product(random)
    assert same(product * factor, factor * product)
    assert same(product, ratio(product, factor, ORDER) * factor)
    other = product * random.choice([n(i), SharedVariance(W, d), Integer(2), n(i) / n(i + 1), 1 / SharedVariance(x)])
    assert not same(product, other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Product(n(P), (P, 0, i)), Product(n(P), (P, 0, i - 1)) * n(i)),
        (Product(n(P + 1), (P, i, d)), Product(n(P), (P, i + 1, d + 1))),
        (Product(n(P), (P, 0, d)), Product(n(P), (P, 0, i)) * Product(n(P), (P, i + 1, d))),
        (Product(n(P) * SharedVariance(W, P), (P, 0, 1)), n(0) * n(1) * SharedVariance(W, 0) * SharedVariance(W, 1)),
        (Product(n(P) ** 2, (P, 0, i)), Product(n(P), (P, 0, i)) ** 2),
        (Product(n(P), (P, i + 1, i)), Integer(1)),
    ],
    ids=str,
)
def test_equal_products_are_the_same(left, right):
    assert same(left, right)
    assert ratio(left, right, Facts()) == 1
    assert unit_condition(ratio(left, right, Facts())) == True  # noqa: E712 - SymPy's true


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Product(n(P), (P, 0, i)), Product(n(P), (P, 0, i - 1))),
        (Product(n(P + 1), (P, i, d)), Product(n(P), (P, i, d))),
        (Product(n(P), (P, 0, i)), Product(SharedVariance(W, P), (P, 0, i))),
        (2 * n(i), n(i)),
    ],
    ids=str,
)
def test_products_that_differ_by_an_index_are_not_the_same(left, right):
    assert not same(left, right)


def test_a_range_never_runs_backwards():
    """prod_{0..i} / prod_{0..d} is one over the product of what is between, and not a product from d + 1 to i."""
    up, down = Product(n(P), (P, 0, i)), Product(n(P), (P, 0, d))
    assert ratio(up, down, Facts((i, d - i))) == 1 / Product(n(P), (P, i + 1, d))
    assert ratio(down, up, Facts((i, d - i))) == Product(n(P), (P, i + 1, d))
    with pytest.raises(InputError, match="nothing says in which order the layers"):
        ratio(up, down, Facts((i,)))


def test_the_canonical_form_has_no_products_of_layers_left_over():
    form, rest = canonical(Product(n(P) * SharedVariance(W, P), (P, 0, i - 1)) * 3 * SharedVariance(x))
    assert len(form) == 2
    assert rest == 3 * SharedVariance(x)
