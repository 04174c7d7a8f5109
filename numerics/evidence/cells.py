"""Cells: the smallest parts of a study that are computed, kept and found again, each a file of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numerics.evidence.data import PIXELS
from numerics.files import write_atomic
from numerics.network import Network

TRAINED, MEASURED = "trained", "measured"
CELLS = "cells"


@dataclass(frozen=True)
class Cell:
    """One network of one study, drawn ``copies`` times, and what is done with it.

    ``kind`` is `TRAINED` (by ``steps`` steps of the step size ``rate``) or `MEASURED` (variances at initialisation).
    ``label`` and ``depth`` say which curve and point of the study it is; ``gain`` and ``bias_variance`` are those of
    the blocks of ``layers`` that say none, ``start`` one of `numerics.evidence.initialisation.KINDS`. All that its
    numbers depend on is here.
    """

    study: str
    label: str
    kind: str
    layers: str
    depth: int
    gain: float
    data: str
    seed: int
    copies: int
    batch: int
    bias_variance: float = 0.0
    start: str = "drawn"
    rate: float = 0.0
    steps: int = 0
    every: int = 1

    @property
    def network(self) -> Network:
        """The network."""
        return Network(layers=self.layers, input=PIXELS, gain=self.gain, bias_variance=self.bias_variance)

    @property
    def file(self) -> str:
        """The name of its file: the same for the same cell, and for no other."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.study}-{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"


def perform(cell: Cell) -> dict[str, Any]:
    """Compute a cell, as plain data; imported by name in other processes."""
    from numerics.evidence.measurements import measured, trained

    return trained(cell) if cell.kind == TRAINED else measured(cell)


def keep(directory: Path, cell: Cell, result: dict[str, Any]) -> None:
    """Write a cell to its file, whole or not at all."""
    folder = directory / CELLS
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / cell.file, json.dumps({"cell": asdict(cell), "result": result}) + "\n")


def kept(directory: Path, cell: Cell) -> dict[str, Any] | None:
    """Return what an earlier run found for a cell; None where there is no such file, or one that is not ours."""
    try:
        found = json.loads((directory / CELLS / cell.file).read_text(encoding="utf-8"))
        return dict(found["result"]) if found["cell"] == asdict(cell) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
