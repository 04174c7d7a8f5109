"""Rules that solve and integrate: an unknown from an equation, a definite integral of a sum of powers."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Eq, Expr, Integer, Integral, Sum, Symbol, Tuple, diff, expand, simplify, solve

from derive.errors import InputError
from derive.notation import structure
from derive.proof.derivation import Derivation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.rules.algebra import positive
from derive.rules.lemma import ByLemma, require_hypotheses
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class Solve(Rule):
    """u = the solution of an equation in u that is not negative

    The equation is the one that the hypothesis ``because`` states, after the lemma has been used in it; the solution
    is put back into it.
    """

    unknown: Expr
    because: str
    lemma: Derivation | None = None
    name = "solve"
    words = "Solve for the unknown."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the unknown by the solution of the equation."""
        if node != self.unknown:
            return None
        equation = self.equation(setting)
        solutions = [v for v in solve(equation, self.unknown) if v.is_nonnegative]
        if len(solutions) != 1:
            raise InputError(f"{equation} has {len(solutions)} admissible solutions for {self.unknown}")
        words = Words("Solve {} for {}.", equation, self.unknown)
        uses = frozenset({self.because})
        if self.lemma is None:
            return Rewrite(solutions[0], uses, words)
        return Rewrite(solutions[0], uses | require_hypotheses(self.lemma, setting), words, (self.lemma,))

    def equation(self, setting: Setting) -> Eq:
        """Return the equation that the hypothesis states, the lemma used in it; raise `Undischarged` if none does."""
        found = [e for h in setting.hypotheses if h.key == self.because for e in h.states if e.has(self.unknown)]
        if len(found) != 1:
            raise Undischarged(f"hypothesis {self.because} states {len(found)} equations for {self.unknown}, not one")
        return ByLemma(self.lemma).apply(found[0], setting).after if self.lemma else found[0]

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the result back into the equation."""
        if before != self.unknown:
            return None
        if not after.is_nonnegative:
            raise InputError(f"{after} may be negative, {self.unknown} is not")
        equation = self.equation(setting)
        return (equation.lhs - equation.rhs).subs(self.unknown, after)


@dataclass(frozen=True)
class Isolate(Rule):
    """a u = b <=> u = b/a, where a is not zero

    Obligation: a is positive.
    """

    unknown: Expr
    name = "isolate"
    words = "Solve for the variance of the weights."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve an equation for an unknown that it is linear in."""
        if not isinstance(node, Eq) or not node.has(self.unknown):
            return None
        solutions = solve(node, self.unknown)
        if len(solutions) != 1:
            raise InputError(f"{node} has {len(solutions)} solutions for {self.unknown}")
        words = Words("Solve for {}.", self.unknown)
        uses = positive(solutions[0].as_numer_denom()[1], setting)
        return Rewrite(Eq(self.unknown, solutions[0]), uses, words)


@dataclass(frozen=True)
class Integrate(Rule):
    """int_a^b u'(w) dw = u(b) - u(a), for a sum of powers above -1 that are integrable at both ends

    The antiderivative is differentiated again before it is used.
    """

    name = "integrate"
    words = "Integrate: the antiderivative's derivative is the integrand."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a definite integral of a sum of powers."""
        if not isinstance(node, Integral):
            return None
        w, lower, upper = node.limits[0]
        inner, constants = _constants(node.function, w)
        powers = _powers(inner, w)
        if not all(p.is_Rational and p > -1 for p in powers):
            raise InputError(f"{node.function} is not a sum of powers of {w} above -1")
        primitive = Integral(expand(inner), w).doit()
        if simplify(diff(primitive, w) - inner) != 0:
            raise InputError(f"{primitive} is not an antiderivative of {node.function}")
        value = simplify(primitive.subs(w, upper) - primitive.subs(w, lower))
        return Rewrite(value.xreplace(constants))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Integrate power by power from the coefficients."""
        return before.replace(Integral, _power_by_power) - after


def _constants(e: Expr, w: Symbol) -> tuple[Expr, dict[Symbol, Expr]]:
    """Return an integrand with a symbol for each sum that is constant, and what the symbols stand for."""
    sums = sorted((s for s in e.atoms(Sum) if not s.has(w)), key=structure)
    names = {Symbol(f"constant{k}", real=True): s for k, s in enumerate(sums)}
    return e.xreplace({s: name for name, s in names.items()}), names


def _powers(e: Expr, w: Symbol) -> dict[Expr, Expr]:
    """Return the coefficients of the powers of w; raise `InputError` for a term that is none."""
    powers: dict[Expr, Expr] = {}
    for term in Add.make_args(expand(e)):
        coefficient, exponent = term.as_coeff_exponent(w)
        if coefficient.has(w):
            raise InputError(f"{term} is not a multiple of a power of {w}")
        powers[exponent] = powers.get(exponent, Integer(0)) + coefficient
    return powers


def _power_by_power(integrand: Expr, limits: Tuple) -> Expr:
    w, lower, upper = limits
    powers = _powers(integrand, w)
    return Add(*(c * (upper ** (p + 1) - lower ** (p + 1)) / (p + 1) for p, c in powers.items()))
