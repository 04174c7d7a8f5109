"""The laboratory: a statement held against every tiny world of a setting, with a counterexample where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from sympy import Basic, Integer, Symbol, Tuple, preorder_traversal
from sympy.core.symbol import Str

from derive.gaussian.expectation import GaussianExpectation
from derive.proof.atoms import equal, less, shown
from derive.proof.environments import environments
from derive.proof.exact import Exact, Nonexistent, NotEvaluable, Undeclared
from derive.proof.readers import reader_of, unexplained
from derive.proof.regime import unmet
from derive.proof.scope import declared_in, scope_of
from derive.proof.variety import critical_variances, tiny_worlds, wide_worlds
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.randomness import Entry, Family, Over
from derive.setting import Setting

_SMALL = 3
"""The most units of a layer of the usual worlds."""
_WIDEST = 16
"""The most units of a layer whose size is a number: of more, all outcomes are too many."""
_MOST_SAMPLED = 12
"""In how many worlds outcomes are drawn, where they are too many to enumerate."""
BUDGET = 20_000
"""How many outcomes are enumerated for one statement."""


@dataclass
class Laboratory:
    """The tiny worlds of one setting, with what has been enumerated in them."""

    setting: Setting
    critical: bool = False
    every: bool = False
    declared: Setting | None = None
    smallest_first: bool = False

    def __post_init__(self) -> None:
        self._declared = declared_in(self.declared or self.setting)
        self._worlds: dict[Any, tuple[list[Exact], int]] = {}

    def worlds(self, *statement: Basic) -> list[Exact]:
        """Return the worlds for what a statement speaks of, in the order in which they are tried."""
        return self._in_turn(statement)[0]

    def _in_turn(self, statement: tuple[Basic, ...]) -> tuple[list[Exact], int]:
        """Return the worlds for a statement, and how many shapes of network there are among them."""
        scope = scope_of(*self._declared, *statement)
        key = (scope, critical_variances(statement) if self.critical else ())
        if key not in self._worlds:
            found = tiny_worlds(
                self.setting,
                critical=self.critical,
                every=self.every,
                declared=self.declared,
                about=statement,
            )
            worlds, shapes = _in_turn([Exact(w) for w in found])
            if self.smallest_first:
                worlds.sort(key=lambda exact: exact.world.extent)
            self._worlds[key] = worlds, shapes
        return self._worlds[key]

    def compare(self, left: Basic, relation: str, right: Basic) -> Verdict:
        """Return whether a relation holds in every tiny world, and a counterexample if it does not.

        The grade is ``enumerated`` where it does, and ``undecided`` where no world evaluates both sides or where an
        implication's premise is true in none. Worlds in which both sides have the values that they had in another
        one are not counted again. After `BUDGET` outcomes no further world is tried, once each shape of network has had
        its turn and there is evidence.
        """
        if relation not in _RELATIONS:
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; tiny worlds do not decide a relation {relation}")
        if _analytic(left) != _analytic(right):
            # A mean over a Gaussian is read as one over some other law, and other nodes are opaque.
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; tiny worlds do not know what it is about")
        widest = max(map(_most, scope_of(*self._declared, left, right).drawn), default=0)
        if widest > _WIDEST:
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; {widest} units are too many for a tiny world")
        broken = unmet(self.setting.hypotheses, left, right)
        if broken is not None:
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; in no tiny world {broken.lhs} is {broken.rhs}")
        tally = _Tally()
        worlds, shapes = self._in_turn((left, right))
        failed = self._tried(worlds, shapes, tally, left, relation, right)
        units = [int(u) for e in (left, right) for entry in e.atoms(Entry) for u in entry.units if u.is_Integer]
        units = [unit for unit in units if unit > _SMALL]
        if failed is None and not tally.ordinary and units:
            found = wide_worlds(self.setting, max(units), declared=self.declared, about=(left, right))
            worlds = [Exact(w) for w in found]
            failed = self._tried(worlds, shapes, tally, left, relation, right)
        if failed is None and not tally.ordinary:
            failed = self._afresh(worlds[:shapes], tally, left, relation, right, patient=True)
        if failed is None and not tally.ordinary:
            failed = self._afresh(worlds[:_MOST_SAMPLED], tally, left, relation, right, sampling=True)
        if failed is not None and (beyond := self._beyond_worlds()):
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; in no tiny world {beyond}")
        return failed or tally.verdict(relation)

    def _afresh(
        self,
        worlds: list[Exact],
        tally: _Tally,
        left: Basic,
        relation: str,
        right: Basic,
        *,
        patient: bool = False,
        sampling: bool = False,
    ) -> Verdict | None:
        """Try a relation again at more outcomes, or at some where all of them are too many; as `_tried`."""
        fresh = [Exact(exact.world, sampling=sampling, patient=patient) for exact in worlds]
        tally.drawn = sampling
        return self._tried(fresh, len(fresh), tally, left, relation, right)

    def _beyond_worlds(self) -> str | None:
        """Return what the setting declares and no finite law has, in words, or None."""
        kinds = (p.kind for h in self.setting.hypotheses for p in h.properties)
        return next((kind.value for kind in kinds if kind.infinite), None)

    def _tried(
        self, worlds: list[Exact], shapes: int, tally: _Tally, left: Basic, relation: str, right: Basic
    ) -> Verdict | None:
        """Try a relation in some worlds, counting them; return the verdict where it fails."""
        for turn, exact in enumerate(worlds):
            spent = tally.outcomes > BUDGET and turn >= shapes
            if spent and tally.verdict(relation).grade is Grade.ENUMERATED:
                break
            before = exact.outcomes
            values: list[Any] = []
            for at in environments(exact, left, right):
                try:
                    found = self._refutation(exact, at, left, relation, right, values)
                except Undeclared as reason:
                    return Verdict(Grade.FAILED, str(reason))
                except NotEvaluable as reason:
                    tally.skipped = str(reason)
                    continue
                if found is not None:
                    return Verdict(Grade.FAILED, "refuted in a tiny world", found)
            tally.add(values, ordinary=not exact.world.special)
            tally.outcomes += exact.outcomes - before
        return None

    @staticmethod
    def _refutation(
        exact: Exact, at: dict[Symbol, int], left: Basic, relation: str, right: Basic, values: list[Any]
    ) -> Counterexample | None:
        """Return the counterexample with the smallest numbers among the outcomes of one case, or None.

        A right side that speaks of a unit or layer that does not exist, where the left one does not, is one too.
        What both sides were is added to ``values``.
        """
        smallest, found = None, None
        exact.read(left, at)
        try:
            exact.read(right, at)
        except Nonexistent as reason:
            (value, *_), *_ = exact.for_all((left,), at)
            return describe(exact, at, (left,), value, relation, f"no value: {reason}")
        case = []
        for a, b in exact.for_all((left, right), at):
            case.append((shown(a), shown(b)))
            size = 0 if isinstance(a, tuple) else abs(a) + abs(b)
            if not _RELATIONS[relation](a, b) and (smallest is None or size < smallest):
                smallest, found = size, describe(exact, at, (left, right), a, relation, b)
        values.append(tuple(case))
        return found


def _most(family: Family) -> int:
    """Return the largest size of a family that is a number: no world can have another one there."""
    return max((int(e) for e in family.extents(Integer(0)) if e.is_Integer), default=0)


def _in_turn(worlds: list[Exact]) -> tuple[list[Exact], int]:
    """Return the worlds with each shape of network, and each knot, in turn, and how many of these there are."""
    mixed = Random(len(worlds)).sample(worlds, len(worlds))
    rounds: dict[Any, int] = {}
    keyed: list[tuple[int, int, Exact]] = []
    for exact in mixed:
        shape = (exact.world.shape, exact.world.knot)
        rounds[shape] = rounds.get(shape, -1) + 1
        keyed.append((rounds[shape], len(keyed), exact))
    return [exact for *_, exact in sorted(keyed, key=lambda entry: entry[:2])], len(rounds)


def _analytic(side: Basic) -> set[Basic]:
    """Return what a tiny world cannot tell the value of: the laws of Gaussian expectations, and unexplained nodes."""
    laws = {Tuple(*e.args[2:]) for e in side.atoms(GaussianExpectation)}
    return laws | {e for e in preorder_traversal(side) if not isinstance(e, _PARTS) and reader_of(e) is unexplained}


_PARTS = (Family, Over, Str)
"""Parts of expressions that are no expressions themselves."""


@dataclass
class _Tally:
    """How much was tried: worlds and cases with values of their own, and outcomes.

    ``ordinary`` tells whether there was a world among them in which nothing is zero that need not be: where
    all weights are, all products of weights are equal.
    """

    outcomes: int = 0
    worlds: set[Any] = field(default_factory=set)
    ordinary: bool = False
    cases: set[Any] = field(default_factory=set)
    skipped: str = ""
    drawn: bool = False

    def add(self, values: list[Any], *, ordinary: bool) -> None:
        """Count a world, given what both sides were in each of its cases."""
        if values:
            self.ordinary |= ordinary
            self.worlds.add(tuple(values))
            self.cases.update(values)

    def verdict(self, relation: str) -> Verdict:
        """Return what has been seen, where nothing was refuted."""
        if not self.ordinary:
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; no tiny world can evaluate it ({self.skipped})")
        if relation in ("=>", "<=>") and not any(pair == ("True", "True") for case in self.cases for pair in case):
            return Verdict(Grade.UNDECIDED, f"{UNCONFIRMED}; its premise is true in no tiny world")
        kinds = f"{len(self.worlds)} tiny worlds ({len(self.cases)} cases, {self.outcomes} outcomes)"
        if self.drawn:
            return Verdict(Grade.SAMPLED, f"computed by the rule; both sides equal at outcomes drawn in {kinds}")
        return Verdict(Grade.ENUMERATED, f"computed by the rule; both sides equal in {kinds}")


UNCONFIRMED = "computed by the rule only"

_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": equal,
    "<=": lambda a, b: not less(b, a),
    "<": less,
    "!=": lambda a, b: not equal(a, b),
    "<=>": lambda a, b: bool(a) == bool(b),
    "=>": lambda a, b: not a or bool(b),
}


def describe(
    exact: Exact, at: dict[Symbol, int], sides: tuple[Basic, ...], left: Any, relation: str, right: Any
) -> Counterexample:
    """Return a counterexample in words and fractions: what the sides read, and what was drawn where they are random."""
    drawn = exact.drawn()
    # A world that nothing else has been read in.
    fresh = Exact(replace(exact.world), patient=True)
    for side in sides:
        fresh.read(side, at)
    free = frozenset().union(*(side.free_symbols for side in sides))
    values = {s: v for s, v in at.items() if s in free}
    values |= {s: fresh.free_value(s, at) for s in fresh.met if isinstance(s, Symbol) and s in free}
    return Counterexample(
        world={**fresh.world.describe(frozenset(fresh.met)), **({"drawn": drawn} if drawn else {})},
        at={str(s): shown(v) for s, v in sorted(values.items(), key=lambda kv: kv[0].name)},
        left=shown(left),
        relation=relation,
        right=right if isinstance(right, str) else shown(right),
    )
