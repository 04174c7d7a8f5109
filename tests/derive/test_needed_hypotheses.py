"""Every hypothesis of every theorem is needed: without it, some tiny world refutes the theorem."""

from dataclasses import replace

import pytest
from planting import derived

import derive
from derive.hypotheses import BIASES_SHARE_VARIANCE, HOMOGENEOUS, Property
from derive.proof.necessity import necessary, refute, without

NAMES = derive.theorems()[:6]
IMPLIED = {("forward-variance", "biases-shared-variance")}
"""The biases of a layer share one law (units-alike), so they share their variance: said twice, for the symbol."""


@pytest.mark.parametrize("name", NAMES)
def test_each_hypothesis_is_needed(name):
    found = necessary(derived(name))
    stated = derived(name).assumptions
    assert set(found) == {h.key for h in stated if any(not p.kind.analytic for p in h.properties)}
    unneeded = {(name, key) for key, counterexample in found.items() if counterexample is None}
    assert unneeded == {pair for pair in IMPLIED if pair[0] == name}
    for counterexample in found.values():
        if counterexample is not None:
            assert counterexample.left != counterexample.right
            assert counterexample.world["laws"]


def test_a_hypothesis_that_is_not_needed_is_found_out():
    """All widths equal is more than the forward theorem needs."""
    derivation = derived("forward-variance")
    wider = derivation.setting.assuming(HOMOGENEOUS)
    step = replace(derivation.steps[0], setting=wider, uses=derivation.steps[0].uses | {HOMOGENEOUS.key})
    assert HOMOGENEOUS in (padded := replace(derivation, setting=wider, steps=(step,))).rests_on
    assert necessary(padded)[HOMOGENEOUS.key] is None
    assert without(padded, HOMOGENEOUS) is None


def test_with_all_hypotheses_nothing_is_refuted():
    for name in NAMES:
        assert refute(derived(name), derived(name).setting) is None


def weaker(properties):
    """Each way to say less: without a property, or of fewer families together; with the name of what is lost."""
    for p in properties:
        for lost in p.others or (None,):
            others = [f for f in p.others if f != lost]
            left = [Property(p.kind, p.family, *others)] if others else []
            name = " ".join(map(str, (p.kind.name, p.family, *([lost] if lost else []))))
            yield name, tuple(q for one in properties for q in (left if one == p else [one]))


def with_properties(setting, key, properties):
    """The setting in which one hypothesis has other properties."""
    changed = (replace(h, properties=properties) if h.key == key else h for h in setting.hypotheses)
    return replace(setting, hypotheses=tuple(changed))


@pytest.mark.parametrize(
    ("name", "key", "wanted"),
    [
        ("forward-variance", "weights-independent", {"ENTRIES_INDEPENDENT W", "INDEPENDENT_OF W x"}),
        ("backward-variance", "weights-independent", {"ENTRIES_INDEPENDENT W"}),
        ("backward-variance", "output-gradient-independent", {"INDEPENDENT_OF g W"}),
        ("weight-gradient-variance", "weights-independent", {"ENTRIES_INDEPENDENT W", "INDEPENDENT_OF W x"}),
        ("weight-gradient-variance", "output-gradient-independent", {"INDEPENDENT_OF g W", "INDEPENDENT_OF g x"}),
    ],
)
def test_which_of_several_properties_is_needed(name, key, wanted):
    """Backward nothing of the input is needed; the biases are zero, so that their independence is not either."""
    derivation = derived(name)
    hypothesis = next(h for h in derivation.assumptions if h.key == key)
    found = {
        lost
        for lost, left in weaker(hypothesis.properties)
        if refute(derivation, with_properties(derivation.setting, key, left)) is not None
    }
    assert found == wanted


def test_the_shared_variance_of_the_biases_is_implied_where_their_law_is_one():
    """And needed in the lemma that says nothing about one law."""
    from derive.theorems.forward import pre_activation_variance

    found = without(pre_activation_variance(), BIASES_SHARE_VARIANCE)
    assert found is not None
    assert found.at["k"] != "1"
