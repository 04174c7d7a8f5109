"""A step by a lemma is what the lemma states, at indices where it holds: seen in a second way, whatever the rule is."""

from dataclasses import fields, replace

import pytest
from planting import check, spoiled
from scenario import E, forward_induction
from sympy import Dict, Eq, Integer, Product, Sum, Symbol, exp, sign

from derive.averages import Average, SharedVariance, Variance
from derive.errors import InputError
from derive.gaussian import GaussianExpectation, gaussian_expectation
from derive.gaussian.instance import PutNumbersIn
from derive.hypotheses import FINITE_MOMENTS, FORWARD, WEIGHTS, Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import W, n, s, x, z
from derive.proof.derivation import Proof
from derive.proof.instances import alike, instance_of, numbered, put, solved
from derive.proof.rule import Evidence
from derive.proof.verdict import Grade
from derive.randomness import EVERYTHING, NETWORKS
from derive.rules import ByDifference, ByLemma, ByProductVariance, Induction, Solve
from derive.rules.algebra import ByComplement
from derive.rules.rectifier import ByHalfVariance, SameByLemma
from derive.rules.wide import ByClosedForm, GaussianMoment
from derive.setting import Setting, Undischarged
from derive.theorems import condition, kumar, quadratic_form, sample_variance, selu
from derive.theorems import network_variance as rectifier
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.forward import HERE, activation_mean, forward_variance, pre_activation_variance
from derive.theorems.product import FACTORS_INDEPENDENT, X, Y, product_variance
from derive.theorems.total_variance import NETWORKS_AND_SAMPLES, total_variance
from derive.words import Title, Words

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
ONE = pre_activation_variance()
V_S = Variance(s(i, K), EVERYTHING)
SETTING = Setting(ONE.setting.hypotheses, HERE)


class TestSolvingForTheIndices:
    """The second way finds the indices of an instance, and no others."""

    @pytest.mark.parametrize(
        ("pattern", "node", "found"),
        [
            (Variance(s(i, K), EVERYTHING), Variance(s(i + 1, J), EVERYTHING), {i: i + 1, K: J}),
            (Variance(s(i + 1, K), EVERYTHING), Variance(s(i, 2), EVERYTHING), {i: i - 1, K: 2}),
            (W(i, L, K) * z(i, L), W(2, 1, J) * z(2, 1), {i: 2, L: 1, K: J}),
            (Sum(W(i, L, K), (L, 1, n(i))), Sum(W(i, J, L), (J, 1, n(i))), {i: i, K: L}),
            (n(2 * i), n(4 * d), {i: 2 * d}),
            (W(i, L, K) ** 2, W(i, L, L) ** 2, {i: i, L: L, K: L}),
            (E(z(0, K)), E(z(0, L)), {K: L}),
        ],
    )
    def test_found(self, pattern, node, found):
        assert solved(pattern, node) == found

    @pytest.mark.parametrize(
        ("pattern", "node"),
        [
            (W(i, L, K) * z(i, L), W(2, 1, J) * z(2, 3)),
            (W(i, L, K) * z(i, L), W(2, 1, J) * z(3, 1)),
            (Variance(s(i, K), EVERYTHING), Variance(s(i, K), NETWORKS)),
            (Variance(s(i, K), EVERYTHING), Average(s(i, K), EVERYTHING)),
            (Sum(W(i, L, K), (L, 1, n(i))), Sum(W(i, L, L), (L, 1, n(i)))),
            (Sum(W(i, L, K), (L, 1, n(i))), Sum(W(i, L, K), (L, 1, n(i + 1)))),
            (E(z(0, K)), E(z(1, K))),
            (n(2 * i), n(3)),
            (n(2 * i), n(2 * d + 1)),
            (n(2 * i), n(d)),
        ],
    )
    def test_not_found(self, pattern, node):
        assert solved(pattern, node) is None

    def test_the_name_of_a_summation_index_does_not_count(self):
        assert alike(Sum(n(L), (L, 1, 3)), Sum(n(J), (J, 1, 3)))
        assert alike(Product(Sum(n(L) * n(J), (J, 1, L)), (L, 1, 3)), Product(Sum(n(M) * n(K), (K, 1, M)), (M, 1, 3)))
        assert not alike(Sum(n(L), (L, 1, 3)), Sum(n(J), (J, 1, 4)))
        assert alike(2 * (n(i) + 1), 2 * n(i) + 2)

    def test_no_index_is_captured(self):
        """The lemma's own summation index is another one than the l that is put in."""
        made = put(Sum(W(i, L, K), (L, 1, n(i))), {K: L})
        assert made.free_symbols == {i, L}
        assert numbered(made) == numbered(Sum(W(i, J, L), (J, 1, n(i))))

    def test_all_places_and_no_other_change(self):
        before, lhs, rhs = V_S + n(i) * Variance(s(i + 1, 1), EVERYTHING), V_S, n(i)
        assert instance_of(before, n(i) + n(i) * n(i + 1), (lhs, rhs)) is not None
        assert instance_of(before, n(i) + n(i) * n(i), (lhs, rhs)) is None
        assert instance_of(before, n(i) + n(i) * n(i + 1) + 1, (lhs, rhs)) is None
        assert instance_of(n(i), n(i), (lhs, rhs)) is None


def relaxed(rule, *more, differ=frozenset()):
    """The rule without its own obligations: only the second way is left to see that they are not met."""

    def rewrite(self, node, setting):
        made = type(rule).rewrite(rule, node, replace(GENEROUS.assuming(*more), differ=differ))
        return made and replace(made, uses=made.uses & {h.key for h in setting.hypotheses})

    kind = type(f"Relaxed{type(rule).__name__}", (type(rule),), {"rewrite": rewrite, "evidence": Evidence.LEMMA})
    return kind(**{f.name: getattr(rule, f.name) for f in fields(rule)})


GENEROUS = Setting((*FORWARD, *ONE.setting.hypotheses), Facts((i - 5, d - i - 5, d - 5)))


def second_way(rule, setting, start):
    """The verdict of the second way alone on a step."""
    derivation = Proof(setting, start).by(rule).done("planted", "Planted")
    return check(derivation).derivation.steps[0].verdict


def test_an_instance_is_exact_by_the_second_way_alone():
    verdict = second_way(relaxed(ByLemma(ONE)), SETTING, 2 * V_S)
    assert verdict.grade is Grade.EXACT
    assert verdict.evidence == "an instance of the lemma pre-activation-variance, found by a second way"


@pytest.mark.parametrize(
    ("facts", "start", "words"),
    [
        (Facts((i, d - i)), Variance(s(i + 1, K), EVERYTHING), "it needs d - i - 1 >= 0, which is not so at"),
        (Facts((i, d - i)), Variance(s(i - 1, K), EVERYTHING), "it needs i - 1 >= 0, which is not so at"),
        (Facts(), V_S, "it needs i >= 0, which is not so at"),
    ],
)
def test_a_lemma_is_used_at_layers_where_it_holds(facts, start, words):
    """The rule that forgets to ask: layers are counted through."""
    verdict = second_way(relaxed(ByLemma(ONE)), replace(SETTING, facts=facts), start)
    assert verdict.grade is Grade.FAILED
    assert words in verdict.evidence
    with pytest.raises(Undischarged, match="nothing says that"):
        ByLemma(ONE).apply(start, replace(SETTING, facts=facts))


@pytest.mark.parametrize("key", [h.key for h in ONE.rests_on])
def test_a_lemma_s_hypotheses_are_taken_over(key):
    verdict = second_way(relaxed(ByLemma(ONE)), SETTING.without(key), V_S)
    assert verdict.grade is Grade.FAILED
    assert f"it rests on {key}, which the step does not cite" in verdict.evidence


def test_a_hypothesis_of_one_key_and_another_content_is_not_the_lemma_s():
    lemma = replace(ONE, setting=replace(ONE.setting, hypotheses=tuple(map(_louder, ONE.setting.hypotheses))))
    with pytest.raises(InputError, match="two hypotheses have the key 'weights-zero-mean' and differ in their prop"):
        ByLemma(lemma).apply(V_S, SETTING)
    step = Proof(SETTING, V_S).by(ByLemma(ONE)).steps[0]
    verdict = ByLemma(lemma).by_second_path(replace(step, rule=ByLemma(lemma), lemmas=(lemma,)))
    assert verdict.grade is Grade.FAILED
    assert "it rests on weights-zero-mean, which the step does not cite" in verdict.evidence


def _louder(h):
    return replace(h, properties=(*h.properties, Property(Kind.GAUSSIAN, W))) if h.key == "weights-zero-mean" else h


def test_units_that_differ_in_a_lemma_differ_where_it_is_used():
    product = E(W(i, L, K) * W(i, M, K))
    lemma = Proof(replace(SETTING.with_distinct(L, M)), product).by(*_centred()).done("apart", "Apart")
    assert lemma.result == 0
    assert ByLemma(lemma).apply(E(W(i, 1, K) * W(i, 2, K)), SETTING).after == 0
    with pytest.raises(Undischarged, match=r"nothing says that . and . differ, as apart needs"):
        ByLemma(lemma).apply(E(W(i, J, K) * W(i, M, K)), SETTING)
    generous = frozenset({frozenset({J, M})})
    verdict = second_way(relaxed(ByLemma(lemma), differ=generous), SETTING, E(W(i, J, K) * W(i, M, K)))
    assert "to differ" in verdict.evidence
    assert verdict.grade is Grade.FAILED
    with pytest.raises(Undischarged, match="as apart needs"):
        ByLemma(lemma).apply(product.subs(M, J), SETTING)


def _centred():
    from derive.rules import Centred, ProductLaw

    return ProductLaw(), Centred()


def test_a_layer_that_is_positive_in_a_lemma_is_so_where_it_is_used():
    layer = Symbol("l", integer=True, positive=True)
    lemma = replace(
        ONE, statement=replace(ONE.statement, lhs=n(layer), rhs=2 * n(layer)), setting=Setting(()), steps=()
    )
    assert ByLemma(lemma).apply(n(i), Setting((), Facts((i - 1,)))).after == 2 * n(i)
    with pytest.raises(Undischarged, match="nothing says that i >= 1"):
        ByLemma(lemma).apply(n(i), Setting((), Facts((i,))))
    verdict = second_way(relaxed(ByLemma(lemma)), Setting((), Facts((i,))), n(i))
    assert "it needs i - 1 >= 0, which is not so at i = 0" in verdict.evidence


NESTED, STABLE = sample_variance.nested(), sample_variance.sample_variance_stable()
TOTAL = total_variance()
UNIFORM = Setting((condition.UNIFORM, *WEIGHTS), HERE)
IN_USE = [
    (ByLemma(ONE), SETTING, V_S + 1),
    (ByLemma(activation_mean()), Setting(FORWARD, HERE), 2 + E(z(i, K))),
    (ByLemma(forward_variance()), Setting(FORWARD, HERE), n(i) * Variance(z(i, K), EVERYTHING)),
    (ByLemma(NESTED), Setting(NESTED.setting.hypotheses), kumar.Q + NESTED.statement.lhs),
    (ByDifference(TOTAL), TOTAL.setting, TOTAL.statement.rhs.args[0]),
    (forward_induction(), Setting(FORWARD, HERE), Variance(z(i, K), EVERYTHING)),
    (ByComplement(sample_variance._TOTAL, STABLE), STABLE.setting, sample_variance._NEXT_MEAN),
    (
        Solve(condition.HALF_WIDTH, condition.UNIFORM_VARIANCE, condition.uniform_variance()),
        UNIFORM,
        condition.HALF_WIDTH,
    ),
    (Solve(selu.ALPHA, selu.MEAN_IS_ZERO, selu.moment(1)), Setting((selu.FIXED_MEAN,)), selu.ALPHA),
    (ByClosedForm(), Setting(()), 1 + GaussianExpectation.of(selu.Z**2, (selu.Z,), (0,), ((2,),))),
    (SameByLemma(ONE), SETTING, Sum(Variance(s(i, L), EVERYTHING), (L, 1, n(i + 1)))),
]


@pytest.mark.parametrize(("rule", "setting", "start"), IN_USE, ids=lambda e: type(e).__name__)
def test_every_rule_that_uses_a_lemma_is_held_against_it(rule, setting, start):
    """Right it is exact; and with another result, which the rule gives again, it fails."""
    checked = check(Proof(setting, start).by(rule).done("planted", "Planted"))
    assert checked.passed, checked.failures
    for spoil in (lambda e: e + 1, lambda e: 2 * e, lambda e: e.subs(i, i + 1) if e.has(i) else -e):
        wrong = Proof(setting, start).by(spoiled(rule, spoil)).done("planted", "Planted")
        assert wrong.result != checked.derivation.result
        step = wrong.steps[0]
        second = rule.by_second_path(replace(step, rule=rule))
        seen = second is not None and second.grade is Grade.FAILED
        assert seen or isinstance(rule, ByComplement)
        assert check(wrong).grade is Grade.FAILED


COORDINATE = E(quadratic_form.COORDINATES(K) ** 4, quadratic_form.OVER_ROW)


def test_a_gaussian_moment_needs_the_law_that_the_lemma_is_about():
    setting = Setting((quadratic_form.GAUSSIAN_ROW,), over=quadratic_form.OVER_ROW)
    checked = check(Proof(setting, COORDINATE).by(GaussianMoment()).done("planted", "Planted"))
    assert checked.passed
    assert checked.derivation.result == 3 * SharedVariance(quadratic_form.COORDINATES) ** 2
    for kind in (Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE):
        kept = tuple(p for p in quadratic_form.GAUSSIAN_ROW.properties if p.kind is not kind)
        poorer = Setting((replace(quadratic_form.GAUSSIAN_ROW, properties=kept),), over=quadratic_form.OVER_ROW)
        with pytest.raises(Undischarged):
            GaussianMoment().apply(COORDINATE, poorer)
        step = replace(checked.derivation.steps[0], setting=poorer)
        verdict = GaussianMoment().by_second_path(step)
        assert verdict.grade is Grade.FAILED
        assert kind.value in verdict.evidence
    for wrong in (2 * SharedVariance(quadratic_form.COORDINATES) ** 2, 3 * SharedVariance(quadratic_form.COORDINATES)):
        verdict = GaussianMoment().by_second_path(replace(checked.derivation.steps[0], after=wrong))
        assert verdict.grade is Grade.FAILED


def test_a_moment_that_has_no_value_without_spread_needs_a_spread():
    """E[1/(1 + ...)]-like forms may not go on to variance zero; E[sign(w)^2] = 1 is 0 there."""
    mean = E(sign(quadratic_form.COORDINATES(K)) ** 2, quadratic_form.OVER_ROW)
    setting = Setting((quadratic_form.GAUSSIAN_ROW,), over=quadratic_form.OVER_ROW)
    with pytest.raises(Undischarged, match="it is not degenerate"):
        GaussianMoment().apply(mean, setting)
    spread = Hypothesis("spread", Words("Spread."), (Property(Kind.NONDEGENERATE, quadratic_form.COORDINATES),))
    made = GaussianMoment().apply(mean, setting.assuming(spread))
    assert made.after == 1
    assert "spread" in made.uses


def test_a_closed_form_whose_condition_fails_is_not_used():
    """E[exp(z^2/4)] is finite for variances below 2 only; somebody uses the form at 3."""
    q, u = Symbol("q", positive=True), Symbol("u", real=True)
    lemma = gaussian_expectation(exp(u**2 / 4), {u: (0, q)})
    node = GaussianExpectation.of(exp(u**2 / 4), (u,), (0,), ((3,),))
    at = {q: Integer(3)}
    forged = replace(
        lemma,
        statement=replace(lemma.statement, lhs=node, rhs=lemma.statement.rhs.subs(at)),
        setting=replace(lemma.setting, positive=tuple(c.subs(at) for c in lemma.setting.positive)),
    )
    step = Proof(Setting(()), GaussianExpectation.of(u**2, (u,), (0,), ((3,),))).by(ByClosedForm()).steps[0]
    step = replace(step, before=node, after=forged.statement.rhs, lemmas=(forged,))
    verdict = ByClosedForm().by_second_path(step)
    assert verdict.grade is Grade.FAILED
    assert "is not positive" in verdict.evidence


def test_numbers_are_put_into_the_general_form_and_its_conditions():
    """Another number in the result, and a number at which the form does not hold."""
    found = gaussian_expectation(exp(selu.Z**2 / 10**6), {selu.Z: (0, 10**5)})
    (step,) = (s for s in found.steps if isinstance(s.rule, PutNumbersIn))
    assert step.rule.by_second_path(step).grade is Grade.EXACT
    verdict = step.rule.by_second_path(replace(step, after=2 * step.after))
    assert verdict.grade is Grade.FAILED
    assert verdict.counterexample is not None
    beyond = {symbol: value * 10 for symbol, value in step.rule.values.items()}
    rule = PutNumbersIn(step.rule.general, Dict(beyond))
    (lemma,) = step.lemmas
    planted = replace(step, before=rule.general.xreplace(beyond), after=lemma.result.xreplace(beyond))
    verdict = rule.by_second_path(planted)
    assert verdict.grade is Grade.FAILED
    assert "needed and not assumed" in verdict.evidence
    assert "nothing in it is an instance" in step.rule.by_second_path(planted).evidence


@pytest.mark.parametrize("lemma", [gradient_recursion(), ONE, rectifier.half_variance(), forward_variance()])
def test_a_rule_about_one_lemma_takes_no_other(lemma):
    with pytest.raises(InputError, match="must be about the variance of a product of two scalars"):
        ByProductVariance(lemma).apply(Variance(W(i, L, K) * z(i, L), EVERYTHING), SETTING)
    if lemma.name != "half-variance":
        step = rectifier._step(rectifier.NO_BIASES).steps[2]
        with pytest.raises(InputError, match="must be about the mean square of an activation of one scalar"):
            ByHalfVariance(lemma).apply(step.before, step.setting)


def test_what_a_lemma_assumes_of_its_factors_beyond_independence_is_asked_for():
    """The formula for factors of mean zero is shorter, and true for those alone."""
    centred = Hypothesis("centred", Words("Mean zero."), (Property(Kind.ZERO_MEAN, X), Property(Kind.ZERO_MEAN, Y)))
    from derive.rules import Centred

    setting = Setting((FACTORS_INDEPENDENT, FINITE_MOMENTS, centred), over=product_variance().setting.over)
    proof = Proof(setting, product_variance().statement.lhs)
    lemma = proof.by(ByLemma(product_variance()), Centred()).done("short", "Short")
    with pytest.raises(Undischarged, match="needed and not assumed of X: every scalar has mean zero"):
        ByProductVariance(lemma).apply(Variance(W(i, L, K) * z(i, L), EVERYTHING), SETTING)


def test_words_that_cite_another_lemma_fail():
    derivation = Proof(SETTING, 3 * V_S).by(ByLemma(ONE)).done("planted", "Planted")
    assert check(derivation).passed
    (step,) = derivation.steps
    other = replace(step, why=Words("By {}.", Title(gradient_recursion().title)))
    failures = check(replace(derivation, steps=(other,))).failures
    assert any("its words cite The gradient passes back through one layer, which is none" in f for f in failures)
    said = (
        Proof(SETTING, 3 * V_S)
        .by(ByLemma(ONE), say=Words("By {}.", Title("Something else")))
        .done("planted", "Planted")
    )
    assert not check(said).passed


@pytest.mark.parametrize("relation", ["<=", "~", "->", "=>"])
def test_only_equalities_are_put_in(relation):
    def weak(lemma):
        return replace(lemma, statement=replace(lemma.statement, relation=relation))

    product = weak(product_variance())
    stable = weak(sample_variance.sample_variance_stable())
    cases = [
        (ByLemma(weak(ONE)), V_S, SETTING),
        (ByDifference(weak(total_variance())), total_variance().statement.rhs.args[0], total_variance().setting),
        (ByProductVariance(product), Variance(W(i, L, K) * z(i, L), EVERYTHING), SETTING),
        (SameByLemma(weak(ONE)), Sum(Variance(s(i, L), EVERYTHING), (L, 1, n(i + 1))), SETTING),
        (ByComplement(sample_variance._TOTAL, stable), sample_variance._NEXT_MEAN, stable.setting),
        (Solve(selu.ALPHA, selu.MEAN_IS_ZERO, weak(selu.moment(1))), selu.ALPHA, Setting((selu.FIXED_MEAN,))),
    ]
    for rule, start, setting in cases:
        with pytest.raises(InputError, match="only equalities"):
            rule.apply(start, setting)


def test_a_recursion_is_unrolled_and_compared_with_its_closed_form():
    """A closed form that starts wrong, or that counts one layer too many, is not what the layers give."""
    rule, setting, start = forward_induction(), Setting(FORWARD, HERE), Variance(z(i, K), EVERYTHING)
    step = Proof(setting, start).by(rule).steps[0]
    assert rule.by_second_path(step).grade is Grade.EXACT
    closed = step.after
    for wrong in (2 * closed, closed * n(0), closed.subs(i, i + 1), SharedVariance(x), Integer(0)):
        verdict = rule.by_second_path(replace(step, after=wrong))
        assert verdict.grade is Grade.FAILED
        assert "the recursion gives" in verdict.evidence
    doubled = replace(rule.base, statement=replace(rule.base.statement, rhs=2 * rule.base.statement.rhs))
    assert Induction(doubled, rule.step).by_second_path(step).grade is Grade.FAILED


def test_a_condition_that_is_an_equation_is_compared_side_by_side():
    sides = Eq(V_S, Variance(s(i, J), EVERYTHING), evaluate=False)
    checked = check(Proof(SETTING, sides).by(ByLemma(ONE)).done("planted", "Planted"))
    assert checked.passed, checked.failures
    assert NETWORKS_AND_SAMPLES != NETWORKS
