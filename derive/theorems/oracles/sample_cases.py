"""Mean and fluctuation over samples: published kernels, nested integrals, tiny networks, and iteration."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.proof.outcomes import NOTHING, Coins, Law, Network, variance
from derive.theorems.oracles.cases import FAR, gaussian, identity, iterated, known, leaky, signs

CHO_SAUL = "Cho & Saul 2009, equation 6"
INTEGRALS = "nested integrals"


def kernel(a: float, m: float, v: float) -> float:
    """E[f(u) f(w)] for leaky ReLU, variance m^2 + v^2 and covariance m^2, by the arc-cosine kernel.

    Cho & Saul's J_1(theta) = sin theta + (pi - theta) cos theta is 2 pi E[relu relu]/q. With f(s) = relu(s) - a
    relu(-s), the mixed terms have the angle pi - theta.
    """
    q, angle = m**2 + v**2, math.acos(m**2 / (m**2 + v**2))

    def arc_cosine(theta: float) -> float:
        return q / (2 * math.pi) * (math.sin(theta) + (math.pi - theta) * math.cos(theta))

    return (1 + a**2) * arc_cosine(angle) - 2 * a * arc_cosine(math.pi - angle)


def decay_function(t: float) -> float:
    """h(T), as the legend gives it."""
    return math.atan(t) + (t - math.atan(t)) / t**2


def gaussian_case(a: float, m: float, v: float, **symbols: float) -> Known:
    """Leaky ReLU at pre-activations with these two standard deviations."""
    functions = {"Activation": leaky(a), "DecayFunction": decay_function}
    t = v / math.sqrt(v**2 + 2 * m**2)
    return Known({"a": a, "m": m, "v": v, "T": t, **symbols}, functions, kinks=(0,))


RELU_AT_ONE = 1 / 3 + math.sqrt(3) / (2 * math.pi)
"""ReLU's kernel for m = v = 1: J_1(pi/3)/pi."""
KERNEL = (
    Case("ReLU, m = v = 1, an angle of 60 degrees", lambda: gaussian_case(0, 1, 1), equals=RELU_AT_ONE),
    Case("slope 3/10", lambda: gaussian_case(0.3, 0.7, 1.9), equals=lambda: kernel(0.3, 0.7, 1.9)),
    Case("the absolute value", lambda: gaussian_case(-1, 2, 0.5), equals=lambda: kernel(-1, 2, 0.5)),
    Case("the line", lambda: gaussian_case(1, 1.3, 0.4), equals=1.3**2),
)


def _next_mean(a: float, m: float, v: float) -> float:
    return 1.7 * kernel(a, m, v) + 0.2


def _next_fluctuation(a: float, m: float, v: float) -> float:
    return 1.7 * ((1 + a**2) / 2 * (m**2 + v**2) - kernel(a, m, v))


def _stable(a: float, m: float, v: float) -> Known:
    return gaussian_case(a, m, v, sigma_w2=1.7, sigma_b2=0.2)


def _line() -> Known:
    """A linear network: exact at every width. Two samples with mean (1, 2) and variances 1 and 4."""
    inputs: Law = ((1, (2, 4)), (1, (0, 0)))
    network = Network((2, 3, 1), (signs(1), signs(2)), identity, inputs, biases=(NOTHING, signs(0.5)))
    m2, v2 = 1 + 4, 1 + 4
    return known(network, i=0, a=1, m=math.sqrt(m2), v=math.sqrt(v2), sigma_w2=3 * 4, sigma_b2=0.25)


def _total() -> Known:
    """One weight and one bias on an input that is 1 or 3."""
    inputs: Law = ((1, (1,)), (1, (3,)))
    return known(Network((1, 1), (signs(1),), identity, inputs, biases=(signs(2),)), i=0)


def _total_curved() -> Known:
    inputs: Law = ((1, (1, 0)), (2, (3, -1)), (1, (-2, 2)))
    network = Network((2, 2, 1), (signs(1), signs(2)), lambda s: s**2 + s, inputs, biases=(signs(1), signs(2)))
    return known(network, i=1)


def _row() -> Known:
    """Eigenvalues 3 and 1, two weights of variance 2."""
    world = Coins(eigenvalue=("matrix", ((1, (3, 1)),)), coordinate=("weights of the neuron", gaussian(2)))
    return Known({"N": 2, "s": 2, "lambda_square": 5}, {"Width": {0: 2}.__getitem__}, world)


def _quadratic_form() -> float:
    """Return Var[w^T C w] for C = ((2, 1), (1, 2)), whose eigenvalues are 3 and 1, and weights of variance 2."""
    law = gaussian(2)
    form = [(p * r, 2 * u * u + 2 * u * w + 2 * w * w) for (p, u), (r, w) in product(law, law)]
    return variance(form)


def _layer() -> Known:
    inputs: Law = ((1, (1, 2, -3)), (2, (0, 1, 1)))
    world = Coins(layer_w=("weights of one layer", ((1, 2), (2, -1))), layer_z=("layers before", inputs))
    return Known({"l": 1}, {"Width": {0: 3}.__getitem__, "SharedVariance": {"layer-w": 2}.__getitem__}, world)


def _of_square(a: float) -> Known:
    return Known({"a": a, "q": 1.7}, {"Activation": leaky(a)}, kinks=(0,))


def next_gap(gap: float, a: float) -> float:
    """Return 1 less the correlation one layer on, at He's gain: the arc-cosine kernel, without cancellation."""
    theta = 2 * math.asin(math.sqrt(gap / 2))
    if theta < 0.05:
        lost = theta**3 / 3 - theta**5 / 30 + theta**7 / 840
    else:
        lost = math.sin(theta) - theta * math.cos(theta)
    return gap - (1 - a) ** 2 / (math.pi * (1 + a**2)) * lost


def gap_after(layers: int, a: float) -> float:
    """Return 1 less the correlation of two inputs after so many layers of leaky ReLU."""
    return iterated(next_gap, 0.5, layers, a)


def _far(layer: int, a: float) -> Known:
    # The variance over samples is q times the gap.
    return Known({"a": a, "q": 1.7, "l": layer}, {"u": lambda at: math.sqrt(gap_after(int(at), a) / 2)})


def _small(u: float, a: float) -> Known:
    return Known({"u": u, "a": a, "sigma_w2": 2 / (1 + a**2)}, {"DecayFunction": decay_function})


def _decreases(a: float) -> Known:
    return gaussian_case(a, 0.7, 1.9, sigma_w2=2 / (1 + a**2))


def _map(u: float, a: float) -> Case:
    def following() -> Any:
        return math.sqrt(next_gap(2 * u**2, a) / 2)

    return Case(f"slope {a}", lambda: _small(u, a), equals=following, within=0.02, scale=u**3 * (1 - a) ** 4 / 40)


ORACLES = {
    "total-variance": Oracle(
        "a network enumerated from its definition",
        (
            Case("one weight and one bias", _total, equals=(1 + 9) / 2 + 4),
            Case("two layers and a curved activation function", _total_curved),
        ),
    ),
    "kernel-K": Oracle(f"{CHO_SAUL}; {INTEGRALS}", KERNEL),
    "kernel-K-price": Oracle(f"{CHO_SAUL}; {INTEGRALS}", KERNEL),
    "sample-variance": Oracle(
        f"{CHO_SAUL}; a linear network enumerated",
        (
            Case(
                "slope 3/10",
                lambda: _stable(0.3, 0.7, 1.9),
                equals=lambda: _next_mean(0.3, 0.7, 1.9),
                reads_left=False,
            ),
            Case("a linear network", _line, equals=12 * 5 + 0.25),
        ),
    ),
    "sample-variance-stable": Oracle(
        f"{CHO_SAUL}; {INTEGRALS}",
        (
            Case("ReLU", lambda: _stable(0, 1, 1), equals=1.7 * (1 - RELU_AT_ONE)),
            Case("slope 3/10", lambda: _stable(0.3, 0.7, 1.9), equals=lambda: _next_fluctuation(0.3, 0.7, 1.9)),
        ),
    ),
    "sample-variance-m": Oracle(
        f"{CHO_SAUL}; {INTEGRALS}",
        (
            Case("ReLU", lambda: _stable(0, 1, 1), equals=1.7 * RELU_AT_ONE + 0.2),
            Case("slope 3/10", lambda: _stable(0.3, 0.7, 1.9), equals=lambda: _next_mean(0.3, 0.7, 1.9)),
        ),
    ),
    "sample-variance-decay": Oracle(
        "the arc-cosine kernel of Cho & Saul 2009, iterated",
        (
            Limit("ReLU, layers 20000 and 40000", lambda at: _far(at, 0), FAR, 0.01, 0.1),
            Limit("slope 1/4, layers 20000 and 40000", lambda at: _far(at, 0.25), FAR, 0.01, 0.1),
        ),
    ),
    "sample-variance-decreases": Oracle(
        INTEGRALS,
        (
            Case("slope 3/10", lambda: _decreases(0.3), equals=True),
            Case("the line", lambda: _decreases(1), equals=False),
        ),
    ),
    "local-map": Oracle("the arc-cosine kernel of Cho & Saul 2009", (_map(2e-3, 0), _map(2e-3, -0.5))),
    "quadratic-form-variance": Oracle(
        "a matrix that is not diagonal, by every outcome of a law with the moments of a Gaussian",
        (Case("eigenvalues 3 and 1", _row, equals=_quadratic_form),),
    ),
    "layer-variance": Oracle(
        "a skewed law with two values, by hand", (Case("inputs 1, 2 and -3", _layer, equals=2 * (1 + 4 + 9)),)
    ),
    "layer-variance-mean": Oracle(
        "two inputs, by hand", (Case("mean squares 14 and 2", _layer, equals=2 * (14 + 2 * 2) / 3),)
    ),
    "layer-variance-fluctuation": Oracle(
        "integrals, and the chi-square law",
        (
            Case("ReLU", lambda: _of_square(0), equals=5),
            Case("the line", lambda: _of_square(1), equals=2),
            Case("slope 3/10", lambda: _of_square(0.3)),
        ),
    ),
}
