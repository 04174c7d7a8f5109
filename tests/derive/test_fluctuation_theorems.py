"""Norms and gradients of single networks: held against draws, against other laws, and needing what they cite."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from planting import derived
from sympy import Product, Rational, Sum, Symbol, factor

from derive.averages import Average, SharedVariance
from derive.kinds import Kind
from derive.layers import d, i
from derive.network import SLOPE, W, n, x
from derive.proof.laboratory import Laboratory
from derive.proof.laws import Scalar
from derive.proof.verdict import Grade
from derive.theorems.norm_moments import SPREAD, spread_defined

NETWORKS = 200_000
WIDTHS = (3, 4, 7, 2, 5)
SLOPES = (0.0, 0.2, -1.0, 1.0)


@cache
def theorem(name):
    found = derived(name)
    return {part.name: part for part in (found, *found.parts)}


def spread(a):
    """c, from the moments E[u^2] = 1 and E[u^4] = 3 of a standard normal variable on each side of zero."""
    second, fourth = (1 + a**2) / 2, 3 * (1 + a**4) / 2
    return fourth / second**2 - 1


def run(a, seed, bias=0.0):
    """|z^i|^2 for i = 0 to 4 and |g^i|^2 for i = 0 to 3, of He-initialised networks, drawn.

    Without biases all units of a layer of ReLU may be dead, where ReLU has no slope.
    """
    rng = np.random.default_rng(seed)
    z = np.broadcast_to([1.0, -2.0, 0.5], (NETWORKS, 3))
    norms, weights, slopes = [(z**2).sum(1)], [], []
    for fan_in, fan_out in pairwise(WIDTHS):
        w = rng.normal(0, math.sqrt(2 / ((1 + a**2) * fan_in)), (NETWORKS, fan_in, fan_out))
        s = np.einsum("nl,nlk->nk", z, w) + bias * rng.normal(size=(NETWORKS, fan_out))
        slopes.append(np.where(s > 0, 1.0, a))
        weights.append(w)
        z = s * slopes[-1]
        norms.append((z**2).sum(1))
    g = np.broadcast_to([0.3, -1.0, 0.0, 2.0, 1.0], (NETWORKS, 5))
    gradients = [(g**2).sum(1)]
    for w, slope in zip(weights[:0:-1], slopes[-2::-1], strict=True):
        g = slope * np.einsum("nj,nkj->nk", g, w)
        gradients.append((g**2).sum(1))
    return norms, gradients[::-1]


def at(statement, a, values, **layers):
    """The right side, with widths and He's variances put in, as a number."""
    e = statement.rhs.subs({Symbol(k, integer=True): v for k, v in layers.items()}).doit()
    e = e.replace(SharedVariance, lambda _, k: 2 / ((1 + SLOPE**2) * n(k))) if e.has(SharedVariance) else e
    e = e.replace(n, lambda k: WIDTHS[int(k)])
    return float(e.xreplace({SLOPE: Rational(a).limit_denominator(10), SPREAD: spread(a), **values}))


def agree(draws, value):
    """The mean of draws is within five of its standard errors of a value."""
    assert abs(draws.mean() - value) < 5 * draws.std() / math.sqrt(len(draws))


@pytest.mark.parametrize("a", SLOPES)
def test_the_norms_of_drawn_networks_have_the_fourth_moment(a):
    norms, _ = run(a, 1)
    for layer in (1, 2, 4):
        expected = 5.25**2
        for before, units in pairwise(WIDTHS[: layer + 1]):
            expected *= (units / before) ** 2 * (1 + spread(a) / units)
        agree(norms[layer] ** 2, expected)
        closed = theorem("norm-fourth-moment")["norm-fourth-moment"].statement
        total = next(e for e in closed.rhs.args if not e.has(Product))
        factors = Product(*next(e for e in closed.rhs.args if isinstance(e, Product)).args)
        assert total.has(x)
        made = at(type(closed)(closed.lhs, "=", factors), a, {}, i=layer)
        assert math.isclose(5.25**2 * made, expected, rel_tol=1e-12)


@pytest.mark.parametrize("a", SLOPES)
def test_the_gradients_of_drawn_networks_fluctuate_likewise(a):
    """A fixed gradient at the output, with a component of zero: no mean over it is needed."""
    _, gradients = run(a, 2, bias=0.3)
    for layer in (0, 1, 2):
        expected = 1.0
        for units in WIDTHS[layer + 1 : -1]:
            expected *= 1 + spread(a) / units
        relative = gradients[layer] ** 2 / gradients[layer].mean() ** 2
        agree(relative, expected)
        growth = theorem("gradient-fluctuation")["gradient-relative-square"].statement
        product = next(e for e in growth.rhs.atoms(Product))
        made = at(type(growth)(growth.lhs, "=", product), a, {}, i=layer, d=len(WIDTHS) - 2)
        assert math.isclose(made, expected, rel_tol=1e-12)


def test_the_spread_is_that_of_a_squared_activation():
    (defined,) = spread_defined().equations
    for a in SLOPES:
        assert math.isclose(defined.rhs.subs(SLOPE, Rational(a).limit_denominator(10)), spread(a), rel_tol=1e-14)
    assert factor(defined.rhs.subs(SLOPE, 0)) == 5
    assert factor(defined.rhs.subs(SLOPE, 1)) == 2


def test_other_weights_enter_by_their_fourth_moment_and_nothing_else():
    """With E[W^4] = 3 Var[W]^2 the sum of fourth powers leaves the step."""
    step = theorem("norm-fourth-moment")["norm-any-law"].result
    (fourth,) = (e for e in step.atoms(Average) if e.has(W))
    assert len(step.subs(fourth, 3 * SharedVariance(W, i) ** 2).atoms(Average)) == 1
    assert len(step.atoms(Average)) == 3


def step(e, pairs, fourth, units):
    """One layer of slope 1/2 and weights that are uniform on [-1, 1], with E[W^2] = 1/3 and E[W^4] = 1/5."""
    for mean in e.atoms(Average):
        if mean.has(W):
            e = e.subs(mean, Rational(1, 5))
        elif mean.inside[0].has(Sum):
            e = e.subs(mean, pairs)
    e = e.replace(Sum, lambda *_: fourth)
    return float(e.subs({SharedVariance(W, i): Rational(1, 3), n(i + 1): units, SLOPE: Rational(1, 2)}))


def test_uniform_weights_have_the_moments_of_any_law():
    """Uniform weights have E[W^4] = 9/5 Var[W]^2: both recursions, over two layers, against draws."""
    rng, parts = np.random.default_rng(3), theorem("norm-fourth-moment")
    z = np.broadcast_to([1.0, -2.0], (NETWORKS, 2))
    pairs, fourth, a = 25.0, 17.0, 0.5
    for fan_in, units in ((2, 3), (3, 2)):
        w = rng.uniform(-1, 1, (NETWORKS, fan_in, units))
        s = np.einsum("nl,nlk->nk", z, w)
        z = np.where(s > 0, s, a * s)
        made = [step(parts[name].result, pairs, fourth, units) for name in ("norm-any-law", "norm-fourth-powers")]
        pairs, fourth = made
        agree((z**2).sum(1) ** 2, pairs)
        agree((z**4).sum(1), fourth)


def test_the_logarithm_of_the_norm_of_drawn_linear_networks_has_this_mean_and_variance():
    norms, _ = run(1.0, 4)
    parts = theorem("log-norm-law")
    for layer in (1, 3, 4):
        mean, spread_of_log = math.log(5.25), 0.0
        for before, units in pairwise(WIDTHS[: layer + 1]):
            mean += math.log(2 / before) + float(mpmath.digamma(units / 2))
            spread_of_log += float(mpmath.psi(1, units / 2))
        logs = np.log(norms[layer])
        agree(logs, mean)
        agree((logs - mean) ** 2, spread_of_log)
        assert math.isclose(at(parts["log-norm-variance"].statement, 1.0, {}, i=layer), spread_of_log, rel_tol=1e-12)
        added = parts["log-norm-law"].result
        (total,) = (e for e in added.args if not e.has(x))
        made = at(type(parts["log-norm-law"].statement)(added, "=", total), 1.0, {}, i=layer)
        assert math.isclose(math.log(5.25) + made, mean, rel_tol=1e-12)


def test_a_statement_on_gaussians_is_neither_refuted_nor_held_by_finite_laws():
    """E[log xi^2] = log 2 + psi(1/2) fails for other laws: tiny worlds have no say, and do not let it pass either."""
    found = theorem("log-norm-law")["log-norm-variance"]
    left, right = (e.subs(i, 1).doit() for e in (found.statement.lhs, found.statement.rhs))
    assert Laboratory(found.setting.where(d - 1)).compare(left, "=", right).grade is Grade.UNDECIDED
    without = found.setting.without("weights-gaussian").without("standard-gaussians")
    assert Laboratory(without.where(d - 1)).compare(left, "=", right).grade is Grade.FAILED


@pytest.mark.parametrize("name", ["norm-fourth-moment", "gradient-fluctuation"])
@pytest.mark.parametrize("key", ["weights-mesokurtic", "leaky-relu"])
def test_they_need_the_law_of_the_weights_and_the_activation(name, key):
    statement, setting = theorem(name)[name].statement, theorem(name)[name].setting
    one_layer = {i: 1} if name == "norm-fourth-moment" else {i: d - 1}
    left, right = (e.subs(one_layer).doit() for e in (statement.lhs, statement.rhs))
    facts = setting.where(d - 1)
    assert Laboratory(facts).compare(left, "=", right).grade is Grade.ENUMERATED
    without = facts.without(key)
    right = right if key != "leaky-relu" else right.subs(SLOPE, 0)
    assert Laboratory(without).compare(left, "=", right).grade is Grade.FAILED


@pytest.mark.parametrize("variance", [Rational(k, m) for k, m in ((1, 1), (3, 1), (4, 1), (1, 2), (1, 30), (50, 7))])
@pytest.mark.parametrize("scale", [1, -2])
def test_a_tiny_law_has_the_moments_of_a_gaussian(variance, scale):
    v = Fraction(int(variance.p), int(variance.q))
    law = Kind.MESOKURTIC.law(Scalar((), v, scale, int))
    moments = [sum(w * u**k for w, u in law) / sum(w for w, _ in law) for k in (1, 2, 3, 4)]
    assert moments == [0, v * scale**2, 0, 3 * v**2 * scale**4]
    assert all(w > 0 for w, _ in law)
