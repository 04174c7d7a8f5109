"""Both sides of one step, to many digits, at admissible points: each expectation in them by quadrature."""

from sympy import Basic, Expr, Matrix, Symbol

from derive.gaussian.check import (
    CannotCheck,
    Problem,
    admissible_points,
    answer_at,
    quadrature,
)
from derive.gaussian.expectation import GaussianExpectation
from derive.proof.derivation import Step
from derive.proof.verdict import Counterexample, Grade, Verdict


def compare_at_points(step: Step, *, points: int = 2, seed: int = 7) -> Verdict:
    """Evaluate before and after at admissible points of the step's setting.

    Returns a verdict with the number of points, the digits reached and the largest error, or with the point
    at which
    the sides differ; `undecided` where a side cannot be evaluated.
    """
    positive = getattr(step.setting, "positive", ())
    nodes = sorted(step.before.atoms(GaussianExpectation) | step.after.atoms(GaussianExpectation), key=str)
    if not nodes:
        law = GaussianExpectation.of(step.before - step.after, (), (), ())
        nodes = [law]
    singular = step.rule.name == "degenerate"
    try:
        samples = admissible_points(_domain(nodes, step, positive, singular), points, seed)
        values = [(p, _value(step.before, p), _value(step.after, p)) for p in samples]
    except CannotCheck as why:
        return Verdict(Grade.UNDECIDED, str(why))
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


def _domain(
    nodes: list[GaussianExpectation], step: Step, positive: tuple[Expr, ...], singular: bool
) -> Problem:
    """A problem whose admissible points suit every expectation in the step, the first one's law above all."""
    widest = max(nodes, key=lambda n: len(n.variables))
    bound = {v for n in nodes for v in n.variables}
    free = (step.before.free_symbols | step.after.free_symbols) - bound
    carrier = sum(sorted(free, key=str), start=widest.integrand)
    return Problem(carrier, widest.variables, widest.mean, widest.covariance, positive, singular)


def _value(side: Basic, point: dict[Symbol, Expr]) -> tuple[float, float, int]:
    """(value, scale, digits) of one side: expectations replaced by their quadratures."""
    stand_ins: dict[Expr, Symbol] = {}
    numbers: dict[Symbol, Expr] = dict(point)
    digits, scale = 15, 0.0
    for node in sorted(side.atoms(GaussianExpectation), key=str):
        singular = any(row[i].subs(point) == 0 for i, row in enumerate(node.covariance)) or _determinant_zero(
            node, point
        )
        problem = Problem(node.integrand, node.variables, node.mean, node.covariance, (), singular)
        value, size, reached, _ = quadrature(problem, point)
        symbol = Symbol(f"expectation{len(stand_ins)}", real=True)
        stand_ins[node], numbers[symbol] = symbol, value
        digits, scale = min(digits, reached), max(scale, float(size))
    value = answer_at(side.xreplace(stand_ins), numbers, digits)
    return value, scale, digits


def _determinant_zero(node: GaussianExpectation, point: dict[Symbol, Expr]) -> bool:
    return bool(Matrix([list(row) for row in node.covariance]).subs(point).det() == 0)
