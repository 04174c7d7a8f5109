"""What a derivation may start from: one meaning a key, one value an unknown, and nothing that nobody introduces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Basic, Expr, Symbol
from sympy.core.function import AppliedUndef

from derive.averages import SharedVariance
from derive.errors import InputError
from derive.hypotheses import Hypothesis, Kind
from derive.kinds import require_one_meaning
from derive.layers import d, i
from derive.network import DERIVATIVES
from derive.proof.derivation import CheckResult, Derivation, Step
from derive.proof.relations import composed
from derive.randomness import Entry
from derive.setting import Setting

LANGUAGE = frozenset({i, d})
"""Symbols that need no introduction: a layer, and the last one; the units of a layer need none either."""


def broken_premises(derivation: Derivation) -> list[str]:
    """Return what is wrong with the premises of a derivation, its lemmas and parts included."""
    found = [*_two_meanings(derivation), *_two_values(derivation), *_unlicensed(derivation), *_unknown(derivation)]
    if derivation.rebuild is not None:
        # A theorem; a derivation that somebody is at work on may assume more than it has used yet.
        found += uncited(derivation)
    return found


def with_all_below(derivation: Derivation, *, parts: bool = True) -> Iterator[Derivation]:
    """Yield a derivation, its lemmas and theirs, each once, and so with its parts."""
    waiting, met = [derivation], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in met:
            met.add(id(one))
            yield one
            waiting += [*(m for step in one.steps for m in step.lemmas), *(one.parts if parts else ())]


def _two_meanings(derivation: Derivation) -> Iterator[str]:
    try:
        require_one_meaning(h for one in with_all_below(derivation) for h in one.setting.hypotheses)
    except InputError as reason:
        yield f"{derivation.name}: {reason}"


def _two_values(derivation: Derivation) -> Iterator[str]:
    """Values that are put in, by a derivation and its lemmas: one for each unknown, one unknown for each equation."""
    values: dict[Expr, Expr] = {}
    solved: dict[Basic, Expr] = {}
    for one in with_all_below(derivation, parts=False):
        for step in one.steps:
            where = f"{one.name}, step {step.id}"
            for u, (w, equation) in _given(step).items():
                if values.setdefault(u, w) != w:
                    yield f"{where}: {u} is {w} here, and {values[u]} elsewhere"
                if solved.setdefault(equation, u) != u:
                    yield f"{where}: {equation} gives {u} here, and {solved[equation]} elsewhere"


def _given(step: Step) -> Mapping[Expr, tuple[Expr, Basic]]:
    try:
        return step.rule.puts_in(step.setting)
    except InputError:
        # The replay of the step says what is wrong.
        return {}


def _unlicensed(derivation: Derivation) -> Iterator[str]:
    """Steps whose relation is not the one that their hypotheses license."""
    for step in derivation.steps:
        cited = [h for h in step.setting.hypotheses if h.key in step.uses]
        licensed = {p.licenses for h in cited for p in h.properties}
        where = f"{derivation.name}, step {step.id}"
        if step.relation == "->" and "->" not in licensed:
            yield f"{where}: no hypothesis that it cites licenses the relation ->"
        for relation in sorted(licensed):
            if not _no_stronger(step.relation, relation):
                yield f"{where}: it rests on what holds as {relation} only, and claims {step.relation}"


def _no_stronger(claimed: str, licensed: str) -> bool:
    try:
        return composed(claimed, licensed) == claimed
    except InputError:
        return False


def _unknown(derivation: Derivation) -> Iterator[str]:
    """Symbols and functions that nobody introduces: no hypothesis, no definition, and not the language.

    The symbols on the left of the statement are what it is about; a free function says nothing unless a hypothesis
    does, also there.
    """
    told = [o for h in derivation.setting.hypotheses for o in h.text.objects]
    known = derivation.statement.lhs.free_symbols.union(LANGUAGE, *(o.free_symbols for o in told))
    functions = {a.func for o in told for a in o.atoms(AppliedUndef)}.union(DERIVATIVES)
    places = [(derivation.name, derivation.statement.lhs)]
    places += [(f"{derivation.name}, step {step.id}", step.after) for step in derivation.steps]
    places += [(derivation.name, derivation.statement.rhs)]
    for where, expression in places:
        units = {u for entry in expression.atoms(Entry) for u in entry.units}
        new = {x for x in expression.free_symbols if isinstance(x, Symbol)} - known - units
        free = {a.func for a in expression.atoms(AppliedUndef)} - functions
        for name in sorted({*map(str, new), *map(str, free)}):
            yield f"{where}: nothing says what {name} is"
        known |= new
        functions |= free


def uncited_of(result: CheckResult) -> tuple[str, ...]:
    """Return the hypotheses that no step of what was checked cites; see `uncited`."""
    return tuple(uncited(result.derivation))


def uncited(derivation: Derivation) -> list[str]:
    """Return the hypotheses, of a derivation with its lemmas and parts, that no step cites.

    One that gives a meaning to what occurs, such as the variance that a family shares, is not idle.
    """
    return [
        f"{one.name}: no step cites {h.key}"
        for one in with_all_below(derivation)
        # A Gaussian law comes with its domain, where its closed form is tried.
        if type(one.setting) is Setting
        for h in one.setting.hypotheses
        if not any(h.key in step.uses for step in one.steps) and not _gives_meaning(h, one)
    ]


def _gives_meaning(hypothesis: Hypothesis, derivation: Derivation) -> bool:
    """Return whether a hypothesis says what occurs: a variance that scalars share, or a parameter that has a name."""
    sides = (derivation.statement.lhs, derivation.statement.rhs)
    shared = {v.family for side in sides for v in side.atoms(SharedVariance)}
    if any(hypothesis.declares(Kind.SHARED_VARIANCE, family) for family in shared):
        return True
    named = not hypothesis.equations and hypothesis.declares(Kind.DEFINITION)
    return named and any(step.after.has(o) for o in hypothesis.text.objects for step in derivation.steps)
