"""Blocks with LayerNorm before or behind the branch: a few units, every outcome; a parabola; block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law
from derive.theorems.oracles.blocks import (
    BEFORE,
    ENUMERATED,
    GRADIENT,
    ROWS,
    WEIGHTS,
    activated,
    behind,
    case,
    gaussian_product,
)
from derive.theorems.oracles.cases import leaky, skewed

_BY_HAND = "the moments of a parabola, by hand"
_HOMOGENEOUS = "u f'(u) = f(u) for a rectifier"
_ALPHA, _HIDDEN, _Q, _C = 3, 2, 0.7, 0.5
_STREAM: Law = tuple(
    (weight, ((one, sign * one), (other, sign * other)))
    for weight, one, other in ((3, 1, 1), (3, -1, -1), (1, 1, -1), (1, -1, 1))
    for sign in (1, -1)
)
"""Two units of mean zero and mean square 1, for two samples of correlation (6 - 2)/8 = 1/2."""
_E: Law = ((1, (6, -6)), (2, (-3, 3)))
"""Two gradients of mean zero and variance 18."""


def _added(at: Callable[..., Any], t: int, k: int) -> Any:
    return at("h", t, k) + _ALPHA * sum(at("a", t, unit) * at("U", unit, k) for unit in (1, 2))


def _block(**symbols: Any) -> Known:
    made = {"s": behind("h", 2, biased=False), "a": activated("s"), "x": _added}
    laws = {
        "h": (BEFORE, _STREAM),
        **{name: (WEIGHTS, skewed(1)) for name in ("W", "U")},
        **GRADIENT,
        "e": ("output gradient", _E),
    }
    return case(
        made, laws, {0: 2, 1: _HIDDEN}, **{"l": 1, "alpha": _ALPHA, "q": _Q, "c": _C, "G": 5, "q_1": 1.5, **symbols}
    )


_SQUARE, _SLOPES = gaussian_product(_Q, _Q, _Q), _Q + 1
"""E[f^2], and E[f'^2] = E[(u + 1)^2]."""
_GAIN = _ALPHA**2 * _HIDDEN * 2
"""alpha^2 n_1 Var[U]"""
_FACTOR = (1 + _GAIN * _Q * _SLOPES) / (1 + _GAIN * _SQUARE)


def _limit(equals: float) -> Case:
    return Case("a parabola", _block, equals=equals, reads_left=False)


def _rectifier() -> Known:
    a = 0.3
    functions = {"sign": lambda u: (u > 0) * 2.0 - 1, "Activation": leaky(a)}
    known = _block(a=a)
    return Known(known.symbols, {**known.functions, **functions}, kinks=(0,))


def _blocks(count: int) -> Known:
    """The gradient so many blocks before the end, multiplied block by block from 1.7."""
    found = [1.7]
    for _ in range(count):
        found.append(found[-1] * _FACTOR)
    known = _block(L=count)
    return Known(known.symbols, {**known.functions, "G": found.__getitem__})


def _pre_ln() -> Known:
    """Two units, three inside the branch, and the stream as enumerated: E[h_11^2] = 7/4, E[h_11 h_21] = -3/4."""
    laws = {"h": (BEFORE, ROWS), **{name: (WEIGHTS, skewed(1)) for name in ("W", "U")}, **GRADIENT}
    laws["e"] = ("output gradient", _E)
    return case({}, laws, {0: 2, 1: 3}, l=1, q=_Q, q_1=2, c=_C, alpha=_ALPHA, G=5)


def _before(equals: float) -> Case:
    return Case("a parabola", _pre_ln, equals=equals, reads_left=False)


_ADDED = _ALPHA**2 * 3 * 2 * _SQUARE
_RETURNED = _ALPHA**2 * 3 * 2 * _Q * _SLOPES


def _deep(count: int, at: int, returned: float, scale: float = 1) -> Known:
    """A stream that begins with 1.7 and gets .9 a block; the gradient behind the last block is 1.3, and so on back."""
    stream = [1.7]
    for _ in range(count):
        stream.append(stream[-1] + 0.9)
    back = [1.3]
    for q in stream[-2::-1]:
        back.append(back[-1] * (1 + returned / q))
    gradient = back[::-1]
    functions = {
        "q": stream.__getitem__,
        "G": gradient.__getitem__,
        "w": lambda block: scale * gradient[block + 1],
    }
    known = _pre_ln()
    symbols = {"i": at, "d": count, "c": 0.9, "c'": returned, "q_0": 1.7, "G_d": 1.3}
    return Known({**known.symbols, **symbols}, {**known.functions, **functions})


_DEEP = "added up and multiplied out, block by block"
ORACLES = {
    "pre-ln-residual": Oracle(_BY_HAND, (_before(-3 / 4 + _ALPHA**2 * 3 * 2 * gaussian_product(_Q, _Q, _C * _Q)),)),
    "pre-ln-square": Oracle(_BY_HAND, (_before(7 / 4 + _ADDED),)),
    "pre-ln-branch": Oracle(_BY_HAND, (_before(2 * 2 * _C),)),
    "pre-ln-slope": Oracle(_BY_HAND, (_before(_ALPHA**2 * 2 * 2 * _SLOPES * 2),)),
    "pre-ln-gradient": Oracle(_BY_HAND, (_before(2 + 3 * 2 * 18 / 2),)),
    "pre-ln-block": Oracle(_BY_HAND, (_before(5 * (1 + _RETURNED / 2)),)),
    "pre-ln-weights": Oracle(_BY_HAND, (_before(_ALPHA**2 * _SQUARE * 2),)),
    "pre-ln-rectifier": Oracle(_HOMOGENEOUS, (Case("slope .3", _rectifier, equals=1),)),
    "pre-ln-depth": Oracle(_DEEP, (Case("the fourth of six", lambda: _deep(6, 4, 0.4), equals=1.7 + 4 * 0.9),)),
    "pre-ln-gradients": Oracle(_DEEP, (Case("the fourth of six", lambda: _deep(6, 4, 0.4)),)),
    "pre-ln-law": Oracle(_DEEP, (Case("the fourth of six", lambda: _deep(6, 4, 0.9)),)),
    "pre-ln-weights-in-depth": Oracle(
        _DEEP, (Case("the second of six", lambda: _deep(6, 2, 0.9, _ALPHA**2 * _SQUARE)),)
    ),
    "post-ln-residual": Oracle(
        _BY_HAND, (_limit((_C + _GAIN * gaussian_product(_Q, _Q, _C * _Q)) / (1 + _GAIN * _SQUARE)),)
    ),
    "post-ln-mean": Oracle(ENUMERATED, (Case("a stream of mean zero", _block, equals=0, scale=1),)),
    "post-ln-branch": Oracle(ENUMERATED, (Case("correlation 1/2", _block, equals=2 * 2 / 2),)),
    "post-ln-sum": Oracle(_BY_HAND, (_limit(1 + _GAIN * _SQUARE),)),
    "post-ln-normalised": Oracle(_BY_HAND, (_limit(2 / 1.5),)),
    "post-ln-slope": Oracle(_BY_HAND, (_limit(_ALPHA**2 * 2 * 2 * _SLOPES * 2),)),
    "post-ln-stream": Oracle(ENUMERATED, (Case("gradients of variance 2 and 18", _block, equals=2 + 2 * 2 * 18),)),
    "post-ln-gradient": Oracle(_BY_HAND, (_limit(5 * _FACTOR),)),
    "post-ln-rectifier": Oracle(
        "a rectifier is homogeneous: u f'(u) = f(u)", (Case("slope .3", _rectifier, equals=1),)
    ),
    "post-ln-weights": Oracle(_BY_HAND, (_limit(_ALPHA**2 * _SQUARE * 2),)),
    "post-ln-depth": Oracle("multiplied out, block by block", (Case("four", lambda: _blocks(4)),)),
}
