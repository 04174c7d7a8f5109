"""Rules of differential calculus on the network: the chain rule through a layer, and plain differentiation."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Sum, Symbol

from derive.averages import Bracket
from derive.cost import CostFunction, Partial
from derive.dependence.below import needs_of
from derive.dependence.frontier import Frontier
from derive.dependence.scalars import of_entry
from derive.errors import InputError
from derive.indices import fresh_index, rename_bound
from derive.network import Activation, ActivationSlope
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry, Family, Over
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True)
class ChainRule(Rule):
    """dCost/du = sum_j dCost/ds^m_j ds^m_j/du, where the cost depends on u only through the layer s^m

    Such layers are the scalars whose definitions use u, those among them left out that others come down to; or the
    next ones of the families ``through`` that are named. Obligation: u is before the output, and its users in the
    network.
    """

    through: tuple[Family, ...] = ()
    name = "chain-rule"
    words = "The cost feels this quantity only through the next pre-activations: the chain rule sums over them."
    source = "Rumelhart, Hinton & Williams 1986"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write a derivative of the cost as a sum over the scalars through which the cost depends on it."""
        if not (isinstance(node, Partial) and isinstance(node.target, CostFunction)):
            return None
        cost, entry = node.target, node.variable
        if cost.is_output(entry):
            return None
        layers = Frontier(cost, setting.facts, self.through).after(entry)
        felt = [(layer, self._scalar(layer, entry)) for layer in layers]
        terms = [_summed(Mul(Partial(cost, v), Partial(v, entry)), v) for _, v in felt]
        return Rewrite(Add(*terms), words=_felt(entry, [v for _, v in felt])) if terms else None

    def _scalar(self, layer: tuple[Family, Expr | None], entry: Entry) -> Entry:
        family, at = layer
        units: list[Symbol] = []
        for _ in family.extents(Integer(0)):
            units.append(fresh_index(entry, *units, among="jpqm"))
        return family(*(() if at is None else (at,)), *units)


def _summed(term: Expr, over: Entry) -> Expr:
    ranges = zip(over.units, over.family.extents(over.layer or Integer(0)), strict=True)
    return Sum(term, *((unit, Integer(1), size) for unit, size in ranges)) if over.units else term


def _felt(entry: Entry, through: list[Entry]) -> Words:
    only = through[0]
    if len(through) == 1 and only.layer is not None and entry.layer is not None:
        if only.layer - entry.layer == 1:
            return Words("The cost feels {} only through the next layer, {}: the chain rule.", entry, only)
        if only.layer == entry.layer and only.family.singular:
            named = f"{only.family.singular}s of its layer"
            return Words(f"The cost feels {{}} only through {named}: the chain rule.", entry)
    listed = " and ".join("{}" for _ in through)
    return Words(f"The cost feels {{}} only through {listed}: the chain rule.", entry, *through)


@dataclass(frozen=True)
class Differentiate(Rule):
    """d(sum u v)/dt = sum (u' v + u v');  df(u)/dt = f'(u) u';  du_j/du_k = delta_{jk}"""

    name = "differentiate"
    words = "Differentiate term by term; a scalar differs from another one unless all indices agree."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a derivative of an explicit expression."""
        if not isinstance(node, Partial) or isinstance(node.target, CostFunction):
            return None
        if isinstance(node.target, Entry) and node.target.family.source is None:
            return None
        target = rename_bound(node.target, node.variable.free_symbols)
        return Rewrite(derivative(target, node.variable, setting))


def derivative(e: Expr, u: Entry, setting: Setting) -> Expr:
    """Return de/du for an explicit expression; scalars of other families or layers do not depend on u."""
    if isinstance(e, Entry):
        same = e.family == u.family and e.layer == u.layer
        if not same and not _may_depend(e, u, setting):
            return Integer(0)
        if not same:
            raise InputError(f"{e} may depend on {u}: put in its definition first")
        deltas = []
        for mine, its, extent in zip(e.units, u.units, e.family.extents(u.layer or 0), strict=True):
            deltas.append(Integer(1) if mine == its else KroneckerDelta(mine, its, (1, extent)))
        return Mul(*deltas)
    if isinstance(e, Add):
        return Add(*(derivative(a, u, setting) for a in e.args))
    if isinstance(e, Mul):
        return Add(*(Mul(*e.args[:n_], derivative(a, u, setting), *e.args[n_ + 1 :]) for n_, a in enumerate(e.args)))
    if isinstance(e, Sum):
        inner = derivative(e.function, u, setting)
        return Integer(0) if inner == 0 else Sum(inner, *e.limits)
    if isinstance(e, Activation):
        return Mul(ActivationSlope(e.args[0]), derivative(e.args[0], u, setting))
    if isinstance(e, Pow) and e.exp.is_number:
        return Mul(e.exp, Pow(e.base, e.exp - 1), derivative(e.base, u, setting))
    if not e.atoms(Entry) or (isinstance(e, Bracket) and _averaged(u, e.over, setting)):
        return Integer(0)
    raise InputError(f"no rule to differentiate {type(e).__name__}")


def _averaged(u: Entry, over: Over, setting: Setting) -> bool:
    """Return whether a mean is over all that a scalar depends on, and so a constant."""
    return all(r.family.source in over.sources for r in setting.reach(u)[0])


def _may_depend(e: Entry, u: Entry, setting: Setting) -> bool:
    """Return False when e is certainly not u, and nothing that its definition comes down to is."""
    found = (of_entry(e).everywhere, *(r.everywhere for r in needs_of(e)))
    return not all(r.disjoint(of_entry(u), setting.facts) for r in found)
