"""The runs of a report: networks predicted, simulated and compared; where the linear regime ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

import derive
from numerics.curves import Prediction, predict
from numerics.figures import plot_curves, plot_regime, to_bytes
from numerics.figures.experiment import he_gain
from numerics.finite_width import finite_width_bias
from numerics.kernels import kernel
from numerics.network import Network
from numerics.report.contents import WIDTHS, Case, Progress, Regime
from numerics.simulation import Simulation, simulate
from numerics.stages import Stage, stream
from numerics.verification import Verification, verify

_SWEEP = tuple(float(gain) for gain in np.geomspace(0.01, 4, 10))
_WIDTH, _DEPTH, _SAMPLES = 256, 10, 16


def simulated(root: Path, networks: int, seed: int, say: Progress) -> Iterator[Case]:
    """Simulate the networks of the report, and write curves and verifications."""
    # The variance of Glorot's compromise is that of its derivation, evaluated at these widths.
    compromise = kernel(derive.theorem("glorot-condition"))(np.arange(len(WIDTHS) - 1), WIDTHS)
    glorot = Network(widths=WIDTHS, weight_variance=compromise.tolist(), weight_law="uniform")
    small = Network(widths=WIDTHS, activation="tanh", gain=0.01)
    large = Network(widths=WIDTHS, activation="tanh", gain=2.0)
    plan = [
        (
            "glorot",
            "Linear units, Glorot’s compromise",
            "Uniform weights of variance 2/(nᵢ + nᵢ₊₁). Widths differ, so neither direction is kept constant.",
            glorot,
        ),
        ("tanh-small", "Tanh units, small weights", "Gain 0.01: pre-activations stay near 0, where tanh s ≈ s.", small),
        ("tanh-large", "Tanh units, large weights", "Gain 2: tanh saturates, and the linear regime is left.", large),
    ]
    for number, (key, title, about, network) in enumerate(plan):
        say(f"simulating {title}")
        prediction = predict(network, theory="linear-regime")
        simulation = simulate(network, rng=stream(seed, Stage.NETWORK, number), networks=networks, progress=False)
        yield case(root, key, title, about, prediction, simulation, verify(prediction, simulation))
    yield _rectifier(root, networks, seed, say)


def _rectifier(root: Path, networks: int, seed: int, say: Progress) -> Case:
    """Hold m², v² and ρ of a ReLU network, in the wide limit, against networks of finite width."""
    title = "ReLU units, He’s weights, over samples and networks"
    say(f"simulating {title}")
    drawn = max(networks // 8, 8)
    network = Network(widths=[_WIDTH] * (_DEPTH + 1), activation="relu", gain=he_gain())
    prediction = predict(network)
    bias = finite_width_bias(network, predict, networks=drawn, samples=_SAMPLES, rng=stream(seed, Stage.WIDTH_BIAS))
    simulation = simulate(
        network, over="both", rng=stream(seed, Stage.NETWORK, 3), networks=drawn, samples=_SAMPLES, progress=False
    )
    about = (
        f"{_DEPTH} layers of {_WIDTH} units, {drawn} networks with {_SAMPLES} inputs each. Var[sⁱ] is exact at any "
        "width; m², v² and ρ are the limit of wide layers. How far a width N is from it, c/N, is fitted to other "
        "networks, of several widths, and added."
    )
    found = verify(prediction, simulation, width_bias=bias)
    return case(root, "relu", title, about, prediction, simulation, found)


def case(
    root: Path,
    key: str,
    title: str,
    about: str,
    prediction: Prediction,
    simulation: Simulation,
    found: Verification,
) -> Case:
    """Return a case, its curve, figure and verification written below ``root``."""
    figure = plot_curves(prediction, simulation)
    write(root / "curves" / f"{key}.csv", prediction.to_csv())
    (root / "curves" / f"{key}.png").write_bytes(to_bytes(figure, "png"))
    write(root / "verification" / f"{key}.csv", found.to_csv())
    return Case(key, title, about, prediction, simulation, found, figure)


def linear_regime(root: Path, networks: int, seed: int, say: Progress) -> Regime:
    """Simulate the tanh network at many gains, and compare its deepest variances with the linear regime's."""
    say("simulating where the linear regime ends")
    last = len(WIDTHS) - 2
    watched = {
        rf"$\mathrm{{Var}}[z^{last}]$": ("var_z", last),
        r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial s^0]$": ("var_grad_s", 0),
    }
    found: dict[str, list[tuple[float, float]]] = {label: [] for label in watched}
    for number, gain in enumerate(_SWEEP):
        network = Network(widths=WIDTHS, activation="tanh", gain=gain)
        prediction = predict(network, theory="linear-regime")
        simulation = simulate(network, rng=stream(seed, Stage.REGIME, number), networks=networks, progress=False)
        for label, (name, layer) in watched.items():
            predicted = prediction.columns[name][layer]
            estimate, error = simulation.estimate[name][layer], simulation.standard_error[name][layer]
            found[label].append((estimate / predicted, error / predicted))
    ratios = {label: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for label, pairs in found.items()}
    figure = plot_regime(_SWEEP, ratios)
    (root / "curves" / "linear-regime.png").write_bytes(to_bytes(figure, "png"))
    rows = [
        {
            "gain": gain,
            **{
                f"{name}_{layer}_{what}": float(ratios[label][part][k])
                for label, (name, layer) in watched.items()
                for part, what in enumerate(("ratio", "standard_error"))
            },
        }
        for k, gain in enumerate(_SWEEP)
    ]
    write(root / "curves" / "linear-regime.csv", _csv(rows))
    return Regime(ratios, figure)


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def write(path: Path, text: str) -> None:
    """Write a text, as UTF-8."""
    path.write_text(text, encoding="utf-8")
