"""Rules that bound roots of mean squares: the triangle inequality, and a rectifier that does not stretch."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Max, Mul, Pow, Rational, sqrt

from derive.averages import Average
from derive.hypotheses import LEAKY_RELU
from derive.network import SLOPE, Activation
from derive.proof.rule import Rewrite, Rule
from derive.rules.moments import finite
from derive.setting import Setting


@dataclass(frozen=True)
class Minkowski(Rule):
    """E[(X + Y)^2]^(1/2) <= E[X^2]^(1/2) + E[Y^2]^(1/2)

    Obligation: finite second moments.
    """

    name = "minkowski"
    words = "The root of the mean square of a sum is at most the sum of the roots (Minkowski)."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Split the root of the mean square of a sum."""
        mean = _under_root(node)
        if mean is None or not isinstance(mean.inside[0], Pow) or mean.inside[0].exp != 2:
            return None
        total = mean.inside[0].base
        if not isinstance(total, Add):
            return None
        roots = (sqrt(Average(term**2, mean.over)) for term in total.args)
        return Rewrite(Add(*roots), finite(setting, mean))


@dataclass(frozen=True)
class RectifierContracts(Rule):
    """E[f(s)^2]^(1/2) <= max(1, a^2)^(1/2) E[s^2]^(1/2) for leaky ReLU of slope a

    Obligation: the activation function is declared to be leaky ReLU.
    """

    name = "rectifier-contracts"
    words = "Leaky ReLU stretches nothing by more than the larger of its slopes."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the root of the mean square of an activation."""
        mean = _under_root(node)
        if mean is None or not isinstance(mean.inside[0], Pow) or mean.inside[0].exp != 2:
            return None
        if not isinstance(mean.inside[0].base, Activation):
            return None
        (argument,) = mean.inside[0].base.args
        uses = frozenset({setting.stating(LEAKY_RELU).key}) | finite(setting, mean)
        return Rewrite(Mul(sqrt(Max(1, SLOPE**2)), sqrt(Average(argument**2, mean.over))), uses)


def _under_root(node: Expr) -> Average | None:
    root = isinstance(node, Pow) and node.exp == Rational(1, 2) and isinstance(node.base, Average)
    return node.base if root else None
