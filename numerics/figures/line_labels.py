"""Numbers on the lines of a contour plot: each where it has most room, and nothing else runs through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.transforms import BboxBase
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SIZE = 7.5  # points
_STEP = 2.0  # pixels between points of a line
_SHORTEST = 0.15  # of the axes; a number on a shorter line would hide it
_STRAIGHT = 0.98  # chord over arc, under a number
_CANDIDATES = 200
_ROOMY = 2.5  # half sizes of a number; more room is no better
_BOX = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])


def number_lines(axes: Axes, sets: Sequence[QuadContourSet], form: Callable[[float], str]) -> None:
    """Write on each line what ``form`` makes of its level, where there is room for it.

    All else must be drawn before: numbers keep clear of one another, of other lines and of the frame.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()
    frame, height = axes.get_window_extent(), _SIZE * figure.dpi / 72
    drawn = [axes.transData.transform(np.column_stack(line.get_data()).astype(float)) for line in axes.lines]
    taken = [np.empty((0, 2)), *map(_dense, drawn)]
    lines = [(found, level, line) for found in sets for level, line in _lines(axes, found)]
    for number, (found, level, line) in enumerate(lines):
        if (np.ptp(line, axis=0) / frame.size).max() < _SHORTEST:
            continue
        half = np.array([0.28 * height * len(form(level)) + 2, 0.5 * height + 1])
        rest = [other for k, (_, _, other) in enumerate(lines) if k != number]
        place = _place(line, np.concatenate([*taken, *rest]), half, frame)
        if place is None:
            continue
        at = axes.transData.inverted().transform(place)
        # Any: the stubs of matplotlib know no list of places.
        where: Any = [tuple(at)]
        axes.clabel(found, [level], manual=where, fmt=form, fontsize=_SIZE, inline_spacing=2)
        taken.append(place + half.max() * _BOX)


def _lines(axes: Axes, found: QuadContourSet) -> Iterator[tuple[float, Floats]]:
    """Yield level and points, in pixels, of each connected line."""
    for level, segments in zip(found.levels, found.allsegs, strict=True):
        for segment in segments:
            if len(segment) > 1:
                yield float(level), _dense(axes.transData.transform(segment))


def _dense(points: Floats) -> Floats:
    """Return the points of a line, a few pixels from one to the next; those that are not finite are left out."""
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2:
        return points
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    even = np.linspace(0, along[-1], max(2, min(int(along[-1] / _STEP), 10_000)))
    return np.column_stack([np.interp(even, along, points[:, axis]) for axis in (0, 1)])


def _place(line: Floats, obstacles: Floats, half: Floats, frame: BboxBase) -> Floats | None:
    """Return the point of a line with most room for a box of the given half sizes along it, or None."""
    best, most = None, 1.0
    reach, middle = max(1, round(half[0] / _STEP)), len(line) / 2
    if len(line) <= 2 * reach:
        return None
    for k in np.unique(np.linspace(reach, len(line) - 1 - reach, _CANDIDATES).astype(int)).tolist():
        room = _room(line[k], line[k + reach] - line[k - reach], reach, obstacles, half, frame)
        # Of places with as much room, that nearer to the middle.
        room -= 0.3 * abs(k - middle) / middle if room > 1 else 0
        if room > most:
            best, most = line[k], room
    return best


def _room(at: Floats, chord: Floats, reach: int, obstacles: Floats, half: Floats, frame: BboxBase) -> float:
    """Return the room around a point in half sizes of the box: below 1 something is in it."""
    length = float(np.hypot(*chord))
    if length < _STRAIGHT * 2 * reach * _STEP:
        return 0.0
    along = chord / length
    turn = np.array([along, (-along[1], along[0])])
    corners = at + (half * _BOX) @ turn
    if (corners < frame.min).any() or (corners > frame.max).any():
        return 0.0
    offsets = np.abs((obstacles - at) @ turn.T) / half
    return min(_ROOMY, float(offsets.max(axis=1).min(initial=_ROOMY)))
