"""Kernels: from a derived expression to a fast float64 function whose accuracy is certified.

`kernel` does it for any expression. `sample_variance_step` is the certified kernel of the sample-variance
recursion, `iterate` its curve over many layers, `certify` measures, `export` writes standalone files.
"""

from numerics.kernels.certificate import Accuracy, Certificate, certify
from numerics.kernels.export import export
from numerics.kernels.general import Kernel, kernel
from numerics.kernels.iteration import iterate
from numerics.kernels.numpy_code import UnsupportedExpressionError
from numerics.kernels.sample_variance import SampleVariances, SampleVarianceStep, sample_variance_step

__all__ = [
    "Accuracy",
    "Certificate",
    "Kernel",
    "SampleVarianceStep",
    "SampleVariances",
    "UnsupportedExpressionError",
    "certify",
    "export",
    "iterate",
    "kernel",
    "sample_variance_step",
]
