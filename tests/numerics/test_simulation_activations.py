"""The simulator for every activation: its estimates against expectations that are exact at any width.

With a Rademacher input every network has |x|² = n_0 Var[x], so that s^0 is exactly normal with variance q. Everything
about layer 1 then is a Gaussian expectation, by quadrature here, and so is the gradient at layer 0: that of the last
layer, 1, is drawn independently.
"""

import numpy as np
import pytest

from derive.activations import activations
from numerics import Network, simulate
from numerics.activations import numpy_function
from numerics.maps import NumericalMaps

OWN = ("x*Phi(1.702*x)", "where(x > 1, x, 0)", "max(x, 0) + 1", "cos(x)**2", "where(x > 0, 1, 2)", "abs(x)*x")
GAIN, BIAS, Q = 1.1, 0.2, 1.3
FALSE_ALARM = 5.0  # standard errors; forty activations and a dozen numbers each


def network(activation, widths=(6, 9, 8)):
    return Network(widths=list(widths), activation=activation, gain=GAIN, bias_variance=BIAS, input_law="rademacher")


def agree(estimate, error, expected):
    assert np.isfinite([estimate, error]).all()
    assert abs(estimate - expected) <= FALSE_ALARM * error + 1e-12 * abs(expected)


@pytest.mark.parametrize("name", [*activations(), *OWN])
def test_forward_and_backward_over_networks(name):
    """Layer 1 forward and layer 0 backward, for kinks, jumps, constants and what is even, odd or neither."""
    drawn = network(name)
    found = simulate(drawn, rng=11, networks=4000)
    maps = NumericalMaps(name, method="quadrature")
    second, mean = float(maps.second_moment(Q).value), float(maps.mean(Q).value)
    at = lambda quantity, layer: (found.estimate[quantity][layer], found.standard_error[quantity][layer])  # noqa: E731
    agree(*at("var_s", 0), Q)
    agree(*at("var_z", 1), second - mean**2)
    agree(*at("var_s", 1), GAIN * second + BIAS)
    # f' is 0 almost everywhere where f is a step: the derivative that is simulated is the pointwise one.
    slope = float(maps.slope_second_moment(Q).value) if not maps.activation.jumps else _pointwise(maps)
    agree(*at("var_grad_s", 0), drawn.widths[2] * drawn.weight_variance[1] * slope)


def _pointwise(maps):
    z = np.linspace(-12, 12, 400_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    return float((numpy_function(maps.activation, 1)(np.sqrt(Q) * z) ** 2 * density).sum())


@pytest.mark.parametrize("name", [*activations(), *OWN])
def test_over_samples_units_and_both(name):
    """Over networks and samples m2 + v2 of layer 1 is the same second moment; one network lies within its error."""
    maps = NumericalMaps(name, method="quadrature")
    expected = GAIN * float(maps.second_moment(Q).value) + BIAS
    for method in ("brute", "conditional"):
        both = simulate(network(name), over="both", rng=5, networks=400, samples=8, method=method)
        agree(both.estimate["var_s"][1], both.standard_error["var_s"][1], expected)
    wide = network(name, (40, 60, 50))
    one = simulate(wide, over="sample", rng=5, samples=400)
    total = one.estimate["m2"][1] + one.estimate["v2"][1]
    off = [np.hypot(one.standard_error[n][1], one.network_error[n][1]) for n in ("m2", "v2")]
    agree(total, sum(off), expected)
    layer = simulate(wide, over="layer", rng=5)
    agree(
        layer.estimate["var_s"][1],
        np.hypot(layer.standard_error["var_s"][1], layer.network_error["var_s"][1]),
        expected,
    )


def test_what_overflows_is_infinite_and_said():
    """Where exp leaves float64's range, variances and errors are infinite and rho is no number; all else is finite."""
    drawn = Network(widths=[6, 7, 5, 4], activation="exp", gain=100.0)
    for over in ("network", "sample", "layer", "both"):
        found = simulate(drawn, over=over, rng=1)
        assert found.overflows["var_s" if over in ("network", "layer") else "v2"] == (2,)
        for name, values in found.estimate.items():
            for layer in found.overflows.get(name, ()):
                assert np.isnan(values[layer]) if name == "rho" else values[layer] == np.inf
                assert found.standard_error[name][layer] == np.inf
            assert np.isfinite(np.delete(values, found.overflows.get(name, ()))).all()


def test_a_single_unit_is_no_overflow():
    """One unit has no variance over units: not a number, and not an infinite one."""
    found = simulate(Network(widths=[6, 7, 1], activation="relu", gain=1.0), over="layer", rng=1)
    assert np.isnan(found.estimate["var_s"][1])
    assert found.overflows == {}


@pytest.mark.parametrize("name", [*activations(), *OWN, "leaky-relu(1/3)", " x * Phi(x) ", "where(x >= 0, x, 0.1*x)"])
def test_to_dict_gives_the_network_again(name):
    """Also for a user's own expression: its text is read back to the same activation."""
    drawn = Network(widths=[3, 4, 2], activation=name, gain=[1.0, 2.0], bias_variance=0.3, weight_law="uniform")
    again = Network(**drawn.to_dict())
    assert again == drawn
    assert again.activation.expression == drawn.activation.expression
