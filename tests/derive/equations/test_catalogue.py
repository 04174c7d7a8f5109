"""Constants of libraries and papers, held against mpmath's own functions."""

from __future__ import annotations

import mpmath
import pytest

import derive
from derive.equations.shipped_constants import ROWS

FUNCTIONS = {
    "celu": lambda u: u if u > 0 else mpmath.expm1(u),
    "elu": lambda u: u if u > 0 else mpmath.expm1(u),
    "leaky": lambda u: u if u > 0 else u / 100,
    "lrelu": lambda u: u if u > 0 else u / 5,
    "relu6": lambda u: min(max(u, 0), 6),
    "softsign": lambda u: u / (1 + abs(u)),
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "log": lambda u: -mpmath.log1p(mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "swish": lambda u: u / (1 + mpmath.exp(-u)),
    "tanh": mpmath.tanh,
    "gelu": lambda u: u * mpmath.ncdf(u),
}
HOLD = {"edm2-silu", "hendrycks-forward-tanh", "hendrycks-forward-gelu", "hendrycks-forward-elu", "stylegan-selu"}


def _mean(f):
    with mpmath.workdps(20):
        return mpmath.quad(lambda u: f(u) * mpmath.npdf(u), [-12, -6, -2, 0, 2, 6, 12])


def _true(id):
    kind = id.removeprefix("hendrycks-forward-").split("-")
    name = next((part for part in kind if part in FUNCTIONS), None)
    if name is None:
        return None
    f = FUNCTIONS[name]
    square = _mean(lambda u: f(u) ** 2)
    if id.startswith("nfnet"):
        return 1 / mpmath.sqrt(square - _mean(f) ** 2)
    if id.startswith("hendrycks"):
        return square
    return mpmath.sqrt(square) if id.startswith("edm2") else 1 / mpmath.sqrt(square)


@pytest.mark.parametrize("id", ROWS)
def test_a_row_is_what_mpmath_says(id):
    """The number that a formula stands for, and the verdict that follows."""
    audit = derive.claim(id).audit()
    assert audit.verdict == ("holds" if id in HOLD else "refuted")
    true = _true(id)
    if true is not None:
        assert abs(mpmath.mpf(str(audit.derived.evalf(20))) / true - 1) < 1e-13
