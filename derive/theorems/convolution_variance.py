"""Convolutions: variances of pixels and covariances between them, and how often the gradient comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Eq, Expr, Symbol

from derive.averages import Average
from derive.blocks import Convolution
from derive.blocks.lemmas import SIZES, passed_back
from derive.blocks.lemmas_linear import SECOND_MOMENT_OF_WEIGHTED, gradient_of_weighted
from derive.blocks.signal import POSITIONS, Signal
from derive.hypotheses import Hypothesis
from derive.indices import PLACES, K, L, T, V
from derive.kinds import definition
from derive.layers import Facts
from derive.network import n
from derive.proof.derivation import Derivation
from derive.proof.rule import Rule
from derive.randomness import Family
from derive.rules import ContractDelta, Define, EqualTerms, PullOut
from derive.rules.deltas import FullTurn
from derive.rules.given import Everywhere
from derive.rules.weights import CentredSquare
from derive.rules.wide import Q
from derive.theorems.signals import OVER, OVER_ALL, TWO_SAMPLES, coming_back, proof, signal
from derive.words import Words

REACH = Symbol("w", integer=True, positive=True)
KERNEL, OF_IMAGES = 2 * REACH + 1, 3
"""How many positions a kernel has, so many of them on each side of its middle; and that of images, along each axis."""
_SOURCE = "Xiao et al. 2018; Novak et al. 2019 (in the limit of many channels)"
P, R = zip(*PLACES, strict=True)
_NOTATION = (*TWO_SAMPLES, (P[0], Words("a position")), (R[0], Words("another position, or the same one")))


@dataclass(frozen=True)
class _Layer:
    """A convolution of a generic signal of one or two axes of positions, and what its theorems assume."""

    padding: str
    positions: int = 1
    stride: int = 1
    groups: int = 1
    kernel: str = "K"

    @cached_property
    def z(self) -> Signal:
        return signal("z", "the signal that comes in", positions=self.positions, groups=self.groups)

    @cached_property
    def out(self) -> Signal:
        channels = self.groups * n(1)
        made = Convolution(
            channels, self.size, self.stride, self.padding, self.groups, bias_variance=None, weights=self.kernel
        )
        return made(self.z)

    @cached_property
    def returning(self) -> tuple[Family, tuple[Hypothesis, ...]]:
        """The gradient that comes back, and what is assumed of it."""
        # Behind another stride there are other positions, and the hypotheses are about another gradient.
        words = ("strided",) * (self.stride > 1) + ("grouped",) * (self.groups > 1)
        return coming_back(self.out, "-".join((*words, "gradient")))

    @cached_property
    def counted(self) -> tuple[Hypothesis, ...]:
        """What names the numbers of positions, of a channel and of a kernel."""
        axes = zip(POSITIONS[: self.positions], SIZES, strict=False)
        words = Words("A kernel has {} positions, {} on each side of its middle.", KERNEL, REACH)
        kernel = () if self.size == OF_IMAGES else (definition("kernel-size", words),)
        return *kernel, *(definition(f"{axis}s", Words(f"A channel has {{}} {axis}s.", size)) for axis, size in axes)

    @cached_property
    def equation(self) -> Eq:
        """The mean square at every position."""
        return Eq(Average(self.z.family(T, L, *self.here) ** 2, OVER), Q, evaluate=False)

    @cached_property
    def same(self) -> Hypothesis:
        """That there is one mean square."""
        said = Words("Every channel has the same mean square at every position: {}.", self.equation)
        return Hypothesis("same-everywhere", said, (), for_all=(L, *self.here))

    @property
    def assumed(self) -> tuple[Hypothesis, ...]:
        """All that some theorem on the layer assumes."""
        return (*self.out.assumed, *self.returning[1], *self.counted, self.same)

    @property
    def size(self) -> Expr | int:
        """How many positions the kernel has along each axis."""
        return KERNEL if self.positions == 1 else OF_IMAGES

    @property
    def here(self) -> tuple[Symbol, ...]:
        return P[: self.positions]

    @property
    def inside(self) -> Facts:
        """The position is one of them."""
        return Facts(tuple(f for p, size in zip(self.here, SIZES, strict=False) for f in (p - 1, size - p)))

    def product(self, name: str, title: str) -> Derivation:
        """E[s_tkp s_ukr] = Var[K] sum_l sum_j E[z_{t,l,p+j} z_{u,l,r+j}] + Var[b]"""
        s = self.out.family
        start = Average(s(T, K, *self.here) * s(V, K, *R[: self.positions]), OVER)
        made = proof((*self.out.assumed, *self.counted), start, Define(s), *SECOND_MOMENT_OF_WEIGHTED)
        return made.done(name, title, symbols=_NOTATION)

    def square(self, name: str, title: str) -> Derivation:
        """E[s_tkp^2] = n_0 times the number of weights that look at something, times Var[K] q, and Var[b]."""
        s = self.out.family
        rules: tuple[Rule, ...] = (Define(s), *SECOND_MOMENT_OF_WEIGHTED, Everywhere(self.equation), EqualTerms())
        start = Average(s(T, K, *self.here) ** 2, OVER)
        made = proof((*self.out.assumed, *self.counted, self.same), start, *rules, facts=self.inside)
        return made.done(name, title, symbols=_NOTATION)

    def gradient(self, name: str, title: str) -> Derivation:
        """E[(dC/dz_tkp)^2] = n_1 Var[K] Var[g] times the number of weights with which outputs look at the position p.

        Counted around with a stride of one, that is the number of all weights.
        """
        (g, coming), s = self.returning, self.out.family
        start = Average(passed_back(self.out, g, self.z.family(T, K, *self.here), T) ** 2, OVER_ALL)
        rules = (*gradient_of_weighted(s, self.positions), CentredSquare(), PullOut(), *self._counting)
        if self.groups > 1:
            # Which group an output is of is no value of its index: nothing contracts.
            rules = tuple(rule for rule in rules if not isinstance(rule, ContractDelta))
        hypotheses = (*self.out.assumed, *coming, *self.counted)
        made = proof(hypotheses, start, *rules, over=OVER_ALL, facts=self.inside)
        return made.done(name, title, symbols=_NOTATION[:1])

    @property
    def _counting(self) -> tuple[Rule, ...]:
        if self.padding == "circular" and self.stride == 1:
            return (FullTurn(), EqualTerms()) * self.positions
        return () if self.groups > 1 else (EqualTerms(),)


_CIRCULAR, _PADDED, _STRIDED = _Layer("circular"), _Layer("zeros"), _Layer("zeros", stride=2)
_IMAGE, _PADDED_IMAGE, _STRIDED_IMAGE = (replace(layer, positions=2) for layer in (_CIRCULAR, _PADDED, _STRIDED))
_GROUPED, _GROUPED_IMAGE = replace(_CIRCULAR, groups=2), replace(_STRIDED_IMAGE, groups=2, kernel="G")


def convolution_variance() -> Derivation:
    """E[s_tkp s_ukr] for circular padding, in one dimension; its parts: variances, zero padding, gradients."""
    made = _CIRCULAR.product("convolution-variance", "Two pixels behind a circular convolution")
    return replace(
        made,
        source=_SOURCE,
        parts=(
            _CIRCULAR.square("convolution-circular", "Every pixel is a dense layer with the kernel's fan-in"),
            _PADDED.product("convolution-padded", "Two pixels behind a convolution that is padded with zeros"),
            _PADDED.square("convolution-padded-count", "A pixel counts the weights that look at something"),
            _CIRCULAR.gradient("convolution-gradient", "The gradient of a pixel"),
            _STRIDED.gradient("convolution-gradient-stride", "The gradient of a pixel, for a stride of two"),
        ),
        remarks=(
            Words(
                "Positions share one kernel: two pixels behind it have the covariance of what the kernel sees of both. "
                "A pixel alone is a unit of a dense layer with the fan-in {}.",
                KERNEL * n(0),
            ),
        ),
    )


def convolution_variance_2d() -> Derivation:
    """E[s_tkpp' s_ukrr'] for circular padding in two dimensions; its parts: variances and gradients, both paddings."""
    made = _IMAGE.product("convolution-variance-2d", "Two pixels behind a circular convolution of images")
    title = "The gradient of a pixel of an image"
    return replace(
        made,
        source=_SOURCE,
        parts=(
            _IMAGE.square("convolution-2d-circular", "Every pixel of an image"),
            _PADDED_IMAGE.square("convolution-2d-padded-count", "A pixel of an image that is padded with zeros"),
            _IMAGE.gradient("convolution-2d-gradient", title),
            _STRIDED_IMAGE.gradient("convolution-2d-gradient-stride", f"{title} that is padded, for a stride of two"),
        ),
    )


def grouped_convolution() -> Derivation:
    """E[s_tkp^2] = (2 w + 1) n_0 Var[K] q + Var[b] for two groups of n_0 channels each: one group is the fan-in."""
    made = _GROUPED.square("grouped-convolution", "A pixel behind a convolution of two groups")
    title = "The gradient of a pixel comes back from the outputs of its group"
    image = "So it does in an image that is padded, for a stride of two"
    return replace(
        made,
        parts=(
            _GROUPED.gradient("grouped-convolution-gradient", title),
            _GROUPED_IMAGE.gradient("grouped-convolution-2d-gradient", image),
        ),
    )
