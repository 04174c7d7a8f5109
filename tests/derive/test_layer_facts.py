"""Layer arithmetic: what the facts say yes to is true of all integers that satisfy them."""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Symbol

from derive.layers import Facts, d, i

J = Symbol("j", integer=True)
INTEGERS = range(-4, 6)
coefficients = st.tuples(*(st.integers(-2, 2) for _ in range(3)), st.integers(-3, 3))


def expression(linear):
    """A linear expression in the indices, from its coefficients."""
    a, b, c, e = linear
    return a * i + b * d + c * J + e


def nonnegative_everywhere(goal, facts):
    """True when the goal is non-negative at all small integers at which the facts are; in plain Python."""

    def value(linear, at):
        return sum(a * k for a, k in zip(linear, (*at, 1), strict=True))

    return all(value(goal, at) >= 0 for at in product(INTEGERS, repeat=3) if all(value(f, at) >= 0 for f in facts))


def less_one(linear):
    return (*linear[:3], linear[3] - 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(coefficients, max_size=3), coefficients)
def test_a_yes_is_true_of_all_small_integers(facts, gap):
    known = Facts(tuple(map(expression, facts)))
    if known.at_least(expression(gap), 0):
        assert nonnegative_everywhere(gap, facts)
    if known.less(0, expression(gap)):
        assert nonnegative_everywhere(less_one(gap), facts)


@settings(max_examples=60, deadline=None)
@given(st.lists(coefficients, min_size=1, max_size=3), st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_every_small_combination_of_facts_is_found(facts, times):
    assume(all(any(f[:3]) for f in facts))
    total = [sum(t * f[k] for t, f in zip(times, facts, strict=False)) for k in range(4)]
    known = Facts(tuple(map(expression, facts)))
    assume(any(total[:3]))
    assert known.at_least(expression(total), 0)
    assert known.distinct(expression(total) + 1, 0)


@pytest.mark.parametrize(
    ("facts", "left", "right"),
    [
        ((), i, i),
        ((i, d - i), d, 0),
        ((i, d - 1 - i), d, i + 1),
        ((i, d - 1 - i), d, 1),
        ((i - 1,), i, 1),
        ((i - 1, d - 1 - i), d - 2, 0),
        ((i, d - i), 2 * d - i, i),
    ],
    ids=str,
)
def test_what_the_theorems_need_is_found(facts, left, right):
    assert Facts(facts).at_least(left, right)


@pytest.mark.parametrize(
    ("facts", "left", "right"),
    [
        ((i, d - i), d, i + 1),
        ((i,), i, 1),
        ((i, d - 1 - i), d, i + 2),
        ((i, d - i), i, d),
        ((), i, 0),
        ((), d, i),
    ],
    ids=str,
)
def test_what_is_off_by_one_is_refused(facts, left, right):
    assert not Facts(facts).at_least(left, right)


def test_facts_hold_at_values():
    facts = Facts((i - 1,)).also(d - i)
    assert facts.hold_at({i: 1, d: 1})
    assert not facts.hold_at({i: 0, d: 1})
    assert not facts.hold_at({i: 2, d: 1})
