"""Tiny worlds of families that no file of the checker knows: a true statement holds, and wrong ones are refuted."""

from fractions import Fraction

import pytest
from sympy import Abs, Eq, Integer, Mod, Sum, Symbol, symbols

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import f, n
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade
from derive.randomness import Family, Over, Source
from derive.setting import Setting
from derive.words import Words

J, K, L, M, P, Q, R = symbols("j k l m p q r", integer=True)
SAMPLES, UNITS, PIXELS, TAPS, IN, OUT = symbols("P N X T A B", integer=True, positive=True)
RATE = Symbol("rho", positive=True)
DATA, BRANCHES, MASKS, KERNEL = (Source(name) for name in ("data", "branches", "masks", "kernel"))
ALL = Over("all", (DATA, BRANCHES, MASKS, KERNEL))
APART, SHARED, CENTRED = Kind.ENTRIES_INDEPENDENT, Kind.SHARED_VARIANCE, Kind.ZERO_MEAN


def said(key, *properties, says=None):
    """A hypothesis that declares properties."""
    return Hypothesis(key, says or Words(key), tuple(Property(*p) for p in properties))


ANYWHERE = Facts((d,))


def verdict(left, right, *hypotheses, facts=ANYWHERE, relation="="):
    return Laboratory(Setting(hypotheses, facts)).compare(left, relation, right)


def confirm(left, right, *hypotheses, **more):
    found = verdict(left, right, *hypotheses, **more)
    assert found.grade is Grade.ENUMERATED, found
    return found


def refute(left, right, *hypotheses, **more):
    found = verdict(left, right, *hypotheses, **more)
    assert found.grade is Grade.FAILED, found
    assert found.counterexample is not None
    return found.counterexample


# A residual stream: h^{i+1} = h^i + sum_l f(h^i_l) V^i_{lk}.

U = Family("u", meaning="the input", extents=lambda _: (UNITS,), layered=False, source=DATA)
V = Family("V", meaning="the weights of the branches", extents=lambda _: (UNITS, UNITS), source=BRANCHES)
H = Family(
    "h",
    meaning="the stream",
    extents=lambda _: (UNITS,),
    definition=lambda i, k: U(k) if i == 0 else H(i - 1, k) + Sum(f(H(i - 1, L)) * V(i - 1, L, k), (L, 1, UNITS)),
)
BRANCH = said("branch", (APART, V), (CENTRED, V), (SHARED, V), (Kind.INDEPENDENT_OF, V, U))
LATER = Facts((i, d - i))
SPREAD = Variance(H(i + 1, K), ALL)
GROWN = Variance(H(i, K), ALL) + SharedVariance(V, i) * Sum(Average(f(H(i, L)) ** 2, ALL), (L, 1, UNITS))


def test_the_variance_of_a_residual_stream():
    confirm(SPREAD, GROWN, BRANCH, facts=LATER)


@pytest.mark.parametrize(
    "wrong",
    [
        GROWN - Variance(H(i, K), ALL),
        GROWN.subs(SharedVariance(V, i), SharedVariance(V, i + 1)),
        Variance(H(i, K), ALL) + SharedVariance(V, i) * Sum(Variance(f(H(i, L)), ALL), (L, 1, UNITS)),
        Variance(H(i, K), ALL) + UNITS * SharedVariance(V, i) * Average(f(H(i, K)) ** 2, ALL),
    ],
    ids=["no stream", "the next layer's variance", "a variance for a mean square", "one unit for all"],
)
def test_wrong_variances_of_a_residual_stream(wrong):
    refute(SPREAD, wrong, BRANCH, facts=LATER)


@pytest.mark.parametrize("lost", range(4), ids=["apart", "centred", "shared", "of the input"])
def test_each_property_of_the_branches_is_needed(lost):
    left = [(p.kind, *p.families) for k, p in enumerate(BRANCH.properties) if k != lost]
    wider = GROWN.subs(SharedVariance(V, i), Variance(V(i, 1, 1), ALL))
    refute(SPREAD, wider, said("less", *left), facts=LATER)


def test_a_counterexample_names_the_families_and_sizes_that_it_reads():
    found = refute(Average(H(0, K), ALL), Integer(0))
    assert set(found.world) == {"laws"}
    found = refute(Sum(Average(U(L), ALL), (L, 1, UNITS)), Integer(0))
    assert set(found.world) == {"sizes", "laws"}
    assert set(found.world["sizes"]) == {"N"}
    assert all(str(law).startswith("u[") for law in found.world["laws"])


# Inverted dropout: a mask of its own for each sample, a property of this file.

BINARY = Kind(
    "BINARY",
    "every scalar is 0 with probability rho, else 1/(1 - rho)",
    implies=(Kind.IDENTICAL,),
    law=lambda scalar: (
        (scalar.value(RATE), 0),
        (1 - scalar.value(RATE), 1 / (1 - Fraction(scalar.value(RATE)))),
    ),
)
D = Family("D", meaning="the masks", extents=lambda i: (n(i), SAMPLES), source=MASKS)
A = Family("A", meaning="what is dropped", extents=lambda i: (n(i), SAMPLES), source=DATA)
BELOW_ONE = Words("The rate {} is below one: {}.", RATE, RATE < 1)
DROPPED = said("dropped", (BINARY, D), says=BELOW_ONE)
MASKED = said("masked", (APART, D), (Kind.INDEPENDENT_OF, D, A))
OUTPUT = A(i, K, M) * D(i, K, M)
SQUARE = Average(A(i, K, M) ** 2, ALL) / (1 - RATE)


def test_the_mean_square_after_dropout():
    confirm(Average(OUTPUT**2, ALL), SQUARE, DROPPED, MASKED, facts=LATER)
    confirm(Average(OUTPUT, ALL), Average(A(i, K, M), ALL), DROPPED, MASKED, facts=LATER)


@pytest.mark.parametrize(
    "wrong",
    [SQUARE.subs(RATE, 1 - RATE), SQUARE * (1 - RATE), SQUARE.subs(M, 1), SQUARE / (1 - RATE)],
    ids=["rate for what is kept", "no rate", "another sample", "twice"],
)
def test_wrong_mean_squares_after_dropout(wrong):
    refute(Average(OUTPUT**2, ALL), wrong, DROPPED, MASKED, facts=LATER)


def test_dropout_needs_its_hypotheses():
    """Without independence a mask may hang on what it masks; without its law it is some other factor."""
    refute(Average(OUTPUT**2, ALL), SQUARE, DROPPED, said("apart", (APART, D)), facts=LATER)
    refute(Average(OUTPUT**2, ALL), SQUARE, MASKED, facts=LATER)


def test_two_samples_have_two_masks():
    """Cov of two samples' outputs is that of what is dropped; the same mask for both would add to it."""
    left = Covariance(A(i, K, 1) * D(i, K, 1), A(i, K, 2) * D(i, K, 2), ALL)
    right = Covariance(A(i, K, 1), A(i, K, 2), ALL)
    confirm(left, right, DROPPED, MASKED, facts=LATER)
    refute(left, right / (1 - RATE), DROPPED, MASKED, facts=LATER)
    refute(left, right, DROPPED, said("independent", (Kind.INDEPENDENT_OF, D, A)), facts=LATER)
    one_mask = Covariance(A(i, K, 1) * D(i, K, 1), A(i, K, 2) * D(i, K, 1), ALL)
    refute(one_mask, right, DROPPED, MASKED, facts=LATER)


def test_a_mask_has_the_law_that_its_property_says_whatever_it_hangs_on():
    for exact in Laboratory(Setting((DROPPED,), LATER)).worlds(OUTPUT):
        world = exact.world
        rate = world.symbol(RATE)
        assert 0 < rate < 1
        for index in world.indices(D):
            law = world.laws(D, index)
            weights = {v: Fraction(0) for v in law.values}
            for weight, value in zip(law.coin.weights, law.values, strict=True):
                weights[value] += Fraction(weight) / law.coin.total
            assert weights == {0: rate, 1 / (1 - rate): 1 - rate}


def test_signs_are_one_more_property_of_a_few_lines():
    sign = Kind("SIGN", "every scalar is 1 or -1", implies=(Kind.SYMMETRIC,), law=lambda _: ((1, -1), (1, 1)))
    signs = said("signs", (sign, U), (APART, U))
    confirm(Average(U(K) ** 2, ALL), Integer(1), signs)
    confirm(Average(U(1) * U(2), ALL) + Average(U(K), ALL), Integer(0), signs, facts=Facts((UNITS - 2,)))
    refute(Average(U(K) ** 2, ALL), Integer(1))
    refute(Average(U(1) * U(2), ALL), Integer(0), said("signs", (sign, U)), facts=Facts((UNITS - 2,)))


# A convolution with circular padding: one kernel for all pixels.

C = Family("C", meaning="the kernel", extents=lambda _: (OUT, IN, TAPS), layered=False, source=KERNEL)
X = Family("X", meaning="the pixels", extents=lambda _: (IN, PIXELS), layered=False, source=DATA)


def circular(p, q):
    """The pixel under one tap of a kernel that starts at a pixel, around the edge."""
    return Mod(p + q - 2, PIXELS) + 1


S = Family(
    "S",
    meaning="the output",
    extents=lambda _: (OUT, PIXELS),
    layered=False,
    definition=lambda k, p: Sum(C(k, L, Q) * X(L, circular(p, Q)), (L, 1, IN), (Q, 1, TAPS)),
)
TAPS_APART = said("kernel", (APART, C), (CENTRED, C), (SHARED, C), (Kind.INDEPENDENT_OF, C, X))
FITS = Facts((d, PIXELS - TAPS))
PIXEL = Variance(S(K, P), ALL)
FAN_IN = SharedVariance(C) * Sum(Average(X(L, circular(P, Q)) ** 2, ALL), (L, 1, IN), (Q, 1, TAPS))


def test_the_variance_of_a_pixel():
    confirm(PIXEL, FAN_IN, TAPS_APART, facts=FITS)
    over = SharedVariance(C) * Sum(X(L, circular(P, Q)) ** 2, (L, 1, IN), (Q, 1, TAPS))
    confirm(Variance(S(K, P), Over("kernel", (KERNEL,))), over, TAPS_APART, facts=FITS)


@pytest.mark.parametrize(
    "wrong",
    [
        SharedVariance(C) * Sum(Average(X(L, P) ** 2, ALL), (L, 1, IN)),
        IN * TAPS * SharedVariance(C) * Average(X(1, P) ** 2, ALL),
        FAN_IN.subs(P, P + 1),
        SharedVariance(C) * Sum(Average(X(L, circular(P, Q)) ** 2, ALL), (L, 1, OUT), (Q, 1, TAPS)),
    ],
    ids=["one tap", "one pixel for all", "the next pixel", "the fan-out"],
)
def test_wrong_variances_of_a_pixel(wrong):
    refute(PIXEL, wrong, TAPS_APART, facts=FITS)


def test_pixels_share_a_kernel():
    """Two outputs of one channel covary; those of two channels do not, where the kernel's scalars are independent."""
    pair = Covariance(S(1, P), S(2, R), ALL)
    two = Facts((d, PIXELS - TAPS, OUT - 2))
    confirm(pair, Integer(0), TAPS_APART, facts=two)
    refute(Covariance(S(1, P), S(1, R), ALL), Integer(0), TAPS_APART, facts=two)
    taps = Sum(Average(X(L, circular(P, Q)) * X(L, circular(R, Q)), ALL), (L, 1, IN), (Q, 1, TAPS))
    confirm(Covariance(S(K, P), S(K, R), ALL), SharedVariance(C) * taps, TAPS_APART, facts=FITS)


# A data matrix: samples and units; weights that lack the sample's index are shared by all samples.

Y = Family("Y", meaning="the data", extents=lambda _: (SAMPLES, UNITS), layered=False, source=DATA)
WEIGHT = Family("w", meaning="the weights", extents=lambda _: (UNITS, OUT), layered=False, source=BRANCHES)
T = Family(
    "T",
    meaning="the outputs",
    extents=lambda _: (SAMPLES, OUT),
    layered=False,
    definition=lambda m, k: Sum(Y(m, L) * WEIGHT(L, k), (L, 1, UNITS)),
)
SHARED_WEIGHTS = said("weights", (APART, WEIGHT), (CENTRED, WEIGHT), (SHARED, WEIGHT), (Kind.INDEPENDENT_OF, WEIGHT, Y))
OVER_WEIGHTS = Over("weights", (BRANCHES,))
BETWEEN = Covariance(T(M, K), T(J, K), OVER_WEIGHTS)
INNER = SharedVariance(WEIGHT) * Sum(Y(M, L) * Y(J, L), (L, 1, UNITS))


def test_the_covariance_of_two_samples_over_networks():
    confirm(BETWEEN, INNER, SHARED_WEIGHTS)
    rows = Kind("ROWS_APART", "samples are independent of each other", apart=lambda index: index[:1])
    independent = said("samples", (rows, Y))
    mean = Average(T(1, K) * T(2, K), ALL)
    two = Facts((d, SAMPLES - 2))
    product = Sum(Average(Y(1, L), ALL) * Average(Y(2, L), ALL), (L, 1, UNITS))
    confirm(mean, SharedVariance(WEIGHT) * product, SHARED_WEIGHTS, independent, facts=two)
    refute(mean, SharedVariance(WEIGHT) * product, SHARED_WEIGHTS, facts=two)


@pytest.mark.parametrize(
    "wrong",
    [Integer(0), INNER.subs(J, M), INNER / UNITS, UNITS * SharedVariance(WEIGHT) * Y(M, 1) * Y(J, 1)],
    ids=["independent", "the diagonal", "a mean", "one unit"],
)
def test_wrong_covariances_of_two_samples(wrong):
    refute(BETWEEN, wrong, SHARED_WEIGHTS)


# Dependence is hung on any pair of families, and sizes, values and regimes follow what is stated.


@pytest.mark.parametrize(("one", "other"), [(V, U), (V, D), (D, A), (C, X), (X, D), (Y, WEIGHT), (V, C)], ids=str)
def test_any_two_families_depend_on_each_other_both_ways(one, other):
    """Unless declared, a mean over one source moves the other family, and a product's mean is no product of means."""
    a, b = (F(*(1 for _ in range(len(F.extents(0)) + F.layered))) for F in (one, other))
    at_one = Facts((d - 1, SAMPLES - 1))
    for first, second in ((a, b), (b, a)):
        over = Over("one", (first.family.source,))
        if first.family.source != second.family.source:
            refute(Average(second**2, over), second**2, facts=at_one)
    product = (Average(a * b, ALL), Average(a, ALL) * Average(b, ALL))
    refute(*product, facts=at_one)
    refute(*product, said("apart", (APART, one), (APART, other)), facts=Facts((d,)))
    confirm(*product, said("independent", (Kind.INDEPENDENT_OF, one, other)), facts=at_one)


def test_sizes_satisfy_what_facts_and_equations_say():
    twice = Hypothesis("twice", Words("{}.", Eq(PIXELS, 2 * TAPS)), (Property(Kind.REGIME),))
    confirm(PIXELS, 2 * TAPS, twice, said("kernel", (APART, C), (APART, X)))
    refute(PIXELS, 2 * TAPS, said("kernel", (APART, C), (APART, X)))
    for exact in Laboratory(Setting((), FITS)).worlds(S(K, P)):
        assert exact.world.sizes[PIXELS] >= exact.world.sizes[TAPS]


def test_a_variance_that_an_equation_lays_down_is_that_of_the_family():
    laid_down = Hypothesis(
        "he", Words("{}.", Eq(SharedVariance(WEIGHT), 2 / UNITS, evaluate=False)), (Property(SHARED, WEIGHT),)
    )
    square = Average(T(M, K) ** 2, OVER_WEIGHTS)
    mean = 2 * Sum(Y(M, L) ** 2, (L, 1, UNITS)) / UNITS
    confirm(square, mean, SHARED_WEIGHTS, laid_down)
    refute(square, mean, SHARED_WEIGHTS)


def test_an_equation_says_what_f_is():
    t, c = Symbol("t"), Symbol("c", real=True)
    cubic = Hypothesis(
        "cubic", Words("{}.", Eq(f(t), t**3 + c * Abs(t), evaluate=False)), (Property(Kind.REGIME),), for_all=(t,)
    )
    confirm(f(U(K)), U(K) ** 3 + c * Abs(U(K)), cubic)
    refute(f(U(K)), U(K) ** 3 - c * Abs(U(K)), cubic)
    refute(f(U(K)), U(K) ** 3 + c * Abs(U(K)))
