"""The verdict on an equation: held against what theorems derive, and tried in tiny worlds.

It is the audit of a claim that is made on the spot: the theorems that speak of the equation's sides are what it is held
against, the hypotheses are those that are given, or else the fewest under which a theorem speaks of the left side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sympy import Basic, Expr, preorder_traversal

from derive.averages import Average, Bracket, SharedVariance, Variance
from derive.claims.audit import audit as audit_claim
from derive.claims.claim import Audit, Claim, Finding
from derive.equations.presets import assumed
from derive.equations.reading import Reading, read
from derive.equations.speakers import Speaker, batches, lesser, plain, speaking
from derive.equations.where import Fixed
from derive.errors import InputError
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    INPUTS_SHARE_VARIANCE,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    WEIGHTS_SHARE_VARIANCE,
    Hypothesis,
    Kind,
)
from derive.indices import bound_indices
from derive.layers import Facts, d
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING, NETWORKS, Entry, Over
from derive.setting import Setting, Undischarged
from derive.rules.lemma import require_hypotheses
from derive.words import Words

_MOST_TRIED = 3
"""How many sets of hypotheses are tried where none is given."""


@dataclass(frozen=True)
class Question:
    """A statement that is asked about, with what is given."""

    id: str
    reading: Reading
    statement: Statement
    hypotheses: tuple[Hypothesis, ...] | None
    fixed: Fixed

    @property
    def sides(self) -> tuple[Basic, Basic]:
        """Both sides."""
        return self.statement.lhs, self.statement.rhs


def decide(
    text: str,
    *,
    assume: Sequence[str] | None = None,
    over: Over | None = None,
    let: Sequence[str] = (),
    where: str = "",
    id: str = "equation",
) -> list[Audit]:
    """Return the verdicts on an equation: more than one for a chain a = b = c.

    Raises `InputError` where it cannot be read.
    """
    hypotheses, fixed_input = (None, False) if assume is None else assumed(assume)
    fixed = Fixed.read(where)
    reading = _read(text, over, let, fixed_input)
    found = []
    for n, statement in enumerate(reading.statements, 1):
        name = id if len(reading.statements) == 1 else f"{id}-{n}"
        found.append(answer(Question(name, reading, fixed.put(statement), hypotheses, fixed)))
    return found


def _read(text: str, over: Over | None, let: Sequence[str], fixed_input: bool) -> Reading:
    """Read with the averages that are given, or else with the first under which a theorem speaks of a left side."""
    if over is not None:
        return read(text, over=over, let=let)
    from derive.theorems.rectifier_gradient import FIXED_INPUT

    usual: tuple[Over, ...] = (EVERYTHING, NETWORKS, FIXED_INPUT)
    readings = [read(text, over=o, let=let) for o in usual]
    if not any(sign in ("E", "Var", "Cov") for sign in readings[0].averages):
        return readings[0]
    order = (*readings[1:], readings[0]) if fixed_input else readings
    for reading in order:
        for batch in islice(batches(*_sides(reading)), 2):
            if any(_exact(one) or fixed_input for one in speaking(batch, reading.statements[0].lhs)):
                return reading
    return order[0] if not fixed_input else readings[1]


def _exact(speaker: Speaker) -> bool:
    return speaker.derivation.statement.relation in ("=", "<=>")


def _sides(reading: Reading) -> list[Basic]:
    return [side for statement in reading.statements for side in (statement.lhs, statement.rhs)]


def answer(question: Question) -> Audit:
    """Return the verdict on one statement."""
    spoken = _spoken(question)
    if question.hypotheses is not None:
        return _audited(question, question.hypotheses, spoken, ())
    best: Audit | None = None
    for hypotheses, theorems in islice(_proposals(question, spoken), _MOST_TRIED):
        found = _audited(question, hypotheses, spoken, theorems)
        if best is None or _rank(found) < _rank(best):
            best = found
        if best.finding is Finding.HOLDS:
            break
    return best or _audited(question, (), spoken, ())


_ORDER = (Finding.HOLDS, Finding.HOLDS_IF, Finding.REFUTED, Finding.UNDECIDED)


def _rank(audit: Audit) -> int:
    return _ORDER.index(audit.finding)


# ---- what speaks of it


def _spoken(question: Question) -> tuple[Speaker, ...]:
    """Return what is derived of the sides: all of the first theorems that speak of one, then what leads to them."""
    overs = {n.over for side in question.sides for n in preorder_traversal(side) if isinstance(n, Bracket)}
    found: list[Speaker] = []
    names: tuple[str, ...] = ()
    wanted = question.sides
    for batch in batches(*wanted):
        names += batch
        found += speaking(batch, *wanted)
        if any(one.speaks_of(question.statement.lhs) for one in found):
            break
    lesser_ones = [one for one in lesser(names) if one.derivation.setting.over in overs or not overs]
    small = [one for o in (overs or {EVERYTHING}) for one in plain(o)]
    closed = [one for one in (*of_pool(names), *lesser_ones) if one.closed and one not in found]
    means = [one for one in lesser_ones if isinstance(one.derivation.statement.lhs, Average)]
    return _once((*found, *small, *means, *closed, *lesser_ones))


def of_pool(names: tuple[str, ...]) -> tuple[Speaker, ...]:
    """Return what theorems say."""
    from derive.equations.speakers import linear_pre_activation, of_theorems

    more = (linear_pre_activation(),) if "forward-variance" in names else ()
    return (*more, *of_theorems(names))


def _once(speakers: Iterable[Speaker]) -> tuple[Speaker, ...]:
    met: dict[tuple[Basic, Basic], Speaker] = {}
    for one in speakers:
        statement = one.derivation.statement
        met.setdefault((statement.lhs, statement.rhs), one)
    return tuple(met.values())


def _proposals(
    question: Question, spoken: tuple[Speaker, ...]
) -> Iterator[tuple[tuple[Hypothesis, ...], tuple[str, ...]]]:
    """Yield sets of hypotheses under which a theorem speaks of the left side, the smallest first."""
    about = [one for one in spoken if one.speaks_of(question.statement.lhs)] or [
        one for one in spoken if one.speaks_of(question.statement.rhs)
    ]
    about.sort(key=lambda one: (not _exact(one), len(one.assumed)))
    met: set[frozenset[str]] = set()
    for one in about:
        hypotheses = one.assumed
        keys = frozenset(h.key for h in hypotheses)
        if keys not in met:
            met.add(keys)
            yield hypotheses, (one.theorem,)
    every = tuple(dict.fromkeys(h for one in about for h in one.assumed))
    if about and frozenset(h.key for h in every) not in met and not _clash(every):
        yield every, tuple(dict.fromkeys(one.theorem for one in about))


def _clash(hypotheses: tuple[Hypothesis, ...]) -> bool:
    """Return whether two hypotheses lay down different activation functions."""
    return sum(any(e.lhs.func.__name__ == "Activation" for e in h.equations) for h in hypotheses) > 1


# ---- the audit


def _audited(
    question: Question, hypotheses: tuple[Hypothesis, ...], spoken: tuple[Speaker, ...], theorems: tuple[str, ...]
) -> Audit:
    written = _written(question)
    setting = Setting(
        tuple(dict.fromkeys((*hypotheses, *written, *question.fixed.hypotheses))),
        Facts((*layer_facts(*question.sides), *question.fixed.facts)),
        _over(question),
    )
    notes = [*question.reading.explained()]
    if theorems:
        keys = ", ".join(h.key for h in hypotheses) or "nothing"
        notes.append(f"no assumption was given: those of {' and '.join(theorems)} are proposed ({keys})")
    claim = Claim(
        id=question.id,
        title=" ".join(question.reading.text.split())[:200],
        source="The equation that was given",
        where="as it stands",
        printed=question.statement,
        setting=setting,
        against=_in_order(spoken, setting),
        reading=Words("; ".join(notes).replace("{}", "{ }") + ".") if notes else None,
    )
    return audit_claim(claim)


def _written(question: Question) -> tuple[Hypothesis, ...]:
    """Return what the notation says by itself: Var[W^i] is one variance that all weights of a layer share."""
    families = {v.family for side in question.sides for v in side.atoms(SharedVariance)}
    shared = (WEIGHTS_SHARE_VARIANCE, INPUTS_SHARE_VARIANCE, BIASES_SHARE_VARIANCE, OUTPUT_GRADIENT_SHARES_VARIANCE)
    return tuple(h for h in shared if any(h.declares(Kind.SHARED_VARIANCE, family) for family in families))


def _in_order(spoken: tuple[Speaker, ...], setting: Setting) -> tuple[Speaker, ...]:
    """Return what it is held against: formulas that hold here and need no other, then the rest, then those again."""
    here = [one for one in spoken if _discharged(one, setting)]
    closed = [one for one in here if one.closed and isinstance(one.derivation.statement.lhs, Variance | Average)]
    others = [one for one in spoken if one not in closed]
    recursive = {one.derivation.statement.lhs.func for one in closed}
    kept = [one for one in others if one.closed or not recursive or not _superseded(one, closed)]
    return (*closed, *kept, *closed)


def _superseded(one: Speaker, closed: list[Speaker]) -> bool:
    """Return whether a formula that needs no other is about the same left side, at any layer."""
    left = one.derivation.statement.lhs
    return any(other.speaks_of(left) for other in closed)


def _discharged(one: Speaker, setting: Setting) -> bool:
    try:
        require_hypotheses(one.derivation, setting)
    except (Undischarged, InputError):
        return False
    return True


def _over(question: Question) -> Over:
    overs = [n.over for side in question.sides for n in preorder_traversal(side) if isinstance(n, Bracket)]
    return overs[0] if overs else EVERYTHING


def layer_facts(*sides: Basic) -> tuple[Expr, ...]:
    """Return what must be true for the layers that are spoken of to exist: expressions that are not negative."""
    found: dict[Expr, None] = {}
    for side in sides:
        inner = bound_indices(side)
        layers = [(n.layer, d) for n in side.atoms(Entry) if n.layer is not None]
        layers += [(layer, d) for n in side.atoms(SharedVariance) for layer in n.layer]
        for layer, last in layers:
            if layer.free_symbols & inner:
                continue
            for fact in (layer, last - layer):
                if not (fact.is_number and fact >= 0):
                    found[fact] = None
    return tuple(found)

