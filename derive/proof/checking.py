"""Checking a derivation: replay every rule, follow the chain, and try every distribution-free step in tiny worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product as cartesian
from typing import Any

from sympy import Basic, Symbol

from derive.errors import InputError
from derive.layers import d, i
from derive.proof.derivation import CheckResult, Derivation, Step, relation_of
from derive.proof.exact import Exact, NotEvaluable
from derive.proof.rule import Evidence
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.proof.worlds import World, tiny_worlds
from derive.randomness import Entry
from derive.setting import Setting

Progress = Callable[[str], None] | None
MAX_UNITS = 4
"""How many choices of units are tried in a layer of a world; they are spread over all of them."""


def check(derivation: Derivation, *, progress: Progress = None) -> CheckResult:
    """Re-derive and re-check a derivation from scratch; see `Derivation.check`."""
    return Checker(progress).check(derivation)


def check_all(derivations: Iterable[Derivation], *, progress: Progress = None) -> list[CheckResult]:
    """Check several derivations; a lemma that several of them rest on is checked once."""
    checker = Checker(progress)
    return [checker.check(derivation) for derivation in derivations]


def _differences(given: Derivation, fresh: Derivation) -> list[str]:
    """Compare a derivation with a fresh one, built from the definitions."""
    if given.statement != fresh.statement:
        return [f"{given.name}: a fresh derivation arrives at another statement, {fresh.statement.rhs}"]
    if len(given.steps) != len(fresh.steps):
        return [f"{given.name}: a fresh derivation has {len(fresh.steps)} steps, not {len(given.steps)}"]
    return [
        f"{given.name}, step {a.id}: a fresh derivation has {b.after}"
        for a, b in zip(given.steps, fresh.steps, strict=True)
        if (a.before, a.relation, a.after, a.uses) != (b.before, b.relation, b.after, b.uses)
    ]


class Checker:
    """Checks derivations with the lemmas inside them, each lemma once, sharing what was enumerated."""

    def __init__(self, progress: Progress = None) -> None:
        self.progress = progress or (lambda _: None)
        self._done: dict[Derivation, Derivation] = {}
        self._laboratories: dict[tuple[Setting, bool], Laboratory] = {}

    def check(self, derivation: Derivation) -> CheckResult:
        """Re-derive and re-check a derivation from scratch."""
        failures: list[str] = []
        if derivation.rebuild is not None:
            failures += _differences(derivation, derivation.rebuild())
        return CheckResult(self.derivation(derivation, failures), tuple(failures))

    def derivation(self, derivation: Derivation, failures: list[str]) -> Derivation:
        """Return the derivation with the verdicts reached; failures are added to the list in words."""
        if derivation in self._done:
            return self._done[derivation]
        failures += _chain_breaks(derivation)
        steps = []
        for step in derivation.steps:
            lemmas = tuple(self.derivation(m, failures) for m in step.lemmas)
            self.progress(f"{derivation.name}, step {step.id}")
            verdict = self.step(step)
            if verdict.grade is Grade.FAILED:
                detail = f": {verdict.counterexample}" if verdict.counterexample else ""
                failures.append(f"{derivation.name}, step {step.id} ({step.rule.name}): {verdict.evidence}{detail}")
            steps.append(replace(step, verdict=verdict, lemmas=lemmas))
        parts = tuple(self.derivation(p, failures) for p in derivation.parts)
        self._done[derivation] = replace(derivation, steps=tuple(steps), parts=parts)
        return self._done[derivation]

    def step(self, step: Step) -> Verdict:
        """Return the verdict on one step, from replaying its rule and from independent evidence."""
        try:
            again = step.rule.apply(step.before, step.setting)
        except InputError as failure:
            return Verdict(Grade.FAILED, f"the rule cannot be applied: {failure}")
        independent = self._independent(step)
        if independent.grade is Grade.FAILED:
            return independent
        if again.after != step.after:
            return Verdict(Grade.FAILED, f"the rule gives {again.after}")
        if not again.uses <= step.uses:
            dropped = ", ".join(sorted(again.uses - step.uses))
            return Verdict(Grade.FAILED, f"the step does not name what it rests on: {dropped}")
        relation = relation_of(step.rule, step.before)
        if relation != step.relation:
            return Verdict(Grade.FAILED, f"the rule gives a relation {relation}, not {step.relation}")
        return independent

    def _laboratory(self, step: Step) -> Laboratory:
        """Return the worlds of a step's setting; equations are put to the test where they can be true."""
        key = (step.setting, step.relation in ("<=>", "=>"))
        if key not in self._laboratories:
            self._laboratories[key] = Laboratory(*key)
        return self._laboratories[key]

    def _independent(self, step: Step) -> Verdict:
        evidence = step.rule.evidence
        if evidence is Evidence.ASSUMED:
            return step.verdict
        if evidence is Evidence.WORLDS:
            return self._laboratory(step).compare(step.before, step.relation, step.after)
        if evidence is Evidence.POINTS:
            from derive.proof.sampling import compare_at_points

            return compare_at_points(step)
        return Verdict(Grade.EXACT, "the rule applied again; it puts its result back into the equation")


def _chain_breaks(derivation: Derivation) -> list[str]:
    """Return where the chain from the statement's left side to its right side is broken."""
    ends = [derivation.statement.lhs, *(s.after for s in derivation.steps)]
    breaks = [
        f"{derivation.name}, step {s.id}: does not start where the step before ended"
        for s, before in zip(derivation.steps, ends, strict=False)
        if s.before != before
    ]
    if ends[-1] != derivation.statement.rhs:
        breaks.append(f"{derivation.name}: the last step does not arrive at the statement's right side")
    return breaks


@dataclass
class Laboratory:
    """The tiny worlds of one setting, with what has been enumerated in them."""

    setting: Setting
    critical: bool = False
    every: bool = False

    def __post_init__(self) -> None:
        worlds = tiny_worlds(self.setting, critical=self.critical, every=self.every)
        self.worlds = [Exact(w) for w in worlds]

    def compare(self, left: Basic, relation: str, right: Basic) -> Verdict:
        """Return whether a relation holds in every tiny world, and a counterexample if it does not."""
        worlds = cases = 0
        outcomes = sum(e.outcomes for e in self.worlds)
        skipped = ""
        for exact in self.worlds:
            tried = 0
            for at in environments(exact, left, right):
                try:
                    values = exact.for_all((left, right), at)
                except NotEvaluable as reason:
                    skipped = str(reason)
                    continue
                tried += 1
                for a, b in values:
                    if not _RELATIONS[relation](a, b):
                        found = describe(exact.world, at, a, relation, b)
                        return Verdict(Grade.FAILED, "refuted in a tiny world", found)
            worlds += tried > 0
            cases += tried
        if not worlds:
            return Verdict(Grade.EXACT, f"computed by the rule; no tiny world can evaluate it ({skipped})")
        tossed = sum(e.outcomes for e in self.worlds) - outcomes
        return Verdict(
            Grade.EXACT,
            f"computed by the rule; both sides equal in {worlds} tiny worlds ({cases} cases, {tossed} outcomes)",
        )


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    "<=>": lambda a, b: bool(a) == bool(b),
    "=>": lambda a, b: not a or bool(b),
}


def environments(exact: Exact, *expressions: Basic) -> Iterator[dict[Symbol, int]]:
    """Yield values of the free layer and unit indices: all layers that the facts allow, some units of each."""
    world = exact.world
    free = set().union(*(e.free_symbols for e in expressions))
    for layer in range(world.depth + 1) if i in free else [0]:
        at: dict[Symbol, Any] = {d: world.depth, **exact.parameters}
        if i in free:
            at[i] = layer
        if not world.setting.facts.hold_at({d: world.depth, i: layer}):
            continue
        extents = _unit_extents(exact, expressions, free, at)
        names = list(extents)
        combinations = list(cartesian(*(range(1, extents[u] + 1) for u in names)))
        for units in combinations[:: -(-len(combinations) // MAX_UNITS)]:
            yield {**at, **dict(zip(names, units, strict=True))}


def _unit_extents(
    exact: Exact, expressions: tuple[Basic, ...], free: set[Symbol], at: dict[Symbol, int]
) -> dict[Symbol, int]:
    extents: dict[Symbol, int] = {}
    for entry in set().union(*(e.atoms(Entry) for e in expressions)):
        if entry.free_symbols - free:
            continue
        for unit, extent in zip(entry.units, entry.family.extents(entry.layer or 0), strict=True):
            if isinstance(unit, Symbol) and unit in free:
                try:
                    size = int(exact.value(extent, at))
                except NotEvaluable:
                    continue
                extents[unit] = min(size, extents.get(unit, size))
    return dict(sorted(extents.items(), key=lambda kv: kv[0].name))


def describe(world: World, at: dict[Symbol, int], left: Any, relation: str, right: Any) -> Counterexample:
    """Return a counterexample in words and fractions."""
    return Counterexample(
        world=world.describe(),
        at={str(k): str(v) for k, v in sorted(at.items(), key=lambda kv: kv[0].name)},
        left=str(left),
        relation=relation,
        right=str(right),
    )
