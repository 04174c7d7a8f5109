"""Families are told apart by what they are, and a name stands for one of them in a derivation."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from planting import check
from sympy import Sum, Symbol, symbols

from derive.averages import Average, Variance
from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS, WEIGHTS_CENTRED, Hypothesis, Kind, Property
from derive.layers import Facts, i
from derive.network import W, n, s, x, z
from derive.proof.derivation import Proof
from derive.proof.rule import Rewrite, Rule
from derive.randomness import INPUT, SAMPLES, WEIGHTS, Family, Over, Source
from derive.rules import Define, Linearity
from derive.setting import Setting
from derive.words import Words

K = Symbol("k", integer=True)
COIN = Source("coin")


def scaled(c, name="v"):
    """A family that is a multiple of z: one factory, and what it is given differs."""

    def definition(layer, unit):
        return c * z(layer, unit)

    return Family(name, meaning="planted", extents=lambda layer: (n(layer),), definition=definition)


def drawn(size=1, source=COIN, name="v", layered=False):
    return Family(name, meaning="planted", extents=lambda layer: (n(size),), source=source, layered=layered)


def circle(c):
    """Two families that are defined by each other."""

    def first(layer, unit):
        return c * two(layer - 1, unit)

    def second(layer, unit):
        return one(layer, unit) + 1

    def extents(layer):
        return (n(layer),)

    one = Family("one", meaning="planted", extents=extents, definition=first)
    two = Family("two", meaning="planted", extents=extents, definition=second)
    return one, two


def by_partial(c):
    return Family(
        "v", meaning="planted", extents=lambda layer: (n(layer),), definition=partial(lambda c, i, k: c * z(i, k), c)
    )


@pytest.mark.parametrize(
    "build",
    [
        scaled,
        by_partial,
        drawn,
        lambda c: circle(c)[0],
        lambda c: circle(c)[1],
        lambda c: drawn(source=Source("coin", article="a " * c)),
        lambda c: drawn(source=Source(f"coin {c}")),
        lambda c: drawn(layered=c == 2),
        lambda c: scaled(frozenset({"one", "two", c})),
        lambda c: scaled({"by name": [c, (1, c)]}),
        lambda c: scaled(np.append(np.zeros(2000), [c, *np.zeros(2000)])),
        lambda c: scaled(Symbol("c", positive=c == 2)),
        lambda c: scaled(scaled(c, "w")(i, K)),
    ],
)
def test_families_of_one_factory_are_two_where_what_they_are_given_differs(build):
    """And one where it does not, however often it is built."""
    assert build(2) == build(2)
    assert hash(build(2)) == hash(build(2))
    assert build(2) != build(3)


def test_other_code_is_another_family():
    def plus(layer, unit):
        return z(layer, unit) + 1

    def minus(layer, unit):
        return z(layer, unit) - 1

    one, other = (Family("v", meaning="", extents=lambda i: (n(i),), definition=of) for of in (plus, minus))
    assert one != other
    assert one(i, K) != other(i, K)
    assert one(i, K) - other(i, K) != 0


def test_families_that_define_each_other_are_told_apart_in_any_order():
    one, two = circle(2)
    again, too = circle(2)
    assert (hash(two), hash(one)) == (hash(too), hash(again))
    assert (two, one) == (too, again)
    assert one != two


def refused(words, setting, start, *rules):
    with pytest.raises(InputError, match=words):
        Proof(setting, start).by(*rules)


NONE = Setting((), Facts((i,)))


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (scaled(2), scaled(3), "v stands for two families: their definitions differ"),
        (drawn(1), drawn(2), r"v stands for two families: their units number n_[12] and n_[12]"),
        (drawn(), drawn(source=INPUT), "one is drawn with the (coin|input), the other drawn with the (coin|input)"),
        (drawn(layered=True), drawn(), "v stands for two families: one has layers, the other has none"),
        (drawn(), scaled(2), "one is (drawn with the coin|defined), the other (drawn with the coin|defined)"),
    ],
)
def test_two_families_of_one_name_are_refused_in_one_derivation(one, other, words):
    left, right = (f(i, K) if f.layered else f(K) for f in (one, other))
    refused(words, NONE, left + right)
    refused(words, NONE, 2 * left, Replaces(left, right))
    about = Hypothesis("planted", Words("{} is centred.", left), ())
    refused(words, Setting((about,)), right)
    declared = Hypothesis("planted", Words("Centred."), (Property(Kind.ZERO_MEAN, one),))
    refused(words, Setting((declared,)), right)


def test_a_family_hidden_in_a_definition_counts():
    """s is defined by W: another W beside s is another family of that name."""
    fake = Family("W", meaning="other weights", extents=lambda i: (n(i), n(i)), source=WEIGHTS)
    refused("W stands for two families", NONE, s(i, K) * fake(i, 1, K))
    refused("W stands for two families", Setting((WEIGHTS_CENTRED,), Facts((i,))), fake(i, 1, K))
    Proof(NONE, s(i, K) * W(i, 1, K)).by(Define(s))


def test_a_family_hidden_in_a_start_counts():
    fake = Family("x", meaning="another input", extents=lambda _: (n(1),), layered=False, source=INPUT)
    h = Family("h", meaning="", extents=lambda j: (n(0),), definition=lambda j, k: h(j - 1, k), start=lambda k: fake(k))
    refused("x stands for two families", NONE, h(i, K) * x(K))


@dataclass(frozen=True)
class Replaces(Rule):
    """A rule that puts one thing for another."""

    what: object
    by: object
    name = "replaces"
    words = "One thing for another."

    def rewrite(self, node, setting):
        return Rewrite(self.by) if node == self.what else None


def test_a_derivation_changed_to_speak_of_another_family_fails_its_check():
    """A sum over other units, under the same name: the check names both."""
    start = Average(2 * x(K) + 1, SAMPLES)
    honest = Proof(Setting((FINITE_MOMENTS,)), start).by(Linearity()).done("planted", "planted")
    fake = Family("x", meaning="another input", extents=lambda _: (n(1),), layered=False, source=INPUT)
    after = honest.result.xreplace({x: fake})
    assert after != honest.result
    planted = replace(
        honest, steps=(replace(honest.steps[0], after=after),), statement=replace(honest.statement, rhs=after)
    )
    assert any("x stands for two families" in failure for failure in check(planted).failures)


def test_brackets_over_sources_that_share_a_name_are_told_apart():
    a, b_ = (Over("both", (Source("coin", article=article),)) for article in ("the ", "a "))
    u = symbols("u", real=True)
    assert Variance(u, a) != Variance(u, b_)
    assert Sum(Variance(u, a), (K, 1, 2)) != Sum(Variance(u, b_), (K, 1, 2))
