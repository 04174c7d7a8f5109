"""Rules for samples that are drawn independently from one law, and seen by the same network."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul, Symbol

from derive.averages import Average
from derive.hypotheses import Kind
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry, Family, Over
from derive.rules.finite_moments import finite
from derive.setting import Setting, Undischarged


@dataclass(frozen=True)
class IndependentSamples(Rule):
    """<X_t Y_u> = <X_t> <Y_u> for two samples t and u, whatever else X and Y depend on

    The mean is over the samples alone: what it leaves fixed, such as the network, both factors may share.

    Obligation: t and u differ; what is drawn for a sample is drawn independently of what is drawn for another one and
    of what is left fixed.
    """

    first: Symbol
    second: Symbol
    name = "independent-samples"
    words = "With the network fixed, what it makes of one sample is independent of what it makes of another."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Split the mean of a product of factors of one sample and factors of another."""
        if not isinstance(node, Average):
            return None
        one, other = (
            Mul(*(f for f in Mul.make_args(node.inside[0]) if f.has(index))) for index in (self.first, self.second)
        )
        if one == 1 or other == 1 or one * other != node.inside[0]:
            return None
        left, right = ([r for r in setting.reach(e)[0] if r.family.source in node.over.sources] for e in (one, other))
        uses = setting.apart(one * other, one * other, node.over) | finite(setting, node)
        for a in left:
            for c in right:
                if a.family == c.family and not a.disjoint(c, setting.facts, setting.differ):
                    raise Undischarged(f"{one} and {other} may depend on the same scalars of {a.family.name}")
                uses |= setting.require(Kind.ENTRIES_INDEPENDENT, a.family)
        uses |= setting.families_independent({a.family for a in left}, {c.family for c in right})
        return Rewrite(Average(one, node.over) * Average(other, node.over), uses)


@dataclass(frozen=True)
class SamplesAlike(Rule):
    """<X_u> = <X_t>: the mean over samples is the same for every sample

    Obligation: what is drawn for a sample has the same law as what is drawn for another one, and is independent of what
    the mean leaves fixed.
    """

    index: Symbol
    instead: Symbol
    name = "samples-alike"
    words = "Every sample has the same law."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write the mean of one sample for that of another."""
        if not isinstance(node, Average) or not node.inside[0].has(self.index) or node.inside[0].has(self.instead):
            return None
        inside = node.inside[0]
        drawn = _drawn_for(inside, self.index, node.over)
        if drawn is None:
            return None
        uses = setting.apart(inside, inside, node.over)
        for family in drawn:
            for kind in (Kind.IDENTICAL, Kind.ENTRIES_INDEPENDENT):
                uses |= setting.require(kind, family)
        return Rewrite(Average(inside.subs(self.index, self.instead), node.over), uses)


def _drawn_for(e: Expr, index: Symbol, over: Over) -> set[Family] | None:
    """Return what is drawn for a sample, if an expression knows of the sample by that alone; None otherwise."""
    drawn: set[Family] = set()
    waiting, met = [e], set[Family]()
    while waiting:
        node = waiting.pop()
        if not node.has(index):
            continue
        if not isinstance(node, Entry):
            waiting += node.args
            if node == index:
                return None
        elif any(u != index and u.has(index) for u in node.indices) or node.layer == index:
            return None
        elif node.family.source is None and node.family not in met:
            # What it is made of; layers before it are made likewise.
            met.add(node.family)
            waiting.append(node.definition)
        elif node.family.source in over.sources:
            drawn.add(node.family)
        elif node.family.source is not None:
            return None
    return drawn or None
