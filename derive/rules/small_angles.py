"""Rules for functions of the angle of two samples: its sine and arc, and quotients that are 0/0 at angle zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Basic, Expr, Poly, Pow, Symbol, asin, cos, factor, pi, series, sin

from derive.errors import InputError
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.sampling import compare_at_points
from derive.proof.verdict import Verdict
from derive.rules.asymptotics import LocalExpansion
from derive.setting import Setting
from derive.words import Words

_FARTHEST = 12
"""The power of the angle up to which a denominator is looked at."""


@dataclass(frozen=True)
class HalfTurn(Rule):
    """sqrt(1 - cos(t)^2) = sin(t) and arcsin(cos(t)) = pi/2 - t, for 0 < t < pi

    Obligation: t is between 0 and pi.
    """

    angle: Symbol
    name = "half-turn"
    words = "The angle is between zero and a half turn."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the root or the arc."""
        t = self.angle
        root = isinstance(node, Pow) and node.base == 1 - cos(t) ** 2 and (2 * node.exp).is_Integer
        if not root and node != asin(cos(t)):
            return None
        uses = setting.require_positive(t) | setting.require_positive(pi - t)
        return Rewrite(sin(t) ** (2 * node.exp) if root else pi / 2 - t, uses)

    def at_points(self, step: Step) -> Verdict:
        """Compare both sides at angles between 0 and pi."""
        inside = {self.angle: pi * self.angle / (1 + self.angle)}
        return compare_at_points(replace(step, before=step.before.subs(inside), after=step.after.subs(inside)))


@dataclass(frozen=True)
class LeadingQuotient(LocalExpansion):
    """u(t)/w(t) = u_k/w_k + ..., where both are power series in t and w_k t^k is the first term of w

    Obligation: sines and cosines of t, and powers of it, are all that there is of t; u has no term before t^k.
    """

    order: int = 1
    name = "leading-quotient"
    words = "Numerator and denominator vanish together: the quotient of their first terms is left."

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Expand the numerator and the denominator of the whole expression, and divide their first terms."""
        if not isinstance(expression, Expr) or not expression.has(self.variable):
            raise InputError(f"{expression} does not depend on {self.variable}")
        above, below = expression.as_numer_denom()
        for k in range(_FARTHEST):
            first = self._coefficients(below, k)
            if any(first):
                found = self._coefficients(above, k)
                if any(found[:-1]):
                    raise InputError(f"{expression} has no value at {self.variable} = 0")
                words = Words("Near {} = 0 the quotient of the first terms is left.", self.variable)
                return Rewrite(factor(found[-1] / first[-1]), words=words)
        raise InputError(f"the denominator of {expression} vanishes to order {_FARTHEST}")

    def _coefficients(self, e: Expr, order: int) -> list[Expr]:
        """Return the coefficients of t^0 to t^order of a polynomial in t, sin(t) and cos(t)."""
        t = self.variable
        near = {g: series(g, t, 0, order + 1).removeO() for g in (sin(t), cos(t))}
        polynomial = Poly(e.xreplace(near), t)
        return [polynomial.coeff_monomial(t**k) for k in range(order + 1)]
