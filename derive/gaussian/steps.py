"""Both sides of one step at admissible points: each expectation in them by quadrature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
from sympy import Basic, Expr, Integral, Matrix, Rational, Symbol

from derive.gaussian.check import (
    CannotCheck,
    Problem,
    admissible_points,
    answer_at,
    digits_of,
    quadrature,
)
from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.proof.derivation import Step
from derive.proof.verdict import Counterexample, Grade, Verdict

INTEGRAL_NODES = 10
INTEGRAL_DIGITS = 8
_WORKING_DIGITS = 50


def compare_at_points(step: Step, *, points: int = 2, seed: int = 7) -> Verdict:
    """Evaluate before and after at admissible points of the step's setting.

    Returns a verdict with the number of points, the digits reached and the largest error, or with the point
    at which the sides differ; `undecided` where a side cannot be evaluated.
    """
    setting = step.setting
    if not isinstance(setting, GaussianSetting) or setting.node is None:
        return Verdict(Grade.UNDECIDED, "the step has no Gaussian law to draw points from")
    node = setting.node
    positive = tuple(c for c in setting.positive if c.free_symbols <= node.free_symbols)
    domain = Problem(node.integrand, node.variables, node.mean, node.covariance, positive, _singular(node, {}))
    if step.before.has(Integral) or step.after.has(Integral):
        # Integrals of quadratures take seconds a point.
        points = 1
    with mpmath.workdps(_WORKING_DIGITS):
        return _compared(step, domain, points, seed)


def _compared(step: Step, domain: Problem, points: int, seed: int) -> Verdict:
    try:
        samples = admissible_points(domain, points, seed)
        values = []
        for sample in samples:
            sides = _Values()
            values.append((sample, sides.of(step.before, sample), sides.of(step.after, sample)))
    except (CannotCheck, CannotEvaluate) as why:
        return Verdict(Grade.UNDECIDED, f"a side has no value ({why})")
    whole, largest = 0.0, 0.0
    for point, left, right in values:
        difference, error = abs(left.value - right.value), left.error + right.error
        if not difference <= error * 1.001:
            found = Counterexample(
                {}, {str(k): str(v) for k, v in point.items()}, str(left.value), "=", str(right.value)
            )
            return Verdict(Grade.FAILED, "both sides differ at an admissible point", found)
        scale = max(left.size, right.size)
        whole = max(whole, float((difference + error) / scale) if scale else 0.0)
        largest = max(largest, float(difference / scale) if scale else 0.0)
    return Verdict(
        Grade.SAMPLED,
        f"computed by the rule; both sides equal at {len(values)} admissible points to {digits_of(whole)} digits "
        f"(largest error {largest:.1e})",
    )


@dataclass(frozen=True)
class _Side:
    """The value of a side, how far it can be off, and the size of what it is made of."""

    value: Any
    error: Any
    size: Any


class _Values:
    """Values of sides at one parameter point; each expectation and integral once per values of its symbols."""

    def __init__(self) -> None:
        self.known: dict[tuple[Expr, tuple[Expr, ...]], _Side] = {}

    def of(self, side: Basic, point: Mapping[Symbol, Expr]) -> _Side:
        """One side: its expectations and integrals replaced by their numbers."""
        nodes = sorted(_outermost(side), key=str)
        found = [self.of_node(node, point) for node in nodes]
        names = [Symbol(f"number{n}", real=True) for n in range(len(nodes))]
        inside = side.xreplace(dict(zip(nodes, names, strict=True)))
        close = min((f.error for f in found), default=0.0) / 1000

        def at(changed: int = -1) -> Any:
            numbers = [f.value + (f.error if n == changed else 0) for n, f in enumerate(found)]
            return answer_at(inside, {**point, **dict(zip(names, numbers, strict=True))}, 30, close)

        value = at()
        # A side is affine in each of its expectations.
        changes = [abs(at(n) - value) for n in range(len(found))]
        scales = [f.size * c / f.error for f, c in zip(found, changes, strict=True) if f.error]
        size = max([abs(value), *scales])
        return _Side(value, sum(changes) + mpmath.mpf(10) ** -30 * size, size)

    def of_node(self, node: Expr, point: Mapping[Symbol, Expr]) -> _Side:
        """The number of one expectation or integral."""
        here = tuple(v for k, v in point.items() if k in node.free_symbols)
        if (node, here) not in self.known:
            make = self._integral if isinstance(node, Integral) else _expectation
            self.known[node, here] = make(node, point)
        return self.known[node, here]

    def _integral(self, node: Integral, point: Mapping[Symbol, Expr]) -> _Side:
        """∫ over the last limit by Gauss-Legendre; the integrand is analytic in the covariance."""
        from derive.quadrature.boxes import rule

        *inner, (u, lower, upper) = node.limits
        inside = Integral(node.function, *inner) if inner else node.function
        a, b = (Rational(float(answer_at(x, point, 16))) for x in (lower, upper))
        total, error, size = mpmath.mpf(0), 0.0, 0.0
        for t, weight in zip(*rule(INTEGRAL_NODES), strict=True):
            found = self.of(inside, {**point, u: Rational(float((a + b) / 2 + (b - a) / 2 * float(t)))})
            share = float(b - a) / 2 * float(weight)
            total += share * found.value
            error += abs(share) * found.error
            size = max(size, found.size)
        return _Side(total, error + size * 10.0**-INTEGRAL_DIGITS, size)


def _outermost(side: Basic) -> set[Expr]:
    """Expectations and integrals that are not inside another."""
    if isinstance(side, GaussianExpectation | Integral):
        return {side}
    return set().union(*(_outermost(a) for a in side.args)) if side.args else set()


def _expectation(node: GaussianExpectation, point: Mapping[Symbol, Expr]) -> _Side:
    problem = Problem(node.integrand, node.variables, node.mean, node.covariance)
    found = quadrature(problem, point)
    return _Side(found.value, found.error, found.size)


def _singular(node: GaussianExpectation, point: Mapping[Symbol, Expr]) -> bool:
    matrix = Matrix([list(row) for row in node.covariance]).subs(dict(point))
    return bool(matrix.det().expand() == 0)
