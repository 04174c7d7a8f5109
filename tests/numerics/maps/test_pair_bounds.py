"""Bounds of the two-unit integrals, held as bounds against published kernels at 60 digits and against mpmath."""

import math

import mpmath
import numpy as np
import pytest
from map_oracles import DIGITS, KERNELS

from derive.quadrature.boxes import long_rule
from derive.quadrature.discs import Disc
from numerics.maps import plane
from numerics.maps.hermite import _GROWN, CRAMER, Series, U, series, slope_series, squares
from numerics.maps.pairs import Pairs, _covariance_series, _separation_series
from numerics.maps.parts import parts_of
from numerics.maps.values import named

GAPS = np.array([1e-14, 1e-9, 1e-5, 1e-3, 0.05, 0.5, 1.0, 1.5, 1.99, 2 - 1e-6, 2.0])
mpf = mpmath.mpf


def _hermite(k: int, z: object) -> object:
    """He_k(z) exp(-z²/4)/√k! by mpmath's own Hermite polynomial."""
    he = mpmath.hermite(k, z / mpmath.sqrt(2)) / mpmath.sqrt(2) ** k
    return he * mpmath.exp(-z * z / 4) / mpmath.sqrt(mpmath.factorial(k))


@pytest.mark.parametrize("k", [0, 1, 2, 7, 40, 200])
def test_hermite_functions_in_the_plane(k: int) -> None:
    """|ψ_k(x + iy)| <= κ exp(y²/4 + |y| √k)."""
    rng = np.random.default_rng(k)
    top = 2 * math.sqrt(k + 1) + 2
    with mpmath.workdps(60):
        for x, y in zip(rng.uniform(-top, top, 60), rng.uniform(0, 3, 60), strict=True):
            size = abs(_hermite(k, mpmath.mpc(x, y)))
            assert size <= CRAMER * mpmath.exp(y * y / 4 + y * math.sqrt(k))


def test_the_recurrence_loses_less_than_is_stated() -> None:
    z = np.concatenate([np.linspace(0.1, 12, 7), 2 * np.sqrt([5.0, 30.0, 100.0, 300.0]), [40.0]])
    before, now = np.zeros(z.shape, np.longdouble), np.exp(-(z.astype(np.longdouble) ** 2) / 4)
    for k in range(301):
        if k in (1, 5, 30, 100, 300):
            with mpmath.workdps(80):
                for n, x in enumerate(z):
                    high = float(now[n])
                    found = mpf(high) + mpf(float(now[n] - np.longdouble(high)))
                    assert abs(found - _hermite(k, mpf(float(x)))) <= _GROWN * U * (k + 4 + x * x / 4)
        root = np.sqrt(np.longdouble(k))
        before, now = now, (z * now - root * before) / np.sqrt(np.longdouble(k + 1))


@pytest.mark.parametrize("n", [8, 15, 22, 40])
def test_gauss_rules_are_exact_for_polynomials(n: int) -> None:
    """To the last digits of long double: NumPy's weights are not."""
    x, w = long_rule(n)
    for k in range(0, 2 * n, 2):
        assert abs(float(np.sum(w * x**k) - np.longdouble(2) / (k + 1))) < 40 * U


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("q", [1e-6, 1.0, 1e4])
def test_separations_are_within_their_bounds(name: str, q: float) -> None:
    if q == 1e4 and name in {"sin", "exp"}:
        pytest.skip("beyond float64, or a hundred waves a standard deviation")
    value, error, _ = Pairs(named(name)).separation(q, GAPS)
    with mpmath.workdps(DIGITS):
        for v, e, gap in zip(value, error, GAPS, strict=True):
            truth = KERNELS[name](mpf(q), mpf(1)) - KERNELS[name](mpf(q), 1 - mpf(float(gap)))
            assert abs(mpf(float(v)) - truth) <= e
            assert e <= 1e-12 * truth


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("q", [1e-6, 1.0, 20.0])
def test_covariances_are_within_their_bounds(name: str, q: float) -> None:
    rho = np.array([-1 + 1e-12, -1 + 1e-5, -0.99, -0.5, 0.0, 1e-3, 0.3, 0.9, 1 - 1e-5, 1 - 1e-12, 1.0])
    value, error, _ = Pairs(named(name)).covariance(q, q, rho)
    with mpmath.workdps(DIGITS):
        size = KERNELS[name](mpf(q), mpf(1))
        for v, e, r in zip(value, error, rho, strict=True):
            assert abs(mpf(float(v)) - KERNELS[name](mpf(q), mpf(float(r)))) <= e
            assert e <= 1e-12 * size


def test_odd_functions_are_uncorrelated_at_correlation_zero() -> None:
    for name in ("tanh", "sin", "sign", "hard-shrink"):
        value, error, _ = Pairs(named(name)).covariance(1.0, 1.0, np.array([0.0]))
        assert value[0] == error[0] == 0


def test_only_what_has_a_parity_has_zeros() -> None:
    """A shift of 1e-9 is not odd: a_0 = 1e-9 E[1 - tanh²], to its stated error."""
    shifted, plain = (series(named(name), 1.0, 48) for name in ("tanh(x+1e-9)", "tanh"))
    assert shifted is not None
    assert plain is not None
    assert not plain.coefficients[::2].any()
    mean_slope = 0.6057056  # E[1 - tanh²] at q = 1: a_1 of tanh, by parts
    assert abs(plain.coefficients[1] - mean_slope) < 1e-6
    assert abs(shifted.coefficients[0] - 1e-9 * plain.coefficients[1]) <= shifted.errors[0] + 1e-24


@pytest.mark.parametrize("q", [1e-4, 1.0, 9.0])
def test_coefficients_of_the_exponential(q: float) -> None:
    """exp(√q z) = exp(q/2) Σ q^(k/2)/√k! He_k(z)/√k!: the generating function."""
    found, by_slope = series(named("exp"), q, 48), slope_series(named("exp"), q, 48)
    assert found is not None
    assert by_slope is not None
    with mpmath.workdps(40):
        truth = [mpmath.exp(mpf(q) / 2) * mpf(q) ** (mpf(k) / 2) / mpmath.sqrt(mpmath.factorial(k)) for k in range(48)]
        for k, t in enumerate(truth):
            assert abs(found.coefficients[k] - t) <= found.errors[k]
            assert k == 0 or abs(by_slope.coefficients[k] - t) <= by_slope.errors[k]
        assert found.errors.max() < 1e-13 * float(mpmath.exp(q))
        rest = mpmath.nsum(lambda k: mpmath.exp(mpf(q)) * mpf(q) ** k / mpmath.factorial(k), [48, mpmath.inf])
        assert found.least_tail <= rest <= found.tail


@pytest.mark.parametrize("name", ["tanh", "cos(x)", "relu", "sigmoid"])
def test_coefficients_from_the_slope_are_the_same(name: str) -> None:
    """Odd, even and neither: a_k by f and by f', to the sum of their errors."""
    by_value, by_slope = series(named(name), 1.0, 48), slope_series(named(name), 1.0, 48)
    assert by_value is not None
    assert by_slope is not None
    off = np.abs(by_value.coefficients - by_slope.coefficients)[1:]
    assert (off <= (by_value.errors + by_slope.errors)[1:]).all()


def _relu_series(q: float) -> Series:
    found = series(named("relu"), q, 128)
    assert found is not None
    return found


def test_the_bound_of_what_is_left_out_is_tight_at_tiny_gaps() -> None:
    """For a gap of 1e-14 what is left out is the upper bound itself, so that half of it would be too little."""
    s, gap = _relu_series(1.0), 1e-14
    value, wrong, left_out = _separation_series(s, np.array([gap]))
    with mpmath.workdps(DIGITS):
        truth = KERNELS["relu"](mpf(1), mpf(1)) - KERNELS["relu"](mpf(1), 1 - mpf(gap))
        off = float(abs(mpf(float(value[0])) - truth))
    assert 0.99 * left_out[0] < off <= wrong[0] + left_out[0]


def test_the_bound_of_what_is_left_out_is_tight_at_correlation_one() -> None:
    s = _relu_series(1.0)
    value, wrong, left_out = _covariance_series(s, s, np.array([1.0]))
    assert 0.999 * left_out[0] < 0.5 - value[0] <= wrong[0] + left_out[0]


@pytest.mark.parametrize("own", [-1, 1])
@pytest.mark.parametrize("other", [-1, 1])
@pytest.mark.parametrize("name", ["softsign", "where(x>0.3,tanh(x),x**2)"])
def test_the_change_of_a_unit_is_bounded_in_the_plane(name: str, own: int, other: int) -> None:
    """(f(u + w) - f(u))²/2 at complex u and w, by the formulas of the sides of the breakpoint on which both are."""
    f = named(name)
    change, p = plane._separation(f)._reading, float(parts_of(f).points[0])
    formulas = {1: lambda z: z / (1 + z), -1: lambda z: z / (1 - z)}
    if p:
        formulas = {1: np.tanh, -1: np.square}
    u, w = (
        np.array([p + 0.2 * own, p + 1e-9 * own]),
        np.array([0.3 * (other - own) + 0.01, 1e-9 * (other - own) + 3e-10]),
    )
    for radius in (1e-13, 1e-10, 0.03):
        centres = [u, w, u + w, u - p, u + w - p]
        given = {v: Disc(c, np.full(2, radius)) for v, c in zip(change.variables, centres, strict=True)}
        given |= {
            s: Disc(np.full(2, float(side)), np.zeros(2)) for s, side in zip(change.signs, (own, other), strict=True)
        }
        # The other unit moves with u and w.
        for v in (change.variables[2], change.variables[4]):
            given[v] = Disc(given[v].mid, np.full(2, 2 * radius))
        (found,), _ = change(given, {})
        for turn in np.exp(1j * np.linspace(0, 6, 25)):
            at, step = u + radius * turn, w + radius * turn**3
            truth = (formulas[other](at + step) - formulas[own](at)) ** 2 / 2
            rounding = 1e-15 * np.abs(formulas[other](at + step) - formulas[own](at))
            assert (np.abs(truth - found.mid) <= found.rad + rounding).all()


def test_what_is_left_out_far_away_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """E[(f(t) - f(u))²/2] where one of two independent normal numbers is beyond the reach, by a fine grid.

    For elu of a large variance, whose exponential grows where it is not used, the bound is that by a wider law.
    """
    q, gap, laws = 1e4, 0.3, []
    left = plane._Separation._left
    monkeypatch.setattr(plane._Separation, "_left", lambda self, law, r: laws.append(law) or left(self, law, r))
    assert plane.separation.__wrapped__(named("elu"), q, gap).relative_error < 1e-13
    z = np.arange(-14, 14, 0.02) + 0.01
    x, y = z[:, None], z[None, :]
    u, t = 100 * x, 100 * ((1 - gap) * x + math.sqrt(gap * (2 - gap)) * y)
    f = [np.where(s > 0, s, np.expm1(np.minimum(s, 0))) for s in (u, t)]
    mass = (f[1] - f[0]) ** 2 / 2 * np.exp(-(x * x + y * y) / 2) * 0.02**2 / (2 * np.pi)
    for reach in (1.0, 3.0, 8.0):
        truth = mass[np.maximum(np.abs(x), np.abs(y)) > reach].sum()
        assert truth <= left(plane._separation(named("elu")), laws[0], reach)[0] <= 300 * truth * np.exp(reach**2 / 8)


def _hard_shrink(q1: float, q2: float, rho: float) -> object:
    """E[f f] of hard shrinking at 1/2 by one integral: the other unit's mean of t 1(|t| > 1/2) is known."""
    a, b, r = mpmath.sqrt(q1), mpmath.sqrt(q2), mpf(rho)
    s, half = mpmath.sqrt((1 - r) * (1 + r)), mpf(1) / 2

    def integrand(z: object) -> object:
        mean, deviation = b * r * z, b * s
        up, low = (half - mean) / deviation, (-half - mean) / deviation
        given = mean * (mpmath.ncdf(-up) + mpmath.ncdf(low)) + deviation * (mpmath.npdf(up) - mpmath.npdf(low))
        return a * z * given * mpmath.npdf(z)

    kink, other, width = half / a, half / (b * abs(r)), s / abs(r)
    cuts = [other + k * width for k in range(-12, 13)] + [kink + mpf(2) ** -k for k in range(-3, 40)]
    cuts += list(range(1, 14))
    return 2 * mpmath.quad(integrand, sorted({kink, mpf(14)} | {c for c in cuts if kink < c < 14}))


@pytest.mark.parametrize(
    ("q1", "q2", "rho"), [(1.0, 2.0, -1 + 1e-6), (1.0, 1.0000001, -1 + 1e-10), (0.3, 4.0, -0.999), (1.0, 2.0, 1 - 1e-5)]
)
def test_unequal_variances_near_the_ends(q1: float, q2: float, rho: float) -> None:
    value, error, _ = Pairs(named("hard-shrink")).covariance(q1, q2, np.array([rho]))
    with mpmath.workdps(40):
        truth = _hard_shrink(q1, q2, rho)
        assert abs(mpf(float(value[0])) - truth) <= error[0]
        assert error[0] <= 1e-13 * abs(truth)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_unequal_variances_at_the_ends(side: float) -> None:
    """E[relu(z) relu(±3 z)] is 3/2 or 0."""
    value, error, _ = Pairs(named("relu")).covariance(1.0, 9.0, np.array([side]))
    assert abs(value[0] - (1.5 if side > 0 else 0.0)) <= error[0] <= 1e-13


def test_a_rare_product_is_right_to_its_last_digits() -> None:
    """E[relu relu] at ρ = -0.99999, 5e-9 of E[relu²]: Cho & Saul at 60 digits."""
    value, error, _ = Pairs(named("relu")).covariance(1.0, 1.0, np.array([-0.99999]))
    with mpmath.workdps(DIGITS):
        truth = KERNELS["relu"](mpf(1), mpf(-0.99999))
        assert abs(mpf(float(value[0])) - truth) <= error[0] <= 1e-13 * truth


def test_a_shifted_sign_near_correlation_one() -> None:
    """2 P(u > 1/2 > t) for a gap of 1e-12, by the arc of Plackett's identity: dP/dρ is the density at (1/2, 1/2)."""
    value, error, _ = Pairs(named("sign(x-0.5)")).separation(1.0, np.array([1e-12]))
    with mpmath.workdps(40):
        # dE/dρ = 4 φ₂(1/2, 1/2; ρ), with ρ = cos θ.
        angle = mpmath.acos(1 - mpf(1e-12))
        truth = mpmath.quad(lambda t: 4 * mpmath.exp(-0.25 / (1 + mpmath.cos(t))) / (2 * mpmath.pi), [0, angle])
        assert abs(mpf(float(value[0])) - truth) <= error[0] <= 1e-12 * truth


@pytest.mark.parametrize("name", ["softsign", "elu", "where(x>0.3,tanh(x),0)", "abs(tanh(x)-0.5)"])
@pytest.mark.parametrize("gap", [0.3, 1.2])
def test_series_and_nested_integrals_agree(name: str, gap: float) -> None:
    f = named(name)
    s = series(f, 1.0, 512)
    assert s is not None
    value, wrong, left_out = _separation_series(s, np.array([gap]))
    nested = plane.separation(f, 1.0, gap)
    assert abs(value[0] - nested.value) <= wrong[0] + left_out[0] + nested.error
    assert wrong[0] + left_out[0] + nested.error < 1e-12 * nested.value


@pytest.mark.parametrize("name", ["tanh", "softsign", "elu", "selu", "where(x>0.3,tanh(x),0)", "gelu", "sin"])
@pytest.mark.parametrize("gap", [1e-14, 1e-8, 1e-3, 0.2, 1.7, 2.0])
def test_separations_keep_twelve_digits(name: str, gap: float) -> None:
    value, error, _ = Pairs(named(name)).separation(1.0, np.array([gap]))
    assert 0 < error[0] <= 1e-12 * value[0]


def test_waves_end() -> None:
    """Two hundred waves a standard deviation: uncorrelated to a bound that says so, whatever is not computed."""
    value, error, _ = Pairs(named("sin(200*x)")).covariance(1.0, 1.0, np.array([0.5]))
    assert abs(value[0]) <= error[0] < 1e-24
    f = named("sin(50*x)*exp(-x**2)")
    value, error, _ = Pairs(f).separation(1.0, np.array([0.2]))
    assert error[0] <= 1e-12 * value[0]
    (second, _), _ = squares(f, 1.0)
    # ∫ sin²(50x) exp(-2x²) φ: (1 - exp(-2·50²/5))/(2√5), and the covariance at 0.8 vanishes with the waves.
    assert abs(second - 0.5 / math.sqrt(5)) < 1e-14
