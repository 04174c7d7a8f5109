"""What the names on the command line mean; what was not written exactly is said on standard error."""

from __future__ import annotations

from functools import cache

import click

from derive.claims import CLAIMS
from derive.errors import InputError
from derive.lookup import Kind, Named, decided, deciding_of, hypotheses, hypothesis_words, lookup, stands_in
from derive.render import text
from derive.theorems import THEOREMS


def theorem_named(given: str) -> str:
    """Return the theorem that a text names, or that decides the claim it names; else the error says what to do."""
    found = lookup(given)
    if found.kind is Kind.THEOREM:
        _note(given, found, f"the theorem {found.name}")
        return found.name
    if found.kind is Kind.ACTIVATION:
        raise InputError(f"{found.name} is an activation: varprop maps {given!r} derives its maps")
    if found.kind is Kind.HYPOTHESIS:
        words = hypotheses()[found.name].text.render(text.formula)
        raise InputError(f"{found.name} is a hypothesis, which theorems assume and none derives: {words}")
    theorems = deciding_of(found.name)
    what = f"the printed formula {found.name}, {CLAIMS.given(found.name, 'where')}"
    if len(theorems) == 1:
        _note("", found, f"{given!r} is {what}; what decides it is {theorems[0]} (and varprop audit {found.name} how)")
        return theorems[0]
    derive = " and ".join(f"varprop derive {name}" for name in theorems)
    how = f"decided by more than one theorem: {derive}" if theorems else "decided without a theorem"
    raise InputError(f"{given!r} is {what}, {how}; varprop audit {found.name} shows how")


def claims_named(given: str) -> tuple[str, ...]:
    """Return the claim that a text names, or those that the theorem it names decides."""
    found = lookup(given, (Kind.CLAIM, Kind.THEOREM))
    if found.kind is Kind.CLAIM:
        _note(given, found, f"{found.name} ({CLAIMS.given(found.name, 'where')})")
        return (found.name,)
    claims = decided(found.name)
    if not claims:
        raise InputError(f"{found.name} is a theorem, and decides no printed formula: varprop list claims lists those")
    _note("", found, f"{found.name} is a theorem; audited are the printed formulas that it decides")
    return claims


def decides(theorem: str) -> str:
    """Return a sentence on the printed formulas that a theorem decides, or nothing."""
    found = decided(theorem)
    return f"Decides, by varprop audit: {', '.join(found)}." if found else ""


@cache
def source_of(named: Named) -> str:
    """Return where a theorem, claim, activation or hypothesis is from, without building what takes long."""
    if named.kind is Kind.THEOREM:
        return THEOREMS.source(named.name)
    if named.kind is Kind.CLAIM:
        return stands_in(named.name)
    if named.kind is Kind.HYPOTHESIS:
        return hypothesis_words()[named.name][1]
    from derive.activations import CATALOGUE

    return CATALOGUE[named.name].source


def _note(given: str, found: Named, words: str) -> None:
    if given != found.name:
        click.echo(f"varprop: note: {f'{given!r} is ' if given else ''}{words}", err=True)
