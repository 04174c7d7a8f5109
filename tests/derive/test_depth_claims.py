"""Layers that learn alike, and how the fluctuation of real widths grows: verdicts, against arithmetic and iteration."""

from __future__ import annotations

import math

import pytest
from sympy import Eq, Rational

import derive
from derive.averages import SharedVariance
from derive.layers import i
from derive.network import DERIVATIVES, GAIN, W
from derive.theorems.nearly_linear import LAYER, Q
from derive.theorems.trainable_depth import CHI, DISTANCE


def test_constant_gradients_and_activations_do_not_make_layers_contribute_alike():
    """Widths 2, 2, 1: both equalities hold with variances 1/2 and 1."""
    audit = derive.claim("answer-2-rhythm").audit()
    assert audit.verdict == "holds-if"
    assert audit.condition == Eq(SharedVariance(W, i + 1), SharedVariance(W, i))
    assert [h.key for h in audit.suffices] == ["homogeneous"]
    assert (str(audit.counterexample.left), str(audit.counterexample.right)) == ("True", "False")


@pytest.mark.parametrize("name", ["pdlt-relu", "pdlt-linear", "pdlt-universal", "hanin-rolnick-sum"])
def test_fluctuations_grow_as_books_and_papers_have_it(name):
    assert derive.claim(name).audit().verdict == "holds"


def test_two_thirds_by_the_recursion_of_tanh():
    """V' = chi^2 V + h with the moments of tanh by quadrature: V/q^2 is near (2/3) l/n, l = 1/(2 q)."""
    x, w = _hermite(60)

    def mean(power, q):
        return math.fsum(b * math.tanh(a * math.sqrt(q)) ** power for a, b in zip(x, w, strict=True))

    q, layers = 1e-3, 400
    # Layer 1/(2 q) from a far start; what it had then is forgotten like the cube of the layer.
    vertex = 0.0
    for _ in range(layers * 10):
        square, step = mean(2, q), 1e-4 * q
        slope = (mean(2, q + step) - mean(2, q - step)) / (2 * step)
        q, vertex = square, slope**2 * vertex + mean(4, q) - square**2
    assert vertex / q**2 * 2 * q == pytest.approx(2 / 3, abs=0.01)


def _hermite(nodes):
    from numpy.polynomial.hermite_e import hermegauss

    x, w = hermegauss(nodes)
    return list(map(float, x)), [float(v) / math.sqrt(2 * math.pi) for v in w]


def test_a_tanh_network_of_small_lengths_is_linear_for_one_over_its_length():
    """E[tanh^2] by quadrature, ten layers from q = 1/1000: 1 - q_l/q = 2 l q."""
    x, w = _hermite(60)
    q = 1e-3
    for _ in range(10):
        q = sum(b * math.tanh(a * math.sqrt(q)) ** 2 for a, b in zip(x, w, strict=True))
    found = derive.theorem("nearly-linear")
    at_zero = {g(0): value for g, value in zip(DERIVATIVES, (0, 1, 0, -2), strict=False)}
    predicted = found.result.xreplace(at_zero).subs({GAIN: 1, LAYER: 10, Q: Rational(1, 1000)}).doit()
    assert 1 - predicted * 1000 == Rational(20, 1000)
    assert 1 - q * 1000 == pytest.approx(0.02, rel=0.05)
    assert "for δ/(2 q) layers" in str(found.remarks[0])


def test_the_reach_near_the_edge_is_one_over_the_distance():
    found = derive.theorem("trainable-depth")
    parts = {part.name: part.result for part in found.parts}
    assert float(found.result.rhs.subs(CHI, 0.98)) == pytest.approx(-1 / math.log(0.98), rel=1e-12)
    assert float(parts["trainable-depth-ordered"].subs(DISTANCE, 0.02)) == pytest.approx(
        -0.02 / math.log(0.98), rel=1e-4
    )
    assert float(parts["trainable-depth-chaotic"].subs(DISTANCE, 0.02)) == pytest.approx(
        0.02 / math.log(1.02), rel=1e-4
    )
