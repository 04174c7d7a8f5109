"""The theorems on blocks: as their sources print them, and wrong versions of them refuted."""

import numpy as np
import pytest
from planting import derived
from sympy import Gt, Integer, Max, Min, Mod, Product, Rational, Sum, Symbol, exp, oo, pi, simplify, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.blocks.lemmas import RATE, SIZES
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, SLOPE, f, n, slope
from derive.proof.laboratory import Laboratory
from derive.proof.oracle import Known
from derive.proof.oracle_reading import Reader
from derive.proof.verdict import Grade
from derive.randomness import NETWORKS, Entry
from derive.rules.any_activation import CORRELATION
from derive.rules.depth import INDEX
from derive.rules.wide import FIRST, SECOND, U, one_gaussian
from derive.theorems.convolution_variance import KERNEL as SIZE
from derive.theorems.convolution_variance import REACH
from derive.theorems.residual_depth import DEPTH, FACTOR, LEAST, LENGTH, MEAN, ROOT
from derive.theorems.residual_depth import C as ROOT_SLOPE
from derive.theorems.residual_variance import ALPHA, SCALES
from derive.theorems.signals import OVER, Q1, Q2, Q12, K, L, T, V

DRAWS = 60_000
KERNEL = Symbol("q", positive=True)
P = Symbol("p", integer=True)


def family(e, name):
    """A family of a statement by its name."""
    return next(entry.family for entry in e.atoms(Entry) if entry.family.name == name)


def theorem(name):
    """A theorem and its parts, parts of parts included, by name."""
    found = derived(name)

    def below(one):
        yield one.name, one
        for part in one.parts:
            yield from below(part)

    return found, dict(below(found))


def variance(e, name):
    return next(v for v in e.atoms(SharedVariance) if v.family.name == name)


def pair(result):
    (found,) = (g for g in result.atoms(type(one_gaussian(U))) if len(g.variables) == 2)
    return found


# As printed.


def test_poole_2016_equation_4():
    """q12' = sigma_w^2 E[phi(u1) phi(u2)] + sigma_b^2; exactly, the mean product of the activations of the layer."""
    found, parts = theorem("covariance-recursion")
    left = found.statement.lhs
    assert isinstance(left, Covariance)
    assert [e.units for e in left.inside] == [(T, K), (V, K)]
    z = family(found.result, "z")
    total = Sum(Average(z(T, L) * z(V, L), OVER), (L, 1, n(0)))
    assert found.result == variance(found.result, "W") * total + variance(found.result, "b")
    wide = parts["covariance-map"]
    assert wide.statement.relation == "->"
    both = pair(wide.result)
    assert wide.result == GAIN * both + BIAS_VARIANCE
    assert both.integrand == f(FIRST) * f(SECOND)
    assert [list(row) for row in both.covariance] == [[Q1, Q12], [Q12, Q2]]


def test_one_sample_is_the_length_map():
    """Equation 3 of Poole et al. is equation 4 with both samples the same."""
    wide = theorem("covariance-recursion")[1]["covariance-map"]
    values = {"q_1": 1.3, "q_2": 1.3, "q_12": 1.3, "q": 1.3, "sigma_w2": 1.7, "sigma_b2": 0.2}
    known = Known(values, {"Activation": np.tanh})
    lengths = Reader(known).number(derived("length-map").result)
    assert Reader(known).number(wide.result) == pytest.approx(lengths, rel=1e-9)


def test_the_post_s_m_squared_is_a_covariance():
    part = theorem("covariance-recursion")[1]["covariance-of-samples"]
    y = family(part.statement.lhs, "y")
    assert isinstance(part.statement.lhs, Covariance)
    assert isinstance(part.result, Variance)
    assert part.result.inside[0].inside[0] == y(T, K)


def test_layer_by_layer():
    chain = theorem("covariance-recursion")[1]["covariance-of-layers"]
    z = family(chain.result, "z")
    total = Sum(Average(z(i, T, L) * z(i, V, L), NETWORKS), (L, 1, n(i)))
    assert chain.result == variance(chain.result, "W") * total + variance(chain.result, "b")
    stream = theorem("residual-variance")[1]["residual-of-layers"]
    h, a = family(stream.statement.lhs, "h"), family(stream.result, "a")
    added = Sum(Average(a(i, T, L) * a(i, V, L), NETWORKS), (L, 1, n(0)))
    before = Average(h(i, T, K) * h(i, V, K), NETWORKS)
    assert stream.result == before + SCALES(i) ** 2 * variance(stream.result, "W") * added


def test_residual_blocks():
    found, parts = theorem("residual-variance")
    h, a = family(found.result, "h"), family(found.result, "a")
    before = Average(h(T, K) * h(V, K), OVER)
    added = Sum(Average(a(T, L) * a(V, L), OVER), (L, 1, n(0)))
    assert found.result == before + ALPHA**2 * variance(found.result, "W") * added
    assert parts["residual-mean"].result == Average(h(T, K), OVER)
    wide = parts["residual-map"].result
    assert wide == before + ALPHA**2 * GAIN * pair(wide)
    back = parts["residual-gradient-map"].result
    factor = 1 + ALPHA**2 * GAIN * one_gaussian(slope(U) ** 2, Q1)
    assert back == variance(back, "g") * factor
    coherent = parts["ending-activation-gradient"].result
    weights = family(coherent, "V")
    (alone,) = (e for e in coherent.atoms(Average) if e.inside[0].has(weights(K, K)))
    assert coherent.expand().coeff(ALPHA, 1) == 2 * alone * variance(coherent, "g")
    ending = parts["ending-activation-mean"].result
    assert ending == Average(h(T, K), OVER) + ALPHA * one_gaussian(f(U), Q1)
    crossed = parts["ending-activation-map"].result
    one, other = one_gaussian(f(U), Q1), one_gaussian(f(U), Q2)
    means = Average(h(T, K), OVER) * other + Average(h(V, K), OVER) * one
    assert simplify(crossed - (before + ALPHA * means + ALPHA**2 * pair(crossed))) == 0


def test_residual_depth():
    found, parts = theorem("residual-depth")
    squares = Sum(FACTOR(INDEX) ** 2, (INDEX, 0, DEPTH - 1))
    assert found.result == LENGTH(0) * Product(1 + FACTOR(INDEX) ** 2, (INDEX, 0, DEPTH - 1))
    assert parts["residual-step"].result == Q1 * (1 + ALPHA**2)
    assert parts["residual-depth-unscaled"].result == 2**DEPTH * LENGTH(0)
    for name, relation in (("bounded", "<="), ("limit", "~")):
        part = parts[f"residual-depth-{name}"]
        assert (part.statement.relation, part.result) == (relation, LENGTH(0) * exp(ROOT_SLOPE**2))
    assert parts["residual-depth-above"].result == LENGTH(0) * exp(squares)
    assert parts["residual-depth-below"].statement.lhs == 1 + squares
    step = parts["ending-rectifier-step"]
    assert step.statement.relation == "<="
    factor = 1 + sqrt(GAIN) * sqrt(Max(1, SLOPE**2)) * abs(ALPHA)
    assert step.result == sqrt(Q1) * factor
    total = Sum(FACTOR(INDEX), (INDEX, 0, DEPTH - 1))
    assert parts["residual-depth-ending"].result == ROOT(0) * exp(ROOT_SLOPE * total)
    mean = parts["ending-mean-step"]
    assert mean.statement.relation == "->"
    (before,) = mean.result.atoms(Average)
    assert simplify(mean.result - before - ALPHA * (1 - SLOPE) * sqrt(GAIN * Q1 / (2 * pi))) == 0
    below = parts["residual-depth-ending-below"].statement
    assert (below.relation, below.rhs) == ("<=", MEAN(DEPTH))
    assert simplify(below.lhs - MEAN(0) * (1 + LEAST * total)).doit() == 0
    assert parts["mean-below-root"].statement.relation == "<="


def test_which_sums_are_finite():
    """alpha_l = c/(l + 1) keeps a branch that ends in weights bounded; one that ends in its activation it does not."""
    square = Sum(1 / (INDEX + 1) ** 2, (INDEX, 0, oo))
    assert square.doit().is_finite
    assert Sum(1 / (INDEX + 1), (INDEX, 0, oo)).doit() == oo


def test_dropout():
    """Schoenholz et al. 2017, section 5, in terms of the drop rate: q' = sigma_w^2 E[phi^2]/(1 - p) + sigma_b^2."""
    found, parts = theorem("dropout-variance")
    over = found.statement.lhs.over
    z = family(found.result, "z")
    square, mean = Average(z(T, K) ** 2, over), Average(z(T, K), over)
    assert found.result == square / (1 - RATE)
    assert parts["dropout-mean"].result == mean
    assert parts["dropout-covariance"].result == Average(z(T, K) * z(V, K), over)
    assert parts["dropout-spread"].result == square / (1 - RATE) - mean**2
    assert parts["dropout-gradient"].result == variance(parts["dropout-gradient"].result, "g") / (1 - RATE)
    lengths = GAIN * one_gaussian(f(U) ** 2) / (1 - RATE) + BIAS_VARIANCE
    assert parts["dropout-length-map"].result == lengths
    wide = parts["dropout-covariance-map"].result
    assert wide == GAIN * pair(wide) + BIAS_VARIANCE
    assert pair(wide).covariance[0][1] == CORRELATION * KERNEL
    at_one = parts["dropout-correlation-at-one"].result
    lost = RATE / (1 - RATE) * GAIN * one_gaussian(f(U) ** 2) / KERNEL
    assert simplify(at_one - (1 - lost)) == 0
    critical = parts["dropout-no-critical-point"]
    assert critical.statement.relation == "<=>"
    assert critical.statement.lhs == Gt(1, at_one, evaluate=False)
    assert critical.result == Gt(RATE, 0)


def test_convolutions():
    found, parts = theorem("convolution-variance")
    assert found.result.atoms(Mod)
    weights, biases = variance(found.result, "K"), variance(found.result, "b")
    assert parts["convolution-circular"].result == SIZE * n(0) * weights * KERNEL + biases
    size = SIZES[0]
    seen = 1 + Min(3, size - P + 2) - Max(1, 3 - P)
    count = parts["convolution-padded-count"].result.subs(REACH, 1)
    assert simplify(count - (seen * n(0) * weights * KERNEL + biases)) == 0
    counts = [seen.subs({P: p, size: 5}) for p in range(1, 6)]
    assert counts == [2, 3, 3, 3, 2]
    back = parts["convolution-gradient"].result
    assert back == SIZE * n(1) * variance(back, "K") * variance(back, "g")
    grouped, _ = theorem("grouped-convolution")
    assert grouped.result == SIZE * n(0) * variance(grouped.result, "K") * KERNEL + variance(grouped.result, "b")
    _, images = theorem("convolution-variance-2d")
    image = images["convolution-2d-circular"].result
    assert image == 9 * n(0) * variance(image, "K") * KERNEL + variance(image, "b")
    back = images["convolution-2d-gradient"].result
    assert back == 9 * n(1) * variance(back, "K") * variance(back, "g")


@pytest.mark.parametrize(("size", "counts"), [(5, [1, 2, 1, 2, 1]), (6, [1, 2, 1, 2, 1, 1])])
def test_how_many_outputs_read_an_input(size, counts):
    """A kernel of three at every second place: each place but the even ones is read once, those twice."""
    result = theorem("convolution-variance")[1]["convolution-gradient-stride"].result
    units = {n(1): 1, variance(result, "K"): 1, variance(result, "g"): 1, SIZES[0]: size, REACH: 1}
    found = [result.xreplace({k: Integer(v) for k, v in {**units, P: p}.items()}).doit() for p in range(1, size + 1)]
    assert found == counts


def test_how_many_outputs_of_an_image_and_of_a_group_read_a_pixel():
    """Rows and columns are counted each for themselves; of two groups, the outputs of one."""
    for name, part, kernel in (
        ("convolution-variance-2d", "convolution-2d-gradient-stride", "K"),
        ("grouped-convolution", "grouped-convolution-2d-gradient", "G"),
    ):
        result = theorem(name)[1][part].result
        units = {
            n(0): 1,
            n(1): 1,
            variance(result, kernel): 1,
            variance(result, "g"): 1,
            SIZES[0]: 5,
            SIZES[1]: 6,
            K: 2,
        }
        rows, columns = [1, 2, 1, 2, 1], [1, 2, 1, 2, 1, 1]
        # One row, one column, and the corners.
        for p, q in {*((p, 2) for p in range(1, 6)), *((2, q) for q in range(1, 7)), (1, 1), (1, 6), (5, 1), (5, 6)}:
            at = {**units, P: p, Symbol("p'", integer=True): q}
            counted = result.xreplace({k: Integer(v) for k, v in at.items()}).doit()
            assert counted == rows[p - 1] * columns[q - 1]


def test_pooling():
    found, parts = theorem("pooled-variance")
    size = SIZES[0]
    m = Symbol("m", real=True)
    assert found.result.atoms(Sum)
    alike = parts["pooled-alike"].result
    assert simplify(alike - (KERNEL + (size - 1) * m) / size) == 0
    back = parts["pooled-gradient"].result
    assert back == variance(back, "g") / size**2


# Wrong versions.


def wrong(name, part, spoil):
    found = theorem(name)[1][part]
    setting, lhs = found.setting, found.statement.lhs
    return Laboratory(setting).compare(lhs, found.statement.relation, spoil(found.result))


def no_bias(result):
    return result - variance(result, "b")


@pytest.mark.parametrize(
    ("name", "part", "spoil"),
    [
        ("covariance-recursion", "covariance-recursion", no_bias),
        ("covariance-recursion", "covariance-recursion", lambda e: e.xreplace({V: T})),
        ("covariance-recursion", "covariance-of-layers", lambda e: e.subs(i, i + 1)),
        ("covariance-recursion", "covariance-of-samples", lambda e: 2 * e),
        ("residual-variance", "residual-variance", lambda e: e.subs(ALPHA**2, ALPHA)),
        ("residual-variance", "residual-mean", lambda e: e + ALPHA),
        ("residual-variance", "residual-gradient", lambda e: e.subs(ALPHA**2, ALPHA)),
        ("residual-variance", "ending-activation-gradient", lambda e: e.subs(ALPHA, -ALPHA)),
        ("residual-depth", "mean-below-root", lambda e: e / 2),
        ("residual-depth", "residual-depth-below", lambda e: e - FACTOR(0) ** 2 - 1),
        ("dropout-variance", "dropout-variance", lambda e: e * (1 - RATE) / RATE),
        ("dropout-variance", "dropout-covariance", lambda e: e / (1 - RATE)),
        ("dropout-variance", "dropout-gradient", lambda e: e * (1 - RATE)),
        ("convolution-variance", "convolution-variance", lambda e: e.subs(P, P + 1)),
        ("convolution-variance", "convolution-padded", no_bias),
        ("convolution-variance", "convolution-gradient", lambda e: e * Rational(2, 3)),
        ("convolution-variance", "convolution-gradient-stride", lambda e: 2 * e),
        ("convolution-variance-2d", "convolution-2d-gradient", lambda e: e / 3),
        ("convolution-variance-2d", "convolution-2d-gradient-stride", lambda e: 2 * e),
        ("pooled-variance", "pooled-variance", lambda e: e * SIZES[0]),
        ("pooled-variance", "pooled-gradient", lambda e: e * SIZES[0]),
    ],
)
def test_a_wrong_version_is_refuted_in_a_tiny_world(name, part, spoil):
    assert wrong(name, part, lambda e: e).grade is Grade.ENUMERATED
    assert wrong(name, part, spoil).grade is Grade.FAILED
