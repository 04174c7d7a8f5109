"""Rules for averages over several sources of randomness: iterated means, and variances from moments."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Pow

from derive.averages import Average, Variance
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Over
from derive.rules.finite_moments import finite
from derive.setting import Setting


@dataclass(frozen=True)
class Tower(Rule):
    """E[X] = <<<X>>>: the mean over all sources is the mean over the outer ones of the mean over the inner ones

    Obligation: what the inner mean is over is independent of what it leaves fixed.
    """

    inner: Over
    outer: Over
    name = "tower"
    words = "Average over the samples first, with the network fixed; then over the networks."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Split a mean over both kinds of randomness."""
        if not isinstance(node, Average) or set(node.over.sources) != {*self.inner.sources, *self.outer.sources}:
            return None
        uses = setting.apart(node.inside[0], node.inside[0], self.inner) | finite(setting, node)
        return Rewrite(Average(Average(node.inside[0], self.inner), self.outer), uses)


@dataclass(frozen=True)
class VarianceFromMoments(Rule):
    """E[X^2] - E[X]^2 = Var[X]"""

    name = "variance-from-moments"
    words = "A mean square less the squared mean is a variance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join a mean square and a squared mean."""
        if not node.is_Add:
            return None
        for term in node.args:
            if isinstance(term, Average) and isinstance(term.inside[0], Pow) and term.inside[0].exp == 2:
                quantity = term.inside[0].base
                square = Average(quantity, term.over) ** 2
                if -square in node.args:
                    after = node - term + square + Variance(quantity, term.over)
                    return Rewrite(after, finite(setting, term))
        return None
