r"""Closed forms rewritten so that float64 does not lose digits where two inputs are close.

A closed form of E[f(x) f(y)] in the variance q and the covariance c is exact, and E[f^2] minus it is 0/0 in floating
point as c -> q. Here the difference is taken term by term, before any number is put in, and every q - c and q + c is
named: they are what the caller knows to all digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mpmath import mp
from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Integer,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    S,
    Symbol,
    asin,
    atan,
    exp,
    expand,
    factor_terms,
    pi,
    sqrt,
)
from sympy.codegen.cfunctions import expm1

from derive.gaussian.evaluate import CannotEvaluate, compile_expression
from derive.kinds import definition
from derive.maps.gaps import ArcExcess, cosine2, d, e, gaps, named, plain, with_expm1
from derive.maps.symbols import c, q
from derive.proof.derivation import Derivation, Proof, Step
from derive.proof.rule import Evidence, Rewrite, Rule, replace_everywhere
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.setting import Setting
from derive.words import Words

DIGITS = 30


class _Stop(Exception):
    """A term that the rules do not cover."""


@dataclass(frozen=True)
class TermByTerm(Rule):
    """F(q, q) - F(q, c) term by term: asin u - asin w = 2 atan((u - w)/(√(1 - u²) + √(1 - w²))), e^a - e^b = e^a (1 - e^(b - a))

    √a - √b = (a - b)/(√a + √b), 1/a - 1/b = (b - a)/(a b), and u v - u' v' = (u - u') v + u' (v - v'), down to q - c.
    """  # noqa: E501  (a formula is one line)

    name = "term-by-term"
    words = "Take the difference term by term, without subtracting numbers that are nearly equal."
    evidence = Evidence.POINTS

    form: Expr = S.Zero

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Rewrite the difference of the two values of ``form``."""
        if node != difference(self.form):
            return None
        try:
            return Rewrite(_shortened(_kinked_apart(self.form) or _apart(self.form)), _names_gaps(setting))
        except _Stop:
            return None

    def at_points(self, step: Step) -> Verdict:
        """Both sides at correlations of both signs and near 1."""
        return compare_in_gaps(step.before, step.after)


@dataclass(frozen=True)
class NameGaps(Rule):
    """asin u = atan(u/√(1 - u²)), e^a - e^b = 2 e^((a + b)/2) sinh((a - b)/2), with q - c and q + c factored out"""

    name = "name-gaps"
    words = "Factor q - c and q + c, which are known to all digits, out of every root and exponent."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Rewrite a whole closed form."""
        if not (node.free_symbols and node.free_symbols <= {q, c}):
            return None
        try:
            return Rewrite(named(node), _names_gaps(setting))
        except _Stop:
            return None

    def at_points(self, step: Step) -> Verdict:
        """Both sides at correlations of both signs and near 1."""
        return compare_in_gaps(step.before, step.after)


def _names_gaps(setting: Setting) -> frozenset[str]:
    """Return the hypothesis that says what d and e are, or raise `Undischarged`."""
    return frozenset(setting.stating(equation).key for equation in GAPS_NAMED.equations)


def difference(form: Expr) -> Expr:
    """F(q, q) - F(q, c), as it stands."""
    return form.subs(c, q) - form


def separation_form(form: Expr) -> Derivation:
    """E[f²] - E[f(x) f(y)] without cancellation, in q, c, d = q - c and e = q + c.

    Raises `RuleDoesNotApply` for a closed form with a function that the rule does not cover.
    """
    proof = Proof(_SETTING, difference(form)).by(TermByTerm(form=form))
    return proof.done("separation", "How far two units are apart, without cancellation")


def covariance_form(form: Expr) -> Derivation:
    """E[f(x) f(y)], or a moment of one unit, in q, c, d = q - c and e = q + c.

    Raises `RuleDoesNotApply` for a closed form with a function that the rule does not cover.
    """
    return Proof(_SETTING, form).by(NameGaps()).done("covariance", "A closed form with its gaps named")


# ---- the difference of two values


def _apart(f: Expr) -> Expr:
    """f(q, q) - f(q, c)."""
    if not f.has(c):
        return S.Zero
    if f == c:
        return d
    if isinstance(f, Add):
        return Add(*(_apart(term) for term in f.args))
    if isinstance(f, Mul):
        first, rest = f.as_two_terms()
        if not first.has(c) or not rest.has(c):
            fixed, moving = (rest, first) if first.has(c) else (first, rest)
            return fixed * _apart(moving)
        return _apart(first) * _at_one(rest) + gaps(first) * _apart(rest)
    if isinstance(f, asin):
        (u,) = f.args
        return 2 * atan(_apart(u) / (sqrt(cosine2(u.subs(c, q))) + sqrt(cosine2(u))))
    if isinstance(f, exp):
        (a,) = f.args
        slope = expand(a).coeff(c)
        if slope.has(c) or not slope.is_number or expand(a - slope * c).has(c):
            raise _Stop
        # The exponent that is larger, times 1 - exp of what is negative.
        if slope > 0:
            return -exp(gaps(a.subs(c, q))) * expm1(-slope * d)
        return exp(gaps(a)) * expm1(slope * d)
    if isinstance(f, Pow) and f.exp.is_Rational:
        return _power_apart(f.base, f.exp)
    raise _Stop


def _power_apart(base: Expr, exponent: Rational) -> Expr:
    if exponent.q == 2 and abs(exponent.p) != 1:
        return _power_apart(sqrt(base), Integer(exponent.p))
    one, now, step = _at_one(base), gaps(base), _apart(base)
    if exponent == Rational(1, 2):
        return step / (sqrt(one) + sqrt(now))
    if exponent == -Rational(1, 2):
        return -step / (sqrt(one) * sqrt(now) * (sqrt(one) + sqrt(now)))
    if exponent.is_Integer and 1 < exponent < 20:
        if base == c and exponent == 2:
            return d * e
        return step * Add(*(one**k * now ** (exponent - 1 - k) for k in range(exponent)))
    if exponent.is_Integer and -20 < exponent < 0:
        size = -exponent
        return -step * Add(*(one**k * now ** (size - 1 - k) for k in range(size))) / (one * now) ** size
    raise _Stop


def _at_one(f: Expr) -> Expr:
    return plain(f.subs(c, q))


def _kinked_parts(f: Expr) -> tuple[Expr, Expr] | None:
    """α and β of f = α c + β (c asin(c/q) + √(q² - c²)), the covariance of a piecewise linear function; else None."""
    flat = expand(f)
    chord = sqrt(q**2 - c**2)
    beta = flat.coeff(chord)
    alpha = expand(flat - beta * (c * asin(c / q) + chord)).coeff(c)
    if beta == 0 or beta.free_symbols or alpha.free_symbols:
        return None
    return (alpha, beta) if expand(flat - alpha * c - beta * (c * asin(c / q) + chord)) == 0 else None


def _kinked_apart(f: Expr) -> Expr | None:
    """∫ acos from c to q is what the arc exceeds the chord by, so only one positive term is taken away."""
    parts = _kinked_parts(f)
    if parts is None:
        return None
    alpha, beta = parts
    return (alpha + beta * pi / 2) * Min(d, e) + 2 * alpha * Max(0, -c) - beta * ArcExcess(d, e)


def _shortened(f: Expr) -> Expr:
    shorter = factor_terms(f)
    made: Expr = replace_everywhere(shorter, lambda x: with_expm1(x) if isinstance(x, Add) else None)
    return made


# ---- evidence


def compare_in_gaps(before: Basic, after: Basic) -> Verdict:
    """Hold two sides against each other to 30 digits at variances from 1e-3 to 40 and gaps down to 1e-12."""
    largest, tried = mp.mpf(0), 0
    for variance in (Rational(1, 1000), Rational(7, 10), Rational(23, 10), Integer(40)):
        for gap in (Rational(1, 10**12), Rational(1, 900), Rational(3, 10), Integer(1), Rational(17, 10)):
            with mp.workdps(2 * DIGITS + 30):
                at = {q: variance, c: variance * (1 - gap), d: variance * gap, e: variance * (2 - gap)}
                try:
                    left, right = (exact(side, at) for side in (before, after))
                except (CannotEvaluate, ArithmeticError, ValueError) as why:
                    return Verdict(Grade.UNDECIDED, f"a side has no value ({why})")
                error = abs(left - right) / max(abs(left), abs(right), mp.mpf(10) ** -30)
                if error > mp.mpf(10) ** -DIGITS:
                    shown = {"q": str(variance), "1 - rho": str(gap)}
                    found = Counterexample({}, shown, mp.nstr(left, 15), "=", mp.nstr(right, 15))
                    return Verdict(Grade.FAILED, "both sides differ at an admissible point", found)
                largest = max(largest, error)
                tried += 1
    return Verdict(
        Grade.SAMPLED,
        f"computed by the rule; both sides equal at {tried} points to {DIGITS} digits "
        f"(largest error {mp.nstr(largest, 1)})",
    )


def exact(side: Basic, at: dict[Symbol, Expr]) -> Any:
    """The value of a side at the working precision of mpmath."""
    return evaluator(side)(*(mp.mpf(v.p) / v.q for v in (S(at[s]) for s in (q, c, d, e))))


def evaluator(side: Basic) -> Callable[..., Any]:
    """Return the expression as a function of q, c, d and e, in mpmath numbers."""
    written = side.replace(ArcExcess, lambda *args: ArcExcess(*args).definition())
    written = written.replace(expm1, lambda u: exp(u) - 1)
    run = compile_expression(written, (q, c, d, e), mp)
    return lambda *values: run(values)


GAPS_NAMED = definition("gaps", Words("{} and {} are names: {} and {}.", d, e, Eq(d, q - c), Eq(e, q + c)))
_SETTING = Setting((GAPS_NAMED,))
