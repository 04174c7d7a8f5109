"""Symbolic derivations of how variance travels through random networks.

>>> import derive
>>> derive.theorems()[:2]
['product-variance', 'forward-variance']
>>> equation_1 = derive.theorem("backward-variance")
>>> str(equation_1.grade)
'exact'
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.claims import CLAIMS
from derive.errors import InputError
from derive.theorems import THEOREMS

if TYPE_CHECKING:
    # SymPy is not loaded before a theorem or a claim is asked for.
    from derive.claims.claim import Claim
    from derive.proof.derivation import Derivation

__version__ = "0.1.0"

# The packages `derive.theorems` and `derive.claims` are imported above, so that the functions below keep their names.


def theorems() -> list[str]:
    """Return the names of the theorems that can be derived."""
    return THEOREMS.names()


def theorem(name: str) -> Derivation:
    """Derive a theorem, step by step.

    Raises `InputError`, with close matches, for a name that is not in `theorems`.
    """
    build = THEOREMS.builder(name)
    return replace(build(), rebuild=build)


def claims() -> list[str]:
    """Return the ids of the printed formulas that can be audited."""
    return CLAIMS.names()


def claim(name: str) -> Claim:
    """Return a printed formula as data; ``.audit()`` computes its verdict.

    Raises `InputError`, with close matches, for an id that is not in `claims`.
    """
    return CLAIMS.builder(name)()


__all__ = ["InputError", "claim", "claims", "theorem", "theorems"]
