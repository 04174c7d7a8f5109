"""Price's theorem as a route of its own: the same closed forms, no half-space probability on the way."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from sympy import Abs, Expr, Heaviside, Max, Symbol, asin, diff, erf, pi, sign, sqrt

from derive.errors import InputError
from derive.gaussian import NoClosedForm, gaussian_expectation, price, price_expectation
from derive.gaussian.price import antiderivative

PAIRS: dict[str, Callable[[Symbol, Symbol], Expr]] = {
    "relu": lambda x, y: Max(0, x) * Max(0, y),
    "|.|": lambda x, y: Abs(x) * Abs(y),
    "leaky": lambda x, y: Max(x, x / 5) * Max(y, y / 5),
    "squared relu": lambda x, y: Max(0, x) ** 2 * Max(0, y) ** 2,
    "step": lambda x, y: Heaviside(x) * Heaviside(y),
    "sign": lambda x, y: sign(x) * sign(y),
    "cubes": lambda x, y: x**3 * y**3,
    "mixed": lambda x, y: Max(0, x) * y**3 + Heaviside(x) * y**2 * Heaviside(y),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_routes_agree(name: str, v: SimpleNamespace) -> None:
    """Integration in the covariance and Stein with half-spaces arrive at equal forms."""
    g, C = PAIRS[name](v.x, v.y), [[v.p, v.c], [v.c, v.q]]
    one = price_expectation(g, (v.x, v.y), covariance=C)
    two = gaussian_expectation(g, (v.x, v.y), covariance=C)
    assert (one.result - two.result).simplify() == 0
    assert "price" in [s.rule.name for s in one.steps]
    assert "price" not in [s.rule.name for s in two.steps]


def test_relu_needs_two_levels_and_ends_in_deltas(v: SimpleNamespace) -> None:
    """relu'' = δ: the innermost integrand is the joint density at the kink."""
    found = price_expectation(PAIRS["relu"](v.x, v.y), (v.x, v.y), covariance=v.plane)
    names = [s.rule.name for s in found.steps]
    assert names.count("price") == 2
    assert any("DiracDelta(x)*DiracDelta(y)" in str(s.after) for s in found.steps)


def test_what_the_route_does_not_take(v: SimpleNamespace) -> None:
    """Smooth factors and kinks away from the mean are refused with the term."""
    C = [[v.p, v.c], [v.c, v.q]]
    for g in (erf(v.x) * erf(v.y), Max(0, v.x - 1) * Max(0, v.y)):
        with pytest.raises(NoClosedForm, match="Price's route"):
            price_expectation(g, (v.x, v.y), covariance=C)
    with pytest.raises(InputError, match="must be two"):
        price_expectation(v.x, (v.x,), covariance=[[1]])


def test_antiderivatives(v: SimpleNamespace) -> None:
    """The derivative of each primitive is the integrand."""
    u, P = Symbol("u", real=True), Symbol("P", positive=True)
    S, A = sqrt(P - u**2), asin(u / sqrt(P))
    for f in (1 / S, A, u**2 * A, u * S + 3, S, u**3 / S + u * A / pi, u**4 - 2):
        assert (diff(antiderivative(f, u), u) - f).simplify() == 0


def test_a_wrong_integral_is_not_returned(v: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error planted in the integration is caught by the check before the answer."""
    monkeypatch.setattr(price, "antiderivative", lambda f, u: 2 * antiderivative(f, u))
    with pytest.raises(NoClosedForm, match="failed its check"):
        price_expectation(PAIRS["relu"](v.x, v.y), (v.x, v.y), covariance=[[v.p, v.c], [v.c, v.q]])
