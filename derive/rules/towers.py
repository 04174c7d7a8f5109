"""Rules for averages over several sources of randomness: iterated means, and variances from moments."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul

from derive.averages import Average, Covariance, Variance
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
    """c E[X^2] - c E[X]^2 = c Var[X]"""

    name = "variance-from-moments"
    words = "A mean square less the squared mean is a variance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join a mean square and a squared mean."""
        for term in node.args if node.is_Add else ():
            for mean in (f for f in Mul.make_args(term) if isinstance(f, Average)):
                quantity, power = mean.inside[0].as_base_exp()
                square = -(term / mean) * Average(quantity, mean.over) ** 2
                if power == 2 and square in node.args:
                    joined = term / mean * Variance(quantity, mean.over)
                    return Rewrite(node - term - square + joined, finite(setting, mean))
        return None


@dataclass(frozen=True)
class CovarianceFromMoments(Rule):
    """c E[X Y] - c E[X] E[Y] = c Cov[X, Y]"""

    name = "covariance-from-moments"
    words = "A mean product less the product of the means is a covariance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join a mean product and a product of means."""
        for term in node.args if node.is_Add else ():
            means = [f for f in Mul.make_args(term) if isinstance(f, Average)]
            if len(means) != 2:
                continue
            left, right = (m.inside[0] for m in means)
            c, over = -term / Mul(*means), means[0].over
            product = c * Average(left * right, over)
            if product in node.args:
                joined = Covariance(left, right, over)
                return Rewrite(node - term - product + c * joined, finite(setting, joined))
        return None
