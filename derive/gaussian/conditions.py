"""Conditions of a Piecewise as indicators in normal form."""

from typing import TYPE_CHECKING

from sympy import ITE, And, Eq, Expr, Gt, Lt, Ne, Not, Or, S, Xor

from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.normal_form import NormalForm

if TYPE_CHECKING:
    from derive.gaussian.integrand_reader import Reader


def indicator(reader: "Reader", c: Expr) -> NormalForm:
    """The indicator of a condition, up to sets of probability 0."""
    if c in (S.true, S.false):
        return reader.empty.constant(int(c is S.true))
    if isinstance(c, And | Or | Not | Xor):
        parts = [indicator(reader, a) for a in c.args]
        if isinstance(c, Not):
            return parts[0].complement()
        if isinstance(c, And):
            result = reader.empty.constant(1)
            for x in parts:
                result = result * x
            return result
        if isinstance(c, Or):
            result = reader.empty
            for x in parts:
                result = result + x - result * x
            return result
        raise NoClosedForm("this condition is outside the class", c)
    if isinstance(c, ITE):
        test, yes, no = (indicator(reader, a) for a in c.args)
        return test * yes + test.complement() * no
    if isinstance(c, Eq | Ne):
        equal = reader.read(c.lhs - c.rhs).split(lambda u: u.constant(0 if u.terms else 1))
        return equal if isinstance(c, Eq) else equal.complement()
    if hasattr(c, "gts"):
        return reader.step_of(c.gts - c.lts, S.Zero if isinstance(c, Gt | Lt) else S.One)
    raise NoClosedForm("this condition is outside the class", c)
