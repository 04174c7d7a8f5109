"""Networks of any families: what depends on what, by hand; definitions that lead nowhere; derivations with them."""

from dataclasses import replace

import pytest
from streams import (
    HALF,
    MASKS,
    cost_of,
    dropout,
    everything,
    fork,
    residual,
    square,
    total,
    two_branches,
    two_streams,
    units,
)
from sympy import Integer, KroneckerDelta, Sum, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.cost import Partial
from derive.dependence import Reach, reach
from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS
from derive.kinds import Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import W, f, n, slope, x
from derive.proof import unfolding
from derive.proof.derivation import Proof
from derive.randomness import EVERYTHING, NETWORKS, WEIGHTS, Family, Over
from derive.rules import (
    ByProductVariance,
    Centred,
    ChainRule,
    ContractDelta,
    DeclaredVariance,
    Define,
    Differentiate,
    Linearity,
    MomentFromVariance,
    ProductLaw,
    SecondMoment,
    Uncorrelated,
    VarianceOfSum,
)
from derive.rules.means import ScaleVariance
from derive.setting import Setting, Undischarged
from derive.theorems.product import product_variance
from derive.words import Words

J, K, L = (Symbol(c, integer=True) for c in "jkl")
INSIDE = Facts((i, d - 1 - i))
NONE = Setting((), INSIDE)


def reached(expression, *, linear=False, closed=True):
    return reach(expression, linear=linear, closed_cost=closed)


def column(weights, layer):
    """Weights of one layer into unit k, from all units."""
    return Reach(weights, Integer(0) + layer, Integer(0) + layer, (None, K))


# Forward.


def test_a_residual_stream_reaches_all_weights_before_it():
    """Of its own unit also those of the last layer; of the others one layer less."""
    h, v = residual()
    assert reached(h(i, K)) == {everything(x), column(v, i - 1), everything(v, 0, i - 2)}
    assert reached(h(0, K)) == {Reach(x, Integer(0), Integer(0), (K,))}
    assert reached(h(1, K)) == {everything(x), column(v, 0)}
    assert reached(h(3, K)) == {everything(x), column(v, 2), everything(v, 0, 1)}


def test_two_recursions_through_each_other():
    h, r, v, y = two_streams()
    for stream in (h, r):
        assert reached(stream(i, K)) == {everything(x), everything(y), column(v, i - 1), everything(v, 0, i - 2)}
    assert reached(h(0, K)) == {Reach(x, Integer(0), Integer(0), (K,))}
    assert reached(r(0, K)) == {Reach(y, Integer(0), Integer(0), (K,))}


def test_a_mask_is_drawn_layer_by_layer():
    t, y, a, m = dropout()
    assert reached(a(i, K)) == {
        everything(x), Reach(W, i - 1, i - 1, (None, K)),
        everything(W, 0, i - 2), everything(m, 0, i - 1),
    }  # fmt: skip
    own = Reach(m, i, i, (K,))
    assert reached(y(i, K)) == reached(a(i, K)) | {own}
    assert reached(t(i, K)) == {everything(x), Reach(W, i, i, (None, K)), everything(W, 0, i - 1), everything(m, 0, i)}


def test_a_mean_over_masks_reaches_none_of_them():
    t, y, _, m = dropout()
    masks = Over("masks", (MASKS,))
    assert {r.family for r in reached(Variance(t(i, K), masks))} == {x, W}
    averaged = units("c", lambda i, k: Average(y(i, k), masks) + m(i + 1, k))
    found = reached(averaged(i, K))
    assert {r.family for r in found} == {x, W, m}
    assert {r for r in found if r.family == m} == {Reach(m, i + 1, i + 1, (K,))}


def test_two_branches_reach_the_weights_of_both():
    h, u, _, one, other = two_branches()
    own = {column(w, i - 1) for w in (one, other)}
    assert reached(h(i, K)) == {everything(x), everything(one, 0, i - 2), everything(other, 0, i - 2), *own}
    assert reached(u(i, K)) == {
        everything(x), everything(one, 0, i - 1), everything(other, 0, i - 1), Reach(one, i, i, (None, K)),
    }  # fmt: skip


def test_a_sum_over_layers_reaches_the_layers_that_it_runs_over():
    h, v = residual()
    dense = units("c", lambda i, k: Sum(v(J, k, k) * h(J, k), (J, 0, i - 1)))
    assert reached(dense(i, K)) == {
        everything(x), Reach(v, i - 1, i - 1, (K, K)), column(v, i - 2), everything(v, 0, i - 3),
    }  # fmt: skip
    assert reached(Sum(v(d - J, K, K), (J, 0, i))) == {Reach(v, d - i, d, (K, K))}
    with pytest.raises(InputError, match=r"c\^i uses layer"):
        reached(units("c", lambda i, k: v(d - i, k, k))(i, K))


# Backward.


def test_the_cost_flows_back_through_a_residual_stream():
    """dCost/dh^i = dCost/dh^{i+1} + f'(h^i) V^i dCost/dh^{i+1} / 2: later weights, and no others where f' = 1."""
    h, v = residual()
    cost = cost_of(h)
    later = {r for r in reached(Partial(cost, h(i, K)), linear=True) if r.family == v}
    assert later == {everything(v, i, i), everything(v, i + 1, d - 1)}
    assert {r.family for r in reached(Partial(cost, h(i, K)), linear=True)} == {v, cost.gradient}
    assert {r.family for r in reached(Partial(cost, h(i, K)))} == {v, cost.gradient, x}
    assert {r.family for r in reached(Partial(cost, h(i, K)), linear=True, closed=False)} == {v, cost.gradient, x}
    assert reached(Partial(cost, h(d, K))) == {everything(cost.gradient)}
    # The derivative by V^i is f(h^i) dCost/dh^{i+1}.
    assert all(r.disjoint(everything(v, i, i), Facts()) for r in reached(Partial(cost, v(i, L, K)), linear=True))


NETWORKS_TRIED = [(residual, 0), (two_streams, 0), (two_streams, 1), (two_branches, 0), (fork, 0)]


@pytest.mark.parametrize(("network", "output"), NETWORKS_TRIED)
def test_definitions_put_in_at_numbers_for_layers_find_nothing_more(network, output):
    families = network()
    cost = cost_of(families[output])
    for family in families:
        if family.source is None:
            assert not unfolding._left_out(family)
        assert not unfolding._left_out_of_gradient(cost, family)


@pytest.mark.parametrize("short", [lambda r: replace(r, first=r.first + 1), lambda r: replace(r, last=r.last - 1)])
def test_and_would_find_a_layer_that_is_left_out(monkeypatch, short):
    h, _ = residual()
    monkeypatch.setattr(unfolding, "reach", lambda e, **known: frozenset(map(short, reach(e, **known))))
    assert unfolding._left_out.__wrapped__(h)
    assert unfolding._left_out_of_gradient.__wrapped__(cost_of(h), h)


# Definitions that lead nowhere.


def pair(first, second, **starts):
    h = units("h", lambda i, k: first(r, i, k), starts.get("h"))
    r = units("r", lambda i, k: second(h, i, k), starts.get("r"))
    return h, r


def start_of(k):
    return x(k)


@pytest.mark.parametrize(
    ("first", "second", "starts", "words"),
    [
        (lambda r, i, k: r(i, k), lambda h, i, k: 2 * h(i, k), {},
         "a definition needs itself: h\\^i needs r\\^i, which needs h\\^i"),
        (lambda r, i, k: r(i - 1, k), lambda h, i, k: h(i + 1, k), {"h": start_of},
         "needs itself: h\\^i needs r\\^{i-1}, which needs h\\^i"),
        (lambda r, i, k: r(i + 1, k), lambda h, i, k: h(i, k), {"h": start_of},
         "needs itself: h\\^i needs r\\^{i\\+1}, which needs h\\^{i\\+1}"),
        (lambda r, i, k: r(i - 1, k), lambda h, i, k: h(0, k) + h(d, k), {"h": start_of}, "needs itself"),
        (lambda r, i, k: r(i - 1, k), lambda h, i, k: h(i, k), {},
         r"h\^0 needs r\^{-1}, and layers begin at 0: give h a"),
        (lambda r, i, k: r(i - 1, k), lambda h, i, k: h(i - 1, k), {"h": start_of},
         r"r\^0 needs h\^{-1}.* give r a start"),
    ],
)  # fmt: skip
def test_a_definition_that_needs_itself_is_an_error_that_names_the_way_round(first, second, starts, words):
    h, _ = pair(first, second, **starts)
    with pytest.raises(InputError, match=words):
        reached(h(i, K))


def test_a_circle_of_starts_is_found():
    h = units("h", lambda i, k: r(i - 1, k), lambda k: r(0, k))
    r = units("r", lambda i, k: h(i - 1, k), lambda k: h(0, k))
    with pytest.raises(InputError, match=r"needs itself: h\^0 needs r\^0, which needs h\^0"):
        reached(h(i, K))


def test_two_layers_back_is_too_far_without_a_second_start():
    h = units("h", lambda i, k: h(i - 1, k) + h(i - 2, k), start_of)
    with pytest.raises(InputError, match=r"h\^1 needs h\^{-1}"):
        reached(h(i, K))
    r = units("r", lambda i, k: q(i - 1, k), start_of)
    q = units("q", lambda i, k: q(i - 1, k) + r(i, k), lambda k: 2 * x(k))
    assert reached(q(i, K)) == {Reach(x, Integer(0), Integer(0), (K,))}


def test_an_exception_for_layer_0_belongs_into_the_start():
    h = units("h", lambda i, k: x(k) if i == 0 else 2 * h(i - 1, k))
    with pytest.raises(InputError, match="the definition of h is another at layer 0: give that as its start"):
        reached(h(i, K))


def test_layers_that_are_not_counted_in_ones_are_refused():
    v = square("V")
    with pytest.raises(InputError, match=r"only i \+ a number will do"):
        reached(units("c", lambda i, k: v(2 * i, k, k))(i, K))


def test_a_name_that_was_given_away_means_another_family():
    """As in a notebook, where a cell is run again: the same code, and another V."""
    made = []
    for size in (0, 1):
        names = {"V": Family("V", meaning="", extents=lambda _, s=size: (n(s), n(s)), source=WEIGHTS)}
        code = "lambda i, k: V(i, k, k)"
        made.append(units("c", eval(code, names)))
    assert made[0] != made[1]


# Rules.


@pytest.mark.parametrize("network", [residual, two_streams, dropout, two_branches])
def test_any_defined_scalar_is_put_in(network):
    for family in network():
        if family.source is None:
            assert Define(family).apply(family(i + 1, K), NONE).after == family(i + 1, K).definition
            if family.start is not None:
                assert Define(family).apply(family(0, K), NONE).after == family.start(K)
                with pytest.raises(Undischarged, match="its layer is not known to be at least 1"):
                    Define(family).apply(family(i, K), NONE)
            else:
                assert Define(family).apply(family(i, K), NONE).after == family(i, K).definition


def backward(output, entry, *rules, through=()):
    proof = Proof(NONE, Partial(cost_of(output), entry)).by(ChainRule(through), *rules)
    derivation = proof.done("planted", "planted")
    checked = derivation.check()
    assert checked.passed, checked.failures
    return derivation.result


def test_the_chain_rule_through_a_residual_stream():
    h, v = residual()
    cost = cost_of(h)

    def behind(k):
        return Partial(cost, h(i + 1, k))

    found = backward(h, h(i, K), Define(h), Differentiate(), ContractDelta())
    terms = KroneckerDelta(J, K, (1, n(0))) + HALF * slope(h(i, K)) * v(i, K, J)
    assert found == Sum(terms * behind(J), (J, 1, n(0)))
    weight = backward(h, v(i, L, K), Define(h), Differentiate(), ContractDelta())
    assert weight == HALF * f(h(i, L)) * behind(K)


def test_the_chain_rule_takes_no_scalar_that_another_comes_down_to():
    """h^i is used by u^i, by v^i and by h^{i+1}; what u and v do is in h^{i+1} already."""
    h, *_ = two_branches()
    found = backward(h, h(i, K))
    assert found == Sum(Partial(cost_of(h), h(i + 1, J)) * Partial(h(i + 1, J), h(i, K)), (J, 1, n(0)))


def test_the_chain_rule_adds_branches_that_go_past_each_other():
    h, u, v, _ = fork()
    cost = cost_of(h)
    parts = [Sum(Partial(cost, e(i, J)) * Partial(e(i, J), h(i, K)), (J, 1, n(0))) for e in (u, v)]
    assert backward(h, h(i, K)) == parts[0] + parts[1]
    through = backward(h, h(i, K), through=(h,))
    assert through == Sum(Partial(cost, h(i + 1, J)) * Partial(h(i + 1, J), h(i, K)), (J, 1, n(0)))


def test_the_input_is_used_by_the_first_layer():
    h, _ = residual()
    found = backward(h, x(K), Define(h), Differentiate(), ContractDelta())
    assert found == Partial(cost_of(h), h(0, K))


def test_a_scalar_that_may_be_the_output_has_no_chain_rule():
    h, v = residual()
    with pytest.raises(Undischarged, match="may be in the last layer: nothing says that i < d"):
        ChainRule().apply(Partial(cost_of(h), h(i, K)), Setting((), Facts((i, d - i))))
    with pytest.raises(Undischarged, match=r"nothing says that i \+ 1 <= d"):
        ChainRule().apply(Partial(cost_of(h), v(i, L, K)), Setting((), Facts((i, d - i))))


def test_weights_that_all_layers_share_have_no_layer_to_go_through():
    shared = Family("V", meaning="", extents=lambda _: (n(0), n(0)), layered=False, source=WEIGHTS)
    h = units("h", lambda i, k: total(lambda j: h(i - 1, j) * shared(j, k)), start_of)
    with pytest.raises(InputError, match="h uses V in more than one layer"):
        ChainRule().apply(Partial(cost_of(h), shared(L, K)), NONE)


# A theorem.


def test_the_second_moment_of_a_residual_stream():
    """E[(h^{i+1}_k)^2] = E[(h^i_k)^2] + Var[V^i] sum_l E[f(h^i_l)^2] / 4, each step tried in tiny worlds."""
    h, v = residual()
    weights = Hypothesis(
        "weights",
        Words("The weights {} are independent, also of the input, of mean zero, and share a variance.", v(i, L, K)),
        (
            Property(Kind.ENTRIES_INDEPENDENT, v),
            Property(Kind.INDEPENDENT_OF, v, x),
            Property(Kind.ZERO_MEAN, v),
            Property(Kind.SHARED_VARIANCE, v),
        ),
    )
    proof = Proof(Setting((weights, FINITE_MOMENTS), Facts((i,))), Average(h(i + 1, K) ** 2, EVERYTHING))
    proof.by(MomentFromVariance(), Define(h), VarianceOfSum(), Uncorrelated(), VarianceOfSum(), Uncorrelated())
    proof.by(ContractDelta(), ScaleVariance(), ByProductVariance(product_variance()), Linearity(), ProductLaw())
    proof.by(Centred(), DeclaredVariance(), SecondMoment())
    derivation = proof.done("residual-second-moment", "The second moment of a residual stream")
    moved = (Variance(f(h(i, L)), EVERYTHING) + Average(f(h(i, L)), EVERYTHING) ** 2).expand()
    each = (HALF**2 * SharedVariance(v, i) * moved).expand()
    assert derivation.result == Average(h(i, K) ** 2, EVERYTHING) + Sum(each, (L, 1, n(0)))
    checked = derivation.check()
    assert checked.passed, checked.failures
    assert str(checked.grade) == "exact"


def test_without_independence_the_stream_and_its_weights_are_not_known_to_be_uncorrelated():
    h, v = residual()
    with pytest.raises(Undischarged):
        Setting((), Facts((i,))).independent(h(i, K), v(i, L, K))
    apart = Hypothesis(
        "apart", Words("Apart."), (Property(Kind.ENTRIES_INDEPENDENT, v), Property(Kind.INDEPENDENT_OF, v, x))
    )
    setting = Setting((apart,), Facts((i,)))
    assert setting.independent(h(i, K), v(i, L, K)) == {"apart"}
    with pytest.raises(Undischarged):
        setting.independent(h(i + 1, K), v(i, L, K))
    assert setting.independent(h(i + 1, 1), v(i + 1, L, K)) == {"apart"}
    assert reached(Average(h(i, K), NETWORKS)) == {everything(x)}
