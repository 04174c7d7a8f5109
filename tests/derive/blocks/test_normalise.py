"""Normalisation: what each block computes, what its lemmas and theorems say, and wrong versions that are refuted."""

import pytest
from sympy import Integer, Sum, pi, sqrt

import derive
from derive.averages import Average, SharedVariance
from derive.blocks import BatchNorm, LayerNorm, RMSNorm, network_input, read
from derive.blocks.lemmas import BATCH, EPSILON
from derive.blocks.lemmas_batch import VARIANCE, _finite, _infinite
from derive.blocks.lemmas_normalise import _of_units
from derive.errors import InputError, Undischarged
from derive.gaussian import GaussianExpectation
from derive.layers import d, i
from derive.network import n
from derive.proof.derivation import Proof, Statement
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade
from derive.randomness import Entry
from derive.rules.any_activation import CORRELATION, SLOPE_OF_F, F, pair
from derive.rules.wide import Q, U, one_gaussian
from derive.theorems.layer_norm_invariance import FACTOR
from derive.theorems.pre_ln_depth import ADDED, END, RETURNED, START, added, returned
from derive.theorems.residual_variance import ALPHA
from derive.theorems.signals import Q1


def test_a_scalar_written_out():
    x = network_input(2, samples=2)
    a, b, c, other = (x.family(t, k) for t in (1, 2) for k in (1, 2))

    def put_in(e):
        for _ in range(3):
            e = e.xreplace({u: u.definition.doit() for u in e.atoms(Entry) if u.definition is not None})
        return e

    for block, mean, square in (
        (LayerNorm(), (a + b) / 2, lambda m: ((a - m) ** 2 + (b - m) ** 2) / 2),
        (BatchNorm(2), (a + c) / 2, lambda m: ((a - m) ** 2 + (c - m) ** 2) / 2),
        (RMSNorm(), 0, lambda m: (a**2 + b**2) / 2),
    ):
        found = put_in(block(x).family(1, 1))
        assert (found - (a - mean) / sqrt(square(mean))).equals(0), block
    assert other not in put_in(LayerNorm()(x).family(1, 1)).free_symbols


def test_a_batch_is_all_samples_that_there_are():
    with pytest.raises(InputError, match="the samples of batchnorm must be its batch of 4, got 3"):
        BatchNorm(4)(network_input(2, samples=3))
    assert read("dense(4), repeat(2, batchnorm(batch=8), relu)").batches == {Integer(8)}


# ---- lemmas and theorems


@pytest.mark.parametrize(
    "lemma",
    [
        lambda: _of_units(LayerNorm, 0)["square"],
        lambda: _of_units(RMSNorm, 0)["product"],
        lambda: _of_units(RMSNorm, 0)["gradient"],
        lambda: _infinite()["square"],
    ],
)
def test_what_rests_on_a_limit_says_so(lemma):
    derivation = lemma().derivation
    result = derivation.check()
    assert result.passed, result.failures
    assert (derivation.statement.relation, result.grade) == ("->", Grade.ASSUMED)
    assert any(not h.exact for h in derivation.rests_on)


def test_a_finite_batch_is_exact():
    assert [lemma.derivation.result for lemma in _finite().values()] == [0, 1, -1 / (BATCH - 1)]
    assert {lemma.derivation.statement.relation for lemma in _finite().values()} == {"="}


def parts_of(name):
    found = derive.theorem(name)
    return {found.name: found, **{part.name: part for part in found.parts}}


def test_layer_norm():
    parts = parts_of("layer-norm")
    (variance,) = (e for e in parts["layer-norm"].result.atoms(type(VARIANCE(1))) if e.family.name == "V")
    assert parts["layer-norm"].result == n(0) * variance / (variance + EPSILON)
    assert (parts["layer-norm-length"].result, parts["layer-norm-sum"].result) == (n(0), 0)
    mean, square = one_gaussian(F(U)), one_gaussian(F(U) ** 2)
    slope = Q * pair(SLOPE_OF_F, SLOPE_OF_F) / (square - mean**2)
    assert parts["layer-norm-slope"].result == slope
    assert parts["layer-norm-slope-at-one"].result == Q * one_gaussian(SLOPE_OF_F(U) ** 2) / (square - mean**2)
    assert parts["layer-norm-slope-at-zero"].result == Q * one_gaussian(SLOPE_OF_F(U)) ** 2 / (square - mean**2)
    assert parts["layer-norm-fixed-point"].statement.lhs == pair(F, F).subs(CORRELATION, 0)
    assert parts["layer-norm-fixed-point"].result == mean**2
    assert (parts["layer-norm-relu-at-one"].result - pi / (pi - 1)).equals(0)
    assert (parts["layer-norm-relu-at-zero"].result - pi / (2 * pi - 2)).equals(0)


def test_batch_norm():
    parts = parts_of("batch-norm")
    share = parts["batchnorm-share"].result
    assert isinstance(share, Average)
    assert share.inside[0].subs(EPSILON, 0) == 1
    assert parts["batchnorm-pair"].result == -share / (BATCH - 1)
    assert (parts["batch-norm"].result, parts["batch-norm-square"].result) == (-1 / (BATCH - 1), 1)
    growth = parts_of("batch-norm-gradient")
    (coming,) = (s for s in growth["batch-norm-gradient"].result.free_symbols if s.name == "G")
    mean, square, slope = (one_gaussian(e, Integer(1)) for e in (F(U), F(U) ** 2, SLOPE_OF_F(U) ** 2))
    assert growth["batch-norm-gradient"].result == coming * slope / (square - mean**2)
    assert (growth["batch-norm-gradient-relu"].result - pi / (pi - 1)).equals(0)


def test_what_comes_back_through_a_pre_ln_branch_is_divided_by_the_mean_square_of_the_stream():
    parts = parts_of("pre-ln-residual")
    found = {v.family.name: v for v in parts["pre-ln-gradient"].result.atoms(SharedVariance)}
    weights, beside, through = (found[name] for name in "Wge")
    assert parts["pre-ln-gradient"].result == beside + n(1) * weights * through / Q1


def test_a_pre_ln_stream_grows_by_one_amount_and_its_gradients_fall_as_it_grows():
    parts = parts_of("pre-ln-residual")
    mean_square, slope = (one_gaussian(e) for e in (F(U) ** 2, SLOPE_OF_F(U) ** 2))
    (weights,) = parts["pre-ln-square"].result.atoms(SharedVariance)
    gain = ALPHA**2 * n(1) * weights
    assert (added() - gain * mean_square).expand() == 0
    assert (returned() - gain * Q * slope).expand() == 0
    assert parts["pre-ln-rectifier"].result == 1
    assert parts["pre-ln-depth"].result == START + i * ADDED
    law = END * (START + d * ADDED) / (START + i * ADDED)
    assert (parts["pre-ln-law"].result - law).equals(0)
    of_weights = ALPHA**2 * mean_square * law.subs(i, i + 1)
    assert (parts["pre-ln-weights-in-depth"].result / of_weights).simplify() == 1


def test_gradients_stay_through_post_ln_blocks_of_leaky_relu_at_any_scale():
    parts = parts_of("post-ln-residual")
    assert parts["post-ln-rectifier"].result == 1
    mean_square, slope = (one_gaussian(e) for e in (F(U) ** 2, SLOPE_OF_F(U) ** 2))
    (weights,) = parts["post-ln-sum"].result.atoms(SharedVariance)
    gain = ALPHA**2 * n(1) * weights
    (coming,) = (e for e in parts["post-ln-gradient"].result.free_symbols if e.name == "G")
    factor = parts["post-ln-gradient"].result / coming
    assert (factor - (1 + gain * Q * slope) / (1 + gain * mean_square)).equals(0)
    correlation = (CORRELATION + gain * pair(F, F)) / (1 + gain * mean_square)
    (both,) = (e for e in parts["post-ln-residual"].result.atoms(GaussianExpectation) if len(e.variables) == 2)
    assert both.covariance == pair(F, F).covariance
    assert (parts["post-ln-residual"].result.subs(both, pair(F, F)) - correlation).equals(0)


@pytest.mark.parametrize(
    ("part", "spoil"),
    [
        ("pre-ln-residual", lambda e: e.subs(CORRELATION, CORRELATION**2)),
        ("pre-ln-branch", lambda e: e / Q1),
        ("pre-ln-gradient", lambda e: e.subs(Q1, 1)),
        ("pre-ln-block", lambda e: e.subs(Q, 1 / Q)),
        ("pre-ln-depth", lambda e: e + ADDED),
        ("pre-ln-gradients", lambda e: e.subs(RETURNED, ADDED)),
        ("pre-ln-law", lambda e: e.subs(d, i)),
        ("pre-ln-weights-in-depth", lambda e: e * (START + ADDED) / START),
        ("post-ln-residual", lambda e: e.subs(CORRELATION, CORRELATION**2)),
        ("post-ln-gradient", lambda e: e.subs(ALPHA, 2 * ALPHA)),
        ("post-ln-gradient", lambda e: e.subs(Q, 1 / Q)),
        ("post-ln-branch", lambda e: 2 * e),
        ("post-ln-normalised", lambda e: e * Q1),
        ("post-ln-slope", lambda e: e * n(1) / n(0) * 2),
        ("post-ln-rectifier", lambda e: e * sqrt(Integer(2) / 3)),
        ("post-ln-weights", lambda e: e * 2),
        ("post-ln-depth", lambda e: 1 / e),
    ],
)
def test_the_oracle_refutes_a_wrong_version(part, spoil):
    found = parts_of(f"{part.partition('-')[0]}-ln-residual")[part]
    right = found.statement
    assert found.oracle.ask(right).grade is Grade.SAMPLED
    assert found.oracle.ask(Statement(right.lhs, right.relation, spoil(right.rhs))).grade is Grade.FAILED


def test_without_the_gradients_independence_together_nothing_comes_back_through_a_post_ln_block():
    stream = parts_of("post-ln-residual")["post-ln-stream"]
    bare = Proof(stream.setting.without("post-ln-gradients-together"), stream.statement.lhs)
    with pytest.raises(Undischarged, match="together"):
        bare.by(*(step.rule for step in stream.steps))


def test_claims_that_these_theorems_decide():
    verdicts = {
        "xiong-lemma-1": "holds",
        "xiong-lemma-1-stream": "holds-if",
        "xiong-post-ln": "refuted",
        "xiong-post-ln-layer-norm": "holds-if",
        "xiong-pre-ln": "refuted",
        "ba-invariance": "holds",
    }
    assert {name: derive.claim(name).audit().verdict for name in verdicts} == verdicts


def is_refuted(name, part, spoil):
    found = parts_of(name)[part]
    laboratory = Laboratory(found.setting)
    lhs, relation = found.statement.lhs, found.statement.relation
    assert laboratory.compare(lhs, relation, found.result).grade is Grade.ENUMERATED
    return laboratory.compare(lhs, relation, spoil(found.result)).grade is Grade.FAILED


@pytest.mark.parametrize(
    ("name", "part", "spoil"),
    [
        ("layer-norm", "layer-norm", lambda e: e * (n(0) - 1) / n(0)),
        ("layer-norm", "layer-norm", lambda e: e.subs(EPSILON, 2 * EPSILON)),
        ("layer-norm", "layer-norm-sum", lambda e: e + 1),
        ("layer-norm", "layer-norm-invariance", lambda e: e * FACTOR),
        ("batch-norm", "batch-norm-length", lambda e: e * (BATCH - 1) / BATCH),
        ("batch-norm", "batchnorm-share", lambda e: e * BATCH / (BATCH + 1)),
        ("batch-norm", "batchnorm-pair", lambda e: e * (BATCH - 1) / BATCH),
        ("batch-norm", "batchnorm-pair", lambda e: -e),
        ("post-ln-residual", "post-ln-mean", lambda e: e + 1),
        ("batch-norm-gradient", "batch-derivative", lambda e: e.subs(BATCH, BATCH + 1)),
        ("batch-norm-gradient", "batch-derivative-length", lambda e: e * (BATCH - 1) / BATCH),
    ],
)
def test_a_wrong_version_is_refuted_in_a_tiny_world(name, part, spoil):
    assert is_refuted(name, part, spoil)


def test_the_average_over_a_batch_is_a_sum_over_its_samples():
    (mean, variance, _) = BatchNorm(3)(network_input(2, samples=3)).defined
    assert isinstance(mean(1).definition * 3, Sum)
    assert variance(1).definition.has(mean(1))
