"""What depends on what in the chain: as written out by hand, and covering the coins that are really touched."""

from fractions import Fraction

import pytest
import world_by_hand as by_hand
from sympy import Integer, Sum, Symbol, sympify

from derive.averages import Average, SharedVariance, Variance
from derive.dependence import Reach, reach
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
from derive.proof.tiny_functions import IDENTITY, stated
from derive.randomness import EVERYTHING, NETWORKS
from derive.setting import Setting, Undischarged
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


def everything(family, first=0, last=0):
    return Reach(family, sympify(first), sympify(last), (None,) * len(family.extents(Integer(0))))


def before(layer):
    """What z^layer depends on in the chain, by hand: the input, and all weights and biases of earlier layers."""
    return {everything(x), everything(W, 0, layer - 1), everything(b, 0, layer - 1)}


def behind(layer):
    """What dCost/ds^layer depends on in the linear regime, by hand: the given gradient and all later weights."""
    return {everything(g), everything(W, layer + 1, d)}


def everywhere():
    return {everything(x), everything(g), everything(W, 0, d), everything(b, 0, d)}


INSIDE = Facts((i, d - i))
BY_HAND = [
    (z(i, K), before(i), Facts((i,))),
    (z(i + 1, K), before(i + 1), Facts((i,))),
    (z(0, K), {everything(x)}, Facts()),
    (z(2, K), before(2), Facts()),
    (s(i, K), before(i) | {Reach(W, i, i, (None, K)), Reach(b, i, i, (K,))}, Facts((i,))),
    (s(d, 1), before(d) | {Reach(W, d, d, (None, Integer(1))), Reach(b, d, d, (Integer(1),))}, Facts((d,))),
    (W(i, L, K), {Reach(W, i, i, (L, K))}, Facts()),
    (cost_gradient(s(i, K)), behind(i), INSIDE),
    (cost_gradient(s(i + 1, K)), behind(i + 1), Facts((i, d - 1 - i))),
    (cost_gradient(s(d, K)), behind(d), Facts((d,))),
    (cost_gradient(W(i, L, K)), everywhere(), INSIDE),
    (cost_gradient(x(K)), {everything(g), everything(W, 0, d)}, Facts((d,))),
]


@pytest.mark.parametrize(("quantity", "known", "facts"), BY_HAND, ids=[str(q) for q, *_ in BY_HAND])
def test_what_the_chain_depends_on_is_what_was_written_out_by_hand(quantity, known, facts):
    """Nothing beyond it, and every family of it; to its first and its last layer, but for gradients of weights."""
    found = reach(quantity, linear=True, closed_cost=True)
    for r in found:
        assert any(r.within(k, facts) for k in known), r
    assert {r.family for r in found} == {r.family for r in known if not r.empty}
    if quantity != cost_gradient(W(i, L, K)):
        for k in known:
            ends = [r for r in found if r.family == k.family]
            assert k.empty or any(r.first == k.first for r in ends), k
            assert k.empty or any(r.last == k.last for r in ends), k


def test_the_gradient_of_a_weight_does_not_depend_on_it_where_the_regime_is_linear():
    """dCost/dW^i = z^i dCost/ds^i: what is before, and what is behind."""
    known = before(i) | behind(i)
    assert reach(cost_gradient(W(i, L, K)), linear=True, closed_cost=True) == known


@pytest.mark.parametrize("quantity", [s(i, K), W(i, L, K), z(i, K), b(i, K), x(K), s(d, K)], ids=str)
@pytest.mark.parametrize(("linear", "closed"), [(True, False), (False, True), (False, False)])
def test_no_gradient_depends_on_more_than_everything(quantity, linear, closed):
    found = reach(cost_gradient(quantity), linear=linear, closed_cost=closed)
    for r in found:
        assert any(r.within(k, INSIDE) for k in everywhere()), r
    assert quantity == s(d, K) or {x, g, W, b} == {r.family for r in found}


def test_a_gradient_has_used_the_slopes_behind_it_and_not_the_output():
    """f'(s^i) .. f'(s^{d-1}), and W^{i+1} .. W^d: every weight, and the biases but for the last ones."""
    found = reach(cost_gradient(s(i, K)), linear=False, closed_cost=True)
    assert {r.last for r in found if r.family == b} == {i, d - 1, d - 2}
    assert reach(cost_gradient(s(d, K)), linear=False, closed_cost=True) == {everything(g)}


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
