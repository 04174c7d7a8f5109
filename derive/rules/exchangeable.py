"""Rules for the samples of a batch, none of which is special: their joint law does not depend on their order."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, KroneckerDelta, Mul, Sum, Symbol

from derive.averages import Average
from derive.indices import fresh_index
from derive.kinds import Kind
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.rules.pairs import require_apart, unequal
from derive.setting import Setting

EXCHANGEABLE = Kind(
    "EXCHANGEABLE",
    "its joint law does not depend on the order of the samples",
    implies=(Kind.IDENTICAL,),
    # Samples that are drawn apart from one law are so.
    apart=lambda index: index,
)


@dataclass(frozen=True)
class AnySample(Rule):
    """E[X_t^m] = E[(1/B) sum_s X_s^m]

    X is made of a batch of B samples in the same way for each, and of nothing else that is random.
    Obligation: the samples are exchangeable.
    """

    sample: Expr
    name = "any-sample"
    words = "No sample of a batch is special: the mean of one is the mean of their average."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write the mean of a power at one sample as that of the average over all."""
        entry, power = _of_sample(node, self.sample)
        if entry is None:
            return None
        index, size = _all(entry, node)
        total = Sum(entry.subs(self.sample, index) ** power, (index, Integer(1), size))
        return Rewrite(Average(total / size, node.over), alike(entry, setting) | finite(setting, node))


@dataclass(frozen=True)
class AnyOtherSample(Rule):
    """E[X_t X_u] = E[X_t (sum_s X_s - X_t)]/(B - 1), where t and u differ

    X is made of a batch of B samples in the same way for each, and of nothing else that is random.
    Obligation: the samples are exchangeable, and t and u differ.
    """

    sample: Expr
    other: Expr
    name = "any-other-sample"
    words = "No other sample of a batch is special: the mean product with one is that with the average of all others."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write the mean product of two samples as that of one with all others."""
        if not isinstance(node, Average) or len(Mul.make_args(node.inside[0])) != 2:
            return None
        two = {e for e in Mul.make_args(node.inside[0]) if isinstance(e, Entry)}
        one = next((e for e in two if e.has(self.sample)), None)
        if one is None or two != {one, one.subs(self.sample, self.other)}:
            return None
        require_apart((self.sample, self.other), setting)
        index, size = _all(one, node)
        others = Sum(one.subs(self.sample, index), (index, Integer(1), size)) - one
        return Rewrite(Average(one * others, node.over) / (size - 1), alike(one, setting) | finite(setting, node))


@dataclass(frozen=True)
class EqualSamples(Rule):
    """sum_j E[X_j] = B E[X_t], and sum_j sum_k (1 - delta_jk) E[X_jk] = B (B - 1) E[X_tu], where t and u differ

    X is made of a batch of B samples in the same way for each, and of nothing else that is random.
    Obligation: the samples are exchangeable, and t and u differ.
    """

    first: Symbol
    second: Symbol
    name = "equal-samples"
    words = "No sample of a batch is special, and no pair: a sum over them is their number times the mean of one."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Count the samples, or the pairs of different ones."""
        if not isinstance(node, Sum) or len({size for _, _, size in node.limits}) != 1:
            return None
        mean, *others = (f for f in Mul.make_args(node.function) if not isinstance(1 - f, KroneckerDelta))
        indices, size = tuple(index for index, *_ in node.limits), node.limits[0][2]
        different = unequal(node)
        if others or not isinstance(mean, Average) or (different or frozenset(indices[:1])) != frozenset(indices):
            return None
        if not _is_of_samples(mean.inside[0], indices, size):
            return None
        require_apart((self.first, self.second), setting)
        names = dict(zip(indices, (self.first, self.second), strict=False))
        count = size * (size - 1) if different else size
        uses = alike(mean.inside[0], setting) | finite(setting, mean)
        return Rewrite(count * Average(mean.inside[0].subs(names, simultaneous=True), mean.over), uses)


def _is_of_samples(e: Expr, indices: tuple[Symbol, ...], size: Expr) -> bool:
    """Return whether the indices are samples of a batch, wherever they stand, and no other sample is spoken of."""
    entries = e.atoms(Entry)
    batches = [a for a in entries if a.family.extents(a.layer or Integer(0))[:1] == (size,)]
    placed = all(a.units[0] in indices and not any(unit.has(*indices) for unit in a.units[1:]) for a in batches)
    named = e.xreplace({a: Integer(1) for a in entries}).has(*indices)
    return placed and bool(batches) and not named and not any(a.has(*indices) for a in entries - {*batches})


def _of_sample(node: Expr, sample: Expr) -> tuple[Entry | None, Expr]:
    if not isinstance(node, Average):
        return None, Integer(0)
    entry, power = node.inside[0].as_base_exp()
    fits = isinstance(entry, Entry) and entry.family.source is None and entry.has(sample)
    return (entry if fits else None), power


def _all(entry: Entry, node: Expr) -> tuple[Symbol, Expr]:
    """Return an index over all samples, which come first, and their number."""
    return fresh_index(node), entry.family.extents(entry.layer or Integer(0))[0]


def alike(e: Expr, setting: Setting) -> frozenset[str]:
    """Return by what the samples of all that a quantity is made of are exchangeable."""
    drawn = {reach.family for reach in setting.reach(e)[0]}
    uses = frozenset[str]().union(*(setting.require(EXCHANGEABLE, family) for family in drawn))
    return uses | setting.all_independent(*drawn)
