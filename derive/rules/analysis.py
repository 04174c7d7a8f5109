"""Rules of analysis: equal derivative and equal base point, named functions, local expansions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sympy import Eq, Expr, Function, Poly, Symbol, asin, atan, cancel, diff, pi, simplify, sqrt

from derive.errors import InputError
from derive.expressions.radicands import factored_radicands
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.sampling import compare_at_points
from derive.rules.wide import M, V
from derive.setting import Setting
from derive.words import Words

T = Symbol("T", positive=True)
"""T = v / sqrt(v^2 + 2 m^2), between 0 (no fluctuation over samples) and 1 (no mean)."""

T_OF_M_V = V / sqrt(V**2 + 2 * M**2)


class DecayFunction(Function):
    """h(T) = atan T + (T - atan T)/T^2, rising from 0 at T = 0 to 1 at T = 1."""

    nargs = 1
    is_real = True

    def doit(self, **hints: Any) -> Expr:
        """Return the function written out."""
        (t,) = self.args
        return decay_function(t)

    def _eval_evalf(self, prec: int) -> Expr:
        return self.doit()._eval_evalf(prec)

    def _sympystr(self, printer: Any) -> str:
        return f"h({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"h{power}\left({printer._print(self.args[0])}\right)"

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative."""
        (t,) = self.args
        u = Symbol("u", positive=True)
        return diff(decay_function(u), u).subs(u, t)


def decay_function(t: Expr) -> Expr:
    """Return atan t + (t - atan t)/t^2."""
    return atan(t) + (t - atan(t)) / t**2


T_DEFINED = Eq(T, T_OF_M_V, evaluate=False)
H_DEFINED = Eq(DecayFunction(T), decay_function(T), evaluate=False)
"""What T and h are; hypotheses of the theorems state it."""


@dataclass(frozen=True)
class ArcsineToArctangent(Rule):
    """asin r = pi/2 - 2 atan sqrt((1 - r)/(1 + r))

    Both sides have the derivative 1/sqrt(1 - r^2) and the value 0 at r = 0; the rule checks both.
    """

    name = "arcsine-to-arctangent"
    words = "The arcsine is near its end, where digits are lost; the arctangent of T is not."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an arcsine by the arctangent of T."""
        if not isinstance(node, asin):
            return None
        r = Symbol("r", positive=True)
        other = pi / 2 - 2 * atan(sqrt((1 - r) / (1 + r)))
        slopes = cancel(factored_radicands((diff(other, r) - diff(asin(r), r)).subs(r, 1 / (1 + T))))
        if slopes != 0 or other.subs(r, 0) != asin(0):
            raise InputError("arcsine and arctangent differ in slope or at the base point")
        (ratio,) = node.args
        t = sqrt(cancel((1 - ratio) / (1 + ratio)))
        return Rewrite(pi / 2 - 2 * atan(t))


@dataclass(frozen=True)
class InTermsOfT(Rule):
    """T = v/sqrt(v^2 + 2 m^2), so that m^2 = v^2 (1/T^2 - 1)/2 and sqrt(v^2 + 2 m^2) = v/T

    Obligation: a hypothesis defines T.
    """

    name = "in-terms-of-T"
    words = "Write everything in v and T = v/sqrt(v^2 + 2 m^2)."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace m by its value in terms of v and T, then T stays a symbol."""
        if not node.has(M):
            return None
        # sqrt(v^2 + 2 m^2) is replaced whole, since SymPy would not see that it is v/T.
        root = sqrt(V**2 + 2 * M**2)
        after = node.subs(root, V / T).subs(M, V * sqrt((1 / T**2 - 1) / 2))
        uses = frozenset({setting.stating(T_DEFINED).key})
        return Rewrite(simplify(after), uses, Words("Write everything in {} and {}.", V, T_DEFINED))

    def at_points(self, step: Any) -> Any:
        """Compare both sides with T at its value in m and v."""
        return compare_at_points(replace(step, after=step.after.subs(T, T_OF_M_V)))


@dataclass(frozen=True)
class NameDecayFunction(Rule):
    """A + B (atan T + (T - atan T)/T^2) = A + B h(T)

    A and B are read off by comparing coefficients; the rule refuses where they do not fit. Obligation: a hypothesis
    defines h.
    """

    name = "name-h"
    words = "Every arctangent stands in one combination; call it h."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Gather the arctangents into h(T)."""
        if not node.has(atan(T)):
            return None
        angle = Symbol("angle")
        linear = Poly(node.subs(atan(T), angle).expand(), angle)
        if linear.degree() != 1:
            raise InputError(f"the arctangent does not stand linearly in {node}")
        slope = cancel(linear.coeff_monomial(angle) / (1 - 1 / T**2))
        rest = cancel(linear.coeff_monomial(1) - slope / T)
        if slope.has(T) or rest.has(T):
            raise InputError(f"the arctangents do not gather into h(T) in {node}")
        scale = cancel(rest / V**2)
        after = (scale.factor() + cancel(slope / V**2).factor() * DecayFunction(T)) * V**2
        uses = frozenset({setting.stating(H_DEFINED).key})
        return Rewrite(after, uses, Words("The arctangents stand in one combination, {}.", H_DEFINED))
