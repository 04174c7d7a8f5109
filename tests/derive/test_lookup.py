"""One name space: what people type, and the theorem, claim, activation or hypothesis that they mean."""

import pytest
from planting import derived

import derive
from derive.errors import InputError
from derive.hypotheses import LINEAR_REGIME
from derive.lookup import (
    Kind,
    decided,
    deciding,
    deciding_of,
    hypotheses,
    hypothesis_words,
    lookup,
    stands_in,
)
from derive.registry import Registry
from derive.theorems import THEOREMS


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("backward-variance", "theorem", "backward-variance"),
        ("Backward_Variance", "theorem", "backward-variance"),
        ("backward", "theorem", "backward-variance"),
        ("glorot-2010-eq-7", "claim", "glorot-2010-eq-7"),
        ("eq7", "claim", "glorot-2010-eq-7"),
        ("Eq. (6)", "claim", "glorot-2010-eq-6"),
        ("glorot eq 5", "claim", "glorot-2010-eq-5"),
        ("equation 2", "claim", "glorot-2010-eq-7"),  # equation (2) of the first question
        ("uncentred", "claim", "glorot-2010-eq-5-uncentred"),
        ("tanh", "activation", "tanh"),
        ("nn.LeakyReLU(0.2)", "activation", "leaky-relu(0.2)"),
        ("linear regime", "hypothesis", "linear-regime"),
        ("equation 14", "theorem", "kumar-2017"),  # Kumar 2017, equation 14
    ],
)
def test_what_is_typed_means_one_thing(text, kind, name):
    """By name, by its spelling, by some of its words, by its place in the source."""
    found = lookup(text)
    assert (found.kind.word, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("equation 10", ("he-2015-variance-condition (equation 10)", "xavier-on-relu")),
        ("torch-gain", ("may be any of", "torch-gain-tanh")),
        ("hypotheses", ("varprop list hypotheses",)),
        ("Theorem", ("varprop list theorems",)),
        ("bakward-variance", ("did you mean backward-variance",)),
        ("zzz", ("varprop list shows all",)),
        ("", ("varprop list shows all",)),
    ],
)
def test_what_means_several_things_or_none_is_said(text, words):
    with pytest.raises(InputError) as caught:
        lookup(text)
    assert all(word in str(caught.value) for word in words)


def test_only_the_kinds_that_were_asked_for():
    """relu is an activation and a hypothesis, and no theorem."""
    assert lookup("relu").kind is Kind.ACTIVATION
    assert lookup("relu", (Kind.HYPOTHESIS,)).kind is Kind.HYPOTHESIS
    with pytest.raises(InputError, match="unknown theorem 'softsign'"):
        lookup("softsign", (Kind.THEOREM,))


def test_sources_are_those_of_the_derivations():
    """They are read off the code of the builders, and here held against what these build."""
    assert {name: THEOREMS.source(name) for name in derive.theorems()} == {
        name: derived(name).source for name in derive.theorems()
    }


def test_sources_and_deciding_theorems_of_claims_are_those_of_the_claims():
    """Where they are read without building a claim."""
    for name in derive.claims():
        claim = derive.claim(name)
        assert (stands_in(name), deciding_of(name)) == (f"{claim.source}, {claim.where}", deciding(claim))


def test_nothing_is_built_to_be_listed(monkeypatch):
    """Sources, places and words of all that is listed are read off the code and the data."""
    known = hypotheses().keys()
    monkeypatch.setattr(Registry, "_build", None)
    assert all(isinstance(THEOREMS.source(name), str) for name in derive.theorems())
    assert all(stands_in(name) for name in derive.claims())
    hypothesis_words.cache_clear()
    assert hypothesis_words().keys() == known


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Glorot & Bengio 2010, equation 5", "forward-variance"),
        ("Glorot 2010 difficulty equation 5", "glorot-2010-eq-5"),
        ("he et al. 2015 equation 12", "he-2015-backward"),
        ("Gehring 2017 dropout", "convs2s-dropout"),
        ("PyTorch nn init", None),
    ],
)
def test_a_source_with_a_place_is_a_name(text, name):
    """Of a claim or a theorem; more than one is an error that lists them."""
    if name is None:
        with pytest.raises(InputError):
            lookup(text)
    else:
        assert lookup(text).name == name


def test_claims_and_the_theorems_that_decide_them():
    """Both ways; a claim of a theorem's part is the theorem's."""
    assert deciding(derive.claim("glorot-2010-eq-7")) == ("weight-gradient-variance",)
    assert deciding(derive.claim("he-2015-variance-condition")) == ("network-variance",)
    assert deciding(derive.claim("he-2015-backward")) == ("rectifier-gradient",)
    assert deciding(derive.claim("question-1-chain-rule")) == ("backward-variance",)
    assert deciding(derive.claim("torch-gain-relu")) == ("half-variance",)
    assert deciding(derive.claim("torch-gain-tanh")) == ()
    for name in derive.claims():
        assert all(name in decided(theorem) for theorem in deciding(derive.claim(name)))


def test_every_hypothesis_of_every_theorem_is_known():
    """By its key; some theorems say one in their own symbols."""
    assert hypotheses()["linear-regime"] is LINEAR_REGIME
    assert {"W-independent", "D-mask", "finite-moments"} <= set(hypotheses())
    assert {h.key for name in derive.theorems() for h in derived(name).assumptions} <= set(hypotheses())
