"""Many audits as lists: by verdict, or by source, one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derive.claims.claim import Audit
from derive.lookup import deciding, stands_in
from derive.render.text import formula
from numerics.cli.output import table

_ORDER = ("holds", "holds-if", "refuted", "undecided")
KEYS: dict[str, Callable[[Audit], str]] = {
    "verdict": lambda audit: audit.verdict,
    "source": lambda audit: audit.claim.source,
}
"""What lists may be by."""


def of_source(names: Sequence[str], text: str) -> list[str]:
    """Return the claims in whose source or place a text stands, in any case; none of them is built."""
    return [name for name in names if text.lower() in stands_in(name).lower()]


def grouped(audits: Sequence[Audit], by: str) -> str:
    """Return lists of audits under headings, ``by`` verdict or source, each line with how far off it is."""
    key, other = KEYS[by], KEYS["source" if by == "verdict" else "verdict"]
    found = dict.fromkeys(map(key, audits))
    headings = [v for v in _ORDER if v in found] if by == "verdict" else sorted(found, key=str.lower)
    parts = []
    for heading in headings:
        here = [audit for audit in audits if key(audit) == heading]
        rows = [[f"  {a.claim.id}", other(a), _off(a), ", ".join(deciding(a.claim)) or "computed"] for a in here]
        header = ["  claim", "source" if by == "verdict" else "verdict", "off by", "decided by"]
        parts.append(f"{heading} ({len(here)})\n{table(header, rows, left=frozenset({*header} - {'off by'}))}")
    return "\n\n".join(parts)


def _off(audit: Audit) -> str:
    return "" if audit.error is None else formula(audit.error)
