"""The fully connected network in the indices of Glorot & Bengio (2010), section 4.2.1.

``s^i = z^i W^i + b^i`` and ``z^{i+1} = f(s^i)`` for layers ``i = 0..d``, with ``z^0 = x``, ``n_i`` the size of layer
``i`` (so ``W^i`` is ``n_i`` x ``n_{i+1}``) and ``s^d`` the last pre-activation, on which the cost depends.
The backward recursion is not here: it is derived from these definitions by the chain rule.
"""

from __future__ import annotations

from sympy import Add, Expr, Function, Mul, Sum, Symbol

from derive.cost import CostFunction
from derive.cost import Partial as Partial
from derive.indices import fresh_index
from derive.layers import d, i
from derive.notation import Notation
from derive.randomness import (
    BIASES,
    INPUT,
    OUTPUT_GRADIENT,
    WEIGHTS,
    Entry,
    Family,
)
from derive.words import Words


class Width(Notation, Function):
    """n_i, the size of layer i."""

    nargs = 1
    is_integer = True
    is_positive = True
    is_real = True


class Activation(Notation, Function):
    """f(s), the activation function at a pre-activation."""

    nargs = 1
    is_real = True


class ActivationSlope(Notation, Function):
    """f'(s), the derivative of the activation function at a pre-activation."""

    nargs = 1
    is_real = True


n = Width
f = Activation
slope = ActivationSlope
DERIVATIVES = (Activation, ActivationSlope, *(Function("f" + "'" * order, real=True) for order in (2, 3, 4)))
"""The activation function and its derivatives."""
AT_ZERO, SLOPE_AT_ZERO = Symbol("f(0)", real=True), Symbol("f'(0)", positive=True)
"""The value and the slope of the activation function at zero."""
SLOPE = Symbol("a", real=True)
"""The slope of leaky ReLU at negative arguments."""
GAIN, BIAS_VARIANCE = Symbol("sigma_w2", positive=True), Symbol("sigma_b2", nonnegative=True)
"""The gain of the weights, fan-in times their variance, and the variance of the biases."""


def _pre_activation(i: Expr, k: Expr) -> Expr:
    unit = fresh_index(i, k)
    return Add(Sum(Mul(z(i, unit), W(i, unit, k)), (unit, 1, n(i))), b(i, k))


x = Family("x", meaning="the network input", extents=lambda _: (n(0),), layered=False, source=INPUT)
W = Family(
    "W",
    meaning=Words("the weights from layer {} to layer {}", i, i + 1),
    extents=lambda i: (n(i), n(i + 1)),
    source=WEIGHTS,
)
b = Family("b", meaning=Words("the biases of layer {}", i), extents=lambda i: (n(i + 1),), source=BIASES)
s = Family(
    "s",
    meaning=Words("the pre-activations of layer {}: the arguments of the activation function", i),
    singular="the pre-activation",
    extents=lambda i: (n(i + 1),),
    definition=_pre_activation,
)
z = Family(
    "z",
    meaning=Words("the activations of layer {}: the inputs of its weights", i),
    extents=lambda i: (n(i),),
    definition=lambda i, k: f(s(i - 1, k)),
    start=lambda k: x(k),
)
g = Family(
    "g",
    meaning="the gradient of the cost at the last pre-activation",
    extents=lambda _: (n(d + 1),),
    layered=False,
    source=OUTPUT_GRADIENT,
)


Cost = CostFunction("Cost", output=s, last=d, gradient=g)


def cost_gradient(entry: Entry) -> Partial:
    """Return dCost/d(entry)."""
    return Partial(Cost, entry)
