"""The maps of an activation function as rows, as plain data and as text."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from derive.gaussian import NoClosedForm
from derive.maps.maps import MAPS, Maps
from derive.render import latex, text


def headline(maps: Maps) -> str:
    """Return the activation function and its formula."""
    return f"{maps.activation}, f(s) = {text.formula(maps.activation.expression)}"


def rows(maps: Maps) -> list[dict[str, Any]]:
    """Return one row for each map, as texts."""
    return [
        {name: cell["text"] if isinstance(cell, dict) else cell for name, cell in _entry(maps, map_).items()}
        for map_ in MAPS
    ]


def to_dict(maps: Maps) -> dict[str, Any]:
    """Return all maps as plain data: closed forms as LaTeX and text, or the reason why there is none."""
    f = maps.activation
    return {
        "activation": str(f),
        "expression": _formula(f.expression),
        "derivative": _formula(f.derivative),
        "kinks": [str(k) for k in f.kinks],
        "jumps": [str(k) for k in f.jumps],
        "parity": f.parity,
        "homogeneity": None if f.homogeneity is None else str(f.homogeneity),
        "maps": [_entry(maps, name) for name in MAPS],
    }


def to_text(maps: Maps) -> str:
    """Return all maps as lines of text."""
    lines = [f"{maps.activation}: f(s) = {text.formula(maps.activation.expression)}", ""]
    width = max(map(len, MAPS))
    for entry in to_dict(maps)["maps"]:
        closed = entry["closed_form"]
        value = closed["text"] if closed else f"no closed form: {entry['reason']}"
        lines.append(f"{entry['name']:<{width}}  {value}")
    return "\n".join(lines)


def _entry(maps: Maps, name: str) -> dict[str, Any]:
    found = maps.find(name)
    entry: dict[str, Any] = {"name": name, "meaning": MAPS[name]}
    if isinstance(found, NoClosedForm):
        return {**entry, "definition": None, "closed_form": None, "reason": found.reason, "grade": None}
    closed, definition = _formula(found.result), _formula(found.statement.lhs)
    return {**entry, "definition": definition, "closed_form": closed, "reason": None, "grade": str(found.grade)}


def _formula(e: Expr) -> dict[str, str]:
    return {"latex": latex.formula(e), "text": text.formula(e)}
