"""How symbols whose names are identifiers are written in text and in LaTeX."""

from __future__ import annotations

from sympy.printing.pretty.pretty_symbology import pretty_symbol, pretty_use_unicode

NAMES: dict[str, tuple[str, str]] = {
    "sigma_w2": ("σ_w²", r"{\sigma_w^2}"),
    "epsilon": ("ε", r"\epsilon"),
    "sigma_b2": ("σ_b²", r"{\sigma_b^2}"),
    "m'^2": ("m'²", r"m'^{2}"),
    "r'^2": ("r'²", r"r'^{2}"),
    "v^2": ("v²", r"v^{2}"),
    "v sqrt(N)": ("v √N", r"v \sqrt{N}"),
    "Var(w^T C w)": ("Var[wᵀ C w]", r"\operatorname{Var}[w^{T} C w]"),
    "lambda_mean": ("⟨λ⟩", r"{\langle\lambda\rangle}"),
    "lambda_square": ("⟨λ²⟩", r"{\langle\lambda^2\rangle}"),
}
"""The name of a symbol, and how it is written: in text, in LaTeX."""


def unicode_name(name: str) -> str:
    """Return an identifier as text shows it, ``q_1`` as ``q₁``, ``alpha`` as ``α``.

    SymPy decides once, by the encoding of the standard output that it was imported under, whether it writes so:
    one statement would print in two ways.
    """
    before = pretty_use_unicode(True)
    try:
        return str(pretty_symbol(name))
    finally:
        pretty_use_unicode(before)
