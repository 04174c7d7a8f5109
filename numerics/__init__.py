"""Arrays: kernels of derivations, predicted curves, simulation, and one held against the other.

>>> import numerics
>>> network = numerics.Network(widths=[8, 14, 5, 18, 11, 6], gain=1.0)
>>> prediction = numerics.predict(network)
>>> simulation = numerics.simulate(network, rng=1, networks=500)
>>> numerics.verify(prediction, simulation).verdict
'agrees'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.curves import Prediction, predict
    from numerics.figures import plot_curves
    from numerics.finite_width import finite_width_bias
    from numerics.kernels import Kernel, kernel, map_kernel, sample_variance_step
    from numerics.network import Network
    from numerics.report import write_report
    from numerics.simulation import Simulation, simulate
    from numerics.verification import Verification, verify

# Imported when asked for: the command line must not wait for SymPy and NumPy to print its help.
_HOME = {
    "Kernel": "numerics.kernels",
    "Network": "numerics.network",
    "Prediction": "numerics.curves",
    "Simulation": "numerics.simulation",
    "Verification": "numerics.verification",
    "finite_width_bias": "numerics.finite_width",
    "kernel": "numerics.kernels",
    "map_kernel": "numerics.kernels",
    "plot_curves": "numerics.figures",
    "predict": "numerics.curves",
    "write_report": "numerics.report",
    "sample_variance_step": "numerics.kernels",
    "simulate": "numerics.simulation",
    "verify": "numerics.verification",
}

__all__ = [
    "Kernel",
    "Network",
    "Prediction",
    "Simulation",
    "Verification",
    "finite_width_bias",
    "kernel",
    "map_kernel",
    "plot_curves",
    "predict",
    "sample_variance_step",
    "simulate",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'numerics' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
