"""Verdicts on the claims about ReLU networks and on shipped numbers, against what is known from elsewhere."""

from __future__ import annotations

import mpmath
import pytest
from sympy import Eq, Symbol

import derive
from derive.averages import SharedVariance
from derive.layers import i
from derive.network import W, n

VERDICTS = {
    "post-3-network-variance-preserved": "holds",
    "post-3-half-variance": "holds",
    "post-3-exact": "holds",
    "post-3-exact-any-law": "holds-if",
    "post-3-step-1": "holds",
    "post-3-step-3": "holds-if",
    "he-2015-variance-condition": "holds",
    "he-2015-backward": "holds-if",
    "xavier-on-relu": "refuted",
    "later-post-m-recursion": "refuted",
    "later-post-ratio": "holds-if",
    "later-post-self-averaging": "refuted",
    "torch-gain-tanh": "refuted",
    "torch-gain-selu": "refuted",
    "torch-gain-sigmoid": "refuted",
    "torch-gain-relu": "holds",
    "torch-gain-leaky-relu": "holds",
    "nfnet-gamma-relu": "refuted",
    "nfnet-gamma-silu": "refuted",
    "kumar-sigmoid": "holds",
    "selu-alpha": "holds",
    "selu-lambda": "holds",
    "truncated-normal-std": "holds",
    "dropout-variance": "holds-if",
    "glorot-tanh-linear": "refuted",
}


@pytest.fixture(scope="module")
def audits():
    return {name: derive.claim(name).audit() for name in VERDICTS}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(audits, name):
    """Each verdict, and that what is refuted comes with a case."""
    audit = audits[name]
    assert audit.verdict == VERDICTS[name]
    # Step 3 is right, and rests on the limit of wide layers.
    assert (audit.counterexample is None) == (audit.verdict == "holds" or name == "post-3-step-3")


def test_exactness_needs_symmetric_weights(audits):
    """The calculation uses that pre-activations are symmetric, which weights of mean zero need not make them."""
    assert [h.key for h in audits["post-3-exact-any-law"].suffices] == ["weights-symmetric"]


def test_xavier_keeps_half(audits):
    """ReLU needs twice Xavier's variance."""
    assert audits["xavier-on-relu"].condition == Eq(n(i + 1) * SharedVariance(W, i + 1), 2)


def test_dropout_needs_mean_zero(audits):
    """E[x^2]/(1 - p) - E[x]^2 is Var[x]/(1 - p) exactly where the mean (or the drop rate) is zero."""
    assert audits["dropout-variance"].condition.has(Eq(Symbol("mu", real=True), 0, evaluate=False))


def _gauss(f):
    with mpmath.workdps(30):
        return mpmath.quad(lambda x: f(x) * mpmath.npdf(x), [-12, -4, 0, 4, 12])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("torch-gain-tanh", lambda: 1 / mpmath.sqrt(_gauss(lambda x: mpmath.tanh(x) ** 2))),
        ("torch-gain-sigmoid", lambda: 1 / mpmath.sqrt(_gauss(lambda x: (1 / (1 + mpmath.exp(-x))) ** 2))),
        ("nfnet-gamma-relu", lambda: 1 / mpmath.sqrt(mpmath.mpf(1) / 2 - 1 / (2 * mpmath.pi))),
        ("truncated-normal-std", lambda: mpmath.sqrt(1 - 4 * mpmath.npdf(2) / (2 * mpmath.ncdf(2) - 1))),
        ("later-post-m-recursion", lambda: _relu_mean_square(1, 1)),
    ],
)
def test_true_values(audits, name, value):
    """The derived number, computed here by another formula or by quadrature."""
    audit = audits[name]
    found = audit.derived.subs(dict.fromkeys(audit.derived.free_symbols, 1)).doit().evalf(20)
    assert float(found) == pytest.approx(float(value()), rel=1e-14)


def _relu_mean_square(m, v):
    """2 E_mu[(E_nu relu(mu + nu))^2] by nested quadrature."""

    def inner(mu):
        return mpmath.quad(lambda x: max(mu + v * x, 0) * mpmath.npdf(x), sorted({-12, -mu / v, 12}))

    with mpmath.workdps(20):
        return 2 * mpmath.quad(lambda x: inner(m * x) ** 2 * mpmath.npdf(x), [-11, -3, 0, 3, 11])


def test_a_decimal_is_shown_as_printed(audits):
    """Not as the nearest binary number of its digits, and the true value to no more digits than are known."""
    found = audits["nfnet-gamma-relu"].counterexample
    assert found.right.rstrip("0") == "1.7139588594436646"
