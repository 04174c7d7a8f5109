"""Layers of real width: what the theorems say against layers that are drawn, and as they are printed."""

import math
from functools import cache

import numpy as np
import pytest
from planting import derived

from derive.theorems.angle_process import MOMENTS, RHO, N, Q

DRAWS = 40_000


@cache
def theorem(name):
    found = derived(name)
    return {part.name: part for part in (found, *found.parts)}


def rectified(a, b, rho):
    """J_ab by the closed form that the theorem derives, at variance 1."""
    return float(theorem("angle-process")[f"rectified-moment-{a}{b}"].result.subs({Q: 1, RHO: rho}))


def at(e, rho, units):
    """A side of the process as a number."""
    return float(e.subs({name: rectified(*powers, rho) for powers, name in MOMENTS.items()}).subs(N, units))


def layer(rho, units, seed):
    """The three sums of products of rectified pairs over the units of drawn layers."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, DRAWS, units))
    f, g = np.maximum(x, 0), np.maximum(rho * x + math.sqrt(1 - rho**2) * y, 0)
    return (f * f).sum(1), (g * g).sum(1), (f * g).sum(1)


@pytest.mark.parametrize("angle", [0.05, 0.7])
def test_the_logarithm_of_the_sine_of_drawn_layers_has_this_mean_and_variance(angle):
    """The second order in 1/N is one in 128 times a few."""
    rho, units, process = math.cos(angle), 128, theorem("angle-process")
    alpha, beta, gamma = layer(rho, units, 3)
    logs = np.log1p(-(gamma**2) / (alpha * beta))
    wide = math.log(1 - (rectified(1, 1, rho) / rectified(2, 0, rho)) ** 2)
    mean, variance = (at(process[k].result, rho, units) for k in ("angle-process", "angle-process-variance"))
    assert abs(logs.mean() - wide - mean) < 5 * logs.std() / math.sqrt(DRAWS) + 0.1 * abs(mean)
    assert math.isclose(logs.var(), variance, rel_tol=0.08)


def test_the_variance_for_small_angles_is_eight_over_the_width():
    """Jakub & Nica 2023: 8/n for ReLU, as the angle goes to zero."""
    small = 1e-3
    variance = at(theorem("angle-process")["angle-process-variance"].result, math.cos(small), 1)
    assert math.isclose(variance, 8, rel_tol=5e-3)


@pytest.mark.parametrize("units", [2, 5])
def test_two_layers_of_drawn_networks_have_the_covariance_that_the_operator_foresees(units):
    """E[C] behind two layers of ReLU: weights drawn, against one application of the operator to the closed form."""
    rng = np.random.default_rng(5)
    z = np.broadcast_to([[2.0, 0.0], [1.5, 1.5 * math.sqrt(3)]], (DRAWS, 2, 2))
    for fan_in in (2, units):
        z = np.maximum(z @ rng.normal(0, math.sqrt(2 / fan_in), (DRAWS, fan_in, units)), 0)
    drawn = (z[:, 0] * z[:, 1]).sum(1)
    alpha, beta, gamma = layer(0.5, units, 7)
    root = np.sqrt(alpha * beta)
    cosine = np.clip(gamma / np.where(root > 0, root, 1), -1, 1)
    # m_1 = 2 kappa(rho), times Var[W^0] = 1; a layer in which a sample has died counts for nothing.
    values = 6 * root * (np.sqrt(1 - cosine**2) + cosine * (np.pi - np.arccos(cosine))) / np.pi
    error = math.hypot(drawn.std(), values.std()) / math.sqrt(DRAWS)
    assert abs(drawn.mean() - values.mean()) < 5 * error
    assert error < 0.03 * values.mean()


def test_the_theorems_are_printed_as_the_papers_write_them():
    kernel = theorem("width-correction")
    assert str(kernel["width-correction-excess"].statement) == "⟪(s^i_k)⁴⟫ − 3 ⟪(s^i_k)²⟫² = 3 Var[K^i]"
    assert str(kernel["width-correction-rectifier"].statement) == (
        "Var[K^{i+1}] = (σ_w²)² (a² + 1)² (c (Var[K^i] + ⟪K^i⟫²)/n_{i+1} + Var[K^i])/4"
    )
    assert str(theorem("finite-width-decay")["finite-width-decay-unit"].statement) == (
        "⟪(z^{i+1}_{1k} − z^{i+1}_{2k})²⟫ = "
        "⟪(s^i_{1k} − s^i_{2k})²⟫ (a² + 1)/2 − ⟪|s^i_{1k}| |s^i_{2k}| − s^i_{1k} s^i_{2k}⟫ (a − 1)²/2"
    )
    assert str(theorem("angle-operator")["angle-operator"].statement).startswith("⟪G^d_{12}⟫ = m_0(ρ(")


def test_drawn_layers_take_from_a_distance_what_changes_its_sign():
    """ReLU at He's gain, width 3, two layers: the next distance in every drawn network, on average."""
    units = 3
    z = np.broadcast_to([[2.0, 0.0, 1.0], [-0.5, 1.0, 1.5]], (DRAWS, 2, units))
    gone = []
    for _ in range(2):
        s = z @ np.random.default_rng(units + len(gone)).normal(0, math.sqrt(2 / units), (DRAWS, units, units))
        before, z = z, np.maximum(s, 0)
        kept = ((before[:, 0] - before[:, 1]) ** 2).sum(1)
        left = ((z[:, 0] - z[:, 1]) ** 2).sum(1)
        lost = (np.abs(s[:, 0] * s[:, 1]) - s[:, 0] * s[:, 1]).sum(1)
        off = left - kept + lost / 2
        assert abs(off.mean()) < 5 * off.std() / math.sqrt(DRAWS)
        assert 0.1 * kept.mean() < lost.mean() / 2 < 0.5 * kept.mean()
        assert off.std() / math.sqrt(DRAWS) < 0.02 * kept.mean()
        gone.append(lost)
