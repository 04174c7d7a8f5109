"""Mutants of `numerics` that are no errors, each with the reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
"""By the mutant's name, as the driver prints it."""
