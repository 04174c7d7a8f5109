"""Rows as an HTML table for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

SHOWN = 60
"""A longer table shows its first and last rows."""

_RULE = "border-bottom: 1px solid color-mix(in srgb, currentColor 30%, transparent)"


def to_html(rows: Sequence[dict[str, Any]], caption: str) -> str:
    """Return a table with a caption; of a single row, a line for each of its columns that has a value."""
    head = f'<caption style="text-align: left; caption-side: top">{escape(caption)}</caption>'
    if not rows:
        return f"<table>{head}</table>"
    if len(rows) == 1:
        pairs = [(name, value) for name, value in rows[0].items() if value is not None and value != ""]
        body = [_line("td", [(name, "left"), (_shown(value), "left")]) for name, value in pairs]
        return f"<table>{head}{''.join(body)}</table>"
    sides = {name: "left" if any(isinstance(row[name], str) for row in rows) else "right" for name in rows[0]}
    titles = _line("th", list(sides.items()), f' style="{_RULE}"')
    body = [_line("td", [(_shown(value), sides[name]) for name, value in row.items()]) for row in _ends(rows)]
    if len(rows) > SHOWN:
        body.insert(SHOWN // 2, _line("td", [("…", side) for side in sides.values()]))
        body.append(f'<tr><td colspan="{len(sides)}" style="text-align: left">{len(rows)} rows</td></tr>')
    return f"<table>{head}<thead>{titles}</thead><tbody>{''.join(body)}</tbody></table>"


def _ends(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    return rows if len(rows) <= SHOWN else [*rows[: SHOWN // 2], *rows[-SHOWN // 2 :]]


def _line(tag: str, cells: Sequence[tuple[str, str]], look: str = "") -> str:
    inside = "".join(f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for text, side in cells)
    return f"<tr{look}>{inside}</tr>"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
