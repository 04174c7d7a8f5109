"""The third reading of a definition: arrays. Symbols derive from it, tiny worlds refute by it, NumPy simulates it."""

from numerics.arrays.program import Program, Run

__all__ = ["Program", "Run"]
