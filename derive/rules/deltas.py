"""Rules for sums with indicators in them: which term of a sum is meant, where an index is not the sum's own."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, KroneckerDelta, Mod, Mul, Sum, Symbol, floor

from derive.proof.rule import Rewrite, Rule
from derive.setting import Setting, Undischarged


@dataclass(frozen=True)
class OnlyTerm(Rule):
    """sum_m delta_{u(m) p} X_m = X_q, where q is the only m with u(m) = p

    ``places`` are q for the indices of the sum, in the order of its limits, as functions of what the deltas compare
    with; that there is no other term is seen in tiny worlds.
    """

    places: tuple[Expr, ...]
    name = "only-term"
    words = "A single term is left: the one that the indices name."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Put the places for the indices of the sum, and drop the deltas."""
        if not isinstance(node, Sum) or len(node.limits) != len(self.places):
            return None
        rest, deltas = _deltas(node.function)
        if not deltas:
            return None
        indices = tuple(index for index, *_ in node.limits)
        return Rewrite(rest.subs(dict(zip(indices, self.places, strict=True)), simultaneous=True))


@dataclass(frozen=True)
class FullTurn(Rule):
    """sum_{t=1}^{T} sum_r delta_{p, (t + r) mod T + 1} X_r = sum_r X_r, for 1 <= p <= T

    Obligation: the facts say that p is one of the T places.
    """

    name = "full-turn"
    words = "Counted around, every place is looked at once."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Drop an index that runs through all places once, and the delta that it is in."""
        if not isinstance(node, Sum):
            return None
        rest, deltas = _deltas(node.function)
        for delta in deltas:
            for index, low, high in node.limits:
                place, around = sorted(delta.args[:2], key=lambda side: side.has(index))
                turn = next((m for m in around.atoms(Mod) if around == m + 1), None)
                others = [limit for limit in node.limits if limit[0] != index]
                bound = [end for _, *ends in others for end in ends]
                if turn is None or low != 1 or high != turn.args[1] or turn.args[0].diff(index) != 1:
                    continue
                if any(e.has(index) for e in (place, rest, *(d for d in deltas if d != delta), *bound)):
                    continue
                if not (setting.facts.at_least(place, 1) and setting.facts.at_least(high, place)):
                    raise Undischarged(f"nothing says that {place} is one of 1 to {high}")
                return Rewrite(Sum(node.function / delta, *others))
        return None


@dataclass(frozen=True)
class OneToOne(Rule):
    """sum_t sum_t' delta_{u(t) p} delta_{u(t') p} X_t Y_t' = sum_t delta_{u(t) p} X_t Y_t, where u takes no value twice

    Obligation: u(t) is linear in t, or that modulo a number that all its values are less than apart.
    """

    name = "one-to-one"
    words = "An index is looked at by one other at most: terms of two different ones vanish."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join pairs of indices that two deltas compare with the same."""
        after = node
        while isinstance(after, Sum) and (joined := _joined(after)) is not None:
            after = joined
        return None if after == node else Rewrite(after)


def _deltas(e: Expr) -> tuple[Expr, list[KroneckerDelta]]:
    deltas = [f for f in Mul.make_args(e) if isinstance(f, KroneckerDelta)]
    return Mul(*(f for f in Mul.make_args(e) if f not in deltas)), deltas


def _joined(node: Sum) -> Sum | None:
    limits = {index: ends for index, *ends in node.limits}
    _, deltas = _deltas(node.function)
    for one in deltas:
        for other in deltas:
            for t, u in ((t, u) for t in limits for u in limits if t != u and limits[t] == limits[u]):
                if one.has(t) and not one.has(u) and one.xreplace({t: u}) == other:
                    _require_one_to_one(one, t, limits[t][1])
                    return _without(node, u, t, other)
    return None


def _without(node: Sum, index: Symbol, kept: Symbol, delta: Expr) -> Sum:
    """Return the sum without one index, for which another is put, and without the delta that held it."""
    limits = []
    for mine, *ends in node.limits:
        if mine != index:
            # Ends that both indices have are there once.
            limits.append((mine, *(end.xreplace({index: kept}) for end in ends)))
    return Sum((node.function / delta).xreplace({index: kept}), *limits)


def _require_one_to_one(delta: KroneckerDelta, t: Symbol, last: Expr) -> None:
    side = next(e for e in delta.args[:2] if e.has(t))
    turn = next((m for m in side.atoms(Mod) if m.has(t)), None)
    inside, around = (side, t) if turn is None else (turn.args[0], side - turn)
    step = inside.diff(t)
    problem = f"nothing says that {side} takes no value twice, for {t} up to {last}"
    if not (step.is_Integer and step > 0) or (inside - step * t).has(t) or (turn is not None and around.has(t)):
        raise Undischarged(problem)
    # The first and the last value are less than a turn apart.
    if turn is not None and last != floor((turn.args[1] + step - 1) / step):
        raise Undischarged(problem)
