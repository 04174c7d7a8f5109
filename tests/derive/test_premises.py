"""What a derivation starts from: errors planted in its premises are noticed while deriving, or by its check."""

from dataclasses import dataclass, replace

import pytest
from planting import derived
from sympy import Eq, Expr, Function, Integer, Symbol

import derive
from derive.averages import Average, Variance
from derive.errors import InputError
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    FINITE_MOMENTS,
    HOMOGENEOUS,
    WEIGHTS,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
    Hypothesis,
    Kind,
    Property,
)
from derive.layers import d
from derive.maps import Maps
from derive.maps.symbols import q
from derive.network import W, b, s
from derive.proof.derivation import Proof
from derive.proof.rule import Rewrite, Rule
from derive.randomness import EVERYTHING
from derive.rules import ByLemma, Linearity, VarianceDefinition, VarianceOfSum
from derive.rules.decay import DecayOfRecursion
from derive.rules.given import PutIn
from derive.rules.lemma import require_hypotheses
from derive.rules.mean_field import GeometricDecay
from derive.rules.towers import Tower
from derive.setting import Setting, Undischarged
from derive.theorems import critical, critical_length
from derive.theorems.edge_of_chaos import CHI, GAP, LAYER, LINEARISED, depth_scale
from derive.theorems.forward import HERE, one_layer_variance, pre_activation_variance
from derive.theorems.kernel_k import nested
from derive.theorems.product import FACTORS_INDEPENDENT, product_variance
from derive.theorems.sample_variance import GAIN_DEFINED, WIDE
from derive.theorems.wide_networks import GAUSSIAN, length_map
from derive.words import Words

A, B = Symbol("A", positive=True), Symbol("B", positive=True)


def stating(key, *equations):
    return Hypothesis(key, Words(" and ".join("{}" for _ in equations) + ".", *equations), ())


# ---- one key, one meaning


OTHERS = [
    (WEIGHTS_CENTRED, {"properties": ()}, "properties"),
    (WEIGHTS_CENTRED, {"says": Words("Every weight has mean one.")}, "words"),
    (GAIN_DEFINED, {"says": Words("{}.", Eq(GAIN_DEFINED.equations[0].lhs, d))}, "equations"),
    (WEIGHTS_CENTRED, {"exact": False}, "exact"),
]


@pytest.mark.parametrize(("hypothesis", "changes", "what"), OTHERS)
def test_one_key_has_one_meaning_in_a_setting(hypothesis, changes, what):
    other = replace(hypothesis, **changes)
    names = f"key '{hypothesis.key}' and differ in their .*{what}"
    with pytest.raises(InputError, match=names):
        Setting((hypothesis, FINITE_MOMENTS, other))
    with pytest.raises(InputError, match=names):
        Setting((hypothesis,)).assuming(other)
    assert Setting((hypothesis,)).assuming(hypothesis, replace(hypothesis)).hypotheses == (hypothesis,)


def test_a_lemma_with_another_meaning_of_a_key_is_refused():
    lemma = pre_activation_variance()
    weaker = replace(WEIGHTS_INDEPENDENT, properties=(Property(Kind.ENTRIES_INDEPENDENT, W),))
    setting = Setting((weaker, *(h for h in lemma.setting.hypotheses if h != WEIGHTS_INDEPENDENT)), HERE)
    with pytest.raises(InputError, match="key 'weights-independent' and differ in their properties"):
        require_hypotheses(lemma, setting)


def test_a_lemma_that_is_changed_afterwards_fails_the_check():
    """The lemma is checked and right by itself; it and what rests on it mean two things by one key."""
    derivation = one_layer_variance()
    (lemma,) = derivation.steps[0].lemmas
    other = replace(BIASES_SHARE_VARIANCE, says=Words("The biases have the variances that they have."))
    hypotheses = tuple(other if h == BIASES_SHARE_VARIANCE else h for h in lemma.setting.hypotheses)
    setting = replace(lemma.setting, hypotheses=hypotheses)
    changed = replace(lemma, setting=setting, steps=tuple(replace(x, setting=setting) for x in lemma.steps))
    step = replace(derivation.steps[0], rule=ByLemma(changed), lemmas=(changed,))
    found = replace(derivation, steps=(step, *derivation.steps[1:])).check().failures
    assert any("two hypotheses have the key 'biases-shared-variance'" in f for f in found)


# ---- one value for an unknown


def test_two_values_of_one_symbol_in_one_derivation_fail():
    """Each is what a hypothesis says; both cannot be."""
    setting = Setting((stating("one", Eq(A, 2)), stating("two", Eq(A, 3 * B))))
    one_by_one = Proof(setting, A + B).by(PutIn(((A, Integer(2)),)), PutIn(((B, A / 3),)))
    found = one_by_one.by(PutIn(((A, 3 * B),))).done("planted", "Planted").check()
    assert any("A is 3*B here, and 2 elsewhere" in f for f in found.failures)
    assert any("gives A here, and B elsewhere" in f for f in found.failures)


def test_a_value_in_a_lemma_and_another_one_outside_fail():
    setting = Setting((stating("one", Eq(A, 2)), stating("two", Eq(A, 3 * B))))
    inner = Function("g", positive=True)
    told = setting.assuming(Hypothesis("g", Words("{} is a number.", inner(A)), ()))
    lemma = Proof(told, inner(A)).by(PutIn(((A, Integer(2)),))).done("lemma", "A lemma")
    outer = Proof(told, A * inner(A)).by(ByLemma(lemma), PutIn(((A, 3 * B),))).done("planted", "Planted")
    assert any("elsewhere" in f for f in outer.check().failures)


# ---- nothing that nobody introduces


@dataclass(frozen=True)
class BringIn(Rule):
    """A = a symbol or function from nowhere"""

    what: Expr
    cited: tuple[str, ...] = ()
    name = "bring-in"
    words = "It is called so."

    def rewrite(self, node, setting):
        return Rewrite(self.what, frozenset(self.cited)) if node == A else None


@pytest.mark.parametrize("what", [Symbol("omega"), Function("omega")(A), 2 * A + Symbol("omega")])
def test_what_nobody_introduces_fails(what):
    derivation = Proof(Setting(()), A).by(BringIn(what)).done("planted", "Planted")
    assert "planted, step 1: nothing says what omega is" in "\n".join(derivation.check().failures)
    told = Setting(
        (Hypothesis("told", Words("{} and {} are what they are.", Symbol("omega"), Function("omega")(A)), ()),)
    )
    derivation = Proof(told, A).by(BringIn(what)).done("planted", "Planted")
    assert not [f for f in derivation.check().failures if "nothing says" in f]


def test_a_free_function_on_the_left_needs_somebody_who_speaks_of_it():
    theorem = depth_scale()
    step = replace(theorem.steps[0], setting=Setting(()), uses=frozenset())
    without = replace(theorem, setting=Setting(()), steps=(step,))
    assert any("nothing says what chi, epsilon is" in f or "what epsilon is" in f for f in without.check().failures)


# ---- hypotheses that nothing cites


def test_a_theorem_with_an_idle_hypothesis_fails_and_a_derivation_says_so():
    theorem = derived("total-variance")
    wider = theorem.setting.assuming(HOMOGENEOUS)
    steps = tuple(replace(x, setting=wider) for x in theorem.steps)
    padded = replace(theorem, setting=wider, steps=steps)
    assert any("no step cites homogeneous" in f for f in padded.check().failures)
    alone = replace(padded, rebuild=None).check()
    assert alone.passed
    assert alone.uncited == ("total-variance: no step cites homogeneous",)
    assert replace(theorem, rebuild=None).check().uncited == ()


def test_an_obligation_that_a_rule_forgets_leaves_a_hypothesis_idle(monkeypatch):
    """The product notices by itself: the theorem assumes what nothing uses any more."""
    careful = Tower.rewrite

    def careless(self, node, setting):
        made = careful(self, node, setting)
        return made and replace(made, uses=frozenset())

    monkeypatch.setattr(Tower, "rewrite", careless)
    assert "total-variance: no step cites input-independent" in derive.theorem("total-variance").check().failures


@pytest.mark.parametrize("name", derive.theorems())
def test_no_hypothesis_of_a_theorem_is_idle_and_all_names_are_introduced(name):
    from derive.proof.premises import broken_premises

    assert broken_premises(derived(name)) == []


# ---- limits


def test_a_limit_must_be_licensed_and_a_licence_must_not_be_forgotten():
    theorem = length_map()
    unlicensed = replace(GAUSSIAN, properties=(Property(Kind.GAUSSIAN_LIMIT),))
    hypotheses = tuple(unlicensed if h == GAUSSIAN else h for h in theorem.setting.hypotheses)
    setting = replace(theorem.setting, hypotheses=hypotheses)
    proof = Proof(setting, theorem.statement.lhs).by(*(x.rule for x in theorem.steps))
    found = proof.done("planted", "Planted").check().failures
    assert any("no hypothesis that it cites licenses the relation ->" in f for f in found)
    claims = BringIn(2 * A, cited=(WIDE.key,))
    bold = Proof(Setting((WIDE,)), A).by(claims).done("planted", "Planted").check().failures
    assert any("it rests on what holds as -> only, and claims =" in f for f in bold)


def test_one_sample_s_limit_is_not_that_of_two():
    with pytest.raises(Undischarged, match="becomes Gaussian as the width grows"):
        Setting((WIDE,)).require(Kind.GAUSSIAN_LIMIT)
    with pytest.raises(Undischarged, match="jointly Gaussian"):
        Setting((GAUSSIAN,)).require(Kind.JOINT_GAUSSIAN_LIMIT)


# ---- recursions


def test_a_sequence_must_follow_the_map_by_a_hypothesis():
    with pytest.raises(Undischarged, match="no hypothesis states"):
        Proof(Setting(()), GAP(LAYER)).by(GeometricDecay(CHI, LAYER))
    with pytest.raises(Undischarged, match="no hypothesis states"):
        Proof(Setting((LINEARISED,)), GAP(LAYER)).by(GeometricDecay(CHI**2, LAYER))
    once = replace(LINEARISED, for_all=())
    with pytest.raises(Undischarged, match="stated for one layer"):
        Proof(Setting((once,)), GAP(LAYER)).by(GeometricDecay(CHI, LAYER))


def test_a_decay_follows_from_the_recursion_of_its_own_map():
    smooth = critical.critical_correlation_smooth()
    (lemma,) = smooth.lemmas
    other = replace(
        critical.LAYER_BY_LAYER,
        says=Words("{}.", Eq(critical.SEQUENCE(critical.LAYER + 1), critical.SEQUENCE(critical.LAYER) ** 2)),
    )
    rule = DecayOfRecursion(lemma, critical.SEQUENCE, critical.GAP)
    for instead, why in ((other, "no hypothesis states"), (replace(critical.LAYER_BY_LAYER, properties=()), "starts")):
        hypotheses = tuple(instead if h == critical.LAYER_BY_LAYER else h for h in smooth.setting.hypotheses)
        with pytest.raises(Undischarged, match=why):
            Proof(Setting(hypotheses), smooth.statement.lhs).by(rule)


# ---- smoothness and moments


@pytest.mark.parametrize(
    ("build", "hypothesis"),
    [
        (critical.smooth_map, critical.SMOOTH),
        (critical.kinked_map, critical.KINKED),
        (critical_length.smooth_length_map, critical_length.SMOOTH_AT_ZERO),
        (critical_length.kinked_length_map, critical_length.SIDED_AT_ZERO),
    ],
)
def test_an_expansion_needs_its_derivatives(build, hypothesis):
    """One derivative less than the expansion needs, or another kind of activation, and the rule refuses."""
    derivation = build()
    less = tuple(Property(p.kind, order=p.order - 1) if p.order else p for p in hypothesis.properties)
    for properties in ((), less) if less != hypothesis.properties else ((),):
        weaker = replace(hypothesis, key="weaker", properties=properties)
        hypotheses = tuple(weaker if h == hypothesis else h for h in derivation.setting.hypotheses)
        with pytest.raises(Undischarged, match="activation function"):
            Proof(Setting(hypotheses), derivation.statement.lhs).by(*(x.rule for x in derivation.steps))


def test_a_cauchy_variable_has_no_variance_to_split():
    derivation = product_variance()
    proof = Proof(Setting((FACTORS_INDEPENDENT,), over=derivation.setting.over), derivation.statement.lhs)
    with pytest.raises(Undischarged, match="finite moments"):
        proof.by(VarianceDefinition())
    assert FINITE_MOMENTS in derivation.assumptions


def test_the_variance_of_a_square_needs_fourth_moments():
    setting = Setting((*WEIGHTS, BIASES_SHARE_VARIANCE), HERE)
    k = Symbol("k", integer=True)
    square = Variance(b(0, k) ** 2 + W(0, k, k), EVERYTHING)
    with pytest.raises(Undischarged, match="order 4"):
        Proof(setting, square).by(VarianceOfSum())
    fourth = replace(FINITE_MOMENTS, properties=(Property(Kind.FINITE_MOMENTS, order=4),))
    hypotheses = tuple(fourth if h == FINITE_MOMENTS else h for h in setting.hypotheses)
    assert Proof(replace(setting, hypotheses=hypotheses), square).by(VarianceOfSum()).steps
    mean = Average(s(0, k) ** 4 + b(0, k), EVERYTHING)
    with pytest.raises(Undischarged, match="order 4"):
        Proof(setting, mean).by(Linearity())


def test_a_map_says_where_its_expectations_are_finite():
    found = Maps("exp(x**2/8)").length_map
    (condition,) = [e for h in found.assumptions for e in h.positive]
    assert condition.subs(q, 2) == 0
    assert condition.subs(q, 1) > 0
    assert found.check().passed
    assert Maps("relu").length_map.assumptions == ()
    (regular,) = Maps("relu").correlation_map.assumptions
    assert "not degenerate" in regular.text.template


def test_the_words_of_every_hypothesis_hold_its_equations():
    """What rules use is what a reader is told: there is no second place for an equation."""
    for name in derive.theorems():
        for h in derived(name).assumptions:
            assert set(h.equations) <= set(h.text.objects)
    assert nested().assumptions[0].equations[0].lhs.func.__name__ == "Activation"
