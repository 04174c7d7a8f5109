"""Rules for pre-activations whose weights may all change their sign, and for absolute values of products."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Abs, Add, Dummy, Expr, Integer, Mul, Rational, Sum, collect, expand, factor

from derive.averages import Average
from derive.hypotheses import Kind
from derive.notation import structure
from derive.proof.rule import Rewrite, Rule, replace_everywhere
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.rules.means import Linearity
from derive.setting import Setting


@dataclass(frozen=True)
class OddInWeights(Rule):
    """E[g(s, s')] = 0 where g(-s, -s') = -g(s, s'), for pre-activations s = sum_l W_lk X_l, s' = sum_l W_lk X'_l

    Of one layer, one or more units and samples. Where all weights of the layer change their sign, so do they.

    Obligation: the W are symmetric about zero, independent of each other and of all the X.
    """

    name = "odd-in-weights"
    words = "The weights of the layer may all change their sign: what then changes its own has mean zero."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of an odd function of pre-activations by 0."""
        if not isinstance(node, Average):
            return None
        inside = node.inside[0]
        entries = sorted((e for e in inside.atoms(Entry) if setting.is_random(e, node.over)), key=structure)
        weights = [_weight(e, node) for e in entries]
        if not entries or None in weights or inside.xreplace({e: -e for e in entries}) != -inside:
            return None
        if len({(w.family, w.layer) for w in weights if w is not None}) > 1:
            return None
        uses = finite(setting, node)
        for entry, w in zip(entries, weights, strict=True):
            assert w is not None
            for kind in (Kind.SYMMETRIC, Kind.ENTRIES_INDEPENDENT):
                uses |= setting.require(kind, w.family)
            uses |= setting.independent(w, entry.definition.function / w)
        return Rewrite(Integer(0), uses)


def _weight(entry: Entry, node: Average) -> Entry | None:
    """Return the drawn weight that a pre-activation is a sum over, with other factors; None for anything else."""
    total = entry.definition if entry.family.source is None else None
    if not isinstance(total, Sum) or len(total.limits) != 1:
        return None
    drawn = [w for w in Mul.make_args(total.function) if isinstance(w, Entry) and w.family.source in node.over.sources]
    own = [w for w in drawn if len(w.units) == 2 and total.limits[0][0] in w.units]
    return own[0] if len(own) == 1 else None


@dataclass(frozen=True)
class Together(Rule):
    """c E[X] + c E[Y] = c E[X + Y]: several means, or sums of means, read as one"""

    whole: Expr
    name = "together"
    words = "The sum of the means is the mean of the sum."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take the multiple of the whole out of a sum that leaves the fewest terms beside it."""
        if not isinstance(node, Add):
            return None
        split = Linearity().apply(expand(self.whole), setting)
        parts = replace_everywhere(expand(split.after), _in_front)
        names = {m: Dummy() for m in _means(node + parts)}
        given, share = expand(node.xreplace(names)), parts.xreplace(names)
        rests = {}
        for name in sorted(share.atoms(Dummy), key=str):
            c = factor(given.coeff(name) / share.coeff(name))
            rests[c] = expand(given - c * share)
        c = min(rests, key=lambda c: len(rests[c].atoms(Dummy)))
        if c == 0 or len(rests[c].atoms(Dummy)) >= len(given.atoms(Dummy)) - 1:
            return None
        left = collect(rests[c], sorted(rests[c].atoms(Dummy), key=str), factor)
        return Rewrite(c * self.whole + left.xreplace({name: m for m, name in names.items()}), split.uses)


def _in_front(node: Expr) -> Expr | None:
    """Return a sum with its numbers in front."""
    if not isinstance(node, Sum):
        return None
    number, rest = node.function.as_coeff_Mul()
    return number * Sum(rest, *node.limits)


def _means(e: Expr) -> list[Expr]:
    """Return the means in an expression, and the sums of means, in an order of their own."""
    sums = e.atoms(Sum)
    means = (m for m in e.atoms(Average) if not any(s.has(m) for s in sums))
    return sorted((*sums, *means), key=structure)


@dataclass(frozen=True)
class NoGain(Rule):
    """u - c E[|X| - X] <= u, for c >= 0"""

    name = "no-gain"
    words = "No number is above its absolute value."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Drop the means of what no number has more of than its absolute value, where a sum has less by them."""
        if not isinstance(node, Add):
            return None
        dropped = [t for t in node.args if _taken(t)]
        return Rewrite(node - Add(*dropped)) if dropped else None


def _taken(term: Expr) -> bool:
    """Return whether a term is -c E[|X| - X], or a sum of such ones, with c >= 0."""
    factors = Mul.make_args(term)
    means = [f for f in factors if isinstance(f, Average | Sum)]
    if len(means) != 1 or not (-term / means[0]).is_nonnegative:
        return False
    inner = means[0].function if isinstance(means[0], Sum) else means[0]
    return isinstance(inner, Average) and bool(_excess(inner))


def _excess(mean: Average) -> tuple[Expr, ...]:
    """Return the factors of X, where a mean is E[|X| - X]; none for anything else."""
    for term in Add.make_args(mean.inside[0]):
        factors = Mul.make_args(-term)
        if not term.has(Abs) and mean.inside[0] - term == Mul(*(Abs(u) for u in factors)):
            return factors
    return ()


@dataclass(frozen=True)
class ProductBelowSquares(Rule):
    """E[|X Y| - X Y] <= E[(X - Y)^2]/2

    Since (|X| - |Y|)^2 is not negative. Obligation: finite second moments.
    """

    name = "product-below-squares"
    words = "The absolute values of two numbers have a difference, too, whose square is not negative."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of what a product has less than its absolute value."""
        if not isinstance(node, Average):
            return None
        factors = _excess(node)
        if len(factors) != 2:
            return None
        x, y = factors
        return Rewrite(Rational(1, 2) * Average((x - y) ** 2, node.over), finite(setting, node))
