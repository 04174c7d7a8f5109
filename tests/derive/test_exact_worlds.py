"""The exact evaluator against an enumeration in plain Python, forward and backward."""

from fractions import Fraction

import pytest
import world_by_hand as by_hand
from sympy import Abs, And, Eq, KroneckerDelta, Ne, Piecewise, Product, Rational, Sum, Symbol, log, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import (
    BACKWARD,
    FORWARD,
    LEAKY_RELU,
    OUTPUT_GRADIENT_INDEPENDENT,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
    Kind,
    Property,
)
from derive.layers import d
from derive.network import SLOPE, Cost, Partial, W, b, cost_gradient, f, g, n, s, slope, x, z
from derive.proof.exact import Exact, Nonexistent, NotEvaluable, Undeclared
from derive.proof.tiny_functions import IDENTITY, TinyActivation, stated
from derive.proof.variety import tiny_worlds
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES, Family
from derive.setting import Setting
from derive.words import Words

K, L = Symbol("k", integer=True), Symbol("l", integer=True)
BOTH = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
RELU, LEAKY = (stated(*LEAKY_RELU.lhs.args, LEAKY_RELU.rhs, {SLOPE: a}) for a in (0, Fraction(1, 5)))
SQUARE = TinyActivation("f(t) = t^2", lambda t: t * t, lambda t: 2 * t)
VARIANCES = (Fraction(4), Fraction(9), Fraction(1, 4))
SETTINGS = {
    "nothing declared": (),
    "weights": WEIGHTS,
    "weights and gradient": (*WEIGHTS, OUTPUT_GRADIENT_INDEPENDENT),
    "symmetric": (*WEIGHTS, WEIGHTS_SYMMETRIC),
    "both": BOTH,
}
WORLDS = [(1, (1, 2, 1)), (1, (2, 1, 2)), (2, (1, 1, 1, 1)), (0, (2, 3))]


def exact(hypotheses, depth, widths, activation=IDENTITY):
    return Exact(by_hand.network(Setting(hypotheses), widths, VARIANCES[: depth + 1], activation))


def table(world):
    closed = any(h.key == OUTPUT_GRADIENT_INDEPENDENT.key for h in world.setting.hypotheses)
    return list(by_hand.outcomes(world, closed))


@pytest.mark.parametrize(
    ("declared", "activation"),
    [(c, a) for c in SETTINGS for a in (IDENTITY, RELU, LEAKY, SQUARE) if c != "both" or a is IDENTITY],
    ids=lambda c: getattr(c, "name", c),
)
@pytest.mark.parametrize(("depth", "widths"), WORLDS, ids=str)
def test_moments_agree_with_plain_enumeration(activation, declared, depth, widths):
    """E and Var of every activation, pre-activation and gradient, in every layer."""
    hypotheses = SETTINGS[declared]
    evaluator = exact(hypotheses, depth, widths, activation)
    outcomes = table(evaluator.world)
    assert sum(p for p, _ in outcomes) == 1
    for layer in range(depth + 1):
        unit = widths[layer + 1]
        pairs = [
            (z(layer, 1), ("z", (layer, 1))),
            (s(layer, unit), ("s", (layer, unit))),
            (cost_gradient(s(layer, unit)), ("ds", (layer, unit))),
            (cost_gradient(W(layer, 1, unit)), ("dw", (layer, 1, unit))),
        ]
        for quantity, name in pairs:
            assert evaluator.value(Average(quantity, EVERYTHING), {}) == by_hand.mean(outcomes, name)
            assert evaluator.value(Variance(quantity, EVERYTHING), {}) == by_hand.variance(outcomes, name)
        left, right = pairs[1], pairs[2]
        expected = by_hand.covariance(outcomes, left[1], right[1])
        assert evaluator.value(Covariance(left[0], right[0], EVERYTHING), {}) == expected


def test_averages_over_some_sources_hold_the_others_fixed():
    """Var over networks at a fixed input, then averaged over the inputs, by hand: two loops, one inside the other."""
    evaluator = exact((*WEIGHTS, UNITS_ALIKE), 0, (2, 1))
    outcomes = table(evaluator.world)
    fixed = {}
    for p, v in outcomes:
        fixed.setdefault((v["x", (1,)], v["x", (2,)]), []).append((p, v["s", (0, 1)]))
    over_samples = Fraction(0)
    for rows in fixed.values():
        total = sum(p for p, _ in rows)
        mean = sum(p * q for p, q in rows) / total
        over_samples += total * (sum(p * q * q for p, q in rows) / total - mean**2)
    ours = Average(Variance(s(0, 1), NETWORKS), SAMPLES)
    assert evaluator.value(ours, {}) == over_samples
    whole = evaluator.value(Variance(s(0, 1), EVERYTHING), {})
    split = evaluator.value(ours, {}) + evaluator.value(Variance(Average(s(0, 1), NETWORKS), SAMPLES), {})
    assert whole == split == by_hand.variance(outcomes, ("s", (0, 1)))


def test_an_average_leaves_the_outcome_around_it_as_it_was():
    """E[x <W x + b>] by hand: inside the bracket the inputs run through all values, outside they stay put."""
    evaluator = exact((*WEIGHTS, UNITS_ALIKE), 0, (1, 1))
    outcomes = table(evaluator.world)
    fixed = {}
    for p, v in outcomes:
        fixed.setdefault((v["W", (0, 1, 1)], v["b", (0, 1)]), []).append((p, v))
    expected = Fraction(0)
    for rows in fixed.values():
        mean = sum(p * v["s", (0, 1)] for p, v in rows) / sum(p for p, _ in rows)
        expected += sum(p * (v["x", (1,)] ** 2 + v["s", (0, 1)]) * mean for p, v in rows)
    inner = Average(s(0, 1), SAMPLES)
    assert evaluator.value(Average(x(1) ** 2 * inner + inner * s(0, 1), EVERYTHING), {}) == expected


def test_indices_are_told_apart_whatever_order_they_come_in():
    """What is remembered of W_{lk} at l = 1, k = 2 is not taken for l = 2, k = 1."""
    evaluator = exact(WEIGHTS, 0, (2, 2))
    scalar = Average(W(0, L, K) ** 2, EVERYTHING) + L
    assert evaluator.value(scalar, {L: 1, K: 2}) == 5
    assert evaluator.value(scalar, {K: 1, L: 2}) == 6
    rows = Sum(Sum(L + 10 * K, (L, 1, n(0))), (K, 1, 1)) - Sum(Sum(L + 10 * K, (K, 1, 1)), (L, 1, n(0)))
    assert evaluator.value(rows, {}) == 0


def test_partial_derivatives_agree_with_difference_quotients():
    """For f(t) = t^2 the cost is quadratic in each pre-activation one layer before: central differences are exact."""
    evaluator = exact((*WEIGHTS, OUTPUT_GRADIENT_INDEPENDENT), 1, (1, 2, 1), SQUARE)
    rows = table(evaluator.world)
    slopes = set()
    for _, v in rows:
        s1 = {k: v["s", (0, k)] for k in (1, 2)}

        def cost(s0, v=v):
            return v["g", (1,)] * (sum(s0[k] ** 2 * v["W", (1, k, 1)] for k in (1, 2)) + v["b", (1, 1)])

        up, down = {**s1, 2: s1[2] + 1}, {**s1, 2: s1[2] - 1}
        assert v["ds", (0, 2)] == (cost(up) - cost(down)) / 2
        slopes.add(v["ds", (0, 2)])
    ours = evaluator.for_all((cost_gradient(s(0, 2)),), {})
    assert {value for (value,) in ours} == slopes


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (n(0) + 10 * n(1) + 100 * n(2), 321),
        (SharedVariance(W, 1) + SharedVariance(x) + SharedVariance(g), 9 + 7 + 2),
        (Sum(K**2, (K, 1, n(1))), 5),
        (Product(n(K), (K, 0, 1)), 2),
        (Product(n(K), (K, 1, 0)), 1),
        (KroneckerDelta(K, 2, (1, n(1))).subs(K, 2) + 2 * KroneckerDelta(K, 2, (1, n(1))).subs(K, 1), 1),
        (Rational(2, 3) * n(2) ** -2, Fraction(2, 27)),
        (Abs(SLOPE - 1) * d, Fraction(4, 5)),
        (Eq(n(0), n(1)), False),
        (And(Eq(n(0), 1), Eq(n(1), 2)), True),
        (Average(b(0, 1), EVERYTHING), 0),
        (Average(f(s(0, 1)), EVERYTHING) - Average(z(1, 1), EVERYTHING), 0),
        (sqrt(4 * n(0)), 2),
        (Average(1 / (x(1) ** 2 + 1), EVERYTHING) - Average((x(1) ** 2 + 1) ** -1, EVERYTHING), 0),
    ],
    ids=str,
)
def test_what_expressions_mean(expression, value):
    known = {SharedVariance(x): 7, SharedVariance(g): 2}
    evaluator = Exact(by_hand.network(Setting(BOTH), (1, 2, 3), VARIANCES[:2], values=known))
    assert evaluator.value(expression, {d: 1, SLOPE: Fraction(1, 5)}) == value


def test_slopes_are_those_of_the_activation():
    evaluator = exact(WEIGHTS, 0, (1, 1), RELU)
    outcomes = table(evaluator.world)
    expected = sum(p for p, v in outcomes if v["s", (0, 1)] > 0)
    assert evaluator.value(Average(slope(s(0, 1)), EVERYTHING), {}) == expected


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        (n(3), Nonexistent, "there is no layer 3"),
        (Average(x(2), EVERYTHING), Nonexistent, "does not exist in a world of n_0 = 1, n_1 = 2, n_2 = 3"),
        (x(1), NotEvaluable, "is random"),
        (sqrt(-n(1) + n(0) - n(2)), NotEvaluable, "root of a negative number"),
        (1 / (n(0) - 1), NotEvaluable, "division by zero"),
        (log(n(0) - n(1)), NotEvaluable, "no real number"),
    ],
    ids=str,
)
def test_what_has_no_value_says_why(expression, error, words):
    with pytest.raises(error, match=words):
        exact(BOTH, 1, (1, 2, 3)).value(expression, {d: 1})


def test_a_shared_variance_that_nothing_declares_has_no_meaning():
    with pytest.raises(Undeclared, match="nothing says that the scalars of x share a variance"):
        exact(WEIGHTS, 0, (1, 1)).value(SharedVariance(x), {})


def test_the_derivative_of_the_cost_follows_the_cost():
    """Where the gradient at the output is not declared independent, the cost is curved: dCost/ds^d = g + s^d."""
    linear, curved = exact((*WEIGHTS, OUTPUT_GRADIENT_INDEPENDENT), 0, (1, 1)), exact(WEIGHTS, 0, (1, 1))
    gap = Average((Partial(Cost, s(0, 1)) - g(1)) ** 2, EVERYTHING)
    assert linear.value(gap, {}) == 0
    assert curved.value(gap, {}) == curved.value(Average(s(0, 1) ** 2, EVERYTHING), {}) > 0


def test_outcomes_that_are_too_many_are_refused():
    with pytest.raises(NotEvaluable, match="too many"):
        exact(WEIGHTS, 1, (3, 3, 3)).value(Variance(s(1, 1), EVERYTHING), {})


def test_tiny_worlds_are_small_and_different():
    worlds = list(tiny_worlds(Setting(WEIGHTS), critical=True))
    assert {w.layers[-1] for w in worlds} == {0, 1, 2}
    assert {k for w in worlds for k in w.sizes.values()} == {1, 2, 3}
    names = {w.functions[f].name for w in worlds}
    assert {"f(t) = t", "f(t) = max(t, 0)", "f(t) = t + t^2"} <= names
    for depth in (0, 1, 2):
        alike = [by_hand.widths_of(w)[:3] for w in worlds if w.layers[-1] == depth]
        assert any(len({*widths}) == min(3, depth + 2) for widths in alike)
    for side in (0, 1):
        assert any(w.sizes[n(m + side)] * w.variance(W, m) == 1 for w in worlds for m in w.layers)


def test_a_family_with_a_start_is_read_and_differentiated_by_it():
    """h^0 = 3 x, h^{j+1} = 2 h^j: h^2 = 12 x, and h^0 = 3 x is no step of the recursion."""
    h = Family(
        "h",
        meaning="",
        extents=lambda _: (n(0),),
        definition=lambda j, k: 2 * h(j - 1, k),
        start=lambda k: 3 * x(k),
    )
    evaluator = exact(FORWARD, 2, (1, 1, 1, 1))
    assert evaluator.value(Variance(h(2, 1), EVERYTHING), {}) == 144 * evaluator.value(Variance(x(1), EVERYTHING), {})
    assert evaluator.value(Partial(h(2, 1), x(1)), {}) == 12
    assert evaluator.value(Partial(h(2, 1), h(0, 1)), {}) == 4


def test_what_holds_almost_surely_holds():
    """A value without a chance is no outcome: E[x] = x."""
    almost_three = Kind("ALMOST_THREE", "it is 3 with probability 1", law=lambda _: ((1, 3), (0, 7)))
    declared = Hypothesis("three", Words("It is 3."), (Property(almost_three, x),))
    evaluator = exact((declared,), 0, (1, 1))
    assert set(evaluator.world.laws(x, (1,)).values) == {3, 7}
    assert list(evaluator.for_all((Average(x(1), EVERYTHING), x(1)), {})) == [(3, 3)]


def test_a_piece_is_read_where_its_condition_holds_and_no_piece_before_it():
    """1/x has no value at 0, where it is not asked for; the mean of 5, 1/3 and -1/2 with their chances."""
    three = Kind("THREE", "it has three values", law=lambda _: ((1, 0), (2, 3), (1, -2)))
    evaluator = exact((Hypothesis("three", Words("It has three values."), (Property(three, x),)),), 0, (1, 1))
    inverse = Piecewise((1 / x(1), Ne(x(1), 0)), (5, True))
    assert evaluator.value(Average(inverse, EVERYTHING), {}) == Fraction(5, 4) + Fraction(2, 4) / 3 - Fraction(1, 4) / 2
    piece = Piecewise((1, x(1) > 0), (2, x(1) < 3), (4, True))
    assert list(evaluator.for_all((x(1), piece), {})) == [(0, 2), (3, 1), (-2, 2)]
    with pytest.raises(NotEvaluable, match="has no value here"):
        list(evaluator.for_all((Piecewise((1, x(1) > 0)),), {}))
