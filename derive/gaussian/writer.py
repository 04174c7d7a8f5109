"""From the normal form back to a SymPy expression."""

from collections.abc import Sequence

from sympy import DiracDelta, Expr, Heaviside, Integer, Rational, S, Symbol, cos, exp, pi, sin, sqrt

from derive.gaussian.functions import Phi
from derive.gaussian.normal_form import Polynomial, Shape
from derive.gaussian.parameters import Element, Parameters


def shape_expression(parameters: Parameters, variables: Sequence[Symbol], shape: Shape, value: Element) -> Expr:
    """A term of the normal form as a SymPy expression."""

    def polynomial(p: Polynomial) -> Expr:
        total = S.Zero
        for powers, x in p:
            term = parameters.expression(x)
            for v, k in zip(variables, powers, strict=True):
                term *= v**k
            total += term
        return total

    result = sqrt(pi) ** shape.scale[0] * sqrt(Integer(shape.scale[1]))
    for v, k in zip(variables, shape.powers, strict=True):
        result *= v**k
    if shape.growth:
        result *= exp(polynomial(shape.growth))
    for factor in sorted(shape.factors, key=repr):
        form = parameters.expression(factor.c)
        for v, x in zip(variables, factor.a, strict=True):
            form += parameters.expression(x) * v
        if factor.delta:
            result *= DiracDelta(form)
        elif factor.tau2 == 0:
            result *= Heaviside(form, Rational(1, 2))
        else:
            result *= Phi(form / sqrt(parameters.expression(factor.tau2)))
    if not shape.phase:
        return parameters.expression(value) * result
    a, b = parameters.split_complex(value)
    angle = polynomial(shape.phase)
    return (parameters.expression(a) * cos(angle) - parameters.expression(b) * sin(angle)) * result
