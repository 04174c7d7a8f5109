"""Φ, φ, T and Φ₂ to the digits asked, relative to the value, in every region: against ball arithmetic."""

from itertools import pairwise
from random import Random

import mpmath
import pytest
from flint import acb, arb, ctx
from mpmath import fp, mp
from sympy import I, Rational, Symbol, sqrt

from derive.gaussian import numeric
from derive.gaussian.functions import BivariateNormalCDF, NormalDensity, OwensT, Phi

BITS = 250


def ball(x):
    """A float as an exact ball."""
    return arb(float(x))


def enclosure(integrand, low, high):
    """The integral of an analytic function with a relative error that is proved."""
    found = acb.integral(integrand, acb(low), acb(high), rel_tol=arb(2) ** -220, abs_tol=arb(0), eval_limit=10**6).real
    assert found.rel_accuracy_bits() > 190
    return found


def normal_cdf(x):
    """Φ of a ball, real or complex."""
    return (-x / arb(2).sqrt()).erfc() / 2


def owens_t_ball(h, a):
    """T by its definition, the factor exp(-h²/2) taken out of the integral."""
    h, a = ball(h), ball(a)
    inside = enclosure(lambda x, _: (-h * h * x * x / 2).exp() / (1 + x * x), 0, a)
    return (-h * h / 2).exp() * inside / (2 * arb.pi())


def log_size(integrand, piece):
    """About the logarithm of an integral over a piece."""
    low, high = map(ball, piece)
    return max(float((abs(integrand(x, 0).real).mid() * (high - low)).log()) for x in (low, (low + high) / 2, high))


def bivariate_ball(h, k, rho):
    """Φ₂ as ∫ φ(x) Φ((k - ρx)/√(1-ρ²)) dx up to h, from where the rest is below 2^-220 of it."""
    with mp.workdps(40):
        gap = (1 - mp.mpf(rho)) * (1 + mp.mpf(rho))
        # The exponent of the density at the corner: that of the value is at most as large, but for a narrow strip.
        corner = (mp.mpf(h) ** 2 - 2 * mp.mpf(rho) * h * k + mp.mpf(k) ** 2) / (2 * gap)
        low = float(-mp.sqrt(2 * min(corner, 2500) + 600))
        near = [float(k / mp.mpf(rho) + n * mp.sqrt(gap)) for n in (-64, -16, -8, -4, -2, 0, 2, 4, 8, 16, 64)]
    points = sorted({low, h, *(h + (low - h) / 4**n for n in range(1, 30)), *(p for p in near if low < p < h)})
    h, k, rho = ball(h), ball(k), ball(rho)
    spread = ((1 - rho) * (1 + rho)).sqrt()

    def integrand(x, _):
        return (-x * x / 2).exp() * normal_cdf((acb(k) - rho * x) / spread)

    total = arb(0)
    pieces = pairwise(points)
    # The largest first: the others need a bound relative to it only.
    for a, b in sorted(pieces, key=lambda p: log_size(integrand, p), reverse=True):
        small = total.abs_lower() * arb(2) ** -225
        total += acb.integral(integrand, acb(a), acb(b), rel_tol=arb(2) ** -220, abs_tol=small).real
    total /= (2 * arb.pi()).sqrt()
    assert total.rel_accuracy_bits() > 150
    return total


def number(x):
    """The middle of a ball."""
    return mpmath.mpf(x.mid().str(70, radius=False))


@pytest.fixture(autouse=True)
def precision():
    """Enough bits for every reference."""
    before, ctx.prec = ctx.prec, BITS
    yield
    ctx.prec = before


def holds(function, arguments, exact, digits=(15, 30, 50), float_error=2e-14):
    """The function at many precisions, and in floats, against an exact value."""
    with mp.workdps(70):
        exact = number(exact)
    for asked in digits:
        with mp.workdps(asked):
            found = function(mp, *map(mp.mpf, arguments))
        with mp.workdps(70):
            assert abs(found - exact) <= 2 * mpmath.mpf(10) ** -asked * abs(exact), (asked, arguments)
    if abs(exact) > 1e-300:
        with mp.workdps(70):
            assert abs(function(fp, *arguments) - exact) <= float_error * abs(exact), arguments


def size(random, low=-6, high=1.55):
    """A number of either sign, its size spread evenly over decades."""
    return random.choice((-1, 1)) * 10 ** random.uniform(low, high)


def correlation(random):
    """Within, near ±1, or near 0."""
    near = random.choice((0, 0, 1, 2))
    gap = 10 ** random.uniform(-14, -1)
    return random.choice((-1, 1)) * (random.uniform(0, 1) if near == 0 else 1 - gap if near == 1 else gap)


@pytest.mark.parametrize("seed", range(40))
def test_owens_t_everywhere(seed):
    """Both signs, sizes from 1e-6 to 35 and from 1e-6 to 1e4."""
    random = Random(seed)
    h, a = size(random), size(random, -6, 4)
    holds(numeric.owens_t, (h, a), owens_t_ball(h, a))


@pytest.mark.parametrize("seed", range(60))
def test_bivariate_cdf_everywhere(seed):
    """Thresholds apart, equal and opposite up to a little, correlations up to 1e-14 from ±1."""
    random = Random(seed)
    h = size(random, -4, 1.3)
    k = random.choice((size(random, -4, 1.3), h * (1 + size(random, -9, -1)), -h * (1 + size(random, -9, -1))))
    rho = correlation(random)
    holds(numeric.bivariate_cdf, (h, k, rho), bivariate_ball(h, k, rho))


@pytest.mark.parametrize("seed", range(40))
def test_phi_and_density_everywhere(seed):
    """Φ and φ from 1e-6 to 37, of both signs."""
    x = size(Random(seed), -6, 1.56)
    holds(numeric.phi, (x,), normal_cdf(ball(x)))
    holds(numeric.density, (x,), (-(ball(x) ** 2) / 2).exp() / (2 * arb.pi()).sqrt())


@pytest.mark.parametrize(
    ("function", "arguments", "exact"),
    [
        (OwensT, (10, Rational(1, 2)), "3.80992477401707e-24"),
        (OwensT, (-10, Rational(-1, 2)), "-3.80992477401707e-24"),
        (BivariateNormalCDF, (1, Rational(-9999, 10000), -(1 - Rational(1, 10**10))), "2.419828230553e-05"),
        (Phi, (-10,), "7.619853024160526e-24"),
    ],
)
def test_values_that_were_wrong(function, arguments, exact):
    """Tails, and a narrow strip: from other programs."""
    found = function(*arguments).evalf(30)
    assert abs(found - Rational(exact)) <= Rational(1, 10**12) * abs(Rational(exact))


@pytest.mark.parametrize("seed", range(10))
def test_evalf_to_the_digits_asked_whatever_the_arguments_cost(seed):
    """Arguments that are no floats, of which the value needs more digits than are asked."""
    random = Random(seed)
    h, k = (Rational(random.randint(1, 10**9), 10**8) * random.choice((-1, 1)) for _ in "hk")
    rho = random.choice((-1, 1)) * (1 - Rational(random.randint(1, 9), 3 * 10 ** random.randint(1, 12)))
    for e in (BivariateNormalCDF(h, k, rho), OwensT(h * sqrt(2), k), Phi(h), NormalDensity(k * sqrt(3))):
        few, many = e.evalf(20), e.evalf(60)
        assert abs(few - many) <= Rational(1, 10**20) * abs(many)


def test_at_the_ends():
    """Infinite arguments, correlations of ±1, zeros, and arguments that are not real."""
    inf = mpmath.inf
    for c in (mp, fp):
        third = numeric.phi(c, c.mpf(-3))
        assert numeric.owens_t(c, c.mpf(3), inf) == pytest.approx(third / 2, rel=1e-14)
        assert numeric.owens_t(c, c.zero, -inf) == -c.mpf(1) / 4
        assert numeric.owens_t(c, inf, c.one) == numeric.owens_t(c, c.one, c.zero) == 0
        assert numeric.owens_t(c, c.zero, c.one) == pytest.approx(1 / 8, rel=1e-15)
        assert numeric.bivariate_cdf(c, -inf, c.one, c.mpf(0.3)) == 0
        assert numeric.bivariate_cdf(c, inf, -c.mpf(3), c.mpf(0.3)) == third
        assert numeric.bivariate_cdf(c, inf, inf, -c.one) == 1
        assert numeric.bivariate_cdf(c, c.one, -c.mpf(3), c.one) == third
        assert numeric.bivariate_cdf(c, c.one, -c.mpf(3), -c.one) == 0
        strip = numeric.bivariate_cdf(c, c.mpf(20) + c.mpf(2) ** -30, -c.mpf(20), -c.one)
        assert float(strip / numeric.density(c, c.mpf(20)) * 2**30) == pytest.approx(1, rel=1e-7)
        assert numeric.bivariate_cdf(c, c.zero, c.zero, c.zero) == pytest.approx(1 / 4, rel=1e-15)
    with pytest.raises(ValueError, match="real arguments only"):
        numeric.owens_t(mp, mp.mpc(1, 1), mp.one)
    x = Symbol("x")
    assert (OwensT(I, 1).evalf(), OwensT(x, 1).evalf()) == (OwensT(I, 1), OwensT(x, 1))


def test_far_beyond_floats():
    """Where a float cannot hold the value nor the square of the argument."""
    with mp.workdps(30):
        h = mp.mpf(10) ** 170
        with mp.workdps(400):
            # Φ(-h) = φ(h)/h (1 - O(1/h²)); mpmath's own erfc is out of range here.
            exact = mp.npdf(h) / h / 2
        for a in (mp.mpf("0.5"), mp.mpf(2)):
            assert abs(numeric.owens_t(mp, h, a) / exact - 1) < 1e-28
        # Φ₂(-h, -h; ρ) ~ (1 + ρ)² φ₂/(h² √(1 - ρ²)) for large h (Ruben 1964).
        h, rho = mp.mpf(10) ** 12, mp.mpf("-0.5")
        density = mp.exp(-h * h / (1 + rho)) / (2 * mp.pi * mp.sqrt(1 - rho**2))
        exact = density * (1 - rho**2) ** 2 / (h * (1 - rho)) ** 2
        assert abs(numeric.bivariate_cdf(mp, -h, -h, rho) / exact - 1) < 1e-20


@pytest.mark.parametrize("seed", range(20))
def test_complex_phi(seed):
    """Φ of complex arguments."""
    random = Random(seed)
    x, y = size(random, -2, 0.9), size(random, -2, 0.9)
    exact = normal_cdf(acb(ball(x), ball(y)))
    with mp.workdps(30):
        found = numeric.phi(mp, mp.mpc(x, y))
    with mp.workdps(70):
        exact = mp.mpc(number(exact.real), number(exact.imag))
        assert abs(found - exact) <= 1e-29 * abs(exact)
        assert abs(numeric.phi(fp, complex(x, y)) - exact) <= 1e-15 * abs(exact)
