"""Checking a derivation: replay every rule, follow the chain, and try every distribution-free step in tiny worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product as cartesian
from random import Random
from typing import Any

from sympy import Basic, Expr, KroneckerDelta, Symbol, simplify

from derive.errors import InputError
from derive.layers import d, i
from derive.proof.circles import circle, described
from derive.proof.comparison import chain_breaks, differences, same_lemmas
from derive.proof.derivation import CheckResult, Derivation, Step, first_verdict, relation_of
from derive.proof.exact import Exact, Nonexistent, NotEvaluable, Undeclared
from derive.proof.rule import Evidence
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.proof.worlds import tiny_worlds
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


class Checker:
    """Checks derivations with the lemmas inside them, each lemma once, sharing what was enumerated."""

    def __init__(self, progress: Progress = None) -> None:
        self.progress = progress or (lambda _: None)
        self._done: dict[Derivation, tuple[Derivation, tuple[str, ...]]] = {}
        self._laboratories: dict[tuple[Setting, bool], Laboratory] = {}

    def check(self, derivation: Derivation) -> CheckResult:
        """Re-derive and re-check a derivation from scratch."""
        trail = circle(derivation)
        if trail is not None:
            return _circular(derivation, described(trail))
        failures: list[str] = []
        if derivation.rebuild is not None:
            failures += differences(derivation, derivation.rebuild())
        return CheckResult(self.derivation(derivation, failures), tuple(failures))

    def derivation(self, derivation: Derivation, failures: list[str]) -> Derivation:
        """Return the derivation with the verdicts reached; failures are added to the list in words.

        A lemma that fails makes all that rests on it fail, also where it is met a second time.
        """
        if derivation not in self._done:
            own: list[str] = []
            self._done[derivation] = (self._checked(derivation, own), tuple(dict.fromkeys(own)))
        checked, found = self._done[derivation]
        failures += [f for f in found if f not in failures]
        return checked

    def _checked(self, derivation: Derivation, failures: list[str]) -> Derivation:
        trail = circle(derivation)
        failures += chain_breaks(derivation) + ([described(trail)] if trail else [])
        steps = []
        for step in derivation.steps:
            lemmas = tuple(self.derivation(m, failures) for m in step.lemmas)
            self.progress(f"{derivation.name}, step {step.id}")
            verdict = self.step(step)
            if verdict.grade >= Grade.UNDECIDED:
                detail = f": {verdict.counterexample}" if verdict.counterexample else ""
                failures.append(f"{derivation.name}, step {step.id} ({step.rule.name}): {verdict.evidence}{detail}")
            steps.append(replace(step, verdict=verdict, lemmas=lemmas))
        parts = tuple(self.derivation(p, failures) for p in derivation.parts)
        return replace(derivation, steps=tuple(steps), parts=parts)

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
        if not same_lemmas(again.lemmas, step.lemmas):
            return Verdict(Grade.FAILED, "the lemmas named are not those that the rule uses")
        relation = relation_of(step.rule, step.before)
        if relation != step.relation:
            return Verdict(Grade.FAILED, f"the rule gives a relation {relation}, not {step.relation}")
        try:
            return combined(step.rule.by_second_path(step), independent)
        except InputError as failure:
            return Verdict(Grade.FAILED, str(failure))

    def _laboratory(self, step: Step) -> Laboratory:
        """Return the worlds of a step's setting; equations are put to the test where they can be true."""
        key = (step.setting, step.relation in ("<=>", "=>"))
        if key not in self._laboratories:
            self._laboratories[key] = Laboratory(*key)
        return self._laboratories[key]

    def _independent(self, step: Step) -> Verdict:
        evidence = step.rule.evidence
        if evidence is Evidence.ASSUMED:
            return first_verdict(step.rule)
        if evidence is Evidence.WORLDS:
            return self._laboratory(step).compare(step.before, step.relation, step.after)
        if evidence is Evidence.POINTS:
            return step.rule.at_points(step)
        if evidence is Evidence.LEMMA:
            return Verdict(Grade.UNDECIDED, "the rule has no second way to what its lemma gives")
        return _residual(step)


def _circular(derivation: Derivation, reason: str) -> CheckResult:
    """Return the outcome for a derivation that rests on itself, which cannot be looked through to its end."""
    verdict = Verdict(Grade.FAILED, reason)
    steps = tuple(replace(step, verdict=verdict, lemmas=()) for step in derivation.steps)
    return CheckResult(replace(derivation, steps=steps, parts=()), (reason,))


def combined(second: Verdict | None, other: Verdict) -> Verdict:
    """Return what two kinds of evidence show together: the failure, or else both with the better grade."""
    if second is None or other.grade is Grade.FAILED:
        return other
    if second.grade is Grade.FAILED or other.grade is Grade.UNDECIDED:
        return second
    return Verdict(min(second.grade, other.grade), f"{other.evidence}; {second.evidence}")


def _residual(step: Step) -> Verdict:
    """Return the verdict of the rule's own second way: what must vanish, reduced to 0."""
    try:
        residual = step.rule.residual(step.before, step.after, step.setting)
    except InputError as failure:
        return Verdict(Grade.FAILED, str(failure))
    if residual is None:
        return Verdict(Grade.UNDECIDED, "the rule has no second way to this result")
    if residual == 0 or simplify(residual) == 0:
        return Verdict(Grade.EXACT, "computed by the rule; what must vanish was reduced to 0")
    found = Counterexample({}, {}, str(residual), "=", "0")
    return Verdict(Grade.FAILED, f"what must vanish does not: {residual}", found)


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
                    found = self._refutation(exact, at, left, relation, right)
                except Undeclared as reason:
                    return Verdict(Grade.FAILED, str(reason))
                except NotEvaluable as reason:
                    skipped = str(reason)
                    continue
                if found is not None:
                    return Verdict(Grade.FAILED, "refuted in a tiny world", found)
                tried += 1
            worlds += tried > 0
            cases += tried
        if not worlds:
            return Verdict(Grade.EXACT, f"computed by the rule; no tiny world can evaluate it ({skipped})")
        tossed = sum(e.outcomes for e in self.worlds) - outcomes
        return Verdict(
            Grade.EXACT,
            f"computed by the rule; both sides equal in {worlds} tiny worlds ({cases} cases, {tossed} outcomes)",
        )

    @staticmethod
    def _refutation(
        exact: Exact, at: dict[Symbol, int], left: Basic, relation: str, right: Basic
    ) -> Counterexample | None:
        """Return the counterexample with the smallest numbers among the outcomes of one case, or None.

        A right side that speaks of a unit or layer that does not exist, where the left one does not, is one too.
        """
        smallest, found = None, None
        exact.read(left, at)
        try:
            exact.read(right, at)
        except Nonexistent as reason:
            (value, *_), *_ = exact.for_all((left,), at)
            return describe(exact, at, value, relation, f"no value: {reason}")
        for a, b in exact.for_all((left, right), at):
            if not _RELATIONS[relation](a, b) and (smallest is None or abs(a) + abs(b) < smallest):
                smallest, found = abs(a) + abs(b), describe(exact, at, a, relation, b)
        return found


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    "<=>": lambda a, b: bool(a) == bool(b),
    "=>": lambda a, b: not a or bool(b),
}


def environments(exact: Exact, *expressions: Basic) -> Iterator[dict[Symbol, int]]:
    """Yield values of the free layer and unit indices: all layers that the facts allow, some units of each."""
    world = exact.world
    free, ranges = _free_and_ranges(expressions)
    for layer in range(world.depth + 1) if i in free else [0]:
        at: dict[Symbol, Any] = {d: world.depth, **{p: v for p, v in exact.parameters.items() if p in free}}
        if i in free:
            at[i] = layer
        if not world.setting.facts.hold_at({d: world.depth, i: layer}):
            continue
        extents = _unit_extents(exact, ranges, at)
        names = list(extents)
        combinations = list(cartesian(*(range(1, extents[u] + 1) for u in names)))
        for units in _spread(combinations):
            yield {**at, **dict(zip(names, units, strict=True))}


def _spread(combinations: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the first choice and a few others; always the same, in no pattern that an error could share."""
    if len(combinations) <= MAX_UNITS:
        return combinations
    return [combinations[0], *Random(len(combinations)).sample(combinations[1:], MAX_UNITS - 1)]


@lru_cache(maxsize=256)
def _free_and_ranges(expressions: tuple[Basic, ...]) -> tuple[frozenset[Symbol], frozenset[tuple[Symbol, Expr]]]:
    """Return the free symbols, and for each that stands for a unit the sizes of the layers that it is a unit of."""
    free = frozenset().union(*(e.free_symbols for e in expressions))
    ranges: set[tuple[Basic, Expr]] = set()
    for entry in set().union(*(e.atoms(Entry) for e in expressions)):
        if entry.layer is None or not entry.layer.free_symbols - free:
            ranges.update(zip(entry.units, entry.family.extents(entry.layer or 0), strict=True))
    for delta in set().union(*(e.atoms(KroneckerDelta) for e in expressions)):
        if len(delta.args) > 2:
            ranges.update((unit, delta.args[2][1]) for unit in delta.args[:2])
    return free, frozenset((unit, size) for unit, size in ranges if isinstance(unit, Symbol) and unit in free)


def _unit_extents(exact: Exact, ranges: frozenset[tuple[Symbol, Expr]], at: dict[Symbol, int]) -> dict[Symbol, int]:
    """Return how many values each free unit index has here: the fewest among the layers that it is a unit of."""
    extents: dict[Symbol, int] = {}
    for unit, extent in ranges:
        try:
            size = exact.integer(extent, at)
        except NotEvaluable:
            continue
        extents[unit] = min(size, extents.get(unit, size))
    return dict(sorted(extents.items(), key=lambda kv: kv[0].name))


def describe(exact: Exact, at: dict[Symbol, int], left: Any, relation: str, right: Any) -> Counterexample:
    """Return a counterexample in words and fractions, with what was drawn where the sides are random."""
    drawn = exact.drawn()
    return Counterexample(
        world={**exact.world.describe(), **({"drawn": drawn} if drawn else {})},
        at={str(k): str(v) for k, v in sorted(at.items(), key=lambda kv: kv[0].name)},
        left=str(left),
        relation=relation,
        right=str(right),
    )
