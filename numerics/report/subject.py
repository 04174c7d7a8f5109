"""What the report says of one activation function, computed: maps, critical point, gains, networks in three phases."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from derive.activations import Activation, activation
from derive.gaussian import NoClosedForm
from derive.maps import MAPS, Maps
from derive.proof.derivation import Derivation
from derive.quadrature import Bounded
from derive.render.html import fragment
from numerics.criticality import Critical, critical
from numerics.curves import predict
from numerics.figures import to_bytes
from numerics.figures.activation import plot_function, plot_maps
from numerics.gains import Gain, recommended_gains
from numerics.kernels import kernel
from numerics.maps import NumericalMaps
from numerics.maps.at_point import maps_at
from numerics.network import Network
from numerics.phase import phase_diagram
from numerics.phase_figure import plot_phase
from numerics.report.contents import Case, Progress
from numerics.report.runs import case, write
from numerics.simulation import simulate
from numerics.stages import Stage, stream
from numerics.verification import verify

_PHASES = (("below", 0.7), ("at", 1.0), ("above", 1.5))
_BIAS = 0.05
_DEPTH, _BACKWARD_WIDTH, _SAMPLED_WIDTH, _SAMPLES = 5, 256, 2048, 16
_NETWORKS = 200
_OVER = {"network": "networks", "both": "samples and networks"}
_GRID = 128
RHO = 0.5
"""The correlation at which the maps are evaluated."""


@dataclass(frozen=True)
class Map:
    """One map: its derivation where there is a closed form, else the reason; and its value where there is one."""

    name: str
    meaning: str
    derivation: Derivation | None
    reason: str
    fragment: str
    kernel: str
    value: Bounded | None


@dataclass(frozen=True)
class Subject:
    """All that the page of an activation shows; the phases lie around ``weight_variance``, at ``bias_variance``.

    A figure that could not be drawn is the reason, as text.
    """

    activation: Activation
    slug: str
    maps: tuple[Map, ...]
    weight_variance: float
    bias_variance: float
    q: float
    critical: Critical
    edge: Critical
    gains: tuple[Gain, ...]
    figures: dict[str, Figure | str]
    cases: tuple[Case, ...]

    @property
    def page(self) -> str:
        """The file name of its page."""
        return f"activation-{self.slug}.html"


def slug_of(name: str) -> str:
    """Return a name for files: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "activation"


def subject(root: Path, name: str, networks: int, seed: int, say: Progress, *, number: int = 0) -> Subject:
    """Compute what the page of an activation shows; write its figures, curves and derivations below ``root``.

    ``number`` is the activation's place among those of the report: each draws random numbers of its own.

    Raises `InputError` for a name or expression that is no activation, or has free parameters.
    """
    f = activation(name)
    slug = slug_of(str(f))
    say(f"maps of {f}")
    point, edge = critical(f), critical(f, bias_variance=_BIAS)
    weight, bias, q = _centre(f, point, edge)
    numbers = NumericalMaps(f, weight_variance=weight, bias_variance=bias)
    return Subject(
        activation=f,
        slug=slug,
        maps=tuple(_maps(root, slug, f, maps_at(numbers, q, RHO))),
        weight_variance=weight,
        bias_variance=bias,
        q=q,
        critical=point,
        edge=edge,
        gains=recommended_gains(f),
        figures=dict(_figures(root, slug, f, weight, bias, q, say)),
        cases=tuple(_cases(root, slug, f, weight, bias, min(networks, _NETWORKS), seed, say, number)),
    )


def _centre(f: Activation, point: Critical, edge: Critical) -> tuple[float, float, float]:
    """Return sigma_w^2, sigma_b^2 and q around which to look: the edge of chaos, or what keeps q = 1.

    An edge whose length is not kept (unstable) gives way to the critical point, if there is one.
    """
    order = (point, edge) if edge.stability == "unstable" else (edge, point)
    for found in order:
        if found.sigma_w2 is not None and found.sigma_b2 is not None:
            return found.sigma_w2, found.sigma_b2, found.q_star or 1.0
    second = float(NumericalMaps(f).second_moment(1.0).value)
    return (1 / second if 0 < second < math.inf else 1.0), 0.0, 1.0


def _maps(root: Path, slug: str, f: Activation, values: Mapping[str, Bounded]) -> Iterator[Map]:
    maps = Maps(f)
    for name, meaning in MAPS.items():
        found, value = maps.find(name), values.get(name)
        if isinstance(found, NoClosedForm):
            yield Map(name, meaning, None, found.reason, "", "", value)
            continue
        stem = root / "derivations" / f"{slug}-{name.replace('_', '-')}"
        write(stem.with_name(f"{stem.name}.html"), found.html())
        write(stem.with_name(f"{stem.name}.tex"), found.latex(standalone=True))
        try:
            source = kernel(found).source.rstrip()
        except (TypeError, ValueError):
            source = ""  # a function that NumPy and SciPy lack
        yield Map(name, meaning, found, "", fragment(found, style=False), source, value)


def _figures(
    root: Path, slug: str, f: Activation, weight: float, bias: float, q: float, say: Progress
) -> Iterator[tuple[str, Figure | str]]:
    say(f"drawing {f}")
    drawn: dict[str, Callable[[], Figure]] = {
        "function": lambda: plot_function(f),
        "maps": lambda: plot_maps(f, weight_variance=weight, bias_variance=bias, q=q),
        "phase": lambda: plot_phase(phase_diagram(f, points=_GRID)),
    }
    for name, draw in drawn.items():
        try:
            figure = draw()
            content = to_bytes(figure, "png")
        except (ValueError, ArithmeticError) as error:
            # One figure fewer is better than no report.
            yield name, str(error) or type(error).__name__
            continue
        (root / "figures" / f"{slug}-{name}.png").write_bytes(content)
        yield name, figure


def _cases(
    root: Path,
    slug: str,
    f: Activation,
    weight: float,
    bias: float,
    networks: int,
    seed: int,
    say: Progress,
    number: int,
) -> Iterator[Case]:
    """Hold the theory of wide layers against networks below, at and above the centre, two ways."""
    for phase_number, (where, factor) in enumerate(_PHASES):
        for over, width in (("network", _BACKWARD_WIDTH), ("both", _SAMPLED_WIDTH)):
            title = f"{f}, {where} σ_w² = {weight:.4g}, over {_OVER[over]}"
            say(f"simulating {title}")
            network = Network(widths=[width] * (_DEPTH + 1), gain=factor * weight, bias_variance=bias, activation=f)
            samples = _SAMPLES if over == "both" else None
            rng = stream(seed, Stage.ACTIVATION, number, phase_number, int(over == "both"))
            simulation = simulate(network, rng=rng, over=over, networks=networks, samples=samples, progress=False)
            prediction = predict(network)
            inputs = f", {_SAMPLES} inputs each" if over == "both" else ", forward and backward"
            about = (
                f"σ_w² = {factor * weight:.4g}, σ_b² = {bias:.4g}; {_DEPTH} layers of {width} units, {networks} "
                f"networks{inputs}."
            )
            key = f"{slug}-{where}-{over}"
            yield case(root, key, title, about, prediction, simulation, verify(prediction, simulation))
