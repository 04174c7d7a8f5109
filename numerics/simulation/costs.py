"""Which method: what each can do, what each costs, and the choice of the cheapest.

The costs are measured times on one ordinary two-core machine (2024, OpenBLAS, AVX-512), in nanoseconds. Their ratios
decide, and they need not be better than a factor of two: at the borders the methods cost the same.
"""

from __future__ import annotations

from itertools import pairwise

from derive.errors import InputError, unknown_name
from numerics.activations import slopes
from numerics.laws import NORMAL, RADEMACHER, TRUNCATED_NORMAL, UNIFORM, Law
from numerics.network import Network
from numerics.simulation.result import SPREAD

METHODS = ("brute", "conditional", "gram", "norm-law")

_DRAW = {NORMAL: 9.0, UNIFORM: 3.0, RADEMACHER: 1.5, TRUNCATED_NORMAL: 16.0}
# A multiply-add within a product of matrices, and of a matrix and one vector (bound by memory).
_PRODUCT, _VECTOR = 0.04, 0.5
# A number of one layer of one sample: the activation and the moments.
_NUMBER = 2.0
# A Gram matrix of T samples: a multiply-add, and one of its factorisation; Python's share of a layer.
_GRAM, _FACTOR, _PYTHON = 0.04, 0.3, 60_000.0
# Gram matrices of few samples, without BLAS: a multiply-add.
_FEW = 0.7
_CHAIN = 100.0


def reason_against(method: str, network: Network, *, over: str, quantities: tuple[str, ...], dtype: str) -> str | None:
    """Return why a method cannot do this, in words, or None when it can."""
    if SPREAD[0] in quantities and method != "gram":
        return "has means over drawn units, and spread needs those over their law (method 'gram')"
    if method == "brute":
        return None
    if network.weight_law != NORMAL:
        return f"needs normal weights, got {network.weight_law}"
    if dtype != "float64":
        return f"computes in float64 only, got dtype {dtype!r}"
    if method == "conditional":
        backward = [name for name in quantities if "grad" in name]
        return f"runs forward only, and cannot give {', '.join(backward)}" if backward else None
    if method == "gram":
        return None if over == "both" else f"follows samples through many networks (over='both'), got over={over!r}"
    if over != "network":
        return f"follows one input through many networks (over='network'), got over={over!r}"
    if slopes(network.activation) is None:
        return f"needs an activation made of two straight lines through 0, got {network.activation}"
    others = [name for name in quantities if name != "var_s"]
    return f"gives var_s only, and cannot give {', '.join(others)}" if others else None


def seconds(method: str, network: Network, *, networks: int, samples: int, backward: bool = False) -> float:
    """Return about how long a method takes.

    For a layer of fan-in n and m units, T samples, one network:

    - brute: n m numbers drawn and ``T n m`` multiply-adds; the backward pass reads the n m weights again;
    - conditional: ``T m`` numbers drawn, ``T² (n + m)`` multiply-adds and a ``T³/3`` factorisation; m numbers and no
      more when T = 1;
    - gram: the same numbers drawn, and ``T² (n + 2 m)`` multiply-adds, many networks at once;
    - norm-law: three numbers.
    """
    T, total = samples, 0.0
    for n, m in pairwise(network.widths):
        if method == "brute":
            each = _VECTOR if T == 1 else _PRODUCT * T
            total += n * m * (_draw(network.weight_law) + each + _VECTOR * backward) + T * m * _NUMBER
        elif method == "conditional":
            total += T * m * (_draw(NORMAL) + _NUMBER)
            if T > 1:
                total += _PYTHON + T * n * _NUMBER + T * T * (_GRAM * n / 2 + _PRODUCT * m) + _FACTOR * T**3 / 3
        elif method == "gram":
            total += T * m * (_draw(NORMAL) + _NUMBER) + T * T * (n + 2 * m) * _FEW + _CHAIN
        else:
            total += _CHAIN
    return networks * total * 1e-9


def choose(
    method: str | None,
    network: Network,
    *,
    over: str,
    quantities: tuple[str, ...],
    dtype: str,
    networks: int,
    samples: int,
) -> str:
    """Return the method: the one asked for if it can do this, else the cheapest of those that can.

    Raises `InputError` for an unknown method, and for one that cannot do this, with the reason.
    """
    if SPREAD[0] in quantities:
        method = method or "gram"  # no other can, and it says what it needs
    if method is not None:
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
        reason = reason_against(method, network, over=over, quantities=quantities, dtype=dtype)
        if reason is not None:
            raise InputError(f"method {method!r} {reason}")
        return method
    backward = any("grad" in name for name in quantities)
    able = [m for m in METHODS if reason_against(m, network, over=over, quantities=quantities, dtype=dtype) is None]
    return min(able, key=lambda m: seconds(m, network, networks=networks, samples=samples, backward=backward))


def _draw(law: Law) -> float:
    return _DRAW.get(law, _DRAW[NORMAL])
