"""Derivation: a statement, its numbered assumptions, and the chain of checked steps that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Basic, Expr
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from derive.errors import InputError
from derive.hypotheses import Hypothesis
from derive.proof.circles import circle, described
from derive.proof.families import OneName
from derive.proof.oracle import Oracle
from derive.proof.relations import Remainder, chained, require_leading
from derive.proof.rule import Evidence, Rule
from derive.proof.verdict import UNCHECKED, Grade, Verdict
from derive.provided import provided
from derive.results import Result
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True, repr=False)
class Statement:
    """A relation between two expressions: ``=``, ``<=``, ``<=>``, ``~`` (asymptotic) or ``->`` (as width grows)."""

    lhs: Basic
    relation: str
    rhs: Basic

    def __repr__(self) -> str:
        return f"<Statement: {self}>"

    @provided
    def __str__(self) -> str:
        raise NotImplementedError

    @provided
    def _repr_latex_(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Step:
    """One step: the rule computed ``after`` from ``before``; ``uses`` are the keys of the hypotheses it rests on."""

    id: int
    relation: str
    before: Basic
    after: Basic
    rule: Rule
    why: Words
    uses: frozenset[str]
    verdict: Verdict
    setting: Setting
    lemmas: tuple[Derivation, ...] = ()

    def __repr__(self) -> str:
        after = Words("{}", self.after)
        return f"<Step {self.id}, {self.rule.name}: {self.relation} {after} ({self.verdict.grade})>"


@dataclass(frozen=True, repr=False)
class Derivation(Result):
    """A theorem with its proof as data.

    ``parts`` are the statements that belong to the theorem besides the main one (each a derivation of its own);
    the lemmas that single steps rest on stand at those steps. ``symbols`` gives the meaning of symbols
    that are not the network's own. ``oracle`` has cases in which the statement is known without this derivation.
    """

    name: str
    title: str
    statement: Statement
    setting: Setting
    steps: tuple[Step, ...]
    intro: tuple[Words, ...] = ()
    remarks: tuple[Words, ...] = ()
    parts: tuple[Derivation, ...] = ()
    source: str = ""
    symbols: tuple[tuple[Basic, Words], ...] = ()
    oracle: Oracle | None = field(default=None, compare=False, repr=False)
    rebuild: Callable[[], Derivation] | None = field(default=None, compare=False, repr=False)

    @property
    def result(self) -> Expr:
        """The right-hand side: what the last step arrives at."""
        return self.statement.rhs

    @property
    def lemmas(self) -> tuple[Derivation, ...]:
        """The lemmas that the steps rest on, each once, in order of use."""
        found: dict[tuple[str, Statement], Derivation] = {}
        for step in self.steps:
            for lemma in step.lemmas:
                found.setdefault((lemma.name, lemma.statement), lemma)
        return tuple(found.values())

    @property
    def rests_on(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that the main statement rests on, in the order of the setting.

        A rule that uses a lemma names the lemma's hypotheses, or has discharged them as obligations of its own.
        """
        used = frozenset().union(*(step.uses for step in self.steps))
        return tuple(h for h in self.setting.hypotheses if h.key in used)

    @property
    def assumptions(self) -> tuple[Hypothesis, ...]:
        """The numbered hypotheses: those of the main statement, then those that only the parts need."""
        found = {h.key: h for h in self.rests_on}
        for part in self.parts:
            for h in part.assumptions:
                found.setdefault(h.key, h)
        return tuple(found.values())

    @property
    def grade(self) -> Grade:
        """The grade of the weakest step, lemmas and parts included; ``failed`` where an oracle refutes a statement."""
        grades = [step.verdict.grade for step in self.steps]
        grades += [inner.grade for inner in (*(m for s in self.steps for m in s.lemmas), *self.parts)]
        if self.oracle is not None and self.oracle.verdict.grade is Grade.FAILED:
            grades.append(Grade.FAILED)
        return max(grades, default=Grade.UNDECIDED)

    @provided
    def check(self, *, progress: Callable[[str], None] | None = None) -> CheckResult:
        """Derive everything again from scratch and check every step by every means that suits it.

        Each rule is applied again to the step's left side, the chain is followed from statement to result, and
        each distribution-free step is tried in tiny worlds (analytic ones at points, to many digits). The statement
        is held against its oracle: cases in which it is known another way.
        """
        raise NotImplementedError

    @provided
    def text(self, *, width: int = 100, depth: str = "full", evidence: str = "inline") -> str:
        """Return the derivation as Unicode text for a terminal; see `derive.render.text.to_text`."""
        raise NotImplementedError

    @provided
    def latex(self, *, standalone: bool = False, depth: str = "full", evidence: str = "inline") -> str:
        """Return the derivation as a fragment for a paper, or as a document; see `derive.render.latex.to_latex`."""
        raise NotImplementedError

    @provided
    def html(self) -> str:
        """Return the derivation as a self-contained page, with its mathematics as MathML."""
        raise NotImplementedError

    @property
    @provided
    def headline(self) -> str:
        """The name, the statement and the grade."""
        raise NotImplementedError

    @provided
    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each step, with its formulas as text."""
        raise NotImplementedError

    @provided
    def to_dict(self) -> dict[str, Any]:
        """Return the derivation as plain data: the documented JSON of the command line."""
        raise NotImplementedError

    @provided
    def _repr_latex_(self) -> str:
        raise NotImplementedError

    @provided
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False)
class CheckResult(Result):
    """The outcome of a check: the derivation with the verdicts that were reached, and what failed."""

    derivation: Derivation
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True when no step failed and none is undecided."""
        return not self.failures

    @property
    def grade(self) -> Grade:
        """The grade of the weakest step after the check; ``failed`` where the derivation as a whole does not hold."""
        found = self.derivation.grade
        return Grade.FAILED if self.failures and found < Grade.UNDECIDED else found

    @property
    @provided
    def uncited(self) -> tuple[str, ...]:
        """Hypotheses that no step cites, of the derivation, its lemmas and parts; for a theorem these are failures."""
        raise NotImplementedError

    @property
    def headline(self) -> str:
        """Whether all steps passed, and the statement."""
        found = "passed" if self.passed else f"{len(self.failures)} failures"
        return f"{found}; {self.derivation.headline}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each step, with the verdict that was reached."""
        return self.derivation.rows()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: the derivation with its verdicts, and what failed."""
        return {"passed": self.passed, "failures": list(self.failures), "derivation": self.derivation.to_dict()}

    def __bool__(self) -> bool:
        return self.passed


class Proof:
    """Builds a derivation by applying rules one after the other to an expression."""

    def __init__(self, setting: Setting, start: Basic) -> None:
        self.setting = setting
        self.start = start
        self.now = start
        self.steps: list[Step] = []
        self._names = OneName(setting)
        self._names.add(start)

    def by(self, *rules: Rule, say: Words | str | None = None) -> Proof:
        """Apply rules in turn, each one step; ``say`` replaces the words of a single rule."""
        if say is not None and len(rules) != 1:
            raise InputError(f"say goes with one rule, got {len(rules)}")
        for rule in rules:
            made = rule.apply(self.now, self.setting)
            words = Words(say) if isinstance(say, str) else say
            relation = relation_of(rule, self.now)
            chained([*(s.relation for s in self.steps), relation])
            self._names.add(made.after)
            self.steps.append(
                Step(
                    id=len(self.steps) + 1,
                    relation=relation,
                    before=self.now,
                    after=made.after,
                    rule=rule,
                    why=words or made.words or Words(rule.words),
                    uses=made.uses,
                    verdict=first_verdict(rule),
                    setting=self.setting,
                    lemmas=made.lemmas,
                )
            )
            self.now = made.after
        return self

    def done(self, name: str, title: str, **more: Any) -> Derivation:
        """Return the derivation; its result is what the last step arrived at.

        Raises `InputError` where it rests on itself, or where nothing is left of an expansion.
        """
        require_leading(self.now, left_out(self.steps))
        statement = Statement(self.start, weakest_relation(self.steps), self.now)
        made = Derivation(name, title, statement, self.setting, tuple(self.steps), **more)
        trail = circle(made)
        if trail is not None:
            raise InputError(described(trail))
        return made


def weakest_relation(steps: Sequence[Step]) -> str:
    """Return the relation between the ends of a chain; raise `InputError` where the steps' relations give none."""
    return chained([s.relation for s in steps])


def left_out(steps: Sequence[Step]) -> list[Remainder]:
    """Return what the expansions among the steps leave out."""
    return [r for s in steps if (r := s.rule.remainder()) is not None]


def relation_of(rule: Rule, before: Basic) -> str:
    """Return the relation of a step: rewriting inside an equation gives an equivalent equation."""
    return "<=>" if rule.relation == "=" and isinstance(before, Relational | BooleanFunction) else rule.relation


def first_verdict(rule: Rule) -> Verdict:
    """Return the verdict of a step that a rule has made and nothing has checked yet."""
    if rule.evidence is Evidence.ASSUMED:
        return Verdict(Grade.ASSUMED, rule.source)
    return UNCHECKED
