"""The outline of a derivation: what is numbered, in which order, and what a step refers to.

Every renderer walks this outline, so that assumption A3 and Lemma 2 are the same thing in each format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Basic, Integer, Symbol, expand

from derive.errors import InputError
from derive.hypotheses import Hypothesis
from derive.layers import d
from derive.notation import structure
from derive.proof.derivation import Derivation, Step
from derive.randomness import Entry
from derive.render.brackets import Brackets
from derive.render.evidence import Marks
from derive.rules.recursion import Induction
from derive.setting import Setting


@dataclass(frozen=True)
class Assumption:
    """A numbered hypothesis; ``theorem`` tells whether the theorem rests on it, or only a lemma does."""

    id: str
    hypothesis: Hypothesis
    theorem: bool


@dataclass(eq=False)
class Section:
    """A statement with its proof: the theorem itself, a further part of it, or a lemma.

    ``explains`` is True for a section whose averages are over something else than the theorem's: it says so itself.
    """

    kind: str
    number: int
    derivation: Derivation
    brackets: Brackets
    explains: bool = False

    @property
    def label(self) -> str:
        """How it is referred to: "the theorem", "Part 2", "Lemma 3"."""
        return "the theorem" if self.kind == "theorem" else f"{self.kind.capitalize()} {self.number}"

    @property
    def heading(self) -> str:
        """The label at the beginning of a line."""
        return self.label[0].upper() + self.label[1:]

    @property
    def anchor(self) -> str:
        """The name of the place where it stands."""
        return self.kind if self.kind == "theorem" else f"{self.kind}-{self.number}"


@dataclass
class Outline:
    """The numbered assumptions, the parts and the lemmas of a derivation, each once, in order of first use.

    With ``depth`` "main", the lemmas beside the argument stand without their proofs.
    """

    derivation: Derivation
    depth: str = "full"
    sections: list[Section] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    brackets: Brackets = Brackets()

    def __post_init__(self) -> None:
        self._add("theorem", self.derivation)
        for part in self.derivation.parts:
            self._add("part", part)
        for section in list(self.sections):
            self._add_lemmas(section.derivation)
        self._settle_brackets()
        for h in self.derivation.assumptions:
            self._assume(h, theorem=True)
        for section in self.sections:
            for step in section.derivation.steps:
                for h in hypotheses_of(step):
                    self._assume(h, theorem=False)

    def _add(self, kind: str, derivation: Derivation) -> None:
        number = 1 + sum(s.kind == kind for s in self.sections)
        brackets = Brackets.of(expressions_of(derivation), derivation.setting.over)
        self.sections.append(Section(kind, number, derivation, brackets))

    def _add_lemmas(self, derivation: Derivation) -> None:
        for step in derivation.steps:
            for lemma in step.lemmas:
                if self._find(lemma) is None:
                    self._add("lemma", lemma)
                    self._add_lemmas(lemma)

    def _find(self, derivation: Derivation) -> Section | None:
        return next((s for s in self.sections if _same(s.derivation, derivation)), None)

    def _assume(self, hypothesis: Hypothesis, *, theorem: bool) -> None:
        if all(a.hypothesis != hypothesis for a in self.assumptions):
            self.assumptions.append(Assumption(f"A{len(self.assumptions) + 1}", hypothesis, theorem))

    def _settle_brackets(self) -> None:
        """Let one legend serve every section whose averages are over what the theorem's are over."""
        default = self.derivation.setting.over
        stated = {over for _, over in self.theorem.brackets.occurring} | {default}
        for section in self.sections:
            section.explains = any(over not in stated for _, over in section.brackets.occurring)
        shared = [s for s in self.sections if not s.explains]
        found = dict.fromkeys(b for s in shared for b in s.brackets.occurring)
        self.brackets = Brackets(tuple(found), default)
        for section in shared:
            section.brackets = self.brackets

    @property
    def theorem(self) -> Section:
        """The main statement with its proof."""
        return self.sections[0]

    @property
    def parts(self) -> list[Section]:
        """The further statements of the theorem."""
        return [s for s in self.sections if s.kind == "part"]

    @property
    def lemmas(self) -> list[Section]:
        """The lemmas, in order of first use."""
        return [s for s in self.sections if s.kind == "lemma"]

    def id_of(self, hypothesis: Hypothesis) -> str:
        """Return the number of an assumption, such as "A3"."""
        return next(a.id for a in self.assumptions if a.hypothesis == hypothesis)

    def uses(self, step: Step) -> list[str]:
        """Return the numbers of the assumptions that a step rests on."""
        return sorted((self.id_of(h) for h in hypotheses_of(step)), key=lambda name: int(name[1:]))

    def assumed(self, section: Section) -> list[str]:
        """Return the numbers of the assumptions that a section's statement rests on."""
        used = {h for step in section.derivation.steps for h in hypotheses_of(step)}
        return [a.id for a in self.assumptions if a.hypothesis in used]

    def cited(self, step: Step) -> list[Section]:
        """Return the sections that a step cites."""
        found = [self._find(lemma) for lemma in step.lemmas]
        return list(dict.fromkeys(s for s in found if s is not None))

    def first_cited(self, section: Section, step: Step) -> list[Section]:
        """Return the lemmas that a step is the first to cite."""
        return [s for s in self.cited(step) if self._first_citation.get(id(s)) == (id(section), step.id)]

    @cached_property
    def _first_citation(self) -> dict[int, tuple[int, int]]:
        first: dict[int, tuple[int, int]] = {}
        for section in self.sections:
            for step in section.derivation.steps:
                for cited in self.cited(step):
                    if cited.kind == "lemma":
                        first.setdefault(id(cited), (id(section), step.id))
        return first

    def reference(self, words_object: Basic, step: Step) -> Section | None:
        """Return the section that a name inside a step's words refers to: the title of a lemma of that step."""
        if not isinstance(words_object, Symbol):
            return None
        found = [self._find(lemma) for lemma in step.lemmas if lemma.title == words_object.name]
        return found[0] if found else None

    @cached_property
    def marks(self) -> Marks:
        """The marks that tell how the steps are known that are written out."""
        return Marks(step for section in self.proved for step in section.derivation.steps)

    @cached_property
    def argument(self) -> list[Section]:
        """The sections that a reader follows from the statement: the theorem, its parts, and the cases of an induction.

        What is left, `background`, are lemmas whose statements suffice to follow it.
        """
        found: list[Section] = []
        for section in (self.theorem, *self.parts):
            self._follow(section, found)
        return found

    def _follow(self, section: Section, found: list[Section]) -> None:
        if section not in found:
            found.append(section)
            for step in section.derivation.steps:
                for case in self.cited(step) if step.rule.name == Induction.name else ():
                    self._follow(case, found)

    @property
    def background(self) -> list[Section]:
        """The lemmas beside the argument."""
        return [s for s in self.lemmas if s not in self.argument]

    @cached_property
    def proved(self) -> list[Section]:
        """The sections whose proofs are written out, in order."""
        return [*self.argument, *(self.background if self.depth == "full" else [])]


def hypotheses_of(step: Step) -> list[Hypothesis]:
    """Return the hypotheses that a step names; raise `InputError` for one that its setting does not have."""
    declared = {h.key: h for h in step.setting.hypotheses}
    missing = sorted(step.uses - declared.keys())
    if missing:
        raise InputError(f"step {step.id} ({step.rule.name}) uses {', '.join(missing)}, not among its hypotheses")
    return [h for key, h in declared.items() if key in step.uses]


def _same(one: Derivation, other: Derivation) -> bool:
    """Return True for the same statement, by name or by proof."""
    if one is other:
        return True
    if (one.statement, one.setting.facts) != (other.statement, other.setting.facts):
        return False
    return one.name == other.name or [(s.rule, s.after) for s in one.steps] == [(s.rule, s.after) for s in other.steps]


def expressions_of(derivation: Derivation) -> Iterator[Basic]:
    """Yield the expressions of a derivation (without its lemmas), in the order in which a reader meets them."""
    for words in derivation.intro:
        yield from words.objects
    yield derivation.statement.lhs
    yield derivation.statement.rhs
    for step in derivation.steps:
        yield from step.why.objects
        yield step.after
    for words in derivation.remarks:
        yield from words.objects


def conditions(setting: Setting) -> list[tuple[Basic | str, ...]]:
    """Return what is known of the indices, as chains of expressions and relations: 0 <= i <= d - 1."""
    ranges: dict[Symbol, tuple[list[Basic], list[Basic]]] = {}
    chains: list[tuple[Basic | str, ...]] = []
    for fact in setting.facts.nonnegative:
        inner = sorted((s for s in fact.free_symbols if s != d), key=lambda s: s.name)
        slope = fact.coeff(inner[0]) if len(inner) == 1 else 0
        if slope == 1:
            ranges.setdefault(inner[0], ([], []))[0].append(expand(inner[0] - fact))
        elif slope == -1:
            ranges.setdefault(inner[0], ([], []))[1].append(expand(fact + inner[0]))
        elif inner:
            chains.append((Integer(0), "<=", fact))
    for layer, (lower, upper) in ranges.items():
        for n in range(max(len(lower), len(upper))):
            below: tuple[Basic | str, ...] = (lower[n], "<=") if n < len(lower) else ()
            above: tuple[Basic | str, ...] = ("<=", upper[n]) if n < len(upper) else ()
            chains.append((*below, layer, *above))
    pairs = sorted((sorted(pair, key=structure) for pair in setting.differ), key=str)
    return chains + [(one, "!=", other) for one, other in pairs]


def free_units(derivation: Derivation) -> list[Symbol]:
    """Return the unit indices for which a statement holds, whatever they are."""
    lhs = derivation.statement.lhs
    found = {u: None for entry in _entries(lhs) for u in entry.units if u in lhs.free_symbols and u.is_Symbol}
    return sorted(found, key=lambda u: u.name)


def _entries(expression: Basic) -> list[Entry]:
    return sorted(expression.atoms(Entry), key=structure)
