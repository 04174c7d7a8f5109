"""Checking a derivation: replay every rule, follow the chain, and try every distribution-free step in tiny worlds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sympy import simplify

from derive.errors import InputError
from derive.proof.circles import circle, described
from derive.proof.comparison import chain_breaks, differences, same_lemmas
from derive.proof.derivation import CheckResult, Derivation, Step, first_verdict, relation_of
from derive.proof.existence import missing_layers, missing_units
from derive.proof.laboratory import Laboratory
from derive.proof.oracle import Oracle
from derive.proof.rule import Evidence, Rewrite
from derive.proof.unfolding import wrong_reach
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.setting import Setting

Progress = Callable[[str], None] | None


def check(derivation: Derivation, *, progress: Progress = None) -> CheckResult:
    """Re-derive and re-check a derivation from scratch; see `Derivation.check`."""
    return Checker(progress).check(derivation)


def check_all(derivations: Iterable[Derivation], *, progress: Progress = None) -> list[CheckResult]:
    """Check several derivations; a lemma that several of them rest on is checked once."""
    checker = Checker(progress)
    return [checker.check(derivation) for derivation in derivations]


class Checker:
    """Checks derivations with the lemmas inside them, each lemma and each step once, sharing what was enumerated."""

    def __init__(self, progress: Progress = None) -> None:
        self.progress = progress or (lambda _: None)
        self._done: dict[Derivation, tuple[tuple[Step, ...], tuple[str, ...]]] = {}
        self._verdicts: dict[Step, Verdict] = {}
        self._laboratories: dict[tuple[Setting, bool, Setting], Laboratory] = {}

    def check(self, derivation: Derivation) -> CheckResult:
        """Re-derive and re-check a derivation from scratch."""
        trail = circle(derivation)
        if trail is not None:
            return _circular(derivation, described(trail))
        failures: list[str] = []
        with _rarely_collected():
            if derivation.rebuild is not None:
                failures += differences(derivation, derivation.rebuild())
            return CheckResult(self.derivation(derivation, failures), tuple(failures))

    def derivation(self, derivation: Derivation, failures: list[str]) -> Derivation:
        """Return the derivation with the verdicts reached; failures are added to the list in words.

        A lemma that fails makes all that rests on it fail, also where it is met a second time.
        """
        if derivation not in self._done:
            own: list[str] = []
            self._done[derivation] = (self._steps(derivation, own), tuple(dict.fromkeys(own)))
        steps, found = self._done[derivation]
        failures += [f for f in found if f not in failures]
        parts = tuple(self.derivation(p, failures) for p in derivation.parts)
        return replace(derivation, steps=steps, parts=parts, oracle=self._oracle(derivation, failures))

    def _oracle(self, derivation: Derivation, failures: list[str]) -> Oracle | None:
        """Return the oracle with its verdict on the statement; a theorem that it refutes fails."""
        if derivation.oracle is None:
            return None
        self.progress(f"{derivation.name}, independent check")
        verdict = derivation.oracle.ask(derivation.statement)
        if verdict.grade is Grade.FAILED:
            failures.append(f"{derivation.name}: the independent check refutes the statement: {verdict.evidence}")
        return replace(derivation.oracle, verdict=verdict)

    def _steps(self, derivation: Derivation, failures: list[str]) -> tuple[Step, ...]:
        trail = circle(derivation)
        failures += [*chain_breaks(derivation), *missing_layers(derivation), *missing_units(derivation)]
        failures += wrong_reach(derivation)
        failures += [described(trail)] if trail else []
        if not derivation.steps:
            failures.append(f"{derivation.name}: it has no steps, and proves nothing")
        steps = []
        for step in derivation.steps:
            lemmas = tuple(self.derivation(m, failures) for m in step.lemmas)
            self.progress(f"{derivation.name}, step {step.id}")
            verdict = self._verdict(step)
            if verdict.grade >= Grade.UNDECIDED:
                detail = f": {verdict.counterexample}" if verdict.counterexample else ""
                failures.append(f"{derivation.name}, step {step.id} ({step.rule.name}): {verdict.evidence}{detail}")
            steps.append(replace(step, verdict=verdict, lemmas=lemmas))
        return tuple(steps)

    def _verdict(self, step: Step) -> Verdict:
        """Return the verdict on a step; the same step of another derivation is not checked again."""
        if step not in self._verdicts:
            self._verdicts[step] = self.step(step)
        return self._verdicts[step]

    def step(self, step: Step) -> Verdict:
        """Return the verdict on one step, from replaying its rule and from independent evidence."""
        try:
            again = step.rule.apply(step.before, step.setting)
        except InputError as failure:
            return Verdict(Grade.FAILED, f"the rule cannot be applied: {failure}")
        independent = self._independent(step, again)
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
        if relation not in step.rule.shows:
            known = " or ".join(step.rule.shows)
            return Verdict(Grade.FAILED, f"the evidence of the rule shows a relation {known}, not {relation}")
        try:
            return combined(step.rule.by_second_path(step), independent)
        except InputError as failure:
            return Verdict(Grade.FAILED, str(failure))

    def _laboratory(self, step: Step, setting: Setting) -> Laboratory:
        """Return the worlds of what a step cites; equations are put to the test where they can be true.

        What the setting assumes and the step does not cite does not hold there.
        """
        key = (setting.only(step.uses), step.relation in ("<=>", "=>"), setting)
        if key not in self._laboratories:
            self._laboratories[key] = Laboratory(*key[:2], declared=setting)
        return self._laboratories[key]

    def _independent(self, step: Step, again: Rewrite) -> Verdict:
        evidence = step.rule.evidence
        if evidence is Evidence.ASSUMED:
            return first_verdict(step.rule)
        if evidence is Evidence.WORLDS:
            verdict = self._in_worlds(step, again)
            audited = type(step.rule).__module__.startswith("derive.")
            return replace(verdict, grade=Grade.EXACT) if audited and verdict.grade is Grade.ENUMERATED else verdict
        if evidence is Evidence.POINTS:
            return step.rule.at_points(step)
        if evidence is Evidence.LEMMA:
            return Verdict(Grade.UNDECIDED, "the rule has no second way to what its lemma gives")
        return _residual(step)

    def _in_worlds(self, step: Step, again: Rewrite) -> Verdict:
        """Hold a step against its worlds, and each node that it replaced inside a mean or a variance."""
        laboratory = self._laboratory(step, _needed(step, again))
        pairs = [(step.before, step.relation, step.after)]
        pairs += [(node, step.rule.relation, made) for node, made in again.averaged if again.after == step.after]
        verdicts = [laboratory.compare(*pair) for pair in pairs]
        return next((v for v in verdicts if v.grade is Grade.FAILED), verdicts[0])


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Have the collector of garbage look rarely: expressions are many and stay, and it took a third of a check."""
    usual = gc.get_threshold()
    if 0 < usual[0] < _MANY:
        gc.set_threshold(_MANY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


_MANY = 50_000
"""After how many new objects the collector looks while a derivation is checked."""


def _needed(step: Step, again: Rewrite) -> Setting:
    """Return the setting of a step without what no finite law has, where its rule gives the same without it."""
    finite = step.setting.finite()
    if finite == step.setting:
        return finite
    try:
        same = step.rule.apply(step.before, finite).after == again.after
    except InputError:
        same = False
    return finite if same else step.setting


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
