"""All scenarios: each rule at work, what it must compute, and errors to plant in it; see `scenario`."""

from analytic_scenarios import analytic_scenarios
from block_scenarios import block_scenarios
from depth_scenarios import depth_scenarios
from fourth_scenarios import fourth_scenarios
from limit_scenarios import limit_scenarios
from logarithm_scenarios import logarithm_scenarios
from map_scenarios import map_scenarios
from normalise_scenarios import normalise_scenarios
from plain_scenarios import plain_scenarios
from random_scenarios import random_scenarios
from width_scenarios import width_scenarios

SCENARIOS = [
    *plain_scenarios(),
    *random_scenarios(),
    *limit_scenarios(),
    *analytic_scenarios(),
    *map_scenarios(),
    *block_scenarios(),
    *fourth_scenarios(),
    *logarithm_scenarios(),
    *width_scenarios(),
    *normalise_scenarios(),
    *depth_scenarios(),
]
