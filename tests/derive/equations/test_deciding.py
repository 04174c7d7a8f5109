"""Verdicts on equations: the documents', true ones, the same with one error, and what may be said where none speaks."""

from __future__ import annotations

from itertools import count, islice
from random import Random

import pytest
from one_error import TRUE, one_error
from planting import derived
from printed_lines import LINES
from sympy import Eq

import derive
from derive.averages import SharedVariance
from derive.errors import InputError
from derive.hypotheses import HOMOGENEOUS, INPUTS_CENTRED
from derive.layers import i
from derive.network import W, n

EQUATION_1, EQUATION_2 = LINES[8].text, LINES[9].text


def verdict(text, **more):
    return derive.audit(text, **more).verdict


def test_the_first_question():
    """Equation (1) is refuted, with a network; (2) holds where layers are alike; repaired, both hold."""
    first = derive.audit(EQUATION_1).audits[0]
    assert (first.verdict, first.counterexample is not None) == ("refuted", True)
    assert first.derived == derived("backward-variance").result
    second = derive.audit(EQUATION_2).audits[0]
    assert (second.verdict, second.suffices) == ("holds-if", (HOMOGENEOUS,))
    assert verdict(EQUATION_1.replace("i'=i}", "i'=i+1}").replace("[W^i]", "[W^{i'}]")) == "holds"
    assert verdict(EQUATION_2.replace("i'=i}^{d-1}", "i'=i+1}^{d}")) == "holds"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (0, "holds"),
        (1, "holds"),
        (2, "holds"),
        (3, "refuted"),
        (5, "holds-if"),
        (10, "undecided"),
        (12, "refuted"),
    ],
)
def test_lines_of_the_first_question(line, found):
    """Definitions, the chain rule with and without the wrong index, and what needs layers that are alike."""
    assert verdict(LINES[line].text) == found


@pytest.mark.parametrize("line", [24, 25, 26])
def test_the_post(line):
    """Over networks, with He's weights: each line of its calculation holds at the layers that it speaks of."""
    found = derive.audit(LINES[line].text, assume="he", let=LINES[line].let)
    assert found.verdict == "holds"


@pytest.mark.parametrize("case", TRUE[::2], ids=range(0, len(TRUE), 2))
def test_true_equations_hold(case):
    """Under the hypotheses that they are stated with."""
    assert verdict(case.text, assume=case.assume) == "holds"


def test_one_error_is_found():
    """8 equations with one error: a false one is refuted or needs more, a true one holds, none is undecided."""
    rng = Random(2010)
    made = (one_error(rng.choice(TRUE), rng) for _ in count())
    for case in islice(filter(None, made), 8):
        found = verdict(case.text, assume=case.assume)
        assert found in (("holds",) if case.true else ("refuted", "holds-if")), case


def test_a_hypothesis_is_proposed_and_named():
    """The smallest set under which a theorem speaks of the left side."""
    found = derive.audit("Var[z^i] = Var[x] ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]").audits[0]
    assert set(found.claim.hypotheses) == set(derived("forward-variance").rests_on)
    assert "those of forward-variance are proposed" in str(found.claim.reading)


def test_what_is_missing_is_named():
    """Without the mean of the input, the formula holds if it is zero."""
    keys = [h.key for h in derived("forward-variance").rests_on if h != INPUTS_CENTRED]
    found = derive.audit("Var[z^i] = Var[x] ∏_{i'=0}^{i-1} n_{i'} Var[W^{i'}]", assume=keys).audits[0]
    assert (found.verdict, found.suffices) == ("holds-if", (INPUTS_CENTRED,))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Var[z^{i+1}] = Var[z^i] ⇔ n_i Var[W^i] = 1", "holds"),
        ("Var[z^{i+1}] = Var[z^i] ⇔ n_{i+1} Var[W^i] = 1", "holds-if"),
        ("n_i Var[W^i] = 1 ⇒ Var[z^{i+1}] = Var[z^i]", "holds"),
        ("Var[z^i] ≤ Var[z^{i+1}]", "refuted"),
        (r"\forall(i, i'), Var[z^i] = Var[z^{i'}]", "refuted"),
    ],
)
def test_relations_other_than_equality(text, found):
    """Equivalences, implications and inequalities."""
    assert verdict(text, assume="glorot") == found


@pytest.mark.parametrize(
    ("text", "assume", "found"),
    [
        ("E[(z^{i+1})²] ≤ Var[s^i]", "he", "holds"),
        ("E[(z^{i+1})²] < Var[s^i]/2", "he", "refuted"),
        ("Var[z^{i+1}] ≤ E[(z^{i+1})²]", "he", "holds"),
        ("Var[s^{i+1}] < Var[s^i]", "he", "refuted"),
        ("Var[s^{i+1}] ≠ 2 Var[s^i]", "he", "holds"),
        (r"Var[s^i] < Var[x] + Var[x] \prod_{i'=0}^{i} n_{i'} Var[W^{i'}]", "glorot", "holds"),
        (r"Var[z^{i+1}] < Var[z^i] \iff n_i Var[W^i] < 1", "glorot", "holds"),
        ("Var[z^{i+1}] ≤ Var[z^i] ⇒ n_i Var[W^i] < 1", "glorot", "refuted"),
        (r"Var[s^{i+1}] \sim Var[s^i]", "he", "holds"),
        (r"Var[z^2] \sim n_0 Var[W^0] n_1 Var[W^1] Var[x]", "glorot", "holds"),
        ("Var[s^{i+1}] ~ 2 Var[s^i]", "he", "refuted"),
        ("Var[s^{i+1}] ~ σ_w² E[f(u)²; u ~ N(0, q)] + σ_b²", "wide", "holds-if"),
        (r"Var[s^{i+1}] \longrightarrow 2 σ_w² E[f(u)²; u ~ N(0, q)] + σ_b²", "wide", "refuted"),
    ],
)
def test_order_and_asymptotics_follow_from_what_is_derived(text, assume, found):
    """The sign of a difference is proved, a quotient is a number, a limit is not zero; else a network refutes."""
    audit = derive.audit(text, assume=assume).audits[0]
    assert audit.verdict == found
    assert (audit.counterexample is not None) == (found == "refuted")


def test_when_a_bound_holds_is_said():
    """Refuted for some networks, with the condition under which it is right, and only then."""
    found = derive.audit("Var[z^{i+1}] ≤ Var[z^i]", assume="glorot").audits[0]
    assert (found.condition, found.condition_exact) == (n(i) * SharedVariance(W, i) <= 1, True)


def test_the_condition_is_exact():
    """Twice as wide is as wide where the next layer is."""
    found = derive.audit("Var[z^{i+1}] = n_{i+1} Var[W^i] Var[z^i]", assume="glorot").audits[0]
    assert (found.condition, found.condition_exact) == (Eq(n(i + 1), n(i)), True)


@pytest.mark.parametrize(
    ("text", "assume", "found"),
    [
        ("Var[z^i] = Var[x] (n_0 Var[W^0])^i", "glorot", "holds-if"),
        ("Var[z^i] = Var[x] (n_0 Var[W^0])^{i-1}", "glorot", "refuted"),
        (r"Var[s^i] = 2^{-i} \prod_{i'=1}^{i} n_{i'} Var[W^{i'}] Var[s^0]", "relu", "holds"),
        (r"Var[s^i] > 2^{-i-1} Var[x] \prod_{i'=0}^{i} n_{i'} Var[W^{i'}]", "glorot", "holds"),
    ],
)
def test_a_layer_as_a_number(text, assume, found):
    """In exponents and factors."""
    assert verdict(text, assume=assume) == found


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("Var[z^i] = 6 Var[W^0] Var[W^1] Var[x]", "i=2, d=2, n_0=2, n_1=3", "holds"),
        ("Var[z^i] = 6 Var[W^0] Var[W^1] Var[x]", "i=2, d=2, n_0=2, n_1=2", "refuted"),
        ("Var[z^i] = 6 Var[W^0] Var[W^1] Var[x]", "i=1, d=2, n_0=2, n_1=3", "refuted"),
    ],
)
def test_layers_and_widths_that_are_held_fixed(text, where, found):
    """A layer by its number, and widths as numbers."""
    assert verdict(text, where=where) == found


def test_where_no_theorem_speaks():
    """Tiny worlds may refute, and the rules prove; surviving worlds alone is undecided, with their number."""
    assert verdict("Cov[s^i_k, s^i_j] = 0", assume="glorot") == "refuted"
    assert verdict("Var[x_1 + W^0_{11}] = Var[x] + Var[W^0]", assume="glorot") == "holds"
    found = derive.audit(r"E[s^i_k s^i_j] = \delta_{jk} Var[s^i_k]", assume="glorot").audits[0]
    assert found.verdict == "undecided"
    assert "tiny worlds" in found.evidence


@pytest.mark.parametrize(
    ("text", "theorem", "found"),
    [
        ("E[(y_{tk})²] = E[(z_{tk})²]/(1 − p_drop)", "dropout-variance", "holds"),
        ("E[(y_{tk})²] = E[(z_{tk})²] (1 − p_drop)", "dropout-variance", "refuted"),
        (
            "⟪h'_{tk} h'_{uk}⟫ = α Var[W] Σ_{l=1}^{n_0} ⟪a_{tl} a_{ul}⟫ + ⟪h_{tk} h_{uk}⟫",
            "residual-variance",
            "refuted",
        ),
    ],
)
def test_networks_of_blocks(text, theorem, found):
    """Read with the names of a theorem about them."""
    assert verdict(text, names=theorem) == found


def test_limits_of_wide_layers():
    """The length map holds as a limit; without the biases it is refuted at an activation function and numbers."""
    assert verdict("Var[s^{i+1}] → σ_w² E[f(u)²; u ~ N(0, q)] + σ_b²") == "holds"
    found = derive.audit("Var[s^{i+1}] → σ_w² E[f(u)²; u ~ N(0, q)]", assume="wide").audits[0]
    assert (found.verdict, found.counterexample.relation) == ("refuted", "->")
    assert verdict("Var[s^{i+1}] → σ_w² E[f(u)²; u ~ N(0, q)] + σ_b²", assume="weights-zero-mean") == "undecided"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"assume": "xavier"}, "unknown assumption 'xavier'"),
        ({"over": "weight"}, "unknown average 'weight'"),
        ({"where": "i=two"}, "--where must be layers and sizes with their values"),
        ({"where": "n_0=0"}, "a size is at least 1"),
        ({"where": "i=3, d=2"}, "layer i is at most d"),
    ],
)
def test_bad_options(more, message):
    """Each is one clear error."""
    with pytest.raises(InputError, match=message):
        derive.audit("Var[z^i] = Var[x]", **more)


def test_the_result_is_a_result():
    """Rows, JSON and HTML, as other results have them."""
    found = derive.audit("E[x] = E[W^i] = 0", assume="glorot")
    assert [a.claim.id for a in found.audits] == ["equation-1", "equation-2"]
    assert found.to_dict()["audits"][0]["verdict"] == "holds"
    assert len(found.rows()) == 2
    assert "<math" in found._repr_html_()
    assert SharedVariance(W, 0) not in found.audits[0].claim.printed.lhs.atoms(SharedVariance)
