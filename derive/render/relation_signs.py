"""The relations of statements and steps, as text and as LaTeX."""

from __future__ import annotations

from derive.errors import InputError

TEXT_RELATIONS = {
    "=": "=",
    "==": "=",
    "!=": "≠",
    "<": "<",
    "<=": "≤",
    ">": ">",
    ">=": "≥",
    "=>": "⇒",
    "<=>": "⇔",
    "~": "~",
    "≈": "≈",
    "->": "→",
}
LATEX_RELATIONS = {
    "=": "=",
    "==": "=",
    "!=": r"\neq",
    "<": "<",
    "<=": r"\leq",
    ">": ">",
    ">=": r"\geq",
    "=>": r"\Rightarrow",
    "<=>": r"\Leftrightarrow",
    "~": r"\sim",
    "≈": r"\approx",
    "->": r"\to",
}


def relation_sign(relation: str, table: dict[str, str]) -> str:
    """Return the sign of a relation; raise `InputError` for one that is not known."""
    if relation not in table:
        raise InputError(f"unknown relation {relation!r}; known: {', '.join(table)}")
    return table[relation]
