"""Kernels: from a derived formula to a fast float64 function, in one way.

1. A formula is what a derivation arrived at: an expression (`kernel`), the definition of a map
   (`numerics.maps.definitions`, the expectations of `derive.maps`), or the certified step of the rectifiers
   (`rectifier_programs`). The Gaussian integrals of a definition are stand-ins; in their place goes a derived form
   (`numerics.maps.forms`), or a fixed quadrature rule (`quadrature`, with `_line_rule` and `_plane_rule`, on `panels`
   that discs allow).
2. It becomes a `Program`, which is printed, run, called, certified and exported by `numerics.programs`. Whatever the
   method, `kernel(...)`, `map_kernel(...)` and `sample_variance_step(...)` return a `Kernel`, and all are called alike.
3. `rectifier_truth` and `map_truth` say where a certificate looks; `reference` holds a map against its closed form in
   many digits, or against `numerics.maps`.

Packages are imported one way: programs know no map, maps no kernel.

Results over layers (widths n_i, Var[W^i], products over layers) have arrays over layers as arguments, and become a
`layered.LayeredKernel`: the same printer, and products that neither overflow on the way nor lose digits with depth.
`iterate` is the curve of a step over many layers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.kernels.formulas import kernel
    from numerics.kernels.iteration import iterate
    from numerics.kernels.layered import LayeredKernel
    from numerics.kernels.map_kernels import map_kernel
    from numerics.kernels.sample_variance import SampleVariances, SampleVarianceStep, certify, sample_variance_step
    from numerics.programs.callable import Kernel
    from numerics.programs.certificate import Accuracy, Certificate
    from numerics.programs.exporting import export
    from numerics.programs.printers import UnsupportedExpressionError

# Imported when asked for: predictions and maps at a point do without code generation.
_HOME = {
    "Accuracy": "numerics.programs.certificate",
    "Certificate": "numerics.programs.certificate",
    "Kernel": "numerics.programs.callable",
    "LayeredKernel": "numerics.kernels.layered",
    "SampleVarianceStep": "numerics.kernels.sample_variance",
    "SampleVariances": "numerics.kernels.sample_variance",
    "UnsupportedExpressionError": "numerics.programs.printers",
    "certify": "numerics.kernels.sample_variance",
    "export": "numerics.programs.exporting",
    "iterate": "numerics.kernels.iteration",
    "kernel": "numerics.kernels.formulas",
    "map_kernel": "numerics.kernels.map_kernels",
    "sample_variance_step": "numerics.kernels.sample_variance",
}

__all__ = [
    "Accuracy",
    "Certificate",
    "Kernel",
    "LayeredKernel",
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
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
