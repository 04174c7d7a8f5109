"""Rules for two samples in a network of real width: Gaussian pairs of units, scales that pass, names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Add, Basic, Expr, Function, Integer, Mul, Pow, Sum, Symbol, simplify, sqrt

from derive.averages import Average
from derive.hypotheses import LEAKY_RELU
from derive.network import Activation, n
from derive.notation import structure
from derive.proof.instances import alike
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Family, Over, Source
from derive.rules.fourth import Column, column, variance_of
from derive.rules.logarithms import GAUSSIAN_KINDS, BeyondWorlds
from derive.setting import Setting, Undischarged
from derive.words import Words

PAIRS = Source("Gaussian pairs")
OVER_PAIRS = Over("Gaussian pairs", (PAIRS,), "layer")
XI = Family(
    "xi",
    meaning=Words("standard Gaussian variables, one for each unit, independent of all the rest"),
    extents=lambda i: (n(i + 1),),
    source=PAIRS,
)
ETA = Family(
    "eta",
    meaning=Words("others, independent of those and of all the rest"),
    extents=lambda i: (n(i + 1),),
    source=PAIRS,
)


class Correlation(Function):
    """rho(A, B, C) = C/sqrt(A B), and 0 where A B = 0: the cosine of the angle between two vectors."""

    nargs = 3
    is_real = True

    def _eval_evalf(self, prec: int) -> Expr | None:
        a, b, c = (e._evalf(prec) for e in self.args)
        if not all(e.is_Number for e in (a, b, c)):
            return None
        return Integer(0) if a * b == 0 else c / sqrt(a * b)

    def _sympystr(self, printer: Any) -> str:
        return f"ρ({', '.join(map(printer._print, self.args))})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\rho{power}\left({', '.join(map(printer._print, self.args))}\right)"


class Carried(Function):
    """m_i(rho): what the layers from i on make of a correlation rho of two samples."""

    nargs = 2
    is_real = True

    def _sympystr(self, printer: Any) -> str:
        layer, rho = map(printer._print, self.args)
        return f"m_{layer if len(layer) == 1 else '{' + layer.replace(' ', '') + '}'}({rho})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        layer, rho = map(printer._print, self.args)
        return rf"m_{{{layer}}}{f'^{{{exp}}}' if exp else ''}\left({rho}\right)"


def partner(rho: Expr, xi: Expr, eta: Expr) -> Expr:
    """Return rho xi + sqrt(1 - rho^2) eta, a standard Gaussian variable of correlation rho with xi."""
    return rho * xi + sqrt(1 - rho**2) * eta


@dataclass(frozen=True)
class GaussianPairs(BeyondWorlds):
    """E[g(sum_l W_lk X_l, sum_l W_lk Y_l)] = E[E[g(r xi_k, r' (rho xi_k + sqrt(1 - rho^2) eta_k))]]

    With r^2 = Var[W] sum_l X_l^2, r'^2 = Var[W] sum_l Y_l^2 and rho the correlation of the X and the Y; the inner mean
    is over the pairs alone. Given the X and Y, sums of independent Gaussians are jointly Gaussian, and those of
    different columns k independent. Where a length is zero so are the sums, whatever rho is taken to be.

    Obligation: the W are Gaussian with mean zero and one variance, independent of each other, of X and Y and of all the
    rest; the xi and eta are standard Gaussian variables, independent of each other and of all the rest.
    """

    name = "gaussian-pairs"
    words = (
        "Given the layers before, the sums that two samples make with the same Gaussian weights are a Gaussian pair, "
        "and the pairs of different units are independent."
    )
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Put Gaussian pairs for the weighted sums in a mean."""
        two = _two(node) if isinstance(node, Average) else None
        if two is None:
            return None
        weight = two.columns[0].weight
        uses = setting.of_one_law(weight.family, node.over) | setting.all_independent(XI, ETA, weight.family)
        for family in (weight.family, XI, ETA):
            for kind in GAUSSIAN_KINDS:
                uses |= setting.require(kind, family)
        after = node.inside[0].xreplace(two.pairs())
        for c in two.columns:
            without = after.xreplace({e(weight.layer, c.unit): Integer(1) for e in (XI, ETA)})
            for rest in (without, c.rest):
                uses |= setting.independent(c.weight, rest)
        drawn = {r.family for r in setting.reach(after)[0]} - {XI, ETA}
        uses |= setting.families_independent({XI, ETA}, drawn)
        return Rewrite(Average(Average(after, OVER_PAIRS), node.over), uses)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Solve for the pairs, put the sums back, and multiply out the pairs' squares and products for three terms."""
        found = [two for node in before.atoms(Average) if (two := _two(node)) is not None]
        if len(found) != 1:
            return None
        (two,) = found
        if any(after.has(total) for total in two.sums):
            return Integer(1)
        back = two.solved()

        def put(e: Basic) -> Basic:
            return e.inside[0].xreplace(back)

        made = after.replace(lambda e: isinstance(e, Average) and e.over == OVER_PAIRS, put)
        return Integer(int(not alike(made, before))) + _unlike_three(two)


@dataclass(frozen=True)
class _Two:
    """The sums of weights of one layer with the values X and Y of two samples, and the columns that they are."""

    sums: tuple[Sum, ...]
    columns: tuple[Column, ...]
    first: Expr
    second: Expr
    limit: tuple[Expr, ...]

    def scale(self, values: Expr) -> Expr:
        """Return the root of Var[W] sum_l X_l^2."""
        return sqrt(variance_of(self.columns[0].weight) * Sum(values**2, self.limit))

    @property
    def rho(self) -> Expr:
        """The correlation of X and Y."""
        products = (self.first**2, self.second**2, self.first * self.second)
        return Correlation(*(Sum(e, self.limit) for e in products))

    def pairs(self) -> dict[Basic, Basic]:
        """Return what stands for each sum."""
        found: dict[Basic, Basic] = {}
        for total, c in zip(self.sums, self.columns, strict=True):
            xi, eta = (e(c.weight.layer, c.unit) for e in (XI, ETA))
            mine = xi if self.is_first(c) else partner(self.rho, xi, eta)
            found[total] = self.scale(c.rest.xreplace({c.limit[0]: self.limit[0]})) * mine
        return found

    def is_first(self, c: Column) -> bool:
        """Return whether a column is of the first sample."""
        return bool(c.rest.xreplace({c.limit[0]: self.limit[0]}) == self.first)

    def solved(self) -> dict[Basic, Basic]:
        """Return the pairs in terms of the sums."""
        layer, rho = self.columns[0].weight.layer, self.rho
        back: dict[Basic, Basic] = {}
        for total, c in sorted(zip(self.sums, self.columns, strict=True), key=lambda p: not self.is_first(p[1])):
            xi, eta = XI(layer, c.unit), ETA(layer, c.unit)
            if self.is_first(c):
                back[xi] = total / self.scale(self.first)
            else:
                back[eta] = (total / self.scale(self.second) - rho * back[xi]) / sqrt(1 - rho**2)
        return back


def _two(node: Average) -> _Two | None:
    """Return the weighted sums of two samples in a mean; None where there are none, or one sample's alone."""
    found = {total: made for total in node.atoms(Sum) if (made := column(total, node)) is not None}
    if not found:
        return None
    limit = next(iter(found.values())).limit
    values = sorted({c.rest.xreplace({c.limit[0]: limit[0]}) for c in found.values()}, key=structure)
    if len(values) != 2 or len({(c.weight.family, c.weight.layer, *c.limit[1:]) for c in found.values()}) > 1:
        return None
    units = [(c.unit, c.rest.xreplace({c.limit[0]: limit[0]})) for c in found.values()]
    if any((unit, value) not in units for unit, _ in units for value in values):
        return None
    return _Two(tuple(found), tuple(found.values()), values[0], values[1], limit)


def _unlike_three(two: _Two) -> Expr:
    """Return how far the pairs are from standard ones, mean squares and product multiplied out for three terms."""
    v = variance_of(two.columns[0].weight)
    x, y = ([Symbol(f"{name}_{k}", positive=True) for k in range(3)] for name in "XY")

    def three(e: Expr) -> Expr:
        def terms(node: Sum) -> Expr:
            return Add(*(node.function.xreplace({two.first: a, two.second: b}) for a, b in zip(x, y, strict=True)))

        spelled = e.replace(Correlation, lambda a, b, c: c / sqrt(a * b))
        return spelled.replace(lambda node: isinstance(node, Sum), terms)

    a, b, rho = three(two.scale(two.first)), three(two.scale(two.second)), three(two.rho)
    # E[S^2], E[S S'] and E[S'^2] of the sums themselves.
    own, product, other = (v * Add(*map(Mul, p, q)) for p, q in ((x, x), (x, y), (y, y)))
    xi = own / a**2 - 1
    both = product / (a * b) - rho * own / a**2
    eta = other / b**2 - 2 * rho * product / (a * b) + rho**2 * own / a**2 - (1 - rho**2)
    return Add(*(simplify(e) ** 2 for e in (xi, both, eta)))


@dataclass(frozen=True)
class Homogeneous(Rule):
    """f(c u) = c f(u) for c >= 0, where f is leaky ReLU

    Obligation: the activation function is declared to be leaky ReLU; c is a root, or known not to be negative.
    """

    name = "homogeneous"
    words = "Leaky ReLU passes a factor that is not negative."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take the factors that are not negative out of an activation."""
        if not isinstance(node, Activation):
            return None
        factors = [u for u in Mul.make_args(node.args[0]) if not_negative(u)]
        if not factors:
            return None
        c = Mul(*factors)
        return Rewrite(c * Activation(node.args[0] / c), frozenset({setting.stating(LEAKY_RELU).key}))


def not_negative(e: Expr) -> bool:
    """Return whether an expression is not negative wherever it has a value: a square root is not."""
    root = isinstance(e, Pow) and e.exp.is_Rational and e.exp.q == 2
    return bool(e.is_nonnegative or root)


@dataclass(frozen=True)
class ScalesPass(Rule):
    """sqrt(p) sqrt(q) m(rho(p A, q B, sqrt(p) sqrt(q) C)) = sqrt(p) sqrt(q) m(rho(A, B, C))

    A correlation knows of no scale but zero, and where p q = 0 both sides are 0.
    """

    p: Expr
    q: Expr
    name = "scales-pass"
    words = "A correlation knows of no scale."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take both scales out of the correlation in a product that has their roots as factors."""
        rhos = [u.args[1] for u in Mul.make_args(node) if isinstance(u, Carried)]
        if len(rhos) != 1 or not isinstance(rhos[0], Correlation):
            return None
        scale = sqrt(self.p) * sqrt(self.q)
        if not {*Mul.make_args(scale)} <= {*Mul.make_args(node)}:
            raise Undischarged(
                f"{scale} is no factor of {node}, which says that {self.p} and {self.q} are not negative"
            )
        a, b, c = rhos[0].args
        bare = Correlation(a / self.p, b / self.q, c / scale)
        return Rewrite(Mul(*(Carried(u.args[0], bare) if isinstance(u, Carried) else u for u in node.args)))
