"""Kernels: from a derived expression to a fast float64 function.

`kernel` does it for any expression or derivation, over layers or of plain numbers. `sample_variance_step` is the
certified kernel of the sample-variance recursion, `iterate` its curve over many layers, `certify` measures its
accuracy, `export` writes standalone files. `map_kernel` gives the maps of any activation, in closed form or by a fixed
rule, as self-contained code with its certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numerics.kernels.certificate import Accuracy, Certificate, certify
from numerics.kernels.dispatch import kernel
from numerics.kernels.export import export
from numerics.kernels.general import Kernel
from numerics.kernels.iteration import iterate
from numerics.kernels.layered import LayeredKernel
from numerics.kernels.numpy_code import UnsupportedExpressionError
from numerics.kernels.sample_variance import SampleVariances, SampleVarianceStep, sample_variance_step

if TYPE_CHECKING:
    from numerics.kernels.map_kernels import MapCertificate, MapKernel, map_kernel

__all__ = [
    "Accuracy",
    "Certificate",
    "Kernel",
    "LayeredKernel",
    "MapCertificate",
    "MapKernel",
    "SampleVarianceStep",
    "SampleVariances",
    "UnsupportedExpressionError",
    "certify",
    "export",
    "iterate",
    "kernel",
    "map_kernel",
    "sample_variance_step",
]


def __getattr__(name: str) -> Any:
    """Import the kernels of maps when asked for: predictions do without them."""
    if name in ("MapCertificate", "MapKernel", "map_kernel"):
        from numerics.kernels import map_kernels

        return getattr(map_kernels, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
