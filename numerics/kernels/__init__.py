"""Kernels: vectorised NumPy functions generated from derived expressions."""

from numerics.kernels.layered import Kernel, kernel

__all__ = ["Kernel", "kernel"]
