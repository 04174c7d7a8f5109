"""Exact theorems held against the simulation of their own families, which the array reading computes by definition.

Both sides of a statement are estimated from the same draws, batch by batch: every bracket from the values of the
scalars and gradients inside it. Premises are met by the draws; what is over networks has one input for all of them.
"""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Dummy, Integer, Piecewise, Rational, lambdify

import derive
from derive.averages import Average, Bracket, Covariance, SharedVariance, Variance
from derive.cost import Partial
from derive.layers import d
from derive.network import SLOPE, f, g, n, s
from derive.randomness import Entry
from numerics.arrays import Program

BATCHES, NETWORKS = 15, 3000
SIZES = {n(k): size for k, size in enumerate((3, 2, 4, 3, 2))}
LAST = 3
A = 0.25
FIXED_SEED = 12

LINEAR = {f: lambda u: u}
LEAKY = {f: lambda u: Piecewise((u, u > 0), (A * u, True))}

HELD = {
    "forward-variance": LINEAR,
    "backward-variance": LINEAR,
    "weight-gradient-variance": LINEAR,
    "layer-gradient-balance": LINEAR,
    "network-variance": LEAKY,
    "rectifier-gradient": LEAKY,
    "covariance-recursion": LEAKY,
    "residual-variance": LEAKY,
    "dropout-variance": LEAKY,
    "convolution-variance": LEAKY,
    "convolution-variance-2d": LEAKY,
    "pooled-variance": LEAKY,
}
INDICES = {"i": 1, "k": 1, "l": 2, "j": 1, "m": 1, "t": 1, "u": 2, "p": 1, "r": 2, "p'": 3, "r'": 1}
OTHERS = {"T": 3, "T'": 3, "alpha": 0.6, "p_drop": 0.3, "w": 1}


def variance(family, layer, functions):
    """What families are drawn with: another number for each, and no biases in the linear regime."""
    biases = 0 if functions is LINEAR else 0.4 + 0.1 * layer
    return {"x": 1.3, "W": 0.5 + 0.2 * layer, "b": biases, "g": 0.7, "K": 0.35}[family.name]


def drawn(key, shape, rng, fixed, functions):
    """Draws of one family; signals that come in have means, and samples in common."""
    family, layer = key
    if family.source.name == "layers before":
        common = rng.standard_normal((NETWORKS, 1, *shape[1:]))
        return 0.4 + 0.7 * common + rng.standard_normal((NETWORKS, *shape)) * np.linspace(0.6, 1.2, shape[-1])
    if family.source.name == "dropout masks":
        return (rng.random((NETWORKS, *shape)) >= OTHERS["p_drop"]) / (1 - OTHERS["p_drop"])
    if fixed:
        return np.sqrt(variance(family, 0, functions)) * np.random.default_rng(FIXED_SEED).standard_normal((1, *shape))
    return np.sqrt(variance(family, layer or 0, functions)) * rng.standard_normal((NETWORKS, *shape))


def with_numbers(side, functions):
    """A side of a statement at fixed indices, sizes and parameters; brackets are left."""
    named = {**INDICES, **OTHERS}
    side = side.xreplace({symbol: named[symbol.name] for symbol in side.free_symbols if symbol.name in named})
    side = side.xreplace({d: LAST, SLOPE: A}).xreplace(SIZES).doit().xreplace(SIZES)
    shared = {v: variance(v.args[0], int(sum(v.args[1:])), functions) for v in side.atoms(SharedVariance)}
    return side.xreplace(shared)


def key(entry):
    return (entry.family, int(entry.indices[0]) if entry.family.layered else None)


def place(entry):
    return (slice(None), *(int(index) - 1 for index in entry.indices[entry.family.layered :]))


class Batches:
    """Both sides of a statement, estimated from batches of networks."""

    def __init__(self, statement, functions):
        self.sides = [with_numbers(side, functions) for side in (statement.lhs, statement.rhs)]
        self.brackets = sorted({b for side in self.sides for b in side.atoms(Bracket)}, key=str)
        self.functions = functions
        inside = {part for b in self.brackets for part in b.inside}
        self.partials = sorted({p for part in inside for p in part.atoms(Partial)}, key=str)
        nothing = {partial: Integer(0) for partial in self.partials}
        self.entries = sorted({e for part in inside for e in part.xreplace(nothing).atoms(Entry)}, key=str)
        symbols = self._open() | statement.lhs.free_symbols | statement.rhs.free_symbols
        values = SIZES | {symbol: OTHERS[symbol.name] for symbol in symbols if symbol.name in OTHERS}
        output = (s, LAST) if self.partials else key(self.entries[0])
        self.program = Program(
            output,
            keep=[key(e) for e in self.entries],
            gradients=[key(p.variable) for p in self.partials],
            values=values,
            functions=functions,
        )
        self.sources = {source.name for b in self.brackets for source in b.over.sources}

    def _open(self):
        """The symbols of sizes and definitions."""
        families = {e.family for e in self.entries if not e.family.layered}
        return {
            symbol
            for family in families
            for part in (*family.extents(0), family(*[1] * len(family.extents(0))).definition)
            if part is not None
            for symbol in part.free_symbols
        }

    def difference(self, rng):
        """Left, and left minus right, by one batch."""
        arrays = {
            name: drawn(name, shape, rng, name[0].source.name not in self.sources, self.functions)
            for name, shape in self.program.drawn.items()
        }
        run = self.program.run(arrays)
        found = {e: np.broadcast_to(run[key(e)][place(e)], NETWORKS) for e in self.entries}
        if self.partials:
            shape = (NETWORKS, *self.program.shape((s, LAST)))
            gradients = run.gradients(np.sqrt(variance(g, 0, self.functions)) * rng.standard_normal(shape))
            found |= {p: gradients[key(p.variable)][place(p.variable)] for p in self.partials}
        numbers = {b: self.estimate(b, found) for b in self.brackets}
        left, right = (float(side.xreplace(numbers)) for side in self.sides)
        return left, left - right

    def estimate(self, bracket, found):
        symbols = [Dummy() for _ in found]
        stand = dict(zip(found, symbols, strict=True))
        values = [lambdify(symbols, part.xreplace(stand))(*found.values()) for part in bracket.inside]
        if isinstance(bracket, Average):
            return values[0].mean()
        if isinstance(bracket, Covariance):
            return np.cov(*values)[0, 1]
        assert isinstance(bracket, Variance)
        return values[0].var(ddof=1)


def compared(statement, functions, seed=1):
    """The relative difference of both sides, and its standard error."""
    batches = Batches(statement, functions)
    rng = np.random.default_rng(seed)
    left, difference = np.array([batches.difference(rng) for _ in range(BATCHES)]).T
    scale = abs(left.mean())
    return difference.mean() / scale, difference.std(ddof=1) / np.sqrt(BATCHES) / scale


@pytest.mark.parametrize("name", HELD)
def test_a_theorem_agrees_with_the_simulation_of_its_families(name):
    difference, error = compared(derive.theorem(name).statement, HELD[name])
    assert error < 0.05
    assert abs(difference) < 4.5 * error


@pytest.mark.parametrize("name", HELD)
def test_another_right_hand_side_is_told_from_it(name):
    """A right-hand side that is half as large again lies far outside."""
    statement = derive.theorem(name).statement
    wrong = replace(statement, rhs=statement.rhs * Rational(3, 2))
    difference, error = compared(wrong, HELD[name])
    assert abs(difference) > 8 * error
