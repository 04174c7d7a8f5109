"""The laws of weights and inputs, against SciPy's distributions."""

import math

import numpy as np
import pytest
from scipy import stats

from derive.errors import InputError
from numerics.laws import law, laws

EDGE = 2 / stats.truncnorm(-2, 2).std()
# The same laws, standardised, from SciPy: nothing here is computed by varprop.
SCIPY = {
    "normal": stats.norm(),
    "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
    "rademacher": stats.rv_discrete(values=([-1, 1], [0.5, 0.5])),
    "truncated-normal": stats.truncnorm(-2, 2, scale=EDGE / 2),
}


@pytest.mark.parametrize("name", laws())
def test_moments_are_scipys(name):
    """Variance one, and SciPy's kurtosis and bound."""
    reference = SCIPY[name]
    assert reference.var() == pytest.approx(1, rel=1e-12)
    assert law(name).kurtosis == pytest.approx(float(reference.stats(moments="k")) + 3, rel=1e-10)
    assert law(name).bound == pytest.approx(reference.support()[1])


@pytest.mark.parametrize("name", laws())
def test_draws_follow_the_law(name):
    """Moments within 4.5 standard errors, and a Kolmogorov-Smirnov test, with a fixed seed."""
    draws = law(name).sample((40, 5001), variance=0.3, rng=np.random.default_rng(5)).ravel()
    scaled = draws / math.sqrt(0.3)
    for power, expected in ((1, 0.0), (2, 1.0), (3, 0.0), (4, law(name).kurtosis)):
        error = (scaled**power).std() / math.sqrt(scaled.size)
        assert abs((scaled**power).mean() - expected) <= 4.5 * error + 1e-12
    assert np.abs(scaled).max() <= law(name).bound * (1 + 1e-12)
    if name != "rademacher":
        assert stats.kstest(scaled, SCIPY[name].cdf).pvalue > 1e-3


def test_the_law_test_would_catch_a_truncation_that_is_not_rescaled():
    """Cutting at two standard deviations without rescaling leaves 0.774 of the variance; the test sees it."""
    cut = stats.truncnorm(-2, 2).rvs(200_000, random_state=np.random.default_rng(5))
    error = (cut**2).std() / math.sqrt(cut.size)
    assert abs((cut**2).mean() - 1) > 100 * error
    assert stats.kstest(cut, SCIPY["truncated-normal"].cdf).pvalue < 1e-10


@pytest.mark.parametrize("name", laws())
def test_filling_float32_with_a_scale(name):
    """The same law in half the memory, with the standard deviation asked for."""
    draws = np.empty(200_001, np.float32)
    law(name).fill(draws, rng=np.random.default_rng(7), scale=0.5)
    scaled = 2 * draws.astype(np.float64)
    for power, expected in ((1, 0.0), (2, 1.0), (4, law(name).kurtosis)):
        error = (scaled**power).std() / math.sqrt(scaled.size)
        assert abs((scaled**power).mean() - expected) <= 4.5 * error + 1e-6
    assert np.abs(scaled).max() <= law(name).bound * (1 + 1e-6)


@pytest.mark.parametrize("name", laws())
def test_draws_are_uncorrelated(name):
    """Neighbouring draws and draws eight apart (the bits of one byte) have no correlation."""
    draws = law(name).sample(200_000, rng=np.random.default_rng(6))
    for lag in (1, 8, 1 << 16):
        pairs = draws[lag:] * draws[:-lag]
        assert abs(pairs.mean()) < 4.5 / math.sqrt(pairs.size)


def test_a_strided_array_is_refused():
    """Filling a copy would leave the array as it was."""
    with pytest.raises(InputError, match="out must be contiguous"):
        law("normal").fill(np.empty((4, 4)).T[::2], rng=np.random.default_rng(1))


def test_unknown_law():
    """Close matches are listed."""
    with pytest.raises(InputError, match=r"^unknown law 'gaussian'; known: normal, uniform, rademacher, trun"):
        law("gaussian")
    with pytest.raises(InputError, match=r"^unknown law 'unifrom'; did you mean uniform\?$"):
        law("unifrom")
