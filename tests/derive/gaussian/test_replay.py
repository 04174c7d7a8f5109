"""A derivation checked as a whole: rebuilt, every rule applied again, every step at points; planted errors fail."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sympy import Max, exp, sin

from derive.gaussian import ClosedForm, gaussian_expectation, price_expectation

DERIVATIONS: dict[str, Callable[[SimpleNamespace], ClosedForm]] = {
    "pair": lambda v: gaussian_expectation(Max(0, v.x) * Max(0, v.y), (v.x, v.y), covariance=[[v.p, v.c], [v.c, v.q]]),
    "tilted": lambda v: gaussian_expectation(exp(v.a * v.x**2) * Max(0, v.x), {v.x: (v.m, v.s**2)}),
    "wave": lambda v: gaussian_expectation(v.x * sin(v.x), {v.x: (v.m, v.s**2)}),
    "degenerate": lambda v: gaussian_expectation(
        Max(0, v.x) * exp(v.y), (v.x, v.y), covariance=[[v.s**2, v.s * v.t], [v.s * v.t, v.t**2]]
    ),
    "price": lambda v: price_expectation(Max(0, v.x) * Max(0, v.y), (v.x, v.y), covariance=[[v.p, v.c], [v.c, v.q]]),
}


@pytest.mark.parametrize("name", DERIVATIONS)
def test_check_replays_and_rejects(name: str, v: SimpleNamespace) -> None:
    """The check passes; a step with a factor 2 planted in it fails it."""
    found = DERIVATIONS[name](v)
    result = found.check()
    assert result.passed, result.failures
    last = found.steps[-1]
    wrong = replace(found, steps=(*found.steps[:-1], replace(last, after=2 * last.after)), rebuild=None)
    failures = wrong.check().failures
    assert any("differ at an admissible point" in f for f in failures)
