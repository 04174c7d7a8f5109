"""Convolutions: variances of pixels and covariances between them, and how often the gradient comes back."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Symbol, symbols

from derive.averages import Average
from derive.blocks import Convolution
from derive.blocks.lemmas import SIZES
from derive.blocks.signal import POSITIONS, Signal
from derive.hypotheses import Hypothesis
from derive.kinds import definition
from derive.layers import Facts
from derive.network import n
from derive.proof.derivation import Derivation
from derive.proof.rule import Rule
from derive.randomness import Family
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, Linearity, PullOut
from derive.rules.algebra import Expand
from derive.rules.deltas import FullTurn, OneToOne
from derive.rules.given import Everywhere
from derive.rules.sums import JoinSums
from derive.rules.weights import CentredSquare, WeightedSums
from derive.theorems.signals import OVER, OVER_ALL, TWO_SAMPLES, K, L, T, V, coming_back, passed_back, proof, signal
from derive.words import Words

KERNEL = 3
_SOURCE = "Xiao et al. 2018; Novak et al. 2019 (in the limit of many channels)"
P, R = symbols("p p'", integer=True), symbols("r r'", integer=True)
"""Two positions, each with one index or with two."""
Q = Symbol("q", positive=True)
_SECOND_MOMENT = (Expand(), Linearity(), WeightedSums(), CentredSquare())


def _output(padding: str, positions: int = 1, stride: int = 1, groups: int = 1) -> tuple[Signal, Signal]:
    z = signal("z", "the signal that comes in", positions=positions, groups=groups)
    return z, Convolution(groups * n(1), KERNEL, stride, padding, groups, bias_variance=None)(z)


def _counted(positions: int) -> tuple[Hypothesis, ...]:
    """What names the numbers of positions."""
    return tuple(
        definition(f"{axis}s", Words(f"A channel has {{}} {axis}s.", size))
        for axis, size in zip(POSITIONS[:positions], SIZES, strict=False)
    )


def _same(z: Family, positions: int) -> tuple[Eq, Hypothesis]:
    equation = Eq(Average(z(T, L, *P[:positions]) ** 2, OVER), Q, evaluate=False)
    said = Hypothesis(
        "same-everywhere",
        Words("Every channel has the same mean square at every position: {}.", equation),
        (),
        for_all=(L, *P[:positions]),
    )
    return equation, said


def _product(padding: str, positions: int, name: str, title: str) -> Derivation:
    """E[s_tkp s_ukr] = Var[K] sum_l sum_j E[z_{t,l,p+j} z_{u,l,r+j}] + Var[b]"""
    _, out = _output(padding, positions)
    s = out.family
    start = Average(s(T, K, *P[:positions]) * s(V, K, *R[:positions]), OVER)
    made = proof((*out.assumed, *_counted(positions)), start, Define(s), *_SECOND_MOMENT)
    return made.done(name, title, symbols=_NOTATION)


def _square(padding: str, positions: int, name: str, title: str, groups: int = 1) -> Derivation:
    """E[s_tkp^2] = n_0 times the number of weights that look at something, times Var[K] q, and Var[b]."""
    z, out = _output(padding, positions, groups=groups)
    s, (equation, same) = out.family, _same(z.family, positions)
    rules: tuple[Rule, ...] = (Define(s), *_SECOND_MOMENT, Everywhere(equation), EqualTerms())
    start = Average(s(T, K, *P[:positions]) ** 2, OVER)
    made = proof((*out.assumed, *_counted(positions), same), start, *rules, facts=_inside(positions))
    return made.done(name, title, symbols=_NOTATION)


def _gradient(padding: str, stride: int, name: str, title: str, *more: Rule) -> Derivation:
    """E[(dC/dz_tkp)^2] = n_1 Var[K] Var[g] times the number of weights with which outputs look at the position p."""
    z, out = _output(padding, stride=stride)
    g, coming = coming_back(out, "gradient" if stride == 1 else "strided-gradient")
    start = Average(passed_back(out, g, z.family(T, K, P[0])) ** 2, OVER_ALL)
    rules = (Define(out.family), Differentiate(), JoinSums(), ContractDelta(), WeightedSums(), Linearity(), OneToOne())
    hypotheses = (*out.assumed, *coming, *_counted(1))
    ends = (CentredSquare(), PullOut(), EqualTerms(), *more)
    return proof(hypotheses, start, *rules, *ends, over=OVER_ALL, facts=_inside(1)).done(
        name, title, symbols=_NOTATION[:1]
    )


def grouped_convolution() -> Derivation:
    """E[s_tkp^2] = 3 n_0 Var[K] q + Var[b] for two groups of n_0 channels each: the fan-in is that of one group."""
    z, out = _output("circular", groups=2)
    g, coming = coming_back(out)
    start = Average(passed_back(out, g, z.family(T, K, P[0])) ** 2, OVER_ALL)
    rules = (Define(out.family), Differentiate(), JoinSums(), WeightedSums(), Linearity(), OneToOne(), CentredSquare())
    hypotheses = (*out.assumed, *coming, *_counted(1))
    back = proof(hypotheses, start, *rules, PullOut(), FullTurn(), EqualTerms(), over=OVER_ALL, facts=_inside(1))
    made = _square("circular", 1, "grouped-convolution", "A pixel behind a convolution of two groups", 2)
    title = "The gradient of a pixel comes back from the outputs of its group"
    return replace(made, parts=(back.done("grouped-convolution-gradient", title, symbols=_NOTATION[:1]),))


def _inside(positions: int) -> Facts:
    """The position is one of them."""
    return Facts(tuple(f for p, size in zip(P[:positions], SIZES, strict=False) for f in (p - 1, size - p)))


def convolution_variance() -> Derivation:
    """E[s_tkp s_ukr] for circular padding, in one dimension; its parts: variances, zero padding, gradients."""
    made = _product("circular", 1, "convolution-variance", "Two pixels behind a circular convolution")
    return replace(
        made,
        source=_SOURCE,
        parts=(
            _square("circular", 1, "convolution-circular", "Every pixel is a dense layer with the kernel's fan-in"),
            _product("zeros", 1, "convolution-padded", "Two pixels behind a convolution that is padded with zeros"),
            _square("zeros", 1, "convolution-padded-count", "A pixel counts the weights that look at something"),
            _gradient("circular", 1, "convolution-gradient", "The gradient of a pixel", FullTurn(), EqualTerms()),
            _gradient("zeros", 2, "convolution-gradient-stride", "The gradient of a pixel, for a stride of two"),
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
    """E[s_tkpp' s_ukrr'] for circular padding in two dimensions; its parts: variances, for both paddings."""
    made = _product("circular", 2, "convolution-variance-2d", "Two pixels behind a circular convolution of images")
    return replace(
        made,
        source=_SOURCE,
        parts=(
            _square("circular", 2, "convolution-2d-circular", "Every pixel of an image"),
            _square("zeros", 2, "convolution-2d-padded-count", "A pixel of an image that is padded with zeros"),
        ),
    )


_NOTATION = (*TWO_SAMPLES, (P[0], Words("a position")), (R[0], Words("another position, or the same one")))
