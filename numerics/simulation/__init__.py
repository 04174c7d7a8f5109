"""Simulation over networks, samples, units or both: four exact methods, streamed moments, honest standard errors."""

from numerics.simulation.costs import METHODS
from numerics.simulation.plan import OVER
from numerics.simulation.result import Simulation
from numerics.simulation.run import simulate
from numerics.simulation.streams import Seed

__all__ = ["METHODS", "OVER", "Seed", "Simulation", "simulate"]
