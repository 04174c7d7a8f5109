"""The verdict on an equation: held against what theorems derive, and tried in tiny worlds.

It is the audit of a claim that is made on the spot: the theorems that speak of the equation's sides are what it is held
against, the hypotheses are those that are given, or else the fewest under which a theorem speaks of the left side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from sympy import Basic, Expr, expand, preorder_traversal

from derive.averages import Average, Bracket, SharedVariance, Variance
from derive.claims.audit import Inconsistent
from derive.claims.audit import audit as audit_claim
from derive.claims.claim import Audit, Claim, Finding
from derive.claims.decision import compare
from derive.claims.repair import contradict
from derive.equations.equation_reading import Reading, read
from derive.equations.limits_of_width import audit_limit
from derive.equations.presets import assumed
from derive.equations.speakers import Speaker
from derive.equations.spoken import Spoken, once, spoken_of
from derive.equations.usual_readings import read_with, sides_of, usual_reading
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
from derive.network import Partial, g
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING, Entry, Family, Over
from derive.rules.lemma import require_hypotheses
from derive.setting import Setting, Undischarged
from derive.words import Words

if TYPE_CHECKING:
    from derive.equations.networks import BlockNetwork

_MOST_TRIED = 3
"""How many sets of hypotheses are tried where none is given."""
AS_STEPS = "computed by the rule"
"""How the evidence of tiny worlds begins, which is written for the steps of a derivation."""


@dataclass(frozen=True)
class Question:
    """A statement that is asked about, with what is given."""

    id: str
    reading: Reading
    statement: Statement
    hypotheses: tuple[Hypothesis, ...] | None
    fixed: Fixed
    theorem: str | None = None
    network: BlockNetwork | None = None

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
    names: str | None = None,
    layers: str | None = None,
    input: str | None = None,
    id: str = "equation",
) -> list[Audit]:
    """Return the verdicts on an equation: more than one for a chain a = b = c.

    ``names`` is a theorem whose names it is read with, and which it is held against, where it is not about the chain;
    ``layers`` a network of blocks, whose ``input`` has that size, instead.

    Raises `InputError` where it cannot be read.
    """
    if layers is not None or input is not None:
        if layers is None or names is not None or where:
            raise InputError("layers go with input, and neither with names nor where: blocks have their own")
        # Blocks take a while to import.
        from derive.equations.networks import BlockNetwork

        return _of_network(text, BlockNetwork.of(layers, input, over), assume, let, id)
    fixed = Fixed.read(where)
    reading = usual_reading(text, over, let, assume or ()) if names is None else read_with(names, text, over, let)
    backward = any(side.has(Partial, g) for side in sides_of(reading))
    hypotheses = None if assume is None else assumed(assume, backward=backward)
    return [
        answer(Question(name, reading, fixed.put(statement), hypotheses, fixed, names))
        for name, statement in _named(id, reading)
    ]


def _of_network(
    text: str, network: BlockNetwork, assume: Sequence[str] | None, let: Sequence[str], id: str
) -> list[Audit]:
    """Return the verdicts on an equation about a network of blocks."""
    reading = read(text, over=network.over, let=let, names=network.vocabulary)
    hypotheses = network.assumed(assume)
    return [
        answer(Question(name, reading, statement, hypotheses, Fixed(), network=network))
        for name, statement in _named(id, reading)
    ]


def _named(id: str, reading: Reading) -> Iterator[tuple[str, Statement]]:
    """Yield the statements with their names: numbers where there are several."""
    for n, statement in enumerate(reading.statements, 1):
        yield (id if len(reading.statements) == 1 else f"{id}-{n}"), statement


def answer(question: Question) -> Audit:
    """Return the verdict on one statement."""
    if question.network is None:
        spoken = spoken_of(question.statement, question.theorem)
    else:
        spoken = Spoken(question.network.speakers(question.statement), ())
    if question.hypotheses is not None:
        return _audit(_claim(question, question.hypotheses, spoken, ()))
    proposals = list(islice(_proposals(question, spoken), _MOST_TRIED))
    claims = [_claim(question, hypotheses, spoken, theorems) for hypotheses, theorems in proposals]
    # The smallest set under which it is right; where there is none, the smallest set.
    right = (c for c in claims[1:] if compare(c, c.setting).agrees)
    first = claims[0] if claims else _claim(question, (), spoken, ())
    return _audit(first if len(claims) < 2 or compare(first, first.setting).agrees else next(right, first))


def _proposals(question: Question, spoken: Spoken) -> Iterator[tuple[tuple[Hypothesis, ...], tuple[str, ...]]]:
    """Yield sets of hypotheses under which a theorem speaks of the left side, the smallest first."""
    lhs, rhs = question.sides
    about: list[Speaker] = []
    for speakers, side in ((spoken.theorems, lhs), (spoken.theorems, rhs), (spoken.more, lhs), (spoken.more, rhs)):
        about = about or [one for one in speakers if one.speaks_of(side)]
    about.sort(key=lambda one: (not one.says(question.statement.relation), len(one.assumed)))
    met: set[frozenset[str]] = set()
    for one in about:
        hypotheses = one.assumed
        keys = frozenset(h.key for h in hypotheses)
        if keys not in met:
            met.add(keys)
            yield hypotheses, (one.theorem,)
    every = tuple(dict.fromkeys(h for one in about for h in one.assumed))
    if about and frozenset(h.key for h in every) not in met and not contradict(every):
        yield every, tuple(dict.fromkeys(one.theorem for one in about))


# ---- the audit


def _audit(claim: Claim) -> Audit:
    if claim.printed.relation in ("->", "~"):
        return audit_limit(claim)
    try:
        found = audit_claim(claim)
    except Inconsistent as reason:
        return Audit(claim, Finding.UNDECIDED, f"what is derived and a tiny world contradict each other: {reason}")
    if found.finding is not Finding.UNDECIDED:
        return found
    return replace(found, evidence=found.evidence.replace(f"{AS_STEPS}; both sides equal", "not refuted: they agree"))


def _claim(question: Question, hypotheses: tuple[Hypothesis, ...], spoken: Spoken, theorems: tuple[str, ...]) -> Claim:
    written = _written(question, spoken)
    setting = Setting(
        tuple(dict.fromkeys((*hypotheses, *written, *_names(question, spoken), *question.fixed.hypotheses))),
        Facts((*_facts(question, spoken), *question.fixed.facts)),
        _over(question),
    )
    notes = [*question.reading.explained()]
    if theorems:
        keys = ", ".join(h.key for h in hypotheses) or "nothing"
        notes.append(f"no assumption was given: those of {' and '.join(theorems)} are proposed ({keys})")
    return Claim(
        id=question.id,
        title=" ".join(question.reading.text.split())[:200],
        source="The equation that was given",
        where="as it stands",
        printed=question.statement,
        setting=setting,
        against=_in_order(spoken, setting),
        reading=Words("; ".join(notes).replace("{}", "{ }") + ".") if notes else None,
    )


def _written(question: Question, spoken: Spoken) -> tuple[Hypothesis, ...]:
    """Return what the notation says by itself: Var[W^i] is one variance that all weights of a layer share."""
    families = {v.family for side in question.sides for v in side.atoms(SharedVariance)}
    known = [WEIGHTS_SHARE_VARIANCE, INPUTS_SHARE_VARIANCE, BIASES_SHARE_VARIANCE, OUTPUT_GRADIENT_SHARES_VARIANCE]
    if question.network is not None:
        known = [*question.network.hypotheses]
    elif question.theorem is not None:
        known = [h for one in spoken.theorems for h in one.derivation.setting.hypotheses]
    shared = (next((h for h in known if _shares(h, family)), None) for family in sorted(families, key=str))
    return tuple(h for h in shared if h is not None)


def _shares(hypothesis: Hypothesis, family: Family) -> bool:
    return any(p.family == family and Kind.SHARED_VARIANCE in p.kind.all for p in hypothesis.properties)


def _names(question: Question, spoken: Spoken) -> tuple[Hypothesis, ...]:
    """Return the definitions of the names that the theorems about the left side use, such as the gain of weights."""
    about = [one for one in spoken.theorems if one.speaks_of(question.statement.lhs)]
    rests = (h for one in about if one.says(question.statement.relation) for h in one.derivation.rests_on)
    return tuple(h for h in rests if h.declares(Kind.DEFINITION))


def _in_order(spoken: Spoken, setting: Setting) -> tuple[Speaker, ...]:
    """Return what it is held against: formulas that hold here and need no other, then the rest, then those again."""
    every = once((*spoken.theorems, *spoken.more))
    here = [one for one in every if _discharged(one, setting)]
    closed = [one for one in here if one.closed and isinstance(one.derivation.statement.lhs, Variance | Average)]
    closed = [
        one for n, one in enumerate(closed) if not any(c.speaks_of(one.derivation.statement.lhs) for c in closed[:n])
    ]
    others = [one for one in every if one not in closed]
    kept = [one for one in others if not _superseded(one, closed)]
    return (*closed, *kept, *(closed if kept else ()))


def _superseded(one: Speaker, closed: list[Speaker]) -> bool:
    """Return whether a formula that needs no other is about the same left side, at any layer."""
    left = one.derivation.statement.lhs
    return not one.closed and any(other.speaks_of(left) for other in closed)


def _discharged(one: Speaker, setting: Setting) -> bool:
    try:
        require_hypotheses(one.derivation, setting)
    except (Undischarged, InputError):
        return False
    return True


def _facts(question: Question, spoken: Spoken) -> tuple[Expr, ...]:
    """Return what is known of the layers and sizes: that they exist, or what the theorem knows of its own."""
    if question.theorem is None and question.network is None:
        return layer_facts(*question.sides)
    about = [one for one in spoken.theorems if one.speaks_of(question.statement.lhs)]
    return tuple(dict.fromkeys(fact for one in about for fact in one.derivation.setting.facts.nonnegative))


def _over(question: Question) -> Over:
    overs = [n.over for side in question.sides for n in preorder_traversal(side) if isinstance(n, Bracket)]
    return overs[0] if overs else EVERYTHING


def layer_facts(*sides: Basic) -> tuple[Expr, ...]:
    """Return what must be true for the layers that are spoken of to exist: expressions that are not negative.

    The layers that are named exist, too: s^{i+1} is about a layer i.
    """
    least: dict[Expr, Expr] = {}
    for side in sides:
        inner = bound_indices(side)
        layers = [n.layer for n in side.atoms(Entry) if n.layer is not None]
        layers += [layer for n in side.atoms(SharedVariance) for layer in n.layer]
        for layer in layers:
            for fact in (layer, d - layer, *(layer.free_symbols - {d})) if not layer.free_symbols & inner else ():
                constant, symbolic = expand(fact).as_coeff_Add()
                if symbolic == 0:
                    continue
                # Of facts that differ by a number, the strongest says all.
                least[symbolic] = min(constant, least.get(symbolic, constant))
    return tuple(symbolic + constant for symbolic, constant in least.items())
