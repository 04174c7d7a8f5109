"""Constants that libraries and papers ship, each with the formula of what it is said to be.

A row is read and computed as `audit_constant` does with a constant of one's own; means are over a standard normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from sympy import Symbol

from derive.claims.claim import Claim
from derive.equations.constants import constant_claim
from derive.proof.derivation import Statement

_NFNET = "timm, nfnet.py"
_STYLEGAN = "StyleGAN3, bias_act"
_HENDRYCKS = "Hendrycks & Gimpel 2016"
_SCALE = "One over the standard deviation of the activation of a standard normal."
_KEEPS = "The gain is read as the factor that keeps a mean square of one."


class Row(NamedTuple):
    """A printed constant: what it is called, where it stands, its digits and its formula."""

    title: str
    source: str
    where: str
    symbol: str
    printed: str
    formula: str
    reading: str = ""


def _nfnet(name: str, printed: str) -> Row:
    title = f"The scale that gives {name.partition('(')[0].replace('_', '-')} variance one"
    return Row(title, _NFNET, "nonlinearities", "gamma", printed, f"1/sqrt(Var[{name}])", _SCALE)


def _stylegan(name: str, printed: str) -> Row:
    title = f"The default gain of {name.partition('(')[0].replace('_', '-')} keeps the mean square"
    return Row(title, _STYLEGAN, "def_gain", "gain", printed, f"1/sqrt(E[{name}^2])", _KEEPS)


ROWS = {
    "nfnet-celu": _nfnet("celu(u)", "1.270926833152771"),
    "nfnet-leaky-relu": _nfnet("leaky_relu(u, 1/100)", "1.70590341"),
    "nfnet-relu6": _nfnet("relu6(u)", "1.71314847"),
    "nfnet-softsign": _nfnet("softsign(u)", "2.33885312"),
    "nfnet-selu": _nfnet("selu(u)", "1.00085151"),
    "nfnet-log-sigmoid": _nfnet("logsigmoid(u)", "1.91934848"),
    "nfnet-softplus": _nfnet("softplus(u)", "1.92033231"),
    "e3nn-silu": Row(
        "The constant that normalises SiLU", "e3nn", "normalize2mom", "c", "1.6791767923989418", "1/sqrt(E[silu(u)^2])"
    ),
    "gemnet-silu": Row(
        "The constant that normalises SiLU", "GemNet, scaled SiLU", "as given", "c", "1/0.6", "1/sqrt(E[silu(u)^2])"
    ),
    "edm2-silu": Row("The root mean square of SiLU", "EDM2", "mp_silu", "c", "0.596", "sqrt(E[silu(u)^2])"),
    "stylegan-lrelu": _stylegan("leaky_relu(u, 1/5)", "sqrt(2)"),
    "stylegan-swish": _stylegan("silu(u)", "sqrt(2)"),
    "stylegan-elu": _stylegan("elu(u)", "1"),
    "stylegan-softplus": _stylegan("softplus(u)", "1"),
    "stylegan-tanh": _stylegan("tanh(u)", "1"),
    "stylegan-sigmoid": _stylegan("sigmoid(u)", "1"),
    "stylegan-selu": _stylegan("selu(u)", "1"),
    "hendrycks-forward-tanh": Row("The mean square of tanh", _HENDRYCKS, "table 1", "c", "0.394", "E[tanh(u)^2]"),
    "hendrycks-forward-gelu": Row("The mean square of GELU", _HENDRYCKS, "table 1", "c", "0.425", "E[gelu(u)^2]"),
    "hendrycks-forward-elu": Row("The mean square of ELU", _HENDRYCKS, "table 1", "c", "0.645", "E[elu(u)^2]"),
    "dks-constant": Row("π/(π − 1)", "dks", "the constant", "c", "1.466942206924260361", "π/(π - 1)"),
}
"""The rows, by the ids of the claims."""


def claim_of(id: str) -> Claim:
    """Return a row as a claim."""
    row = ROWS[id]
    made = constant_claim(row.printed, row.formula, row.reading)
    return replace(
        made,
        id=id,
        title=row.title,
        source=row.source,
        where=row.where,
        printed=Statement(Symbol(row.symbol), "=", made.printed.rhs),
    )


def __getattr__(name: str) -> Callable[[], Claim]:
    id = name.replace("_", "-")
    if id not in ROWS:
        raise AttributeError(f"no constant {name!r}")

    def build() -> Claim:
        return claim_of(id)

    build.__name__, build.__doc__ = name, f"{ROWS[id].title}: {ROWS[id].formula} = {ROWS[id].printed}"
    return build
