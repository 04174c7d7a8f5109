"""Rules on the whole integrand: parity, uniform variables, conditions solved for the variable.

The right numbers are mpmath's quadrature at 30 digits, split at the breakpoints, and exact values by hand.
"""

from types import SimpleNamespace

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Abs, Expr, Max, Rational, Symbol, exp, lambdify, log, pi, symbols, tan, tanh

from derive.expressions import parse_expression
from derive.gaussian import (
    NoClosedForm,
    Phi,
    SignChanges,
    breakpoints,
    gaussian_expectation,
    number,
    orthants,
    parity,
    sign_changes,
    uniform,
)
from derive.gaussian.growth_rates import growth
from derive.gaussian.parity import even_part

X, Y = Symbol("x", real=True), Symbol("y", real=True)


def read(text: str) -> Expr:
    return parse_expression(text, {"x": X, "y": Y})


ODD = [
    "tanh(x)",
    "x/(1 + abs(x))",
    "sin(tanh(x))",
    "where(x > 1, tanh(x), where(x < -1, tanh(x), 0))",
    "asinh(x)*cosh(x)",
    "tanh(sinh(x))",
    "x*sqrt(1 + x**2)",
    "log(1 + exp(3*x)) - log(1 + exp(-3*x))",
    "1/(1 + exp(-x)) - 1/2",
    "erf(x)**3*tanh(x)**2",
    "max(0, tanh(x)) - max(0, -tanh(x))",
]


@pytest.mark.parametrize("text", ODD)
def test_an_odd_function_has_no_mean(text: str, v: SimpleNamespace) -> None:
    """Under every centred law, also where no function in it has a known expectation."""
    assert gaussian_expectation(read(text), {X: (0, v.p)}).result == 0


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("1/(1 + exp(-x))", Rational(1, 2)),
        ("tanh(x) + 1e-30", Rational(1, 10**30)),
        ("x**2/(1 + exp(-x))", Rational(3, 2)),
        ("tanh(x) + 1e-30*x**2", Rational(3, 10**30)),
        ("exp(x)/(1 + exp(x)) + x**4", Rational(1, 2) + 27),
    ],
)
def test_what_is_left_of_nearly_odd_functions(text: str, mean: Expr) -> None:
    """At variance 3: the even part, however small, and nothing else."""
    assert gaussian_expectation(read(text), {X: (0, 3)}).result == mean


ALMOST = ["tanh(x) + 1e-30*tanh(x)**2", "tanh(x + 1e-20)", "tanh(x) + cos(tanh(x))/10**30", "1/(1 + exp(-x))**2"]


@pytest.mark.parametrize("text", ALMOST)
def test_almost_odd_is_not_odd(text: str) -> None:
    """No closed form, rather than a 0 that a quadrature could not tell from the truth."""
    with pytest.raises(NoClosedForm):
        gaussian_expectation(read(text), {X: (0, 1)})


@pytest.mark.parametrize("g", [tan(X), 1 / X, X**3 * exp(X**2), X * exp(X**4), 1 / (X - X**3)])
def test_an_odd_function_without_a_mean_is_refused(g: Expr) -> None:
    """Odd, and not integrable: there is nothing that is 0."""
    with pytest.raises(NoClosedForm):
        gaussian_expectation(g, {X: (0, 1)})


def test_off_centre_nothing_is_odd(v: SimpleNamespace) -> None:
    """The rule asks for the mean 0."""
    with pytest.raises(NoClosedForm):
        gaussian_expectation(tanh(X), {X: (v.m, 1)})


def test_two_variables_change_sign_together(v: SimpleNamespace) -> None:
    """E[tanh(x) tanh(y)²] = 0, and E[tanh(x) tanh(y)] is not known."""
    rows = [[1, v.r], [v.r, 1]]
    assert gaussian_expectation(tanh(X) * tanh(Y) ** 2, (X, Y), covariance=rows).result == 0
    assert gaussian_expectation(tanh(X - Y), (X, Y), covariance=rows).result == 0
    with pytest.raises(NoClosedForm):
        gaussian_expectation(tanh(X) * tanh(Y), (X, Y), covariance=rows)


def test_the_even_part_is_even() -> None:
    """g(x) + g(-x) = 2 even(x), in numbers, for what the algebra simplified."""
    for text in ("silu(x)", "x**3/(1 + exp(-2*x/3)) + abs(x - 1)", "softplus(x)*Phi(x)", "where(x > 1, exp(x), x)"):
        g = read(text)
        even = even_part(g, [X])
        assert even is not None
        for x in (Rational(3, 7), Rational(-13, 5)):
            gap = (g.subs(X, x) + g.subs(X, -x)) / 2 - even.subs(X, x)
            assert abs(gap.evalf(30)) < 1e-25, text


def test_growth_is_read_from_the_structure() -> None:
    """Bounded, linear, polynomial, exponential; None where a pole or a faster growth cannot be excluded."""
    names = {
        "tanh(x)*sin(x)": "BOUNDED",
        "exp(-x**2)": "BOUNDED",
        "softplus(x)": "LINEAR",
        "x*tanh(x)": "LINEAR",
        "x**2*erf(x)": "POLYNOMIAL",
        "sinh(3*x)": "EXPONENTIAL",
    }
    assert {t: growth(read(t), [X]).name for t in names} == names
    assert all(growth(read(t), [X]) is None for t in ("1/x", "tan(x)", "exp(x**2)", "log(abs(x))", "1/(1 + x)"))


UNIFORM = {
    "Phi(x)**5": Rational(1, 6),
    "log(Phi(x))": -1,
    "log(Phi(x))**3": -6,
    "sqrt(Phi(x))": Rational(2, 3),
    "1/sqrt(Phi(-x))": 2,
    "log(Phi(-x))*Phi(x)": Rational(-3, 4),
    "sqrt(Phi(x)*Phi(-x))": pi / 8,
    "erf(x/sqrt(2))**6": Rational(1, 7),
}


@pytest.mark.parametrize("text", UNIFORM)
def test_functions_of_the_distribution_function(text: str, v: SimpleNamespace) -> None:
    """∫_0^1 g(u) du, by hand; also for a variable of any law, standardised."""
    g = read(text)
    assert gaussian_expectation(g, {X: (0, 1)}).result == UNIFORM[text]
    assert gaussian_expectation(g.subs(X, (X - v.m) / v.s), {X: (v.m, v.s**2)}).result == UNIFORM[text]


def test_a_power_that_cannot_be_integrated_is_refused() -> None:
    """E[1/Φ(z)] is infinite; E[Φ(2z)⁵] has no closed form here."""
    for g in (1 / Phi(X), Phi(2 * X) ** 5):
        with pytest.raises(NoClosedForm):
            gaussian_expectation(g, {X: (0, 1)})


SOLVED = {
    "abs(x**2 - 2)": ["-sqrt(2)", "sqrt(2)"],
    "abs(x**3 - x - 1)": ["1.324717957244746025960908854478"],
    "max(exp(x) - 2, 0)": ["log(2)"],
    "max(exp(x) - 2, x)": None,
    "sign(tanh(x) - 0.5)": ["atanh(0.5)"],
    "where(x**2 > 2, exp(x), x)": ["-sqrt(2)", "sqrt(2)"],
    "abs(erf(x) - 0.3)": ["erfinv(0.3)"],
    "where(1/(1 + exp(-x)) > 0.25, x, 0)": ["-log(3)"],
    "max(2 - cosh(x), 0)": ["-acosh(2)", "acosh(2)"],
    "abs(exp(2*x) - 3*exp(x) + 1)": ["log((3 - sqrt(5))/2)", "log((3 + sqrt(5))/2)"],
    "where(sinh(x)**3 > 4, x**2, 0)": ["asinh(cbrt(4))"],
    "max(log(1 + exp(x)) - 2, 0)*0 + where(log(1 + exp(x)) > 2, x, 1)": ["log(exp(2) - 1)"],
}


@pytest.mark.parametrize("text", SOLVED)
def test_conditions_are_solved(text: str) -> None:
    """The closed form against quadrature split at the breakpoints, typed here from the inverse functions."""
    cuts = SOLVED[text]
    if cuts is None:
        with pytest.raises(NoClosedForm):
            gaussian_expectation(read(text), {X: (0, 1)})
        return
    value, _ = number(gaussian_expectation(read(text), {X: (0, 1)}).result)
    f = lambdify(X, read(text), "mpmath")
    with mpmath.workdps(30):
        known = {n: getattr(mp, n) for n in ("sqrt", "log", "exp", "atanh", "erfinv", "acosh", "asinh", "cbrt")}
        points = sorted([*map(mpf, (-14, -6, 0, 6, 14)), *(mpf(eval(c, known)) for c in cuts)])
        true = mp.quad(lambda x: f(x) * mp.npdf(x), points)
        assert abs(value - true) < mpf(10) ** -15 * max(1, abs(true))


def test_a_call_option() -> None:
    """E[max(e^x - K, 0)] = e^(m + q/2) Φ(d + √q) - K Φ(d), d = (m - log K)/√q, for K > 0 (Black & Scholes 1973)."""
    m, K = symbols("m K", real=True)
    q = Symbol("q", positive=True)
    found = gaussian_expectation(Max(exp(X) - K, 0), {X: (m, q)})
    d = (m - log(K)) / q ** Rational(1, 2)
    assert found.conditions == (K,)
    assert any("breakpoints exist" in str(h.text) for h in found.assumptions)
    right = exp(m + q / 2) * Phi(d + q ** Rational(1, 2)) - K * Phi(d)
    at = {m: Rational(1, 3), q: Rational(7, 5), K: Rational(12, 5)}
    assert abs(number((found.result - right).subs(at))[0]) < 1e-30
    result = found.check()
    assert result.passed, result.failures


def test_exponents_that_are_floats(v: SimpleNamespace) -> None:
    """z**2.0 is z**2, and 0.1 is one tenth."""
    assert gaussian_expectation(X**2.0 + 0.1 * X**4.0, {X: (0, v.p)}).result.expand() == v.p + 3 * v.p**2 / 10


def test_sign_changes_are_those_of_the_numbers() -> None:
    """sign(u(x)) at 120 points, for conditions of every kind that is solved."""
    solved = ["exp(x)-2", "x**3-x-1", "tanh(x)**2-1/4", "erfc(x)-0.3", "Phi(2*x+1)-0.1", "3-exp(x**2)", "atan(x)+1"]
    solved += ["exp(-x)-5", "exp(x)-exp(2*x+1)", "1-tanh(x)**2", "(x**2-2)*(exp(x)-2)", "tanh(x)-2", "x**4-3*x**2+1"]
    for text in solved:
        u = read(text)
        found = sign_changes(u, X)
        assert found is not None, text
        for n in range(-60, 60):
            at = Rational(n, 13) + Rational(1, 1000)
            side = 1 if u.subs(X, at).evalf(20) > 0 else -1
            assert found.expression(X).subs(X, at) == side, (text, at)
    assert all(sign_changes(read(text), X) is None for text in ("x*tanh(x)-1", "x-tanh(x)/2-1", "sin(x)"))


def test_the_rules_hold_at_points() -> None:
    """Each derivation is replayed, and every step of it holds at points."""
    for g in (tanh(X) + X**2, Abs(X**2 - 2), Phi(X) ** 5):
        result = gaussian_expectation(g, {X: (0, 1)}).check()
        assert result.passed, result.failures


PLANTED = {
    "an even part that is twice itself": (parity, "even_part", lambda f: lambda *a: 2 * f(*a), tanh(X) + X**2),
    "an integral over half the interval": (uniform, "integral", lambda f: lambda *a: f(*a) / 2, Phi(X) ** 5),
    "a root on the wrong side": (
        breakpoints,
        "sign_changes",
        lambda f: lambda u, x: SignChanges(1, tuple(-r for r in f(u, x).roots)),
        Max(exp(X) - 3, 0),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_corrupted_rule_never_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error planted in one rule the engine refuses to answer."""
    module, function, corrupt, g = PLANTED[name]
    monkeypatch.setattr(module, function, corrupt(getattr(module, function)))
    with pytest.raises(NoClosedForm, match="failed its check"):
        gaussian_expectation(g, {X: (0, 1)})


def test_a_corrupted_general_form_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form with symbols passes the check, or the numbers are not put in."""
    original = orthants._phi
    monkeypatch.setattr(orthants, "_phi", lambda *a: original(*a).scaled(2))
    with pytest.raises(NoClosedForm, match="failed its check"):
        gaussian_expectation(Max(0, X - 20), {X: (0, 400)})
