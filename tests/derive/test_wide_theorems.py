"""Wide networks with any activation: the theorems, their planted errors, and the maps they must agree with."""

from dataclasses import replace

import pytest
from planting import CHECKER, checked_theorem, derive_by, derived, spoiled
from sympy import Integer, Rational, Sum, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import OUTPUT_GRADIENT_CENTRED, OUTPUT_GRADIENT_INDEPENDENT, WEIGHTS
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, W, b, cost_gradient, f, n, s, slope, z
from derive.proof.rule import Evidence
from derive.proof.verdict import Grade
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES
from derive.rules.gradients import GradientIndependence
from derive.rules.replicas import HalfSquaredDifference, Pair, Replicas
from derive.rules.wide import MU, NU, GaussianLimit, M, Q, U, V, one_gaussian, over_networks, over_samples
from derive.setting import Setting, Undischarged
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.sample_variance import WIDE
from derive.theorems.wide_networks import GAUSSIAN, GRADIENT_INDEPENDENCE

J, K, L = (Symbol(c, integer=True) for c in "jkl")
K_OF_F = over_networks(over_samples(f(MU + NU)) ** 2)
SQUARE = over_networks(over_samples(f(MU + NU) ** 2))
HALF = Pair(f(U), U, M**2, V**2).half_squared_difference()


@pytest.fixture(scope="module")
def checker():
    return CHECKER


@pytest.mark.parametrize("name", ["length-map", "sample-variance-map", "gradient-variance"])
def test_every_step_is_checked_and_only_the_limits_are_assumed(name):
    """All other steps are exact; each that speaks of a network and no Gaussian yet is tried in tiny worlds."""
    result = checked_theorem(name)
    assert result.failures == ()
    assert result.grade is Grade.ASSUMED
    for derivation in (result.derivation, *result.derivation.parts):
        for step in derivation.steps:
            assumed = isinstance(step.rule, GaussianLimit | GradientIndependence)
            assert (step.verdict.grade is Grade.ASSUMED) == assumed
            assert (step.relation == "->") == assumed
            if step.rule.evidence is Evidence.WORLDS and not step.after.has(GaussianExpectation):
                assert "tiny worlds (" in step.verdict.evidence


def test_the_statements_are_the_textbook_ones():
    """Poole et al. 2016, equations 3 and 4, and Schoenholz et al. 2017, equation 10, in these symbols."""
    lengths, samples, back = map(derived, ("length-map", "sample-variance-map", "gradient-variance"))
    assert lengths.result == GAIN * one_gaussian(f(U) ** 2) + BIAS_VARIANCE
    assert samples.result == GAIN * K_OF_F + BIAS_VARIANCE
    (fluctuation,) = samples.parts
    assert fluctuation.result == GAIN * HALF
    (next_one,) = back.result.atoms(Variance)
    assert back.result == n(i + 2) * SharedVariance(W, i + 1) * one_gaussian(slope(U) ** 2) * next_one
    assert next_one.inside[0] == cost_gradient(s(i + 1, *next_one.inside[0].variable.units))


def test_the_bias_is_in_the_mean_and_not_in_the_fluctuation():
    """A bias is the same for all samples: m'^2 has its variance, v'^2 has not."""
    theorem = derived("sample-variance-map")
    assert theorem.result.coeff(BIAS_VARIANCE) == 1
    assert not theorem.parts[0].result.has(BIAS_VARIANCE)


@pytest.mark.parametrize("name", ["length-map", "sample-variance-map", "gradient-variance"])
def test_a_limit_that_is_not_assumed_is_refused(name):
    """Without the hypothesis that the layers are wide there is no Gaussian limit, and no independent gradient."""
    theorem = derived(name)
    for step in theorem.steps:
        if isinstance(step.rule, GaussianLimit | GradientIndependence):
            for key in step.uses:
                with pytest.raises(Undischarged):
                    step.rule.apply(step.before, theorem.setting.without(key))


def test_a_lost_term_in_a_theorem_is_caught(checker):
    """The length map without its bias, and half of a gradient: the chain breaks, or a tiny world refutes the step."""
    lengths = derived("length-map")
    wrong = replace(lengths.steps[0], after=lengths.steps[0].after - SharedVariance(b, i + 1))
    assert not checker.check(replace(lengths, steps=(wrong, *lengths.steps[1:]))).passed
    back = derived("gradient-variance")
    half = replace(back.steps[2], after=back.steps[2].after / 2)
    found = checker.check(replace(back, steps=(*back.steps[:2], half, *back.steps[3:])))
    assert found.derivation.steps[2].verdict.counterexample is not None


@pytest.mark.parametrize(
    ("start", "right"),
    [
        (Average(f(s(i, L)) ** 2, NETWORKS), one_gaussian(f(U) ** 2)),
        (Average(f(s(i, L)), EVERYTHING), one_gaussian(f(U))),
        (Average(slope(s(i, L)) ** 2, EVERYTHING), one_gaussian(slope(U) ** 2)),
        (Average(Average(f(s(i, L)), SAMPLES) ** 2, NETWORKS), K_OF_F),
        (Average(Average(f(s(i, L)) ** 2, SAMPLES), NETWORKS), SQUARE),
    ],
)
def test_the_gaussian_limit_keeps_the_order_of_the_means(start, right):
    assert GaussianLimit().apply(start, Setting((GAUSSIAN, WIDE), BEFORE_LAST)).after == right


@pytest.mark.parametrize(
    "start",
    [
        Average(f(s(i, L)) ** 2, SAMPLES),
        Average(Average(f(s(i, L)), SAMPLES), NETWORKS),
        Average(Average(f(s(i, L)), NETWORKS) ** 2, SAMPLES),
        Average(z(i, L) ** 2, NETWORKS),
    ],
)
def test_the_gaussian_limit_takes_no_other_mean(start):
    """Over samples alone a pre-activation is not Gaussian, and what is no function of one is none."""
    assert GaussianLimit().rewrite(start, Setting((GAUSSIAN, WIDE), BEFORE_LAST)) is None


def test_gradient_independence_reads_the_weights_it_is_given():
    """Only the weights that stand with the gradients; another factor, or another layer's sum, is not taken."""
    setting = Setting(
        (*WEIGHTS, GRADIENT_INDEPENDENCE, OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED), BEFORE_LAST
    )
    coming = Sum(W(i + 1, K, J) * cost_gradient(s(i + 1, J)), (J, 1, n(i + 2)))
    rule = GradientIndependence()
    after = rule.apply(Variance(slope(s(i, K)) * coming, EVERYTHING), setting).after
    variances = Sum(Variance(cost_gradient(s(i + 1, J)), EVERYTHING), (J, 1, n(i + 2)))
    assert after == Average(slope(s(i, K)) ** 2, EVERYTHING) * SharedVariance(W, i + 1) * variances
    assert rule.rewrite(Variance(f(s(i, K)) * coming, EVERYTHING), setting) is None
    assert rule.rewrite(Variance(slope(s(i, K)) * Sum(W(i, K, J), (J, 1, n(i))), EVERYTHING), setting) is None
    with pytest.raises(Undischarged, match="over the weights"):
        rule.rewrite(Variance(slope(s(i, K)) * coming, SAMPLES), setting)


@pytest.mark.parametrize(
    ("start", "right"),
    [
        (SQUARE - K_OF_F, HALF),
        (3 * BIAS_VARIANCE + GAIN * SQUARE - GAIN * K_OF_F, 3 * BIAS_VARIANCE + GAIN * HALF),
        (
            one_gaussian(f(U) ** 2) - one_gaussian(f(U)) ** 2,
            Pair(f(U), U, Integer(0), Q).half_squared_difference(),
        ),
    ],
)
def test_half_a_squared_difference_is_the_variance(start, right):
    step = derive_by(HalfSquaredDifference(), Setting(()), start)
    assert step.result == right
    assert step.check().passed


@pytest.mark.parametrize("spoil", [lambda e: 2 * e, lambda e: e.subs(M, V), lambda e: e + GAIN, lambda e: -e])
def test_a_wrong_squared_difference_is_caught(spoil):
    """Another factor, another covariance, another term: two examples in closed form tell."""
    checked = derive_by(spoiled(HalfSquaredDifference(), spoil), Setting(()), SQUARE - K_OF_F).check()
    assert not checked.passed
    assert checked.derivation.steps[0].verdict.counterexample is not None


@pytest.mark.parametrize("spoil", [lambda e: 2 * e, lambda e: e.subs(M, V), lambda e: e * Rational(1, 3)])
def test_wrong_replicas_are_caught(spoil):
    assert derive_by(Replicas(), Setting(()), K_OF_F).check().passed
    assert not derive_by(spoiled(Replicas(), spoil), Setting(()), K_OF_F).check().passed


@pytest.mark.parametrize(
    "start",
    [SQUARE + K_OF_F, SQUARE - 2 * K_OF_F, SQUARE - over_networks(over_samples(f(MU + 2 * NU)) ** 2), SQUARE - GAIN],
)
def test_a_difference_that_is_no_variance_is_left_alone(start):
    assert HalfSquaredDifference().rewrite(start, Setting(())) is None
