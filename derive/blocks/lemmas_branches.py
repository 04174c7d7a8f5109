"""Lemmas of branches side by side, whose units come one after the other."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Symbol

from derive.averages import Average
from derive.blocks.branches import Concatenate
from derive.blocks.lemmas import (
    BRANCH,
    FIRST,
    OVER,
    SECOND,
    TITLES,
    Lemma,
    Lemmas,
    incoming,
    made,
    place,
)
from derive.blocks.signal import Axis, Extents, Signal
from derive.hypotheses import FINITE_MOMENTS
from derive.randomness import BEFORE, Family
from derive.rules.definitions import Define
from derive.setting import Setting

_UNIT = Symbol("k", integer=True, positive=True)


@lru_cache(maxsize=4)
def side_by_side(positions: int) -> Lemmas:
    """E[y_{m+k} y'_{m+k}] = E[r_k r'_k] for the branch r that comes after m units: each unit is its branch's."""
    branch = incoming(positions, name=BRANCH, meaning="what comes out of a branch")
    before = _before(branch)
    y = Concatenate.of((before, branch)).family
    k = before.feature.size + _UNIT
    here, there = (place(which, branch.positions) for which in (0, 1))
    one, other = y(FIRST, k, *here), y(SECOND, k, *there)
    starts: dict[str, Expr] = {"mean": one, "square": one**2, "product": one * other}
    return {name: _made(name, start, y) for name, start in starts.items()}


def _before(branch: Signal) -> Signal:
    """Return m units, or channels, with the other axes of a branch."""
    m = Symbol("m", integer=True, positive=True)
    axes = branch.replaced(branch.feature.name, Axis(branch.feature.name, m))
    family = Family("h", meaning="what stands before it", extents=Extents(axes), layered=False, source=BEFORE)
    return Signal(family, axes)


def _made(name: str, start: Expr, y: Family) -> Lemma:
    setting = Setting((FINITE_MOMENTS,), over=OVER)
    title = f"{TITLES[name]} of a unit behind {Concatenate.word}"
    return made(setting, Average(start, OVER), (Define(y),), f"{Concatenate.word}-{name}", title)
