"""Both sides of one step, to many digits, at admissible points: each expectation in them by quadrature."""

from collections.abc import Mapping
from typing import Any

import mpmath
from sympy import Basic, Expr, Integral, Matrix, Rational, Symbol

from derive.gaussian.check import (
    CannotCheck,
    Problem,
    admissible_points,
    answer_at,
    quadrature,
)
from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.quadrature import nodes_for
from derive.gaussian.setting import GaussianSetting
from derive.proof.derivation import Step
from derive.proof.verdict import Counterexample, Grade, Verdict

INTEGRAL_NODES = 7
INTEGRAL_DIGITS = 8


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
    try:
        samples = admissible_points(domain, points, seed)
        values = []
        for sample in samples:
            sides = _Values()
            values.append((sample, sides.of(step.before, sample), sides.of(step.after, sample)))
    except (CannotCheck, CannotEvaluate) as why:
        return Verdict(Grade.UNDECIDED, f"a side has no value ({why})")
    digits, largest = 99, 0.0
    for point, (left, size, reached), (right, other, also) in values:
        error = abs(left - right) / max(size, other, abs(left), abs(right), 1e-30)
        reached = min(reached, also)
        if not error <= 10.0 ** (-reached):
            found = Counterexample({}, {str(k): str(v) for k, v in point.items()}, str(left), "=", str(right))
            return Verdict(Grade.FAILED, "both sides differ at an admissible point", found)
        digits, largest = min(digits, reached), max(largest, float(error))
    return Verdict(
        Grade.EXACT,
        f"computed by the rule; both sides equal at {len(samples)} admissible points to {digits} digits "
        f"(largest error {largest:.1e})",
    )


class _Values:
    """Values of sides at one parameter point; each expectation and integral once per values of its symbols."""

    def __init__(self) -> None:
        self.known: dict[tuple[Expr, tuple[Expr, ...]], tuple[Any, float, int]] = {}

    def of(self, side: Basic, point: Mapping[Symbol, Expr]) -> tuple[Any, float, int]:
        """(value, scale, digits) of one side: its expectations and integrals replaced by their numbers."""
        stand_ins: dict[Expr, Symbol] = {}
        numbers: dict[Symbol, Any] = dict(point)
        digits, scale = 15, 0.0
        for node in sorted(_outermost(side), key=str):
            value, size, reached = self.of_node(node, point)
            symbol = Symbol(f"number{len(stand_ins)}", real=True)
            stand_ins[node], numbers[symbol] = symbol, value
            digits, scale = min(digits, reached), max(scale, float(size))
        return answer_at(side.xreplace(stand_ins), numbers, digits), scale, digits

    def of_node(self, node: Expr, point: Mapping[Symbol, Expr]) -> tuple[Any, float, int]:
        """The number of one expectation or integral."""
        here = tuple(v for k, v in point.items() if k in node.free_symbols)
        if (node, here) not in self.known:
            make = self._integral if isinstance(node, Integral) else _expectation
            self.known[node, here] = make(node, point)
        return self.known[node, here]

    def _integral(self, node: Integral, point: Mapping[Symbol, Expr]) -> tuple[Any, float, int]:
        """∫ over the last limit by Gauss-Legendre; the integrand is analytic in the covariance."""
        *inner, (u, lower, upper) = node.limits
        inside = Integral(node.function, *inner) if inner else node.function
        a, b = (answer_at(x, point, 20) for x in (lower, upper))
        total, scale = mpmath.mpf(0), 0.0
        for t, weight in nodes_for(mpmath.mp, INTEGRAL_NODES):
            place = Rational(mpmath.nstr((a + b) / 2 + (b - a) / 2 * t, 20))
            value, size, _ = self.of(inside, {**point, u: place})
            total += (b - a) / 2 * weight * value
            scale = max(scale, size, abs(float(value)))
        return total, scale, INTEGRAL_DIGITS


def _outermost(side: Basic) -> set[Expr]:
    """Expectations and integrals that are not inside another."""
    if isinstance(side, GaussianExpectation | Integral):
        return {side}
    return set().union(*(_outermost(a) for a in side.args)) if side.args else set()


def _expectation(node: GaussianExpectation, point: Mapping[Symbol, Expr]) -> tuple[Any, float, int]:
    singular = _singular(node, point)
    problem = Problem(node.integrand, node.variables, node.mean, node.covariance, (), singular)
    value, size, reached, _ = quadrature(problem, point)
    return value, float(size), reached


def _singular(node: GaussianExpectation, point: Mapping[Symbol, Expr]) -> bool:
    matrix = Matrix([list(row) for row in node.covariance]).subs(dict(point))
    return bool(matrix.det().expand() == 0)
