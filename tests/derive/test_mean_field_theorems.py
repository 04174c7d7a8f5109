"""Wide networks with any activation: the theorems held against published numbers and iteration."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import pytest
from planting import CHECKER, derived
from sympy import Eq, Integer, Rational, Symbol, exp, log, pi, simplify, sin, sqrt, symbols, tanh

import derive
from derive.errors import InputError
from derive.gaussian import Phi, gaussian_expectation
from derive.network import GAIN, SLOPE
from derive.proof.derivation import Derivation, Statement
from derive.proof.verdict import Grade
from derive.rules.any_activation import CURVATURE_OF_F, DERIVATIVES, GAP, THIRD_OF_F, over_kinks
from derive.rules.any_activation import Q as LENGTH
from derive.rules.asymptotics import LAYER, SMALL
from derive.rules.decay import LocalForm
from derive.rules.near_one import CollectPowers
from derive.rules.near_zero import OneSided
from derive.rules.stability import enclose
from derive.rules.wide import U, one_gaussian
from derive.setting import Setting
from derive.theorems.sample_variance_decay import HE_GAIN, Q
from derive.theorems.selu import ALPHA, LAMBDA

ASYMPTOTIC = [name for name in derive.theorems() if name.startswith("critical")]
Z = Symbol("z", real=True)


@pytest.fixture(scope="module")
def checker():
    return CHECKER


@pytest.mark.parametrize("name", ASYMPTOTIC)
def test_an_asymptotic_result_says_so_and_names_what_it_assumes(name):
    theorem = derived(name)
    assert theorem.statement.relation == "~"
    keys = {h.key for h in theorem.rests_on}
    assert any(key.startswith("layer-by-layer") for key in keys)
    assert {h.key for part in theorem.parts for h in part.rests_on} < keys


@pytest.mark.parametrize("name", ASYMPTOTIC)
def test_a_wrong_constant_is_caught(checker, name):
    """The map and the decay: each is refuted when its last step is off by a factor."""
    theorem = derived(name)

    def spoil(derivation, factor):
        after = factor * derivation.result
        step = replace(derivation.steps[-1], after=after)
        statement = replace(derivation.statement, rhs=after)
        return replace(derivation, statement=statement, steps=(*derivation.steps[:-1], step), rebuild=None)

    for derivation in (theorem, theorem.parts[0]):
        verdict = checker.step(spoil(derivation, Rational(101, 100)).steps[-1])
        assert verdict.grade is Grade.FAILED


def relu_like(slope):
    """1 - rho for one kink: a slope on the left, 1 on the right."""
    result = derived("critical-correlation-kinked").result
    return over_kinks(result, ((Integer(0), 1 - slope),)).subs(GAIN, 2 / (1 + slope**2))


def test_the_kinked_decay_of_relu_is_hayou_s():
    """Hayou, Doucet & Rousseau 2019: 1 - rho ~ 9 pi^2/(2 l^2)."""
    assert simplify(relu_like(Integer(0)) - 9 * pi**2 / (2 * LAYER**2)) == 0


def test_the_kinked_decay_is_that_of_the_exact_theorem():
    """At every slope: with v^2 = q (1 - rho), the leading order of `sample-variance-decay`, derived another way."""
    exact = derived("sample-variance-decay").result.subs(log(LAYER), 0)
    assert simplify(exact / Q - relu_like(SLOPE)) == 0
    assert HE_GAIN == 2 / (1 + SLOPE**2)


def moments_of_sine(q):
    """E[sin^2] and E[cos^2] for variance q."""
    return (1 - math.exp(-2 * q)) / 2, (1 + math.exp(-2 * q)) / 2


def test_the_smooth_decay_against_iteration():
    """sin has the covariance map exp(-q) sinh(q rho): the leading order and the logarithm, over 300 000 layers."""
    q, gap = 0.7, 0.3
    sine, cosine = moments_of_sine(q)
    w = 1 / cosine
    factor, inverse = w * math.exp(-q) / q, []
    for layers in (100_000, 200_000):
        for _ in range(layers):
            # sinh q - sinh(q (1 - gap)), without cancellation.
            gap = factor * 2 * math.cosh(q - q * gap / 2) * math.sinh(q * gap / 2)
        inverse.append(1 / gap)
    curvature, third = one_gaussian(CURVATURE_OF_F(U) ** 2), one_gaussian(THIRD_OF_F(U) ** 2)
    values = {curvature: sine, third: cosine, GAIN: w, LENGTH: q}
    form = derived("critical-correlation-smooth").result.subs(values, simultaneous=True)
    # form = (1 - c log(l)/l)/(beta l), so that 1/form = beta (l + c log l) as l grows.
    beta = float(1 / form.subs(log(LAYER), 0).subs(LAYER, 1))
    c = float(1 - form.subs(log(LAYER), 1).subs(LAYER, 1) * beta)
    assert abs(c) > 0.5
    assert inverse[1] == pytest.approx(beta * 300_000, rel=1e-4)
    measured = ((inverse[1] - inverse[0]) / beta - 200_000) / math.log(3)
    assert measured == pytest.approx(c, rel=2e-3)


def at_zero(f):
    """The derivatives of an activation at zero."""
    return {g(0): f.diff(Z, k).subs(Z, 0) for k, g in enumerate(DERIVATIVES)}


@pytest.mark.parametrize(
    ("f", "rate"),
    [
        (tanh(Z), 2),  # Roberts, Yaida & Hanin 2022, section 5.3.3: a_1 = -2
        (sin(Z), 1),  # the same, section 5.3.3: a_1 = -1
        (Z + Z**2, -3),  # 3/4 (f''/f')^2: it repels
        (exp(Z) - 1, Rational(-7, 4)),
    ],
)
def test_critical_length_of_known_activations(f, rate):
    """1/(-a_1 l) with a_1 = f'''/f' + 3/4 (f''/f')^2 (Roberts, Yaida & Hanin 2022, section 5.3.3)."""
    assert derived("critical-length").result.xreplace(at_zero(f)) == 1 / (rate * LAYER)


def test_critical_length_against_iteration():
    """sin has E[sin^2] = exp(-q) sinh(q)."""
    q, layers = 0.5, 200_000
    for _ in range(layers):
        q = math.exp(-q) * math.sinh(q)
    predicted = float(derived("critical-length").result.xreplace(at_zero(sin(Z))).subs(LAYER, layers))
    assert q == pytest.approx(predicted, rel=2e-4)


def test_critical_length_with_a_kink_against_the_map():
    """2 s right of zero and exp(s) - 1 left of it, integrated by hand: q' = q - A q^(3/2)."""
    lemma = derived("critical-length-kinked").parts[0].result
    values = {OneSided(1, 1): 2, OneSided(2, 1): 0, OneSided(1, -1): 1, OneSided(2, -1): 1}
    coefficient = float(lemma.xreplace(values).coeff(LENGTH ** Rational(3, 2)))
    with mpmath.workdps(40):
        q = mpmath.mpf(10) ** -12
        left = mpmath.exp(2 * q) * mpmath.ncdf(-2 * mpmath.sqrt(q))
        left += mpmath.mpf(1) / 2 - 2 * mpmath.exp(q / 2) * mpmath.ncdf(-mpmath.sqrt(q))
        lost = mpmath.mpf(2) / 5 * (2 * q + left) - q
        assert float(lost / q ** mpmath.mpf("1.5")) == pytest.approx(coefficient, rel=1e-5)


def test_half_stable_rate_of_a_polynomial():
    """s + s^2/10: E[f^2] = q + 3 q^2/100, whose second derivative is 6/100 at every q."""
    f = Z + Z**2 / 10
    form = derived("critical-length-half-stable").result
    for node in form.atoms(type(one_gaussian(U))):
        inside = node.integrand
        for k, g in reversed(list(enumerate(DERIVATIVES))):
            inside = inside.subs(g(U), f.diff(Z, k).subs(Z, U))
        form = form.xreplace({node: gaussian_expectation(inside, {U: (0, LENGTH)}).result})
    # x' = x - a x^2 with a = sigma_w^2 (E[f^2])''/2.
    assert simplify(form - 1 / (GAIN * Rational(3, 100) * LAYER)) == 0


def test_selu_jacobian_of_the_paper():
    """Klambauer et al. 2017, section 2: J = ((0, 0.088834), (0, 0.782648)) at mean 0 and variance 1."""
    theorem = derived("selu-fixed-point")
    alpha, stability = theorem.parts
    constants = {ALPHA: alpha.result, LAMBDA: theorem.result}
    lemmas = {m.name: m.result.subs(constants).evalf(20) for m in (*stability.lemmas, *stability.parts)}
    entries = [lemmas[f"selu-{of}-by-{by}"] for by in ("mean", "variance") for of in ("mean", "variance")]
    assert entries[:2] == [0, 0]
    # The first is 0.0888348: the paper cuts its digits off.
    assert float(entries[2]) == pytest.approx(0.088834, abs=1e-6)
    assert round(float(entries[3]), 6) == 0.782648
    assert stability.statement.relation == "<="
    assert stability.result < 1
    assert 0 <= stability.result - entries[3] < Rational(1, 10**4)


def test_selu_jacobian_by_differences():
    """The same slopes from the moments of SELU by quadrature in mpmath."""
    a, scale = mpmath.mpf("1.6732632423543772848"), mpmath.mpf("1.0507009873554804934")

    def moment(power, mean, variance):
        def f(z):
            s = mean + mpmath.sqrt(variance) * z
            return (scale * (s if s > 0 else a * mpmath.expm1(s))) ** power * mpmath.npdf(z)

        return mpmath.quad(f, [-12, -mean / mpmath.sqrt(variance), 12])

    def following(variance):
        return moment(2, 0, variance) - moment(1, 0, variance) ** 2

    assert float(mpmath.diff(following, 1)) == pytest.approx(0.782648, abs=1e-6)
    assert float(mpmath.diff(lambda v: moment(1, 0, v), 1)) == pytest.approx(0.088834, abs=1e-6)


@pytest.mark.parametrize("number", [Phi(-1), Phi(-2) * exp(2), sqrt(pi) / 3, 1 / (exp(Rational(1, 2)) - Phi(3))])
def test_an_interval_holds_the_number_and_little_else(number):
    low, high = enclose(number)
    assert low <= number.evalf(60) <= high
    assert high - low < Rational(1, 10**30)


def test_an_interval_needs_a_number_that_it_knows():
    with pytest.raises(InputError, match="no interval for tanh"):
        enclose(tanh(Integer(1)))


def expansion(e):
    """A derivation that states an expansion in u that leaves nothing out."""
    statement = Statement(SMALL, "=", e)
    return Derivation("expansion", "An expansion", statement, Setting(()), ())


@pytest.mark.parametrize(
    ("power", "first", "second"), [(1, 2, 3), (Rational(1, 2), 2, 1), (2, Rational(1, 3), 0), (1, 1, -5)]
)
def test_the_general_decay_against_iteration(power, first, second):
    """u' = u - A u^(1+k) - B u^(1+2k): the leading order and the logarithm."""
    lemma = expansion(SMALL - first * SMALL ** (1 + power) - second * SMALL ** (1 + 2 * power))
    form = LocalForm.read(lemma, SMALL)
    assert (form.power, form.first, form.second) == (power, first, second)
    k, a, b, u, layers = float(power), float(first), float(second), 0.05, 400_000
    for _ in range(layers):
        u -= a * u ** (1 + k) + b * u ** (1 + 2 * k)
    # What is left out is a shift of the layer, by what the start was worth.
    shift = 1 / (0.05**k * k * a)
    assert u == pytest.approx(float(form.decay(LAYER).subs(LAYER, layers + shift)), rel=60 / layers)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (SMALL / 2 - SMALL**2, "is not u less higher orders"),
        (SMALL, "is not u less higher orders"),
        (SMALL - sqrt(SMALL), "is not u less higher orders"),
        (SMALL - SMALL**2 + SMALL ** Rational(5, 2), "a term between the orders 2 and 3"),
        (SMALL - SMALL**2 * log(SMALL), "not a multiple of a power"),
    ],
)
def test_an_expansion_that_gives_no_power_law_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        LocalForm.read(expansion(wrong), SMALL)


def test_a_tail_that_is_not_known_gives_no_logarithm():
    """The kinked map is expanded to order 3/2, and what is left out has order 2."""
    theorem = derived("critical-correlation-kinked")
    assert LocalForm.read(theorem.parts[0], GAP).second is None
    assert not theorem.result.has(log)


def test_kinks_print_with_their_index():
    theorem = derived("critical-correlation-kinked")
    text, latex = theorem.text(), theorem.latex()
    assert "Σ_{j=1}^{n}" in text
    assert "J_j²" in text
    assert r"J_{j}^{2}" in latex
    assert "δ(u − p_j)" in text
    assert "DiracDelta" not in text + latex


def test_a_squared_variance_prints_with_one_power_at_a_time():
    assert "(σ_w²)²" in derived("critical-correlation-kinked").text()


def test_kumar_s_remark_is_made_of_numbers():
    remark = derived("kumar-2017").remarks[0]
    assert [e.rhs for e in remark.objects if isinstance(e, Eq)] == [Rational(1, 2), Rational(1, 4)]


def test_collecting_needs_something_to_collect():
    c = symbols("c")
    with pytest.raises(InputError, match="nothing to collect"):
        CollectPowers(GAP).apply(c * GAP, Setting(()))
