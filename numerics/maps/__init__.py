"""Numerical kernels of the maps for any activation: length, covariance, correlation, K, sample variance."""

from derive.quadrature import Bounded
from numerics.maps.numerical import NumericalMaps

__all__ = ["Bounded", "NumericalMaps"]
