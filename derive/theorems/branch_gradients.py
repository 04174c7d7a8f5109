"""What blocks with a normalised branch have in common backward: the ways of the gradient, and what comes back."""

from __future__ import annotations

from itertools import starmap

from sympy import Eq, Expr, Function, Integer, Lambda, Sum, Symbol

from derive.averages import Average, SharedVariance
from derive.hypotheses import LEAKY_RELU
from derive.indices import J, K, L, T
from derive.kinds import Hypothesis, Kind, Property
from derive.network import Partial, n
from derive.randomness import Entry, Family
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.wide import U
from derive.theorems.signals import OVER_ALL
from derive.words import Words

COMING = Symbol("G", positive=True)
COMING_BACK = (COMING, Words("the mean square of the gradient behind the block"))
GRADIENT = Function("G", positive=True)


def together(key: str, weights: Family, *others: Family) -> Hypothesis:
    """Return the hypothesis that two gradients, with what went forward, are independent of weights together."""
    first, second, *forward = (family(K) if len(family.extents(1)) == 1 else family(T, K) for family in others)
    beside = ", ".join(["{}"] * len(forward))
    return Hypothesis(
        key,
        Words(
            f"The layers are wide: the gradients {{}} and {{}} are, together with {beside}, independent of {{}}.",
            first,
            second,
            *forward,
            weights(K, L),
        ),
        (Property(Kind.INDEPENDENT_OF, weights, *others),),
        exact=False,
        source="Schoenholz et al. 2017, section 4; Yang 2020, Tensor Programs II",
    )


def on_both_ways(beside: tuple[Family, Family], through: tuple[Family, Family], to: Entry) -> Expr:
    """Return E[(dC/dh)^2] of the cost's linear part sum_j g_j h_j + sum_j e_j s_j, along the stream and the branch.

    Each way is a gradient and what it belongs to, n_0 units of the stream and n_1 inside the branch.
    """
    ways = zip((beside, through), (n(0), n(1)), strict=True)
    cost = sum((Sum(g(J) * of(T, J), (J, Integer(1), size)) for (g, of), size in ways), Integer(0))
    return Average(Partial(cost, to) ** 2, OVER_ALL)


def as_derived(key: str, values: tuple[tuple[Expr, Expr], ...]) -> Hypothesis:
    """Return the hypothesis that variances are what parts of a theorem derive them to be."""
    said = ", ".join(["{}"] * len(values))
    words = Words(f"What comes back to the branch is as the parts derive it: {said}.", *starmap(equal, values))
    return Hypothesis(key, words, (), exact=False)


def equal(one: Expr, other: Expr) -> Eq:
    """Return an equation, not evaluated."""
    return Eq(one, other, evaluate=False)


def of_unit_stream(square: Expr, weights: Family, result: Expr) -> tuple[Expr, Expr]:
    """Return the variance of weights that make the mean square of weighted sums, ``result``, a given one."""
    variance = SharedVariance(weights)
    return variance, square / result.coeff(variance)


def with_leaky_relu(e: Expr) -> Expr:
    """Return an expression with leaky ReLU for the activation function, and its slope."""
    rectifier = Lambda(U, LEAKY_RELU.rhs.xreplace({LEAKY_RELU.lhs.args[0]: U}))
    return e.replace(SLOPE_OF_F, Lambda(U, rectifier(U).diff(U))).replace(F, rectifier)
