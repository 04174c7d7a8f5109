"""K(m, v) = E_mu[(E_nu f(mu + nu))^2] for leaky ReLU, by two routes: nested integrals, and Price's theorem."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Eq, simplify

from derive.errors import InputError
from derive.hypotheses import RECTIFIER
from derive.network import SLOPE, f
from derive.proof.derivation import Derivation, Proof
from derive.rules.rectifier import DefineRectifier
from derive.rules.replicas import Replicas
from derive.rules.wide import MU, NU, ByClosedForm, M, V, over_networks, over_samples
from derive.setting import Setting
from derive.theorems.meanings import SAMPLE_NOTATION
from derive.words import Words

GAUSSIAN_MEAN = over_networks(over_samples(f(MU + NU)) ** 2)
"""K(m, v), unevaluated."""

_INTRO = (
    Words(
        "A pre-activation is {}: its mean {} over the samples differs from network to network, with variance {}; "
        "its fluctuation {} differs from sample to sample, with variance {}.",
        MU + NU,
        MU,
        M**2,
        NU,
        V**2,
    ),
)


SOURCE = "The post of 2020-02-18, steps 3 and 4; Cho & Saul 2009, equation 6"


@cache
def nested() -> Derivation:
    """K = (1 + a)^2/4 m^2 + (1 - a)^2/(2 pi) [m^2 asin(m^2/(m^2 + v^2)) + v sqrt(v^2 + 2 m^2)]."""
    proof = Proof(Setting((RECTIFIER,)), GAUSSIAN_MEAN)
    proof.by(DefineRectifier(), ByClosedForm(), ByClosedForm())
    return proof.done(
        "kernel-K",
        "The mean over networks of the squared mean over samples",
        symbols=SAMPLE_NOTATION,
        source=SOURCE,
        intro=_INTRO,
        remarks=(
            Words(
                "With {} it is ReLU's, with {} the line's, with {} the absolute value's. The second route must arrive "
                "at the same expression, or there is no theorem.",
                *(Eq(SLOPE, value) for value in (0, 1, -1)),
            ),
        ),
    )


def kernel_k() -> Derivation:
    """K by two routes: the nested integral, and Price's theorem as a part; they must agree."""
    made, other = nested(), by_price()
    if simplify(made.result - other.result) != 0:
        raise InputError(f"the two routes to K differ: {made.result} and {other.result}")
    return replace(made, parts=(other,), source=SOURCE)


def by_price() -> Derivation:
    """The same K by Price's theorem alone: integrate twice in the covariance of two samples."""
    proof = Proof(Setting((RECTIFIER,)), GAUSSIAN_MEAN)
    proof.by(DefineRectifier(), Replicas(), ByClosedForm(price=True))
    return proof.done("kernel-K-price", "The same, by Price's theorem", source="Price 1958")
