"""Stability of fixed points of the length map, held against the map iterated in many digits."""

import json
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from map_oracles import expectation

from numerics.criticality import critical, fixed_points
from numerics.criticality.depth import INFINITE, LEFT, REPELS, depth_scale
from numerics.criticality.fixed_points import LengthMap
from numerics.criticality.moments import Number, moments_of
from numerics.criticality.stability import by_sides, by_slope
from numerics.maps.values import named

HALF = "max(x,0)-1/sqrt(2*pi)"


def _half_stable_map(q: mpmath.mpf) -> mpmath.mpf:
    """E[(max(s, 0) - c)²] for c = 1/√(2π): q/2 - √q/π + 1/(2π), over its value at q = 1 (by hand)."""

    def second(x: mpmath.mpf) -> mpmath.mpf:
        return x / 2 - mpmath.sqrt(x) / mpmath.pi + 1 / (2 * mpmath.pi)

    return second(q) / second(mpmath.mpf(1))


def test_a_double_root_attracts_from_one_side_alone() -> None:
    """From q = 0.99 lengths come to 1 in 1000 layers, from 1.01 they leave: the next order decides, and says so."""
    ends = []
    with mpmath.workdps(30):
        for start in ("0.99", "1.01"):
            q = mpmath.mpf(start)
            for _ in range(1000):
                q = _half_stable_map(q)
            ends.append(float(q))
    assert 0.99 < ends[0] < 1
    assert ends[1] > 1e18
    w = 1 / (0.5 - 1 / (2 * math.pi))
    (point,) = fixed_points(HALF, weight_variance=w).points
    assert point.stability == "half-stable"
    assert abs(point.q - 1) <= point.error < 1e-6
    assert point.evidence.startswith("attracts from below, repels above: chi_par = 1 within")
    assert abs(point.chi_par - 1) <= point.chi_par_error
    assert point.xi_q == math.inf
    assert point.xi_c is None
    assert point.words == {"xi_q": INFINITE, "xi_c": REPELS}


def test_a_double_root_is_known_to_half_the_digits() -> None:
    """Gelu's half-stable q* = (3 + √17)/2, from σ_w² and σ_b² that are rounded: off by up to the root of that."""
    (point,) = [p for p in critical("gelu").fixed_points if p.stability == "half-stable"]
    off = abs(point.q - (3 + math.sqrt(17)) / 2)
    assert off <= point.error < 1e-6
    assert point.error > math.sqrt(np.finfo(float).eps)


@pytest.mark.parametrize("weight", [0.1, 0.7, 1.3])
def test_the_rounding_of_a_slope_is_counted(weight: float) -> None:
    """3|s| - 1 has E[f'²] = 9 without an error; its product with σ_w² is rounded, and the error covers that."""
    found = LengthMap(moments_of(named("3*abs(x)-1")), weight, 0.0).chi_perp(1.0)
    off = abs(Fraction(found.value) - 9 * Fraction(weight))
    assert 0 < off <= Fraction(found.error) < Fraction(1e-15) * 9


def test_the_evidence_is_signs_of_the_map_itself() -> None:
    """Both steps that are printed, again from the map by hand in 30 digits."""
    w = 1 / (0.5 - 1 / (2 * math.pi))
    (point,) = fixed_points(HALF, weight_variance=w).points
    parts = point.evidence.split("; ")[1:]
    assert len(parts) == 2
    for part in parts:
        change, where = part.removeprefix("Q(q) - q = ").split(" at q = q* (1 ")
        assert float(change) > 0
        with mpmath.workdps(30):
            q = 1 + mpmath.mpf(where.rstrip(")").replace(" ", ""))
            assert float(_half_stable_map(q) - q) == pytest.approx(float(change), rel=0.3)


@pytest.mark.parametrize(
    ("change", "chi", "stability"),
    [
        (lambda d: -(d**3), 1.0, "stable"),
        (lambda d: d**3, 1.0, "unstable"),
        (lambda d: d**2, 1.0, "half-stable"),
        (lambda d: -(d**2), 1.0, "half-stable"),
        (lambda d: 0.0, 1.0, "undecided"),
        # q' = 2 - q - a (q - 1)³: what two layers do decides.
        (lambda d: -2 * d + 0.3 * d**3, -1.0, "stable"),
        (lambda d: -2 * d - 0.3 * d**3, -1.0, "unstable"),
    ],
)
def test_the_next_order_decides(change, chi: float, stability: str) -> None:  # type: ignore[no-untyped-def]
    """Maps with a slope of 1 or -1 at q = 1, whose next order is known."""
    found = by_sides(lambda q: Number(change(q - 1), 1e-16), 1.0, Number(chi, 1e-12))
    assert found.stability == stability


def test_a_slope_of_one_within_its_error_decides_nothing() -> None:
    assert by_slope(Number(1 - 1e-10, 2e-10)) is None
    assert by_slope(Number(-1 + 1e-10, 2e-10)) is None
    assert by_slope(Number(1 - 1e-10, 1e-11)).stability == "stable"  # type: ignore[union-attr]
    assert by_slope(Number(-1.1, 1e-3)).stability == "unstable"  # type: ignore[union-attr]


@pytest.mark.parametrize("chi", [0.999, 0.5, 0.01, -0.5])
def test_a_deviation_falls_by_e_in_a_depth_scale(chi: float) -> None:
    """|χ|^ξ = 1/e."""
    scale = depth_scale(chi)
    assert scale is not None
    assert abs(chi) ** scale == pytest.approx(math.exp(-1), rel=1e-12)


def test_no_sentinels_for_depth_scales() -> None:
    """Infinite where χ is 1 within its error, and none above; 0 where a deviation is gone at once."""
    assert depth_scale(1 + 2e-16, 1e-15) == depth_scale(-1.0) == math.inf
    assert depth_scale(1.0001) is None
    assert depth_scale(math.inf) is depth_scale(math.inf, math.inf) is None
    assert depth_scale(0.0) == 0


@pytest.mark.parametrize(
    "name", ["gelu", "silu", "exp", "x**2", "tanh", "relu", HALF, "max(x,0)**2 - x/4", "elu", "sin"]
)
@pytest.mark.parametrize("bias", [None, 0.04])
def test_depth_scales_in_json(name: str, bias: float | None) -> None:
    """Each is a positive number below 1e9, or null with its word; none at an unstable point."""
    data = json.loads(json.dumps(critical(name, bias_variance=bias).to_dict(), allow_nan=False))
    for point in [data, *data["fixed_points"]]:
        if point["chi_par"] is None:
            continue
        for scale in ("xi_q", "xi_c"):
            if point[scale] is None:
                word = point["words"][scale]
                assert word == LEFT if point["stability"] == "unstable" else word in (INFINITE, REPELS)
            else:
                assert 0 <= point[scale] < 1e9
                assert scale not in point["words"]
                assert point["stability"] in ("stable", "half-stable")


def test_an_unstable_edge_has_no_depth_scale() -> None:
    """For exp χ_∥ = 2 all along χ_⊥ = 1: at σ_b² = 0.04, q* = 1.04 and σ_w² = exp(-2 q*) (E[exp(s)²] = exp(2 q))."""
    found = critical("exp", bias_variance=0.04)
    assert found.q_star == pytest.approx(1.04, rel=1e-13)
    assert found.sigma_w2 == pytest.approx(math.exp(-2.08), rel=1e-13)
    assert (found.stability, found.xi_q, found.xi_c) == ("unstable", None, None)
    assert found.words == {"xi_q": LEFT, "xi_c": LEFT}
    assert found.approach == ()


def test_slopes_of_tanh_have_errors_that_hold() -> None:
    """χ_∥ and χ_⊥ at the fixed point for σ_w² = 3/2, σ_b² = 0.1, solved in mpmath."""
    (point,) = fixed_points("tanh", weight_variance=1.5, bias_variance=0.1).points
    with mpmath.workdps(25):
        w, b = mpmath.mpf(3) / 2, mpmath.mpf(0.1)
        q = mpmath.findroot(lambda x: w * expectation(lambda s: mpmath.tanh(s) ** 2, x) + b - x, (0.6, 0.7))
        perp = w * expectation(lambda s: mpmath.sech(s) ** 4, q)
        # dE[f²]/dq = E[f'² + f f''] (Price), f'' = -2 f f'
        par = w * expectation(lambda s: mpmath.sech(s) ** 4 - 2 * mpmath.tanh(s) ** 2 * mpmath.sech(s) ** 2, q)
    assert abs(point.q - float(q)) <= point.error + 1e-16
    assert abs(point.chi_perp - float(perp)) <= point.chi_perp_error + 1e-16 < 1e-12
    assert abs(point.chi_par - float(par)) <= point.chi_par_error + 1e-16 < 1e-12
    assert point.xi_q == pytest.approx(-1 / math.log(float(par)), rel=1e-12)
    assert point.xi_c == pytest.approx(-1 / math.log(float(perp)), rel=1e-12)
