"""Independence in pairs and independence together: two properties, and worlds that grant the one and not the other."""

from dataclasses import fields
from itertools import combinations, product
from random import Random

import pytest
from outcomes_by_hand import independent, marginal, table
from planting import derive_by, failure
from sympy import Eq, Rational, Sum, Symbol

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.blocks import Dense, Dropout, Serial, network_input
from derive.blocks.lemmas import gradient_independence
from derive.errors import InputError
from derive.hypotheses import (
    CATALOGUE,
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    UNITS_ALIKE,
    WEIGHTS_INDEPENDENT,
    Hypothesis,
    Kind,
    Property,
)
from derive.indices import K
from derive.layers import Facts, d, i
from derive.lookup import hypotheses
from derive.network import W, b, g, x
from derive.proof.derivation import Proof
from derive.proof.knots import knots
from derive.proof.variety import tiny_worlds
from derive.randomness import OUTPUT_GRADIENT, Family, Over, Source
from derive.rules import ByLemma, Linearity, ProductLaw, Uncorrelated
from derive.rules.means import IndependentTerms, ScaleVariance
from derive.rules.weights import SplitOff, WeightedSums
from derive.setting import Setting, Undischarged
from derive.theorems.signals import coming_back
from derive.words import Words

N = Symbol("N", integer=True, positive=True)
J = Symbol("j", integer=True)
INDEPENDENT = Kind.INDEPENDENT_OF


def family(name, *sizes, source=None):
    return Family(name, meaning=name, extents=lambda _: sizes, layered=False, source=source or Source(name))


A, B, C, D = (family(name) for name in "ABCD")
U, V, Z = (family(name, N) for name in "UVZ")
LAST, LAST_TOO = family("G", source=OUTPUT_GRADIENT), family("H", source=OUTPUT_GRADIENT)
ALL = Over("all", tuple(f.source for f in (A, B, C, D, U, V, Z, LAST)))
SOME = Over("some", (A.source,))


def said(key, *properties):
    return Hypothesis(key, Words(key), tuple(Property(*p) for p in properties))


def in_pairs(*families):
    return said("pairs", *((INDEPENDENT, *two) for two in combinations(families, 2)))


def together(*families):
    return [said(f"of {f}", (INDEPENDENT, f, *families[:k])) for k, f in enumerate(families) if k]


def in_threes(*families):
    return said("threes", *((INDEPENDENT, *p) for t in combinations(families, 3) for p in ((*t,), t[1:])))


def sets(setting, *families):
    return {frozenset(knot) for knot in knots(setting, families)}


def test_a_property_of_several_together_is_more_than_one_of_each():
    together = said("together", (INDEPENDENT, A, B, C))
    pairs = said("pairs", (INDEPENDENT, A, B), (INDEPENDENT, A, C))
    assert together.declares(INDEPENDENT, A, C)
    assert together.declares(INDEPENDENT, C, A)
    assert together.declares(INDEPENDENT, A, C, B)
    assert not together.declares(INDEPENDENT, B, C)
    assert not together.declares(INDEPENDENT, D, A)
    assert not together.declares(INDEPENDENT, B, A, C)
    assert pairs.declares(INDEPENDENT, A, B)
    assert not pairs.declares(INDEPENDENT, A, B, C)
    assert Setting((together,)).discharge(Property(INDEPENDENT, A, B, C)) == {"together"}
    with pytest.raises(Undischarged, match="together"):
        Setting((pairs, said("more", (INDEPENDENT, B, C)))).discharge(Property(INDEPENDENT, A, B, C))


def shipped():
    """The hypotheses of the package, and those that blocks and the gradients behind them make."""
    yield from hypotheses().values()
    z = Serial(Dense(N), Dropout(Rational(1, 2)), Dense(N))(network_input(N, samples=2))
    yield from z.assumed
    yield from coming_back(z)[1]
    z = Dense(N)(network_input(N))
    yield gradient_independence(z, z.family)


def test_the_words_of_shipped_hypotheses_say_which_it_is():
    """Where a property is of several families together the words say so; a pair is independent without more words."""
    found = [(h, [p for p in h.properties if p.kind == INDEPENDENT]) for h in shipped()]
    found = [(h, declared) for h, declared in found if declared]
    several = [h.key for h, declared in found if any(len(p.others) > 1 for p in declared)]
    assert {"weights-independent", "input-independent", "output-gradient-independent", "standard-gaussians"} <= {
        *several
    }
    assert len(several) >= 8
    for h, declared in found:
        if h.key in several:
            assert "together" in str(h.text), h
        # One property of several families, and not several of one: no shipped network is so in pairs only.
        assert len({p.family for p in declared}) == len(declared), h


def test_where_a_knot_is_left_open():
    assert not sets(Setting(()), A, B, C)
    assert sets(Setting((in_pairs(A, B, C),)), A, B, C) == {frozenset((A, B, C))}
    for joint in ((A, B, C), (C, B, A)):
        assert not sets(Setting((in_pairs(A, B, C), said("together", (INDEPENDENT, *joint)))), A, B, C)
    # Nothing is said of B and C: that they may depend on each other is no knot, and that A depends on both is one.
    assert sets(Setting((said("pairs", (INDEPENDENT, A, B), (INDEPENDENT, A, C)),)), A, B, C) == {frozenset((A, B, C))}
    four = sets(Setting((in_pairs(A, B, C, D), said("together", (INDEPENDENT, A, B, C)))), A, B, C, D)
    assert four == {frozenset(f) for f in ((A, B, D), (A, C, D), (B, C, D))}
    assert sets(Setting((in_threes(A, B, C, D),)), A, B, C, D) == {frozenset((A, B, C, D))}
    assert not sets(Setting((WEIGHTS_INDEPENDENT, UNITS_ALIKE, INPUT_INDEPENDENT)), W, b, x)
    assert not knots(Setting((*CATALOGUE, WEIGHTS_INDEPENDENT, UNITS_ALIKE)), (W, b, g, x))


def test_nothing_is_tied_to_what_is_drawn_last():
    pairs = Setting((in_pairs(A, B, LAST),))
    assert [knot[0] for knot in knots(pairs, (A, B, LAST))] == [LAST]
    pairs = Setting((in_pairs(A, LAST, LAST_TOO),))
    assert [knot[0] for knot in knots(pairs, (A, LAST, LAST_TOO))] == [LAST, LAST_TOO]


LAWS = {
    "skewed": (),
    "symmetric": (Kind.SYMMETRIC,),
    "mesokurtic": (Kind.MESOKURTIC,),
    "of one variance": (Kind.ZERO_MEAN, Kind.SHARED_VARIANCE),
    "apart": (Kind.ENTRIES_INDEPENDENT, Kind.NONDEGENERATE),
}


@pytest.mark.parametrize("kinds", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("families", [(A, B, C), (U, B, V), (U, V, A)], ids=lambda fs: "".join(f.name for f in fs))
def test_families_of_a_knot_are_independent_in_pairs_and_not_together(families, kinds):
    """By every outcome, whole families at a time, in worlds of two units; single laws are what they are without."""
    one_each = said("laws", *((kind, f) for kind in kinds for f in families))
    setting = Setting((in_pairs(*families), one_each))
    plain, tied = {}, 0
    for world in tiny_worlds(setting, about=families):
        if world.sizes.get(N, 2) != 2 or world.special or tied > 6:
            continue
        scalars = [f(*index) for f in families for index in world.indices(f)]
        rows = list(table(world, scalars))
        groups = [[k for k, s in enumerate(scalars) if s.family == f] for f in families]
        laws = [marginal(rows, k) for k in range(len(scalars))]
        if not world.knot:
            assert independent(rows, *groups)
            plain = {"number": world.number, "laws": laws}
            continue
        tied += 1
        assert plain == {"number": world.number, "laws": laws}, "the laws of single scalars stay what they were"
        for scalar, law in zip(scalars, laws, strict=True):
            told = world.laws(scalar.family, tuple(map(int, scalar.indices))).chances
            assert marginal([(chance, (value,)) for value, chance in told], 0) == law
        assert all(independent(rows, *two) for two in combinations(groups, 2))
        assert not independent(rows, *groups)
        if Kind.ENTRIES_INDEPENDENT in kinds:
            assert all(independent(rows, *([k] for k in group)) for group in groups)
    assert tied > 2


def test_a_family_of_layers_stays_independent_of_each_other_one_as_a_whole():
    """Two layers on one coin each, tied to a family of two layers and one of none: their product must tell nothing."""
    tied, layered = (
        Family(name, meaning=name, extents=lambda _: (), source=Source(name)) for name in ("tied", "layered")
    )
    laid_down = Hypothesis("two", Words("{}.", Eq(SharedVariance(tied, i), 2)), (), for_all=(i,))
    apart = said("apart", (Kind.ENTRIES_INDEPENDENT, layered))
    setting = Setting((in_pairs(tied, layered, A), laid_down, apart), Facts((i, d - i)))
    worlds = [w for w in tiny_worlds(setting, about=(tied, layered, A)) if w.knot[:1] == (tied,) and not w.special]
    assert any(len(world.layers) > 1 for world in worlds)
    for world in worlds:
        scalars = [f(*index) for f in (tied, layered, A) for index in world.indices(f)]
        rows = list(table(world, scalars))
        groups = [[k for k, s in enumerate(scalars) if s.family == f] for f in (tied, layered, A)]
        assert all(independent(rows, *two) for two in combinations(groups, 2))
        assert not independent(rows, *groups)


FOUR = (A, B, C, D)
STATEMENTS = [(f, s) for f in FOUR for k in (1, 2, 3) for s in combinations([g for g in FOUR if g != f], k)]


@pytest.mark.parametrize("seed", range(12))
def test_worlds_grant_what_is_declared_and_refute_all_else_that_no_hypothesis_gives(seed):
    """Four scalars of which some independence is declared, at random: of each from others together, by enumeration."""
    random = Random(seed)
    declared = [s for s in STATEMENTS if random.random() < random.choice((0.1, 0.2, 0.35))]
    setting = Setting((said("some", *((INDEPENDENT, f, *others) for f, others in declared)),))
    worlds = {(w.knot, w.number % 8): w for w in tiny_worlds(setting, about=FOUR) if not w.special}
    tables = [list(table(world, [f() for f in FOUR])) for world in worlds.values()]

    def holds(one, others):
        return [independent(rows, [FOUR.index(one)], [FOUR.index(f) for f in others]) for rows in tables]

    for one, others in STATEMENTS:
        try:
            setting.families_independent({one}, {*others})
        except Undischarged:
            assert not all(holds(one, others)), (one, others)
        else:
            assert all(holds(one, others)), (one, others)


class InPairs(Setting):
    """A setting that has forgotten what together means: it asks for independence of each other one."""

    def families_independent(self, left, right):
        return frozenset().union(*(self.require(INDEPENDENT, p, q) for p, q in product(left, right) if p != q))

    def all_independent(self, *families):
        return frozenset().union(*(self.require(INDEPENDENT, *two) for two in combinations(families, 2)))


def vars_of(data):
    return {field.name: getattr(data, field.name) for field in fields(data)}


def loosened(rule):
    """The rule with its obligation loosened; what it cites is what the loose setting names."""

    def apply(self, expression, setting):
        return type(rule).apply(rule, expression, InPairs(**vars_of(setting)))

    return type(f"Loose{type(rule).__name__}", (type(rule),), {"apply": apply})(**vars_of(rule))


def mean(e, over=ALL):
    return Average(e, over)


PRODUCT = mean(A() * B() * C())
CENTRED = said("centred", (Kind.ZERO_MEAN, C), (Kind.ZERO_MEAN, U), (Kind.SHARED_VARIANCE, U))
APART = said("apart", *((Kind.ENTRIES_INDEPENDENT, f) for f in (U, V, Z)))
LEMMA = Proof(Setting((FINITE_MOMENTS, said("joint", (INDEPENDENT, A, B, C), (INDEPENDENT, B, C))), over=ALL), PRODUCT)
TERM = U(J) * V(J) * Z(J)
LOOSE = [
    (ProductLaw(), PRODUCT),
    (ProductLaw(), mean(A() ** 2 * B() * C())),
    (SplitOff(), PRODUCT),
    (Linearity(), mean(A() * (B() * C() + B()), SOME)),
    (ScaleVariance(), Variance(A() * B() * C(), SOME)),
    (Uncorrelated(), Covariance(A() * B(), C(), ALL)),
    (WeightedSums(), mean(Sum(U(J) * B(), (J, 1, N)) * Sum(U(K) * C(), (K, 1, N)))),
    (IndependentTerms(), Sum(Covariance(TERM, TERM.subs(J, K), ALL), (K, 1, N), (J, 1, N))),
    (ByLemma(LEMMA.by(ProductLaw()).done("lemma", "A lemma")), PRODUCT),
]


@pytest.mark.parametrize(("rule", "start"), LOOSE, ids=lambda p: type(p).__name__)
def test_a_rule_that_asks_for_pairs_where_it_needs_all_together_is_refuted(rule, start):
    """The rule itself refuses; loosened it is refuted by a world, whose laws are printed."""
    families = tuple(sorted(start.atoms(Family), key=str))
    pairs = Setting((FINITE_MOMENTS, APART, CENTRED, in_pairs(*families)), over=ALL)
    joint = Setting((*pairs.hypotheses[:-1], *together(*families)), over=ALL)
    assert failure(derive_by(rule, joint, start)) is None
    with pytest.raises(InputError, match=r"together|finds nothing"):
        derive_by(rule, pairs, start)
    planted = derive_by(loosened(rule), pairs, start)
    found = failure(planted)
    assert found is not None
    assert found.counterexample is not None
    assert found.counterexample.left != found.counterexample.right
    assert "show their second half" in planted.check().failures[0]
