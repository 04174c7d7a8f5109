"""Seeded random members of the class, and an independent numerical answer on a NumPy grid."""

from random import Random

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special
from sympy import (
    Abs,
    Expr,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    cos,
    erf,
    erfc,
    exp,
    lambdify,
    sign,
    sin,
)

from derive.gaussian import NormalDensity, Phi

HALVES = [Rational(n, 2) for n in range(-4, 5)]


def affine(z: Symbol, random: Random) -> Expr:
    """A slope and an offset whose breakpoint is a multiple of 1/2."""
    slope = random.choice([1, 1, 1, -1, 2, Rational(1, 2), -2])
    return slope * (z - random.choice([0, 0, *HALVES]))


def atom(z: Symbol, random: Random) -> Expr:
    """One factor of the class in the variable z."""
    u = affine(z, random)
    kinds = [
        lambda: z ** random.randint(1, 3),
        lambda: u,
        lambda: Max(0, u),
        lambda: Abs(u),
        lambda: sign(u),
        lambda: Heaviside(u),
        lambda: Min(1, Max(-1, u)),
        lambda: Piecewise((u, z > random.choice(HALVES)), (exp(u / 2) - 1, True)),
        lambda: exp(u / random.choice([1, 2, -2])),
        lambda: exp(-(u**2) / random.choice([1, 2, 4])),
        lambda: sin(u),
        lambda: cos(u),
        lambda: erf(u),
        lambda: erfc(u),
        lambda: Phi(u),
        lambda: NormalDensity(u),
        lambda: Max(u, 1),
    ]
    return random.choice(kinds)()


def one_variable(z: Symbol, random: Random) -> Expr:
    """A sum of one or two products of one or two factors."""
    total: Expr = Rational(0)
    for _ in range(random.randint(1, 2)):
        product: Expr = Rational(random.randint(1, 3))
        for _ in range(random.randint(1, 2)):
            product *= atom(z, random)
        total += product
    return total


def two_variables(x: Symbol, y: Symbol, random: Random) -> Expr:
    """A sum of one or two products of a factor in x and a factor in y."""
    total: Expr = Rational(0)
    for _ in range(random.randint(1, 2)):
        total += random.randint(1, 3) * atom(x, random) * atom(y, random)
    return total


def _panels(reach: float) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = leggauss(10)
    edges = np.arange(-reach, reach + 0.25, 0.5)
    half = (edges[1:] - edges[:-1]) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


def _function(g: Expr, variables: tuple[Symbol, ...]) -> object:
    names = {"Phi": special.ndtr, "NormalDensity": lambda u: np.exp(-u * u / 2) / np.sqrt(2 * np.pi)}
    return lambdify(variables, g.replace(Heaviside, lambda u, *_: (sign(u) + 1) / 2), [names, "scipy", "numpy"])


def grid_expectation(
    g: Expr, variables: tuple[Symbol, ...], mean: list[float], covariance: list[list[float]]
) -> tuple[float, float]:
    """(E[g], E|g|) on Gauss-Legendre panels of width 1/2; every breakpoint of the generator is an edge."""
    t, w = _panels(18.0 if len(variables) == 1 else 15.0)
    axes = np.meshgrid(*[t] * len(variables), indexing="ij")
    weight = w if len(variables) == 1 else np.outer(w, w)
    C = np.array(covariance, dtype=float)
    shift = np.stack([a - m for a, m in zip(axes, mean, strict=True)])
    quadratic = np.einsum("i...,ij,j...->...", shift, np.linalg.inv(C), shift)
    density = np.exp(-quadratic / 2) / np.sqrt(np.linalg.det(2 * np.pi * C))
    values = _function(g, variables)(*axes) * density * weight
    return float(values.sum()), float(np.abs(values).sum())
