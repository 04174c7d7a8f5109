"""Worlds are built from what a step cites, cannot be switched off, and grades say what was seen."""

from dataclasses import replace
from itertools import combinations, product
from math import prod
from pathlib import Path

import pytest
from planting import careless, check, derive_by, failure, spoiled
from sympy import Eq, Integer, Mul, Rational, Symbol, sqrt

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import FINITE_MOMENTS, INPUT_INDEPENDENT, WEIGHTS, Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import SLOPE, W, b, n, s, x
from derive.proof.derivation import Derivation, Proof, Statement
from derive.proof.instances import by_lemma
from derive.proof.laboratory import Laboratory
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Grade, legend
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES, Family, Over, Source
from derive.rules import ByLemma, Centred, DeclaredVariance, Define, Expand, Linearity, ProductLaw
from derive.setting import Setting, Undischarged
from derive.theorems.condition import compromise
from derive.theorems.forward import HERE
from derive.theorems.product import X, Y, product_variance
from derive.words import Words

K, L = Symbol("k", integer=True), Symbol("l", integer=True)
Q = Symbol("q", positive=True)


def compare(left, right, *hypotheses, facts=HERE, relation="="):
    return Laboratory(Setting(hypotheses, facts)).compare(left, relation, right)


def test_a_power_of_a_mean_is_not_another_one():
    """E[X]^5 for E[X]^2: no mean of a tiny world is 0 or 1."""
    theorem = product_variance()
    right = theorem.statement.rhs
    mean = next(e for e in right.atoms(Average))
    wrong = right.replace(mean**2, mean**5)
    assert wrong != right
    assert Laboratory(theorem.setting).compare(theorem.statement.lhs, "=", right).grade is Grade.ENUMERATED
    assert Laboratory(theorem.setting).compare(theorem.statement.lhs, "=", wrong).grade is Grade.FAILED


def test_what_a_step_does_not_cite_does_not_hold_in_its_worlds():
    """The setting has the hypothesis and the rule needs it; the rule does not say so."""

    class Silent(Centred):
        def apply(self, expression, setting):
            return Rewrite(super().apply(expression, setting).after)

    setting = Setting(WEIGHTS, HERE)
    start = Average(W(i, L, K), EVERYTHING)
    assert failure(derive_by(Centred(), setting, start)) is None
    found = failure(derive_by(Silent(), setting, start))
    assert found is not None
    assert found.counterexample is not None


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (Q * (Q + 1), Q**2 + Q, True),
        (Q * (Q + 1), Q**2 + 2 * Q, False),
        (sqrt(Q) * sqrt(2 * Q), sqrt(2) * Q, True),
        (sqrt(Q) * sqrt(2 * Q), sqrt(3) * Q, False),
        (sqrt(2) * sqrt(3), sqrt(6) * (1 + Rational(1, 10**30)), False),
        (Symbol("c", real=True) ** 2, abs(Symbol("c", real=True)) * Symbol("c", real=True), False),
    ],
)
def test_free_symbols_and_roots_have_values(left, right, holds):
    assert compare(left, right).grade is (Grade.ENUMERATED if holds else Grade.FAILED)


def test_statements_about_late_layers_and_far_units_are_tried():
    late = Facts((i - 3, d - i))
    wrong = n(i) * SharedVariance(W, i - 1)
    assert compare(n(i) * SharedVariance(W, i), wrong, *WEIGHTS, facts=late).grade is Grade.FAILED
    right = Average(s(i, 9), EVERYTHING)
    assert compare(right, right, *WEIGHTS, facts=Facts((d,))).grade is Grade.ENUMERATED
    assert compare(right, Average(s(i, 8), EVERYTHING), *WEIGHTS, facts=Facts((d,))).grade is Grade.FAILED


def test_layers_that_no_world_has_are_undecided_and_not_exact():
    far = Facts((i - 40, d - i))
    assert compare(n(i), n(i) + 0, facts=far).grade is Grade.UNDECIDED


def test_dependence_is_hung_both_ways():
    """With nothing declared, a mean over the samples does not leave the weights alone, nor one over networks x."""
    alone = W(0, 1, 1) ** 2
    assert compare(Average(alone, SAMPLES), alone, facts=Facts((d,))).grade is Grade.FAILED
    alone = x(1) ** 2
    assert compare(Average(alone, NETWORKS), alone, facts=Facts((d,))).grade is Grade.FAILED
    assert compare(Average(alone, NETWORKS), alone, INPUT_INDEPENDENT, facts=Facts((d,))).grade is Grade.ENUMERATED


@pytest.mark.parametrize("rule", [Linearity(), DeclaredVariance()])
def test_a_mean_over_part_of_the_randomness_needs_the_rest_to_be_independent(rule):
    """Over networks x is fixed: x^2 stays, and W keeps its variance, only if neither depends on the other."""
    shared = Hypothesis("shared", Words("Weights share a variance."), (Property(Kind.SHARED_VARIANCE, W),))
    assumed = (FINITE_MOMENTS, shared)
    about_x = Hypothesis("about-x", Words("The input has mean zero."), (Property(Kind.ZERO_MEAN, x),))
    start = {
        "linearity": Average(x(1) ** 2, NETWORKS),
        "shared-variance": Variance(W(0, 1, 1), NETWORKS),
    }[rule.name]
    with pytest.raises(Undischarged, match="independent"):
        Proof(Setting((*assumed, about_x), Facts((d,)), NETWORKS), start).by(rule)
    setting = Setting((*assumed, about_x, INPUT_INDEPENDENT), Facts((d,)), NETWORKS)
    assert failure(derive_by(rule, setting, start)) is None


@pytest.mark.parametrize(("over", "fixed", "averaged"), [(NETWORKS, x(1), W(0, 1, 1)), (SAMPLES, b(0, 1), x(1))])
def test_what_is_fixed_comes_out_of_a_mean_only_where_it_is_independent_of_the_rest(over, fixed, averaged):
    """E[c X] = c E[X] over part of the randomness: the rule refuses, and worlds refute it where it does not."""
    start, after = Average(fixed * averaged, over), fixed * Average(averaged, over)
    setting = Setting((FINITE_MOMENTS, INPUT_INDEPENDENT), Facts((d,)), over)
    made = Linearity().apply(start, setting)
    assert made.after == after
    assert made.uses == {"finite-moments", "input-independent"}
    with pytest.raises(Undischarged, match="independent"):
        Linearity().apply(start, setting.without("input-independent"))
    forgetful = careless(Linearity(), setting)
    assert failure(derive_by(forgetful, setting, start)).counterexample is not None


def test_what_a_variance_forgives_is_seen_inside_it():
    """Var_w[<b>] = Var_w[b] also where b hangs on the input; but <b> = b does not hold there, and the step says so."""
    setting = Setting((FINITE_MOMENTS, INPUT_INDEPENDENT), Facts((d,)), NETWORKS)
    start = Variance(Average(b(0, 1), SAMPLES) + W(0, 1, 1), NETWORKS)
    assert failure(derive_by(Linearity(), setting, start)) is None
    forgetful = careless(Linearity(), setting)
    assert Laboratory(setting.only(frozenset())).compare(start, "=", Linearity().apply(start, setting).after).grade is (
        Grade.ENUMERATED
    )
    assert failure(derive_by(forgetful, setting, start)).counterexample is not None


P, R, T = (
    Family(name, meaning=name, extents=lambda _: (), layered=False, source=Source(name)) for name in ("A", "B", "C")
)
OVER_ALL = Over("all", (P.source, R.source, T.source))
OVER_P = Over("one", (P.source,), "network")
SIGNS = list(product((-1, 1), repeat=2))
"""A and B are fair coins, and C = A B: any two of the three are independent, and all three are not."""


def independent(key, one, *others):
    return Hypothesis(key, Words(key), (Property(Kind.INDEPENDENT_OF, one, *others),))


IN_PAIRS = (independent("ab", P, R), independent("ac", P, T), independent("bc", R, T))
TOGETHER = (independent("a", P, R, T), independent("bc", R, T))


def test_signs_that_are_independent_in_pairs_are_not_independent_together():
    """The counterexample that the rule of the setting rests on, by every outcome."""
    table = [{P: a, R: c, T: a * c} for a, c in SIGNS]

    def mean(*families):
        return Rational(sum(prod(row[f] for f in families) for row in table), len(table))

    assert all(mean(one, other) == mean(one) * mean(other) == 0 for one, other in combinations((P, R, T), 2))
    assert mean(P, R, T) == 1 != mean(P) * mean(R, T)


@pytest.mark.parametrize(
    "ask",
    [
        lambda setting: setting.independent(P(), R() * T()),
        lambda setting: setting.apart(P(), R() * T(), OVER_P),
        lambda setting: setting.stays(R() * T(), OVER_P),
        lambda setting: setting.of_one_law(P, OVER_P),
        lambda setting: setting.families_independent({P}, {R, T}),
        lambda setting: setting.all_independent(P, R, T),
    ],
    ids=["independent", "apart", "stays", "of one law", "of sets", "of each other"],
)
def test_independence_in_pairs_is_not_independence_together(ask):
    """E[A B C] is not E[A] E[B C], and given B and C the mean of A is B C: whoever asks needs them together."""
    with pytest.raises(Undischarged, match="of A and B and C independent of the others together"):
        ask(Setting(IN_PAIRS))
    assert "a" in ask(Setting(TOGETHER))


def test_a_lemma_about_independence_together_needs_it_together():
    """A lemma whose one hypothesis makes A independent of B and C: two that do so one by one are not enough."""
    left = Average(P() * R() * T(), OVER_ALL)
    lemma = Proof(Setting((FINITE_MOMENTS, *TOGETHER), over=OVER_ALL), left).by(ProductLaw()).done("l", "Lemma")
    assert lemma.statement.rhs == Mul(*(Average(e, OVER_ALL) for e in (P(), R(), T())))
    other = (independent("together", P, R, T), independent("more", R, T))
    made = Proof(Setting((FINITE_MOMENTS, *other), over=OVER_ALL), left).by(ByLemma(lemma))
    assert made.steps[0].uses == {"finite-moments", "together", "more"}
    one_by_one = Setting((FINITE_MOMENTS, *IN_PAIRS), over=OVER_ALL)
    with pytest.raises(Undischarged, match="together"):
        Proof(one_by_one, left).by(ByLemma(lemma))
    step = replace(made.steps[0], setting=one_by_one, uses=frozenset(h.key for h in one_by_one.hypotheses))
    assert "together" in by_lemma(step, lemma).evidence


def test_independence_of_all_together_is_more_than_of_one_from_the_rest():
    apart = Setting((independent("a", P, R, T),))
    assert apart.families_independent({P}, {R, T}) == {"a"}
    with pytest.raises(Undischarged, match="B and C"):
        apart.all_independent(P, R, T)


def test_a_counterexample_prints_what_the_statement_reads_and_nothing_else():
    found = compare(Average(x(1), EVERYTHING), Integer(0), facts=Facts((d,))).counterexample
    assert set(found.world) == {"laws"}
    assert len(found.world["laws"]) == 1
    assert str(found.world["laws"][0]).startswith("x[1] = ")
    found = compare(n(0), n(0) + 1, facts=Facts((d,))).counterexample
    assert list(found.world["widths"]) == ["n_0"]
    assert not found.world["laws"]


def test_each_world_is_counted_once():
    """A statement that reads no network has one world a value of its symbols, and a constant one has one."""
    assert "1 tiny worlds (1 cases" in compare(Integer(2), Integer(2)).evidence


def test_an_implication_whose_premise_is_never_true_is_undecided():
    never = Eq(n(i), n(i) + 1, evaluate=False)
    assert compare(never, Eq(n(i), 1), relation="=>").grade is Grade.UNDECIDED


def test_equations_of_hypotheses_hold_in_the_worlds_of_a_step():
    """Var[W^i] = 2/(n_i + n_{i+1}) is laid down, so that what follows from it is tried and what does not is refuted."""
    theorem = compromise()
    right, setting = theorem.statement.rhs, theorem.setting
    assert Laboratory(setting).compare(SharedVariance(W, i), "=", right).grade is Grade.ENUMERATED
    assert Laboratory(setting).compare(SharedVariance(W, i), "=", 2 * right).grade is Grade.FAILED


def test_a_rule_of_somebody_else_is_enumerated_and_not_exact():
    class Mine(Expand):
        pass

    start = Q * (Q + 1)
    assert check(derive_by(Expand(), Setting(()), start)).grade is Grade.EXACT
    assert check(derive_by(Mine(), Setting(()), start)).grade is Grade.ENUMERATED


def test_nothing_independent_is_undecided():
    class OnlyItself(Rule):
        """u = u + 1"""

        name = "only-itself"
        words = "Trust me."
        evidence = Evidence.RESIDUAL

        def rewrite(self, node, setting):
            return Rewrite(node + 1) if node == Q else None

    checked = check(derive_by(OnlyItself(), Setting(()), Q))
    assert checked.grade is Grade.UNDECIDED
    assert not checked.passed


def test_what_nobody_has_checked_is_undecided_and_what_has_no_steps_proves_nothing():
    assert product_variance().grade is Grade.UNDECIDED
    assert check(product_variance()).grade is Grade.EXACT
    empty = Derivation("empty", "Nothing", Statement(Q, "=", Q), Setting(()), ())
    checked = check(empty)
    assert checked.grade is Grade.UNDECIDED
    assert not checked.passed


def test_a_derivation_with_a_broken_chain_is_failed():
    theorem = product_variance()
    broken = Derivation(
        theorem.name,
        theorem.title,
        Statement(theorem.statement.lhs, "=", 2 * theorem.statement.rhs),
        theorem.setting,
        theorem.steps,
    )
    assert check(broken).grade is Grade.FAILED


def test_a_planted_square_is_refuted_with_values_of_the_symbols():
    wrong = spoiled(Expand(), lambda e: e + Q)
    found = failure(derive_by(wrong, Setting(()), Q * (Q + SLOPE)))
    assert set(found.counterexample.at) == {"q", "a"}


def test_definitions_are_tried_for_functions_that_are_not_lines():
    z_rule = Define(s)
    assert failure(derive_by(z_rule, Setting((), Facts((d,))), Average(s(0, K), EVERYTHING))) is None
    lost = spoiled(z_rule, lambda e: e.replace(lambda t: t == b(0, K), lambda t: Integer(0)))
    assert failure(derive_by(lost, Setting((), Facts((d,))), Average(s(0, K), EVERYTHING))) is not None


def test_a_product_law_that_cites_no_independence_is_refuted():
    rule = ProductLaw()
    theorem = product_variance()

    class Silent(ProductLaw):
        def apply(self, expression, setting):
            return Rewrite(super().apply(expression, setting).after)

    start = Average(X() * Y(), theorem.setting.over)
    assert failure(derive_by(rule, theorem.setting, start)) is None
    assert failure(derive_by(Silent(), theorem.setting, start)) is not None


def test_the_documentation_prints_the_legend_of_the_grades():
    assert legend() in (Path(__file__).parents[2] / "docs" / "json.md").read_text()


def test_outcomes_that_are_too_many_are_drawn_and_it_says_so():
    """Fourteen independent features have 2^14 outcomes: equality is seen at some of them, and so is a wrong term."""
    apart = Hypothesis("apart", Words("apart"), (Property(Kind.ENTRIES_INDEPENDENT, x),))
    features = [x(k) for k in range(1, 15)]
    total = sum(features) ** 2
    laboratory = Laboratory(Setting((apart,)))
    found = laboratory.compare(total, "=", total.expand())
    assert found.grade is Grade.SAMPLED
    assert "equal at outcomes drawn in" in found.evidence
    assert laboratory.compare(total, "=", total.expand() + x(13) * (x(14) - x(12))).grade is Grade.FAILED
