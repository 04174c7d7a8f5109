"""The cost of a network, and derivatives: what the cost depends on follows from the definition of its output."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Integer, Sum, Symbol, sympify

from derive.indices import fresh_index
from derive.notation import Notation
from derive.randomness import Entry, Family


class CostFunction(Symbol):
    """A cost that depends on a network through its output: the scalars of one family, in layer ``last`` if it has any.

    ``gradient`` is the family of the cost's derivatives by the output, where they are drawn on their own.
    """

    output: Family
    last: Expr
    gradient: Family

    def __new__(cls, name: str, *, output: Family, last: Expr, gradient: Family) -> CostFunction:
        """Return the cost of a network that ends in the given output."""
        obj: CostFunction = Symbol.__xnew__(cls, name, real=True)
        obj.output, obj.last, obj.gradient = output, sympify(last), gradient
        return obj

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.output, self.last, self.gradient)

    def output_at(self, *units: Expr) -> Entry:
        """Return one scalar of the output."""
        return self.output(*((self.last,) if self.output.layered else ()), *units)

    def is_output(self, entry: Entry) -> bool:
        """Return True for a scalar of the output, known by its layer."""
        return entry == self.output_at(*entry.units) if entry.family == self.output else False

    def linear(self) -> Expr:
        """Return Cost = sum_k g_k s_k over the output s: its gradient is g, whatever the weights."""
        return self._total(lambda g, s: g * s)

    def curved(self) -> Expr:
        """Return Cost = sum_k (g_k s_k + s_k^2 / 2) over the output s: its gradient depends on the weights."""
        return self._total(lambda g, s: g * s + s**2 / 2)

    def _total(self, term: Callable[[Expr, Expr], Expr]) -> Expr:
        units: list[Symbol] = []
        for _ in self.gradient.extents(Integer(0)):
            units.append(fresh_index(*units, among="kjlmpq"))
        ranges = zip(units, self.gradient.extents(Integer(0)), strict=True)
        return Sum(term(self.gradient(*units), self.output_at(*units)), *((u, 1, size) for u, size in ranges))


class Partial(Notation, Expr):
    """The partial derivative of a target (the cost, a pre-activation) by a scalar of the network."""

    is_commutative = True
    is_real = True

    def __new__(cls, target: Expr, variable: Expr) -> Partial:
        """Return the partial of these arguments."""
        return super().__new__(cls, sympify(target), sympify(variable))

    @property
    def target(self) -> Expr:
        """What is differentiated."""
        return self.args[0]

    @property
    def variable(self) -> Expr:
        """What it is differentiated by."""
        return self.args[1]
