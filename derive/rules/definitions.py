"""Rules that put in what is defined or declared: definitions, the linear regime, absent biases."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Eq, Expr, Integer, Symbol

from derive.averages import SharedVariance, Variance
from derive.cost import CostFunction, Partial
from derive.hypotheses import LINEAR, SLOPE_ONE, Kind
from derive.network import AT_ZERO, SLOPE_AT_ZERO, Activation, ActivationSlope, b
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry, Family
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class Define(Rule):
    """s^i_k = sum_l z^i_l W^i_{lk} + b^i_k;  z^{i+1}_k = f(s^i_k);  z^0_k = x_k

    And so for any defined family. Obligation: the layer is one where the definition applies (beyond layer 0 where that
    has a definition of its own, or layer 0 itself).
    """

    family: Family
    name = "definition"
    words = "Put in the definition."
    source = "Glorot & Bengio 2010, section 4.2.1"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a scalar of the family by its definition."""
        if not (isinstance(node, Entry) and node.family == self.family and node.definition is not None):
            return None
        if self.family.start is not None and node.layer != 0 and not setting.facts.at_least(node.layer, 1):
            raise Undischarged(
                f"{node} may be the first, which has a definition of its own: its layer is not known to be at least 1"
            )
        called = f"{self.family.singular} {{}}".lstrip()
        return Rewrite(node.definition, words=Words(f"Put in the definition of {called}.", node))


@dataclass(frozen=True)
class DrawnGradient(Rule):
    """dCost/ds^d_k = g_k, drawn independently of the weights and the input

    Obligation: the gradient at the output is declared independent.
    """

    name = "output-gradient"
    words = (
        "At the last layer this gradient is given: it is drawn independently of the network, "
        "so that nothing changes in writing."
    )
    source = "Glorot & Bengio 2010, section 4.2.1 (unsaid there)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the gradient at the output by the drawn one."""
        if not (isinstance(node, Partial) and isinstance(node.target, CostFunction)):
            return None
        cost, entry = node.target, node.variable
        return Rewrite(cost.gradient(*entry.units), setting.drawn_gradient(cost)) if cost.is_output(entry) else None


@dataclass(frozen=True)
class LinearRegime(Rule):
    """f(s) = s and f'(s) = 1

    Obligation: the linear regime is assumed.
    """

    name = "linear-regime"
    words = "In the linear regime the activation function passes its argument through, and its slope is 1."
    source = "Glorot & Bengio 2010, section 4.2.1"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the activation by its argument and its slope by 1."""
        if isinstance(node, Activation):
            return as_stated(node, LINEAR, setting)
        return as_stated(node, SLOPE_ONE, setting) if isinstance(node, ActivationSlope) else None


def as_stated(node: Expr, equation: Eq, setting: Setting) -> Rewrite:
    """Replace a function by what an equation states it to be for every argument; raise `Undischarged`."""
    stated, (argument,) = setting.stating(equation), equation.lhs.args
    if argument not in stated.for_all:
        raise Undischarged(f"{stated.key} does not state what {node.func.__name__} is for every {argument}")
    return Rewrite(equation.rhs.xreplace({argument: node.args[0]}), frozenset({stated.key}))


ARGUMENT = Symbol("y")
TO_FIRST_ORDER = Eq(Activation(ARGUMENT), AT_ZERO + SLOPE_AT_ZERO * ARGUMENT, evaluate=False)


@dataclass(frozen=True)
class FirstOrder(Rule):
    """f(s) = f(0) + f'(0) s

    Obligation: the activation function is assumed to be affine where the network works.
    """

    name = "first-order"
    words = "To first order the activation function is a line through its value at zero."
    source = "Kumar 2017, section 3"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the activation by its first-order expansion at zero."""
        return as_stated(node, TO_FIRST_ORDER, setting) if isinstance(node, Activation) else None


@dataclass(frozen=True)
class NoBiases(Rule):
    """b^i_k = 0, and so Var[b^i] = 0

    Obligation: the biases are declared zero.
    """

    name = "no-biases"
    words = "The biases are zero at initialisation."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a bias, or the variance of the biases, by 0."""
        bias = isinstance(node, Entry) and node.family == b
        spread = isinstance(node, SharedVariance) and node.family == b
        inside = isinstance(node, Variance) and isinstance(node.inside[0], Entry) and node.inside[0].family == b
        return Rewrite(Integer(0), setting.require(Kind.ZERO, b)) if bias or spread or inside else None
