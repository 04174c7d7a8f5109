"""Simulation: brute force over real networks, with streamed moments and honest standard errors."""

from numerics.simulation.result import Simulation
from numerics.simulation.run import simulate
from numerics.simulation.streams import Seed

__all__ = ["Seed", "Simulation", "simulate"]
