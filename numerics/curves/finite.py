"""Curves of networks of real widths: over samples by what is carried of two, the gradients by what is carried of one.

Two ways. With (leaky) ReLU, linear units or |.|, normal weights and inputs and no biases, by the angle between two
samples, exactly (`numerics.angle`). All else by points that carry the law of one sample's length and of two samples'
Gram matrix (`numerics.gram_law`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from numerics.activations import slopes
from numerics.angle import fluctuating_share, fluctuating_spread
from numerics.curves.chain import wide_predictions
from numerics.curves.gradient_spread import THEOREM, gradient_spread
from numerics.curves.length_spread import THEOREM as OF_LENGTHS
from numerics.curves.length_spread import length_spread
from numerics.curves.prediction import Prediction
from numerics.gram_law import ONE, SIZES, TWO, Carried, carried, gradients
from numerics.laws import NORMAL
from numerics.network import Network
from numerics.simulation.result import SPREAD

Floats = NDArray[np.float64]
Made = TypeVar("Made")
Bounded = tuple[Floats, Floats]
"""Values and a relative error of each."""

LEAST_WIDTH = 8
"""Narrower layers than this have laws that few points do not carry."""

_TINY = np.finfo(np.float64).tiny
# Held against exact values of ReLU, leaky ReLU and |.|, widths 16 to 64: docs/finite-width.md.
_SAFETY, _LEFT = 1.5, 0.5
_CLOSED = (
    "closed by hand: points carry the law of two samples' Gram matrix over networks, with its moments up to degree 6"
)
_THEOREMS = dict.fromkeys(("m2", "v2", "rho"), ("network-variance", "angle-operator")) | {
    "sd_grad_s": (THEOREM,),
    "sd_q": (OF_LENGTHS,),
    "sd_v2": ("angle-operator",),
}
_KURTOSIS = (
    "closed by hand: the kurtosis that weights which are not normal give pre-activations is its mean, to order 1/width"
)


def finite_prediction(network: Network, *, spread: bool = False) -> Prediction:
    """Return all columns for a network of the widths it has.

    Gradients are those of wide layers for (leaky) ReLU, where these are exact, and for weights that are not normal.

    With ``spread`` also `SPREAD`, and for (leaky) ReLU ``sd_grad_s`` (see `gradient_spread`).
    Relative errors are what coarser points change, layer by layer. Raises
    `InputError` for what the theory does not cover: layers without weights, or narrower than `LEAST_WIDTH` units where
    the angle alone is not enough.
    """
    (wide,) = wide_predictions([network])
    slope = _slope(network)
    closed = () if slope is not None else (_CLOSED,) if network.weight_law == NORMAL else (_CLOSED, _KURTOSIS)
    if closed:
        _check(network)
    columns: dict[str, Bounded] = {}
    if not wide.exact["var_s"]:
        columns["var_s"] = _moment(1, network, 1)
    total, total_error = columns.get("var_s", (wide.columns["var_s"], np.zeros(network.d + 1)))
    if closed or _carries(network):
        columns["var_z"] = _after_activation(network, total, total_error)
    columns |= _over_samples(network, slope, total, total_error)
    if network.weight_law == NORMAL and slopes(network.activation) is None and not network.activation.jumps:
        columns |= _gradients(network)
    if spread:
        columns |= _spreads(network) if slope is None else _exact_spreads(network, slope, total)
    exact = ("m2", "v2", "rho", *SPREAD) if slope is not None else ()
    gradient = gradient_spread(network, wide.columns["var_grad_s"]) if spread else None
    if gradient is not None:
        columns["sd_grad_s"] = gradient, wide.relative_error["var_grad_s"]
        exact = (*exact, "sd_grad_s")
    own = {name: () if name in exact else (_CLOSED,) if name == "var_z" and not closed else closed for name in columns}
    for values, _ in columns.values():
        values.setflags(write=False)
    return replace(
        wide,
        theory="finite",
        columns={**wide.columns, **{name: value for name, (value, _) in columns.items()}},
        approximations={**wide.approximations, **own},
        theorems={**wide.theorems, **{name: _THEOREMS.get(name, ()) if name in exact else () for name in columns}},
        relative_error={**wide.relative_error, **{name: error for name, (_, error) in columns.items()}},
    )


def log_lengths(network: Network) -> tuple[Floats, Floats]:
    """Return the mean and the variance over networks and inputs of the log of |s|²/n, of as many units as one likes.

    The law of a pre-activation is a mixture of normal ones of these variances (theorem `log-norm-law`). An input that
    is fixed has the length of one of signs: ``input_law="rademacher"``.
    """
    _check(network)
    found = _carried(1, network, 0, 0)
    return found.log_mean, found.log_variance


def _over_samples(network: Network, slope: float | None, total: Floats, total_error: Floats) -> dict[str, Bounded]:
    """Return m2, v2 and rho. What is missing of the total is the mean of products, which is derived to be 0 for odd f.

    Two independent inputs are as likely with one of them turned round, and so is f if it is odd.
    """
    if slope is not None:
        share = fluctuating_share(slope, network.widths[:-1])
        v2, error = total * share.value, _relative(share.error, share.value)
    elif network.activation.is_odd and not any(network.bias_variance):
        v2, error = total.copy(), total_error
    else:
        v2, error = _moment(2, network, 1)
    m2 = np.where(v2 == total, 0.0, total - v2)
    rho = np.divide(m2, total, out=np.zeros_like(total), where=total > 0)
    absolute = v2 * error + total * total_error * (slope is None)
    wrong = _relative(np.where(m2 == 0, 0.0, absolute), np.abs(m2))
    return {"m2": (m2, wrong), "v2": (v2, error), "rho": (rho, wrong + np.where(m2 == 0, 0, total_error))}


def _after_activation(network: Network, q: Floats, error: Floats) -> Bounded:
    """Return Var[z]: what a layer's weights make of E z², taken back, less the squared mean."""
    fine, coarse = (_carried(1, network, 1, number).value[:-1] ** 2 for number in (0, 1))
    second = (q[1:] - np.array(network.bias_variance[1:])) / np.array(network.gain[1:])
    value = second - fine
    absolute = error[1:] * q[1:] / np.array(network.gain[1:]) + np.abs(fine - coarse)
    return np.append(network.input_variance, value), np.append(0.0, _relative(absolute, np.abs(value)))


def _gradients(network: Network) -> dict[str, Bounded]:
    """Return the mean squared gradients, which the law of one sample's length is enough for."""
    fine, coarse = (_guarded(network, partial(gradients, network, sizes)) for sizes in SIZES[1])
    found = {}
    for name, value, other in (
        ("var_grad_s", fine.of_units, coarse.of_units),
        ("var_grad_w", fine.of_weights, coarse.of_weights),
    ):
        scale = network.gradient_variance
        found[name] = scale * value, _SAFETY * _relative(np.abs(value - other), value)
    return found


def _spreads(network: Network) -> dict[str, Bounded]:
    """Return the standard deviations from second moments, of lengths and distances."""
    found = {}
    for name, samples in zip(SPREAD, (1, 2), strict=True):
        by = []
        for number in (0, 1):
            first, second = (_carried(samples, network, power, number).moment for power in (1, 2))
            by.append(np.sqrt(np.maximum(second - first**2, 0)))
        found[name] = by[0], _accumulated(*by)
    return found


def _exact_spreads(network: Network, slope: float, total: Floats) -> dict[str, Bounded]:
    """Return the same, by a theorem and by the operators of products of two samples' Gram matrix."""
    away = fluctuating_spread(slope, network.widths[:-1])
    values = length_spread(network, slope, total), total * away.value
    return dict(
        zip(SPREAD, zip(values, (np.zeros(len(total)), _relative(away.error, away.value)), strict=True), strict=True)
    )


def _moment(samples: int, network: Network, power: int) -> Bounded:
    """Return E[size^power] of layers; the law of two samples is closed to order 1/n, and an error of 1/n² is left."""
    fine, coarse = (_carried(samples, network, power, number).moment for number in (0, 1))
    left = np.zeros(len(fine))
    if samples == 2:
        left[1:] = _LEFT / np.square(np.array(network.widths[1:-1], float))
    return fine.copy(), _accumulated(fine, coarse) + np.cumsum(left)


def _accumulated(fine: Floats, coarse: Floats) -> Floats:
    """Return the sum over layers of what coarser points change in a layer's factor, and half as much again."""
    ratio = np.log(np.maximum(fine, _TINY)) - np.log(np.maximum(coarse, _TINY))
    return _SAFETY * np.cumsum(np.abs(np.diff(ratio, prepend=0.0)))


@lru_cache(maxsize=256)
def _carried(samples: int, network: Network, power: int, number: int) -> Carried:
    """Return what is carried of one sample or two, kept once made: ``number`` 0 is the finer one."""
    of = ONE if samples == 1 else TWO
    found = _guarded(network, partial(carried, of, network, power, SIZES[of.variables][number]))
    if not np.isfinite(found.moment).all():
        raise _too_long(network)
    return found


def _guarded(network: Network, made: Callable[[], Made]) -> Made:
    """Return what is made of a network's law, with one clear error where its tails are too long for points."""
    try:
        with np.errstate(all="ignore"):
            return made()
    except (np.linalg.LinAlgError, ValueError, RuntimeError) as error:
        raise _too_long(network) from error


def _too_long(network: Network) -> InputError:
    return InputError(f"theory 'finite' has no numbers for {network!r}: its law has too long tails")


def _relative(error: Floats, value: Floats) -> Floats:
    return np.divide(error, value, out=np.zeros_like(value), where=(value != 0) & (error != 0))


def _carries(network: Network) -> bool:
    return _all_drawn(network) and min(network.widths[:-1]) >= LEAST_WIDTH


def _all_drawn(network: Network) -> bool:
    return all(network.gain) and network.input_variance > 0


def _check(network: Network) -> None:
    if not _all_drawn(network):
        raise InputError(f"weight_variance must be positive in all layers for theory 'finite', got {network!r}")
    if min(network.widths[:-1]) < LEAST_WIDTH:
        raise InputError(
            f"widths must be at least {LEAST_WIDTH} for theory 'finite' with activation {network.activation}, "
            f"{network.weight_law} weights and bias_variance {max(network.bias_variance)}, got {network.widths}"
        )


def _slope(network: Network) -> float | None:
    """Return the slope of one side over that of the other, the larger one in size, where the angle is enough."""
    found = slopes(network.activation)
    if any(network.bias_variance) or found is None or not any(found):
        return None
    if (network.weight_law, network.input_law) != (NORMAL, NORMAL):
        return None
    small, large = sorted(found, key=abs)
    return small / large
