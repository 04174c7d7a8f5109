"""The cells into which affine forms cut a box of independent coordinates, each the image of a cube.

The walls of the last coordinate are the forms solved for it; where two of them cross, the coordinates before it have a
wall of their own, and so on down to the first. A cell lies between two neighbouring walls of each coordinate:
u_k = base_k + half_k s_k with -1 <= s_k <= 1, where base and half are polynomials in s_1 ... s_(k-1) of degree one in
each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from mpmath import mp

Affine = tuple[Any, ...]
"""(c, a_1, a_2, ...): c + Σ a_k u_k."""

Multilinear = tuple[Any, ...]
"""Coefficients of the products of the s_k: that of s_1 is the second, of s_2 the third, of s_1 s_2 the fourth, ..."""

DIGITS = 50
_NOTHING = mp.mpf(10) ** -36


@dataclass(frozen=True)
class Cell:
    """The coordinates as functions of s, each of 2^k coefficients, and the sign of every form."""

    coordinates: tuple[Multilinear, ...]
    signs: tuple[int, ...]


def cells(forms: Sequence[Affine], sides: int, reach: Any, inner: Any = 0) -> list[Cell]:
    """All cells with |u_k| <= reach that are not within |u_k| <= inner, in mpmath at the working precision."""
    walls = _walls(forms, sides, reach, inner)
    found = []
    for coordinates in _grown((), walls, reach):
        centre = [c[0] for c in coordinates]
        if not inner or any(abs(u) > inner for u in centre):
            found.append(Cell(coordinates, tuple(_sign(f, centre) for f in forms)))
    return found


def _walls(forms: Sequence[Affine], sides: int, reach: Any, inner: Any) -> list[list[Affine]]:
    """Of each coordinate, as affine functions of those before it."""
    ends = sorted({-reach, -inner, inner, reach}) if inner else [-reach, reach]
    found: list[list[Affine]] = []
    todo = [tuple(f) for f in forms]
    for k in range(sides, 0, -1):
        own = [f for f in todo if not _vanishes(f[k], f)]
        own_walls = [*((mp.mpf(e), *[mp.zero] * (k - 1)) for e in ends), *(_solved(f) for f in own)]
        found.append(own_walls)
        todo = [f[:k] for f in todo if _vanishes(f[k], f)]
        for left, right in combinations(own_walls, 2):
            crossing = tuple(a - b for a, b in zip(left, right, strict=True))
            if any(not _vanishes(a, (*left, *right)) for a in crossing[1:]):
                todo.append(crossing)
    return found[::-1]


def _vanishes(a: Any, beside: Affine) -> bool:
    return bool(abs(a) <= _NOTHING * max(abs(x) for x in beside))


def _solved(f: Affine) -> Affine:
    return tuple(-a / f[-1] for a in f[:-1])


def _grown(known: tuple[Multilinear, ...], walls: Sequence[Sequence[Affine]], reach: Any) -> list[Any]:
    if len(known) == len(walls):
        return [known]
    placed = [_composed(w, known) for w in walls[len(known)]]
    placed = sorted((w for w in placed if abs(w[0]) <= reach), key=lambda w: w[0])
    found = []
    for low, high in pairwise(placed):
        if high[0] - low[0] > _NOTHING * reach:
            base = tuple((b + a) / 2 for a, b in zip(low, high, strict=True))
            half = tuple((b - a) / 2 for a, b in zip(low, high, strict=True))
            found += _grown((*known, base + half), walls, reach)
    return found


def _composed(f: Affine, known: Sequence[Multilinear]) -> Multilinear:
    """An affine function of the coordinates as one of s."""
    total = [mp.zero] * 2 ** len(known)
    total[0] = f[0]
    for a, u in zip(f[1:], known, strict=True):
        for n, c in enumerate(u):
            total[n] += a * c
    return tuple(total)


def affine_of(f: Affine, cell: Cell) -> Multilinear:
    """An affine function of all coordinates as one of s."""
    return _composed(f, cell.coordinates)


def _sign(f: Affine, centre: Sequence[Any]) -> int:
    value = f[0] + sum(a * u for a, u in zip(f[1:], centre, strict=True))
    size = abs(f[0]) + sum(abs(a * u) for a, u in zip(f[1:], centre, strict=True))
    return 0 if abs(value) <= _NOTHING * size else 1 if value > 0 else -1
