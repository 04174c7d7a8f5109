"""Arrays: kernels of derivations, predicted curves, simulation, and one held against the other.

>>> import numerics
>>> network = numerics.Network(widths=[8, 14, 5, 18, 11, 6], gain=1.0)
>>> prediction = numerics.predict(network)
>>> simulation = numerics.simulate(network, seed=1, networks=500)
>>> numerics.verify(prediction, simulation).verdict
'agrees'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.criticality.critical import critical
    from numerics.criticality.fixed_points import fixed_points
    from numerics.criticality.point import Critical
    from numerics.curves import Prediction, predict
    from numerics.figures import plot_curves
    from numerics.finite_width import finite_width_bias
    from numerics.gains import recommended_gains
    from numerics.kernels import Kernel, kernel, map_kernel, sample_variance_step
    from numerics.maps import NumericalMaps
    from numerics.network import Network
    from numerics.phase import Phase, phase_diagram
    from numerics.report import write_report
    from numerics.simulation import Simulation, simulate
    from numerics.verification import Verification, verify

# Imported when asked for: the command line must not wait for SymPy and NumPy to print its help.
_ROOMS = ("criticality", "curves", "figures", "kernels", "maps", "simulation")
_HOME = {
    "Critical": "numerics.criticality",
    "Kernel": "numerics.kernels",
    "Network": "numerics.network",
    "Phase": "numerics.phase",
    "phase_diagram": "numerics.phase",
    "NumericalMaps": "numerics.maps",
    "Prediction": "numerics.curves",
    "Simulation": "numerics.simulation",
    "Verification": "numerics.verification",
    "critical": "numerics.criticality",
    "finite_width_bias": "numerics.finite_width",
    "fixed_points": "numerics.criticality",
    "kernel": "numerics.kernels",
    "map_kernel": "numerics.kernels",
    "plot_curves": "numerics.figures",
    "predict": "numerics.curves",
    "recommended_gains": "numerics.gains",
    "write_report": "numerics.report",
    "sample_variance_step": "numerics.kernels",
    "simulate": "numerics.simulation",
    "verify": "numerics.verification",
}

__all__ = [
    "Critical",
    "Kernel",
    "Network",
    "NumericalMaps",
    "Phase",
    "Prediction",
    "Simulation",
    "Verification",
    "critical",
    "finite_width_bias",
    "fixed_points",
    "kernel",
    "map_kernel",
    "phase_diagram",
    "plot_curves",
    "predict",
    "recommended_gains",
    "sample_variance_step",
    "simulate",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"numerics.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'numerics' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
