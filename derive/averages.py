"""Average, Variance and Covariance: brackets that always name what they average over."""

from __future__ import annotations

from sympy import Expr, sympify

from derive.notation import Notation
from derive.randomness import Family, Over


class Bracket(Notation, Expr):
    """Common part of the brackets: scalars with arguments and, last, what they average over."""

    is_commutative = True
    is_real = True

    @property
    def over(self) -> Over:
        """What this bracket averages over."""
        return self.args[-1]

    @property
    def inside(self) -> tuple[Expr, ...]:
        """The random quantities inside the bracket."""
        return self.args[:-1]


class Average(Bracket):
    """E[X], the mean of ``X`` over the named randomness."""

    def __new__(cls, quantity: Expr, over: Over) -> Average:
        """Return the average of these arguments."""
        return super().__new__(cls, sympify(quantity), over)


class Variance(Bracket):
    """Var[X] = E[X^2] - E[X]^2 over the named randomness."""

    is_nonnegative = True

    def __new__(cls, quantity: Expr, over: Over) -> Variance:
        """Return the variance of these arguments."""
        return super().__new__(cls, sympify(quantity), over)


class Covariance(Bracket):
    """Cov[X, Y] = E[X Y] - E[X] E[Y] over the named randomness."""

    def __new__(cls, left: Expr, right: Expr, over: Over) -> Covariance:
        """Return the covariance of these arguments."""
        return super().__new__(cls, sympify(left), sympify(right), over)


class SharedVariance(Notation, Expr):
    """Var[W^i], the one variance that all scalars of a primitive family (in a layer) are declared to have."""

    is_commutative = True
    is_real = True
    is_nonnegative = True

    def __new__(cls, family: Family, *layer: Expr | int) -> SharedVariance:
        """Return the sharedvariance of these arguments."""
        return super().__new__(cls, family, *map(sympify, layer))

    @property
    def family(self) -> Family:
        """The family whose variance this is."""
        return self.args[0]

    @property
    def layer(self) -> tuple[Expr, ...]:
        """The layer index, or nothing for a family without layers."""
        return self.args[1:]
