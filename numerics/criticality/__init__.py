"""Criticality: fixed points of the length map, the edge of chaos, universality classes and depth scales."""

from numerics.criticality.critical import critical
from numerics.criticality.fixed_points import FixedPoint, FixedPoints, fixed_points
from numerics.criticality.point import Critical

__all__ = ["Critical", "FixedPoint", "FixedPoints", "critical", "fixed_points"]
