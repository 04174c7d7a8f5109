"""Speed of the simulation of networks of blocks, from their definitions, in one run with code written for one network.

Targets: on the chain at most 3 times brute force, which runs one sample where this runs two; residual and
convolutional networks of 20 blocks at most 1.5 times a hand-written NumPy loop that draws the same, runs the same two
samples forward and the gradient backward, and takes the same averages. Processor time, competitors in turns, the best
round of each; reading the definitions is part of it.
"""

import time
from itertools import pairwise

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.of_blocks import OfBlocks, simulate_blocks
from numerics.simulation.streams import generator

ROUNDS = 5
GAIN, SCALE, BLOCKS = 2.0, 0.2, 20


def averages(rows, gradients):
    """Mean square, mean product of two samples and mean square of gradients, network by network."""
    q = [(z**2).reshape(len(z), -1).mean(1) for z in rows]
    m2 = [(z[:, 0] * z[:, 1]).reshape(len(z), -1).mean(1) for z in rows]
    return np.array([q, m2, [(g**2).reshape(len(g), -1).mean(1) for g in gradients]])


def residual_by_hand(width, networks, group, rng):
    """64 inputs, a dense layer, residual blocks of a ReLU and a dense layer, and 10 outputs."""
    found = []
    for start in range(0, networks, group):
        count = min(group, networks - start)
        sizes = [64, *[width] * (BLOCKS + 1), 10]
        W = [rng.standard_normal((count, n, m)) * np.sqrt(GAIN / n) for n, m in pairwise(sizes)]
        rows = [rng.standard_normal((count, 2, 64))]
        rows.append(rows[0] @ W[0])
        slopes = []
        for V in W[1:-1]:
            h = rows[-1]
            slopes.append(h > 0)
            rows.append(h + SCALE * (np.maximum(h, 0) @ V))
        rows.append(rows[-1] @ W[-1])
        g = rng.standard_normal(rows[-1].shape)
        gradients = [g, g := g @ W[-1].transpose(0, 2, 1)]
        for V, slope in zip(W[-2:0:-1], slopes[::-1], strict=True):
            g = g + SCALE * slope * (g @ V.transpose(0, 2, 1))
            gradients.append(g)
        gradients.append(g @ W[0].transpose(0, 2, 1))
        found.append(averages(rows, gradients[::-1]))
    return np.concatenate(found, axis=2)


def columns(x):
    """Every window of 3 x 3, as columns; outside is zero."""
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(x.shape[0], 9 * x.shape[1], -1)


def convolved(x, K):
    return (K.reshape(-1, K.shape[-1]).T @ columns(x)).reshape(len(x), K.shape[-1], *x.shape[2:])


def convolved_back(g, K):
    T, o, rows, cols = g.shape
    parts = (K.reshape(-1, o) @ g.reshape(T, o, -1)).reshape(T, len(K), 3, 3, rows, cols)
    out = np.zeros((T, len(K), rows + 2, cols + 2))
    for a in range(3):
        for b in range(3):
            out[:, :, a : a + rows, b : b + cols] += parts[:, :, a, b]
    return out[:, :, 1:-1, 1:-1]


def convolutions_by_hand(channels, size, networks, rng):
    """3 channels of pixels, a convolution, and residual blocks of a ReLU and a convolution."""
    found = []
    for _ in range(networks):
        ins = [3, *[channels] * BLOCKS]
        K = [rng.standard_normal((n, 3, 3, channels)) * np.sqrt(GAIN / (9 * n)) for n in ins]
        rows = [rng.standard_normal((2, 3, size, size))]
        rows.append(convolved(rows[0], K[0]))
        slopes = []
        for kernel in K[1:]:
            h = rows[-1]
            slopes.append(h > 0)
            rows.append(h + SCALE * convolved(np.maximum(h, 0), kernel))
        gradients = [g := rng.standard_normal(rows[-1].shape)]
        for kernel, slope in zip(K[:0:-1], slopes[::-1], strict=True):
            g = g + SCALE * slope * convolved_back(g, kernel)
            gradients.append(g)
        gradients.append(convolved_back(g, K[0]))
        found.append(averages([z[None] for z in rows], [g[None] for g in gradients[::-1]]))
    return np.concatenate(found, axis=2)


def ours(network, networks):
    return simulate_blocks(network, networks=networks, rng=generator(1), workers=1, progress=False)


def best(*competitors):
    """Least processor time of each, in turns."""
    times = [[] for _ in competitors]
    for _ in range(ROUNDS):
        for run, found in zip(competitors, times, strict=True):
            start = time.process_time()
            run()
            found.append(time.process_time() - start)
    return [min(found) for found in times]


def does_the_same_work(network, by_hand, networks):
    """The loop written by hand estimates what the simulation estimates, row by row."""
    found = ours(network, networks)
    q, _, grad = by_hand.mean(axis=2)
    for name, theirs, values in (("q", q, by_hand[0]), ("grad", grad, by_hand[2])):
        error = np.hypot(found.standard_error[name], values.std(axis=1) / np.sqrt(networks))
        assert (np.abs(found.estimate[name] - theirs) < 5 * error).all()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_chain_from_its_definition_within_3_of_brute_force(activation):
    chain = Network(depth=20, width=100, gain=GAIN, activation=activation)
    brute, generic = best(
        lambda: simulate(chain, networks=200, seed=1, method="brute", progress=False), lambda: ours(chain, 200)
    )
    print(f"\nchain of {activation}: brute {brute:.3f} s, from its definition {generic:.3f} s: {generic / brute:.2f}")
    assert generic <= 3 * brute


@pytest.mark.parametrize(("width", "networks"), [(100, 200), (20, 4000)])
def test_residual_networks_within_1_5_of_a_loop_by_hand(width, networks):
    network = Network(
        layers=f"dense({width}), repeat({BLOCKS}, residual(relu, dense({width}), scale={SCALE})), dense(10)",
        input=64,
        gain=GAIN,
    )
    group = OfBlocks(network).group
    does_the_same_work(network, residual_by_hand(width, 200, group, np.random.default_rng(3)), 200)
    hand, generic = best(
        lambda: residual_by_hand(width, networks, group, np.random.default_rng(0)), lambda: ours(network, networks)
    )
    print(f"\nresidual, width {width}: by hand {hand:.3f} s, ours {generic:.3f} s: {generic / hand:.2f}")
    assert generic <= 1.5 * hand


@pytest.mark.parametrize(("size", "channels", "networks"), [(16, 16, 60), (32, 16, 20), (8, 32, 60)])
def test_convolutional_networks_within_1_5_of_a_loop_by_hand(size, channels, networks):
    network = Network(
        layers=f"conv({channels}), repeat({BLOCKS}, residual(relu, conv({channels}), scale={SCALE}))",
        input=(3, size, size),
        gain=GAIN,
    )
    does_the_same_work(network, convolutions_by_hand(channels, size, 40, np.random.default_rng(3)), 40)
    hand, generic = best(
        lambda: convolutions_by_hand(channels, size, networks, np.random.default_rng(0)),
        lambda: ours(network, networks),
    )
    print(f"\nconvolutions of {channels} at {size}: by hand {hand:.3f} s, ours {generic:.3f} s: {generic / hand:.2f}")
    assert generic <= 1.5 * hand
