"""The theorems of criticality as functions of arrays: what each says once its Gaussian expectations are numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sympy import Expr, Function, Symbol, lambdify, solve

from derive.gaussian import GaussianExpectation
from derive.network import BIAS_VARIANCE, GAIN
from derive.rules.wide import Q
from derive.theorems.edge_of_chaos import CHI, correlation_map_slope, edge_of_chaos
from derive.theorems.trainable_depth import reach
from derive.theorems.wide_networks import length_map

Compiled = Callable[..., Any]

SECOND, SLOPE = Symbol("second"), Symbol("slope")
"""E[f²], or E[f(u₁) f(u₂)] of two inputs; E[f'²], or the derivative of `SECOND` by its variance or covariance."""


@cache
def length() -> Compiled:
    """(E[f²], σ_w², σ_b²) -> q', by the theorem ``length-map``; for two inputs, E[f(u₁) f(u₂)] to the covariance."""
    return lambdify((SECOND, GAIN, BIAS_VARIANCE), _with(SECOND, length_map().result), np)


@cache
def length_slope() -> Compiled:
    """(dE[f²]/dq, σ_w²) -> dq'/dq = χ_∥: the theorem ``length-map``, differentiated."""
    second = Function("second")(Q)
    slope = _with(second, length_map().result).diff(Q).subs(second.diff(Q), SLOPE)
    return lambdify((SLOPE, GAIN), slope, np)


@cache
def correlation_slope() -> Compiled:
    """(E[f'²], σ_w²) -> χ_⊥, by ``correlation-map-slope``; with E[f'(u₁) f'(u₂)], the slope at any correlation."""
    return lambdify((SLOPE, GAIN), _with(SLOPE, correlation_map_slope().result), np)


@cache
def edge_weight() -> Compiled:
    """E[f'²] -> the σ_w² at which χ_⊥ = 1, by the theorem ``edge-of-chaos``."""
    return lambdify(SLOPE, _with(SLOPE, edge_of_chaos().result.rhs), np)


@cache
def fixing_bias() -> Compiled:
    """(q, E[f²], σ_w²) -> the σ_b² that makes q a fixed point of the length map."""
    return lambdify((Q, SECOND, GAIN), _solved(BIAS_VARIANCE), np)


@cache
def fixing_weight() -> Compiled:
    """(q, E[f²], σ_b²) -> the σ_w² that makes q a fixed point of the length map."""
    return lambdify((Q, SECOND, BIAS_VARIANCE), _solved(GAIN), np)


@cache
def layers() -> Compiled:
    """χ -> the number of layers in which a deviation falls by e, by the theorem ``trainable-depth``."""
    return lambdify(CHI, reach().result.rhs, np)


def _solved(unknown: Symbol) -> Expr:
    (found,) = solve(_with(SECOND, length_map().result) - Q, unknown)
    return found


def _with(number: Expr, formula: Expr) -> Expr:
    """The one expectation in a formula as a symbol."""
    (expectation,) = formula.atoms(GaussianExpectation)
    return formula.xreplace({expectation: number})
