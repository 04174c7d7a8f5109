"""Averages over the many units of a wide layer, or over a large batch, settle at their means over networks."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Mul, Sum, Symbol

from derive.averages import Average
from derive.indices import K
from derive.kinds import Kind
from derive.network import Width
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Entry, Family, Over
from derive.rules.pairs import require_apart
from derive.setting import Setting

SELF_AVERAGING = Kind(
    "SELF_AVERAGING", "averages over its units settle at their mean as there are more and more", infinite=True
)
MANY_SAMPLES = Kind("MANY_SAMPLES", "its samples are more and more", infinite=True)


@dataclass(frozen=True)
class SelfAveraging(Rule):
    """E[h(z_k, (1/n) sum_l g(z_l))] -> E[h(z_k, E[g(z_k)])]

    ``unit`` is k; n is the width of a layer, or ``many``, such as the size of a batch. In the limit of wide layers the
    average over a layer's units is a constant, of which a single unit is a share of 1/n: its derivative with respect
    to one unit vanishes, too.

    Obligation: the limit is declared of what is averaged; all units of the layer are alike.
    """

    unit: Expr = K
    many: Expr | None = None
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
        settled = _Settled(self.unit, self.many, node.over)
        inside = settled(node.inside[0])
        if not settled.families:
            return None
        uses = frozenset[str]().union(*(setting.require(SELF_AVERAGING, family) for family in settled.families))
        return Rewrite(Average(inside, node.over), uses)


class _Settled:
    """Replaces averages over units; ``families`` are those that were averaged."""

    def __init__(self, unit: Expr, many: Expr | None, over: Over) -> None:
        self.unit, self.many, self.over, self.families = unit, many, over, set[Family]()

    def _large(self, size: Expr) -> bool:
        return size.has(Width if self.many is None else self.many)

    def _is_total(self, e: Expr) -> bool:
        return isinstance(e, Sum) and len(e.limits) == 1 and self._large(e.limits[0][2])

    def _mean(self, total: Sum) -> Expr:
        index = total.limits[0][0]
        self.families |= {a.family for a in total.function.atoms(Entry) if a.has(index)}
        return Average(self(total.function).subs(index, self.unit), self.over)

    def __call__(self, e: Expr) -> Expr:
        if not e.has(Sum):
            return e
        factors = Mul.make_args(e)
        averages = [_powers(f) for f in factors if self._is_total(f.as_base_exp()[0])]
        sizes = Mul(*(f for f in factors if self._large(f) and not f.has(Entry)))
        # What is left when every sum has its number of terms below it.
        if averages and not self._large(sizes * Mul(*(total.limits[0][2] ** power for total, power in averages))):
            rest = [
                f
                for f in factors
                if not self._is_total(f.as_base_exp()[0]) and not (self._large(f) and not f.has(Entry))
            ]
            return Mul(*map(self, rest), *(self._mean(total) ** power for total, power in averages))
        return e.func(*map(self, e.args)) if e.args else e


def _powers(e: Expr) -> tuple[Expr, Expr]:
    base, power = e.as_base_exp()
    return base, power


@dataclass(frozen=True)
class SettledVariance(Rule):
    """E[h(V_k)] -> E[h(E[(z_tk - z_uk)^2]/2)], with V_k the variance of z_k over a large batch

    The unit is a weighted sum over a wide layer: its variance over samples settles as batch and width grow.

    Obligation: the limit is declared of the variance; t and u are two samples.
    """

    variance: Family
    values: Family
    samples: tuple[Expr, Expr]
    name = "settled-variance"
    words = "In a wide layer the variance over a large batch is half the mean squared difference of two samples."
    source = "Yang et al. 2019, A mean field theory of batch normalization"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the variance over the batch inside a mean."""
        if not isinstance(node, Average):
            return None
        found = [e for e in node.inside[0].atoms(Entry) if e.family == self.variance]
        if not found:
            return None
        require_apart(self.samples, setting)
        uses = setting.require(SELF_AVERAGING, self.variance)
        one, other = self.samples
        values = {
            e: Average((self.values(one, *e.units) - self.values(other, *e.units)) ** 2, node.over) / 2 for e in found
        }
        return Rewrite(Average(node.inside[0].xreplace(values), node.over), uses)


@dataclass(frozen=True)
class LargeBatch(Rule):
    """c/(B - 1) -> 0 as B grows, where c does not depend on B

    Obligation: the samples of the batch are declared to be many.
    """

    size: Symbol
    values: Family
    name = "large-batch"
    words = "As the batch grows, this vanishes."
    source = "Yang et al. 2019, A mean field theory of batch normalization"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace what falls with the size of the batch by 0."""
        if not isinstance(node, Mul):
            return None
        rest, share = node.as_independent(self.size)
        if share != 1 / (self.size - 1) or rest.has(self.size):
            return None
        return Rewrite(Integer(0), setting.require(MANY_SAMPLES, self.values))
