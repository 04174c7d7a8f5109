"""A setting: the hypotheses of a theorem, what is known of its layer indices, and what its averages are over.

Rules ask the setting to discharge their obligations. Every answer names the hypotheses that it rests on; an
obligation that no hypothesis discharges is an error, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product as cartesian

from sympy import Eq, Expr, Mul, sympify

from derive.cost import CostFunction, Partial
from derive.dependence import Reach, reach
from derive.dependence.backflow import network
from derive.errors import Undischarged as Undischarged
from derive.hypotheses import SLOPE_ONE, Hypothesis, Kind, Property
from derive.kinds import require_one_meaning
from derive.layers import Facts
from derive.randomness import EVERYTHING, WEIGHTS, Entry, Family, Over


@dataclass(frozen=True)
class Setting:
    """Hypotheses, facts about layers, pairs of indices known to differ, and the default meaning of averages."""

    hypotheses: tuple[Hypothesis, ...]
    facts: Facts = Facts()
    over: Over = EVERYTHING
    differ: frozenset[frozenset[Expr]] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Raise `InputError` where two hypotheses have one key and do not say the same."""
        require_one_meaning(self.hypotheses)

    def where(self, *nonnegative: Expr) -> Setting:
        """Return the setting with more layer facts."""
        return replace(self, facts=self.facts.also(*nonnegative))

    def with_distinct(self, left: Expr, right: Expr) -> Setting:
        """Return the setting in which the two indices are known to differ."""
        return replace(self, differ=self.differ | {frozenset((left, right))})

    def without(self, key: str) -> Setting:
        """Return the setting with one hypothesis taken away, to see whether it was needed."""
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h.key != key))

    def only(self, keys: frozenset[str]) -> Setting:
        """Return the setting with those of its hypotheses that have the given keys."""
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h.key in keys))

    def finite(self) -> Setting:
        """Return the setting without the properties that no finite law has."""
        if not any(p.kind.infinite for h in self.hypotheses for p in h.properties):
            return self
        kept = (replace(h, properties=tuple(p for p in h.properties if not p.kind.infinite)) for h in self.hypotheses)
        return replace(self, hypotheses=tuple(kept))

    def assuming(self, *more: Hypothesis) -> Setting:
        """Return the setting with further hypotheses."""
        return replace(self, hypotheses=(*self.hypotheses, *(h for h in more if h not in self.hypotheses)))

    def citing(self, kind: Kind, family: Family | None = None, *others: Family, order: int = 0) -> Hypothesis | None:
        """Return the hypothesis that declares a property, of several other families together, or None."""
        declared = self._declared.get((kind, family), ())
        wanted = Property(kind, family, *others, order=order) if declared else None
        return next((h for p, h in declared if wanted is not None and p.covers(wanted)), None)

    @cached_property
    def _declared(self) -> dict[tuple[Kind, Family | None], list[tuple[Property, Hypothesis]]]:
        """Who declares what of each family."""
        found: dict[tuple[Kind, Family | None], list[tuple[Property, Hypothesis]]] = {}
        for h in self.hypotheses:
            for p in h.properties:
                for family in dict.fromkeys((p.family, *p.others)):
                    found.setdefault((p.kind, family), []).append((p, h))
        return found

    def said_of(self, family: Family) -> frozenset[Kind]:
        """Return what is declared of a family alone, with what that implies for its laws."""
        if family not in self._said:
            alone = (p.kind.all for h in self.hypotheses for p in h.properties if (p.family, p.others) == (family, ()))
            self._said[family] = frozenset().union(*alone)
        return self._said[family]

    @cached_property
    def _said(self) -> dict[Family, frozenset[Kind]]:
        return {}

    def require(self, kind: Kind, family: Family | None = None, *others: Family, order: int = 0) -> frozenset[str]:
        """Return the key of the hypothesis that declares a property, or raise `Undischarged`."""
        found = self.citing(kind, family, *others, order=order)
        if found is None:
            about = " and ".join(f.name for f in (family, *others) if f is not None)
            much = f" (order {order})" if order else ""
            raise Undischarged(f"needed and not assumed{f' of {about}' if about else ''}: {kind.value}{much}")
        return frozenset({found.key})

    def stating(self, equation: Eq) -> Hypothesis:
        """Return the hypothesis that states an equation, or raise `Undischarged`."""
        found = self._stating(equation)
        if found is None:
            raise Undischarged(f"no hypothesis states {equation}")
        return found

    def _stating(self, equation: Eq) -> Hypothesis | None:
        return next((h for h in self.hypotheses if h.states(equation)), None)

    def require_positive(self, e: Expr) -> frozenset[str]:
        """Return the hypotheses by which an expression is positive (none where it always is), or raise."""
        if e.is_positive:
            return frozenset()
        found = next((h for h in self.hypotheses if e in h.positive), None)
        if found is None:
            raise Undischarged(f"needed and not assumed: {e} > 0")
        return frozenset({found.key})

    def reach(self, expression: Expr) -> tuple[frozenset[Reach], frozenset[str]]:
        """Return what an expression depends on, with the hypotheses that the answer rests on."""
        costs = {p.target for p in sympify(expression).atoms(Partial) if isinstance(p.target, CostFunction)}
        linear, drawn = self._stating(SLOPE_ONE), [self._closing(cost) for cost in costs]
        closed = [uses for uses in drawn if uses is not None]
        found = reach(expression, linear=linear is not None, closed_cost=len(closed) == len(drawn))
        regime = {linear.key} if linear is not None and costs else set()
        return found, frozenset(regime).union(*closed)

    def drawn_gradient(self, cost: CostFunction) -> frozenset[str]:
        """Return the hypotheses by which the gradient at the output is drawn apart from the weights, or raise."""
        families = [family for family in network(cost) if family.source is not None]
        weights = [family for family in families if family.source == WEIGHTS] or families
        return self.families_independent({cost.gradient}, {*weights})

    def closes(self, cost: CostFunction) -> bool:
        """Return True when the gradient at the output is declared to be drawn apart from the weights."""
        return self._closing(cost) is not None

    def _closing(self, cost: CostFunction) -> frozenset[str] | None:
        try:
            return self.drawn_gradient(cost)
        except Undischarged:
            return None

    def independent(self, left: Expr, right: Expr) -> frozenset[str]:
        """Return the hypotheses by which two expressions are independent, or raise `Undischarged`."""
        (left_reach, left_uses), (right_reach, right_uses) = self.reach(left), self.reach(right)
        uses = left_uses | right_uses
        for a, c in cartesian(left_reach, right_reach):
            if a.family == c.family:
                if not a.disjoint(c, self.facts, self.differ):
                    raise Undischarged(f"{left} and {right} may both depend on the same scalars of {a.family.name}")
                uses |= self.require(Kind.ENTRIES_INDEPENDENT, a.family)
        return uses | self.families_independent({r.family for r in left_reach}, {r.family for r in right_reach})

    def families_independent(self, left: set[Family], right: set[Family]) -> frozenset[str]:
        """Return the hypotheses by which two sets of families are independent of each other, or raise `Undischarged`.

        A family that is declared independent of all the others together is set aside, until one side has none left.
        Independence of each other in pairs is not enough: three signs with C = A B are so.
        """
        uses: frozenset[str] = frozenset()
        while left and right:
            family, why = self._set_aside(left | right)
            left, right, uses = left - {family}, right - {family}, uses | why
        return uses

    def all_independent(self, *families: Family) -> frozenset[str]:
        """Return the hypotheses by which families are independent of each other, all together, or raise."""
        rest, uses = {*families}, frozenset[str]()
        while len(rest) > 1:
            family, why = self._set_aside(rest)
            rest, uses = rest - {family}, uses | why
        return uses

    def discharge(self, p: Property) -> frozenset[str]:
        """Return the hypotheses by which a property holds, or raise; independence may follow from several of them."""
        if p.kind == Kind.INDEPENDENT_OF and p.family is not None:
            return self.families_independent({p.family}, {*p.others})
        return self.require(p.kind, p.family, *p.others, order=p.order)

    def _set_aside(self, families: set[Family]) -> tuple[Family, frozenset[str]]:
        """Return a family that is declared independent of all the others together, and the key that declares it."""
        ordered = sorted(families, key=lambda f: f.name)
        for family in ordered:
            others = [f for f in ordered if f != family]
            one = self.citing(Kind.INDEPENDENT_OF, family, *others) if others else None
            if one is not None or not others:
                return family, frozenset({one.key} if one is not None else ())
        names = " and ".join(f.name for f in ordered)
        if len(ordered) == 2:
            raise Undischarged(f"no hypothesis makes {names} independent of each other")
        raise Undischarged(f"no hypothesis makes one of {names} independent of the others together")

    def apart(self, averaged: Expr, fixed: Expr, over: Over) -> frozenset[str]:
        """Return the hypotheses by which what is averaged has one law whatever the fixed quantity is.

        Raises `Undischarged` where they may depend on each other: then a mean over part of the randomness is not
        one over the rest's law.
        """
        random = {r.family for r in self.reach(averaged)[0] if r.family.source in over.sources}
        still = {r.family for r in self.reach(fixed)[0] if r.family.source not in over.sources}
        return self.families_independent(random, still)

    def stays(self, fixed: Expr, over: Over) -> frozenset[str]:
        """Return the hypotheses by which a mean leaves a quantity as it is: nothing averaged depends on it."""
        return self.families_independent(
            {r.family for r in self.reach(fixed)[0]}, self._named(lambda f: f.source in over.sources)
        )

    def _named(self, which: Callable[[Family], bool]) -> set[Family]:
        """Return the drawn families that hypotheses speak of; not those that nothing depends on."""
        named = {f for h in self.hypotheses for p in h.properties for f in p.families}
        return {f for f in named if f.source is not None and not f.source.last and which(f)}

    def of_one_law(self, family: Family, over: Over) -> frozenset[str]:
        """Return the hypotheses by which a family's law does not depend on the families that ``over`` leaves fixed."""
        return self.families_independent({family}, self._named(lambda f: f.source not in over.sources))

    def is_random(self, expression: Expr, over: Over) -> bool:
        """Return True when an expression depends on a source that the average is over."""
        return any(r.family.source in over.sources for r in self.reach(expression)[0])

    def centred_factor(self, product: Expr) -> frozenset[str]:
        """Return the hypotheses by which a product has mean zero: a centred drawn factor, independent of the rest."""
        reasons = []
        for factor in Mul.make_args(product):
            if isinstance(factor, Entry) and factor.family.source is not None:
                try:
                    centred = self.require(Kind.ZERO_MEAN, factor.family)
                    return centred | self.independent(factor, product / factor)
                except Undischarged as failure:
                    reasons.append(str(failure))
        raise Undischarged(f"no centred factor of {product} is independent of the rest: " + "; ".join(reasons))
