"""A rule for functions that are linear on both sides of zero, such as ReLU, of sums that are symmetric about zero."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Mul, Sum, Symbol, expand, simplify

from derive.averages import Average
from derive.hypotheses import Kind
from derive.indices import fresh_index
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.setting import Setting

_T = Symbol("t", positive=True)


@dataclass(frozen=True)
class SymmetricHalves(Rule):
    """E[z^2] = (a^2 + c^2)/2 E[y^2], where z = a y for y > 0 and z = c y for y < 0

    z is defined so (ReLU with a = 1, c = 0), and y is drawn, or y = sum_l x_l w_l + b is odd in drawn scalars w, b.
    Obligation: what is drawn is symmetric about zero; w and b are independent of each other, and together of the x.
    """

    name = "symmetric-halves"
    words = "What goes in is symmetric about zero: the mean square is the mean of those of both sides."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean square of a function of one scalar that is linear on each side of zero."""
        if not isinstance(node, Average):
            return None
        z, power = node.inside[0].as_base_exp()
        halves = slopes(z.definition) if power == 2 and isinstance(z, Entry) and z.definition is not None else None
        if halves is None:
            return None
        y, above, below = halves
        turned = _turned(y, node, setting)
        if turned is None:
            return None
        uses = _symmetric(y, turned, node, setting) | finite(setting, node)
        return Rewrite((above**2 + below**2) / 2 * Average(y**2, node.over), uses)


def slopes(definition: Expr) -> tuple[Entry, Expr, Expr] | None:
    """Return the one scalar that a formula is made of, and its slopes above and below zero; None where it has none."""
    scalars = definition.atoms(Entry)
    y = next(iter(scalars), None)
    if len(scalars) != 1 or y is None:
        return None
    above, below = (simplify(definition.xreplace({y: side}) / side) for side in (_T, -_T))
    return None if above.has(_T) or below.has(_T) else (y, above, below)


def _turned(y: Entry, node: Average, setting: Setting) -> list[tuple[Entry, Expr]] | None:
    """Return what is drawn in each term of a scalar, with the rest of the term; None where a term has nothing."""
    found = []
    for term in Add.make_args(expand(y if y.definition is None else y.definition)):
        inside = term.function if isinstance(term, Sum) else term
        factors = (f for f in Mul.make_args(inside) if isinstance(f, Entry))
        drawn = [f for f in factors if f.family.source in node.over.sources]
        if not drawn:
            return None
        independent = (f for f in drawn if setting.citing(Kind.ENTRIES_INDEPENDENT, f.family))
        turned = next(independent, drawn[0])
        found.append((turned, inside / turned))
    return found


def _symmetric(y: Entry, turned: list[tuple[Entry, Expr]], node: Average, setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which a scalar has a law symmetric about zero, or raise `Undischarged`."""
    uses = frozenset[str]()
    for w, _ in turned:
        uses |= setting.require(Kind.SYMMETRIC, w.family)
        if y.definition is not None:
            uses |= setting.require(Kind.ENTRIES_INDEPENDENT, w.family)
        for _, factor in turned:
            # The other factors of all terms, whatever their index.
            others = factor.subs({index: fresh_index(node, factor, w) for index in _summed(y, w)})
            uses |= setting.independent(w, others)
    return uses | setting.all_independent(*{reach.family for reach in setting.reach(y)[0]})


def _summed(y: Entry, w: Entry) -> set[Symbol]:
    """Return the indices of a weight that its term is summed over."""
    return {unit for unit in w.units if unit.is_Symbol} - y.free_symbols
