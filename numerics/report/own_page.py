"""The chapter on the reader's own network; nothing is computed here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from html import escape

from numerics.description import Part, definition
from numerics.network import Network
from numerics.report.contents import OwnNetwork
from numerics.report.formulas import displayed, folded, ruled
from numerics.report.spelled import spelled
from numerics.report.tables import cases

_ABOUT = (
    "What each block computes is defined once; the theorems, the prediction and the simulation read that definition. "
    "Of blocks that are alike and follow each other the first stands for all."
)


def own_chapter(own: OwnNetwork | None, numbers: Iterator[int]) -> str:
    """Return what a network is, its prediction and how the simulation compares; nothing where there is none."""
    if own is None:
        return ""
    groups = own.described.groups()
    head = [("layer", True), ("name", False), ("shape", True), ("block", False), ("lemmas", False)]
    rows = [_row(part, count) for part, count in groups]
    definitions = "".join(_definitions(part, count) for part, count in groups if part.defined)
    theorems = ", ".join(dict.fromkeys(n for names in own.case.prediction.theorems.values() for n in names))
    parts = [
        f"<p>{spelled(_ABOUT)}</p>",
        ruled(head, rows),
        folded("All definitions", definitions, opened=True),
        f"<p>The prediction passes the state of the input through {escape(theorems)}.</p>",
        cases((own.case,), numbers),
    ]
    return "\n".join(parts)


def _layers(part: Part, count: int) -> str:
    first = part.row.layer
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


def _row(part: Part, count: int) -> str:
    block = "" if part.row.block is None else str(part.row.block)
    lemmas = ", ".join(dict.fromkeys(name for cited in part.cited for name in cited.lemmas))
    layers = f'<td class="num">{_layers(part, count)}</td>'
    words = f"<td>{escape(block)}</td><td>{escape(lemmas)}</td>"
    return f'<tr>{layers}<td>{escape(part.row.name)}</td><td class="num">{escape(part.shape)}</td>{words}</tr>'


def _definitions(part: Part, count: int) -> str:
    formulas = "".join(displayed(definition(family)) for family in part.defined)
    return f"<h4>{_layers(part, count)} {escape(part.row.name)}</h4>\n{formulas}"


def as_options(network: Network) -> str:
    """Return the options of the command line that describe a network of blocks."""
    data = network.to_dict()
    size = "x".join(map(str, network.shape))
    given = {"input_mean": 0.0, "input_correlation": 0.0, "input_variance": 1.0}
    more = [f"--{name.replace('_', '-')} {data[name]}" for name, usual in given.items() if data[name] != usual]
    return " ".join([f"--layers {shlex.quote(str(data['layers']))}", f"--input {size}", *more])
