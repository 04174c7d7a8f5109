"""Rules on the stability of a fixed point: derivatives in a mean, spectral radius, bounds by interval arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mpmath import iv
from mpmath.libmp import to_rational
from sympy import (
    Abs,
    Add,
    Basic,
    Derivative,
    E,
    Expr,
    Float,
    Integer,
    Matrix,
    Max,
    Mul,
    Pow,
    Rational,
    Subs,
    Symbol,
    Tuple,
    ceiling,
    exp,
    floor,
    pi,
    sympify,
)

from derive.activations.pieces import distributional_derivative, jumps
from derive.errors import InputError
from derive.gaussian import GaussianExpectation, NormalDensity, Phi, gaussian_expectation
from derive.network import DERIVATIVES
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule, replace_everywhere
from derive.proof.sampling import compare_at_points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.rules.any_activation import KINKED, SMOOTH, derivative
from derive.setting import Setting
from derive.words import Words

_TERMS, _DIGITS = 80, 40


class SpectralRadius(Expr):
    """The largest absolute value of an eigenvalue of a matrix, given by its rows."""

    is_commutative = True
    is_nonnegative = True

    @classmethod
    def of(cls, rows: Any) -> SpectralRadius:
        """Return the spectral radius of the matrix with these rows."""
        return cls(Tuple(*(Tuple(*map(sympify, row)) for row in rows)))

    @property
    def rows(self) -> tuple[tuple[Expr, ...], ...]:
        """The matrix."""
        return tuple(tuple(row) for row in self.args[0])

    def _sympystr(self, printer: Any) -> str:
        return f"ρ([{'; '.join(', '.join(printer._print(e) for e in row) for row in self.rows)}])"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        rows = r"\\ ".join(" & ".join(printer._print(e) for e in row) for row in self.rows)
        power = f"^{{{exp}}}" if exp else ""
        return rf"\rho{power}\begin{{pmatrix}}{rows}\end{{pmatrix}}"


@dataclass(frozen=True)
class DerivativeInMean(Rule):
    """d/dm E[g(z)] = E[g'(z)] for Gaussian z of mean m, and by the chain rule where the mean is a function of m

    Obligation: g is continuous, or else g' has deltas that are not seen here.
    """

    name = "derivative-in-mean"
    words = "Moving the mean of a Gaussian differentiates the function inside the expectation."
    source = "Stein 1981, Annals of Statistics 9, lemma 1"
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a derivative of an expression that depends on a variable through means only."""
        if not isinstance(node, Derivative) or len(node.variables) != 1:
            return None
        (m,) = node.variables
        found = sorted((e for e in node.expr.atoms(GaussianExpectation) if m in e.free_symbols), key=str)
        names = {e: Symbol(f"expectation{k}", real=True) for k, e in enumerate(found)}
        outer = node.expr.xreplace(names)
        if not found or m in outer.free_symbols:
            return None
        total: Expr = Integer(0)
        for e, name in names.items():
            (z, *others), (mean, *_) = e.variables, e.mean
            abstract = e.integrand.has(*DERIVATIVES)
            if others or e.covariance[0][0].has(m) or e.integrand.has(m) or (not abstract and jumps(e.integrand, z)):
                return None
            slope = derivative(e.integrand, z) if abstract else distributional_derivative(e.integrand, z)
            inner = GaussianExpectation.of(slope, (z,), e.mean, e.covariance)
            total += outer.diff(name) * mean.diff(m) * inner
        return Rewrite(total.xreplace({name: e for e, name in names.items()}))

    def at_points(self, step: Step) -> Verdict:
        """Compare the derivative of the closed form with the closed form of the derivative, to many digits."""
        return _by_closed_forms(step)


@dataclass(frozen=True)
class DerivativeOfParts(Rule):
    """d/dx h(E_1, E_2, ...) = sum_k dh/dE_k dE_k/dx, the chain rule for an expression in expectations

    Taken at a value of x, every factor is.
    """

    name = "derivative-of-parts"
    words = "The chain rule: differentiate each expectation."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write a derivative at a value as a sum of derivatives of single expectations at that value."""
        if not isinstance(node, Subs) or not isinstance(node.expr, Derivative) or len(node.expr.variables) != 1:
            return None
        (x,) = node.expr.variables
        found = sorted(node.expr.expr.atoms(GaussianExpectation), key=str)
        names = {e: Symbol(f"expectation{k}", real=True) for k, e in enumerate(found)}
        outer = node.expr.expr.xreplace(names)
        if outer in names.values() or x in outer.free_symbols:
            return None
        back, at = {name: e for e, name in names.items()}, dict(zip(node.variables, node.point, strict=True))
        total: Expr = Integer(0)
        for e, name in names.items():
            factor = outer.diff(name).xreplace(back).xreplace(at)
            total += factor * Subs(Derivative(e, x), node.variables, node.point)
        return Rewrite(total)

    def at_points(self, step: Step) -> Verdict:
        """Compare the derivatives of the closed forms, at the value."""
        return _by_closed_forms(step)


def _by_closed_forms(step: Step) -> Verdict:
    """Compare both sides in closed form: for a smooth activation and a kinked one where any is meant."""
    verdict = Verdict(Grade.UNDECIDED, "there is nothing to compare")
    for example in (SMOOTH[0], KINKED[0]) if step.before.has(*DERIVATIVES) else (None,):
        sides = (step.before, step.after) if example is None else map(example.put_in, (step.before, step.after))
        before, after = (replace_everywhere(side, _closed).doit() for side in sides)
        verdict = compare_at_points(replace(step, before=before, after=after))
        if verdict.grade >= Grade.UNDECIDED:
            return verdict
    return verdict


def _closed(node: Expr) -> Expr | None:
    if not isinstance(node, GaussianExpectation):
        return None
    return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=node.covariance).result


@dataclass(frozen=True)
class TriangularSpectrum(Rule):
    """The eigenvalues of a triangular matrix are the entries on its diagonal"""

    name = "triangular-spectrum"
    words = "The matrix is triangular: its eigenvalues stand on the diagonal."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the spectral radius of a triangular matrix."""
        if not isinstance(node, SpectralRadius):
            return None
        matrix = Matrix(node.rows)
        if not (matrix.is_upper or matrix.is_lower):
            raise InputError(f"{matrix} is not triangular")
        # Without zeros, which SymPy would compare with the others.
        sizes = [Abs(e) for e in matrix.diagonal() if e != 0]
        return Rewrite(Max(*sizes) if sizes else Integer(0))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Take the roots of the characteristic polynomial instead."""

        def by_roots(node: Expr) -> Expr | None:
            if not isinstance(node, SpectralRadius):
                return None
            entries = Matrix(node.rows)
            names = Matrix(*entries.shape, [e and Symbol(f"entry{k}") for k, e in enumerate(entries)])
            back = {n: e for n, e in zip(names, entries, strict=True) if n != 0}
            sizes = [Abs(root.xreplace(back)) for root in names.eigenvals() if root != 0]
            return Max(*sizes) if sizes else Integer(0)

        return replace_everywhere(before, by_roots) - after


@dataclass(frozen=True)
class BoundByIntervals(Rule):
    """u <= b, where b is u rounded up: u lies in an interval whose ends are computed with directed rounding

    Phi by its alternating series, whose error is less than the first term left out.
    """

    digits: int
    name = "interval-bound"
    words = "Interval arithmetic bounds the number."
    relation = "<="
    evidence = Evidence.POINTS

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace a number by a decimal that bounds it from above."""
        if not isinstance(expression, Expr) or expression.free_symbols:
            raise InputError(f"only a number has bounds, got {expression}")
        low, high = enclose(expression)
        scale = 10**self.digits
        lower, upper = Rational(floor(low * scale), scale), Rational(ceiling(high * scale), scale)
        ends = (Float(end, self.digits) for end in (lower, upper))
        return Rewrite(upper, words=Words("Interval arithmetic: the number lies between {} and {}.", *ends))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None

    def at_points(self, step: Step) -> Verdict:
        """Compare with the value by SymPy's evaluation, which shares no code with the intervals."""
        value = step.before.evalf(_DIGITS)
        gap = step.after - value
        if not 0 <= gap <= Rational(1, 10**self.digits):
            found = Counterexample({}, {}, str(value), "<=", str(step.after))
            return Verdict(Grade.FAILED, f"the bound is not the number rounded up to {self.digits} digits", found)
        return Verdict(Grade.SAMPLED, f"computed by the rule; the number is {value.n(10)}, by another evaluation")


def enclose(e: Expr) -> tuple[Rational, Rational]:
    """Return rational bounds of a number made of fractions, pi, exponentials, roots and Phi."""
    before = iv.dps
    iv.dps = _DIGITS
    try:
        low, high = _interval(e)._mpi_
    finally:
        iv.dps = before
    # int: SymPy may run on other integers than Python's (python-flint, gmpy2).
    return Rational(*map(int, to_rational(low))), Rational(*map(int, to_rational(high)))


def _interval(e: Expr) -> Any:
    if e.is_Rational:
        return iv.mpf(int(e.p)) / int(e.q)
    if e == pi:
        return +iv.pi
    if e == E:
        return iv.exp(iv.mpf(1))
    if isinstance(e, exp):
        return iv.exp(_interval(e.args[0]))
    if isinstance(e, Add | Mul):
        result = _interval(e.args[0])
        for a in e.args[1:]:
            result = result + _interval(a) if isinstance(e, Add) else result * _interval(a)
        return result
    if isinstance(e, Pow) and e.exp.is_Integer:
        return _interval(e.base) ** int(e.exp)
    if isinstance(e, Pow) and (2 * e.exp).is_Integer:
        return iv.sqrt(_interval(e.base)) ** int(2 * e.exp)
    if isinstance(e, NormalDensity):
        return _interval(e.rewrite(exp))
    if isinstance(e, Phi) and e.args[0].is_Rational:
        return _normal_distribution(e.args[0])
    raise InputError(f"no interval for {e}")


def _normal_distribution(x: Rational) -> Any:
    """Phi(x) = 1/2 + sum_k (-1)^k x^(2k+1)/(2^k k! (2k + 1))/sqrt(2 pi), the terms falling where k > x^2."""
    if x**2 >= _TERMS:
        raise InputError(f"the series for Phi needs more than {_TERMS} terms at {x}")
    total, power, z = iv.mpf(0), iv.mpf(1), iv.mpf(int(x.p)) / int(x.q)
    for k in range(_TERMS):
        total += power * z / (2 * k + 1)
        power *= -(z**2) / (2 * (k + 1))
    left_out = abs(power * z / (2 * _TERMS + 1))
    return iv.mpf(1) / 2 + (total + iv.mpf([-1, 1]) * left_out) / iv.sqrt(2 * iv.pi)
