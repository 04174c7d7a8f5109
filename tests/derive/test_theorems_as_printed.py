"""What the sources print, typed again from them (Glorot & Bengio and the wide maps: in their theorems' own tests)."""

import pytest
from planting import derived
from sympy import Eq, Product, Rational, Sum, Symbol, acos, cos, erfc, exp, log, pi, simplify, sin, sqrt, symbols

from derive.averages import Average, SharedVariance, Variance
from derive.layers import d, i
from derive.network import AT_ZERO, BIAS_VARIANCE, GAIN, SLOPE, SLOPE_AT_ZERO, W, b, cost_gradient, f, g, n, s, x, z
from derive.randomness import NETWORKS, SAMPLES
from derive.rules.any_activation import CURVATURE_OF_F, SLOPE_OF_F
from derive.rules.any_activation import Q as LENGTH
from derive.rules.asymptotics import LAYER
from derive.rules.wide import M, U, V, one_gaussian
from derive.theorems.edge_of_chaos import CHI, GAP
from derive.theorems.edge_of_chaos import LAYER as DEPTH
from derive.theorems.kumar import FAN_IN, VARIANCE
from derive.theorems.network_variance import OVER_Y, Y
from derive.theorems.rectifier_gradient import FIXED_INPUT
from derive.theorems.total_variance import NETWORKS_AND_SAMPLES

J, K, L = (Symbol(c, integer=True) for c in "jkl")
P = Symbol("i'", integer=True)
HALF = (1 + SLOPE**2) / 2


def theorem(name):
    found = derived(name)
    return found, {part.name: part.statement for part in found.parts}


def same(left, right):
    return simplify(left - right) == 0


def test_he_2015_forward():
    """Between equations 8 and 9: E[x^2] = Var[y]/2; equation 8 with 9, equation 9, and 10 and 15 for PReLU."""
    half, _ = theorem("half-variance")
    assert half.statement.lhs == Average(f(Y()) ** 2, OVER_Y)
    assert same(half.result.subs(SLOPE, 0), Average(Y() ** 2, OVER_Y) / 2)
    found, parts = theorem("network-variance")
    assert found.statement.lhs == Variance(s(i + 1, K), NETWORKS)
    layer = n(i + 1) * SharedVariance(W, i + 1) * Variance(s(i, L), NETWORKS)
    assert same(found.result.subs(SLOPE, 0), layer / 2 + SharedVariance(b, i + 1))
    assert same(found.result, HALF * layer + SharedVariance(b, i + 1))
    factors = Product(HALF * n(P) * SharedVariance(W, P), (P, 1, i))
    first = SharedVariance(W, 0) * Sum(x(L) ** 2, (L, 1, n(0)))
    at_two = {i: 2}
    assert same(parts["network-variance-closed"].rhs.subs(at_two).doit(), (first * factors).subs(at_two).doit())
    condition = parts["he-condition"]
    assert condition.lhs == Eq(Variance(s(i + 1, K), NETWORKS), Variance(s(i, J), NETWORKS))
    assert condition.rhs.lhs == SharedVariance(W, i + 1)
    assert same(HALF * n(i + 1) * condition.rhs.rhs, 1)


def test_he_2015_backward():
    """Equation 13, and 14 for PReLU: the fan-out instead of the fan-in."""
    found, parts = theorem("rectifier-gradient")
    one_on = Variance(cost_gradient(s(i + 1, J)), FIXED_INPUT)
    assert found.statement.lhs == Variance(cost_gradient(s(i, K)), FIXED_INPUT)
    assert same(found.result, HALF * n(i + 2) * SharedVariance(W, i + 1) * one_on)
    condition = parts["rectifier-backward-condition"].rhs
    assert condition.lhs == SharedVariance(W, i + 1)
    assert same(HALF * n(i + 2) * condition.rhs, 1)
    closed = parts["rectifier-gradient-closed"].rhs.subs({i: 1, d: 3}).doit()
    factors = Product(HALF * n(P + 1) * SharedVariance(W, P), (P, 2, 3)).doit()
    assert same(closed, SharedVariance(g) * factors)
    weight = parts["rectifier-weight-gradient"].rhs
    assert weight == Average(z(i, L) ** 2, FIXED_INPUT) * Variance(cost_gradient(s(i, K)), FIXED_INPUT)


def test_the_law_of_total_variance():
    found, _ = theorem("total-variance")
    y = s(i, K)
    assert found.statement.lhs == Variance(y, NETWORKS_AND_SAMPLES)
    assert found.result == Variance(Average(y, SAMPLES), NETWORKS) + Average(Variance(y, SAMPLES), NETWORKS)


@pytest.mark.parametrize(("m", "v"), [(1, 1), (Rational(1, 2), 3), (5, Rational(1, 7))])
def test_kernel_k_is_the_arc_cosine_kernel_of_order_one(m, v):
    """Cho & Saul 2009, equations 3 and 6: k_1 = |x||y| J_1(theta)/pi with J_1 = sin theta + (pi - theta) cos theta.

    It is twice the mean over Gaussian weights.
    """
    theta = acos(Rational(m) ** 2 / (Rational(m) ** 2 + Rational(v) ** 2))
    kernel = (m**2 + v**2) * (sin(theta) + (pi - theta) * cos(theta)) / (2 * pi)
    found, parts = theorem("kernel-K")
    for result in (found.result, parts["kernel-K-price"].rhs):
        difference = result.subs({SLOPE: 0, M: m, V: v}) - kernel
        assert abs(difference.evalf(30)) < 1e-25


def test_the_post_s_map_of_mean_and_fluctuation():
    """Steps 3 and 4: m'^2 = sigma_w^2 K + sigma_b^2, at He's gain 2 K; v'^2 is what is left of sigma_w^2 q/2."""
    kernel, _ = theorem("kernel-K")
    found, _ = theorem("sample-variance")
    assert found.statement.lhs == Variance(Average(s(i + 1, K), SAMPLES), NETWORKS)
    assert same(found.result, GAIN * kernel.result + BIAS_VARIANCE)
    assert same(found.result.subs({GAIN: 2, BIAS_VARIANCE: 0}), 2 * kernel.result)


def test_layer_randomness_of_the_post():
    """sigma_w^2/N |z|^2, and the mean of |z|^2."""
    found, parts = theorem("layer-variance")
    (shared,) = found.result.atoms(SharedVariance)
    (total,) = found.result.atoms(Sum)
    assert found.result == shared * total
    assert str(total.function) == "z_l**2"
    assert total.limits == ((L, 1, n(0)),)
    (mean,) = parts["layer-variance-mean"].rhs.atoms(Average)
    assert mean.inside == (total.function,)


def test_kumar_2017():
    """Equation 14: v^2 = 1/(N g'(0)^2 (1 + g(0)^2)); 1/N for tanh, (3.6)^2/N for the sigmoid."""
    found, _ = theorem("kumar-2017")
    assert found.statement.lhs == VARIANCE
    assert same(found.result, 1 / (FAN_IN * SLOPE_AT_ZERO**2 * (1 + AT_ZERO**2)))
    assert found.result.subs({AT_ZERO: 0, SLOPE_AT_ZERO: 1}) == 1 / FAN_IN
    sigmoid = found.result.subs({AT_ZERO: Rational(1, 2), SLOPE_AT_ZERO: Rational(1, 4)})
    assert round(float(sqrt(sigmoid * FAN_IN)), 1) == 3.6


def test_klambauer_2017():
    """Equation 14: alpha and lambda in closed form, 1.67326 and 1.0507."""
    root = erfc(1 / sqrt(2)) * exp(Rational(1, 2))
    alpha = -sqrt(2 / pi) / (root - 1)
    under = 2 * erfc(sqrt(2)) * exp(2) + pi * root**2 - 2 * (2 + pi) * root + pi + 2
    scale = (1 - root) * sqrt(2 * pi) / sqrt(under)
    found, parts = theorem("selu-fixed-point")
    assert abs((parts["selu-alpha"].rhs - alpha).evalf(40)) < 1e-35
    assert abs((found.result - scale).evalf(40)) < 1e-35
    assert round(float(alpha), 5) == 1.67326
    assert round(float(scale), 4) == 1.0507


def test_mean_field_slope_edge_and_depth():
    """chi_1 = sigma_w^2 E[phi'^2], 1 at the edge; a distance falls by exp(-l/xi), 1/xi = -log chi."""
    slope = one_gaussian(SLOPE_OF_F(U) ** 2)
    found, _ = theorem("correlation-map-slope")
    assert found.result == GAIN * slope
    edge, _ = theorem("edge-of-chaos")
    assert edge.statement.lhs == Eq(GAIN * slope, 1)
    assert edge.result == Eq(GAIN, 1 / slope)
    depth, _ = theorem("depth-scale")
    xi = -1 / log(CHI)
    assert depth.statement.lhs == GAP(DEPTH)
    assert same(depth.result, GAP(0) * exp(-DEPTH / xi))


def test_hayou_2019_smooth():
    """1 - c_l ~ beta_q/l with beta_q = 2 E[phi'^2]/(q E[phi''^2]), at the edge: sigma_w^2 = 1/E[phi'^2]."""
    found, _ = theorem("critical-correlation-smooth")
    slope, curvature = one_gaussian(SLOPE_OF_F(U) ** 2), one_gaussian(CURVATURE_OF_F(U) ** 2)
    p, r = symbols("p r", positive=True)
    leading = (found.result.subs(log(LAYER), 0) * LAYER).subs({curvature: r, GAIN: 1 / p})
    assert same(leading, (2 * slope / (LENGTH * curvature)).subs({slope: p, curvature: r}))
