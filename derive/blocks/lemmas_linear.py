"""Lemmas of blocks with weights, and of those that only move or scale values: exact at every width."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Mod, floor, sympify

from derive.blocks.convolution import Convolution
from derive.blocks.dense import Dense
from derive.blocks.lemmas import FACTOR, SIZES, UNIT_INDEX, Lemmas, gradient, incoming, into, known, moments
from derive.blocks.pooling import AveragePool, Flatten
from derive.blocks.scale import Scale
from derive.blocks.signal import Signal
from derive.indices import PLACES
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.rule import Rule
from derive.randomness import BIASES, WEIGHTS, Family, Source
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.deltas import OneToOne, OnlyTerm
from derive.rules.means import Centred, Linearity, ProductLaw
from derive.rules.sums import ContractDelta, JoinSums, MultiplySums
from derive.rules.weights import CentredSquare, WeightedSums

MEAN_OF_WEIGHTED = (Linearity(), ProductLaw(), Centred())
SECOND_MOMENT_OF_WEIGHTED = (Expand(), Linearity(), WeightedSums(), CentredSquare())
"""What becomes of the mean of a sum with weights and biases, and of a product of two, once they are put in."""


def dense(block: Dense, z: Signal) -> Lemmas:
    """E[s s'] = n_0 Var[W] E[z z'] + Var[b], E[s] = 0, and n_1 Var[W] E[(dCost/ds)^2] for the gradient."""
    return known(
        _weighted(Dense(n(1), bias_variance=None), 0),
        {n(0): z.feature.size, n(1): block.units},
        _laws(block, z.feature.size),
    )


def convolution(block: Convolution, z: Signal) -> Lemmas:
    """E[s_t s'_u] = Var[K] sum_c sum_r E[z_{c,t+r} z'_{c,u+r}] + Var[b]; each group is a convolution of its own."""
    positions = len(z.positions)
    generic = Convolution(n(1), block.kernel, block.stride, block.padding, bias_variance=None)
    inside = z.feature.size / block.groups
    sizes = {n(0): inside, n(1): sympify(block.channels) / block.groups}
    sizes |= {size: axis.size for size, axis in zip(SIZES, z.positions, strict=False)}
    return known(_weighted(generic, positions), sizes, _laws(block, inside * block.kernel**positions))


def _laws(block: Dense | Convolution, fan_in: Expr) -> dict[Source, Expr]:
    gain = GAIN if block.gain is None else sympify(block.gain)
    return {
        WEIGHTS: gain / fan_in,
        BIASES: BIAS_VARIANCE if block.bias_variance is None else sympify(block.bias_variance),
    }


@lru_cache(maxsize=64)
def _weighted(block: Dense | Convolution, positions: int) -> Lemmas:
    s = block(incoming(positions)).family
    once = block(incoming(positions, samples=False)).family
    found = moments(block, positions, (Define(s), *MEAN_OF_WEIGHTED), (Define(s), *SECOND_MOMENT_OF_WEIGHTED))
    return {**found, "gradient": gradient(block, positions, gradient_of_weighted(once, positions))}


def gradient_of_weighted(s: Family, positions: int) -> tuple[Rule, ...]:
    """Return the rules for the mean square of the gradient in front of weights, with positions or without."""
    if not positions:
        return Define(s), Differentiate(), ContractDelta(), WeightedSums()
    return Define(s), Differentiate(), JoinSums(), ContractDelta(), WeightedSums(), Linearity(), OneToOne()


def scale(block: Scale, z: Signal) -> Lemmas:
    """E[y y'] = alpha^2 E[z z'], and so for the gradient."""
    return known(_scaled(len(z.positions)), {FACTOR: sympify(block.factor)}, {})


@lru_cache(maxsize=4)
def _scaled(positions: int) -> Lemmas:
    block = Scale(FACTOR)
    y, once = (block(incoming(positions, samples=s)).family for s in (True, False))
    rules = (Define(y), Linearity())
    back = (Define(once), Differentiate(), ContractDelta(), Linearity())
    return {**moments(block, positions, rules, rules), "gradient": gradient(block, positions, back)}


SECOND_MOMENT_OF_POOLED = (MultiplySums(), Linearity())


def average_pool(block: AveragePool, z: Signal) -> Lemmas:
    """E[y_t y'_u] = sum_r sum_r' E[z_{wt+r} z'_{wu+r'}]/w^2; the gradient is that of the window, over w."""
    sizes = {size: axis.size / (block.window or 1) for size, axis in zip(SIZES, z.positions, strict=False)}
    return known(_pooled(block, len(z.positions)), sizes, {})


@lru_cache(maxsize=16)
def _pooled(block: AveragePool, positions: int) -> Lemmas:
    y, once = (block(into(block, positions, samples=s)).family for s in (True, False))
    windows = [sympify(block.window) if block.window else size for size in SIZES[:positions]]
    here = [axis[0] for axis in PLACES[:positions]]
    inside = [Mod(p - 1, w) + 1 for p, w in zip(here, windows, strict=True)]
    outside = [floor((p - 1) / w) + 1 for p, w in zip(here, windows, strict=True)]
    back = (Define(once), Differentiate(), JoinSums(), ContractDelta(), OnlyTerm((*inside, *outside)), Linearity())
    found = moments(block, positions, (Define(y), Linearity()), (Define(y), *SECOND_MOMENT_OF_POOLED))
    return {**found, "gradient": gradient(block, positions, back)}


def flatten(block: Flatten, z: Signal) -> Lemmas:
    """E[y_m y'_m] = E[z_{c,t} z'_{c,t}] with m = T (c - 1) + t, and the gradient likewise."""
    sizes = {n(0): z.feature.size, **{size: axis.size for size, axis in zip(SIZES, z.positions, strict=False)}}
    return known(_flat(len(z.positions)), sizes, {})


@lru_cache(maxsize=4)
def _flat(positions: int) -> Lemmas:
    block = Flatten()
    y, once = (block(incoming(positions, samples=s)).family for s in (True, False))
    unit = UNIT_INDEX - 1
    for (p, _), size in zip(PLACES[:positions], SIZES, strict=False):
        unit = unit * size + p - 1
    rules = (Define(y),)
    back = (Define(once), Differentiate(), OnlyTerm((unit + 1,)))
    return {**moments(block, positions, rules, rules), "gradient": gradient(block, positions, back)}
