"""The theorems on (leaky) ReLU: refuted without their hypotheses, held against quadrature and iteration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from planting import derived
from sympy import Rational, Symbol, log, pi

from derive.network import BIAS_VARIANCE, GAIN, SLOPE
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade
from derive.rules.analysis import T_OF_M_V, DecayFunction, T
from derive.rules.asymptotics import LAYER
from derive.rules.wide import M, V
from derive.theorems.sample_variance_decay import Q

SLOPES = [Rational(0), Rational(1, 5), Rational(1), Rational(-1)]


@pytest.mark.parametrize("key", ["symmetric", "leaky-relu"])
def test_half_variance_needs_its_hypotheses(key):
    """A skewed law, or another activation, refutes it in a tiny world."""
    theorem = derived("half-variance")
    statement = theorem.statement
    verdict = Laboratory(theorem.setting.without(key)).compare(statement.lhs, "=", statement.rhs.subs(SLOPE, 0))
    assert verdict.grade is Grade.FAILED
    assert verdict.counterexample is not None


def test_network_variance_needs_symmetric_weights():
    """Weights of mean zero that are skewed change the variance over networks."""
    theorem = derived("network-variance")
    statement = theorem.statement
    assert Laboratory(theorem.setting).compare(statement.lhs, "=", statement.rhs).grade is Grade.ENUMERATED
    without = Laboratory(theorem.setting.without("weights-symmetric"))
    assert without.compare(statement.lhs, "=", statement.rhs).grade is Grade.FAILED


@pytest.mark.parametrize("wrong", [lambda e: 2 * e, lambda e: e.subs(SLOPE, -SLOPE), lambda e: e + 1])
def test_a_wrong_half_variance_is_caught(wrong):
    """A wrong constant, a wrong sign of the slope, a lost term: tiny worlds refute each, except an even slope."""
    theorem = derived("half-variance")
    after = wrong(theorem.result)
    tampered = replace(
        theorem,
        statement=replace(theorem.statement, rhs=after),
        steps=(*theorem.steps[:-1], replace(theorem.steps[-1], after=after)),
    )
    assert bool(tampered.check()) == (after == theorem.result)


NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


def panel(low, high):
    """Return nodes and weights of the standard normal law between two (arrays of) limits."""
    half, middle = (high - low) / 2, (high + low) / 2
    x = middle[..., None] + half[..., None] * NODES
    return x, half[..., None] * WEIGHTS * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def nested(m, v, a):
    """E_mu[(E_nu f(mu + nu))^2] by nested Gauss-Legendre panels, the inner ones split at the kink."""
    outer, weight = panel(np.array([-10.0, 0.0]), np.array([0.0, 10.0]))
    mu = m * outer.ravel()
    kink = np.clip(-mu / v, -10, 10)
    inner = np.zeros_like(mu)
    for low, high, slope in ((np.full_like(mu, -10.0), kink, a), (kink, np.full_like(mu, 10.0), 1.0)):
        x, w = panel(low, high)
        inner += (slope * (mu[:, None] + v * x) * w).sum(axis=1)
    return float((inner**2 * weight.ravel()).sum())


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize(("m", "v"), [(Rational(3, 4), Rational(1, 2)), (Rational(1, 3), Rational(2))])
def test_kernel_against_quadrature(slope, m, v):
    """K(m, v), and the stable form of m'^2 and v'^2 that rests on it, against an integral that shares no code."""
    values = {M: m, V: v, SLOPE: slope, GAIN: Rational(3, 2), BIAS_VARIANCE: Rational(1, 10)}
    k = nested(float(m), float(v), float(slope))
    assert float(derived("kernel-K").result.subs(values)) == pytest.approx(k, rel=1e-11)
    stable = derived("sample-variance-stable")
    v2, m2 = (e.subs(T, T_OF_M_V).doit().subs(values) for e in (stable.result, stable.parts[0].result))
    total = Rational(3, 2) * (1 + slope**2) / 2 * (m**2 + v**2) + Rational(1, 10)
    assert float(m2) == pytest.approx(1.5 * k + 0.1, rel=1e-11)
    assert float(v2) == pytest.approx(float(total) - 1.5 * k - 0.1, rel=1e-10)


def test_relu_at_gain_two_is_the_form_that_is_known():
    """v'^2 = v^2 (1 - h/pi), m'^2 = m^2 + v^2 h/pi."""
    stable = derived("sample-variance-stable")
    relu = {SLOPE: 0, GAIN: 2, BIAS_VARIANCE: 0}
    h = DecayFunction(T)
    assert (stable.result.subs(relu) - V**2 * (1 - h / pi)).expand() == 0
    assert (stable.parts[0].result.subs(relu) - M**2 - V**2 * h / pi).expand() == 0


@pytest.mark.parametrize("slope", [0, Rational(1, 5), -1])
def test_decay_against_iteration(slope):
    """The leading constant and the logarithm, against 200 000 layers; a wrong constant is caught."""
    layers = 200_000
    a = float(slope)
    kappa = (1 - a) ** 2 / (math.pi * (1 + a**2))
    m2, v2 = 0.0, 1.0
    for _ in range(layers):
        t = math.sqrt(v2 / (v2 + 2 * m2))
        small = t * (4 / 3 - 8 * t**2 / 15 + 12 * t**4 / 35)
        h = small if t < 1e-2 else math.atan(t) + (t - math.atan(t)) / t**2
        v2, m2 = v2 * (1 - kappa * h), m2 + v2 * kappa * h
    form = derived("sample-variance-decay").result.subs({SLOPE: slope, Q: 1})
    predicted = float(form.subs(LAYER, layers).evalf())
    # What is left out is a constant over l: 1e-4 here; the logarithm itself is 2e-4.
    assert float(v2) == pytest.approx(predicted, rel=1e-4)
    leading = float((form / (1 - 3 * log(LAYER) / (2 * LAYER)) ** 2).subs(LAYER, layers).evalf())
    assert abs(float(v2) / leading - 1) > abs(float(v2) / predicted - 1)
    assert Symbol("l", integer=True, positive=True) == LAYER


def test_layer_variance_fluctuation_of_relu():
    """5/N for ReLU: 6 (1 + a^4)/(1 + a^2)^2 - 1 at a = 0, and 2 for the line, the chi-square's."""
    part = derived("layer-variance").parts[-1].result
    assert part.subs(SLOPE, 0) == 5
    assert part.subs(SLOPE, 1) == 2
