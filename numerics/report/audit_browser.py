"""All audits on one page, by their sources, with a search box and filters that need no network and no JavaScript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from html import escape

from numerics.report.audits import audit_list
from numerics.report.contents import Audited

_ORDER = ("holds", "holds-if", "refuted", "undecided")

_SCRIPT = """<script>
(() => {
  const form = document.getElementById("filter"), told = form.querySelector("output");
  const entries = [...document.querySelectorAll("article.claim")].map(e => [e, e.textContent.toLowerCase()]);
  const apply = () => {
    const words = form.search.value.toLowerCase().split(/\\s+/).filter(Boolean), source = form.source.value;
    const verdicts = [...form.querySelectorAll("input:checked")].map(box => box.value);
    let shown = 0;
    for (const [entry, text] of entries) {
      entry.hidden = ![verdicts.includes(entry.dataset.verdict), !source || entry.dataset.source === source,
        words.every(word => text.includes(word))].every(Boolean);
      shown += !entry.hidden;
    }
    for (const part of document.querySelectorAll("section.source"))
      part.hidden = !part.querySelector("article.claim:not([hidden])");
    told.textContent = `${shown} of ${entries.length}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
  apply();
})();
</script>"""


def audit_browser(audits: Sequence[Audited], theorems: Collection[str]) -> str:
    """Return the audits under their sources, below a form that a script shows and that hides what is not asked for.

    Without JavaScript it is the plain list.
    """
    sources = sorted({audit.data["source"] for audit in audits}, key=str.lower)
    parts = [_form(audits, sources)]
    for source in sources:
        here = [audit for audit in audits if audit.data["source"] == source]
        parts.append(
            f'<section class="source"><h2>{escape(source)}</h2>\n{audit_list(here, theorems, "index.html")}</section>'
        )
    return "\n".join([*parts, _SCRIPT])


def _form(audits: Sequence[Audited], sources: Sequence[str]) -> str:
    counts = Counter(audit.verdict for audit in audits)
    boxes = "".join(
        f'<label><input type="checkbox" value="{verdict}" checked=""/> {verdict} ({counts[verdict]})</label>'
        for verdict in _ORDER
        if counts[verdict]
    )
    options = "".join(f'<option value="{escape(source)}">{escape(source)}</option>' for source in sources)
    search = '<input type="search" name="search" placeholder="Search" aria-label="Search"/>'
    select = f'<select name="source" aria-label="Source"><option value="">every source</option>{options}</select>'
    return f'<form class="filter" id="filter" hidden="">{search}{select}{boxes}<output></output></form>'
