"""Rows as an HTML table for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from derive.results import Result

SHOWN = 60
"""A longer table shows its first and last rows."""

_RULE = "border-bottom: 1px solid color-mix(in srgb, currentColor 30%, transparent)"
_LONG = 30  # letters, from which on a text may be broken


def of_result(result: Result) -> str:
    """Return the rows of a result as a table below its headline."""
    return to_html(result.rows(), result.headline)


def to_html(rows: Sequence[Mapping[str, Any]], headline: str) -> str:
    """Return a table below its headline; columns without a value are left out.

    A single row is a table of its own: a line for each column.
    """
    used = [name for name in (rows[0] if rows else ()) if any(row[name] not in (None, "") for row in rows)]
    one = len(rows) == 1
    lines = [_line([name, rows[0][name]], ["left", "left"]) for name in used] if one else _lines(rows, used)
    table = f"<table>{''.join(lines)}</table>" if lines else ""
    return f'<div style="overflow-x: auto"><div>{escape(headline)}</div>{table}</div>'


def _lines(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    sides = ["left" if any(isinstance(row[name], str) for row in rows) else "right" for name in names]
    shown = rows if len(rows) <= SHOWN else [*rows[: SHOWN // 2], *rows[-SHOWN // 2 :]]
    lines = [_line([row[name] for name in names], sides) for row in shown]
    if len(rows) > SHOWN:
        lines.insert(SHOWN // 2, _line(["…"] * len(names), sides))
        lines.append(_line([f"{len(rows)} rows"], ["left"], span=len(names)))
    return [_line(names, sides, "th", _RULE), *lines] if rows else []


def _line(cells: Sequence[Any], sides: Sequence[str], tag: str = "td", rule: str = "", span: int = 1) -> str:
    inside = "".join(_cell(cell, side, tag, span) for cell, side in zip(cells, sides, strict=True))
    return f'<tr style="{rule}">{inside}</tr>'


def _cell(cell: Any, side: str, tag: str, span: int) -> str:
    text = _shown(cell)
    breaks = "min-width: 16em" if len(text) > _LONG else "white-space: nowrap"
    look = f"text-align: {side}; vertical-align: top; padding: .15em .7em .15em 0; {breaks}"
    return f'<{tag} colspan="{span}" style="{look}">{escape(text)}</{tag}>'


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
