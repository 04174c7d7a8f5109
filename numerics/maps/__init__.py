"""Numerical kernels of the maps for any activation: length, covariance, correlation, K, sample variance."""

from numerics.maps.kernels import Evaluated, NumericalMaps

__all__ = ["Evaluated", "NumericalMaps"]
