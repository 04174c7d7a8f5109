"""Rules on the derivatives of Gaussian expectations, and the symmetry that gives some means without any integral."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from mpmath import mp
from sympy import (
    Add,
    Basic,
    Derivative,
    Expr,
    Function,
    Mul,
    Pow,
    Rational,
    S,
    Subs,
    Symbol,
    cancel,
    exp,
    factor,
    factor_terms,
    simplify,
    together,
)

from derive.activations.pieces import distributional_derivative, jumps, pieces
from derive.gaussian.check import CannotCheck, Problem, answer_at, quadrature
from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.expectation import GaussianExpectation
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.setting import Setting

_HIGHEST = 30
DIGITS = 9
"""What a difference quotient of a quadrature of 14 digits can be held against."""


class _AtPoints(Rule):
    """A rule whose two sides are compared at points, derivatives by difference quotients."""

    evidence = Evidence.POINTS

    def at_points(self, step: Step) -> Verdict:
        """Evaluate both sides at two points; quadrature gives the expectations."""
        return _compare(step.before, step.after)


@dataclass(frozen=True)
class PriceInCorrelation(_AtPoints):
    """d/d rho E[g(x) h(y)] = q E[g'(x) h'(y)] for Gaussian x, y of variance q and correlation rho

    Derivatives in the sense of distributions. Source: Price 1958.
    """

    name = "price-in-correlation"
    words = "Price's theorem: the derivative in the correlation is an expectation of the derivatives."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Differentiate an expression that depends on the correlation through one expectation, affinely."""
        if not isinstance(node, Derivative) or len(node.variables) != 1:
            return None
        (rho,) = node.variables
        inside = [e for e in node.expr.atoms(GaussianExpectation) if rho in e.free_symbols]
        if len(inside) != 1 or len(inside[0].variables) != 2:
            return None
        (pair,) = inside
        stand_in = Symbol("expectation", real=True)
        slope = node.expr.xreplace({pair: stand_in}).diff(stand_in)
        variances = [row[i] for i, row in enumerate(pair.covariance)]
        if slope.has(stand_in, rho) or pair.integrand.has(rho) or any(w.has(rho) for w in variances):
            return None
        integrand = pair.integrand
        for variable in pair.variables:
            integrand = _derivative_of_factor(integrand, variable)
        # The derivative of the covariance in the correlation.
        change = pair.covariance[0][1].diff(rho)
        return Rewrite(slope * change * GaussianExpectation.of(integrand, pair.variables, pair.mean, pair.covariance))


def _derivative_of_factor(product: Expr, variable: Symbol) -> Expr:
    """The distributional derivative in one variable of a product of functions of one variable each."""
    rest, factor = product.as_independent(variable, as_Add=False)
    return rest * distributional_derivative(factor, variable)


@dataclass(frozen=True)
class PriceInVariance(_AtPoints):
    """d/dq E[g(s)] = E[g''(s)]/2 for Gaussian s of mean 0 and variance q

    The derivative is that of a distribution. Source: Price 1958; it is the heat equation of the normal density.
    """

    name = "price-in-variance"
    words = "Price's theorem for one variable: the derivative in the variance is half an expectation of g''."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Differentiate an expression that depends on the variance through one expectation, affinely."""
        found = _one_expectation(node)
        if found is None:
            return None
        single = found.inside
        (z,) = single.variables
        if jumps(single.integrand, z):
            return None
        second = distributional_derivative(distributional_derivative(single.integrand, z), z)
        made = GaussianExpectation.of(second, single.variables, single.mean, single.covariance)
        return Rewrite(found.slope / 2 * made)


class _Affine(NamedTuple):
    """A derivative in q of slope · E[g(s)] + what does not depend on q, s ~ N(0, q)."""

    slope: Expr
    inside: GaussianExpectation


def _one_expectation(node: Expr) -> _Affine | None:
    if not isinstance(node, Derivative) or len(node.variables) != 1:
        return None
    (q,) = node.variables
    inside = [e for e in node.expr.atoms(GaussianExpectation) if q in e.free_symbols]
    if len(inside) != 1 or len(inside[0].variables) != 1 or inside[0].covariance != ((q,),):
        return None
    (single,) = inside
    if single.integrand.has(q) or single.mean[0] != 0:
        return None
    stand_in = Symbol("expectation", real=True)
    slope = node.expr.xreplace({single: stand_in}).diff(stand_in)
    return None if slope.has(stand_in, q) else _Affine(slope, single)


@dataclass(frozen=True)
class ScaleInVariance(_AtPoints):
    """d/dq E[g(s)] = E[s g'(s)]/(2 q) for Gaussian s of mean 0 and variance q

    By s = sqrt(q) z; the derivative is that of a distribution.
    """

    name = "scale-in-variance"
    words = "Write s as sqrt(q) times a standard normal variable, and differentiate inside the expectation."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Differentiate an expression that depends on the variance through one expectation, affinely."""
        found = _one_expectation(node)
        if found is None:
            return None
        (z,), (q,) = found.inside.variables, node.variables
        integrand = z * distributional_derivative(found.inside.integrand, z)
        made = GaussianExpectation.of(integrand, (z,), found.inside.mean, found.inside.covariance)
        return Rewrite(found.slope / (2 * q) * made)


@dataclass(frozen=True)
class Differentiate(_AtPoints):
    """Carry out a derivative"""

    name = "differentiate"
    words = "Differentiate the closed form."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Differentiate an expression without expectations."""
        if not isinstance(node, Derivative) or node.expr.has(GaussianExpectation):
            return None
        return Rewrite(_shorter(node.expr.diff(*node.variables)))


@dataclass(frozen=True)
class SetValue(_AtPoints):
    """Set a variable to its value"""

    name = "set-value"
    words = "Put in the value."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Substitute in an expression from which every derivative is gone."""
        if not isinstance(node, Subs) or node.expr.has(Derivative):
            return None
        return Rewrite(node.expr.subs(dict(zip(node.variables, node.point, strict=True))))


@dataclass(frozen=True)
class OneVariable(_AtPoints):
    """E[g(x) h(y)] = E[g(z)] E[h(z)] for independent x, y of the law of z, E[g(z) h(z)] for equal ones

    Independent are Gaussian variables of covariance 0, equal are those of one variance that is their covariance.
    """

    variable: Symbol
    name = "one-variable"
    words = "Variables of one law that are independent or equal: expectations over one."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Rewrite an expectation of a product over two variables of one law."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 2 or len(set(node.mean)) > 1:
            return None
        (x, y), ((first, shared), (_, second)) = node.variables, node.covariance
        if first != second or shared not in (0, first):
            return None

        def mean(g: Expr) -> Expr:
            return GaussianExpectation.of(g, (self.variable,), node.mean[:1], ((first,),))

        g, h = node.integrand.as_independent(y, as_Add=False)
        if x in h.free_symbols:
            return None
        g, h = (e.xreplace({v: self.variable}) for e, v in ((g, x), (h, y)))
        return Rewrite(mean(g * h) if shared else mean(g) * mean(h))


@dataclass(frozen=True)
class EvenPart(_AtPoints):
    """E[g(s)] = E[(g(s) + g(-s))/2] when the law is symmetric about 0

    Used where the even part is a polynomial though g is none: it is 0 for an odd g, 1/2 for the logistic function,
    s^2/2 for s softplus(s).
    """

    name = "even-part"
    words = "The law is symmetric about 0, so only the even part of the integrand counts."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Average the integrand over s and -s, on every piece."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 1 or node.mean[0] != 0:
            return None
        (variable,) = node.variables
        part = even_polynomial(node.integrand, variable)
        if part is None or part == node.integrand:
            return None
        if not part.has(variable):
            return Rewrite(part)
        return Rewrite(GaussianExpectation.of(part, node.variables, node.mean, node.covariance))


def even_polynomial(g: Expr, variable: Symbol) -> Expr | None:
    """Return (g(s) + g(-s))/2 if it is one polynomial on every piece, else None."""
    found = {simplify(formula) for formula in pieces((g + g.subs(variable, -variable)) / 2, variable)[1]}
    if len(found) != 1:
        return None
    part = S(found.pop())
    return part if part.is_polynomial(variable) else None


@dataclass(frozen=True)
class Shorten(_AtPoints):
    """Write a result with fewer operations"""

    name = "shorten"
    words = "Collect."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Factor where that is shorter."""
        if not isinstance(node, Expr) or node.has(GaussianExpectation):
            return None
        shorter = _shorter(node)
        return None if shorter == node else Rewrite(shorter)


def _degree_of_exponentials(e: Expr) -> int:
    """The largest whole multiple in an exponent: exp(20 (20 c + d)) is a power of degree 400 to `factor`."""
    return max((int(_largest_coefficient(u.args[0])) for u in e.atoms(exp)), default=0)


def _largest_coefficient(e: Expr) -> Expr:
    """A bound of the coefficients in what an expression is once it is multiplied out."""
    if e.is_Number:
        return abs(e)
    if isinstance(e, Pow) and e.exp.is_Integer and e.exp.is_positive:
        return _largest_coefficient(e.base) ** e.exp
    parts = [_largest_coefficient(a) for a in e.args] if isinstance(e, Add | Mul) else [S.One]
    return max(parts) if isinstance(e, Add) else Mul(*parts)


@lru_cache(maxsize=4096)
def _shorter(e: Expr) -> Expr:
    if not _has_sum(e) or _stands_apart(e):
        return e
    candidates = [e, factor_terms(e)]
    if e.count_ops() < 200 and _degree_of_exponentials(e) <= _HIGHEST:
        one = together(e)
        candidates.append(one)
        if not _is_irreducible(e):
            candidates += [factor(e), cancel(one)]
    counts = {x: x.count_ops() for x in candidates}
    fewest = [x for x, count in counts.items() if count == min(counts.values())]
    return fewest[0] if len(fewest) == 1 else min(fewest, key=lambda x: len(str(x)))


def _has_sum(e: Expr) -> bool:
    """Whether there is a sum outside of functions: what is inside them is looked at by itself."""
    return isinstance(e, Add) or (isinstance(e, Mul | Pow) and any(map(_has_sum, e.args)))


def _stands_apart(e: Expr) -> bool:
    """Whether a product has one factor with a sum in it, which shares no symbol with the others: look at that alone."""
    if not isinstance(e, Mul):
        return False
    sums = [a for a in e.args if _has_sum(a)]
    rest = Mul(*(a for a in e.args if not _has_sum(a)))
    if len(sums) != 1 or rest.free_symbols & sums[0].free_symbols:
        return False
    # a (b + 1) may be shorter multiplied out, and others with a sign or a number taken in or out.
    short = rest.is_Symbol and len(sums[0].args) == 2
    return not (short or rest.could_extract_minus_sign() or sums[0].primitive()[0] != 1)


def _is_irreducible(e: Expr) -> bool:
    """Whether a sum has a term a·g without a sum in a, g in no other term: then a·g + b has no factor but a product."""
    if not isinstance(e, Add):
        return False
    return any(
        isinstance(g, Symbol | Function) and not isinstance(g, exp) and not any(o.has(g) for o in e.args if o != term)
        for term in e.args
        if not _has_sum(term)
        for g in Mul.make_args(term)
    )


# ---- evidence


def _compare(before: Basic, after: Basic) -> Verdict:
    """Hold two sides against each other at two points; derivatives as central differences."""
    # The value may be at the end of the range, where no difference quotient is; inside it the sides agree too.
    if before.has(Subs) and after.has(Subs):
        before, after = (side.replace(Subs, lambda inside, *_: inside) for side in (before, after))
    symbols = sorted(before.free_symbols | after.free_symbols, key=str)
    largest = 0.0
    for place in range(2):
        point = {x: Rational(61 + 13 * place + 7 * n, 128) for n, x in enumerate(symbols)}
        point = {x: -v if x.is_negative else v for x, v in point.items()}
        try:
            left, right = (_value(side, point) for side in (before, after))
        except (CannotCheck, CannotEvaluate, ArithmeticError, ValueError, TypeError) as why:
            return Verdict(Grade.UNDECIDED, f"a side has no value ({why})")
        error = abs(left - right) / max(abs(left), abs(right), 1e-3)
        if not error < 10.0**-DIGITS:
            shown = {str(k): str(value) for k, value in point.items()}
            return Verdict(
                Grade.FAILED,
                "both sides differ at an admissible point",
                Counterexample({}, shown, mp.nstr(left, 12), "=", mp.nstr(right, 12)),
            )
        largest = max(largest, float(error))
    return Verdict(
        Grade.SAMPLED,
        f"computed by the rule; both sides equal at 2 admissible points to {DIGITS} digits "
        f"(largest error {largest:.1e})",
    )


def _value(side: Basic, point: Mapping[Symbol, Expr]) -> Any:
    """The number of a side: expectations by quadrature, derivatives by central differences of fourth order."""
    stand_ins: dict[Basic, Any] = {}
    for node in _outermost(side):
        stand_ins[node] = _node_value(node, point)
    names = {node: Symbol(f"number{n}", real=True) for n, node in enumerate(stand_ins)}
    numbers = {**point, **{names[node]: mp.mpf(value) for node, value in stand_ins.items()}}
    return answer_at(side.xreplace(names), numbers, 15)


def _outermost(side: Basic) -> list[Basic]:
    if isinstance(side, GaussianExpectation | Derivative | Subs):
        return [side]
    found = [node for a in side.args for node in _outermost(a)]
    return list(dict.fromkeys(found))


def _node_value(node: Basic, point: Mapping[Symbol, Expr]) -> Any:
    if isinstance(node, Subs):
        value = dict(zip(node.variables, node.point, strict=True))
        return _value(node.expr, {**point, **value})
    if isinstance(node, Derivative):
        (x,) = node.variables
        h = Rational(1, 512)
        f: Callable[[int], Any] = lambda k: _value(node.expr, {**point, x: point[x] + k * h})  # noqa: E731
        return (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * mp.mpf(h.p) / h.q)
    problem = Problem(node.integrand, node.variables, node.mean, node.covariance)
    return quadrature(problem, {k: value for k, value in point.items() if k in node.free_symbols}).value
