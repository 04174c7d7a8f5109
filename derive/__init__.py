"""Symbolic derivations of how variance travels through random networks.

>>> import derive
>>> derive.theorems()[:2]
['product-variance', 'forward-variance']
>>> equation_1 = derive.theorem("backward-variance")
>>> str(equation_1.check().grade)
'exact'
>>> from sympy import exp, symbols
>>> a, s, z = symbols("a s z", real=True)
>>> derive.gaussian_expectation(exp(a * z), {z: (0, s**2)}).result
exp(a**2*s**2/2)
>>> derive.Maps("relu").chi_perp.result
sigma_w2/2
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from derive.claims import CLAIMS
from derive.errors import InputError
from derive.methods import METHODS
from derive.provided import provide
from derive.theorems import THEOREMS

if TYPE_CHECKING:
    # SymPy is not loaded before a theorem or a claim is asked for.
    from derive.activations import Activation
    from derive.activations.names import activation
    from derive.claims.claim import Claim
    from derive.equations import audit
    from derive.gaussian import NoClosedForm, gaussian_expectation
    from derive.maps import Maps
    from derive.proof.derivation import Derivation

provide(METHODS)

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
    from derive.proof.oracle import with_oracles
    from derive.theorems.oracles import ORACLES

    return replace(with_oracles(build(), ORACLES), rebuild=build)


def claims() -> list[str]:
    """Return the ids of the printed formulas that can be audited."""
    return CLAIMS.names()


def claim(name: str) -> Claim:
    """Return a printed formula as data; ``.audit()`` computes its verdict.

    Raises `InputError`, with close matches, for an id that is not in `claims`.
    """
    return CLAIMS.builder(name)()


_ROOMS = ("activations", "gaussian", "maps")
_HOME = {
    "Activation": "derive.activations",
    "Maps": "derive.maps",
    "NoClosedForm": "derive.gaussian",
    "activation": "derive.activations",
    "audit": "derive.equations",
    "gaussian_expectation": "derive.gaussian",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"derive.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS, "__version__"])


__all__ = [
    "Activation",
    "InputError",
    "Maps",
    "NoClosedForm",
    "activation",
    "audit",
    "claim",
    "claims",
    "gaussian_expectation",
    "theorem",
    "theorems",
]
