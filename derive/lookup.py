"""One name space: theorems, claims, activations and hypotheses, by their names or as people write them.

A text is a name, or differs from one in case and signs only (``Backward_Variance``), or has some of its words (``eq7``,
``uncentred``), or stands in the place or source that a claim or theorem cites (``equation 2``), or has some words of
both in their order (``Glorot 2010 equation 7``). The first of these that fits anything counts, and of what fits a
theorem before a claim; if that is more than one name, the error lists them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from inspect import unwrap
from typing import TYPE_CHECKING

from derive.claims import CLAIMS
from derive.errors import InputError, close_names, loose
from derive.theorems import THEOREMS

if TYPE_CHECKING:
    from derive.claims.claim import Claim
    from derive.hypotheses import Hypothesis, MadeHypothesis
    from derive.proof.derivation import Derivation
    from derive.words import Words


class Kind(Enum):
    """What a name can stand for, and its plural."""

    THEOREM = "theorem", "theorems"
    CLAIM = "claim", "claims"
    ACTIVATION = "activation", "activations"
    HYPOTHESIS = "hypothesis", "hypotheses"

    def __init__(self, word: str, plural: str) -> None:
        self.word, self.plural = word, plural


@dataclass(frozen=True)
class Named:
    """What a text was found to mean."""

    kind: Kind
    name: str


def lookup(text: str, kinds: Sequence[Kind] = tuple(Kind)) -> Named:
    """Return what a text means among these kinds, by the rules of this module.

    Raises `InputError` where nothing fits, with close matches, or more than one name does.

    >>> lookup("eq7").name, lookup("Backward Variance").name, lookup("equation 2").name
    ('glorot-2010-eq-7', 'backward-variance', 'glorot-2010-eq-7')
    """
    for kind in Kind:
        if loose(text) in map(loose, kind.value):
            raise InputError(f"{text!r} is a kind of name, not one: varprop list {kind.plural} lists them")
    for found in _ranked(text, kinds):
        if len(found) > 1:
            found = [n for n in found if not _varies(n, found)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(_described(n) for n in found[:_MOST_LISTED])
            more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
            raise InputError(f"{text!r} may be any of {listed}{more}")
    close = close_names(text, [n.name for kind in kinds for n in names(kind)])
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else "varprop list shows all, varprop list WORD those with a word"
    )
    raise InputError(f"unknown {kinds[0].word} {text!r}; {hint}")


def deciding(claim: Claim) -> tuple[str, ...]:
    """Return the theorems that a claim is compared with, in the order of use: none where a quadrature decides it."""
    return _theorems_of(claim.against)


def _theorems_of(builders: Iterable[Callable[[], Derivation]]) -> tuple[str, ...]:
    own = {THEOREMS.where(name): name for name in THEOREMS.names()}
    found = []
    for build in builders:
        theorem = getattr(build, "theorem", None)
        if theorem is not None:
            found += [theorem] if theorem in own.values() else []
            continue
        module = build.__module__
        if f"{module}:{build.__name__}" in own:
            found.append(own[f"{module}:{build.__name__}"])
            continue
        # Not a theorem by itself: a part of the one beside it, or a lemma of the first that takes it.
        beside = [name for where, name in own.items() if where.startswith(f"{module}:")]
        users = (
            name for name in own.values() if build in vars(sys.modules[THEOREMS.builder(name).__module__]).values()
        )
        found += beside[-1:] or sorted(users, key=lambda name: not _takes(THEOREMS.builder(name), build))[:1]
    return tuple(dict.fromkeys(found))


def _takes(theorem: Callable[[], Derivation], build: Callable[[], Derivation]) -> bool:
    """Whether a theorem takes a lemma itself: another one of its file may."""
    return build.__name__ in unwrap(theorem).__code__.co_names


def decided(theorem: str) -> tuple[str, ...]:
    """Return the claims that a theorem decides."""
    return tuple(name for name in CLAIMS.names() if theorem in deciding_of(name))


def deciding_of(claim: str) -> tuple[str, ...]:
    """Return the theorems that the claim of a name is compared with, without building it."""
    row = CLAIMS.row(claim)
    return tuple(row.theorems) if row is not None else _theorems_of(CLAIMS.given(claim, "against") or ())


def stands_in(claim: str) -> str:
    """Return the source of the claim of a name, and where in it the formula stands, without building the claim."""
    return ", ".join(str(CLAIMS.given(claim, field)) for field in ("source", "where"))


@cache
def hypotheses() -> dict[str, Hypothesis]:
    """Return every hypothesis that a theorem or an audit can assume, by its key."""
    ready, made = _declared()
    return {h.key: h for h in (*ready, *(one.make() for one in made))}


@cache
def hypothesis_words() -> dict[str, tuple[Words, str]]:
    """Return words and source of every hypothesis, by its key; nothing is derived for those that rest on a theorem."""
    ready, made = _declared()
    return {h.key: (h.text, h.source) for h in ready} | {one.key: (one.words, one.source) for one in made}


def _declared() -> tuple[list[Hypothesis], list[MadeHypothesis]]:
    """Return the hypotheses that stand in files, and those that are made when they are asked for."""
    from derive.hypotheses import Hypothesis, MadeHypothesis

    for name in THEOREMS.names():
        THEOREMS.builder(name)
    homes = [
        module for name, module in sys.modules.items() if name.startswith(("derive.hypotheses", "derive.theorems."))
    ]
    values = [value for module in homes for value in vars(module).values()]
    # A signal carries what its blocks assume.
    objects = [value for value in values if not isinstance(value, type)]
    values += [h for value in objects for h in (value if isinstance(value, tuple) else getattr(value, "assumed", ()))]
    return (
        [value for value in values if isinstance(value, Hypothesis)],
        [value for value in values if isinstance(value, MadeHypothesis)],
    )


_MOST_LISTED = 6


def names(kind: Kind) -> list[Named]:
    """Return all of a kind, in the order in which they are listed."""
    if kind is Kind.ACTIVATION:
        from derive.activations import activations

        return [Named(kind, name) for name in activations()]
    if kind is Kind.HYPOTHESIS:
        return [Named(kind, name) for name in hypothesis_words()]
    listed = THEOREMS.names() if kind is Kind.THEOREM else CLAIMS.names()
    return [Named(kind, name) for name in listed]


def _ranked(text: str, kinds: Sequence[Kind]) -> Iterable[list[Named]]:
    """Yield what fits a text, the better fits first."""
    words, wanted = _words(text), loose(text)
    ranks: list[Callable[[Named], bool]] = [
        lambda n: n.name == text,
        lambda n: loose(n.name) == wanted,
        lambda n: _in_order(words, _words(n.name)),
        lambda n: n.kind is Kind.CLAIM and _holds(_words(str(CLAIMS.given(n.name, "where"))), words),
        lambda n: n.kind is Kind.THEOREM and _holds(_words(THEOREMS.source(n.name)), words),
        lambda n: n.kind is Kind.CLAIM and len(words) > 1 and _in_order(words, _words(stands_in(n.name))),
        lambda n: n.kind is Kind.THEOREM and len(words) > 1 and _in_order(words, _words(THEOREMS.source(n.name))),
    ]
    for fits in ranks:
        for kind in kinds:
            yield [n for n in names(kind) if words and fits(n)]
    if Kind.ACTIVATION in kinds:
        yield _activation(text)


def _activation(text: str) -> list[Named]:
    from derive.activations import activation

    try:
        return [Named(Kind.ACTIVATION, str(activation(text)))]
    except InputError:
        return []


def _words(text: str) -> list[str]:
    """Return the words and numbers of a text: of ``eq7``, ``Eq. (7)`` and ``equation 7`` the same."""
    found = re.findall(r"[a-z]+|\d+", text.lower())
    return [_SHORT.get(word, word) for word in found]


_SHORT = {"equation": "eq", "equations": "eq", "eqn": "eq", "eqs": "eq", "formula": "eq"}


def _in_order(part: list[str], words: list[str]) -> bool:
    left = iter(words)
    return all(word in left for word in part)


def _holds(words: list[str], part: list[str]) -> bool:
    return any(words[i : i + len(part)] == part for i in range(len(words) - len(part) + 1))


def _varies(one: Named, among: list[Named]) -> bool:
    """Whether a name is that of another with something added: glorot-2010-eq-7-homogeneous."""
    return any(one.kind is n.kind and one.name.startswith(f"{n.name}-") for n in among)


def _described(named: Named) -> str:
    if named.kind is not Kind.CLAIM:
        return f"{named.name} ({named.kind.word})"
    return f"{named.name} ({str(CLAIMS.given(named.name, 'where')).partition(';')[0]})"
