"""Where kernels end: at the largest variance, at the ends of their domain, and after very many layers."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from derive.activations import activation
from derive.errors import InputError
from numerics.kernels import iterate, map_kernel, sample_variance_step
from numerics.kernels.layer_products import layer_product
from numerics.kernels.reference import by_quadrature
from numerics.maps.definitions import definition


def test_a_curve_ends_where_variances_pass_the_largest_that_a_step_takes() -> None:
    """2^1022 is a variance, 2^1023 is none though float64 holds it."""
    step = sample_variance_step("linear", gain=2.0)
    assert iterate(step, 0.0, 1.0, layers=1022).v2[-1] == 2.0**1022
    assert iterate(step, 1.0, 0.0, layers=1022).m2[-1] == 2.0**1022
    for start in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(OverflowError, match="at layer 1023"):
            iterate(step, *start, layers=1023)


@pytest.mark.parametrize("count", [1000, 20_000])
def test_products_of_very_many_factors(count: int) -> None:
    """A few units of 2^-53 whatever the length: every rounding is caught, to its last bit."""
    factors = np.random.default_rng(5).uniform(0.7, 1.4, count)
    found = layer_product([factors], np.arange(count), 0, count - 1)
    with mp.workdps(60):
        truth = mpf(1)
        for factor in factors.tolist():
            truth *= mpf(factor)
        value = mpf(float(found.mantissa)) * mpf(2) ** int(found.exponent)
        assert abs(value / truth - 1) <= 4 * mpf(2) ** -53


@pytest.mark.parametrize("domain", [(0.5, 2.0), (0.3, 7.1)])
def test_a_domain_holds_its_ends(domain: tuple[float, float]) -> None:
    """Both ends are variances of it, and what lies a little beyond is not."""
    length = map_kernel("tanh", "length-map", domain=domain)
    assert length.method == "quadrature"
    for end, beyond in zip(domain, (domain[0] * (1 - 1e-9), domain[1] * (1 + 1e-9)), strict=True):
        with mp.workdps(30):
            root = mp.sqrt(mpf(end))
            truth = 2 * mp.quad(lambda z, root=root: mp.tanh(root * z) ** 2 * mp.npdf(z), [0, 1, 3, 6, 13])
        assert abs(length(end, 1.0, 0.0) / float(truth) - 1) < 1e-14
        with pytest.raises((ValueError, InputError)):
            length(beyond, 1.0, 0.0)


@pytest.mark.parametrize("q", [0.01, 0.7, 5.0])
def test_the_reference_of_the_slope_of_the_length_map(q: float) -> None:
    """E sin² = (1 - exp(-2q))/2 and P(s > 1) = Φ(-1/√q), by q."""
    for name, slope in (
        ("sin", lambda v: mp.exp(-2 * v)),
        ("where(x>1,1,0)", lambda v: mp.npdf(1 / mp.sqrt(v)) / (2 * v ** mpf(1.5))),
    ):
        found = definition(activation(name), "chi_par", of_kernel=True)
        value, error = by_quadrature(activation(name), *found.results, found, {"q": q, "sigma_w2": 1.5})
        with mp.workdps(30):
            truth = 1.5 * slope(mpf(q))
            assert abs(value - truth) <= error + mpf(10) ** -17 * truth
