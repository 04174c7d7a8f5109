"""Output of commands: to a file, whole or not at all, or to the terminal; and signs of life while one waits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from numerics.cli.narrow import Part, columns, fitted
from numerics.files import write_atomic


def emit(text: str, output: str | None = None) -> None:
    """Print a text, or write it to a file."""
    text = text if text.endswith("\n") else text + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text)


def show(*parts: Part) -> None:
    """Print parts of a text for people, one under the other, as narrow as their terminal or ``COLUMNS``.

    A plain text is tables and formulas, which break only where they must; ``""`` is an empty line.
    """
    emit("\n".join(fitted(part, columns()) for part in parts))


def to_json(data: Any) -> str:
    """Return data as JSON that every reader takes: no NaN, no infinities."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: frozenset[str] = frozenset()) -> str:
    """Return an aligned table as plain text; columns named in ``left`` are aligned to the left."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if title in left else cell.rjust(width)
            for title, cell, width in zip(header, row, widths, strict=True)
        ).rstrip()
        for row in (header, *rows)
    )


@contextmanager
def working(message: str, *, stages: bool = False) -> Iterator[Callable[[str], None]]:
    """Show that something is going on, when standard error is a terminal; yields a function that says what.

    Elsewhere it says nothing, or with ``stages`` a line when a stage begins; all theorems are one, and all claims.
    """
    if not sys.stderr.isatty():
        said = set[str]()

        def say(what: str) -> None:
            stage = _STAGES.get(what.split()[0], what)
            if stages and stage not in said:
                said.add(stage)
                click.echo(f"varprop: {stage}", err=True)

        yield say
        return
    from rich.console import Console

    with Console(stderr=True).status(message) as status:
        yield lambda what: status.update(f"{message}: {what}")


_STAGES = {"theorem": "deriving and checking theorems", "claim": "auditing claims"}
