"""Two samples in a (leaky) ReLU network of real width: their angle is a Markov chain, and its operator a matrix."""

from numerics.angle.curve import Share, fluctuating_share, fluctuating_spread
from numerics.angle.decay import decay_edge
from numerics.angle.operator import AngleOperator, operators

__all__ = ["AngleOperator", "Share", "decay_edge", "fluctuating_share", "fluctuating_spread", "operators"]
