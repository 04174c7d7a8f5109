"""The derivations that numbers come from, each derived once a process."""

from __future__ import annotations

from functools import lru_cache

import derive
from derive.proof.derivation import Derivation


@lru_cache
def derivation(name: str) -> Derivation:
    """Return a theorem by its name; see `derive.theorem`."""
    return derive.theorem(name)
