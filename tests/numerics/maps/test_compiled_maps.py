"""Closed forms compiled for whole arrays: derived, checked, certified, and held against published kernels."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from map_oracles import DIGITS, KERNELS, relative
from sympy import sqrt

from derive.activations import activation
from derive.errors import InputError
from derive.gaussian import gaussian_expectation
from derive.maps import apart, c, q
from derive.maps.gaps import d, e
from derive.proof.checking import Checker
from derive.proof.rule import RuleDoesNotApply
from derive.proof.verdict import Grade
from numerics.maps import NumericalMaps
from numerics.maps.fast import MANY, METHOD
from numerics.maps.forms import Form, form

RNG = np.random.default_rng(2016)
QS = (1e-12, 1e-3, 1.0, 30.0, 1e5)
GAPS = np.concatenate([10.0 ** RNG.uniform(-15, 0, 40), RNG.uniform(0, 2, 40), [0.0, 1.0, 2.0]])


def _form(name: str, what: str) -> Form:
    found = form(activation(name), what)
    assert found is not None
    return found


def _closed(name: str) -> object:
    f = activation(name)
    u = f.symbol
    w = u.as_dummy()
    product = f.expression * f.expression.xreplace({u: w})
    return gaussian_expectation(product, (u, w), covariance=[[q, c], [c, q]]).result


@pytest.mark.parametrize(
    "name", ["relu", "leaky-relu(0.1)", "erf", "gelu", "sin", "cos", "step", "gaussian", "hermite(3)"]
)
def test_both_forms_are_derivations_that_hold(name):
    """Replayed and compared with the closed form to 30 digits, at gaps down to 1e-12."""
    for make in (apart.separation_form, apart.covariance_form):
        made = make(_closed(name))
        result = made.check()
        assert result.passed, result.failures
        assert result.grade is Grade.SAMPLED


@pytest.mark.parametrize("name", ["relu", "gelu", "sin"])
def test_a_wrong_form_is_refuted(name):
    """A constant that is off by a millionth, and a sign, are found at points."""
    made = apart.separation_form(_closed(name))
    for wrong in (made.result * (1 + d / 10**6), made.result + d * e / 10**9, -made.result):
        (step,) = made.steps
        assert Checker().step(replace(step, after=wrong)).grade is Grade.FAILED


def test_functions_without_a_rule_are_refused():
    """Owen's T has no difference formula here: the rule does not apply."""
    with pytest.raises(RuleDoesNotApply):
        apart.separation_form(_closed("hard-tanh"))
    assert form(activation("hard-tanh"), "separation") is None


@pytest.mark.parametrize("name", [n for n in KERNELS if n != "squared-relu"])
@pytest.mark.parametrize("variance", QS)
def test_separation_against_published_kernels(name, variance):
    """Every gap from 1e-15 to 2, within the error that is stated and 13 digits."""
    if name == "exp" and variance > 100:
        pytest.skip("exp(2q) is beyond float64")
    found = NumericalMaps(name).separation(variance, GAPS)
    assert set(found.method) == {METHOD}
    with mpmath.workdps(DIGITS):
        kernel, exact = KERNELS[name], mpmath.mpf(variance)
        whole = kernel(exact, mpmath.mpf(1))
        for value, error, gap in zip(found.value, found.error, GAPS, strict=True):
            truth = whole - kernel(exact, 1 - mpmath.mpf(float(gap)))
            assert abs(mpmath.mpf(float(value)) - truth) <= error
            assert relative(float(value), truth) < 1e-13


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("variance", QS)
def test_covariance_against_published_kernels(name, variance):
    """All correlations, within the error that is stated: 4e-15 of E[f²], more where exp(q) is large."""
    if name in {"exp", "sin"} and variance > 100:
        pytest.skip("sinh and exp of q are beyond float64: another method takes over")
    rho = np.tile(1 - GAPS, 4)
    found = NumericalMaps(name).covariance(variance, rho)
    assert set(found.method) == {METHOD}
    with mpmath.workdps(DIGITS):
        kernel, exact = KERNELS[name], mpmath.mpf(variance)
        size = float(kernel(exact, mpmath.mpf(1)))
        for value, error, r in zip(found.value[: len(GAPS)], found.error, rho, strict=False):
            truth = kernel(exact, mpmath.mpf(float(r)))
            # At correlation -1 the published form itself cancels, to 55 digits.
            assert abs(mpmath.mpf(float(value)) - truth) <= error + 1e-50 * size
            assert error <= (4e-15 if variance < 1 else 1e-14 if variance < 10 else 2e-13) * size


@pytest.mark.parametrize("name", ["relu", "erf", "gelu", "sin"])
def test_arrays_of_variances_and_one_variance_agree(name):
    """A variance for every point takes another program than one for all; they differ by the stated errors."""
    maps = NumericalMaps(name, weight_variance=1.7, bias_variance=0.3)
    rho = RNG.uniform(-1, 1, MANY)
    for what, second in (("correlation_map", rho), ("covariance_map", rho), ("gap_map", 1 - rho)):
        one = getattr(maps, what)(0.8, second)
        each = getattr(maps, what)(np.full(MANY, 0.8), second)
        assert set(one.method) == set(each.method) == {METHOD}
        assert np.all(np.abs(one.value - each.value) <= one.error + each.error)


@pytest.mark.parametrize("name", ["leaky-relu(0.1)", "gelu"])
@pytest.mark.parametrize("bias", [0.0, 0.4])
def test_compiled_maps_are_those_of_small_arrays(name, bias):
    """Every map, against the evaluator that small arrays take and against quadrature."""
    many, plain = (
        NumericalMaps(name, weight_variance=1.3, bias_variance=bias, method=m) for m in ("auto", "quadrature")
    )
    rho = np.tile(np.linspace(-0.95, 0.95, 5), 60)
    qs = np.tile([0.2, 1.0, 7.0], 100)
    few = slice(0, 15)
    pairs = [
        ("correlation_map", (qs, rho)),
        ("covariance_map", (qs, rho)),
        ("gap_map", (qs, 1 - rho)),
        ("separation", (qs, 1 - rho)),
        ("length_map", (qs,)),
        ("chi_perp", (qs,)),
        ("chi_par", (qs,)),
        ("mean", (qs,)),
        ("K", (np.sqrt(qs), np.abs(rho) + 0.1)),
        ("sample_variance_map", (np.sqrt(qs), np.abs(rho) + 0.1)),
    ]
    for what, arguments in pairs:
        found = getattr(many, what)(*arguments)
        assert set(found.method) == {METHOD}, what
        wanted = getattr(plain, what)(*(a[few] for a in arguments))
        assert np.all(np.abs(found.value[few] - wanted.value) <= found.error[few] + wanted.error + 1e-14 * wanted.value)


def test_gaps_and_correlations_add_to_one():
    """1 - ρ' by its own kernel is 1 - ρ' by subtraction where that keeps its digits."""
    for name in ("relu", "erf", "gelu", "sin"):
        maps = NumericalMaps(name, weight_variance=1.5)
        rho = RNG.uniform(-1, 0.5, 500)
        total = maps.gap_map(1.0, 1 - rho).value + maps.correlation_map(1.0, rho).value
        assert np.max(np.abs(total - 1)) < 2e-15


def test_a_wrong_constant_gets_no_certificate():
    """The certificate is measured: a form off by 1e-12 is not used anywhere."""
    good = _form("gelu", "separation")
    assert good.covers((1e-12, 5e4))
    assert max(good.decade(k)[0] for k in range(-12, 5)) < 1e-13
    bad = Form(good.activation, "separation", good.expression * (1 + sqrt(2) / 10**12), good.truth)
    assert not any(bad.covers((q, q)) for q in (1e-6, 1.0, 1e3))


def test_where_digits_are_lost_another_method_takes_over():
    """snake's E[f²] cancels at a small variance: the certificate ends there, and quadrature answers."""
    assert _form("snake", "second").covers((0.1, 1.0))
    assert not _form("snake", "second").covers((1e-6, 1.0))
    below = NumericalMaps("snake").second_moment(np.geomspace(1e-7, 1e-6, MANY))
    assert METHOD not in set(below.method)
    assert below.relative_error < 1e-12
    # Beyond exp's range too.
    assert not _form("exp", "covariance").covers((1.0, 400.0))


def test_bad_values_in_large_arrays_are_named():
    """The value that breaks the rule, in whichever block it stands."""
    maps = NumericalMaps("relu")
    rho = np.zeros(40_000)
    for wrong, shown in ((1.5, "1.5"), (np.nan, "nan")):
        rho[-7] = wrong
        with pytest.raises(InputError, match=rf"rho must be from -1 to 1, got {shown}"):
            maps.covariance(1.0, rho)
    with pytest.raises(InputError, match=r"gap must be from 0 to 2, got -0\.5"):
        maps.separation(1.0, np.full(500, -0.5))
    with pytest.raises(InputError, match=r"q must be positive and finite, got inf"):
        maps.chi_perp(np.array([1.0] * 500 + [np.inf]))
    with pytest.raises(InputError, match=r"m² \+ v² must be positive and finite, got 0\.0"):
        maps.sample_variance_map(np.zeros(300), np.zeros(300))


def test_shapes_broadcast():
    """A column of variances against a row of correlations."""
    qs, rho = np.array([[0.5], [2.0]]), np.linspace(-1, 1, 300)
    found = NumericalMaps("erf").covariance(qs, rho)
    assert found.value.shape == found.error.shape == found.method.shape == (2, 300)
    assert found.value[1, 7] == NumericalMaps("erf").covariance(np.full(300, 2.0), rho).value[7]
    assert NumericalMaps("erf").separation(1.0, []).value.shape == (0,)


@pytest.mark.parametrize("weight", [1e-6, 1e6])
def test_the_error_of_a_map_is_in_proportion_to_the_weights(weight):
    """sigma_w² multiplies what the second moment is off by; the bias adds no more than rounding."""
    q = np.geomspace(0.1, 3.0, 4000)
    maps = NumericalMaps("tanh", weight_variance=weight)
    second, length = maps.second_moment(q), maps.length_map(q)
    assert length.value == pytest.approx(weight * second.value, rel=1e-15)
    assert (second.error > 0).all()
    assert (length.error >= 0.99 * weight * second.error).all()
    assert (length.error <= weight * (second.error + 1e-14 * second.value)).all()
