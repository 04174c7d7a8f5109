"""Rules for fourth moments: even powers of leaky ReLU, weighted sums to the fourth, forward and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr, Integer, Mul, Rational, Sum, Symbol

from derive.averages import Average, Bracket, SharedVariance
from derive.cost import CostFunction, Partial
from derive.hypotheses import LEAKY_RELU, Kind
from derive.indices import fresh_index
from derive.network import SLOPE, Activation, ActivationSlope, W, b, g, s, x
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.rules.pairs import OnUnits, require_apart
from derive.setting import Setting, Undischarged


@dataclass(frozen=True)
class MesokurticMoment(Rule):
    """E[W^4] = 3 Var[W]^2

    Obligation: the family is declared to have the fourth moment of a Gaussian, mean zero and one variance.
    """

    name = "mesokurtic-moment"
    words = "Its fourth moment is that of a Gaussian, three times the squared variance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the fourth moment of a drawn scalar."""
        if not isinstance(node, Average):
            return None
        entry, power = node.inside[0].as_base_exp()
        if power != 4 or not isinstance(entry, Entry) or entry.family.source not in node.over.sources:
            return None
        uses = setting.of_one_law(entry.family, node.over) | finite(setting, node)
        for kind in (Kind.MESOKURTIC, Kind.SHARED_VARIANCE):
            uses |= setting.require(kind, entry.family)
        return Rewrite(3 * variance_of(entry) ** 2, uses)


def variance_of(entry: Entry) -> SharedVariance:
    """Return the variance that a drawn scalar shares."""
    return SharedVariance(entry.family, *(() if entry.layer is None else (entry.layer,)))


def _signs(setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which the sign of a pre-activation is a fair coin, given what stands before it."""
    uses = frozenset({setting.stating(LEAKY_RELU).key})
    for family in (W, b):
        for kind in (Kind.SYMMETRIC, Kind.ENTRIES_INDEPENDENT):
            uses |= setting.require(kind, family)
    return uses


def _share(power: Expr) -> Expr:
    """Return (1 + a^p)/2, what leaky ReLU keeps of an even power p of a symmetric quantity."""
    return (1 + SLOPE**power) * Rational(1, 2)


@dataclass(frozen=True)
class EvenPowers(OnUnits):
    """E[f(s_j)^p f(s_k)^q] = (1 + a^p)/2 (1 + a^q)/2 E[s_j^p s_k^q], for even p and q and two units of one layer

    And so for one unit, or more. Given the layers before, each pre-activation may change its sign alone.

    Obligation: leaky ReLU; weights and biases symmetric about zero, independent of each other and of the input; the
    units differ.
    """

    name = "even-powers"
    words = (
        "Given the layers before, every pre-activation may change its sign alone: leaky ReLU keeps its share of an "
        "even power of each."
    )

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Replace the mean of a product of even powers of activations of one layer."""
        powers = [factor.as_base_exp() for factor in Mul.make_args(node.inside[0])]
        if not all(isinstance(base, Activation) and power.is_even and power.is_positive for base, power in powers):
            return None
        arguments = [base.args[0] for base, _ in powers]
        if not all(isinstance(e, Entry) and e.family == s for e in arguments) or len({e.layer for e in arguments}) > 1:
            return None
        if not {W.source, b.source} <= set(node.over.sources):
            raise Undischarged(f"{arguments[0]} is symmetric over the weights and biases, not over {node.over}")
        require_apart((unit for e in arguments for unit in e.units), setting)
        uses = _signs(setting) | setting.all_independent(W, b, x)
        # Units share what comes into them: their powers add up.
        uses |= setting.require(Kind.FINITE_MOMENTS, order=sum(int(power) for _, power in powers))
        kept = Mul(*(_share(power) for _, power in powers))
        raised = Mul(*(e**power for e, (_, power) in zip(arguments, powers, strict=True)))
        return Rewrite(kept * Average(raised, node.over), uses)


_FOURTH = ([4], [2, 2])
_SECOND = ([2],)


@dataclass(frozen=True)
class Column:
    """A sum sum_l W_lk X_l, to a power: its limits, W_lk, X_l."""

    limit: tuple[Symbol, Expr, Expr]
    weight: Entry
    rest: Expr
    power: int

    @property
    def unit(self) -> Expr:
        """k, the index of the weights that the sum does not run over."""
        return next(u for u in self.weight.units if u != self.limit[0])

    @property
    def square(self) -> Sum:
        """sum_l X_l^2, the squared length of what the weights multiply."""
        return Sum(self.rest**2, self.limit)

    def along(self, index: Symbol) -> Column:
        """Return the same sum over another index."""
        old, *ends = self.limit
        weight, rest = (e.xreplace({old: index}) for e in (self.weight, self.rest))
        return Column((index, *ends), weight, rest, self.power)


def column(factor: Expr, node: Bracket) -> Column | None:
    """Return a sum of products with drawn weights, one for each term, to a power; None for anything else."""
    total, power = factor.as_base_exp()
    if not isinstance(total, Sum) or len(total.limits) != 1 or not power.is_Integer:
        return None
    (limit,) = total.limits
    for weight in Mul.make_args(total.function):
        drawn = isinstance(weight, Entry) and weight.family.source in node.over.sources
        if drawn and len(weight.units) == 2 and limit[0] in weight.units:
            return Column(limit, weight, total.function / weight, int(power))
    return None


def _columns(
    factors: Iterable[Expr], node: Average, setting: Setting, powers: tuple[list[int], ...] = _FOURTH
) -> list[Column] | None:
    """Return one weighted sum to the fourth, or two of different units squared, of the same X; None for anything else.

    ``powers`` are those that the sums may have.
    """
    found = [column(factor, node) for factor in factors]
    made = [c for c in found if c is not None]
    if len(made) != len(found) or sorted(c.power for c in made) not in powers:
        return None
    index = made[0].limit[0]
    made = [made[0], *(c.along(index) for c in made[1:])]
    if len({(c.limit, c.rest, c.weight.family, c.weight.layer) for c in made}) > 1:
        return None
    if any(c.rest.has(c.unit) for c in made) or len({c.weight.units.index(index) for c in made}) > 1:
        return None
    require_apart((c.unit for c in made), setting)
    return made


def _spread(columns: list[Column], node: Average) -> Expr:
    """Return the mean of a sum squared or to the fourth, or of two squares, for weights independent of all the rest."""
    column = columns[0]
    weight, over = column.weight, node.over
    if [c.power for c in columns] in _SECOND:
        return variance_of(weight) * Sum(Average(column.rest**2, over), column.limit)
    square = variance_of(weight) ** 2
    pairs = Average(column.square**2, over)
    if len(columns) == 2:
        return square * pairs
    excess = Average(weight**4, over) - 3 * square
    return 3 * square * pairs + Sum(excess * Average(column.rest**4, over), column.limit)


def _drawn(columns: list[Column], node: Average, setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which weights are centred, of one variance, and independent of each other; or raise."""
    weight, order = columns[0].weight, sum(column.power for column in columns)
    uses = setting.of_one_law(weight.family, node.over) | setting.require(Kind.FINITE_MOMENTS, order=order)
    for kind in (Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT):
        uses |= setting.require(kind, weight.family)
    return uses


@dataclass(frozen=True)
class FourthPowers(OnUnits):
    """E[(sum_l W_l X_l)^4] = 3 Var[W]^2 E[(sum_l X_l^2)^2] + sum_l (E[W_l^4] - 3 Var[W]^2) E[X_l^4]

    And for the weights of two units j and k, E[(sum_l W_lj X_l)^2 (sum_l W_lk X_l)^2] = Var[W]^2 E[(sum_l X_l^2)^2].

    Obligation: the W are drawn with mean zero and one variance, independently of each other and of all X; j and k
    differ.
    """

    name = "fourth-powers"
    words = (
        "Weights have mean zero and are independent of each other and of all the rest: only pairs of equal ones are "
        "left, in three ways, and what their law's fourth moment has more than a Gaussian's."
    )

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Replace the mean of a weighted sum to the fourth, or of two squared ones."""
        columns = _columns(Mul.make_args(node.inside[0]), node, setting)
        if columns is None:
            return None
        uses = _drawn(columns, node, setting)
        for column in columns:
            # Of any other term of the sum, too.
            elsewhere = column.rest.xreplace({column.limit[0]: fresh_index(column.weight, column.rest)})
            for rest in (column.rest, elsewhere):
                uses |= setting.independent(column.weight, rest)
        return Rewrite(_spread(columns, node), uses)


@dataclass(frozen=True)
class GradientPowers(OnUnits):
    """E[(f'(s_k) sum_j W_kj G_j)^4] = (1 + a^4)/2 (3 Var[W]^2 E[(sum_j G_j^2)^2]
    + sum_j (E[W_kj^4] - 3 Var[W]^2) E[G_j^4])

    For leaky ReLU and the gradients G at the next pre-activations. Of two units, the mean of the product of the squares
    is ((1 + a^2)/2)^2 Var[W]^2 E[(sum_j G_j^2)^2]; the mean of one square is (1 + a^2)/2 Var[W] sum_j E[G_j^2].

    Take the sign of its own pre-activation, and of that which it comes from, out of every weight. The signs are then
    fair coins, independent of each other and of all weights so written, and decide the slopes. Given the layers before,
    the weights so written into a unit have a symmetric law but for lying on one side of a plane, of which even products
    of them know nothing. From the output down, a product of two or four gradients of a layer has therefore a mean that
    does not depend on what went forward, and that is zero unless they are pairs.

    Obligation: leaky ReLU; weights and biases symmetric about zero and independent of each other and of the input; no
    pre-activation exactly zero, where leaky ReLU has no slope; an output gradient drawn independently; weights that
    share a variance; the units differ.
    """

    name = "gradient-powers"
    words = (
        "Signs that the weights of the units share decide the slopes, and nothing else that comes back: an even power "
        "of a slope has its mean, and the weights are as if drawn anew."
    )
    source = "Hanin 2018; Hanin & Nica 2020 (the slopes are as if drawn from fair coins)"

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Replace the mean of a product of two or four gradients that have been written as products."""
        powers = [factor.as_base_exp() for factor in Mul.make_args(node.inside[0])]
        slopes = [(base, power) for base, power in powers if isinstance(base, ActivationSlope)]
        others = (base**power for base, power in powers if (base, power) not in slopes)
        columns = _columns(others, node, setting, (*_FOURTH, *_SECOND))
        if not slopes or columns is None or not _comes_back(columns[0]):
            return None
        layer = columns[0].weight.indices[0] - 1
        expected = {(ActivationSlope(s(layer, c.unit)), Integer(c.power)) for c in columns}
        if expected != set(slopes):
            return None
        if not {W.source, b.source, g.source} <= set(node.over.sources):
            raise Undischarged(f"signs are drawn with weights, biases and output gradient, not with {node.over}")
        uses = _signs(setting) | setting.require(Kind.NEVER_ZERO, s) | setting.all_independent(W, b, x, g)
        uses |= _drawn(columns, node, setting)
        return Rewrite(Mul(*(_share(power) for _, power in slopes)) * _spread(columns, node), uses)


def _comes_back(column: Column) -> bool:
    """Return whether a sum is one over the gradients at the next pre-activations, with the weights that lead there."""
    weight, rest = column.weight, column.rest
    if weight.family != W or not (isinstance(rest, Partial) and isinstance(rest.target, CostFunction)):
        return False
    return bool(rest.variable == s(weight.layer, column.limit[0]) and weight.units == (column.unit, column.limit[0]))
