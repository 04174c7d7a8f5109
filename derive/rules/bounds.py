"""Rules for inequalities: roots of mean squares, factors that are positive."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Abs,
    Add,
    Basic,
    Dummy,
    Expr,
    Max,
    Mul,
    Pow,
    Rational,
    StrictGreaterThan,
    factor,
    simplify,
    solve,
    sqrt,
)

from derive.averages import Average
from derive.hypotheses import LEAKY_RELU
from derive.network import SLOPE, Activation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.rules.finite_moments import finite
from derive.setting import Setting, Undischarged


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
class MeanBelowRoot(Rule):
    """E[X] <= E[X^2]^(1/2)

    Obligation: finite second moments.
    """

    name = "mean-below-root"
    words = "A mean is not above the root of the mean square, since no variance is negative."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a mean by the root of the mean square."""
        if not isinstance(node, Average):
            return None
        return Rewrite(sqrt(Average(node.inside[0] ** 2, node.over)), finite(setting, node))


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


@dataclass(frozen=True)
class AgainstZero(Rule):
    """u > w <=> u - w > 0, the difference written as a product"""

    name = "against-zero"
    words = "Compare the difference with zero."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Take the right side of an inequality to the left."""
        if not isinstance(node, StrictGreaterThan) or node.rhs == 0:
            return None
        return Rewrite(StrictGreaterThan(factor(node.lhs - node.rhs), 0, evaluate=False))


@dataclass(frozen=True)
class DropPositive(Rule):
    """c u > 0 <=> u > 0, where c is positive

    Obligation: all factors but u are positive, by their form or by hypotheses.
    """

    kept: Expr
    name = "drop-positive"
    words = "Positive factors do not change the sign."
    relation = "<=>"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Drop all factors but one from an inequality."""
        if not isinstance(node, StrictGreaterThan) or node.rhs != 0 or self.kept not in Mul.make_args(node.lhs):
            return None
        uses: frozenset[str] = frozenset()
        sign = 1
        for c in Mul.make_args(node.lhs / self.kept):
            base, exponent = c.as_base_exp()
            # -x/(p - 1) is x/(1 - p).
            turned = bool((-base).is_positive) or any(-base in h.positive for h in setting.hypotheses)
            if turned and not exponent.is_integer:
                raise Undischarged(f"{c} has no sign")
            uses |= setting.require_positive(-base if turned else base)
            sign *= -1 if turned and exponent.is_odd else 1
        if sign < 0:
            raise Undischarged(f"{node.lhs / self.kept} is negative")
        return Rewrite(StrictGreaterThan(self.kept, 0, evaluate=False), uses)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return what was dropped less its absolute value, for any positive values of what is said to be positive."""
        dropped = before.lhs / after.lhs
        for stated in (e for h in setting.hypotheses for e in h.positive):
            value = Dummy("positive", positive=True)
            if stated.is_Add:
                unknown = min(stated.free_symbols, key=str)
                dropped = dropped.subs(unknown, solve(stated - value, unknown)[0])
            else:
                dropped = dropped.xreplace({stated: value})
        dropped = simplify(dropped)
        return dropped - Abs(dropped)
