import math

import mpmath
import numpy as np
import pytest
from map_oracles import expectation, gelu, relative

from derive.activations import activation, activations
from derive.errors import InputError
from numerics.criticality import critical, fixed_points
from numerics.criticality.approach import _fitted
from numerics.criticality.fixed_points import roots
from numerics.criticality.moments import moments_of
from numerics.maps import NumericalMaps

SECH4 = lambda s: mpmath.sech(s) ** 4  # noqa: E731


def test_edge_of_chaos_of_tanh_by_mpmath() -> None:
    """The edge at sigma_b² = 0.04, solved again in mpmath: 1.7007964, so sigma_w = 1.304.

    Hayou, Doucet & Rousseau 2019 print (sigma_b, sigma_w) = (0.2, 1.302), which is off in the third decimal: there
    chi_perp is 0.9988.
    """
    with mpmath.workdps(30):

        def excess(q: mpmath.mpf) -> mpmath.mpf:
            return q - expectation(lambda s: mpmath.tanh(s) ** 2, q) / expectation(SECH4, q) - mpmath.mpf("0.04")

        q = mpmath.findroot(excess, (0.5, 0.53), solver="secant", tol=1e-40)
        w = 1 / expectation(SECH4, q)
    found = critical("tanh", bias_variance=0.04)
    assert found.q_star is not None
    assert found.sigma_w2 is not None
    assert relative(found.q_star, q) < 1e-12
    assert relative(found.sigma_w2, w) < 1e-12
    assert round(math.sqrt(found.sigma_w2), 3) == 1.304
    assert round(math.sqrt(found.sigma_w2), 2) == 1.30


@pytest.mark.parametrize(("name", "printed"), [("tanh", 1.302), ("elu", 1.227)])
def test_published_edges_hold_to_two_in_a_thousand(name: str, printed: float) -> None:
    """Hayou, Doucet & Rousseau 2019, section 4: (0.2, 1.302) for tanh, (0.2, 1.227) for elu."""
    found = critical(name, bias_variance=0.04)
    assert found.sigma_w2 is not None
    assert abs(math.sqrt(found.sigma_w2) / printed - 1) < 2.5e-3
    assert found.stability == "stable"


def test_half_stable_point_of_gelu() -> None:
    """Roberts, Yaida & Hanin 2022, section 5.3.4: K* = (3 + √17)/2, C_W = 1.98305826, C_b = 0.17292239."""
    found = critical("gelu")
    assert found.kind == found.stability == "half-stable"
    assert found.q_star == pytest.approx((3 + math.sqrt(17)) / 2, rel=1e-12)
    assert found.sigma_w2 == pytest.approx(1.98305826, abs=5e-9)
    assert found.sigma_b2 == pytest.approx(0.17292239, abs=5e-9)
    assert any(p.stability == "half-stable" for p in found.fixed_points)


@pytest.mark.parametrize("name", ["silu", "swish"])
def test_half_stable_point_of_silu(name: str) -> None:
    """Roberts, Yaida & Hanin 2022, section 5.3.4: K* = 14.32017362, C_W = 1.98800468, C_b = 0.55514317."""
    found = critical(name)
    assert found.kind == "half-stable"
    assert found.q_star == pytest.approx(14.32017362, abs=5e-9)
    assert found.sigma_w2 == pytest.approx(1.98800468, abs=5e-9)
    assert found.sigma_b2 == pytest.approx(0.55514317, abs=5e-9)


@pytest.mark.parametrize(
    ("name", "sigma_w2"), [("relu", 2.0), ("leaky-relu(0.2)", 2 / 1.04), ("linear", 1.0), ("abs", 1.0)]
)
def test_scale_invariant(name: str, sigma_w2: float) -> None:
    """He et al. 2015, equation 15: 2/(1 + a²)."""
    found = critical(name)
    assert (found.kind, found.q_star, found.sigma_b2) == ("scale-invariant", None, 0.0)
    assert found.sigma_w2 == pytest.approx(sigma_w2, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "sigma_w2", "amplitude", "exponent"),
    [
        ("tanh", 1.0, 1 / 2, -1),  # Roberts, Yaida & Hanin 2022, section 5.3.3: 1/(-a_1 l), a_1 = -2
        ("asinh", 1.0, 1.0, -1),  # the same, a_1 = f'''/f' = -1
        ("erf", math.pi / 4, 1 / 2, -1),  # f'''/f' = -2: a_1 = -2
        ("elu", 1.0, 2 * math.pi, -2),  # q' = q - √(2/π) q^(3/2)
        ("softsign", 1.0, math.pi / 8, -2),  # f'' jumps from 2 to -2: q' = q - √(32/π) q^(3/2)
    ],
)
def test_k_star_zero(name: str, sigma_w2: float, amplitude: float, exponent: float) -> None:
    found = critical(name)
    assert (found.kind, found.q_star, found.stability) == ("K* = 0", 0.0, "stable")
    assert found.sigma_w2 == pytest.approx(sigma_w2, rel=1e-14)
    assert found.approach[0].exponent == exponent
    assert found.approach[0].amplitude == pytest.approx(amplitude, rel=1e-13)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "exp", "squared-relu", "step", "sign"])
def test_none(name: str) -> None:
    """Roberts, Yaida & Hanin 2022, section 5.3.2: sigmoid and softplus have no critical point."""
    found = critical(name)
    assert (found.kind, found.sigma_w2, found.xi_q) == ("none", None, None)
    assert found.notes


def test_correlation_at_the_edge_of_relu() -> None:
    """Hayou, Doucet & Rousseau 2019: 1 - ρ ~ 9π²/(2 l²); and the recursion itself after 4000 layers."""
    rate = critical("relu").approach[0]
    assert rate.amplitude == pytest.approx(9 * math.pi**2 / 2, rel=1e-12)
    gap, layers = 0.5, 4000
    for _ in range(layers):
        angle = math.acos(1 - gap) if gap > 1e-8 else math.sqrt(2 * gap)
        gap -= (math.sin(angle) - angle * math.cos(angle)) / math.pi
    assert gap * layers**2 == pytest.approx(rate.amplitude, rel=2e-2)


def test_correlation_at_the_edge_of_tanh_follows_its_recursion() -> None:
    found = critical("tanh", bias_variance=0.04)
    assert found.sigma_w2 is not None
    assert found.q_star is not None
    maps = NumericalMaps("tanh", weight_variance=found.sigma_w2, bias_variance=0.04)
    rate = found.approach[1]
    assert rate.amplitude is not None
    x = 1e-6
    lost = x - float(maps.gap_map(found.q_star, x).value)
    assert lost / (x * x) == pytest.approx(1 / rate.amplitude, rel=1e-4)


_KINKED = [("hard-tanh", 0.04), ("relu6", 0.3), ("abs", 0.0), ("abs(tanh(x)-0.5)", 0.04)]


@pytest.mark.parametrize(("name", "bias"), _KINKED)
def test_correlation_at_the_edge_follows_its_recursion_with_kinks(name: str, bias: float) -> None:
    """The gap map is iterated: its inverse root grows by half of beta a layer, where 1 - rho ~ 4/(beta l)^2."""
    found = critical(name, bias_variance=bias)
    assert found.sigma_w2 is not None
    maps = NumericalMaps(name, weight_variance=found.sigma_w2, bias_variance=bias)
    rate = found.approach[-1]
    assert rate.exponent == -2
    assert rate.amplitude is not None
    gap, layers = 1e-8, 12
    start = gap**-0.5
    for _ in range(layers):
        gap = float(maps.gap_map(found.q_star or 1.0, gap).value)
    assert (gap**-0.5 - start) / layers == pytest.approx(rate.amplitude**-0.5, rel=2e-3)


def test_length_at_the_half_stable_point_of_gelu() -> None:
    """x' = x - a x² with a = σ_w² (d/dq)² E[f²]/2, by differences of the kernel of Tsuchida et al. 2021."""
    found = critical("gelu")
    assert found.q_star is not None
    assert found.sigma_w2 is not None
    rate = found.approach[0]
    assert rate.amplitude is not None
    with mpmath.workdps(40):
        curve = mpmath.diff(lambda q: gelu(q, 1), found.q_star, 2)
    assert rate.quantity == "q - q*"
    assert rate.amplitude == pytest.approx(-2 / (found.sigma_w2 * float(curve)), rel=1e-9)


def test_length_at_a_half_stable_point_where_the_curvature_jumps() -> None:
    """A jump of f'' at 0 counts: half the slope of χ_∥, by differences of other code."""
    name = "where(x>0, tanh(x), sin(x)-x**2*exp(-x**2))"
    found = critical(name)
    assert (found.kind, found.approach[0].quantity) == ("half-stable", "q - q*")
    assert found.q_star is not None
    assert found.sigma_w2 is not None
    assert found.sigma_b2 is not None
    maps = NumericalMaps(name, weight_variance=found.sigma_w2, bias_variance=found.sigma_b2)
    step = 1e-3 * found.q_star
    rise = float(maps.chi_par(found.q_star + step).value - maps.chi_par(found.q_star - step).value)
    assert found.approach[0].amplitude == pytest.approx(-4 * step / rise, rel=1e-4)


def test_approach_where_the_second_order_vanishes() -> None:
    """f = s - s^5/30: E[f²] = q - 3·5/15 q³ + ..., so that q' = q - q³ and q ~ 1/√(2 l)."""
    rate = critical("x - x**5/30*exp(-x**2)").approach[0]
    assert rate.exponent == -0.5
    assert rate.amplitude == pytest.approx(math.sqrt(0.5), rel=1e-3)


def test_selu_fixed_point() -> None:
    """Klambauer et al. 2017: with weight variance 1/N and no bias, mean 0 and variance 1 stay; q = 1 attracts."""
    maps = NumericalMaps("selu")
    assert float(maps.mean(1.0).value) == pytest.approx(0, abs=1e-15)
    assert float(maps.second_moment(1.0).value) == pytest.approx(1, rel=1e-14)
    points = fixed_points("selu", weight_variance=1.0).points
    assert [p.stability for p in points] == ["unstable", "stable"]
    assert points[1].q == pytest.approx(1, rel=1e-13)


def test_all_branches_are_found() -> None:
    """Two points from a tangent: just below gelu's half-stable bias variance there are more than one."""
    w, b = 2.3, 0.04
    found = fixed_points("gelu", weight_variance=w, bias_variance=b)
    maps = NumericalMaps("gelu", weight_variance=w, bias_variance=b)
    assert [p.stability for p in found.points] == ["stable", "unstable"]
    assert found.escapes
    for point in found.points:
        assert abs(float(maps.length_map(point.q).value) / point.q - 1) < 1e-13
        step = 1e-6 * point.q
        slope = (maps.length_map(point.q + step).value - maps.length_map(point.q - step).value) / (2 * step)
        assert float(slope) == pytest.approx(point.chi_par, rel=1e-6)
        assert point.error < 1e-12 * point.q


def test_two_points_within_one_step_of_the_scan() -> None:
    """Beside a double root, two roots a percent apart: they are found by the extremum between them."""
    half = critical("silu")
    assert half.sigma_w2 is not None
    assert half.sigma_b2 is not None
    assert half.q_star is not None
    points = fixed_points("silu", weight_variance=half.sigma_w2, bias_variance=half.sigma_b2).points
    close = [p for p in points if 14 < p.q < 15]
    assert [p.stability for p in close] == ["half-stable", "stable"]


def test_roots_in_neighbouring_cells_are_told_apart() -> None:
    """(x - 1.5)(x - 2.5)(x - 4.25) on 1, 2, ..., 6; a sign that is lost in noise is left out."""

    def g(x: float) -> float:
        return (x - 1.5) * (x - 2.5) * (x - 4.25)

    q = np.arange(1.0, 7.0)
    for hidden in (0.0, 1.0):
        noise = np.array([0, 0, 0, hidden, 0, 0])
        assert roots(g, q, g(q), noise) == pytest.approx([1.5, 2.5, 4.25], rel=1e-15)


def test_identity_and_growth() -> None:
    assert fixed_points("relu", weight_variance=2.0).identity
    up = fixed_points("relu", weight_variance=3.0, bias_variance=0.1)
    assert up.points == ()
    assert up.escapes
    down = fixed_points("relu", weight_variance=1.0, bias_variance=0.1)
    assert [p.q for p in down.points] == [pytest.approx(0.2, rel=1e-14)]


@pytest.mark.parametrize("q", [0.5, 9.0e5, 9.4e5, 9.95e5])
def test_lengths_above_the_last_fixed_point_grow(q: float) -> None:
    """x² has E[f²] = 3 q²: with σ_w² = 1/(3 q*) it repels at q*, and all above grows, up to the end of the search."""
    found = fixed_points("x**2", weight_variance=1 / (3 * q))
    assert [point.q for point in found.points] == pytest.approx([0.0, q], rel=1e-12)
    assert [point.chi_par for point in found.points] == pytest.approx([0.0, 2.0], rel=1e-12)
    assert [point.chi_perp for point in found.points] == pytest.approx([0.0, 4 / 3], rel=1e-12)
    assert found.escapes
    assert not fixed_points("x**2", weight_variance=1 / (3 * 1.05e6)).escapes


def test_no_edge_says_so() -> None:
    found = critical("relu", bias_variance=0.1)
    assert found.sigma_w2 is None
    assert "no weight variance gives relu a fixed point" in found.notes[0]


@pytest.mark.parametrize("name", [n for n in activations() if n not in {"sin", "cos", "snake", "exp", "soft-shrink"}])
def test_every_edge_is_a_fixed_point_with_chi_perp_one(name: str) -> None:
    """By definition, from closed forms where there are any: other code than that which solved it."""
    found = critical(name, bias_variance=0.04)
    if found.sigma_w2 is None:
        assert found.notes
        return
    assert found.q_star is not None
    maps = NumericalMaps(name, weight_variance=found.sigma_w2, bias_variance=0.04)
    assert float(maps.chi_perp(found.q_star).value) == pytest.approx(1, rel=1e-12)
    assert float(maps.length_map(found.q_star).value) == pytest.approx(found.q_star, rel=1e-12)


def test_json_holds_no_infinities() -> None:
    import json

    for name in ("relu", "tanh", "gelu", "step"):
        data = critical(name).to_dict()
        json.dumps(data, allow_nan=False)
        assert set(data) >= {"sigma_w2", "sigma_b2", "q_star", "chi_perp", "chi_par", "xi_q", "xi_c", "class"}


def test_bad_bias_variance() -> None:
    with pytest.raises(InputError, match=r"bias_variance must be finite and not negative, got -1\.0"):
        critical("tanh", bias_variance=-1.0)
    assert np.isfinite(critical("tanh", bias_variance=1.0).sigma_w2 or np.nan)


def test_an_infinite_slope_moment_has_no_edge() -> None:
    """For sign(s) √|s|, E[f'²] = E[1/(4|s|)] diverges: no number is given for any bias variance."""
    for bias_variance in (None, 0.05):
        found = critical("sign(x)*sqrt(abs(x))", bias_variance=bias_variance)
        assert found.sigma_w2 is None
        assert "E[f'²] is infinite" in found.notes[0]


def test_a_slope_with_a_pole_keeps_its_digits() -> None:
    """For sign(s) |s|^(3/4), q* = 9 σ_b² and χ_∥ = 2/3; E[f''²] is infinite, so 1 - ρ has no smooth decay."""
    found = critical("sign(x)*abs(x)**0.75", bias_variance=0.05)
    assert found.q_star == pytest.approx(0.45, rel=1e-10)
    assert found.chi_par == pytest.approx(2 / 3, rel=1e-10)
    assert not any("rho" in str(rate) for rate in found.approach)


def test_kinks_at_zeros_are_critical_at_every_length() -> None:
    """With slopes 0 and 1 and f = 0 at the kinks, f f'' = 0: χ_∥ = χ_⊥, and every point of the edge is half-stable."""
    name = "where(x > 1, x - 1, 0)"
    found = critical(name)
    assert found.kind == "half-stable"
    assert "at every q" in found.notes[0]
    edge = critical(name, bias_variance=0.3)
    assert edge.stability == "half-stable"
    assert edge.xi_q == math.inf
    assert edge.q_star is not None
    with mpmath.workdps(30):
        # E[f'²] = Φ(-1/√q), E[f²] = (1 + q) Φ(-1/√q) - √q φ(1/√q)
        h = 1 / mpmath.sqrt(edge.q_star)
        tail = mpmath.ncdf(-h)
        second = (1 + edge.q_star) * tail - mpmath.npdf(h) / h
        assert relative(edge.sigma_w2, 1 / tail) < 1e-12
        assert abs(edge.q_star - second / tail - 0.3) < 1e-14


def test_the_critical_bias_variance_of_gelu_is_recognised() -> None:
    """At its half-stable point, the edge of chaos has χ_∥ = 1 to rounding, and says half-stable."""
    point = critical("gelu")
    edge = critical("gelu", bias_variance=point.sigma_b2)
    assert edge.stability == "half-stable"
    assert edge.chi_par == 1
    assert str(edge.approach[0]).startswith("q - q* ~")


@pytest.mark.parametrize(
    ("expression", "exponent", "amplitude"),
    [
        # E[f²] = q - 2cE|x|³ + ... = q - A q^(3/2) with A = 4c sqrt(2/π): q ~ 4/(A l)².
        ("x - x*abs(x)/10", -2, 4 / (0.4 * np.sqrt(2 / np.pi)) ** 2),
        # E[f²] = q - 2cE[x⁴] + ... = q - 6c q²: q ~ 1/(6c l).
        ("x - x**3/100", -1, 1 / 0.06),
        # E[f²] = q - 2cE[x⁶] + ... = q - 30c q³: q ~ (60c l)^(-1/2).
        ("x - x**5/1000", -0.5, 0.06**-0.5),
    ],
)
def test_a_decay_that_is_fitted_is_the_one_of_the_first_moment_that_is_lost(expression, exponent, amplitude):
    """Of two lengths near 0: half orders, and whole ones, each with the next term taken off."""
    found = _fitted(moments_of(activation(expression)), 1.0)
    assert found.exponent == exponent
    assert found.amplitude == pytest.approx(amplitude, rel=2e-5)
