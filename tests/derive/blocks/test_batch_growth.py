"""Squared gradients through BatchNorm of a finite batch: what is said of a Gaussian batch, drawn; wrong factors."""

import numpy as np
import pytest
from sympy import pi

import derive
from derive.blocks.lemmas import BATCH
from derive.proof.derivation import Statement
from derive.proof.verdict import Grade
from derive.theorems.batch_growth import finite_batch_chain


@pytest.fixture(scope="module")
def parts():
    return {part.name: part for part in derive.theorem("batch-norm-gradient").parts}


def test_a_normalised_gaussian_batch_drawn():
    """E[1/V] = B/((B - 3) v^2), apart from y; functions of degree 0 and 2 at -1/(B - 1), printed arc-cosine kernels."""
    batch, spread, draws = 7, 2.5, 400_000
    z = 3 + np.sqrt(spread) * np.random.default_rng(5).standard_normal((draws, batch))
    centred = z - z.mean(1, keepdims=True)
    variance = np.mean(centred**2, 1)
    one, other = (centred[:, k] / np.sqrt(variance) for k in (0, 1))
    angle = np.arccos(-1 / (batch - 1))
    step = (np.pi - angle) / (2 * np.pi)
    ramp = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    inverse = batch / ((batch - 3) * spread)
    for drawn, mean in (
        (1 / variance, inverse),
        ((one > 0) * (other > 0) * 1.0, step),
        (np.maximum(one, 0) * np.maximum(other, 0), ramp),
        ((one > 0) * (other > 0) / variance, step * inverse),
        (np.maximum(one, 0) * np.maximum(other, 0) / variance, ramp * inverse),
    ):
        error = drawn.std() / np.sqrt(draws)
        assert abs(drawn.mean() - mean) < 4 * error
        assert 20 * error < 0.2 * mean


def test_factors(parts):
    assert finite_batch_chain().check().grade is Grade.EXACT
    assert parts["finite-batch-gradient"].check().passed
    assert parts["finite-batch-linear"].result == (BATCH - 2) / (BATCH - 3)
    relu = parts["finite-batch-relu"].result
    assert abs((relu.subs(BATCH, 10**9) - pi / (pi - 1)).evalf()) < 1e-8
    assert parts["finite-batch-gradient"].statement.relation == "->"


@pytest.mark.parametrize("part", ["gradient", "relu", "linear"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda e: e * (BATCH - 3) / (BATCH - 1),
        lambda e: e * (BATCH - 3) / (BATCH - 2),
        lambda e: e.subs(BATCH, BATCH + 1),
        lambda e: e * BATCH / (BATCH - 1),
    ],
)
def test_the_oracle_refutes_a_wrong_factor(parts, part, spoil):
    found = parts[f"finite-batch-{part}"]
    right = found.statement
    assert found.oracle.ask(right).grade is Grade.SAMPLED
    assert found.oracle.ask(Statement(right.lhs, right.relation, spoil(right.rhs))).grade is Grade.FAILED
