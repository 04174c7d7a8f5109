"""Comparing a derivation with itself, from statement to result, and with a fresh one."""

from __future__ import annotations

from typing import Any

from derive.errors import InputError
from derive.indices import nameless
from derive.proof.derivation import Derivation, Step, left_out, weakest_relation
from derive.proof.families import OneName
from derive.proof.premises import broken_premises
from derive.proof.relations import require_leading
from derive.setting import Setting
from derive.words import Title


def differences(given: Derivation, fresh: Derivation) -> list[str]:
    """Compare a derivation with a fresh one, built from the definitions; so with its lemmas and parts."""
    if _stated(given) != _stated(fresh):
        return [f"{given.name}: a fresh derivation arrives at another statement, {fresh.statement.rhs}"]
    if _assumed(given.setting) != _assumed(fresh.setting):
        return [f"{given.name}: a fresh derivation makes other assumptions"]
    if len(given.steps) != len(fresh.steps):
        return [f"{given.name}: a fresh derivation has {len(fresh.steps)} steps, not {len(given.steps)}"]
    found = [
        f"{given.name}, step {a.id}: a fresh derivation has {b.after}"
        for a, b in zip(given.steps, fresh.steps, strict=True)
        if _shown(a) != _shown(b)
    ]
    for kind, mine, its in (("part", given.parts, fresh.parts), ("lemma", given.lemmas, fresh.lemmas)):
        if [m.name for m in mine] != [m.name for m in its]:
            return [*found, f"{given.name}: a fresh derivation has other {kind}s"]
        for a, b in zip(mine, its, strict=True):
            found += differences(a, b)
    return found


def chain_breaks(derivation: Derivation) -> list[str]:
    """Return where the chain from the statement's left side to its right side is broken."""
    ends = [derivation.statement.lhs, *(s.after for s in derivation.steps)]
    breaks = [
        f"{derivation.name}, step {s.id}: does not start where the step before ended"
        for s, before in zip(derivation.steps, ends, strict=False)
        if s.before != before
    ]
    if ends[-1] != derivation.statement.rhs:
        breaks.append(f"{derivation.name}: the last step does not arrive at the statement's right side")
    breaks += [f"{derivation.name}: {reason}" for reason in _unsound(derivation)]
    breaks += [
        f"{derivation.name}, step {s.id}: its words cite {named}, which is none of its lemmas"
        for s in derivation.steps
        for named in s.why.objects
        if isinstance(named, Title) and named.name not in {lemma.title for lemma in s.lemmas}
    ]
    breaks += [
        f"{derivation.name}, step {s.id}: made under other assumptions than the derivation's"
        for s in derivation.steps
        if s.setting != derivation.setting
    ]
    assumed = {h.key for h in derivation.setting.hypotheses}
    breaks += [
        f"{derivation.name}, step {s.id}: rests on what is not assumed: {', '.join(sorted(s.uses - assumed))}"
        for s in derivation.steps
        if not s.uses <= assumed
    ]
    return breaks + broken_premises(derivation)


def _unsound(derivation: Derivation) -> list[str]:
    """Return why the steps do not give the statement's relation, or speak of two things by one name."""
    reasons = []
    for part in (_one_name, _relation):
        try:
            part(derivation)
        except InputError as reason:
            reasons.append(str(reason))
    return reasons


def _one_name(derivation: Derivation) -> None:
    names = OneName(derivation.setting)
    for expression in (derivation.statement.lhs, *(s.after for s in derivation.steps)):
        names.add(expression)


def _relation(derivation: Derivation) -> None:
    if derivation.steps and derivation.statement.relation != weakest_relation(derivation.steps):
        raise InputError(f"the steps do not give the relation {derivation.statement.relation}")
    require_leading(derivation.statement.rhs, left_out(derivation.steps))


def same_lemmas(one: tuple[Derivation, ...], two: tuple[Derivation, ...]) -> bool:
    """Return True when two tuples of lemmas are the same but for the verdicts, which a check may have sharpened."""
    return one == two or [_identity(m) for m in one] == [_identity(m) for m in two]


def _identity(derivation: Derivation) -> tuple[Any, ...]:
    steps = tuple((_shown(s), tuple(_identity(m) for m in s.lemmas)) for s in derivation.steps)
    return derivation.name, _stated(derivation), _assumed(derivation.setting), steps


def _stated(derivation: Derivation) -> tuple[Any, ...]:
    statement = derivation.statement
    return nameless(statement.lhs), statement.relation, nameless(statement.rhs)


def _assumed(setting: Setting) -> tuple[Any, ...]:
    return (
        tuple((h.key, h.properties, *map(nameless, h.equations)) for h in setting.hypotheses),
        setting.facts,
        setting.over,
    )


def _shown(step: Step) -> tuple[Any, ...]:
    return step.relation, nameless(step.before), nameless(step.after), type(step.rule), step.uses
