"""Rules of differential calculus on the network: the chain rule through a layer, and plain differentiation."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Sum

from derive.errors import InputError
from derive.indices import fresh_index, rename_bound
from derive.layers import d
from derive.network import Activation, ActivationSlope, Cost, Partial, W, n, s
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class ChainRule(Rule):
    """dCost/du = sum_j dCost/ds^m_j ds^m_j/du, where the cost depends on u only through the layer s^m

    For u = s^i_k that layer is s^{i+1} (obligation: i < d); for u = W^i_{lk} it is s^i.
    """

    name = "chain-rule"
    words = "The cost feels this quantity only through the next pre-activations: the chain rule sums over them."
    source = "Rumelhart, Hinton & Williams 1986"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write a derivative of the cost as a sum over the layer through which the cost depends on it."""
        if not (isinstance(node, Partial) and node.target == Cost):
            return None
        entry = node.variable
        if entry.family == s:
            through = entry.layer + 1
            if not setting.facts.at_least(d, through):
                raise Undischarged(f"{entry} may be in the last layer: nothing says that i < d")
            words = Words(
                "The cost feels {} only through the next layer, {}: the chain rule.",
                entry,
                s(through, fresh_index(entry, among="jpqm")),
            )
        elif entry.family == W:
            through = entry.layer
            words = Words("The cost feels {} only through the pre-activations of its layer: the chain rule.", entry)
        else:
            return None
        j = fresh_index(entry, among="jpqm")
        out = Mul(Partial(Cost, s(through, j)), Partial(s(through, j), entry))
        return Rewrite(Sum(out, (j, Integer(1), n(through + 1))), words=words)


@dataclass(frozen=True)
class Differentiate(Rule):
    """d(sum u v)/dt = sum (u' v + u v');  df(u)/dt = f'(u) u';  du_j/du_k = delta_{jk}"""

    name = "differentiate"
    words = "Differentiate term by term; a scalar differs from another one unless all indices agree."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a derivative of an explicit expression."""
        if not isinstance(node, Partial) or node.target == Cost or isinstance(node.target, Entry):
            return None
        target = rename_bound(node.target, node.variable.free_symbols)
        return Rewrite(derivative(target, node.variable, setting))


def derivative(e: Expr, u: Entry, setting: Setting) -> Expr:
    """Return de/du for an explicit expression; scalars of other families or layers do not depend on u."""
    if isinstance(e, Entry):
        if _upstream(e, u, setting):
            return Integer(0)
        if e.family != u.family or e.layer != u.layer:
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
    if not e.atoms(Entry):
        return Integer(0)
    raise InputError(f"no rule to differentiate {type(e).__name__}")


def _upstream(e: Entry, u: Entry, setting: Setting) -> bool:
    """Return True when e certainly does not depend on u: it is drawn, and not u's twin, or computed before u."""
    if e.family.source is not None:
        return e.family != u.family or (e.layer is not None and setting.facts.distinct(e.layer, u.layer))
    if e.family == s:
        # s^m is computed before anything in layer m + 1, and its own layer's scalars are siblings.
        return setting.facts.less(e.layer, u.layer)
    if u.family == e.family:
        return setting.facts.less(e.layer, u.layer)
    return setting.facts.at_least(u.layer, e.layer)
