"""Averages over the many units of a wide layer settle at their means over networks."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul, Sum

from derive.averages import Average
from derive.indices import K
from derive.kinds import Kind
from derive.network import Width
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Entry, Family, Over
from derive.setting import Setting

SELF_AVERAGING = Kind(
    "SELF_AVERAGING", "averages over its units settle at their mean as there are more and more", infinite=True
)


@dataclass(frozen=True)
class SelfAveraging(Rule):
    """E[h(z_k, (1/n) sum_l g(z_l))] -> E[h(z_k, E[g(z_k)])]

    In the limit of wide layers the average over a layer's units is a constant, of which a single unit is a share of
    1/n: its derivative with respect to one unit vanishes, too.

    Obligation: the limit is declared of what is averaged; all units of the layer are alike.
    """

    unit: Expr = K
    name = "self-averaging"
    words = "As the width grows, the average over the units of a layer settles at its mean over networks."
    source = "Yang 2020, Tensor Programs III (averages over the units of a layer converge)"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the averages over units inside a mean, those inside of others first."""
        if not isinstance(node, Average):
            return None
        settled = _Settled(self.unit, node.over)
        inside = settled(node.inside[0])
        if not settled.families:
            return None
        uses = frozenset[str]().union(*(setting.require(SELF_AVERAGING, family) for family in settled.families))
        return Rewrite(Average(inside, node.over), uses)


class _Settled:
    """Replaces averages over units; ``families`` are those that were averaged."""

    def __init__(self, unit: Expr, over: Over) -> None:
        self.unit, self.over, self.families = unit, over, set[Family]()

    def __call__(self, e: Expr) -> Expr:
        if not e.has(Sum):
            return e
        total = next((a for a in Mul.make_args(e) if isinstance(a, Sum) and len(a.limits) == 1), None)
        if total is not None:
            (index, _, size), rest = total.limits[0], e / total
            share = rest * size
            if size.has(Width) and not share.has(Width):
                self.families |= {a.family for a in total.function.atoms(Entry) if a.has(index)}
                return share * Average(self(total.function).subs(index, self.unit), self.over)
        return e.func(*map(self, e.args)) if e.args else e
