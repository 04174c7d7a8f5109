"""Numerical kernels of the maps for any activation: length, covariance, correlation, K, sample variance."""

from numerics.maps.kernels import NumericalMaps
from numerics.maps.values import Evaluated

__all__ = ["Evaluated", "NumericalMaps"]
