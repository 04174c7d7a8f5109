"""Functions between nodes: the stated error bounds what interpolation, the nodes and rounding leave."""

import mpmath
import numpy as np
import pytest

from numerics.criticality.chebyshev import POINTS, Curve, clenshaw

X = np.linspace(-1, 1, 201)
FUNCTIONS = {
    "growing": lambda x: mpmath.exp(8 * x),
    "bending": lambda x: 1 / (1 + 4 * mpmath.mpf(x) ** 2),
    "of both signs": lambda x: mpmath.sin(3 * x),
    "with a kink": lambda x: abs(mpmath.mpf(x) - 0.3) + 1,
}


def curve(f, relative):
    """Through values that are off by a share of themselves, larger at one node than at the others."""
    values = np.array([float(f(x)) for x in POINTS])
    errors = relative * np.abs(values)
    errors[5] *= 100
    return Curve.through(values + errors * (-1.0) ** np.arange(len(values)), errors, 0.0), values


@pytest.mark.parametrize("relative", [0.0, 1e-13, 1e-9, 1e-6])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stated_error_is_a_bound(name, relative):
    """Between all nodes, against the function in high precision; relative where the logarithm is interpolated.

    The largest error of a node counts up to 2.6, Lebesgue's constant of 16 nodes.
    """
    f = FUNCTIONS[name]
    made, values = curve(f, relative)
    assert made.logarithmic == bool((values > 0).all())
    found = clenshaw(np.repeat(made.coefficients[:, None], len(X), axis=1), X)
    exact = np.array([float(mpmath.log(f(x)) if made.logarithmic else f(x)) for x in X])
    assert np.abs(found - exact).max() <= 2.6 * made.error
    largest = 100 * relative * (1 if made.logarithmic else np.abs(values[5]))
    assert made.error >= largest


def test_a_function_is_accurate_where_its_last_coefficients_are_small():
    """As far as the nodes are known: a kink is not, but for values that are as wrong as what it leaves."""
    assert curve(FUNCTIONS["growing"], 1e-13)[0].accurate
    assert not curve(FUNCTIONS["with a kink"], 1e-13)[0].accurate
    assert not curve(FUNCTIONS["bending"], 1e-13)[0].accurate
    values = np.abs(POINTS - 0.3) + 1
    assert Curve.through(values, 1e-2 * values, 0.0).accurate
    assert Curve.through(values, 1e-13 * values, 1.0).accurate
