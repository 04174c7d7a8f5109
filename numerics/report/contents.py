"""What a report shows, as data: all of it is computed before the first page is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from numerics.curves import Prediction
from numerics.description import Description
from numerics.network import Network
from numerics.simulation import Simulation
from numerics.verification import Verification

WIDTHS = (8, 14, 5, 18, 11, 6)
"""The network of the report: no two widths are equal, so that a wrong index shows."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Theorem:
    """A checked derivation, rendered: strings alone, so that another process can make it.

    ``statements`` are the main statement and its further parts, each a title and a formula as HTML; ``kernel`` is
    the generated NumPy source, where the theorem has a value to compute. ``averages`` are sentences on what its
    averages are over, where that is not what those of most theorems are over; ``over`` says it of all, in a
    few words each.
    """

    name: str
    title: str
    source: str
    grade: str
    passed: bool
    failures: list[str]
    statements: list[tuple[str, str]]
    averages: list[str]
    fragment: str
    html: str
    latex: str
    kernel: str | None
    over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audited:
    """An audit, rendered: ``entry`` is what stands in its place, ``data`` what the command line prints as JSON."""

    id: str
    verdict: str
    entry: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One network: predicted, simulated, and one held against the other."""

    key: str
    title: str
    about: str
    prediction: Prediction
    simulation: Simulation
    verification: Verification
    figure: Figure

    @property
    def network(self) -> Network:
        """The network."""
        return self.prediction.network


@dataclass(frozen=True)
class Drawing:
    """One of the figures of `numerics.figures`, with its caption as HTML, and what it says to who does not see it."""

    name: str
    caption: str
    alt: str
    figure: Figure


@dataclass(frozen=True)
class Regime:
    """Simulated over predicted variances of a tanh network against the gain, each with its standard error."""

    ratios: dict[str, tuple[np.ndarray, np.ndarray]]
    figure: Figure


@dataclass(frozen=True)
class OwnNetwork:
    """The reader's network: what it is, and its run."""

    described: Description
    case: Case


@dataclass(frozen=True)
class Trained:
    """What trained networks show: what was done, in words, and the figures."""

    notes: tuple[str, ...]
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True)
class Contents:
    """All that the report shows.

    ``typeset`` names the theorems that have a PDF; ``notes`` say what has not. ``subjects`` are the activation
    functions with a page of their own: name and file. ``own`` is the reader's network, ``trained`` what networks that
    learn show.
    """

    theorems: tuple[Theorem, ...]
    audits: tuple[Audited, ...]
    typeset: tuple[str, ...]
    cases: tuple[Case, ...]
    regime: Regime
    drawings: Mapping[str, Drawing]
    networks: int
    seed: int
    notes: tuple[str, ...]
    subjects: tuple[tuple[str, str], ...] = ()
    own: OwnNetwork | None = None
    trained: Trained | None = None
