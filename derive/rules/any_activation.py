"""Any activation: its symbols and derivatives, and checking a rule on concrete activations in closed form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Any, ClassVar

from mpmath import mp
from sympy import (
    Abs,
    Basic,
    Derivative,
    DiracDelta,
    Expr,
    Float,
    Function,
    Integer,
    Integral,
    Lambda,
    Max,
    Rational,
    Subs,
    Sum,
    Symbol,
    erf,
    exp,
    lambdify,
)

from derive.activations.pieces import distributional_derivative, jumps
from derive.gaussian import GaussianExpectation, NoClosedForm, gaussian_expectation
from derive.hypotheses import Kind
from derive.network import DERIVATIVES
from derive.proof.derivation import Step
from derive.proof.relations import Remainder
from derive.proof.rule import Evidence, Rule, replace_everywhere
from derive.proof.sampling import points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting

F, SLOPE_OF_F, CURVATURE_OF_F, THIRD_OF_F, FOURTH_OF_F = DERIVATIVES
_PRIMED = dict(pairwise(DERIVATIVES))
SMOOTH_CURVATURE = Function("g", real=True)
"""f'' between the kinks."""
CORRELATION = Symbol("c", real=True)
GAP = Symbol("epsilon", positive=True)
"""1 - c, small."""
TIME = Symbol("t", positive=True)
KINKS = Symbol("n", integer=True, positive=True)
W = Symbol("w", real=True)
DIGITS = 12
_Z = Symbol("z", real=True)


class _AtKink(Function):
    """A number that belongs to the j-th kink."""

    nargs = 1
    is_real = True
    sign: str

    def _sympystr(self, printer: Any) -> str:
        return f"{self.sign}_{printer._print(self.args[0])}"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return f"{self.sign}_{{{printer._print(self.args[0])}}}{power}"


class KinkAt(_AtKink):
    """p_j, where the j-th kink is."""

    sign = "p"


class SlopeJump(_AtKink):
    """J_j = f'(p_j+) - f'(p_j-)."""

    sign = "J"


def pair(f: Any, g: Any, correlation: Expr = CORRELATION) -> Expr:
    """Return E[f(u) g(w)] for u, w of variance q and the given correlation."""
    rows = ((Q, Q * correlation), (Q * correlation, Q))
    return GaussianExpectation.of(f(U) * g(W), (U, W), (Integer(0), Integer(0)), rows)


def derivative(e: Expr, variable: Symbol) -> Expr:
    """Return the derivative of an expression in f, f', ... by the chain rule."""
    return e.diff(variable).replace(
        lambda x: isinstance(x, Derivative), lambda x: _PRIMED[x.expr.func](*x.expr.args) if x.has(*DERIVATIVES) else x
    )


def derivatives_in(e: Basic, setting: Setting) -> frozenset[str]:
    """Return the hypothesis by which the derivatives of f in an expression are functions with finite mean squares."""
    found = [order for order, name in enumerate(DERIVATIVES) if e.has(name)]
    return setting.require(Kind.SMOOTH, order=max(found)) if found else frozenset()


@dataclass(frozen=True)
class Example:
    """A concrete activation, with its derivatives in the sense of distributions."""

    formula: Expr

    @cached_property
    def derivatives(self) -> tuple[Expr, ...]:
        """The activation and its first two derivatives; more where it has no kinks."""
        found = [self.formula]
        while len(found) < (3 if self.kinks else len(DERIVATIVES)):
            found.append(distributional_derivative(found[-1], _Z))
        return tuple(found)

    @cached_property
    def kinks(self) -> tuple[tuple[Expr, Expr], ...]:
        """Where the slope jumps, and by how much."""
        return tuple(jumps(self.formula, _Z, 1).items())

    def put_in(self, side: Basic) -> Basic:
        """Return an expression with this activation in, and its kinks; expectations in closed form."""
        side = over_kinks(replace_everywhere(side, _at_value), self.kinks)
        bodies = dict(zip(DERIVATIVES, self.derivatives, strict=False))
        bodies[SMOOTH_CURVATURE] = self.derivatives[2].replace(DiracDelta, lambda *_: Integer(0))
        for name, body in bodies.items():
            side = side.replace(name, Lambda(_Z, body))
        return replace_everywhere(side, _closed)


def over_kinks(e: Basic, kinks: tuple[tuple[Expr, Expr], ...]) -> Basic:
    """Return an expression with every sum over the kinks written out, for kinks at points with slope jumps."""

    def at(node: Expr) -> Expr | None:
        if not isinstance(node, Sum) or node.limits[0][2] != KINKS:
            return None
        (index, *_), *others = node.limits
        body = Sum(node.function, *others) if others else node.function
        terms = (body.xreplace({KinkAt(index): p, SlopeJump(index): jump}) for p, jump in kinks)
        return over_kinks(sum(terms, Integer(0)), kinks)

    return replace_everywhere(e, at)


def _at_value(node: Expr) -> Expr | None:
    """Put in a value where no derivative is left, before closed forms are taken: they may not hold at the end."""
    return node.doit() if isinstance(node, Subs) and not node.expr.has(Derivative) else None


SMOOTH = (Example(_Z**3 + _Z**2 + _Z), Example(erf(_Z)), Example(exp(_Z / 2)))
KINKED = (Example(Max(_Z, 0) + _Z**2), Example(Abs(_Z - Rational(1, 2)) + 2 * Max(_Z, 0)))


@lru_cache(maxsize=256)
def _closed_form(integrand: Expr, variables: tuple[Symbol, ...]) -> Expr:
    """The closed form for variables of variance q and correlation c."""
    rows = ((Q,),) if len(variables) == 1 else ((Q, Q * CORRELATION), (Q * CORRELATION, Q))
    return gaussian_expectation(integrand, variables, covariance=rows).result


def _closed(node: Expr) -> Expr | None:
    if not isinstance(node, GaussianExpectation):
        return None
    variance, *shared = node.covariance[0]
    if any(row[k] != variance for k, row in enumerate(node.covariance)) or any(node.mean):
        rows = node.covariance
        return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=rows).result
    if shared and shared[0] == variance:
        u, w = node.variables
        return _closed(one_gaussian(node.integrand.xreplace({w: u}).xreplace({u: U}), variance))
    found = _closed_form(node.integrand, node.variables)
    correlation = {CORRELATION: (shared[0] / variance).cancel()} if shared else {}
    return found.subs({Q: variance, **correlation}, simultaneous=True)


def number(side: Basic, at: dict[Symbol, Expr], digits: int) -> Any:
    """Return the value of an expression without expectations; integrals by mpmath's quadrature."""

    def integral(node: Expr) -> Expr | None:
        if not isinstance(node, Integral):
            return None
        (t, lower, upper), integrand = node.limits[0], node.function.doit()
        with mp.workdps(digits + 10):
            f = lambdify(t, integrand, "mpmath")
            ends = [mp.sqrt(mp.mpf(e.p) / e.q) for e in (Rational(lower), Rational(upper))]
            # t = s^2, so that a root of t at the end is no singularity; no node is at the end itself.
            value = mp.quad(lambda s: 2 * s * f(s * s), ends, method="gauss-legendre")
        return Float(value, digits + 10)

    return replace_everywhere(side.subs(at).doit(integrals=False), integral).evalf(digits)


class TriedOnExamples(Rule):
    """A rule for any activation, checked with concrete ones: smooth, and with kinks where it allows them."""

    evidence = Evidence.POINTS

    def examples(self, step: Step) -> Iterable[Example]:
        """The activations to try: those without kinks alone where a third derivative occurs."""
        smooth = step.after.has(THIRD_OF_F, FOURTH_OF_F) or step.before.has(THIRD_OF_F, FOURTH_OF_F)
        return SMOOTH if smooth else (*SMOOTH, KINKED[0])

    def at_points(self, step: Step) -> Verdict:
        """Evaluate both sides for concrete activations, in closed form."""
        before, after = step.before, step.after
        if before.has(Subs) and after.has(Subs):
            # Sides that agree inside the range agree at its end.
            before, after = (side.replace(Subs, lambda e, *_: e) for side in (before, after))
        tried, shown = 0, []
        for example in self.examples(step):
            try:
                found = self.compare(example, before, after)
            except (ArithmeticError, NoClosedForm, TypeError, ValueError) as why:
                return Verdict(Grade.UNDECIDED, f"a side has no value for f(z) = {example.formula} ({why})")
            if isinstance(found, Verdict):
                return found
            tried += found
            shown.append(str(example.formula))
        return Verdict(
            Grade.SAMPLED, f"computed by the rule; {self.agreement} at {tried} points for f(z) = {', '.join(shown)}"
        )

    agreement: ClassVar[str] = f"both sides equal to {DIGITS} digits"

    def compare(self, example: Example, before: Basic, after: Basic) -> int | Verdict:
        """Return at how many points both sides agree for one activation, or the verdict that they do not."""
        sides = [example.put_in(side) for side in (before, after)]
        # Integrals are done by quadrature: fewer points.
        chosen = list(islice(points(_free(before, after)), 2 if after.has(Integral) else None))
        for at in map(inside, chosen):
            left, right = (number(side, at, DIGITS + 6) for side in sides)
            if not abs(left - right) <= Float(10) ** -DIGITS * max(abs(left), abs(right)):
                return _refuted("both sides differ for a concrete activation", example, at, left, right)
        return len(chosen)


class AsymptoticOnExamples(TriedOnExamples):
    """A rule whose sides differ by a power of a small variable: the difference must fall like that power."""

    relation = "~"
    shows = ("~",)
    small: Symbol
    agreement = "the difference falls like the first order left out"

    def reach(self) -> Expr:
        """Return the power of the small variable in the first term left out."""
        raise NotImplementedError

    def remainder(self) -> Remainder:
        """Return the terms left out."""
        return Remainder(self.small, self.reach())

    def compare(self, example: Example, before: Basic, after: Basic) -> int | Verdict:
        """Compare both sides at two small values, for one activation."""
        gap = example.put_in(before) - example.put_in(after)
        chosen = list(islice(points(_free(before, after, self.small)), 2))
        for at in chosen:
            near, nearer = (abs(number(gap, {**at, self.small: Rational(1, 10**k)}, 40)) for k in (5, 6))
            if not nearer <= near * Float(10) ** (Rational(1, 10) - self.reach()) + Float("1e-35"):
                reason = "the difference does not fall like the first order left out"
                return _refuted(reason, example, at, near, nearer)
        return len(chosen)


def _free(before: Basic, after: Basic, *but: Symbol) -> list[Symbol]:
    return sorted((before.free_symbols | after.free_symbols) - {KINKS, *but}, key=str)


def inside(at: dict[Symbol, Expr]) -> dict[Symbol, Expr]:
    """Return a point with correlations, and distances to full correlation, between -1 and 1."""
    return {s: v / (1 + abs(v)) if s in (CORRELATION, GAP) else v for s, v in at.items()}


def _refuted(why: str, example: Example, at: dict[Symbol, Expr], left: Any, right: Any) -> Verdict:
    where = {"f(z)": str(example.formula), **{str(k): str(v) for k, v in at.items()}}
    return Verdict(Grade.FAILED, why, Counterexample({}, where, str(left), "=", str(right)))
