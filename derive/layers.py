"""Layer arithmetic: what is known about symbolic layer indices, decided by non-negative combinations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product as cartesian
from typing import Any

from sympy import Expr, Integer, Symbol, expand, sympify

i = Symbol("i", integer=True)
d = Symbol("d", integer=True)

_LARGEST_COEFFICIENT = 3
Terms = dict[Any, Any]


@dataclass(frozen=True)
class Facts:
    """Integer expressions that are known to be non-negative.

    A question "is ``e >= 0``?" is answered yes when ``e`` minus a combination of the facts with small
    non-negative integer coefficients is a non-negative number. That is sound, and it is complete enough
    for statements such as ``i - 1 < i`` or ``i < d  =>  i + 1 <= d``.
    """

    nonnegative: tuple[Expr, ...] = ()

    def also(self, *expressions: Expr) -> Facts:
        """Return these facts and more."""
        return Facts((*self.nonnegative, *(sympify(e) for e in expressions)))

    def at_least(self, left: Expr, right: Expr | int) -> bool:
        """Return True when ``left >= right`` follows from the facts."""
        return _follows(self.nonnegative, sympify(left) - right)

    def less(self, left: Expr, right: Expr | int) -> bool:
        """Return True when ``left < right`` follows from the facts."""
        return self.at_least(sympify(right) - left, Integer(1))

    def distinct(self, left: Expr, right: Expr) -> bool:
        """Return True when ``left != right`` follows from the facts."""
        return self.less(left, right) or self.less(right, left)

    def hold_at(self, values: dict[Symbol, int]) -> bool:
        """Return True when every fact is true at these values of the layer symbols."""
        return _hold(self.nonnegative, frozenset(values.items()))

    def allow(self, values: dict[Symbol, int]) -> bool:
        """Return True when every fact that these values decide is true."""
        return all(
            _hold((f,), frozenset((s, values[s]) for s in free)) for f, free in self._told if free <= values.keys()
        )

    @cached_property
    def _told(self) -> tuple[tuple[Expr, frozenset[Symbol]], ...]:
        return tuple((f, frozenset(f.free_symbols)) for f in self.nonnegative)


def _without(terms: Terms, coefficients: tuple[int, ...], facts: list[Terms]) -> Terms:
    """Return a sum of terms, as numbers by term, minus a combination of others."""
    rest = dict(terms)
    for coefficient, fact in zip(coefficients, facts, strict=True):
        for term, number in fact.items():
            rest[term] = rest.get(term, 0) - coefficient * number
    return rest


@lru_cache(maxsize=20_000)
def _follows(nonnegative: tuple[Expr, ...], difference: Expr) -> bool:
    """Return True when a difference is not negative where the facts hold."""
    gap = expand(difference)
    if gap.is_number:
        return bool(gap >= 0)
    wanted, *given = (expand(e).as_coefficients_dict() for e in (gap, *nonnegative))
    # What no fact speaks of stays.
    if any(all(term not in fact for fact in given) for term in wanted if term != 1):
        return False
    for coefficients in cartesian(range(_LARGEST_COEFFICIENT + 1), repeat=len(given)):
        rest = _without(wanted, coefficients, given)
        if rest.pop(1, 0) >= 0 and not any(rest.values()):
            return True
    return False


@lru_cache(maxsize=20_000)
def _hold(nonnegative: tuple[Expr, ...], values: frozenset[tuple[Symbol, int]]) -> bool:
    return all(bool(f.subs(dict(values)) >= 0) for f in nonnegative)
