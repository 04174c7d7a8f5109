"""Normalisation: layers and batches of three, written out; a shifted sine in closed form; published constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Made
from derive.theorems.oracles.blocks import (
    BEFORE,
    ENUMERATED,
    LAYER,
    ROWS,
    activated,
    behind,
    case,
)
from derive.theorems.oracles.cases import sin, skewed
from derive.theorems.oracles.wide_cases import parabola

_BY_HAND = "the moments of a few outcomes, by hand"
_SINE = "the closed forms of a shifted sine"

# ---- over the units of a layer

_EPSILON = 0.5
_UNITS: Law = ((1, ((1, 2, 6), (3, -1, 0))),)
"""Three units of two samples: mean 3 and variance 14/3 of the first."""


def _mean(of: str, count: int, place: Callable[..., tuple[int, ...]], power: int = 1) -> Made:
    def made(at: Callable[..., Any], *index: int) -> Any:
        return sum(at(of, *place(other, *index)) ** power for other in range(1, count + 1)) / count

    return made


def _variance(of: str, mean: str, count: int, place: Callable[..., tuple[int, ...]]) -> Made:
    def made(at: Callable[..., Any], *index: int) -> Any:
        return sum((at(of, *place(o, *index)) - at(mean, *index)) ** 2 for o in range(1, count + 1)) / count

    return made


def _normalised(epsilon: float, rest: Callable[..., int]) -> Made:
    """Return (z - mu)/sqrt(V + epsilon)."""

    def made(at: Callable[..., Any], *index: int) -> Any:
        shared = rest(*index)
        return (at("z", *index) - at("mu", shared)) / math.sqrt(at("V", shared) + epsilon)

    return made


def _layer(epsilon: float = _EPSILON, law: Law = _UNITS, count: int = 3) -> Known:
    def unit(other: int, t: int) -> tuple[int, int]:
        return t, other

    made = {
        "mu": _mean("z", count, unit),
        "V": _variance("z", "mu", count, unit),
        "y": _normalised(epsilon, lambda t, k: t),
    }
    return case(made, {"z": (BEFORE, law)}, {0: count}, epsilon=epsilon)


def _moved_layer() -> Known:
    """The three units of the first sample, times 5/2, with the sample's 7 added."""

    def unit(other: int, t: int) -> tuple[int, int]:
        return t, other

    known = {
        "mu": _mean("z", 3, unit),
        "V": _variance("z", "mu", 3, unit),
        "y": _normalised(0, lambda t, k: t),
        "z'": lambda at, t, k: 2.5 * at("z", t, k) + at("c", t),
        "mu_2": _mean("z'", 3, unit),
        "V_2": _variance("z'", "mu_2", 3, unit),
        "y_2": lambda at, t, k: (at("z'", t, k) - at("mu_2", t)) / math.sqrt(at("V_2", t)),
    }
    return case(known, {"z": (BEFORE, _UNITS), "c": (BEFORE, ((1, (7, -4)),))}, {0: 3}, a=2.5)


def _two_rows() -> Known:
    """E[z_11] = 1/4, E[z_21] = 3/4; E[z_11^2] = 7/4, E[z_21^2] = 15/4; E[z_11 z_21] = -3/4."""
    return _layer(law=ROWS, count=2)


def _behind_activation() -> Known:
    return case({"z": activated("y"), "s": behind("z", 2)}, {"y": (BEFORE, ROWS), **LAYER}, {0: 2})


def _by_units() -> float:
    """Var[W] = 2 times the correlations of both units behind the parabola, and Var[b] = 9."""
    total = 0.0
    for k in range(2):
        rows = [(w / 4, parabola(r[0][k]), parabola(r[1][k])) for w, r in ROWS]
        one, other = (sum(w * v[m] for w, *v in rows) for m in (0, 1))
        both = sum(w * a * b for w, a, b in rows) - one * other
        spread = [sum(w * v[m] ** 2 for w, *v in rows) - mean**2 for m, mean in ((0, one), (1, other))]
        total += both / math.sqrt(spread[0] * spread[1])
    return 2 * total + 9


# ---- a sine with a mean

_Q, _SHIFT = 0.7, 0.4


def _sine(correlation: float = 0.3, q: float = _Q, **symbols: float) -> Known:
    functions = {"Activation": lambda s: sin(s + _SHIFT), "ActivationSlope": lambda s: sin(s + _SHIFT + math.pi / 2)}
    return Known({"q": q, "c": correlation, **symbols}, functions)


def _square_of_mean(q: float) -> float:
    """E[f]^2 = sin^2(a) exp(-q)"""
    return math.sin(_SHIFT) ** 2 * math.exp(-q)


def _spread(q: float) -> float:
    """E[f^2] - E[f]^2, by sin^2 x = (1 - cos 2x)/2."""
    return (1 - math.cos(2 * _SHIFT) * math.exp(-2 * q)) / 2 - _square_of_mean(q)


def _slopes(correlation: float, q: float = _Q) -> float:
    """E[f'(u) f'(w)], by cos x cos y = (cos(x - y) + cos(x + y))/2."""
    near, far = math.exp(-q * (1 - correlation)), math.exp(-q * (1 + correlation))
    return (near + math.cos(2 * _SHIFT) * far) / 2


def _slope(correlation: float) -> float:
    return _Q * _slopes(correlation) / _spread(_Q)


def _relu() -> Known:
    functions = {"Max": lambda a, b: (a + b + abs(a - b)) / 2, "Heaviside": lambda s, *_: (s > 0) * 1.0}
    return Known({"q": _Q}, functions, kinks=(0,))


_GROWTH = math.pi / (math.pi - 1)
"""As Yang et al. 2019 print it; 1.466942206924260361 in dks."""

_COSINES = "arc-cosine kernels, as Cho & Saul 2009 print them"
_LEAK, _KINKS = 0.2, 1e-4
"""A slope, and how close a grid comes to a mean over two Gaussians of functions with kinks."""


def _leaky() -> Known:
    functions = {
        "Activation": lambda u: (1 + _LEAK) / 2 * u + (1 - _LEAK) / 2 * abs(u),
        "ActivationSlope": lambda u: _LEAK + (1 - _LEAK) * (u > 0),
    }
    return Known({"q": 1, "G": 3, "B": 6}, functions, kinks=(0,))


def _finite(batch: int) -> Known:
    return Known({"B": batch}, _relu().functions, kinks=(0,))


def _growth(batch: int, leak: float) -> float:
    """The factor of a layer, with leaky ReLU as a line and a share of ReLU, and its kernels at -1/(B - 1)."""
    angle = math.acos(-1 / (batch - 1))
    ramp, step = 1 - leak, (math.pi - angle) / (2 * math.pi)
    bent = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / (2 * math.pi)
    one = leak**2 + leak * ramp + ramp**2 / 2
    values = (leak**2 + leak * ramp) * math.cos(angle) + ramp**2 * bent
    slopes = leak**2 + leak * ramp + ramp**2 * step
    kept = one - (one - slopes) / batch - (one - values) / batch
    return kept * batch / (batch - 3) / (one - values)


# ---- over a batch

_VALUES = ((2, (1, 2, 6)), (1, (0, -1, 3)))
_BATCH: Law = tuple((w, tuple((v,) for v in p)) for w, values in _VALUES for p in permutations(values))
"""Three exchangeable samples of one unit: variances 14/3, and half as often 26/9; never zero."""
_SHARE = (2 * (14 / 3) / (14 / 3 + _EPSILON) + (26 / 9) / (26 / 9 + _EPSILON)) / 3
# E[z^2] = (2 41/3 + 10/3)/3, E[z z'] = (2 (2 + 6 + 12)/3 + (0 + 0 - 3)/3)/3.
_HALF_DIFFERENCE = 92 / 9 - 37 / 9


def _batch_made(epsilon: float) -> dict[str, Made]:
    def sample(other: int, k: int) -> tuple[int, int]:
        return other, k

    return {
        "mu": _mean("z", 3, sample),
        "V": _variance("z", "mu", 3, sample),
        "y": _normalised(epsilon, lambda t, k: k),
    }


def _batch(epsilon: float = _EPSILON) -> Known:
    gradients: Law = tuple((w, ((g,), (-g,), (2 * g,))) for w, g in skewed(1))
    laws = {"z": (BEFORE, _BATCH), "g": ("output gradient", gradients)}
    return case(_batch_made(epsilon), laws, {0: 1}, B=3, epsilon=epsilon)


_WRITTEN_OUT = "differences of a batch of three, written out"
_STEPS = 1e-5
"""How close a difference comes to a derivative."""
_VALUES_OF_ONE, _GRADIENTS_OF_ONE = (1.0, 2.0, 6.0), (0.5, -2.0, 3.0)


def _one_batch() -> Known:
    """One batch of three values, and the gradients behind it."""
    laws: dict[str, tuple[str, Law]] = {
        "z": (BEFORE, ((1, tuple((v,) for v in _VALUES_OF_ONE)),)),
        "g": ("output gradient", ((1, tuple((v,) for v in _GRADIENTS_OF_ONE)),)),
    }
    return case(_batch_made(0), laws, {0: 1}, B=3)


def _cost(values: tuple[float, ...]) -> float:
    mean = sum(values) / len(values)
    spread = sum((v - mean) ** 2 for v in values) / len(values)
    return sum(g * (v - mean) for g, v in zip(_GRADIENTS_OF_ONE, values, strict=True)) / math.sqrt(spread)


def _derivatives() -> tuple[float, ...]:
    """Central differences of the cost, of the fourth order."""
    step = 1e-3

    def moved(which: int, by: float) -> float:
        return _cost(tuple(v + by * (k == which) for k, v in enumerate(_VALUES_OF_ONE)))

    return tuple(
        (8 * (moved(k, step) - moved(k, -step)) - moved(k, 2 * step) + moved(k, -2 * step)) / (12 * step)
        for k in range(3)
    )


def _limit(words: str, known: Callable[[], Known], equals: Any) -> Case:
    return Case(words, known, equals=equals, reads_left=False)


ORACLES = {
    "layer-norm": Oracle(ENUMERATED, (Case("three units", _layer, equals=3 * (14 / 3) / (14 / 3 + 1 / 2)),)),
    "layer-norm-length": Oracle(ENUMERATED, (Case("three units", lambda: _layer(0), equals=3),)),
    "layer-norm-sum": Oracle(ENUMERATED, (Case("three units", _layer, equals=0, scale=1),)),
    "layer-norm-invariance": Oracle(ENUMERATED, (Case("three units", _moved_layer, equals=-2 / math.sqrt(14 / 3)),)),
    "layer-norm-product": Oracle(
        _BY_HAND,
        (
            _limit(
                "three outcomes",
                _two_rows,
                (-3 / 4 - 3 / 16) / math.sqrt((7 / 4 - 1 / 16 + 1 / 2) * (15 / 4 - 9 / 16 + 1 / 2)),
            ),
        ),
    ),
    "layer-norm-centred": Oracle(
        _BY_HAND,
        (_limit("three outcomes", _two_rows, -3 / 4 / math.sqrt((7 / 4 + 1 / 2) * (15 / 4 + 1 / 2))),),
    ),
    "layer-norm-after": Oracle(_BY_HAND, (_limit("a parabola", _behind_activation, _by_units),)),
    "layer-norm-slope": Oracle(_SINE, (Case("at correlation 3/10", _sine, equals=lambda: _slope(0.3)),)),
    "layer-norm-slope-at-one": Oracle(_SINE, (Case("sin", _sine, equals=lambda: _slope(1)),)),
    "layer-norm-fixed-point": Oracle(_SINE, (Case("sin", _sine, equals=lambda: _square_of_mean(_Q)),)),
    "layer-norm-slope-at-zero": Oracle(_SINE, (Case("sin", _sine, equals=lambda: _slope(0)),)),
    "layer-norm-relu-at-one": Oracle(
        "pi/(pi - 1), as dks prints it", (Case("ReLU", _relu, equals=1.466942206924260361),)
    ),
    "layer-norm-relu-at-zero": Oracle("half of it, by hand", (Case("ReLU", _relu, equals=_GROWTH / 2),)),
    "batch-norm": Oracle(ENUMERATED, (Case("three samples", lambda: _batch(0), equals=-1 / 2),)),
    "batchnorm-sum": Oracle(ENUMERATED, (Case("three samples", _batch, equals=0, scale=1),)),
    "batch-norm-length": Oracle(ENUMERATED, (Case("three samples", _batch, equals=3 * (14 / 3) / (14 / 3 + 1 / 2)),)),
    "batchnorm-share": Oracle(ENUMERATED, (Case("three samples", _batch, equals=_SHARE),)),
    "batchnorm-pair": Oracle(ENUMERATED, (Case("three samples", _batch, equals=-_SHARE / 2),)),
    "batch-norm-square": Oracle(ENUMERATED, (Case("three samples", lambda: _batch(0), equals=1),)),
    "large-batch-variance": Oracle(
        _BY_HAND, (_limit("three samples", _batch, _HALF_DIFFERENCE / (_HALF_DIFFERENCE + _EPSILON)),)
    ),
    "large-batch-covariance": Oracle(_BY_HAND, (_limit("nothing is left", _batch, 0),)),
    # E[g_1^2] = (4 + 1 + 1)/3.
    "large-batch-gradient": Oracle(_BY_HAND, (_limit("three samples", _batch, 2 / (_HALF_DIFFERENCE + _EPSILON)),)),
    "batch-norm-gradient": Oracle(
        _SINE, (_limit("sin", lambda: _sine(q=1, G=3), lambda: 3 * _slopes(1, 1) / _spread(1)),)
    ),
    "batch-derivative": Oracle(_WRITTEN_OUT, (Case("three samples", _one_batch, lambda: _derivatives()[0], _STEPS),)),
    "batch-derivative-sum": Oracle(_WRITTEN_OUT, (Case("three samples", _one_batch, 0, _STEPS, 1),)),
    "batch-derivative-length": Oracle(
        _WRITTEN_OUT, (Case("three samples", _one_batch, lambda: sum(d**2 for d in _derivatives()), _STEPS),)
    ),
    "finite-batch-gradient": Oracle(
        _COSINES, (Case("leaky ReLU", _leaky, lambda: 3 * _growth(6, _LEAK), _KINKS, reads_left=False),)
    ),
    "finite-batch-relu": Oracle(_COSINES, (_limit("eight samples", lambda: _finite(8), lambda: _growth(8, 0)),)),
    "finite-batch-linear": Oracle(
        "(B - 2)/(B - 3), as Yang et al. 2019 print it", (Case("nine samples", lambda: _finite(9), 7 / 6),)
    ),
    "batch-norm-gradient-relu": Oracle(
        "Yang et al. 2019; the constant in dks", (Case("ReLU", _relu, equals=1.466942206924260361),)
    ),
}
