"""The theorems on blocks against networks drawn with NumPy."""

import math

import numpy as np
import pytest
from planting import derived
from sympy import Integer, Symbol

from derive.averages import Average, SharedVariance
from derive.network import n
from derive.proof.oracle import Known
from derive.proof.oracle_reading import Reader
from derive.randomness import Entry

DRAWS = 60_000


def parts_of(name):
    """A theorem and its parts, parts of parts included, by name."""

    def below(one):
        yield one.name, one
        for part in one.parts:
            yield from below(part)

    return dict(below(derived(name)))


TANH = {"Activation": np.tanh, "ActivationSlope": lambda s: 1 - np.tanh(s) ** 2}


def number(result, functions=TANH, **symbols):
    """A result in numbers. ``var_W`` is the variance of W, ``mean_t`` and ``mean_tu`` are means of what comes in."""
    names = {v: f"var_{v.family.name}" for v in result.atoms(SharedVariance)}
    names |= {
        m: "mean_" + "".join(sorted(str(e.units[0]) for e in m.inside[0].atoms(Entry))) for m in result.atoms(Average)
    }
    return float(
        Reader(Known(symbols, functions)).number(result.xreplace({e: Symbol(name) for e, name in names.items()}))
    )


def agree(samples, value):
    """Within five standard errors, which are small."""
    error = samples.std() / math.sqrt(len(samples))
    assert error < 0.03 * abs(value)
    assert abs(samples.mean() - value) < 5 * error


def correlated(rng, units, q_1, q_2, q_12):
    """Pre-activations of two samples."""
    first, other = rng.standard_normal((2, DRAWS, units))
    return math.sqrt(q_1) * first, q_12 / math.sqrt(q_1) * first + math.sqrt(q_2 - q_12**2 / q_1) * other


QS = {"q_1": 1.4, "q_2": 0.8, "q_12": 0.6}


def test_simulated_covariance_of_two_samples():
    rng = np.random.default_rng(1)
    ys = correlated(rng, 4, **QS)
    weights, bias = rng.standard_normal((DRAWS, 4)) * math.sqrt(1.9 / 4), rng.standard_normal(DRAWS) * math.sqrt(0.3)
    one, other = ((np.tanh(y) * weights).sum(1) + bias for y in ys)
    result = parts_of("covariance-recursion")["covariance-map"].result
    agree(one * other, number(result, sigma_w2=1.9, sigma_b2=0.3, **QS))


def test_simulated_residual_block_forward_and_back():
    rng = np.random.default_rng(2)
    one, other = correlated(rng, 4, **QS)
    weights = rng.standard_normal((DRAWS, 4, 4)) * math.sqrt(1.9 / 4)
    after = [h[:, 0] + 0.7 * np.einsum("dl,dl->d", np.tanh(h), weights[:, :, 0]) for h in (one, other)]
    parts = parts_of("residual-variance")
    forward = parts["residual-map"].result
    agree(after[0] * after[1], number(forward, mean_tu=0.6, alpha=0.7, sigma_w2=1.9, **QS))
    g = rng.uniform(-1, 1, (DRAWS, 4))
    gradient = g[:, 0] + 0.7 * (1 - np.tanh(one[:, 0]) ** 2) * (weights[:, 0] * g).sum(1)
    back = parts["residual-gradient-map"].result
    agree(gradient**2, number(back, alpha=0.7, sigma_w2=1.9, q_1=1.4, var_g=1 / 3))


def test_simulated_branch_that_ends_in_its_activation():
    """With a fixed stream the sums are Gaussian at every width; softplus has a mean."""
    rng = np.random.default_rng(3)
    stream = np.array([[0.5, -1.0, 1.5], [1.2, 0.3, -0.4]])
    weights = rng.standard_normal((DRAWS, 3)) * 0.8
    sums = [weights @ h for h in stream]
    softplus = [np.log1p(np.exp(r)) for r in sums]
    after = [h[0] + 0.7 * a for h, a in zip(stream, softplus, strict=True)]
    parts = parts_of("residual-variance")
    q = 0.64 * stream @ stream.T
    known = {"q_1": q[0, 0], "q_2": q[1, 1], "q_12": q[0, 1], "alpha": 0.7}
    known |= {"mean_t": 0.5, "mean_u": 1.2, "mean_tu": 0.5 * 1.2}
    functions = {"Activation": lambda s: np.log1p(np.exp(s))}
    agree(after[0], number(parts["ending-activation-mean"].result, functions, **known))
    agree(after[0] * after[1], number(parts["ending-activation-map"].result, functions, **known))


def test_simulated_dropout():
    rng = np.random.default_rng(4)
    ys = correlated(rng, 4, 1.4, 1.4, 0.5 * 1.4)
    weights, bias = rng.standard_normal((DRAWS, 4)) * math.sqrt(1.9 / 4), rng.standard_normal(DRAWS) * math.sqrt(0.3)
    masks = (rng.random((2, DRAWS, 4)) > 0.3) / 0.7
    one, other = ((m * np.tanh(y) * weights).sum(1) + bias for m, y in zip(masks, ys, strict=True))
    parts = parts_of("dropout-variance")
    known = {"q": 1.4, "c": 0.5, "sigma_w2": 1.9, "sigma_b2": 0.3, "p_drop": 0.3}
    agree(one**2, number(parts["dropout-length-map"].result, **known))
    agree(one * other, number(parts["dropout-covariance-map"].result, **known))


@pytest.mark.parametrize("pixel", [(1, 1), (1, 3), (3, 2)])
def test_simulated_image_that_is_padded_with_zeros(pixel):
    rng = np.random.default_rng(5)
    image = rng.standard_normal((DRAWS, 2, 4, 4)) * 1.2
    kernel, bias = rng.standard_normal((DRAWS, 2, 3, 3)) * 0.4, rng.standard_normal(DRAWS) * 0.5
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    row, column = (p - 1 for p in pixel)
    seen = (padded[:, :, row : row + 3, column : column + 3] * kernel).sum((1, 2, 3)) + bias
    result = parts_of("convolution-variance-2d")["convolution-2d-padded-count"].result
    places = {"p": pixel[0], "p'": pixel[1], "T": 4, "T'": 4, "q": 1.44}
    agree(seen**2, number(result.xreplace({n(0): Integer(2)}), var_K=0.16, var_b=0.25, **places))


def test_simulated_gradient_through_a_stride():
    """dC/dz_2 through a kernel of three at every second of five places: outputs 1 and 2 look at it."""
    rng = np.random.default_rng(6)
    kernel, g = rng.standard_normal((DRAWS, 2, 3)) * 0.6, rng.uniform(-1, 1, (DRAWS, 2, 3))
    back = (kernel[:, :, 2] * g[:, :, 0] + kernel[:, :, 0] * g[:, :, 1]).sum(1)
    result = parts_of("convolution-variance")["convolution-gradient-stride"].result
    places = {"p": 2, "T": 5, "w": 1}
    agree(back**2, number(result.xreplace({n(1): Integer(2)}), var_K=0.36, var_g=1 / 3, **places))


def test_simulated_pooling_of_correlated_units():
    rng = np.random.default_rng(7)
    values = rng.standard_normal((DRAWS, 5)) + 0.8 * rng.standard_normal((DRAWS, 1))
    result = parts_of("pooled-variance")["pooled-alike"].result
    agree(values.mean(1) ** 2, number(result, T=5, q=1 + 0.64, m=0.64))


def test_simulated_depth():
    """Twenty blocks of ReLU with He's weights, alpha = c/sqrt(20), wide enough: the mean square grows by exp(c^2)."""
    rng = np.random.default_rng(8)
    blocks, width, c = 20, 200, 0.9
    growth = []
    for _ in range(60):
        h = rng.standard_normal(width)
        start = (h**2).mean()
        for _ in range(blocks):
            h = h + c / math.sqrt(blocks) * (rng.standard_normal((width, width)) * math.sqrt(2 / width)) @ np.maximum(
                h, 0
            )
        growth.append((h**2).mean() / start)
    bound = Known({"c": c, "L": blocks}, {"q": lambda at: 1.0})
    value = Reader(bound).number(parts_of("residual-depth")["residual-depth-bounded"].result)
    growth = np.array(growth)
    error = growth.std() / math.sqrt(len(growth))
    exact = (1 + c**2 / blocks) ** blocks
    assert abs(growth.mean() - exact) < 4 * error
    assert exact < value < 1.02 * exact
    assert value == pytest.approx(math.exp(c**2))
