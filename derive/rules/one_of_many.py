"""A rule for wide layers: a pre-activation and one of the many units that it sums over."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul, Sum

from derive.averages import Average
from derive.hypotheses import Kind
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Entry, Family
from derive.rules.finite_moments import finite
from derive.rules.wide import signals_in
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True)
class OneOfMany(Rule):
    """<<X_k g(r_k)>> -> <<X_k>> <<g(r_k)>>, where r_k is a weighted sum over many units, of which X_k is one

    A pre-activation becomes Gaussian as the width grows, and its weights are independent of all units that it sums
    over: each one unit is a smaller and smaller part of it. An approximation at finite width.

    Obligation: the pre-activation is declared to become Gaussian; weights of mean zero, drawn independently.
    """

    name = "one-of-many"
    words = "As the width grows, a pre-activation is independent of any one of the units that it sums over."
    source = "Yang & Schoenholz 2017 (mean field residual networks); Neal 1996"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Split the mean of a unit times a function of a pre-activation that sums over it."""
        if not isinstance(node, Average) or not isinstance(node.inside[0], Mul):
            return None
        units = [f for f in node.inside[0].args if isinstance(f, Entry)]
        rest = node.inside[0] / Mul(*units)
        signals = signals_in(rest, setting) if len(units) == 1 and rest != 1 else ()
        if len(signals) != 1:
            return None
        (unit,), (signal,) = units, signals
        weights = _weights_of(signal, unit, node, setting)
        if not weights:
            return None
        uses = setting.require(Kind.GAUSSIAN_LIMIT, signal.family) | finite(setting, node)
        for kind in (Kind.ZERO_MEAN, Kind.ENTRIES_INDEPENDENT):
            uses |= setting.require(kind, weights[0])
        words = Words("As the width grows, {} is independent of {}, one of many units that it sums over.", signal, unit)
        return Rewrite(Average(unit, node.over) * Average(rest, node.over), uses, words)


def _weights_of(signal: Entry, unit: Entry, node: Average, setting: Setting) -> list[Family]:
    """Return the drawn centred weights with which units of the family of one are summed up to a signal."""
    total = signal.definition.atoms(Sum) if signal.definition is not None else set[Expr]()
    return [
        w.family
        for e in total
        if len(e.limits) == 1 and unit.family in {u.family for u in e.function.atoms(Entry)}
        for w in Mul.make_args(e.function)
        if isinstance(w, Entry)
        and w.family.source in node.over.sources
        and setting.citing(Kind.ZERO_MEAN, w.family)
        and e.limits[0][0] in w.units
    ]
