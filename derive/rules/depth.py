"""Rules for what grows by a factor at every layer: unrolled recursions, bounds of products, limits of depth."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Function,
    Integer,
    LessThan,
    Mul,
    Pow,
    Product,
    Sum,
    Symbol,
    exp,
    limit,
    log,
    oo,
    simplify,
)
from sympy.core.function import AppliedUndef

from derive.proof.rule import Evidence, Rewrite, Rule
from derive.rules.mean_field import follows
from derive.setting import Setting, Undischarged

INDEX = Symbol("l'", integer=True, nonnegative=True)
"""Runs over the layers before one."""


@dataclass(frozen=True)
class _Unrolled(Rule):
    """u(L) against u(0) times all factors on the way; the rule puts the result back into base and step."""

    factor: Expr
    layer: Symbol
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace u(L) by the product of the factors."""
        if not isinstance(node, AppliedUndef) or len(node.args) != 1 or node.args[0] in (0, self.layer):
            return None
        last = node.args[0]
        if not (last.is_integer and last.is_nonnegative):
            raise Undischarged(f"nothing says that {last} is a number of layers")
        uses = self.stated(node.func, setting)
        factors = Product(self.factor.subs(self.layer, INDEX), (INDEX, Integer(0), last - 1))
        return Rewrite(node.func(0) * factors, uses)

    def stated(self, sequence: type[Function], setting: Setting) -> frozenset[str]:
        """Return the hypothesis that states the recursion for every layer."""
        raise NotImplementedError

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the result at layer 0 less u(0), or else the result at L + 1 less the factor times that at L."""
        sequence = next(e for e in before.atoms(AppliedUndef) if e in Mul.make_args(before))
        last = sequence.args[0]
        start = after.subs(last, 0).doit() - before.subs(last, 0)
        return (
            start
            if start != 0
            else _peeled(after.subs(last, last + 1), last) - self.factor.subs(self.layer, last) * after
        )


def _peeled(e: Expr, last: Expr) -> Expr:
    """Return an expression with the last factor of every product up to ``last`` beside it."""
    return e.replace(
        lambda p: isinstance(p, Product) and p.limits[0][2] == last,
        lambda p: Product(p.function, (*p.limits[0][:2], last - 1)) * p.function.subs(p.limits[0][0], last),
    )


@dataclass(frozen=True)
class Unroll(_Unrolled):
    """u(l+1) = a(l) u(l) gives u(L) = u(0) prod_{l'=0}^{L-1} a(l')

    Obligation: a hypothesis states the recursion for every layer.
    """

    name = "unroll"
    words = "Each layer multiplies by its factor."

    def stated(self, sequence: type[Function], setting: Setting) -> frozenset[str]:
        """Return the hypothesis that states the recursion."""
        return follows(Eq(sequence(self.layer + 1), self.factor * sequence(self.layer)), self.layer, setting)


@dataclass(frozen=True)
class UnrollBound(_Unrolled):
    """u(l+1) <= a(l) u(l) gives u(L) <= u(0) prod_{l'=0}^{L-1} a(l'), where no a(l) is negative

    Obligation: a hypothesis states the bound for every layer.
    """

    name = "unroll-bound"
    words = "Each layer multiplies by its factor at most."
    relation = "<="
    shows = ("<=",)

    def stated(self, sequence: type[Function], setting: Setting) -> frozenset[str]:
        """Return the hypothesis that states the bound."""
        _require_factor(self.factor)
        return _bounded(LessThan(sequence(self.layer + 1), self.factor * sequence(self.layer)), self.layer, setting)


@dataclass(frozen=True)
class RollUp(_Unrolled):
    """a(l) u(l) <= u(l+1) gives u(0) prod_{l'=0}^{L-1} a(l') <= u(L), where no a(l) is negative

    Obligation: a hypothesis states the bound for every layer.
    """

    sequence: type[Function]
    name = "roll-up"
    words = "Each layer multiplies by its factor at least."
    relation = "<="
    shows = ("<=",)

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the product of the factors by u(L)."""
        products = [f for f in Mul.make_args(node) if isinstance(f, Product)]
        if len(products) != 1 or node != self.sequence(0) * products[0]:
            return None
        (index, first, last), *more = products[0].limits
        if more or first != 0 or products[0].function != self.factor.subs(self.layer, index):
            return None
        _require_factor(self.factor)
        bound = LessThan(self.factor * self.sequence(self.layer), self.sequence(self.layer + 1))
        return Rewrite(self.sequence(last + 1), _bounded(bound, self.layer, setting))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return what `UnrollBound` does, with the sides in turn."""
        return super().residual(after, before, setting)


def _require_factor(factor: Expr) -> None:
    if not factor.is_nonnegative:
        raise Undischarged(f"nothing says that {factor} is not negative")


def _bounded(bound: LessThan, layer: Symbol, setting: Setting) -> frozenset[str]:
    """Return the hypothesis that states a bound for every layer, or raise `Undischarged`."""
    for h in setting.hypotheses:
        if bound in h.says.objects and layer in h.for_all:
            return frozenset({h.key})
    raise Undischarged(f"no hypothesis states {bound} for every {layer}")


@dataclass(frozen=True)
class EqualFactors(Rule):
    """prod_{j=1}^{n} c = c^n, where c does not depend on j"""

    name = "equal-factors"
    words = "All factors are equal: the product is a power."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a product of equal factors by a power."""
        if not isinstance(node, Product) or len(node.limits) != 1:
            return None
        index, lower, upper = node.limits[0]
        return None if node.function.has(index) else Rewrite(node.function ** (upper - lower + 1))


@dataclass(frozen=True)
class Telescope(Rule):
    """prod_{j=a}^{b} u(j+1)/u(j) = u(b+1)/u(a), where no u is zero

    Obligation: the range does not run backwards; u is not zero anywhere.
    """

    name = "telescope"
    words = "Every factor's numerator is the next one's denominator: the first and the last are left."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a product of ratios of neighbours by the ratio of its ends."""
        if not isinstance(node, Product) or len(node.limits) != 1:
            return None
        index, lower, upper = node.limits[0]
        above, below = node.function.as_numer_denom()
        if not below.has(index) or above != below.subs(index, index + 1):
            return None
        if not setting.facts.at_least(upper + 1, lower):
            raise Undischarged(f"nothing says that {upper + 1} is not below {lower}")
        if not below.is_nonzero:
            raise Undischarged(f"nothing says that {below} is not zero")
        return Rewrite(below.subs(index, upper + 1) / below.subs(index, lower))


@dataclass(frozen=True)
class ExponentialBound(Rule):
    """1 + x <= exp(x)"""

    name = "exponential-bound"
    words = "The exponential function is above its tangent."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace 1 + x by exp(x)."""
        if not isinstance(node, Add) or Integer(1) not in node.args:
            return None
        return Rewrite(exp(node - 1))


@dataclass(frozen=True)
class ProductOfExponentials(Rule):
    """prod_j exp(x_j) = exp(sum_j x_j)"""

    name = "product-of-exponentials"
    words = "A product of exponentials is the exponential of the sum."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a product of exponentials."""
        if not isinstance(node, Product) or not isinstance(node.function, exp):
            return None
        return Rewrite(exp(Sum(node.function.args[0], *node.limits)))


@dataclass(frozen=True)
class SumBelowProduct(Rule):
    """1 + sum_j x_j <= prod_j (1 + x_j), where no x_j is negative"""

    name = "sum-below-product"
    words = "Multiplied out, the product has 1, every term of the sum, and more."
    relation = "<="

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace 1 and a sum by a product."""
        if not isinstance(node, Add) or len(node.args) != 2 or Integer(1) not in node.args:
            return None
        total = node - 1
        if not isinstance(total, Sum):
            return None
        if not total.function.is_nonnegative:
            raise Undischarged(f"nothing says that {total.function} is not negative")
        return Rewrite(Product(1 + total.function, *total.limits))


@dataclass(frozen=True)
class PowerLimit(Rule):
    """(1 + x/L)^L ~ exp(x) as L grows, where x does not depend on L"""

    name = "power-limit"
    words = "As the number of factors grows, the power becomes the exponential function."
    relation = "~"
    shows = ("~",)
    evidence = Evidence.RESIDUAL
    depth: Symbol

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a power that is the exponential function in the limit."""
        if not isinstance(node, Pow) or node.exp != self.depth:
            return None
        x = simplify((node.base - 1) * self.depth)
        return None if x.has(self.depth) else Rewrite(exp(x))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the limit of the logarithm of the ratio."""
        powers = {p for p in before.atoms(Pow) if p.exp == self.depth}
        size = Symbol("L", positive=True)
        gap = sum((log(p.base) * self.depth for p in powers), Integer(0)) - log(after / (before / Mul(*powers)))
        return limit(gap.subs(self.depth, size), size, oo)
