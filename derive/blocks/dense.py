"""A dense layer: every output unit is a weighted sum of all input units, and a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Sum

from derive.blocks.assumptions import weights_assumed
from derive.blocks.block import Block
from derive.blocks.signal import UNIT, Axis, Place, Signal
from derive.errors import InputError
from derive.provided import provided
from derive.randomness import BIASES, WEIGHTS

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas


@dataclass(frozen=True)
class Dense(Block):
    """s_k = sum_l z_l W_lk + b_k

    ``units`` is the number of output units. ``gain`` is n Var[W] for a fan-in of n, ``bias_variance`` is Var[b] (0: no
    biases are drawn), ``law`` the law of the weights; ``weights`` and ``output`` are the names of what is new.
    """

    units: Expr | int
    gain: Expr | float | None = None
    bias_variance: Expr | float | None = 0
    law: str = "normal"
    weights: str = "W"
    biases: str = "b"
    output: str = "s"
    word = "dense"

    def __post_init__(self) -> None:
        """Raise `InputError` for a parameter that breaks its rule."""
        self._whole("units")
        self._variances("gain", "bias_variance")

    def __call__(self, z: Signal) -> Signal:
        """Return the pre-activations."""
        if z.positions:
            raise InputError("dense takes units, and this signal has positions: flatten or pool it first")
        fan_in, out = z.feature, Axis(UNIT, self.units)
        variance = None if self.gain is None else self.gain / fan_in.size
        read = z.values
        z, W = z.drawing(
            self.weights, (fan_in, Axis("out", out.size)), WEIGHTS, "the weights", variance=variance, law=self.law
        )
        z = z.assuming(*weights_assumed(z, W))
        if self.bias_variance == 0:
            b = None
        else:
            z, b = z.drawing(self.biases, (out,), BIASES, "the biases", variance=self.bias_variance)
            z = z.assuming(*weights_assumed(z, b))

        def formula(at: Place) -> Expr:
            (unit,) = at.fresh()
            k = at[UNIT]
            total = Sum(read(at.moved(**{fan_in.name: unit})) * W(*at.layer, unit, k), (unit, Integer(1), size(at)))
            return total if b is None else total + b(*at.layer, k)

        def size(at: Place) -> Expr:
            return fan_in.at(at.layer[0]) if at.layer else fan_in.size

        return z.becomes(self.output, z.replaced(fan_in.name, out), "the pre-activations", formula)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of one layer."""
        raise NotImplementedError

    @property
    def has_weights(self) -> bool:
        """True: weights are on every way through."""
        return True

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return True: a sum with many weights is Gaussian."""
        return True
