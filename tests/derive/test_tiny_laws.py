"""The laws of tiny worlds have the declared properties, and no others."""

from fractions import Fraction
from itertools import combinations, product

import pytest
import world_by_hand as by_hand

from derive import network as chain
from derive.hypotheses import (
    BACKWARD,
    FORWARD,
    HOMOGENEOUS,
    INPUTS_CENTRED,
    INPUTS_SHARE_VARIANCE,
    NONDEGENERATE,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
    Kind,
    Property,
)
from derive.network import W, b, g, n, x
from derive.proof.variety import tiny_worlds
from derive.setting import Setting
from derive.theorems.product import FACTORS_INDEPENDENT, X, Y
from derive.words import Words

FAMILIES = (W, b, x, g)
BOTH = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))


def world(*hypotheses, depth=1, widths=(2, 3, 2), variances=(4, 9, 16)):
    fractions = tuple(Fraction(v) for v in variances[: depth + 1])
    return by_hand.network(Setting(hypotheses), widths[: depth + 2], fractions)


def declaring(*properties):
    """One hypothesis that declares the properties."""
    made = [Property(*p) if isinstance(p, tuple) else p for p in properties]
    return Hypothesis("declared", Words("Declared."), tuple(made))


def indices(family, in_world):
    """All indices of a family in a world, layer by layer."""
    n, depth = by_hand.widths_of(in_world), in_world.layers[-1]
    if family == W:
        ranges = [(m, r, k) for m in range(depth + 1) for r in range(n[m]) for k in range(n[m + 1])]
        return [(m, r + 1, k + 1) for m, r, k in ranges]
    if family == b:
        return [(m, k + 1) for m in range(depth + 1) for k in range(n[m + 1])]
    return [(k + 1,) for k in range(n[0] if family == x else n[depth + 1])]


def moments(law):
    """Mean, variance, third central moment and kurtosis."""
    if law.coin is None:
        return law.values[0], 0, 0, None
    chances = [Fraction(w) / sum(law.coin.weights) for w in law.coin.weights]
    mean = sum(p * v for p, v in zip(chances, law.values, strict=True))
    second, third, fourth = (
        sum(p * (v - mean) ** r for p, v in zip(chances, law.values, strict=True)) for r in (2, 3, 4)
    )
    return mean, second, third, fourth / second**2 if second else None


def table(law):
    """The law as value: probability."""
    found = {}
    for w, v in zip(law.coin.weights, law.values, strict=True):
        found[v] = found.get(v, 0) + Fraction(w) / sum(law.coin.weights)
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_what_is_not_declared_does_not_hold(family):
    """Nothing declared: no zero means, no symmetry, no Gaussian kurtosis, no shared variance, no independence."""
    in_world = world()
    laws = [in_world.laws(family, index) for index in indices(family, in_world)]
    means, variances, thirds, kurtoses = zip(*map(moments, laws), strict=True)
    assert all(m != 0 for m in means)
    assert len(set(means)) > 1
    assert len(set(variances)) > 1
    assert all(third != 0 for third in thirds)
    assert all(k != 3 for k in kurtoses)
    assert len({id(law.coin) for law in laws}) == 1, "all scalars hang on one coin"


def test_families_that_are_not_declared_independent_share_a_coin():
    in_world = world()
    assert len({id(in_world.laws(f, indices(f, in_world)[0]).coin) for f in FAMILIES}) == 1


@pytest.mark.parametrize(("one", "other"), list(combinations(FAMILIES, 2)), ids=str)
def test_each_pair_of_families_is_dependent_unless_declared_independent(one, other):
    """All pairs but one are declared: then only that one shares a coin, whichever it is."""
    declared = [(Kind.INDEPENDENT_OF, *p) for p in combinations(FAMILIES, 2) if p != (one, other)]
    for extra in ([], [(Kind.ENTRIES_INDEPENDENT, f) for f in FAMILIES]):
        in_world = world(declaring(*declared, *extra))
        coins = {f: {id(in_world.laws(f, k).coin) for k in indices(f, in_world)} for f in FAMILIES}
        for p in combinations(FAMILIES, 2):
            assert bool(coins[p[0]] & coins[p[1]]) == (p == (one, other)), p


@pytest.mark.parametrize("mask", list(product([False, True], repeat=6)), ids=str)
def test_what_is_declared_independent_never_shares_a_coin(mask):
    """Every choice of declared pairs, with and without independent scalars within a family."""
    pairs = list(combinations(FAMILIES, 2))
    declared = [(Kind.INDEPENDENT_OF, *p) for p, yes in zip(pairs, mask, strict=True) if yes]
    for apart in ((), FAMILIES, (W,), (b, x)):
        in_world = world(declaring(*declared, *((Kind.ENTRIES_INDEPENDENT, f) for f in apart)))
        coins = {f: [id(in_world.laws(f, k).coin) for k in indices(f, in_world)] for f in FAMILIES}
        for f in apart:
            assert len(set(coins[f])) == len(coins[f]), "scalars declared independent have coins of their own"
        for (one, other), yes in zip(pairs, mask, strict=True):
            assert not (yes and set(coins[one]) & set(coins[other])), (one, other)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_declared_mean_of_zero_holds_and_the_skewness_stays(family):
    in_world = world(declaring((Kind.ZERO_MEAN, family)))
    for index in indices(family, in_world):
        mean, _, third, kurtosis = moments(in_world.laws(family, index))
        assert mean == 0
        assert third != 0
        assert kurtosis != 3


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_declared_shared_variance_is_shared_within_a_layer_and_the_laws_still_differ(family):
    in_world = world(declaring((Kind.SHARED_VARIANCE, family)))
    for layer in (0, 1) if family.layered else (0,):
        mine = [k for k in indices(family, in_world) if not family.layered or k[0] == layer]
        laws = [in_world.laws(family, k) for k in mine]
        assert len({moments(law)[1] for law in laws}) == 1
        assert len({tuple(sorted(table(law).items())) for law in laws}) > 1


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_scalars_declared_identical_have_one_law_a_layer_and_layers_may_differ(family):
    in_world = world(declaring((Kind.IDENTICAL, family)))
    laws = {k: tuple(sorted(table(in_world.laws(family, k)).items())) for k in indices(family, in_world)}
    layers = {}
    for k, law in laws.items():
        layers.setdefault(k[0] if family.layered else 0, set()).add(law)
    assert all(len(found) == 1 for found in layers.values())
    if family.layered:
        assert layers[0] != layers[1]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("variances", [(4, 9), (2, 3)])
def test_symmetric_laws_are_symmetric_and_not_gaussian(family, variances):
    for apart in ((), ((Kind.ENTRIES_INDEPENDENT, family),)):
        in_world = world(declaring((Kind.SYMMETRIC, family), *apart), variances=variances)
        for index in indices(family, in_world):
            law = table(in_world.laws(family, index))
            assert law == {-v: p for v, p in law.items()}
            assert moments(in_world.laws(family, index))[3] != 3


def test_the_weights_have_the_variances_that_are_meant():
    for variances in ((4, 9), (Fraction(1, 2), Fraction(1, 3)), (1, 1), (2, 6)):
        in_world = world(*WEIGHTS, variances=variances)
        for index in indices(W, in_world):
            assert moments(in_world.laws(W, index))[1] == variances[index[0]]


def test_all_worlds_of_the_theorems_have_what_their_hypotheses_declare():
    """Zero means, shared variances, zero biases and independence, in every tiny world of the real settings."""
    for hypotheses in (BOTH, (*WEIGHTS, UNITS_ALIKE, INPUTS_CENTRED, INPUTS_SHARE_VARIANCE), (*BOTH, HOMOGENEOUS)):
        for in_world in tiny_worlds(Setting(hypotheses)):
            for family in FAMILIES:
                says = {p.kind for h in hypotheses for p in h.properties if p.family == family and not p.others}
                found = {k: moments(in_world.laws(family, k)) for k in indices(family, in_world)}
                if Kind.ZERO in says:
                    assert all(m[:2] == (0, 0) for m in found.values())
                if Kind.ZERO_MEAN in says:
                    assert all(m[0] == 0 for m in found.values())
                if Kind.SHARED_VARIANCE in says and family != b:
                    by_layer = {}
                    for k, m in found.items():
                        by_layer.setdefault(k[0] if family.layered else 0, set()).add(m[1])
                    assert all(len(v) == 1 for v in by_layer.values())
                    if any(h is HOMOGENEOUS for h in hypotheses) and family == W and not in_world.special:
                        assert len(set.union(*by_layer.values())) == 1
                        assert len(set(by_hand.widths_of(in_world))) == 1


def test_symmetric_weights_keep_the_other_properties():
    in_world = world(*WEIGHTS, WEIGHTS_SYMMETRIC)
    coins = {id(in_world.laws(f, k).coin) for f in (W, b) for k in indices(f, in_world)}
    assert len(coins) == len(indices(W, in_world)) + len(indices(b, in_world))


def test_two_factors_are_one_coin_unless_declared_independent():
    together, apart = world(), world(FACTORS_INDEPENDENT)
    assert together.laws(X, ()).coin is together.laws(Y, ()).coin
    assert apart.laws(X, ()).coin is not apart.laws(Y, ()).coin
    assert moments(apart.laws(X, ()))[0] != 0 != moments(apart.laws(Y, ()))[2]


def test_what_may_be_degenerate_is_degenerate_somewhere():
    """All inputs zero, all weights of a layer zero, a gradient of zero: unless declared otherwise."""
    found = {key for w in tiny_worlds(Setting(BOTH)) for key in w.special}
    assert {family for family, _ in found} == {x, W, g}
    assert not any(w.special for w in tiny_worlds(Setting((*BOTH, NONDEGENERATE))))
    degenerate = next(w for w in tiny_worlds(Setting(BOTH)) if (x, 0) in w.special)
    assert degenerate.laws(x, (1,)).values == (0,)


def test_an_input_declared_nondegenerate_is_never_zero():
    for hypotheses in ((NONDEGENERATE,), (*WEIGHTS, NONDEGENERATE), (*BOTH, NONDEGENERATE)):
        for in_world in tiny_worlds(Setting(hypotheses), about=FAMILIES):
            for index in indices(x, in_world):
                assert 0 not in in_world.laws(x, index).values


def test_a_world_describes_its_laws_so_that_a_person_can_recompute():
    in_world = world(*WEIGHTS, depth=0, widths=(1, 1))
    for family, index in ((W, (0, 1, 1)), (x, (1,)), (b, (0, 1))):
        in_world.laws(family, index)
    described = in_world.describe(frozenset({n(0), chain.f}))
    assert described["widths"] == {"n_0": "1"}
    assert described["activation"] == in_world.functions[chain.f].name
    assert "depth" not in described
    assert "W[0, 1, 1] = -4 (1/5) or 1 (4/5)" in map(str, described["laws"])
    assert any(line.startswith("x[1] = ") and "on the coin of b" in line for line in map(str, described["laws"]))
