"""Sentences with formulas in plain text, set for a page: Greek letters, indices and powers."""

from __future__ import annotations

import re
from html import escape

_GREEK = {"sigma": "σ", "chi": "χ", "rho": "ρ", "xi": "ξ", "mu": "μ", "gamma": "γ", "lambda": "λ", "eps": "ε"}
_INDICES = {"perp": "⊥", "par": "∥", "out": "out", "in": "in"}
_PARTS = (
    # A relation or a minus between spaces; a minus before a number.
    (re.compile("&lt;="), "≤"),
    (re.compile("&gt;="), "≥"),
    (re.compile(r"(?<= )-(?= )|(?<![\w.)\]])-(?=\d)"), "−"),
    # 3e-15 is a number times a power of ten.
    (re.compile(r"(?<=\d)e([+-])0*(\d+)\b"), lambda m: f"·10<sup>{'−' if m[1] == '-' else ''}{m[2]}</sup>"),
    # The variances of mean-field theory have their square in the name.
    (re.compile(r"\bsigma_([wb])2\b"), r"σ<sub>\1</sub>²"),
    (re.compile(rf"\b({'|'.join(_GREEK)})(?=\b|_)"), lambda m: _GREEK[m[1]]),
    (re.compile(r"(?<=\b[A-Za-zρ])'+(?![A-Za-z])"), lambda m: "′" * len(m[0])),
    (re.compile(r"(?<=[\wσχξ∂′)\]])\^(\d+|[a-z]|[−-]\d+)"), lambda m: f"<sup>{m[1].replace('-', '−')}</sup>"),
    (re.compile(r"(?<=[\w>])_\{([\d,]+)\}"), r"<sub>\1</sub>"),
    (
        re.compile("(?<=[A-Za-zσχξ>])_(perp|par|out|in|[a-z0-9⊥∥])(?![a-z])"),
        lambda m: f"<sub>{_INDICES.get(m[1], m[1])}</sub>",
    ),
)


def spelled(text: str) -> str:
    """Return a plain text as HTML, its formulas set: ``sigma_w2 E[f'^2]`` with index, prime and square.

    >>> spelled("q' = sigma_w2 E[f^2] <= 3e-15")
    'q′ = σ<sub>w</sub>² E[f<sup>2</sup>] ≤ 3·10<sup>−15</sup>'
    """
    shown = escape(text, quote=False)
    for pattern, replacement in _PARTS:
        shown = pattern.sub(replacement, shown)
    return shown
