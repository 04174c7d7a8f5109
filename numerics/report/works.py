"""Whose results the theorems are, and over what each of these works takes its means and variances."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from numerics.report.contents import Theorem

_WORK = re.compile(r"^(?:the post of [\d-]+|.*?\b(?:19|20)\d\d(?!\d|-))", re.IGNORECASE)


def works(theorems: Iterable[Theorem]) -> dict[str, dict[str, list[str]]]:
    """Return, for each work that is the source of a theorem, what is averaged over, and in which theorems."""
    found: dict[str, dict[str, list[str]]] = {}
    for theorem in theorems:
        for source in theorem.source.split(";"):
            match = _WORK.match(source.strip())
            if match is not None:
                of_work = found.setdefault(match[0][0].upper() + match[0][1:], {})
                for over in theorem.over:
                    of_work.setdefault(over, []).append(theorem.name)
    return dict(sorted(found.items()))


def works_table(theorems: Iterable[Theorem]) -> str:
    """Return the table as HTML, or nothing where no theorem has such a source."""
    rows = [
        f"<tr><td>{escape(work)}</td><td>{escape(over)}</td><td>{', '.join(map(_link, names))}</td></tr>"
        for work, of in works(theorems).items()
        for over, names in of.items()
    ]
    if not rows:
        return ""
    head = "<tr><th>work</th><th>mean or variance over</th><th>theorems</th></tr>"
    about = "<p>As the derivations of their results have it: whatever is not named is fixed.</p>"
    title = '<h3 id="works">Other works, and over what each takes its variance</h3>'
    return f"{title}\n{about}<table>{head}{''.join(rows)}</table>"


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'
