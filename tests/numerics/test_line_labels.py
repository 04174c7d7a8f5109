"""Numbers on lines: where the box of a number fits is decided by its corners, turned as the line is."""

import cmath
import math

import numpy as np
import pytest
from matplotlib.transforms import Bbox

from numerics.figures.line_labels import _room

HALF = np.array([30.0, 6.0])
AT = np.array([200.0, 150.0])
NOTHING = np.empty((0, 2))


def corners(angle):
    """The corners of a box about a point, by complex numbers."""
    turned = [complex(a * HALF[0], b * HALF[1]) * cmath.exp(1j * angle) for a in (-1, 1) for b in (-1, 1)]
    return AT + np.array([[z.real, z.imag] for z in turned])


def room(angle, frame, obstacles=NOTHING):
    reach = 15
    chord = 2 * reach * 2.0 * np.array([math.cos(angle), math.sin(angle)])
    return _room(AT, chord, reach, obstacles, HALF, Bbox(frame))


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.7, 1.2])
def test_a_turned_box_fits_in_a_frame_that_holds_its_corners(angle):
    """And in none that cuts one of them off, on any side."""
    low, high = corners(angle).min(axis=0) - 0.5, corners(angle).max(axis=0) + 0.5
    assert room(angle, [low, high]) > 1
    for axis in (0, 1):
        inward = np.eye(2)[axis]
        assert room(angle, [low + inward, high]) == room(angle, [low, high - inward]) == 0


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.7, 1.2])
def test_the_room_is_told_in_half_sizes_along_and_across(angle):
    """The nearest obstacle counts, by the direction in which it is farther out."""
    frame = [[-1e4, -1e4], [1e4, 1e4]]
    for along, across in ((1.3, 0.2), (0.1, -1.7), (-1.9, 1.1), (0.5, 0.6)):
        z = complex(along * HALF[0], across * HALF[1]) * cmath.exp(1j * angle)
        near, far = AT + np.array([z.real, z.imag]), AT + 40 * HALF
        found = room(angle, frame, np.array([far, near]))
        assert found == pytest.approx(max(abs(along), abs(across)), rel=1e-12)


def test_a_line_that_bends_is_no_place():
    """A chord much shorter than the line along it."""
    assert _room(AT, np.array([30.0, 10.0]), 15, NOTHING, HALF, Bbox([[-1e4, -1e4], [1e4, 1e4]])) == 0
