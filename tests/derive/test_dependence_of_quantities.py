"""What depends on what: the closures are proved by induction, and cover the coins that are really touched."""

from fractions import Fraction

import pytest
import world_by_hand as by_hand
from sympy import Integer, Sum, Symbol

import derive.dependence as dependence
from derive.averages import Average, SharedVariance, Variance
from derive.dependence import Reach, check_closures, reach
from derive.errors import InputError
from derive.hypotheses import (
    BACKWARD,
    BIASES_SHARE_VARIANCE,
    FORWARD,
    LEAKY_RELU,
    LINEAR_REGIME,
    OUTPUT_GRADIENT_INDEPENDENT,
    UNITS_ALIKE,
    WEIGHTS,
    Hypothesis,
    Kind,
    Property,
)
from derive.layers import Facts, d, i
from derive.network import SLOPE, Cost, Partial, W, b, cost_gradient, g, n, s, x, z
from derive.proof.exact import Exact
from derive.proof.functions import IDENTITY, stated
from derive.randomness import EVERYTHING, NETWORKS
from derive.setting import Setting, Undischarged
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.forward import BEFORE_LAST, HERE
from derive.words import Words

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
SCALARS_APART = Hypothesis(
    "apart",
    Words("Every scalar has a coin of its own."),
    (
        *(Property(Kind.ENTRIES_INDEPENDENT, family) for family in (x, g, b)),
        *(Property(Kind.INDEPENDENT_OF, p, q) for p, q in ((W, b), (W, x), (W, g), (b, x), (b, g), (x, g))),
    ),
)


def linear_backward_step():
    """The derived right-hand side of dCost/ds^i_k, with f' = 1."""
    from derive.rules import LinearRegime

    recursion = gradient_recursion()
    return LinearRegime().apply(recursion.result, Setting(BACKWARD, BEFORE_LAST)).after


def test_the_closures_are_proved_from_the_definitions_and_the_derived_recursion():
    check_closures(linear_backward_step(), i)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_forward", lambda real: lambda layer: real(layer - 1)),
        ("_forward", lambda real: lambda layer: frozenset(r for r in real(layer) if r.family != x)),
        ("_forward", lambda real: lambda layer: frozenset(r for r in real(layer) if r.family != b)),
        ("_backward", lambda real: lambda layer: real(layer + 1)),
        ("_backward", lambda real: lambda layer: frozenset(r for r in real(layer) if r.family != W)),
        ("_backward", lambda real: lambda layer: frozenset(r for r in real(layer) if r.family != g)),
        ("_backward", lambda real: lambda layer: frozenset({*(r for r in real(layer) if r.family != W),
                                                            dependence._all(W, layer + 1, d - 1)})),
    ],
    ids=["z a layer short", "z without the input", "z without biases", "gradient a layer short",
         "gradient without weights", "gradient without the output", "gradient without the last weights"],
)  # fmt: skip
def test_a_range_that_is_off_by_one_is_caught(monkeypatch, name, wrong):
    monkeypatch.setattr(dependence, name, wrong(getattr(dependence, name)))
    with pytest.raises(InputError, match="outside the claimed range"):
        check_closures(linear_backward_step(), i)


def test_a_wrong_recursion_is_caught():
    """A gradient that came back through its own layer's weights would escape the claimed range."""
    wrong = Sum(W(i, K, J) * cost_gradient(s(i + 1, J)), (J, 1, n(i + 2)))
    with pytest.raises(InputError, match="W"):
        check_closures(wrong, i)


def touched(quantity, world):
    """The scalars whose coins a quantity looks at, read off the evaluator."""
    code = Exact(world).read(quantity, {d: world.layers[-1]})
    return {coin.name for coin in code.coins}


def claimed(reaches, world):
    """All concrete scalars within a reach, as coin names."""
    found = set()
    for r in reaches:
        first, last = (int(e.subs(d, world.layers[-1])) for e in (r.first, r.last))
        for layer in range(first, last + 1) if r.family.layered else [0]:
            extents = [int(Exact(world).value(e, {d: world.layers[-1]})) for e in r.family.extents(Integer(layer))]
            units = [[int(u)] if u is not None else range(1, e + 1) for u, e in zip(r.units, extents, strict=True)]
            rows = [()]
            for choices in units:
                rows = [(*row, k) for row in rows for k in choices]
            found |= {(r.family.name, *((layer,) if r.family.layered else ()), *row) for row in rows}
    return found


def layers_of(names):
    """The families and layers among coin names."""
    return {(name[0], name[1] if name[0] in "Wb" else 0) for name in names}


@pytest.mark.parametrize("hypotheses", [FORWARD, BACKWARD, (*WEIGHTS, OUTPUT_GRADIENT_INDEPENDENT), WEIGHTS], ids=len)
@pytest.mark.parametrize("widths", [(1, 2, 3, 1), (2, 1, 2, 2)], ids=str)
def test_the_coins_that_a_quantity_touches_are_within_its_reach(hypotheses, widths):
    """And the claimed layers are no more than need be; of a layer before, all units are claimed."""
    setting = Setting((*(h for h in hypotheses if h.key != "biases-zero"), SCALARS_APART))
    linear = LINEAR_REGIME in hypotheses
    relu = stated(*LEAKY_RELU.lhs.args, LEAKY_RELU.rhs, {SLOPE: 0})
    world = by_hand.network(setting, widths, (Fraction(4),) * 3, IDENTITY if linear else relu)
    for layer in range(3):
        unit = widths[layer + 1]
        exactly = [z(layer, 1), s(layer, unit)]
        gradient = cost_gradient(s(layer, unit))
        if linear:
            exactly.append(gradient)
        for quantity in exactly:
            found, _ = setting.reach(quantity)
            assert touched(quantity, world) <= claimed(found, world), quantity
            assert layers_of(touched(quantity, world)) == layers_of(claimed(found, world)), quantity
        for quantity in (gradient, cost_gradient(W(layer, 1, unit))):
            found, _ = setting.reach(quantity)
            assert touched(quantity, world) <= claimed(found, world), quantity


def families(expression, **known):
    return {r.family for r in reach(expression, **{"linear": True, "closed_cost": True, **known})}


def test_a_gradient_reaches_everything_unless_the_regime_is_linear_and_the_cost_closed():
    gradient = cost_gradient(s(i, K))
    assert families(gradient) == {g, W}
    assert families(gradient, linear=False) == {x, W, b, g}
    assert families(gradient, closed_cost=False) == {x, W, b, g}


def test_what_an_average_averages_over_is_not_reached():
    assert families(Average(z(i, K), EVERYTHING)) == set()
    assert families(Variance(z(i, K), NETWORKS)) == {x}
    assert families(SharedVariance(W, i) * x(K)) == {x}


def test_a_derivative_of_something_else_is_an_error():
    with pytest.raises(InputError, match="dependence is known for derivatives of the cost"):
        reach(Partial(s(i, K), x(K)), linear=True, closed_cost=True)
    assert families(Partial(Cost, W(i, L, K))) == {x, W, b, g}


def test_a_sum_forgets_its_index():
    (only,) = reach(Sum(W(i, L, K), (L, 1, n(i))), linear=True, closed_cost=True)
    assert only == Reach(W, i, i, (None, K))


FORWARD_SETTING = Setting(FORWARD, HERE)
BACKWARD_SETTING = Setting(BACKWARD, BEFORE_LAST)


@pytest.mark.parametrize(
    ("left", "right", "setting", "uses"),
    [
        (W(i, L, K), z(i, L), FORWARD_SETTING, {"weights-independent"}),
        (W(i, L, K), z(i, L) * z(i, M), FORWARD_SETTING, {"weights-independent"}),
        (W(i + 1, K, J), cost_gradient(s(i + 1, J)), BACKWARD_SETTING, None),
        (z(i, L), cost_gradient(s(i, K)), Setting((*FORWARD, *BACKWARD), HERE), None),
    ],
    ids=str,
)
def test_independence_is_found_and_names_its_hypotheses(left, right, setting, uses):
    found = setting.independent(left, right)
    if uses is not None:
        assert found == uses
    assert found <= {h.key for h in setting.hypotheses}
    for key in found:
        with pytest.raises(Undischarged):
            setting.without(key).independent(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (W(i, L, K), z(i + 1, L)),
        (W(i, L, K), s(i, K)),
        (W(i, L, K), W(i, M, K)),
        (W(i, L, K), cost_gradient(s(i - 1, K))),
        (z(i, L), z(i, M)),
        (s(i, K), s(i, J)),
        (cost_gradient(s(i, K)), cost_gradient(s(i, J))),
    ],
    ids=str,
)
def test_what_shares_a_scalar_is_not_independent(left, right):
    with pytest.raises(Undischarged):
        Setting((*FORWARD, *BACKWARD), Facts((i - 1, d - 1 - i))).independent(left, right)


def test_indices_that_are_known_to_differ_make_scalars_differ():
    setting = FORWARD_SETTING.with_distinct(L, M)
    assert setting.independent(W(i, L, K), W(i, M, K)) == {"weights-independent"}
    assert setting.independent(W(i, L, K), W(i, L + 1, K)) == {"weights-independent"}


def test_a_setting_declares_and_withdraws():
    setting = Setting((*WEIGHTS, UNITS_ALIKE))
    assert setting.citing(Kind.INDEPENDENT_OF, x, b) is UNITS_ALIKE, "independence is symmetric"
    assert setting.without("units-alike").citing(Kind.IDENTICAL, W) is None
    assert setting.assuming(BIASES_SHARE_VARIANCE).assuming(BIASES_SHARE_VARIANCE).hypotheses.count(
        BIASES_SHARE_VARIANCE
    ) == 1  # fmt: skip
    with pytest.raises(Undischarged, match="needed and not assumed of W and g: it is independent of another family"):
        setting.require(Kind.INDEPENDENT_OF, W, g)
