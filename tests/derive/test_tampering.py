"""A derivation that somebody has changed does not pass its check: neither the theorem's own steps, nor a lemma's."""

import gc
import re
from dataclasses import replace

import pytest
from planting import check, checked_theorem, derived
from sympy import Integer, Symbol

import derive
import derive.dependence.backflow as backflow
import derive.dependence.below as below
import derive.proof.unfolding as unfolding
from derive.averages import SharedVariance, Variance
from derive.hypotheses import BACKWARD, BIASES_ZERO, FINITE_MOMENTS, FORWARD, INPUTS_CENTRED, WEIGHTS
from derive.layers import Facts, d, i
from derive.network import W, n, s, x, z
from derive.proof.checking import Checker
from derive.proof.derivation import CheckResult, Derivation, Proof, Statement
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.randomness import EVERYTHING
from derive.rules import ByLemma, DeclaredVariance, Define, LinearRegime, PullOut, VarianceDefinition
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.backward import backward_step
from derive.theorems.forward import BEFORE_LAST, HERE, forward_step, forward_variance, pre_activation_variance

K = Symbol("k", integer=True)


def tamper(derivation, number, **changes):
    """The derivation with one step changed."""
    steps = list(derivation.steps)
    steps[number] = replace(steps[number], **changes)
    return replace(derivation, steps=tuple(steps))


def fails(derivation, words):
    checked = check(derivation)
    assert not checked.passed
    assert any(words in failure for failure in checked.failures), checked.failures
    return checked


@pytest.mark.parametrize("build", [pre_activation_variance, forward_step, backward_step, gradient_recursion])
def test_every_step_with_another_result_is_refuted_with_a_counterexample(build):
    """Each step in turn is made to arrive at twice what it should."""
    derivation = build()
    for number, step in enumerate(derivation.steps):
        wrong = tamper(derivation, number, after=2 * step.after + 1)
        verdict = check(wrong).derivation.steps[number].verdict
        assert verdict.grade is Grade.FAILED
        found = verdict.counterexample
        assert found is not None
        assert found.left != found.right
        assert not any("." in side for side in (found.left, found.right)), "fractions, not decimals"


def test_a_changed_step_breaks_the_chain_too():
    derivation = pre_activation_variance()
    wrong = tamper(derivation, 3, after=derivation.steps[3].after + 1)
    fails(wrong, "step 5: does not start where the step before ended")


def test_a_result_that_is_right_but_not_the_rule_s_is_caught():
    """Equal in every world, but not what the rule gives: a replay notices."""
    derivation = forward_step()
    other = Define(z).apply(derivation.statement.lhs, derivation.setting)
    wrong = tamper(derivation, 1, after=other.after)
    fails(wrong, "the rule gives")


def test_a_hypothesis_that_a_step_does_not_name_is_caught():
    derivation = forward_step()
    for number, step in enumerate(derivation.steps):
        for key in step.uses:
            poorer = check(tamper(derivation, number, uses=step.uses - {key}))
            # A world without the hypothesis refutes the step, or the replay misses its name.
            verdict = poorer.derivation.steps[number].verdict
            assert verdict.counterexample is not None or "does not name what it rests on" in verdict.evidence


def test_a_hypothesis_that_is_used_but_not_assumed_is_caught():
    derivation = forward_step()
    wrong = tamper(derivation, 0, uses=derivation.steps[0].uses | {"wishful-thinking"})
    fails(wrong, "rests on what is not assumed: wishful-thinking")


def test_a_relation_that_the_rule_does_not_give_is_caught():
    derivation = forward_step()
    fails(tamper(derivation, 0, relation="<="), "the rule gives a relation =")
    fails(replace(derivation, statement=replace(derivation.statement, relation="<=")), "do not give the relation <=")


def test_a_missing_step_breaks_the_chain():
    derivation = forward_step()
    steps = derivation.steps
    fails(replace(derivation, steps=steps[:1] + steps[2:]), "does not start where the step before ended")
    fails(replace(derivation, steps=steps[:-1]), "does not arrive at the statement's right side")
    fails(replace(derivation, steps=steps[1:]), "step 2: does not start where")
    fails(replace(derivation, steps=()), "does not arrive")


def test_another_statement_is_caught():
    derivation = forward_variance()
    off_by_one = derivation.statement.rhs.subs(i, i + 1)
    fails(replace(derivation, statement=replace(derivation.statement, rhs=off_by_one)), "does not arrive")
    fails(replace(derivation, statement=replace(derivation.statement, lhs=Variance(z(i, 1), EVERYTHING))), "step 1")


def test_an_assumption_taken_off_the_list_is_caught():
    """The list of assumptions is read off the setting: a setting that is not the steps' own is refused."""
    derivation = forward_variance()
    shorter = replace(derivation, setting=derivation.setting.without(INPUTS_CENTRED.key))
    assert INPUTS_CENTRED not in shorter.rests_on
    fails(shorter, "made under other assumptions")


def test_an_assumption_taken_from_the_steps_too_is_refuted():
    """Then the rules refuse, and tiny worlds have inputs whose mean is not zero."""
    derivation = forward_step()
    for key in ("biases-zero", "weights-zero-mean", "linear-regime"):
        poorer = derivation.setting.without(key)
        steps = tuple(replace(s, setting=poorer, uses=s.uses - {key}) for s in derivation.steps)
        assert not check(replace(derivation, setting=poorer, steps=steps)).passed


def test_a_wrong_lemma_that_is_not_named_is_caught():
    """A step may not rest on a lemma that nobody checks."""
    wrong_lemma = tamper(pre_activation_variance(), -1, after=Integer(0))
    wrong_lemma = replace(wrong_lemma, statement=replace(wrong_lemma.statement, rhs=Integer(0)))
    derivation = forward_step()
    rule = ByLemma(wrong_lemma)
    honest = Proof(derivation.setting, derivation.steps[2].before).by(rule).done("planted", "A wrong lemma")
    assert not check(honest).passed
    hidden = tamper(honest, 0, lemmas=(pre_activation_variance(),))
    fails(hidden, "step 1 (lemma)")
    fails(tamper(honest, 0, lemmas=()), "step 1 (lemma)")


def test_a_lemma_swapped_for_another_is_caught():
    derivation = forward_step()
    number = next(k for k, s in enumerate(derivation.steps) if s.lemmas)
    fails(
        tamper(derivation, number, lemmas=(gradient_recursion(),)), "the lemmas named are not those that the rule uses"
    )
    fails(tamper(derivation, number, lemmas=()), "the lemmas named are not those that the rule uses")


def test_a_lemma_with_a_changed_step_makes_the_theorem_fail():
    derivation = derived("forward-variance")
    induction = derivation.steps[0]
    step_lemma = induction.lemmas[1]
    bad = tamper(step_lemma, 0, after=step_lemma.steps[0].after + 1)
    rule = replace(induction.rule, step=bad)
    wrong = tamper(derivation, 0, rule=rule, lemmas=(induction.lemmas[0], bad))
    fails(wrong, "forward-step, step 1")


def test_all_that_rests_on_a_broken_lemma_fails_also_the_second_time():
    """A checker checks a lemma once, and remembers that it failed."""
    lemma = gradient_recursion()
    broken = tamper(lemma, 0, after=2 * lemma.steps[0].after)
    first = Proof(Setting(BACKWARD, BEFORE_LAST), lemma.statement.lhs).by(ByLemma(broken)).done("first", "first")
    second = Proof(Setting(BACKWARD, BEFORE_LAST), 2 * lemma.statement.lhs).by(ByLemma(broken)).done("second", "second")
    checker = Checker()
    results = [checker.check(first), checker.check(second)]
    assert [r.passed for r in results] == [False, False]
    assert all(r.grade is Grade.FAILED for r in results)


def test_a_claimed_verdict_does_not_count():
    """What a derivation says of itself is not believed: the verdict is reached again."""
    derivation = forward_step()
    step = derivation.steps[0]
    wrong = tamper(derivation, 0, after=step.after + 1, verdict=Verdict(Grade.EXACT, "trust me"))
    assert check(wrong).grade is Grade.FAILED
    gloomy = tamper(derivation, 0, verdict=Verdict(Grade.FAILED, "no", Counterexample({}, {}, "1", "=", "2")))
    assert check(gloomy).passed


def test_a_named_theorem_is_also_compared_with_a_fresh_derivation():
    """Another true statement under the theorem's name is not the theorem."""
    ours = derived("forward-variance")
    assert check(ours).passed
    other = replace(forward_step(), name=ours.name, rebuild=ours.rebuild)
    fails(other, "a fresh derivation arrives at another statement")
    fails(replace(ours, parts=()), "a fresh derivation has other parts")
    looser = replace(ours.setting, hypotheses=ours.setting.hypotheses[1:])
    fails(replace(ours, setting=looser), "a fresh derivation makes other assumptions")
    part = tamper(ours.parts[0], -1, uses=ours.parts[0].steps[-1].uses | {BIASES_ZERO.key})
    fails(replace(ours, parts=(part,)), "a fresh derivation has")


def test_a_step_that_may_be_right_by_chance_but_rests_on_an_unmet_obligation_is_caught():
    """The rule is asked again, in the step's own setting."""
    setting = Setting(tuple(h for h in FORWARD if h.key != "linear-regime"), BEFORE_LAST)
    honest = Proof(Setting(FORWARD, BEFORE_LAST), Variance(z(i + 1, K), EVERYTHING)).by(Define(z), LinearRegime())
    derivation = honest.done("planted", "Without the linear regime")
    steps = tuple(replace(s, setting=setting, uses=frozenset()) for s in derivation.steps)
    fails(replace(derivation, setting=setting, steps=steps), "the rule cannot be applied: no hypothesis states")


def test_a_check_says_what_it_is_doing():
    said = []
    lemma = gradient_recursion()
    proof = Proof(Setting(BACKWARD, BEFORE_LAST), lemma.statement.lhs).by(ByLemma(lemma))
    proof.done("planted", "Planted").check(progress=said.append)
    assert said == [*(f"gradient-recursion, step {k}" for k in range(1, 7)), "planted, step 1"]


def test_a_result_is_what_the_last_step_arrives_at():
    for name in derive.theorems()[:6]:
        derivation = derived(name)
        assert derivation.result == derivation.statement.rhs == derivation.steps[-1].after
        assert derivation.statement.lhs == derivation.steps[0].before


def test_the_grade_is_the_weakest_step_s_lemmas_and_parts_included():
    derivation = checked_theorem("forward-variance").derivation
    assert derivation.grade is Grade.EXACT
    weak = Verdict(Grade.ASSUMED, "by assumption")
    lemma = tamper(derivation.steps[0].lemmas[0], 0, verdict=weak)
    assert tamper(derivation, 0, lemmas=(lemma, derivation.steps[0].lemmas[1])).grade is Grade.ASSUMED
    assert replace(derivation, parts=(tamper(derivation.parts[0], 0, verdict=weak),)).grade is Grade.ASSUMED


def test_a_check_with_an_undecided_step_has_not_passed():
    undecided = tamper(forward_step(), 0, verdict=Verdict(Grade.UNDECIDED, "?"))
    assert CheckResult(undecided, ("?",)).passed is False
    assert undecided.grade is Grade.UNDECIDED


def test_a_step_that_no_world_can_evaluate_is_undecided():
    """It is computed by its rule only, and the check does not claim more."""
    statement = Variance(z(0, 1), EVERYTHING) * SharedVariance(W, d)
    proof = Proof(Setting(FORWARD, HERE), statement * n(i + 40)).by(Define(z))
    checked = check(proof.done("planted", "A layer that no world has"))
    assert isinstance(checked.derivation, Derivation)
    assert "no tiny world can evaluate it" in checked.derivation.steps[0].verdict.evidence
    assert checked.grade is Grade.UNDECIDED
    assert not checked.passed


def test_a_layer_that_need_not_exist_is_refused():
    """s^{i+1} for i <= d: at i = d there is none; and so for the variance of weights, and before layer 0."""
    for quantity in (s(i + 1, K), z(i - 1, K)):
        proof = Proof(Setting((FINITE_MOMENTS,), HERE), Variance(quantity, EVERYTHING)).by(VarianceDefinition())
        checked = fails(proof.done("planted", "A layer too far"), "nothing says that there is a layer")
        assert checked.grade is Grade.FAILED
    layers = Facts((i,))
    proof = Proof(Setting(WEIGHTS, layers), Variance(W(i, 1, K), EVERYTHING)).by(DeclaredVariance())
    fails(proof.done("planted", "The weights of any layer"), "nothing says that there is a layer i of W")


def without_input(real):
    return lambda *of: tuple(r for r in real(*of) if r.family != x)


def a_layer_short(real):
    return lambda *of: tuple(replace(r, first=r.first + 1) for r in real(*of))


def without_weights(real):
    return lambda *of, **known: frozenset(r for r in real(*of, **known) if r.family != W)


@pytest.mark.parametrize(
    ("module", "name", "wrong", "words"),
    [
        (below, "closure", without_input, "depends on layer 0 of x, which its computed reach leaves out"),
        (below, "closure", a_layer_short, "depends on layer . of .*, which its computed reach leaves out"),
        (backflow, "gradient_reach", without_weights, "∂Cost/∂s.* depends on layer . of W, which its computed reach"),
    ],
)
def test_what_depends_on_what_is_checked_by_putting_in_definitions(monkeypatch, module, name, wrong, words):
    """Too short a range is noticed with any derivation about the network, also where no step goes wrong by it."""
    forget = [kept.cache_clear for kept in (unfolding._left_out, unfolding._left_out_of_gradient, backflow.reach)]
    derivation = forward_step() if module is below else backward_step()
    monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    for clear in forget:
        clear()
    failures = derivation.check().failures
    assert any(re.search(words, failure) for failure in failures), failures
    monkeypatch.undo()
    for clear in forget:
        clear()
    assert unfolding.wrong_reach(derivation) == []


def test_a_step_of_another_derivation_is_not_checked_again_unless_it_is_another_step(monkeypatch):
    checked = []
    real = Checker.step
    monkeypatch.setattr(Checker, "step", lambda self, step: checked.append(step) or real(self, step))
    checker, whole = Checker(), derived("product-variance")
    checker.check(whole)
    assert checked == list(whole.steps)
    assert checker.check(replace(whole, title="The same again", rebuild=None)).passed
    wrong = tamper(whole, 1, after=2 * whole.steps[1].after)
    assert not checker.check(replace(wrong, rebuild=None)).passed
    assert checked == [*whole.steps, wrong.steps[1]]


@pytest.mark.parametrize("threshold", [(700, 10, 10), (0, 10, 10), (90_000, 20, 50)])
def test_a_check_leaves_the_collector_of_garbage_as_it_was(threshold):
    usual = gc.get_threshold()
    gc.set_threshold(*threshold)
    try:
        check(forward_step())
        with pytest.raises(AttributeError):
            Checker().check(replace(forward_step(), rebuild=lambda: None))
        assert gc.get_threshold() == threshold
    finally:
        gc.set_threshold(*usual)


def test_the_statement_is_data():
    statement = derived("forward-variance").statement
    assert statement == Statement(statement.lhs, "=", statement.rhs)
    assert statement != Statement(statement.lhs, "=", statement.rhs + 1)
    assert PullOut() == PullOut()
