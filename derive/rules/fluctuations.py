"""Rules for random numbers that stay close to their means: what functions of them are, to first order in 1/n."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import Add, Derivative, Expr, Integer, Mul, Rational, Symbol, factor

from derive.averages import Average, Covariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.network import Width
from derive.proof.derivation import Step
from derive.proof.relations import Remainder
from derive.proof.rule import Evidence, Rewrite, replace_everywhere
from derive.proof.sampling import points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.randomness import Entry
from derive.rules.any_activation import KINKED, SMOOTH, Example
from derive.rules.logarithms import BeyondWorlds
from derive.setting import Setting, Undischarged

INVERSE_WIDTH = Symbol("u", positive=True)
"""One over the width of a layer, in which fluctuations are small."""
_ROUNDING = Rational(1, 10**50)


@dataclass(frozen=True)
class SmallFluctuations(BeyondWorlds):
    """E[g(K)] ~ g(q) + sum_ab g_ab(q)/2 Cov[K_a, K_b] and Var[g(K)] ~ sum_ab g_a(q) g_b(q) Cov[K_a, K_b], to order 1/n

    For random numbers K of means q, which stay close to them; g_a is a derivative. Likewise Cov[g(K), h(K)]. With
    ``leading``, E[g(K)] ~ g(q), which is enough beside a factor 1/n.

    Obligation: the fluctuations are declared to be narrow; a definition says that q are the means.
    """

    means: tuple[tuple[Entry, Symbol], ...]
    leading: bool = False
    name = "small-fluctuations"
    words = "The numbers stay close to their means: expand about these, to first order in one over the width."
    relation = "~"
    shows = ("~",)
    evidence = Evidence.POINTS

    def remainder(self) -> Remainder:
        """Return the orders in 1/n left out."""
        return Remainder(INVERSE_WIDTH, Integer(2))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a mean, a variance or a covariance of functions of the narrow numbers."""
        values = dict(self.means)
        if not isinstance(node, Average | Variance | Covariance):
            return None
        inside = [e.xreplace(values) for e in node.inside]
        entries = set().union(*(e.atoms(Entry) for e in inside))
        if not any(e.has(*values) for e in node.inside) or entries or {*node.inside} <= {*values}:
            return None
        uses = self._uses(node, setting)
        if isinstance(node, Average) and self.leading:
            return Rewrite(inside[0], uses)
        pairs = combinations_with_replacement(self.means, 2)
        terms = [self._term(node, inside, a, b) for a, b in pairs]
        return Rewrite(Add(*terms, *(inside if isinstance(node, Average) else ())), uses)

    def _term(self, node: Expr, inside: list[Expr], a: tuple[Entry, Symbol], b: tuple[Entry, Symbol]) -> Expr:
        """Return the part of one pair of numbers, both orders of it."""
        (one, p), (other, q) = a, b
        spread = Variance(one, node.over) if one == other else Covariance(one, other, node.over)
        if isinstance(node, Average):
            return spread * _slope(inside[0], p, q) * (Rational(1, 2) if one == other else 1)
        left, right = inside[0], inside[-1]
        both = _slope(left, p) * _slope(right, q)
        return spread * (both if one == other else both + _slope(left, q) * _slope(right, p))

    def _uses(self, node: Expr, setting: Setting) -> frozenset[str]:
        """Return who says that the numbers are narrow, and what their means are; or raise."""
        uses = frozenset[str]()
        for entry, mean in self.means:
            uses |= setting.require(Kind.NARROW, entry.family)
            named = (
                h.key for h in setting.hypotheses for e in h.equations if e.args == (mean, Average(entry, node.over))
            )
            who = next(named, None)
            if who is None:
                raise Undischarged(f"nothing says that {mean} is the mean of {entry}")
            uses |= {who}
        return uses

    def at_points(self, step: Step) -> Verdict:
        """Draw the numbers from a narrow law of three points, narrower and narrower: the gap must fall faster."""
        tried = 0
        for example in _ONE if len(self.means) == 1 else _SEVERAL:
            free = (step.before.free_symbols | step.after.free_symbols) - {q for _, q in self.means}
            at = next(points(sorted((u for u in free if not u.is_integer), key=str)))
            sizes = (Rational(1, 20_000), Rational(1, 200_000))
            near, nearer = (abs(self._gap(step, example, at, size)) for size in sizes)
            if not nearer <= near / Integer(10) ** Rational(14, 5) + _ROUNDING:
                found = Counterexample({"f(z)": str(example.formula)}, {}, str(near), "~", str(nearer))
                return Verdict(Grade.FAILED, "the difference does not fall like the first order left out", found)
            tried += 1
        evidence = f"computed by the rule; the difference falls like the first order left out, at {tried} points"
        return Verdict(Grade.SAMPLED, evidence)

    def _gap(self, step: Step, example: Example, at: dict[Symbol, Expr], size: Expr) -> Expr:
        """Return by how much the sides differ, for an activation and fluctuations of a size, widths being 1/size^2."""
        means = dict(zip((q for _, q in self.means), _MEANS, strict=False))
        law = [
            (chance, {entry: q * (1 + size * step) for (entry, q), step in zip(self.means, way, strict=False)})
            for chance, way in _LAW
        ]

        def value(node: Expr) -> Expr | None:
            if isinstance(node, Width):
                return size**-2
            if not isinstance(node, Average | Variance | Covariance):
                return None
            table = [(w, [self._number(e.xreplace(k), example, means) for e in node.inside]) for w, k in law]
            mean = Add(*(w * v[0] for w, v in table))
            if isinstance(node, Average):
                return mean
            return Add(*(w * v[0] * v[-1] for w, v in table)) - mean * Add(*(w * v[-1] for w, v in table))

        sides = [replace_everywhere(e.subs(at), value) for e in (step.before, step.after)]
        left, right = (self._number(e, example, means) for e in sides)
        return (left - right).evalf(60)

    def _number(self, e: Expr, example: Example, means: dict[Symbol, Expr]) -> Expr:
        return example.put_in(e).doit().subs(means).evalf(80)


_Z = Symbol("z", real=True)
_ONE, _SEVERAL = (SMOOTH[0], SMOOTH[2], KINKED[0]), (Example(_Z**2 + _Z), Example(2 * _Z**2 - 1))
_MEANS = (Rational(7, 5), Rational(1, 2), Rational(11, 7))
_LAW = (
    (Rational(1, 2), (Integer(-1), Rational(1, 2), Rational(-1, 2))),
    (Rational(1, 4), (Integer(0), Integer(-2), Rational(-3, 2))),
    (Rational(1, 4), (Integer(2), Integer(1), Rational(5, 2))),
)
"""Means; chances, and where up to three numbers are then, of mean zero, correlated and skewed."""


def _slope(e: Expr, *variables: Symbol) -> Expr:
    """Return a derivative, left as it stands where it is of a Gaussian mean."""
    if not e.has(GaussianExpectation):
        return factor(e.diff(*variables))
    for variable in variables:
        e = _one_slope(e, variable)
    return e


def _one_slope(e: Expr, variable: Symbol) -> Expr:
    if not e.has(variable):
        return Integer(0)
    if isinstance(e, Add):
        return Add(*(_one_slope(a, variable) for a in e.args))
    if isinstance(e, Mul):
        return Add(
            *(Mul(_one_slope(a, variable), *(c for m, c in enumerate(e.args) if m != k)) for k, a in enumerate(e.args))
        )
    if e.is_Pow and not e.exp.has(variable):
        return e.exp * e.base ** (e.exp - 1) * _one_slope(e.base, variable)
    if isinstance(e, GaussianExpectation | Derivative):
        return Derivative(e, variable)
    return e.diff(variable)
