"""Outside the class: a reason and a term, quickly; bad input: an error that names the value."""

import contextlib
import time
from types import SimpleNamespace

import pytest
from sympy import DiracDelta, I, Max, Piecewise, Symbol, exp, log, sin, sqrt, tanh

from derive.errors import InputError
from derive.gaussian import NoClosedForm, Phi, gaussian_expectation

OUTSIDE = {
    "tanh squared": lambda x: tanh(x) ** 2,
    "sigmoid squared": lambda x: 1 / (1 + exp(-x)) ** 2,
    "silu": lambda x: x / (1 + exp(-x)),
    "softplus": lambda x: log(1 + exp(x)),
    "a root": lambda x: sqrt(1 + x**2),
    "cubic exponent": lambda x: exp(-(x**3)),
    "square in a sine": lambda x: sin(x**2),
    "Φ of a square": lambda x: Phi(x**2),
    "symbolic power": lambda x: x ** Symbol("k", positive=True),
    "half a line": lambda x: Piecewise((x, x > 0)),
    "squared delta": lambda x: DiracDelta(x) ** 2,
    "four Φ": lambda x: Phi(x) ** 4,
    "too many terms": lambda x: sum(exp(k * x) * sin(k * x) for k in range(1, 9)) ** 6,
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_the_class(name: str, v: SimpleNamespace) -> None:
    """The reason and the term, in under 2 s."""
    start = time.process_time()
    with pytest.raises(NoClosedForm) as stop:
        gaussian_expectation(OUTSIDE[name](v.x), {v.x: (0, v.s**2)})
    assert time.process_time() - start < 2
    assert stop.value.reason
    assert v.x in stop.value.term.free_symbols


def test_large_answers_come_in_time_or_not_at_all(v: SimpleNamespace) -> None:
    """E[x^20 y^20] with means is a polynomial of thousands of terms, whose factors take minutes."""
    start = time.process_time()
    with pytest.raises(NoClosedForm, match="reasonable time"):
        gaussian_expectation(v.x**20 * v.y**20, (v.x, v.y), mean=[v.m, v.n], covariance=v.plane)
    # The engine stops after 1.9 s between two steps, of which one may take as long as all that stand here.
    assert time.process_time() - start < 6
    start = time.process_time()
    with contextlib.suppress(NoClosedForm):
        gaussian_expectation(v.x**39 * Max(0, v.x - v.a), {v.x: (v.m, v.q)})
    assert time.process_time() - start < 6


def test_the_term_is_named(v: SimpleNamespace) -> None:
    """The engine says where it stopped, not only that it did."""
    with pytest.raises(NoClosedForm, match=r"tanh is outside .* \(stopped at tanh\(x\)\)"):
        gaussian_expectation(v.x**2 + exp(v.x) * tanh(v.x), {v.x: (0, 1)})


def test_an_infinite_expectation_is_refused(v: SimpleNamespace) -> None:
    """exp(z²) has no expectation at variance 1, and has one at variance 1/4."""
    with pytest.raises(NoClosedForm, match="does not damp"):
        gaussian_expectation(exp(v.x**2), {v.x: (0, 1)})
    assert gaussian_expectation(exp(v.x**2), {v.x: (0, "1/4")}).result == sqrt(2)


def test_integrability_is_a_condition(v: SimpleNamespace) -> None:
    """The condition surfaces as an assumption that the result rests on."""
    found = gaussian_expectation(exp(v.a * v.x**2), {v.x: (0, v.s**2)})
    assert (1 - 2 * v.a * v.s**2) in [c.expand() for c in found.conditions]
    assert any("finite" in str(h.text) for h in found.assumptions)


BAD = {
    "variance of x must not be negative, got -1": lambda v: gaussian_expectation(v.x, {v.x: (0, -1)}),
    "determinant of the covariance of x, y must not be negative, got -3": lambda v: gaussian_expectation(
        v.x, (v.x, v.y), covariance=[[1, 2], [2, 1]]
    ),
    "covariance must be symmetric, got 0 and c": lambda v: gaussian_expectation(
        v.x, (v.x, v.y), covariance=[[1, 0], [v.c, 1]]
    ),
    "covariance must be 2 x 2": lambda v: gaussian_expectation(v.x, (v.x, v.y), covariance=[[1]]),
    "mean must have 2 entries, got 1": lambda v: gaussian_expectation(
        v.x, (v.x, v.y), mean=[0], covariance=[[1, 0], [0, 1]]
    ),
    "covariance must be given": lambda v: gaussian_expectation(v.x, (v.x, v.y)),
    "g must be a SymPy expression, got str": lambda v: gaussian_expectation("x", {v.x: (0, 1)}),
    "must be finite and real, got I": lambda v: gaussian_expectation(v.x, {v.x: (0, I)}),
    "must not contain the variables, got x": lambda v: gaussian_expectation(v.x, {v.x: (v.x, 1)}),
    "variable s must range over all reals": lambda v: gaussian_expectation(v.s, {v.s: (0, 1)}),
    "variables must be distinct symbols": lambda v: gaussian_expectation(v.x, (v.x, v.x), covariance=[[1, 0], [0, 1]]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input(message: str, v: SimpleNamespace) -> None:
    """One clear error that names the argument, the rule and the value."""
    with pytest.raises(InputError) as error:
        BAD[message](v)
    assert message in str(error.value)
