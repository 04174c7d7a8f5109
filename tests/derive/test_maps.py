"""The maps against published ones, against each other, and with planted errors."""

from dataclasses import replace

import mpmath
import pytest
from mpmath import mp, mpf
from planting import check
from sympy import Heaviside, Rational, Symbol, pi, simplify, sqrt, symbols, sympify

from derive.activations import activation, activations
from derive.errors import InputError
from derive.gaussian import NoClosedForm, gaussian_expectation
from derive.gaussian.check import answer_at
from derive.maps import MAPS, Maps, c, fan_in, fan_out, m, q, q_1, q_2, rho, sigma_b2, sigma_w2, v
from derive.maps.map_rules import _compare
from derive.proof.derivation import Derivation
from derive.proof.verdict import Grade

CLOSED = {"linear", "relu", "leaky-relu", "abs", "step", "sign", "erf", "gelu", "elu", "selu", "celu", "hard-tanh"} | {
    *("relu6", "hard-sigmoid", "hard-swish", "squared-relu", "sin", "cos", "exp", "gaussian", "soft-shrink"),
    *(
        "hard-shrink",
        "monomial",
        "rectified-monomial",
        "hermite",
        "snake",
        "threshold",
        "sparse-plus",
        "sparse-sigmoid",
    ),
}
EVEN_PART = {"squareplus"}
"""E[f^2] is closed since the odd part of f^2 has no mean; E[f'^2] is not."""
JUMPS = {"step", "sign", "hard-shrink"}


def number(expression, **values):
    """The value of a closed form at 25 digits."""
    named = {s: Rational(str(values[s.name])) for s in expression.free_symbols}
    return answer_at(expression, named, 25)


@pytest.fixture(scope="module")
def maps():
    made = {}

    def get(name):
        return made.setdefault(name, Maps(name))

    return get


# ---- coverage


@pytest.mark.parametrize("name", activations())
def test_length_map_and_chi_are_closed_where_the_class_reaches(name, maps):
    """30 of the catalogue; the others say why, and never an error of another kind."""
    assert isinstance(maps(name).find("length_map"), Derivation) == (name in CLOSED | EVEN_PART)
    chi = maps(name).find("chi_perp")
    assert isinstance(chi, Derivation) == (name in CLOSED - JUMPS)
    if name in JUMPS:
        assert "infinite, since f jumps at" in chi.reason
    elif name not in CLOSED:
        assert chi.reason


@pytest.mark.parametrize("name", ["relu", "sign", "gelu"])
def test_every_map_is_closed(name, maps):
    """All of them where f is continuous; chi_perp and what needs it are infinite where f jumps."""
    infinite = {"chi_perp", "slope_at_one", "backward_factor"} if name in JUMPS else set()
    assert {key for key in MAPS if isinstance(maps(name).find(key), NoClosedForm)} == infinite


@pytest.mark.parametrize(
    ("name", "mean"), [("tanh", 0), ("asinh", 0), ("softsign", 0), ("sigmoid", Rational(1, 2)), ("tanh-shrink", 0)]
)
def test_symmetry_gives_means_outside_the_class(name, mean, maps):
    """No integral is needed."""
    assert maps(name).mean.result == mean
    assert maps(name).mean.check()


def test_symmetry_gives_hermite_coefficients_outside_the_class(maps):
    """silu and softplus are s/2 plus an even function: a_1 = sqrt(q)/2, a_3 = 0."""
    for name in ("silu", "softplus", "squareplus", "gelu-tanh"):
        assert maps(name).hermite_coefficient(1).result == sqrt(q) / 2
        assert maps(name).hermite_coefficient(3).result == 0
        with pytest.raises(NoClosedForm):
            maps(name).hermite_coefficient(2)


# ---- published


def test_relu_kernels_of_cho_and_saul(maps):
    """Cho & Saul 2009, equations 3-6, orders 0, 1, 2 of the arc-cosine kernel k_n = 2 E[Θ(x)Θ(y) x^n y^n]."""
    for r in map(mpf, ("-0.9", "0.3", "0.95")):
        theta = mp.acos(r)
        J = (
            mp.pi - theta,
            mp.sin(theta) + (mp.pi - theta) * r,
            3 * mp.sin(theta) * r + (mp.pi - theta) * (1 + 2 * r**2),
        )
        for name, order in (("step", 0), ("relu", 1), ("squared-relu", 2)):
            got = number(maps(name).covariance_map.result, q_1=2, q_2=3, c=r * mp.sqrt(6), sigma_w2=1, sigma_b2=0)
            assert abs(got - mp.sqrt(6) ** order * J[order] / mp.pi / 2) < 1e-13


def test_erf_kernel_of_williams(maps):
    """Williams 1997, equation 11; its slope, 4/π det(1 + 2Σ)^(-1/2), is that of Lee et al. 2019 for the NTK."""
    found = maps("erf").covariance_map.result
    for q1, q2, cov in (("1.2", "0.7", "0.3"), ("3", "5", "-2")):
        wanted = 2 / mp.pi * mp.asin(2 * mpf(cov) / mp.sqrt((1 + 2 * mpf(q1)) * (1 + 2 * mpf(q2))))
        assert abs(number(found, q_1=q1, q_2=q2, c=cov, sigma_w2=2, sigma_b2="0.5") - 2 * wanted - 0.5) < 1e-14
    assert simplify(maps("erf").chi_perp.result - 4 * sigma_w2 / (pi * sqrt(1 + 4 * q))) == 0


def test_gelu_criticality_of_roberts_yaida_and_hanin(maps):
    """Principles of Deep Learning Theory, section 5.3.4: K* = (3 + √17)/2, C_b = 0.17292239, C_W = 1.98305826."""
    at = {"q": (3 + mp.sqrt(17)) / 2, "sigma_w2": "1.98305826", "sigma_b2": "0.17292239"}
    gelu = maps("gelu")
    assert abs(number(gelu.length_map.result, **at) - at["q"]) < 3e-8
    assert abs(number(gelu.chi_perp.result, **at) - 1) < 1e-8
    assert abs(number(gelu.chi_par.result, **at) - 1) < 1e-8
    assert abs(number(gelu.slope_at_one.result, **at) - 1) < 3e-8


def test_gelu_covariance_by_one_quadrature(maps):
    """Tsuchida et al. 2021: the inner mean is E[y Φ(y)] = μ Φ(h) + w φ(h)/√(1+w), h = μ/√(1+w) (Owen 1980)."""
    q1, q2, cov = mpf(2), mpf("0.5"), mpf("-0.6")
    w = q2 - cov**2 / q1

    def integrand(x):
        mu = cov / q1 * x
        h = mu / mp.sqrt(1 + w)
        return x * mp.ncdf(x) * (mu * mp.ncdf(h) + w * mp.npdf(h) / mp.sqrt(1 + w)) * mp.npdf(x, 0, mp.sqrt(q1))

    wanted = mp.quad(integrand, [-20, -6, -2, 0, 2, 6, 20])
    got = number(maps("gelu").covariance_map.result, q_1=2, q_2="0.5", c="-0.6", sigma_w2=1, sigma_b2=0)
    assert abs(got - wanted) < 1e-14


def test_selu_fixed_point_of_klambauer(maps):
    """Klambauer et al. 2017: mean 0 and second moment 1 at q = 1; the Jacobian there is (0.088834, 0.782648).

    The first entry rounds to 0.088835, so the last digit that the paper prints is off by one.
    """
    selu = maps("selu")
    assert abs(number(selu.mean.result, q=1)) < 1e-15
    assert abs(number(selu.second_moment.result, q=1) - 1) < 1e-15
    assert abs(number(selu.mean.result.diff(q), q=1) - mpf("0.088834")) < 1e-6
    assert round(float(number(selu.chi_par.result, q=1, sigma_w2=1)), 6) == 0.782648


def test_he_initialisation_and_the_linear_net(maps):
    """He et al. 2015: relu keeps q at sigma_w2 = 2, leaky relu at 2/(1 + a²); the linear net at 1."""
    a = Symbol("a", real=True)
    leaky = Maps(activation("leaky-relu(a)", symbols={"a": a}))
    at_he = leaky.length_map.result.subs({sigma_w2: 2 / (1 + a**2), sigma_b2: 0})
    assert simplify(at_he - q) == 0
    assert simplify(leaky.chi_perp.result - sigma_w2 * (1 + a**2) / 2) == 0
    assert maps("linear").length_map.result == q * sigma_w2 + sigma_b2
    factor = maps("relu").backward_factor.result
    assert simplify(factor - fan_out / fan_in * sigma_w2 / 2) == 0


def test_dual_activation_of_relu_by_hermite_coefficients(maps):
    """Daniely et al. 2016, section 8: the coefficients of relu's dual; Σ a_k² ρ^k is the covariance map."""
    relu = maps("relu")
    series = sum(relu.dual_coefficient(k) * rho**k for k in range(11))
    got = number(series, q=1, rho="0.2")
    wanted = number(relu.covariance_map.result, q_1=1, q_2=1, c="0.2", sigma_w2=1, sigma_b2=0)
    # The terms beyond fall off like k^(-7/2) 0.2^k.
    assert abs(got - wanted) < 1e-9
    assert [relu.dual_coefficient(k) * 2 * pi for k in (0, 2, 3, 4)] == [q, q / 2, 0, q / 24]


# ---- against each other


@pytest.mark.parametrize("name", sorted(CLOSED - JUMPS))
def test_chi_par_by_both_routes(name, maps):
    """d/dq of the length map equals sigma_w2 E[f'² + f f''], f'' a distribution."""
    one, two = maps(name).chi_par.result, maps(name).chi_par_by_price().result
    for length in ("0.31", "2.7"):
        left, right = (number(e, q=length, sigma_w2="1.3") for e in (one, two))
        assert abs(left - right) < 1e-14 * (1 + abs(left))


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_chi_par_is_the_slope_of_the_length_map(name, maps):
    """Also where f jumps: by mpmath's numerical derivative."""
    found = maps(name)
    with mp.workdps(25):
        slope = mp.diff(lambda x: number(found.length_map.result, q=x, sigma_w2=1, sigma_b2=0), mpf("0.8"))
    assert abs(number(found.chi_par.result, q="0.8", sigma_w2=1) - slope) < 1e-9 * (1 + abs(slope))


@pytest.mark.parametrize("name", ["relu", "gelu", "erf", "hard-tanh", "sign"])
def test_slopes_of_the_correlation_map(name, maps):
    """At 0 by mpmath's derivative of the map; at 1, C'(1) = chi_perp q/q'."""
    found = maps(name)
    at = {"q": "0.8", "sigma_w2": "1.4", "sigma_b2": "0.3"}
    with mp.workdps(25):
        wanted = mp.diff(lambda r: number(found.correlation_map.result, rho=mp.nstr(r, 20), **at), 0, h=mpf("1e-6"))
    assert abs(number(found.slope_at_zero.result, **at) - wanted) < 1e-8
    if name not in JUMPS:
        expected = found.chi_perp.result * q / found.length_map.result
        assert abs(number(found.slope_at_one.result - expected, **at)) < 1e-14


@pytest.mark.parametrize("name", ["relu", "gelu", "elu"])
def test_sample_variance_maps_add_up(name, maps):
    """m'² + v'² is the length map at q = m² + v²; K is the covariance map at c = m²; the bias goes into m'."""
    found = maps(name)
    total = found.mean_square_map.result + found.sample_variance_map.result
    at = {"m": "0.7", "v": "1.1", "sigma_w2": "1.7", "sigma_b2": "0.2"}
    length = found.length_map.result.subs(q, m**2 + v**2)
    assert abs(number(total - length, **at)) < 1e-14
    same = found.covariance_map.result.subs({q_1: m**2 + v**2, q_2: m**2 + v**2, c: m**2, sigma_w2: 1, sigma_b2: 0})
    assert abs(number(found.K.result - same, m="0.7", v="1.1")) < 1e-14
    assert found.sample_variance_map.result.has(sigma_b2) is False


def test_correlation_map_ends_at_one(maps):
    """C(1) = 1 for every activation, and C(-1) = -1 for an odd one without bias."""
    for name in ("relu", "gelu", "sin", "erf"):
        closed = maps(name).correlation_map.result
        at = {"q": "1.3", "sigma_w2": "1.1", "sigma_b2": "0.2"}
        assert abs(number(closed.subs(rho, 1), **at) - 1) < 1e-14
        if maps(name).activation.is_odd:
            assert abs(number(closed.subs({rho: -1, sigma_b2: 0}), **at) + 1) < 1e-14


def test_a_users_expression_and_a_symbolic_parameter():
    """x Φ(1.702 x) has maps of its own; Φ(b x) keeps its b."""
    quick = Maps("x*Phi(1.702*x)")
    assert quick.activation.name == "x*Phi(1.702*x)"
    wanted = mpmath.quad(lambda x: (x * mp.ncdf(1.702 * x)) ** 2 * mp.npdf(x), [-10, 0, 10])
    assert abs(number(quick.second_moment.result, q=1) - wanted) < 1e-14
    general = Maps(activation("Phi(b*x)", symbols=["b"]))
    assert general.mean.result == Rational(1, 2)
    assert Symbol("b", real=True) in general.chi_perp.result.free_symbols


# ---- derivations


@pytest.mark.parametrize("key", ["length_map", "chi_perp", "chi_par", "slope_at_zero", "slope_at_one"])
def test_derivations_check(key, maps):
    """Each is rebuilt, replayed and compared at points, with relu's kink; points are no proof."""
    result = check(maps("relu").find(key))
    assert result.passed, result.failures
    assert result.grade is Grade.SAMPLED


@pytest.mark.parametrize(("key", "place"), [("chi_par", 1), ("slope_at_zero", 0), ("slope_at_one", 0)])
def test_planted_errors_are_caught(key, place, maps):
    """Twice the right answer after Price's theorem or a derivative does not pass."""
    made = maps("sin").find(key)
    wrong = replace(made.steps[place], after=2 * made.steps[place].after)
    # Without deriving it anew: the chain alone must tell.
    checked = check(replace(made, steps=(*made.steps[:place], wrong, *made.steps[place + 1 :]), rebuild=None))
    assert not checked
    verdict = checked.derivation.steps[place].verdict
    assert str(verdict.grade) == "failed"
    assert verdict.counterexample is not None


def test_price_by_hand(maps):
    """The expectation that Price's theorem leaves is E[f'(x) f'(y)], for relu the quadrant's probability."""
    step = maps("relu").slope_at_zero.steps[0]
    assert step.rule.name == "price-in-correlation"
    assert maps("relu").slope_at_zero.result.subs({sigma_b2: 0}) == Rational(1, 2)
    x, y = symbols("x y", real=True)
    quadrant = gaussian_expectation(Heaviside(x) * Heaviside(y), {x: (0, q), y: (0, q)}).result
    assert quadrant == Rational(1, 4)


# ---- output


def test_plain_data_and_text(maps):
    """Every map has a row: a closed form as LaTeX and text, or the reason."""
    data = maps("sign").to_dict()
    assert [row["name"] for row in data["maps"]] == list(MAPS)
    rows = {row["name"]: row for row in data["maps"]}
    assert rows["length_map"]["closed_form"]["text"] == "σ_b² + σ_w²"
    assert rows["length_map"]["grade"] == "undecided"  # until somebody checks it
    assert str(check(maps("sign").length_map).grade) == "sampled"
    assert rows["chi_perp"]["closed_form"] is None
    assert rows["chi_perp"]["reason"] == "E[f'^2] is infinite, since f jumps at 0"
    assert "no closed form: E[f'^2] is infinite" in maps("sign").text()
    assert "Subs" not in maps("sin").slope_at_one.text()
    assert "f(s) = 1/(1 + exp(−s))" in maps("sigmoid").text().replace("exp(−s) + 1", "1 + exp(−s)")


@pytest.mark.parametrize(("text", "truth"), [("abs(sin(x))", "(1 + exp(-2*q))/2"), ("abs(x**2 - 1)", "4*q")])
def test_a_squared_slope_has_no_sign(text, truth):
    """f'² of |u| is u'², as E[cos²] and E[4 s²] by hand."""
    found = Maps(activation(text)).chi_perp.result / sigma_w2
    assert simplify(found - sympify(truth, {"q": q})) == 0


def test_a_sign_that_may_be_zero_stays():
    """sign(max(x, 0)) is 0 on a half-line, and so is that of |x| - x."""
    for text in ("x*sign(max(x, 0))", "x*sign(abs(x) - x)"):
        f = activation(text)
        assert f.squared_derivative == f.derivative**2
    assert Maps("x*sign(max(x, 0))").chi_perp.result == sigma_w2 / 2


def test_bad_names(maps):
    """Unknown maps, orders out of range, parameters that would clash with the maps' own symbols."""
    with pytest.raises(InputError, match="unknown map 'chi'; did you mean"):
        maps("relu").find("chi")
    with pytest.raises(AttributeError, match="has no map 'chi'"):
        _ = maps("relu").chi
    with pytest.raises(InputError, match="order must be from 0 to 40, got 41"):
        maps("relu").hermite_coefficient(41)
    with pytest.raises(InputError, match="must not be named q"):
        Maps(activation("tanh(q*x)", symbols=["q"]))


def test_two_sides_that_differ_a_little_are_refuted():
    """By a millionth of their size, which need not be 1."""
    u = Symbol("u", positive=True)
    for size in (Rational(1, 100), 1, 1000):
        assert _compare(size * u, size * u).grade is Grade.SAMPLED
        assert _compare(size * u, size * u * (1 + Rational(1, 10**6))).grade is Grade.FAILED


def test_an_activation_that_grows_like_a_density_has_all_its_maps():
    """E[exp((x² + y²)/8)] = det(1 - C/4)^(-1/2); f' is odd, so the slope at correlation 0 is 0."""
    maps = Maps("exp(x**2/8)")
    square, pair = 1 / sqrt(1 - q / 2), 1 / sqrt((1 - q / 4) ** 2 - (q * rho / 4) ** 2)
    expected = (sigma_w2 * pair + sigma_b2) / (sigma_w2 * square + sigma_b2)
    point = {q: 1.3, rho: 0.4, sigma_w2: 1.7, sigma_b2: 0.2}
    assert float(maps.correlation_map.result.subs(point)) == pytest.approx(float(expected.subs(point)), rel=1e-14)
    assert maps.slope_at_zero.result == 0
