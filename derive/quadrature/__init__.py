"""Gaussian expectations as numbers with proved bounds; NumPy and SciPy are loaded with it."""

from derive.quadrature.bounded import Bounded, Precise
from derive.quadrature.line import Line
from derive.quadrature.reading import CannotRead
from derive.quadrature.space import Space

__all__ = ["Bounded", "CannotRead", "Line", "Precise", "Space"]
