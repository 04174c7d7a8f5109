"""The stable expressions equal the definition, and the definition the nested integral."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import sympy as sp
from scipy import integrate

from numerics.maps import rectifier_profile as profile
from numerics.maps import rectifier_theorem as source

r = sp.Symbol("r", positive=True)
RATIO = {source.v: 1, source.m: sp.sqrt(r)}


@pytest.mark.parametrize("index", [0, 1], ids=["v2", "m2"])
def test_stable_form_equals_the_definition(index):
    """Both are homogeneous; on v = 1 their difference vanishes with its first derivative at m = 0, and its
    second derivative, which is algebraic, vanishes identically."""
    scale = sp.Symbol("lambda", positive=True)
    shifted = source.bias_variance if index else 0
    for form in (source.STABLE, source.DEFINITION):
        expr = form[index] - shifted
        scaled = expr.subs({source.m: scale * source.m, source.v: scale * source.v}, simultaneous=True)
        assert sp.simplify(scaled - scale**2 * expr) == 0
    difference = (source.STABLE[index] - source.DEFINITION[index]).subs(RATIO, simultaneous=True)
    assert sp.simplify(difference.subs(r, 0)) == 0
    assert sp.simplify(sp.diff(difference, r).subs(r, 0)) == 0
    assert sp.simplify(sp.diff(difference, r, 2)) == 0


def test_a_wrong_stable_form_is_told_apart():
    """The proof above notices T without its factor 2."""
    wrong = source.STABLE.v2.subs(source.m, source.m / sp.sqrt(2))
    difference = (wrong - source.DEFINITION.v2).subs(RATIO, simultaneous=True)
    assert sp.simplify(sp.diff(difference, r, 2)) != 0


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, -0.3])
@pytest.mark.parametrize(("m", "v"), [(0.7, 1.3), (2.0, 0.5)])
def test_definition_is_the_nested_integral(slope, m, v):
    """K = E_mu[(E_nu phi(mu + nu))^2] by quadrature, and q' = sigma_w2 E[phi(y)^2] + sigma_b2."""
    gain, bias = 1.7, 0.1

    def density(x, scale):
        return math.exp(-0.5 * (x / scale) ** 2) / (scale * math.sqrt(2 * math.pi))

    def phi(y):
        return y if y > 0 else slope * y

    def quad(f, *points):
        return sum(integrate.quad(f, *piece, epsabs=1e-13, epsrel=1e-12)[0] for piece in pairwise(points))

    def inner(mu):
        kink = min(max(-mu, -9 * v), 9 * v)
        return quad(lambda nu: phi(mu + nu) * density(nu, v), -9 * v, kink, 9 * v)

    sigma = math.hypot(m, v)
    K = quad(lambda mu: inner(mu) ** 2 * density(mu, m), -9 * m, 9 * m)
    q = gain * quad(lambda y: phi(y) ** 2 * density(y, sigma), -9 * sigma, 0, 9 * sigma) + bias
    values = {
        source.m: m,
        source.v: v,
        source.slope: slope,
        source.gain: gain,
        source.bias_variance: bias,
    }
    m2 = gain * K + bias
    assert float(source.DEFINITION.m2.subs(values)) == pytest.approx(float(m2), rel=1e-10)
    assert float(source.DEFINITION.v2.subs(values)) == pytest.approx(float(q - m2), rel=1e-9)


def test_every_term_of_the_stable_form_has_the_stated_size():
    """h runs from 0 to 1, so the bracket of v'^2 keeps between 1 - 2/pi (a = -1) and 1 (a = 1) of itself."""
    h = profile.derived_profile().h
    symbol = profile.derived_profile().r
    assert h.subs(symbol, 0) == 1
    assert sp.limit(h, symbol, sp.oo) == 0
    c = profile.derived_profile()
    kept = sp.lambdify(source.slope, (1 - c.c1 / c.c0).subs(source.gain, 1))
    assert min(kept(a / 10) for a in range(-50, 51)) == pytest.approx(1 - 2 / sp.pi.evalf())
    assert kept(1.0) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(source.STABLE._replace(m2=source.STABLE.m2 - source.m**2), id="a term dropped"),
        pytest.param(source.SampleVarianceExpressions(source.STABLE.m2, source.STABLE.v2), id="swapped"),
        pytest.param(source.STABLE._replace(v2=source.STABLE.v2 * source.v), id="not homogeneous"),
    ],
)
def test_unsuitable_expressions_are_refused(wrong):
    """Nothing is generated from expressions without the structure that the code relies on."""
    with pytest.raises(profile.UnsuitableDerivationError, match="the derivation must satisfy"):
        profile.profile_of(wrong)


def test_polynomial_error_is_far_below_a_rounding_error():
    """The truncation error, weighted as it reaches the results, is below 2^-53 / 10 for every slope."""
    _, error = profile.polynomial()
    assert 4 * error < 2.0**-53 / 5
