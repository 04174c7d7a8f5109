"""From an integrand in normal form to its expectation, term by term."""

from dataclasses import dataclass, field

from sympy import Expr, Symbol

from derive.gaussian.closed import Closed
from derive.gaussian.errors import NoClosedForm
from derive.gaussian.law import Law, tilt
from derive.gaussian.moments import Moments
from derive.gaussian.normal_form import NormalForm, Shape
from derive.gaussian.orthants import NoOrthant
from derive.gaussian.parameters import Element, Parameters
from derive.gaussian.reader import shape_expression


@dataclass
class Engine:
    """Expectations over one law, with the integrability conditions met on the way."""

    parameters: Parameters
    variables: tuple[Symbol, ...]
    law: Law
    conditions: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.moments = Moments(self.parameters)

    def expectation(self, form: NormalForm) -> Closed:
        """Σ coefficient · E[shape]."""
        total = Closed(self.parameters)
        for shape, value in form.terms.items():
            total = total + self.term(shape, value)
        return total

    def term(self, shape: Shape, value: Element) -> Closed:
        """coefficient · √(π^k n) · |1 - 2CA|^(-1/2) · exp(exponent) · E'[z^powers · factors]."""
        p = self.parameters
        tilted = tilt(self.law, shape.growth, shape.phase, p)
        for condition in tilted.conditions:
            self._require_positive(condition, shape, value)
        try:
            inner = self.moments.moment(tilted.law, shape.powers, shape.factors)
        except NoOrthant as stop:
            raise NoClosedForm(str(stop), self._show(shape, value)) from None
        except ZeroDivisionError:
            raise NoClosedForm("a product of deltas on one line has no meaning", self._show(shape, value)) from None
        pi_halves, n = shape.scale
        front = Closed.monomial(
            p, value, pi_halves=pi_halves, under_root=p.one * n / tilted.determinant, exponent=tilted.exponent
        )
        return front * inner

    def _require_positive(self, condition: Element, shape: Shape, value: Element) -> None:
        sign = self.parameters.sign(condition)
        if sign == 1:
            return
        if sign is not None:
            shown = self.parameters.expression(condition)
            raise NoClosedForm(f"the expectation is infinite: {shown} must be positive", self._show(shape, value))
        self.parameters.declare_positive(condition)
        if condition not in self.conditions:
            self.conditions.append(condition)

    def _show(self, shape: Shape, value: Element) -> Expr:
        return shape_expression(self.parameters, self.variables, shape, value)
