"""Interpolants in log q: every stated error is at least the true one, and nothing uncertified is interpolated."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.polynomial.hermite_e import hermegauss, hermeval

from derive.activations import activation
from numerics.maps import NumericalMaps
from numerics.maps.hermite import slope_series
from numerics.maps.interpolant import METHOD, Interpolants, interpolants
from numerics.maps.octave import Ellipse

VARIANCES = (1e-9, 3e-4, 0.0131, 0.5, 0.7, 0.99999, 3.3, 17.0)
GAPS = (1e-15, 3e-9, 1e-4, 0.05, 0.37, 0.9, 1.0, 1.3, 2.0)


def expectation(g, q):
    """E[g(sqrt(q) z)] by mpmath's own quadrature, for an even g."""
    root = mp.sqrt(mpf(q))
    return 2 * mp.quad(lambda z: g(root * z) * mp.npdf(z), [0, 0.5, 1, 2, 4, 8, 16])


def erf_pair(q, shared):
    """E[erf(u1) erf(u2)]: Williams 1998."""
    return 2 / mp.pi * mp.asin(2 * shared / (1 + 2 * q))


def sin_pair(q, shared):
    return mp.exp(-q) * mp.sinh(shared)


PAIRS = {"erf": erf_pair, "sin": sin_pair}


def within(found, truth):
    """The truth lies within the stated error, and the error says something."""
    value, error = float(found.value), float(found.error)
    assert abs(mpf(value) - truth) <= mpf(error), (value, truth, error)
    assert error < 1e-12 * abs(value)


@pytest.mark.parametrize("q", VARIANCES)
def test_one_unit_against_mpmath(q):
    """E[tanh^2] and E[tanh'^2] to 30 digits."""
    made = interpolants(activation("tanh"))
    with mp.workdps(30):
        second, slope = made.second_moment(q), made.slope_second_moment(q)
        assert str(second.method) == str(slope.method) == METHOD
        within(second, expectation(lambda s: mp.tanh(s) ** 2, q))
        within(slope, expectation(lambda s: mp.sech(s) ** 4, q))


def interpolating(name):
    """Interpolants, also of an activation with a closed form, for which there are better ways."""
    made = Interpolants(activation(name))
    made.__dict__["_is_direct"] = False
    return made


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("q", VARIANCES[1:-1])
def test_two_units_against_closed_forms(name, q):
    """Separations down to a gap of 1e-15, and covariances down to a correlation of 1e-15, keep relative accuracy."""
    made = interpolating(name)
    with mp.workdps(50):
        whole = PAIRS[name](mpf(q), mpf(q))
        for gap in GAPS:
            found = made.separation(q, gap)
            assert str(found.method) == METHOD
            within(found, whole - PAIRS[name](mpf(q), mpf(q) * (1 - mpf(gap))))
        for rho in (1e-15, 1e-6, 0.2, 0.6, 0.999, -0.4, -1.0):
            within(made.covariance(q, rho), PAIRS[name](mpf(q), mpf(q) * mpf(rho)))


def test_an_odd_function_has_no_covariance_at_correlation_zero():
    found = interpolants(activation("tanh")).covariance([0.3, 0.7], 0.0)
    assert found.value.tolist() == found.error.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["gelu", "softplus", "silu", "x*Phi(1.702*x)", "exp(-x**2)*cos(3*x)"])
def test_against_direct_evaluation(name):
    """In every octave, at its ends too, the two agree within both errors."""
    made = interpolating(name)
    q = np.concatenate([np.geomspace(0.01, 8.0, 23), [0.5, np.nextafter(0.5, 0), 1.0, 2.0]])
    for what in ("second_moment", "slope_second_moment"):
        found, direct = getattr(made, what)(q), getattr(made.maps, what)(q)
        assert (np.abs(found.value - direct.value) <= found.error + direct.error).all(), what
        assert set(found.method) == {METHOD}
    for gap in (1e-6, 0.3):
        found, direct = made.separation(q[:9], gap), made.maps.separation(q[:9], gap)
        assert (np.abs(found.value - direct.value) <= found.error + direct.error).all(), gap


@pytest.mark.parametrize("angle", [0.7, 1.0, 1.3])
def test_the_ellipse_bounds_what_it_says(angle):
    """Modulus and angle of q on the ellipse, and the interpolation error of exp(i t log q), which turns as it can."""
    ellipse = Ellipse(0.75, angle)
    height = angle / (0.5 * np.log(2))
    rho = height + np.hypot(height, 1)
    edge = rho * np.exp(1j * np.linspace(0, 2 * np.pi, 400))
    q = 0.75 * np.exp(0.5 * np.log(2) * (edge + 1 / edge) / 2)
    assert np.angle(q).max() == pytest.approx(angle, rel=1e-4)
    assert ellipse.narrowest <= np.abs(q).min() * (1 + 1e-12)
    assert ellipse.widest() >= (np.abs(q) / np.cos(np.angle(q))).max()
    nodes = np.cos(np.pi * np.arange(21) / 20)
    x = np.linspace(-1, 1, 1001)
    for pole in (1.02 * rho, 1.3 * rho):
        # A pole just outside: (x - z)^-1 is at most 1/distance on the ellipse.
        z = 0.5 * (pole + 1 / pole)
        values = np.polynomial.chebyshev.Chebyshev(np.polynomial.chebyshev.chebfit(nodes, 1 / (nodes - z), 20))(x)
        largest = (1 / np.abs((edge + 1 / edge) / 2 - z)).max()
        assert np.abs(values - 1 / (x - z)).max() <= ellipse.decay * largest + 1e-14


def test_where_nothing_is_certified_the_maps_answer():
    """A kink has no short Mehler series, a jump none at all, and exp(x^2/10) has no mean square beyond q = 2.5."""
    for name, q in (("elu", 0.7), ("sign", 0.7)):
        found = Interpolants(activation(name)).separation(q, 0.1)
        direct = NumericalMaps(activation(name)).separation(q, 0.1)
        assert (found.value, found.method) == (direct.value, direct.method)
        assert METHOD not in str(found.method)
    bump = Interpolants(activation("exp(x**2/10)"))
    near = bump.second_moment(2.4)
    assert METHOD not in str(near.method)
    with mp.workdps(30):
        assert float(near.value) == pytest.approx(float(1 / mp.sqrt(1 - mpf(2.4) * 2 / mpf(5))), rel=1e-9)


def test_arrays_keep_their_shape_and_places():
    """Variances of several octaves in one array, in any order."""
    made = interpolants(activation("erf"))
    q = np.array([[0.3, 5.0, 0.31], [0.02, 0.3, 1.5]])
    found = made.separation(q, np.array([[0.1], [1e-8]]))
    assert found.value.shape == found.error.shape == found.method.shape == (2, 3)
    for row, gap in enumerate((0.1, 1e-8)):
        for column in range(3):
            alone = made.separation(q[row, column], gap)
            assert found.value[row, column] == pytest.approx(float(alone.value), rel=1e-14)


def test_mpmath_is_the_judge():
    """The oracle itself: E[s^2] = q."""
    assert expectation(lambda s: s * s, 2.0) == pytest.approx(2.0)
    assert mpmath.mp.prec >= 53


@pytest.mark.parametrize("order", [2, 4, 6])
@pytest.mark.parametrize("q", [0.2, 0.5])
def test_what_a_series_of_slopes_leaves_out_is_bounded(order, q):
    """Σ k a_k² over the orders that are left out, from E[f'²] and sums over nodes: the stated tail is hardly more."""
    found = slope_series(activation("tanh"), q, order)
    nodes, weights = hermegauss(200)
    weights = weights / weights.sum()
    slope = 1 / np.cosh(np.sqrt(q) * nodes) ** 2
    b = [weights @ (slope * hermeval(nodes, np.eye(order)[k])) / np.sqrt(math.factorial(k)) for k in range(order - 1)]
    left = q * (weights @ slope**2 - np.sum(np.square(b)))
    assert left > 1e-6
    assert left * (1 - 1e-9) <= found.slope_tail <= left * (1 + 1e-6)
    assert found.tail == found.slope_tail / order
    assert found.coefficients[1:] == pytest.approx(np.sqrt(q / np.arange(1, order)) * b, rel=1e-9, abs=1e-12)
