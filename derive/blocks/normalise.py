"""Normalisation: what a block subtracts and divides by are moments over a layer's units, or over a batch of samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Mul, Sum, sqrt, sympify

from derive.blocks.block import Block
from derive.blocks.signal import SAMPLE, Axis, Place, Signal, Values
from derive.errors import InputError
from derive.provided import provided

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas

Scalars = Callable[[Place], Expr]


def averaged_over(axes: tuple[Axis, ...], of: Scalars) -> Scalars:
    """Return the average over some axes, as a formula at a place: (1/n) sum_j of(j)."""

    def formula(at: Place) -> Expr:
        if not axes:
            return of(at)
        indices = at.fresh(len(axes))
        there = at.moved(**{axis.name: index for axis, index in zip(axes, indices, strict=True)})
        sizes = [axis.at(*at.layer) if at.layer else axis.size for axis in axes]
        limits = [(index, Integer(1), size) for index, size in zip(indices, sizes, strict=True)]
        return Sum(of(there), *limits) / Mul(*sizes)

    return formula


class _Normalisation(Block):
    """What all normalisations have in common: ``epsilon`` stands beside the variance, under the root."""

    epsilon: Expr | float

    def __post_init__(self) -> None:
        """Raise `InputError` for an epsilon that is infinite or negative."""
        self._variances("epsilon")

    def over(self, z: Signal) -> tuple[Axis, ...]:
        """Return the axes over which moments are taken: the units, or the channels at each position."""
        return (z.feature,)

    def __call__(self, z: Signal) -> Signal:
        """Return the normalised values."""
        axes, over, read = z.axes, self.over(z), z.values
        left = tuple(axis for axis in axes if axis not in over)
        where = _words(over)
        z = z.becomes("mu", left, f"the means over {where}", averaged_over(over, read))
        mean = z.values
        z = z.becomes(
            "V", left, f"the variances over {where}", averaged_over(over, lambda at: (read(at) - mean(at)) ** 2)
        )
        return self._divided(z, axes, lambda at: read(at) - mean(at), z.values)

    def _divided(self, z: Signal, axes: tuple[Axis, ...], of: Scalars, square: Values) -> Signal:
        epsilon = sympify(self.epsilon)
        return z.becomes("y", axes, "the normalised values", lambda at: of(at) / sqrt(square(at) + epsilon))


def _words(axes: tuple[Axis, ...]) -> str:
    return " and ".join(f"{axis.name}s" for axis in axes) or "one sample"


@dataclass(frozen=True)
class LayerNorm(_Normalisation):
    """y_k = (z_k - mu)/sqrt(V + epsilon), with mu = (1/n) sum_l z_l and V = (1/n) sum_l (z_l - mu)^2

    The moments are over the units of one sample; with positions, over the channels at each. There is no learned scale
    or shift: at initialisation they are 1 and 0. Source: Ba, Kiros & Hinton 2016, equation 4.
    """

    epsilon: Expr | float = 0
    word = "layernorm"

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of wide layers, whose moments are those over networks."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in: in the limit a constant is subtracted, and another one divided by."""
        return incoming


@dataclass(frozen=True)
class RMSNorm(_Normalisation):
    """y_k = z_k/sqrt(Q + epsilon), with Q = (1/n) sum_l z_l^2; see `LayerNorm`

    Source: Zhang & Sennrich 2019, equation 4.
    """

    epsilon: Expr | float = 0
    word = "rmsnorm"

    def __call__(self, z: Signal) -> Signal:
        """Return the normalised values."""
        axes, over, read = z.axes, self.over(z), z.values
        left = tuple(axis for axis in axes if axis not in over)
        square = averaged_over(over, lambda at: read(at) ** 2)
        z = z.becomes("Q", left, f"the mean squares over {_words(over)}", square)
        return self._divided(z, axes, read, z.values)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of wide layers, whose moments are those over networks."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in: in the limit it is divided by a constant."""
        return incoming


@dataclass(frozen=True)
class BatchNorm(_Normalisation):
    """y_tk = (z_tk - mu_k)/sqrt(V_k + epsilon), with mu_k = (1/B) sum_t z_tk and V_k = (1/B) sum_t (z_tk - mu_k)^2

    The moments are over all samples that the network sees at once, which are the batch, and over positions where there
    are some. ``batch`` is B; None stands for infinitely many where it is predicted. There is no learned scale or
    shift: at initialisation they are 1 and 0. Source: Ioffe & Szegedy 2015, algorithm 1.
    """

    batch: Expr | int | None = None
    epsilon: Expr | float = 0
    word = "batchnorm"

    def __post_init__(self) -> None:
        """Raise `InputError` for an epsilon that is infinite or negative, or a batch of less than two samples."""
        super().__post_init__()
        if self.batch is not None:
            self._whole("batch")
        if self.batch == 1:
            raise InputError("batch of batchnorm must be at least 2: one sample has no variance")

    @property
    def batches(self) -> frozenset[Expr | None]:
        """The number of samples of a batch; None for infinitely many."""
        return frozenset({None if self.batch is None else sympify(self.batch)})

    def over(self, z: Signal) -> tuple[Axis, ...]:
        """Return the samples and the positions; raise `InputError` for another number of samples than the batch."""
        samples = tuple(axis for axis in z.axes if axis.name == SAMPLE)
        for axis in samples:
            if self.batch is not None and axis.size != self.batch:
                raise InputError(f"the samples of batchnorm must be its batch of {self.batch}, got {axis.size}")
        return (*samples, *z.positions)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of a batch, finite or infinite."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in for an infinite batch; a finite one leaves a point on a sphere."""
        return incoming and self.batch is None
