"""Rules for the masks of dropout."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from derive.averages import Average
from derive.blocks.dropout import mask
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.setting import Setting


@dataclass(frozen=True)
class MaskMoment(Rule):
    """E[D^m] = (1 - p)^(1 - m) for a mask D of drop rate p, so that E[D] = 1 and E[D^2] = 1/(1 - p)

    Obligation: the masks are declared to be dropout's of this rate.
    """

    rate: Expr
    name = "mask-moment"
    words = "A mask has mean one, and its mean square is the inverse of the share that is kept."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a moment of a mask."""
        if not isinstance(node, Average):
            return None
        entry, order = node.inside[0].as_base_exp()
        drawn = isinstance(entry, Entry) and entry.family.source in node.over.sources
        if not drawn or not (order.is_Integer and order > 0) or setting.citing(mask(self.rate), entry.family) is None:
            return None
        uses = setting.require(mask(self.rate), entry.family) | setting.of_one_law(entry.family, node.over)
        return Rewrite((1 - self.rate) ** (1 - order), uses)
