"""Rules for wide networks with any activation: Price's derivative, the limit of full correlation, geometric decay."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Derivative,
    Eq,
    Expr,
    Float,
    Function,
    Integer,
    Lambda,
    Max,
    Symbol,
    diff,
    erf,
    exp,
    log,
    symbols,
)

from derive.errors import InputError
from derive.gaussian import GaussianExpectation, gaussian_expectation
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule, replace_everywhere
from derive.proof.sampling import points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.setting import Setting
from derive.words import Words

PHI, SLOPE_OF_PHI, CURVATURE_OF_PHI = (Function(name, real=True) for name in ("phi", "phi'", "phi''"))
Q = Symbol("q", positive=True)
CORRELATION = Symbol("c", real=True)
U, W = symbols("u w", real=True)
_PRIMED = {PHI: SLOPE_OF_PHI, SLOPE_OF_PHI: CURVATURE_OF_PHI}
_Z = Symbol("z", real=True)
_EXAMPLES = (_Z**3 + _Z, erf(_Z), Max(_Z, 0) + _Z**2)
_DIGITS = 12


def pair(f: Expr, g: Expr, correlation: Expr = CORRELATION) -> Expr:
    """Return E[f(u) g(w)] for u, w of variance q and the given correlation."""
    rows = ((Q, Q * correlation), (Q * correlation, Q))
    return GaussianExpectation.of(f(U) * g(W), (U, W), (Integer(0), Integer(0)), rows)


def single(integrand: Expr) -> Expr:
    """Return E[integrand] for u of variance q."""
    return GaussianExpectation.of(integrand, (U,), (Integer(0),), ((Q,),))


class _TriedOnExamples(Rule):
    """A rule for any activation, checked with concrete ones: a polynomial, erf and a kinked function."""

    evidence = Evidence.POINTS

    def at_points(self, step: Step) -> Verdict:
        """Evaluate both sides for concrete activations, in closed form."""
        tried = 0
        free = sorted(step.before.free_symbols | step.after.free_symbols, key=str)
        for example in _EXAMPLES:
            sides = [_concrete(side, example) for side in (step.before, step.after)]
            for at in points(free):
                if CORRELATION in at:
                    at[CORRELATION] = at[CORRELATION] / (1 + abs(at[CORRELATION]))
                left, right = (side.subs(at).doit().evalf(_DIGITS + 10) for side in sides)
                if not abs(left - right) <= Float(10) ** -_DIGITS * max(abs(left), abs(right)):
                    where = {"phi(z)": str(example), **{str(k): str(v) for k, v in at.items()}}
                    found = Counterexample({}, where, str(left), "=", str(right))
                    return Verdict(Grade.FAILED, "both sides differ for a concrete activation", found)
                tried += 1
        names = ", ".join(map(str, _EXAMPLES))
        return Verdict(
            Grade.EXACT,
            f"computed by the rule; both sides equal at {tried} points to {_DIGITS} digits for phi(z) = {names}",
        )


def _concrete(side: Basic, example: Expr) -> Expr:
    """Return a side with a concrete activation in, its expectations in closed form."""
    slopes = {PHI: example, SLOPE_OF_PHI: diff(example, _Z), CURVATURE_OF_PHI: diff(example, _Z, 2)}
    for name, body in slopes.items():
        side = side.replace(name, Lambda(_Z, body))

    def closed(node: Expr) -> Expr | None:
        if not isinstance(node, GaussianExpectation):
            return None
        return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=node.covariance).result

    return replace_everywhere(side, closed)


@dataclass(frozen=True)
class PriceDerivative(_TriedOnExamples):
    """d/dc E[f(u) g(w)] = q E[f'(u) g'(w)], for u, w of variance q and correlation c"""

    name = "price-derivative"
    words = "Price's theorem: the derivative by the covariance is the mean of both derivatives."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a derivative by the correlation of expectations, term by term."""
        if not isinstance(node, Derivative) or node.variables != (CORRELATION,):
            return None
        total = Integer(0)
        for term in Add.make_args(node.expr.expand()):
            found = [f for f in term.args if isinstance(f, GaussianExpectation)] if term.is_Mul else []
            if term.has(GaussianExpectation) and len(found) != 1:
                raise InputError(f"{term} is not a multiple of one expectation")
            if found:
                total += (term / found[0]) * Q * _primed(found[0])
        return Rewrite(total)


def _primed(node: Expr) -> Expr:
    changed = node.integrand.replace(
        lambda e: isinstance(e, Function) and e.func in _PRIMED, lambda e: _PRIMED[e.func](*e.args)
    )
    return GaussianExpectation.of(changed, node.variables, node.mean, node.covariance)


@dataclass(frozen=True)
class FullCorrelation(_TriedOnExamples):
    """E[f(u) g(w)] = E[f(u) g(u)] where the correlation of u and w is 1"""

    name = "full-correlation"
    words = "Two equal variances with correlation one: both variables are the same."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace two equal variables by one."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 2:
            return None
        (a, b), (c, d) = node.covariance
        if not a == b == c == d:
            return None
        u, w = node.variables
        return Rewrite(GaussianExpectation.of(node.integrand.xreplace({w: u}), (u,), node.mean[:1], ((a,),)))


@dataclass(frozen=True)
class DivideByMeanSquare(Rule):
    """a E[g(u)^2] = 1 <=> a = 1/E[g(u)^2]

    Obligation: g is not zero, so that its mean square is positive.
    """

    because: str
    name = "divide-by-mean-square"
    words = "A mean square is positive, so it can be divided by."
    relation = "<=>"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve for the factor of a mean square."""
        if not isinstance(node, Eq):
            return None
        squares = [e for e in node.lhs.atoms(GaussianExpectation) if e.integrand.is_Pow and e.integrand.exp == 2]
        if len(squares) != 1 or not any(h.key == self.because for h in setting.hypotheses):
            raise InputError(f"{node} has no mean square that is known to be positive")
        return Rewrite(Eq(node.lhs / squares[0], node.rhs / squares[0]), frozenset({self.because}))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the difference of the quotients of both sides, before and after."""
        return before.lhs / before.rhs - after.lhs / after.rhs


@dataclass(frozen=True)
class GeometricDecay(Rule):
    """u(l+1) = chi u(l) gives u(l) = u(0) chi^l = u(0) exp(-l/xi), with xi = -1/log chi

    The rule puts the result back: its ratio at l + 1 and l is chi.
    """

    factor: Expr
    layer: Symbol
    name = "geometric-decay"
    words = "Each layer multiplies by the same factor."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace u(l) by a decaying exponential."""
        if not (isinstance(node, Function) and node.args == (self.layer,)):
            return None
        scale = -1 / log(self.factor)
        words = Words("Each layer multiplies by {}: the depth scale is {}.", self.factor, scale)
        return Rewrite(node.func(0) * exp(-self.layer / scale), words=words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return u(l + 1) - chi u(l)."""
        return (after.subs(self.layer, self.layer + 1) - self.factor * after).expand(power_exp=True).powsimp()


def unit(left: Expr) -> Eq:
    """Return the equation left = 1."""
    return Eq(left, 1, evaluate=False)
