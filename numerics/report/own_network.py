"""The reader's own network in a report: described, predicted, simulated and compared."""

from __future__ import annotations

from pathlib import Path

from numerics.curves import predict
from numerics.description import describe
from numerics.network import Network
from numerics.report.contents import OwnNetwork, Progress
from numerics.report.runs import case
from numerics.simulation import simulate
from numerics.stages import Stage, stream
from numerics.verification import verify

KEY = "network"


def own_network(root: Path, network: Network, networks: int, seed: int, say: Progress) -> OwnNetwork:
    """Predict and simulate a network, and write its curves and its verification below ``root``."""
    say("simulating your network")
    prediction = predict(network)
    simulation = simulate(network, rng=stream(seed, Stage.OWN), networks=networks, progress=False)
    about = f"{network.sizes}; {networks} networks, forward and backward."
    found = verify(prediction, simulation)
    return OwnNetwork(describe(network), case(root, KEY, "Your network", about, prediction, simulation, found))
