import csv
import io
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import erf

from derive.activations import activation
from derive.errors import InputError
from numerics.criticality import critical, fixed_points
from numerics.criticality.moments import Moments, moments_of
from numerics.gains import recommended_gains
from numerics.maps import NumericalMaps
from numerics.phase import phase_diagram
from numerics.phase_figure import plot_phase, save_phase


def test_points_of_the_diagram_are_fixed_points() -> None:
    diagram = phase_diagram("tanh", weight_variance=(0.5, 3.0), bias_variance=(0.0, 0.4), points=9)
    for row, column in ((2, 1), (4, 4), (8, 8), (1, 8)):
        w, b = float(diagram.sigma_w2[column]), float(diagram.sigma_b2[row])
        (exact,) = fixed_points("tanh", weight_variance=w, bias_variance=b).points
        assert diagram.q_star[row, column] == pytest.approx(exact.q, rel=1e-6)
        assert diagram.chi_perp[row, column] == pytest.approx(exact.chi_perp, rel=1e-6)
        assert diagram.xi_q[row, column] == pytest.approx(exact.xi_q, rel=1e-5)


def test_chaotic_correlation_is_a_fixed_point() -> None:
    diagram = phase_diagram("tanh", weight_variance=(1.0, 4.0), bias_variance=(0.01, 0.2), points=4)
    q, rho = float(diagram.q_star[1, 3]), float(diagram.correlation[1, 3])
    w, b = float(diagram.sigma_w2[3]), float(diagram.sigma_b2[1])
    assert diagram.chi_perp[1, 3] > 1
    maps = NumericalMaps("tanh", weight_variance=w, bias_variance=b)
    assert rho < 0.99
    assert float(maps.correlation_map(q, rho).value) == pytest.approx(rho, rel=1e-4)
    step = 1e-5
    slope = maps.correlation_map(q, rho + step).value - maps.correlation_map(q, rho - step).value
    assert diagram.xi_c[1, 3] == pytest.approx(-1 / math.log(float(slope) / (2 * step)), rel=1e-3)


def test_critical_line_goes_through_the_edge() -> None:
    diagram = phase_diagram("tanh", points=4)
    line = diagram.edge[np.isfinite(diagram.edge).all(axis=1)]
    edge = critical("tanh", bias_variance=0.04)
    assert np.interp(0.04, line[:, 1], line[:, 0]) == pytest.approx(edge.sigma_w2, rel=1e-3)


def test_relu_grows_above_two() -> None:
    diagram = phase_diagram("relu", weight_variance=(1.0, 3.0), bias_variance=(0.1, 0.2), points=5)
    assert np.isinf(diagram.q_star[:, 3:]).all()
    assert diagram.q_star[0, 0] == pytest.approx(0.2, rel=1e-9)


def test_csv_has_a_row_for_every_point() -> None:
    rows = list(csv.DictReader(io.StringIO(phase_diagram("elu", points=6).to_csv())))
    assert len(rows) == 36
    assert set(rows[0]) == {
        "sigma_w2",
        "sigma_b2",
        "q_star",
        "chi_par",
        "chi_perp",
        "correlation",
        "xi_q",
        "xi_c",
    }


def test_figure(tmp_path) -> None:  # type: ignore[no-untyped-def]
    diagram = phase_diagram("tanh", points=24)
    save_phase(tmp_path / "phase.png", diagram)
    assert (tmp_path / "phase.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = plot_phase(diagram).axes
    assert axes.get_xlim() == (pytest.approx(0.25), pytest.approx(3.0))
    with pytest.raises(InputError, match="file name must end in"):
        save_phase(tmp_path / "phase.txt", diagram)


def test_bad_diagrams() -> None:
    with pytest.raises(InputError, match="weight_variance must run from"):
        phase_diagram("tanh", weight_variance=(2.0, 1.0))
    with pytest.raises(InputError, match="points must be from 2 to 4096, got 1"):
        phase_diagram("tanh", points=1)


@pytest.mark.parametrize(
    ("name", "gamma"),
    [
        ("gelu", 1.7015043497085571),
        ("silu", 1.7881293296813965),
        ("tanh", 1.5939117670059204),
        ("sigmoid", 4.803835391998291),
    ],
)
def test_published_gammas_are_the_standard_deviation(name: str, gamma: float) -> None:
    """Brock et al. 2021 (NFNet), gamma = 1/std f(z): the public code's numbers to a part in 1000."""
    maps = NumericalMaps(name)
    variance = float(maps.second_moment(1.0).value) - float(maps.mean(1.0).value) ** 2
    assert 1 / math.sqrt(variance) == pytest.approx(gamma, rel=1e-3)


def test_gains_do_what_they_say() -> None:
    for name in ("tanh", "gelu", "elu", "sigmoid", "relu"):
        for gain in recommended_gains(name):
            maps = NumericalMaps(name, weight_variance=gain.sigma_w2, bias_variance=gain.sigma_b2, method="quadrature")
            if gain.name == "second-moment":
                assert float(maps.length_map(1.0).value) == pytest.approx(1, rel=1e-13)
            if gain.name == "gradient":
                assert float(maps.chi_perp(1.0).value) == pytest.approx(1, rel=1e-13)
            if gain.name == "homogeneous":
                assert float(maps.length_map(7.0).value) == pytest.approx(7, rel=1e-13)
            assert f"std={gain.torch_gain!r}" in gain.pytorch
            assert repr(gain.sigma_w2) in gain.jax


def test_pytorch_line_runs_on_a_stand_in() -> None:
    """The line is run with stand-ins of its names: the standard deviation is gain/√fan_in."""
    seen: dict[str, float] = {}
    init = SimpleNamespace(
        normal_=lambda target, std: seen.update({target: std}), zeros_=lambda target: seen.update({target: 0.0})
    )
    layer = SimpleNamespace(weight="weight", bias="bias", in_features=100)
    gain = recommended_gains("gelu")[-1]
    exec(gain.pytorch, {"torch": SimpleNamespace(nn=SimpleNamespace(init=init)), "layer": layer})
    assert seen["weight"] == pytest.approx(math.sqrt(gain.sigma_w2 / 100))
    assert seen["bias"] == pytest.approx(math.sqrt(gain.sigma_b2))


def test_the_critical_line_of_a_homogeneous_activation() -> None:
    """For relu χ_⊥ = σ_w²/2 for every q: the line σ_w² = 2; the figure shows it."""
    diagram = phase_diagram("relu", points=6)
    assert np.allclose(diagram.edge, [[2.0, 0.0], [2.0, 0.5]])
    (axes,) = plot_phase(diagram).axes
    assert any(np.allclose(line.get_xdata(), 2.0) for line in axes.get_lines())


def test_unstable_parts_of_the_critical_line_are_told_apart() -> None:
    """For exp, q - E[f²]/E[f'²] = q - 1 and χ_∥ = 2 all along χ_⊥ = 1; for tanh every length on it is stable."""
    diagram = phase_diagram("exp", points=6)
    inside = np.isfinite(diagram.edge).all(axis=1)
    assert not diagram.edge_is_stable[inside].any()
    tanh = phase_diagram("tanh", points=6)
    assert tanh.edge_is_stable[np.isfinite(tanh.edge).all(axis=1)].all()
    labels = [text.get_text() for text in plot_phase(diagram).legends[0].get_texts()]
    assert labels[-1] == r"$\chi_\perp = 1$, unstable length"


def test_depth_scales_are_plus_infinity_at_one() -> None:
    """At σ_w² = 1, σ_b² = 0 tanh has χ_⊥ = χ_∥ = 1 at q = 0."""
    diagram = phase_diagram("tanh", weight_variance=(0.0, 2.0), bias_variance=(0.0, 0.1), points=3)
    assert diagram.xi_q[0, 1] == math.inf
    assert diagram.xi_c[0, 1] == math.inf


def test_a_gain_says_what_comes_of_it():
    """He's weights keep length and gradient; tanh's of critical gain shrink q as 1/(2 l); x**2 explodes at q > 1."""
    (he,) = recommended_gains("relu")
    assert (he.length_after, he.gradient_after) == pytest.approx((1, 1))
    critical = next(gain for gain in recommended_gains("tanh") if gain.name == "critical")
    assert critical.length_after == pytest.approx(1 / (2 * 50), rel=0.1)
    explodes = next(gain for gain in recommended_gains("max(x, 0)**2 - x/4") if gain.name == "critical")
    assert (explodes.length_after, explodes.gradient_after) == (math.inf, math.inf)
    assert explodes.to_dict()["length_after"] is None


def test_both_libraries_get_the_bias():
    """A critical point with a bias variance is one in JAX, too; and the options are those of the other commands."""
    gain = next(gain for gain in recommended_gains("gelu") if gain.name == "critical")
    deviation = repr(math.sqrt(gain.sigma_b2))
    assert f"bias, std={deviation}" in gain.pytorch
    assert f"normal({deviation})" in gain.jax
    assert gain.options == (
        f"--gain {gain.sigma_w2!r} --bias-variance {gain.sigma_b2!r} --input-variance {gain.input_variance!r}"
    )


def test_moments_without_a_number_are_left_out() -> None:
    """cosh(x) exp(-sinh(x)²) is infinity times 0 for x > 711: large variances go, the rest of the diagram is right."""
    name = "x*erf(sinh(x))"
    moments = moments_of(activation(name))
    assert 50 < moments.nodes[-1] < 1e4
    (limit,) = moments.limits
    assert "variances end before q = " in limit or "a moment is not finite" in limit
    diagram = phase_diagram(name, weight_variance=(0.5, 0.9), bias_variance=(0.1, 0.4), points=4)
    q = float(diagram.q_star[2, 2])
    w, b = float(diagram.sigma_w2[2]), float(diagram.sigma_b2[2])
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    s = np.sqrt(q) * nodes
    with np.errstate(over="ignore"):
        second = weights @ (s * erf(np.sinh(s))) ** 2 / weights.sum()
    assert w * second + b == pytest.approx(q, rel=1e-6)
    plot_phase(diagram)


def test_an_activation_without_finite_moments_is_refused() -> None:
    """E[exp(s²)²] is infinite from q = 1/4 on: lengths that start at 1 cannot be followed."""
    with pytest.raises(InputError, match=r"no moments of exp\(x\*\*2\) are known"):
        phase_diagram("exp(x**2)", weight_variance=(0.5, 2.0), points=4)


@pytest.mark.parametrize("name", ["step", "sign(x)*sqrt(abs(x))"])
def test_an_infinite_slope_moment_has_no_diagram(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line for a jump, and for a power whose E[1/(4|s|)] quadrature finds to be infinite."""
    moments_of.cache_clear()
    _diverges(monkeypatch, name)
    with pytest.raises(
        InputError, match=r"activation must have a finite E\[f'²\] for a phase diagram, got .* infinite"
    ):
        phase_diagram(name, points=4)
    moments_of.cache_clear()


@pytest.mark.parametrize("name", ["step", "sign(x)*sqrt(abs(x))"])
def test_an_infinite_slope_moment_has_no_gain_for_gradients(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The length can be kept; gradients have no variance, and no critical gain is recommended."""
    moments_of.cache_clear()
    _diverges(monkeypatch, name)
    (gain,) = recommended_gains(name)
    assert gain.name == "second-moment"
    assert gain.gradient_after == math.inf
    assert gain.to_dict()["gradient_after"] is None
    assert gain.outcome.endswith("the variance of gradients times infinite")
    (why,) = recommended_gains(name).notes
    assert "E[f'²] is infinite" in why
    for bias_variance in (None, 0.04):
        found = critical(name, bias_variance=bias_variance)
        assert (found.kind, found.sigma_w2, found.xi_c) == ("none", None, None)
        assert any("E[f'²] is infinite" in note for note in found.notes)
    (point,) = fixed_points(name, weight_variance=1.0, bias_variance=0.1).points[-1:]
    assert point.chi_perp == math.inf
    assert point.to_dict()["chi_perp"] is None
    moments_of.cache_clear()


def _diverges(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let E[f'²] be what it is for a power of 1/2: infinite."""

    def infinite(self: NumericalMaps, q: object) -> SimpleNamespace:
        value = np.full(np.shape(q), np.inf)
        return SimpleNamespace(value=value, error=np.zeros_like(value), method="quadrature")

    if name != "step":
        monkeypatch.setattr(NumericalMaps, "slope_second_moment", infinite)


def test_the_moments_of_a_steep_step() -> None:
    """x erf(exp(x)/2) has a slope of 1 for large x, and finite moments at large variances, too."""
    moments = moments_of(activation("x*erf(exp(x)/2)"))
    assert moments.nodes[-1] > 9e2
    # f is x for x > 0 and 0 for x < 0 when seen from far away
    assert moments.at_nodes("slope_second")[-1] == pytest.approx(0.5, rel=1e-2)
    assert moments.at_nodes("second_slope")[-1] == pytest.approx(0.5, rel=1e-2)


@pytest.mark.parametrize("name", ["tanh", "gelu", "sin", "where(x > 1, x - 1, 0)", "x*sin(5*x)"])
def test_moments_between_nodes(name: str) -> None:
    """The interpolated moment is the computed one within the error that is stated, and that is small."""
    moments = moments_of(activation(name))
    q = np.exp(np.random.default_rng(8).uniform(np.log(2e-2), np.log(50), 20))
    for what in ("second", "slope_second", "second_slope"):
        value, error = moments.near(what, q)
        computed = [moments.exact(what, float(x)) for x in q]
        for got, bound, (truth, own) in zip(value, error, computed, strict=True):
            assert abs(got - truth) <= bound + own
        assert np.all(error <= 1e-10 * moments.near("slope_second", q)[0] * np.maximum(q, 1))


def test_a_search_that_takes_too_long_says_where_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no patience at all nothing is computed but one point, and each side says so."""
    monkeypatch.setattr("numerics.criticality.moments.PATIENCE", 0.0)
    moments = Moments(activation("tanh"))
    assert moments.panels == []
    assert len(moments.limits) == 2
    assert all("moments take too long" in limit for limit in moments.limits)
