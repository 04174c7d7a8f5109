"""The check before every answer: planted errors, in the answer and in each rule, are caught."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
from sympy import (
    Abs,
    Add,
    Expr,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Symbol,
    cos,
    erf,
    exp,
    nan,
    pi,
    sin,
    sqrt,
    symbols,
)

from derive.gaussian import NoClosedForm, Phi, check, gaussian_expectation, moments, orthants, rules
from derive.gaussian import integrand_reader as reader
from derive.gaussian.check import CannotCheck, Disagreement, Problem, compare, quadrature
from derive.proof.verdict import Grade

X = Symbol("x", real=True)

ONE: dict[str, Callable[[Symbol], Expr]] = {
    "relu": lambda x: Max(0, x),
    "elu squared": lambda x: Piecewise((x, x > 0), (exp(x) - 1, True)) ** 2,
    "erf squared": lambda x: erf(x) ** 2,
    "gelu squared": lambda x: (x * Phi(x)) ** 2,
    "hard-tanh squared": lambda x: Min(1, Max(-1, x)) ** 2,
    "window": lambda x: x * Heaviside(x + 1) * Heaviside(2 - x),
    "wave": lambda x: x * sin(x) + cos(2 * x),
}
TWO: dict[str, Callable[[Symbol], Expr]] = {
    "relu": lambda x: Max(0, x),
    "|.|": lambda x: Abs(x),
    "erf": lambda x: erf(x),
    "gelu": lambda x: x * Phi(x),
    "exp": lambda x: exp(x),
    "elu": lambda x: Piecewise((x, x > 0), (exp(x) - 1, True)),
}

CORRUPTIONS: dict[str, Callable[[Expr], Expr]] = {
    "sign": lambda e: -e,
    "one part in 10^9": lambda e: e * (1 + Rational(1, 10**9)),
    "half": lambda e: e / 2,
    "dropped term": lambda e: e.expand() - Add.make_args(e.expand())[0],
    "π for 3": lambda e: e.subs(pi, 3) if e.has(pi) else e + 1,
}


def problem(v: SimpleNamespace, name: str, dimension: int) -> tuple[Problem, Expr]:
    """A problem with its answer."""
    if dimension == 1:
        found = gaussian_expectation(ONE[name](v.x), {v.x: (v.m, v.s**2)})
    else:
        found = gaussian_expectation(TWO[name](v.x) * TWO[name](v.y), (v.x, v.y), covariance=v.plane)
    node = found.statement.lhs
    return Problem(node.integrand, node.variables, node.mean, node.covariance, found.conditions), found.result


CASES = [(1, name) for name in ONE] + [(2, name) for name in TWO]


@pytest.mark.parametrize(("dimension", "name"), CASES)
def test_a_corrupted_answer_is_rejected(dimension: int, name: str, v: SimpleNamespace) -> None:
    """The true answer passes; a wrong sign, constant, factor or a lost term does not."""
    posed, answer = problem(v, name, dimension)
    assert not isinstance(compare(posed, answer), Disagreement)
    for corruption, corrupt in CORRUPTIONS.items():
        found = compare(posed, corrupt(answer), points=1)
        assert isinstance(found, Disagreement), corruption
        assert "quadrature gives" in str(found)


# python-flint, ball arithmetic: E[Φ(x)²] at mean -20 and E[max(x, 0)³] at mean -15, of variance 1.
TAILS = [
    (Phi(X) ** 2, -20, "2.5121632197899697259521728298458779e-61"),
    (Max(X, 0) ** 3, -15, "6.2764972166519087872390196758333696e-54"),
]


@pytest.mark.parametrize(("g", "mean", "known"), TAILS)
@pytest.mark.parametrize("error", [Rational(1, 1000), Rational(1, 10**8), -2])
def test_far_tails_are_compared_relative_to_the_value(g: Expr, mean: int, known: str, error: Rational) -> None:
    """Nothing is small enough to pass unseen: a value of 1e-61 that is off by a thousandth is rejected."""
    posed = Problem(g, (X,), (S(mean),), ((S.One,),))
    right = Rational(known)
    found = compare(posed, right)
    assert not isinstance(found, Disagreement)
    assert found.digits >= 20
    assert isinstance(compare(posed, right * (1 + error)), Disagreement)


def test_where_all_cancels_the_words_say_so() -> None:
    """E cos(3x) is exp(-4.5e6) at variance 1e6: the digits are those of E|g|."""
    posed = Problem(cos(3 * X), (X,), (S.Zero,), ((S(10**6),),))
    found = compare(posed, exp(-Rational(9, 2) * 10**6))
    assert not isinstance(found, Disagreement)
    assert found.relative_to == "E|g|"
    assert "digits relative to E|g| (largest error" in str(found)
    assert isinstance(compare(posed, Rational(1, 10**9)), Disagreement)


def test_other_points_are_drawn_where_one_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """At m = 0 an odd function has the mean 0, of which no digit is known; the digits come from other points."""
    m = Symbol("m", real=True)
    posed = Problem(X * cos(X), (X,), (m,), ((S.One,),))
    # E[x cos x] is the imaginary part of the slope of exp(i m a - a²/2) at a = 1.
    answer = (m * cos(m) - sin(m)) * exp(-Rational(1, 2))
    points = [{m: S.Zero}, {m: Rational(1, 2)}, {m: S.Zero}, {m: S.One}, {m: Rational(3, 4)}]
    monkeypatch.setattr(check, "admissible", lambda problem, seed: iter(points))
    found = compare(posed, answer)
    assert not isinstance(found, Disagreement)
    assert [dict(p) for p in found.points] == [{m: Rational(1, 2)}, {m: S.One}, {m: Rational(3, 4)}]
    assert found.relative_to == ""
    assert found.digits >= 12


LAWS_THAT_JUST_EXIST = [
    (exp(X**2), 0, Rational(1, 2) - Rational(1, 10**12), lambda m, q: 1 / sqrt(1 - 2 * q)),
    (exp(1000 * X), 0, S.One, lambda m, q: exp(S(10) ** 6 / 2)),
]


@pytest.mark.parametrize(("g", "mean", "variance", "known"), LAWS_THAT_JUST_EXIST)
def test_exponentials_that_float64_does_not_hold(g: Expr, mean: int, variance: Expr, known: Callable) -> None:
    """They are taken into the density."""
    posed = Problem(g, (X,), (S(mean),), ((variance,),))
    assert not isinstance(compare(posed, known(mean, variance)), Disagreement)
    assert isinstance(compare(posed, known(mean, variance) * (1 + Rational(1, 10**9))), Disagreement)


def _lost_boundary(original: Callable) -> Callable:
    def identity(law: Any, powers: Any, factors: Any, p: Any) -> Any:
        yield from (part for part in original(law, powers, factors, p) if part[3] == factors)

    return identity


def _twice(original: Callable) -> Callable:
    return lambda *args, **kw: original(*args, **kw).scaled(2)


def _wrong_exponent(original: Callable) -> Callable:
    def tilt(*args: Any) -> Any:
        made = original(*args)
        return replace(made, exponent=made.exponent / 2)

    return tilt


def _wrong_density(original: Callable) -> Callable:
    def boundary(law: Any, factor: Any, powers: Any, factors: Any, weight: Any, p: Any) -> Any:
        return original(law, factor, powers, factors, weight / 2, p)

    return boundary


def _no_conditioning(original: Callable) -> Callable:
    def boundary(law: Any, *args: Any) -> Any:
        made = original(law, *args)
        return (law, *made[1:])

    return boundary


def _strip_ignored(original: Callable) -> Callable:
    def insert(self: Any, factors: Any, new: Any) -> Any:
        return original(self, factors, new)[:1]

    return insert


PLANTED = [
    ("Stein without its boundary terms", moments, "identity", _lost_boundary, 1, "relu"),
    ("Stein with half the density", moments, "_boundary", _wrong_density, 1, "hard-tanh squared"),
    ("Stein without conditioning", moments, "_boundary", _no_conditioning, 2, "relu"),
    ("asin doubled", orthants, "_asin", _twice, 2, "erf"),
    ("Owen's T doubled", orthants, "_owen", _twice, 1, "erf squared"),
    ("Φ doubled", orthants, "_phi", _twice, 1, "relu"),
    ("square half completed", rules, "tilt", _wrong_exponent, 2, "exp"),
    ("strip without its upper end", reader.NormalForm, "_insert", _strip_ignored, 1, "window"),
]


@pytest.mark.parametrize(("what", "module", "name", "corrupt", "dimension", "case"), PLANTED)
def test_a_corrupted_rule_never_answers(
    what: str,
    module: Any,
    name: str,
    corrupt: Callable,
    dimension: int,
    case: str,
    v: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With an error planted in one rule the engine refuses to answer."""
    monkeypatch.setattr(module, name, corrupt(getattr(module, name)))
    with pytest.raises(NoClosedForm, match="failed its check"):
        problem(v, case, dimension)


@pytest.mark.parametrize(("dimension", "name"), [(1, "elu squared"), (1, "wave"), (2, "relu"), (2, "exp")])
def test_every_step_holds_at_points(dimension: int, name: str, v: SimpleNamespace) -> None:
    """Each step by itself: both sides agree; with a planted error they do not."""
    f = ONE[name](v.x) if dimension == 1 else TWO[name](v.x) * TWO[name](v.y)
    law = {v.x: (v.m, v.s**2)} if dimension == 1 else (v.x, v.y)
    found = gaussian_expectation(f, law, **({} if dimension == 1 else {"covariance": v.plane}))
    assert found.steps[0].before == found.statement.lhs
    assert found.steps[-1].after == found.result
    for step in found.steps:
        verdict = step.rule.at_points(step)
        assert verdict.grade is Grade.SAMPLED, (step.rule.name, verdict)
        assert step.rule.apply(step.before, step.setting).after == step.after
        wrong = step.rule.at_points(replace(step, after=step.after * 3 / 2))
        assert wrong.grade is Grade.FAILED
        assert wrong.counterexample is not None


def test_the_result_says_how_it_was_checked(v: SimpleNamespace) -> None:
    """Points, digits and the largest error are part of the answer."""
    found = gaussian_expectation(Max(0, v.x), {v.x: (v.m, v.s**2)})
    assert len(found.agreement.points) == 3
    assert found.agreement.digits >= 28
    assert found.agreement.largest_error < 1e-28
    assert "quadrature of proved error at 3 admissible points to" in str(found.agreement)
    assert all(str(found.agreement) in step.verdict.evidence for step in found.steps)


def test_an_answer_without_a_value_is_not_returned(v: SimpleNamespace) -> None:
    """An answer that is not a number cannot pass the check."""
    posed, answer = problem(v, "relu", 1)
    for bad in (nan, answer + 1 / (v.s - v.s * (1 + nan)), answer / (v.m - v.m * 1).evalf()):
        with pytest.raises(CannotCheck):
            compare(posed, bad)


def test_independent_factors_are_integrated_one_by_one():
    """In many digits, and with a bound that holds; a law with a covariance is left whole."""
    x, y = symbols("x y", real=True)
    apart = Problem(3 * x**2 * cos(y), (x, y), (Rational(1, 2), S.Zero), ((S.One, S.Zero), (S.Zero, S(2))))
    found = quadrature(apart, {})
    with mpmath.workdps(60):
        truth = mpmath.mpf(15) / 4 * mpmath.exp(-1)
        assert abs(found.value - truth) <= found.error <= mpmath.mpf(10) ** -25
    joined = Problem(x * y, (x, y), (S.Zero, S.Zero), ((S.One, Rational(1, 2)), (Rational(1, 2), S(2))))
    assert abs(quadrature(joined, {}).value - mpmath.mpf(1) / 2) < 1e-13
    sum_of_both = Problem((x + y) ** 2, (x, y), (S.Zero, S.Zero), ((S.One, S.Zero), (S.Zero, S(2))))
    assert abs(quadrature(sum_of_both, {}).value - 3) < 1e-13


def test_growing_exponentials_of_squares_in_the_plane():
    """E[x y exp((x² + y²)/8)] = Σ_12 (det Σ/det C)^(1/2) for Σ = (C⁻¹ - 1/4)⁻¹."""
    x, y = symbols("x y", real=True)
    law = ((S.One, Rational(1, 2)), (Rational(1, 2), Rational(5, 4)))
    found = quadrature(Problem(x * y * exp(x**2 / 8) * exp(y**2 / 8), (x, y), (S.Zero, S.Zero), law), {})
    with mpmath.workdps(40):
        C = mpmath.matrix([[1, 0.5], [0.5, 1.25]])
        wide = (C**-1 - mpmath.eye(2) / 4) ** -1
        truth = wide[0, 1] * mpmath.sqrt(mpmath.det(wide) / mpmath.det(C))
        assert abs(found.value - truth) <= found.error <= 1e-12 * abs(truth)
