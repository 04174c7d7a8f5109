"""Hermite coefficients of a function of the class, in closed form."""

from math import factorial

from sympy import Expr, Integer, Symbol, hermite_prob, sqrt, sympify

from derive.errors import InputError
from derive.gaussian.api import ClosedForm, gaussian_expectation

HIGHEST_ORDER = 40


def hermite_coefficient(g: Expr, z: Symbol, order: int, *, variance: Expr | int = 1) -> ClosedForm:
    r"""The normalised Hermite coefficient g_k = E[g(z) He_k(z/s)]/√k!, z ~ N(0, s²), in closed form.

    With them E[g(x) h(y)] = Σ_k ρ^k g_k h_k for variables of correlation ρ; for g = h these are the coefficients of
    the dual activation (Daniely, Frostig & Singer 2016, section 4).

    Args:
        g: a function of z in the class of `gaussian_expectation`.
        z: the variable.
        order: k, from 0.
        variance: s².

    Raises:
        InputError: for an order below 0 or above 40.
        NoClosedForm: as `gaussian_expectation`.

    >>> from sympy import Max, Symbol
    >>> z = Symbol("z", real=True)
    >>> [hermite_coefficient(Max(0, z), z, k).result for k in range(4)]
    [sqrt(2)/(2*sqrt(pi)), 1/2, 1/(2*sqrt(pi)), 0]

    """
    if not 0 <= order <= HIGHEST_ORDER:
        raise InputError(f"order must be from 0 to {HIGHEST_ORDER}, got {order}")
    deviation = sqrt(sympify(variance))
    polynomial = hermite_prob(order, z / deviation).expand()
    return gaussian_expectation(g * polynomial / sqrt(Integer(factorial(order))), {z: (0, variance)})
