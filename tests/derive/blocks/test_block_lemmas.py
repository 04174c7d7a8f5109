"""Lemmas of blocks: each checked in tiny worlds, and each statement against the formula of its field."""

import numpy as np
import pytest
from planting import check
from sympy import Integer, Rational, Sum, Symbol, symbols

from derive.averages import Average, SharedVariance
from derive.blocks import AveragePool, Convolution, Dense, Dropout, Elementwise, Flatten, Residual, Scale, SumOf, read
from derive.blocks.lemmas import FACTOR, FIRST, OVER, RATE, SECOND, SIZES, incoming
from derive.blocks.lemmas_linear import _flat, _pooled, _scaled, _weighted
from derive.blocks.lemmas_other import _added, _dropped, _elementwise
from derive.blocks.signal import network_input
from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS
from derive.indices import PLACES
from derive.network import GAIN, n
from derive.proof.derivation import Proof
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade
from derive.randomness import BIASES, WEIGHTS
from derive.rules.algebra import Expand
from derive.rules.definitions import Define
from derive.rules.deltas import OneToOne, OnlyTerm
from derive.rules.means import Linearity
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.setting import Setting, Undischarged

k, j, p, r, t, u = symbols("k l p r t u", integer=True)

EXACT = {
    "dense": lambda: _weighted(Dense(n(1), bias_variance=None), 0),
    "conv, zeros": lambda: _weighted(Convolution(n(1), 2, bias_variance=None), 1),
    "conv, circular, stride": lambda: _weighted(Convolution(n(1), 2, 2, "circular", bias_variance=None), 1),
    "scale": lambda: _scaled(1),
    "pool": lambda: _pooled(AveragePool(2), 1),
    "pool, all": lambda: _pooled(AveragePool(), 1),
    "pool, two axes": lambda: _pooled(AveragePool(2), 2),
    "flatten": lambda: _flat(1),
    "dropout": lambda: _dropped(1),
    "sum": lambda: _added(0, False),
}


@pytest.mark.parametrize("kind", EXACT)
def test_lemmas_are_exact_in_tiny_worlds(kind):
    for name, lemma in EXACT[kind]().items():
        result = check(lemma.derivation)
        assert result.passed, (name, result.failures)
        assert result.grade is Grade.EXACT, name


@pytest.mark.parametrize(("padding", "mode"), [("zeros", "constant"), ("circular", "wrap")])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_gradient_of_an_image_comes_back_as_often_as_its_pixels_are_looked_at(padding, mode, stride):
    """With one mean square of the gradients, the lemma counts the windows of NumPy that have the pixel in them."""
    result = _weighted(Convolution(n(1), 3, stride, padding, bias_variance=None), 2)["gradient"].derivation.result
    (weights,), (mean,) = (result.atoms(kind) for kind in (SharedVariance, Average))
    rows, columns = 4, 3
    pixels = np.pad(np.arange(1, 1 + rows * columns).reshape(rows, columns), 1, mode)
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3))[::stride, ::stride]
    counts = np.bincount(seen.ravel(), minlength=1 + rows * columns)[1:].reshape(rows, columns)
    sizes = {
        n(1): Integer(5),
        weights: Integer(1),
        mean: Integer(1),
        SIZES[0]: Integer(rows),
        SIZES[1]: Integer(columns),
    }
    for place in ((1, 1), (2, 3), (3, 2), (4, 3)):
        here = {axis[0]: Integer(index) for axis, index in zip(PLACES, place, strict=True)}
        assert result.xreplace({**sizes, **here}).doit() == 5 * counts[place[0] - 1, place[1] - 1]


@pytest.mark.parametrize("positions", [0, 1])
def test_activation_functions_rest_on_the_limit_of_wide_layers_alone(positions):
    for lemma in _elementwise(positions).values():
        result = check(lemma.derivation)
        assert result.passed, result.failures
        assert result.grade is Grade.ASSUMED
        assert lemma.derivation.statement.relation == "->"
        assert {h.key for h in lemma.derivation.rests_on if not h.exact} <= {"gaussian-signal", "gradient-independence"}


def test_the_lemmas_of_a_dense_layer_say_what_the_field_says():
    found = EXACT["dense"]()
    z = incoming(0).family
    (W,) = (v for v in found["square"].derivation.result.atoms(SharedVariance) if v.family.source == WEIGHTS)
    (b,) = (v for v in found["square"].derivation.result.atoms(SharedVariance) if v.family.source == BIASES)
    pair = Average(z(FIRST, j) * z(SECOND, j), OVER)
    assert found["product"].derivation.result == W * Sum(pair, (j, 1, n(0))) + b
    assert found["mean"].derivation.result == 0
    assert found["square"].reads == {Average(z(FIRST, j) ** 2, OVER): "square"}
    assert found["product"].reads == {pair: "product"}
    assert [*found["gradient"].reads.values()] == ["gradient"]


def test_a_sum_reads_the_branch_by_its_own_names():
    read_ = {name for lemma in _added(0, False).values() for name in lemma.reads.values()}
    assert read_ == {
        *("mean", "square", "product", "gradient"),
        *(f"branch {name}" for name in ("mean", "square", "product", "gradient")),
    }
    mean, square = (_added(0, False)[name].derivation.result for name in ("mean", "square"))
    assert square.coeff(FACTOR, 1) == 2 * mean.coeff(FACTOR, 0) * mean.coeff(FACTOR, 1)


def test_one_derivation_serves_all_networks():
    one, other = Dense(3, gain=2).lemmas(network_input(4)), Dense(7, gain=1).lemmas(network_input(9))
    assert one["square"].derivation is other["square"].derivation
    (variance,) = (v for v in one["square"].given if isinstance(v, SharedVariance) and v.family.source == WEIGHTS)
    assert (one["square"].given[variance], other["square"].given[variance]) == (Rational(1, 2), Rational(1, 9))
    assert one["square"].given[n(0)] == 4


def test_parameters_of_a_network_are_given():
    conv = Convolution(8, kernel=3, groups=2, gain=2).lemmas(network_input(4, 5, 6))["square"]
    (variance,) = (v for v in conv.given if isinstance(v, SharedVariance) and v.family.source == WEIGHTS)
    assert conv.given[variance] == Rational(2, 2 * 9)
    assert (conv.given[n(0)], conv.given[n(1)]) == (2, 4)
    assert Dropout(Rational(1, 4)).lemmas(network_input(3))["square"].given == {RATE: Rational(1, 4)}
    open_ = Dense(3).lemmas(network_input(4))["square"].given
    assert GAIN / 4 in open_.values()
    assert Scale(Rational(1, 3)).lemmas(network_input(3))["mean"].given == {FACTOR: Rational(1, 3)}


def test_a_block_without_a_lemma_says_so():
    with pytest.raises(InputError, match="concatenate has no lemma: nothing is predicted behind it"):
        read("concatenate(dense(2), dense(3))").lemmas(network_input(4))


def test_weights_are_on_every_way_or_not():
    texts = ("dense(3)", "serial(relu, dense(3))", "sum(dense(3), dense(3))", "residual(dense(3))", "relu")
    assert [read(text).has_weights for text in texts] == [True, True, True, False, False]
    assert [read(text).is_gaussian(incoming=True) for text in ("dense(3)", "scale(2)", "relu", "dropout(0.1)")] == [
        True,
        True,
        False,
        False,
    ]
    assert read("dense(3)").is_gaussian(incoming=False)
    assert [str(b) for b in read("repeat(2, relu, dense(3))").steps] == ["relu", "dense(3)"] * 2
    assert [factor for _, factor in Residual(Dense(3), scale=Rational(1, 2)).paths] == [1, Rational(1, 2)]
    assert [b.has_weights for b, _ in SumOf(Dense(3), Elementwise("relu")).paths] == [False, True]
    assert Flatten().paths == ()


# ---- the rules, where they must not act, and where a wrong answer is refuted


def dense_setting():
    out = Dense(n(1), bias_variance=None)(incoming(0))
    return out, Setting((FINITE_MOMENTS, *out.assumed), over=OVER)


@pytest.mark.parametrize("key", ["W-zero-mean", "W-independent", "W-shared-variance"])
def test_weighted_sums_need_all_that_is_said_of_weights(key):
    out, setting = dense_setting()
    start = Average(out.family(t, k) * out.family(u, k), OVER)
    with pytest.raises(InputError):
        Proof(setting.without(key), start).by(
            Define(out.family), Expand(), Linearity(), WeightedSums(), CentredSquare()
        )


@pytest.mark.parametrize("wrong", ["one sample for two", "a term too few", "the bias forgotten"])
def test_tiny_worlds_refute_wrong_lemmas(wrong):
    right = EXACT["dense"]()["product"].derivation
    result = {
        "one sample for two": right.result.subs(SECOND, FIRST),
        "a term too few": right.result.replace(Sum, lambda e, limit: Sum(e, (limit[0], 2, limit[2]))),
        "the bias forgotten": right.result
        - next(v for v in right.result.atoms(SharedVariance) if v.family.source == BIASES),
    }[wrong]
    laboratory = Laboratory(right.setting, declared=right.setting)
    assert laboratory.compare(right.statement.lhs, "=", right.result).grade is Grade.ENUMERATED
    assert laboratory.compare(right.statement.lhs, "=", result).grade is Grade.FAILED


def test_renamed_indices_keep_clear_of_places():
    """Two places have names of their own, which no summation index takes."""
    result = EXACT["conv, zeros"]()["product"].derivation.result
    assert {p, r} <= result.free_symbols
    assert not {p, r} & {index for total in result.atoms(Sum) for index, *_ in total.limits}


def test_one_to_one_asks_for_an_index_that_takes_no_value_twice():
    back = EXACT["conv, circular, stride"]()["gradient"].derivation
    step = next(s for s in back.steps if isinstance(s.rule, OneToOne))
    T = Symbol("T", integer=True, positive=True)
    with pytest.raises(Undischarged, match=r"nothing says that .* takes no value twice"):
        OneToOne().apply(step.before.subs({next(iter(step.before.atoms(Sum))).limits[-1][2]: 4 * T}), step.setting)


def test_a_wrong_place_is_refuted():
    lemma = _pooled(AveragePool(2), 1)["gradient"].derivation
    step = next(s for s in lemma.steps if isinstance(s.rule, OnlyTerm))
    wrong = OnlyTerm((step.rule.places[0], step.rule.places[1] + 1)).apply(step.before, step.setting).after
    laboratory = Laboratory(step.setting, declared=step.setting)
    assert laboratory.compare(step.before, "=", step.after).grade is Grade.ENUMERATED
    assert laboratory.compare(step.before, "=", wrong).grade is Grade.FAILED


def test_what_depends_on_the_rest_is_not_split_off():
    _, setting = dense_setting()
    z = incoming(0).family
    with pytest.raises(InputError, match="split-off finds nothing"):
        SplitOff().apply(Average(z(t, k) * z(u, k), OVER), setting)


def test_masks_of_one_sample_are_the_same_mask():
    """Without two samples to be different, the masks may be one, and their product does not come apart."""
    block = Dropout(RATE)
    y = block(incoming(0))
    D = y.drawn[-1].family
    setting = Setting((FINITE_MOMENTS, *y.assumed), over=OVER)
    assert SplitOff().apply(Average(D(t, k) * D(u, k), OVER), setting.with_distinct(t, u)).after == Average(
        D(t, k), OVER
    ) * Average(D(u, k), OVER)
    with pytest.raises(InputError, match="split-off finds nothing"):
        SplitOff().apply(Average(D(t, k) * D(u, k), OVER), setting)
