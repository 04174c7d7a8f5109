"""The expectation of one term of the normal form."""

from derive.gaussian.closed import Closed
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.law import Law, tilt
from derive.gaussian.moments import Moments
from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.normal_form import Shape
from derive.gaussian.orthants import NoOrthant
from derive.gaussian.parameters import Element
from derive.gaussian.writer import shape_expression


def term_expectation(moments: Moments, law: Law, shape: Shape, value: Element, node: GaussianExpectation) -> Closed:
    """Coefficient · √(π^k n) · |1 - 2CA|^(-1/2) · exp(exponent) · E'[z^powers · factors]."""
    p = moments.parameters
    tilted = tilt(law, shape.growth, shape.phase, p)
    try:
        inner = moments.moment(tilted.law, shape.powers, shape.factors)
    except NoOrthant as stop:
        raise NoClosedForm(str(stop), shape_expression(p, node.variables, shape, value)) from None
    except ZeroDivisionError:
        shown = shape_expression(p, node.variables, shape, value)
        raise NoClosedForm("a product of deltas on one line has no meaning", shown) from None
    pi_halves, n = shape.scale
    front = Closed.monomial(
        p, value, pi_halves=pi_halves, under_root=p.one * n / tilted.determinant, exponent=tilted.exponent
    )
    return front * inner
