"""All studies: what is missing is computed, what is there is read, and the best step sizes are chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from derive.results import Result
from numerics.evidence.cells import MEASURED, Cell, keep, kept, perform
from numerics.evidence.data import KINDS, available, task
from numerics.evidence.studies import Settings, cells
from numerics.evidence.training import MOMENTUM
from numerics.files import cannot_write
from numerics.processes import completed
from numerics.simulation.progress import progress_bar

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A cell and what was found for it."""

    cell: Cell
    result: dict[str, Any]

    def array(self, name: str) -> Floats:
        """Return a part of what was found; what was no number is nan."""
        return np.array(self.result[name], np.float64)


@dataclass(frozen=True)
class Point:
    """One network of a study, trained with the step size that was best on the validation samples.

    ``at_end`` says whether it is the ``smallest`` or ``largest`` of those tried (or the ``only`` one): a better one may
    lie beyond.
    """

    best: Measured
    at_end: str

    @property
    def cell(self) -> Cell:
        """The network."""
        return self.best.cell

    @property
    def accuracy(self) -> Floats:
        """The accuracy of each copy on the test samples."""
        return self.best.array("test")


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Result):
    """What all studies found; ``about`` says what was learnt."""

    settings: Settings
    seed: int
    about: str
    found: tuple[Measured, ...]

    @property
    def headline(self) -> str:
        """How many networks were trained and on what."""
        return f"{len(self.points)} networks, {self.settings.copies} seeds each, on {self.about}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was learnt and how."""
        s = self.settings
        return (
            f"Learnt: {self.about}. Width {s.width}, {s.steps} steps of {s.batch} samples, momentum {MOMENTUM:g}, "
            f"{s.copies} seeds (from seed {self.seed}); accuracy is on the test samples, sd over seeds. The step size "
            "is the best of those tried on the validation samples; rate_is says where it is the smallest or the "
            "largest of them, so that a better one may lie beyond.",
        )

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The trained networks, each with its best step size, in the order of the studies, labels, depths and gains."""
        groups: dict[tuple[Any, ...], list[Measured]] = {}
        for one in self.found:
            if one.cell.kind != MEASURED:
                cell = one.cell
                groups.setdefault((cell.study, cell.label, cell.depth, cell.gain), []).append(one)
        return tuple(_best(groups[key]) for key in groups)

    def of(self, study: str) -> tuple[Point, ...]:
        """Return the trained networks of a study."""
        return tuple(point for point in self.points if point.cell.study == study)

    def measured(self, study: str) -> tuple[Measured, ...]:
        """Return the networks of a study whose variances were measured."""
        return tuple(one for one in self.found if one.cell.study == study and one.cell.kind == MEASURED)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary a trained network: accuracies are on the test samples, over seeds."""
        return [
            {
                "study": point.cell.study,
                "network": point.cell.label,
                "depth": point.cell.depth,
                "gain": point.cell.gain,
                "rate": point.cell.rate,
                "rate_is": point.at_end,
                "accuracy": float(point.accuracy.mean()),
                "sd": float(point.accuracy.std(ddof=1)) if len(point.accuracy) > 1 else math.nan,
                "lowest": float(point.accuracy.min()),
                "highest": float(point.accuracy.max()),
            }
            for point in self.points
        ]


def _best(tried: Iterable[Measured]) -> Point:
    """Choose a step size: the highest mean accuracy on the validation samples, of equals the lowest cost there."""
    ordered = sorted(tried, key=lambda one: one.cell.rate)
    scores = [(one.array("validation").mean(), -_number(one.array("validation_cost").mean())) for one in ordered]
    place = max(range(len(ordered)), key=lambda k: scores[k])
    last = len(ordered) - 1
    at_end = "only" if not last else "smallest" if not place else "largest" if place == last else ""
    return Point(ordered[place], at_end)


def _number(x: float) -> float:
    return float(x) if math.isfinite(x) else math.inf


def evidence(
    directory: str | Path | None,
    *,
    settings: Settings,
    seed: int = 0,
    data: str | None = None,
    workers: int | None = 1,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Evidence:
    """Return what all studies find.

    Args:
        directory: where each cell is kept in a file as soon as it is computed; a run that is begun again, or made
            larger, computes only what is not there. None keeps nothing.
        settings: `QUICK`, `FULL`, or others.
        seed: of all that is drawn: the same seed gives the same numbers, whatever computes them.
        data: ``"digits"`` or ``"made-up"``; by default the digits where scikit-learn is installed.
        workers: how many processes compute cells; one is this process, None one a processor and at most four.
        executor: what computes cells, in place of processes of this machine.
        progress: whether to show a bar on standard error; by default, when that is a terminal.

    Raises:
        InputError: for a seed that is no whole number, unknown data, or a directory that cannot be written.
        WorkerLost: when a process that computes cells is killed; what is in files is kept.

    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed must be a non-negative integer, got {seed!r}")
    kind = available() if data is None else data
    if kind not in KINDS:
        raise InputError(f"data must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind == KINDS[0] and available() != kind:
        raise InputError("data 'digits' needs scikit-learn; install the extra: pip install 'varprop[evidence]'")
    wanted = cells(settings, seed=seed, data=kind)
    root = None if directory is None else Path(directory)
    found = {} if root is None else {cell: old for cell in wanted if (old := kept(root, cell)) is not None}
    # The longest first, so that workers end together.
    missing = sorted((cell for cell in wanted if cell not in found), key=_cost, reverse=True)
    if root is not None:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(root, error) from error
    with progress_bar("training networks", sum(map(_cost, wanted)), progress) as advance:
        advance(sum(map(_cost, found)))
        for place, result in completed(perform, missing, workers=workers, executor=executor):
            cell = missing[place]
            if root is not None:
                keep(root, cell, result)
            found[cell] = result
            advance(_cost(cell))
    return Evidence(settings, seed, task(kind).about, tuple(Measured(cell, found[cell]) for cell in wanted))


def _cost(cell: Cell) -> int:
    """Return about how long a cell takes, in some unit."""
    return 1 + cell.depth * cell.copies * max(cell.steps, 10)
