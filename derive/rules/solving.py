"""Rules that solve and integrate: an unknown from an equation, a definite integral of a sum of powers."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Eq, Expr, Integer, Integral, Sum, Symbol, Tuple, diff, expand, simplify

from derive.errors import InputError
from derive.notation import structure
from derive.proof.derivation import Derivation, Step
from derive.proof.instances import Instances, agreed, conditions, refuted
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.rules.lemma import ByLemma, require_hypotheses
from derive.rules.positive import nonzero
from derive.rules.roots import Polynomial
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True)
class Solve(Rule):
    """u = the solution of an equation in u that is not negative

    ``given`` is the equation, which a hypothesis states; the lemma is used in it, and the solution put back into it.
    Obligation: it is polynomial in u, with a leading coefficient that is not zero, u is not negative, and all other
    solutions are.
    """

    unknown: Expr
    given: Eq
    lemma: Derivation | None = None
    name = "solve"
    words = "Solve for the unknown."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the unknown by the solution of the equation."""
        if node != self.unknown:
            return None
        equation = self.equation(setting)
        polynomial = Polynomial.of(equation, self.unknown)
        uses = frozenset({setting.stating(self.given).key}) | polynomial.nonzero(setting)
        solution = polynomial.nonnegative()
        only = "" if polynomial.poly.degree() == 1 else ", which is not negative"
        words = Words(f"Solve {{}} for {{}}{only}.", equation, self.unknown)
        if self.lemma is None:
            return Rewrite(solution, uses, words)
        return Rewrite(solution, uses | require_hypotheses(self.lemma, setting), words, (self.lemma,))

    def equation(self, setting: Setting) -> Eq:
        """Return the equation, the lemma used in it; raise `Undischarged` where no hypothesis states it."""
        setting.stating(self.given)
        return ByLemma(self.lemma).apply(self.given, setting).after if self.lemma else self.given

    def by_second_path(self, step: Step) -> Verdict | None:
        """Use the lemma in the equation by solving for its indices, and put the solution in."""
        if self.lemma is None:
            return None
        instances = Instances((self.lemma.statement.lhs, self.lemma.statement.rhs))
        equation = instances(self.given)
        gap = (equation.lhs - equation.rhs).xreplace({self.unknown: step.after})
        if not instances.bindings or simplify(gap) != 0:
            return refuted(step, self.lemma)
        return agreed(self.lemma, *(p for at in instances.bindings for p in conditions(step, self.lemma, at)))

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

    Obligation: a is not zero, and neither is what the equation divides by.
    """

    unknown: Expr
    name = "isolate"
    words = "Solve for the unknown."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve an equation for an unknown that it is linear in."""
        if not isinstance(node, Eq) or not node.has(self.unknown):
            return None
        polynomial = Polynomial.of(node, self.unknown)
        if polynomial.poly.degree() != 1:
            raise InputError(f"{node} is not linear in {self.unknown}")
        (solution,) = polynomial.solutions()
        uses = polynomial.nonzero(setting) | nonzero(polynomial.denominator, setting)
        return Rewrite(Eq(self.unknown, solution), uses, Words("Solve for {}.", self.unknown))


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
