"""From layer to layer, for many networks at once, with the error that each number inherits.

A step is run at the state and at states that are a little larger in one number each: their differences are its
derivatives, by which the errors of one layer reach the next (to first order in the errors).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.rules.wide import M, Q, V
from numerics.curves.columns import EPS, Column
from numerics.curves.expectations import Expectations, Numbers, Step

Floats = NDArray[np.float64]

_LOOK = 8  # how often it is looked whether all networks rest
_AT_ONCE = 2000
"""States whose errors are computed together: what the expectations need for so many fits into the cache."""
_MORE = 2.0**-20
"""By how much a number is made larger, in proportion."""


def bounded(step: Step, of: Expectations, symbol: Any, q: Column, *arguments: Any) -> Column:
    """Return a step's values at variances of all layers, with the errors that the variances bring in."""
    states = np.stack([q.value, q.value * (1 + _MORE)])
    value, error = step(of, {symbol: states}, *arguments)
    own, reach = _relative(error[0], value[0]), _elasticity(value[1], value[0])
    return Column(value[0], own + _inherited(reach, q.error))


def lengths(step: Step, of: Expectations, gains: Floats, biases: Floats, start: Floats) -> Column:
    """Return q by layer, one step of the length map after the other; gains and biases are (networks, layers)."""

    def run(state: Floats, gain: Floats, bias: Floats) -> Numbers:
        return _stacked(step(of, {Q: state[0]}, gain, bias))

    (q,) = _through(run, gains, biases, np.array([start]), exact=(False,))
    return q


def over_samples(
    steps: tuple[Step, Step], of: Expectations, gains: Floats, biases: Floats, start: Floats
) -> dict[str, Column]:
    """Return m2, v2 and rho by layer, one step of the mean's and the fluctuation's map after the other."""
    mean, fluctuation = steps

    def run(state: Floats, gain: Floats, bias: Floats) -> Numbers:
        at = {M: state[0], V: state[1]}
        return _stacked(mean(of, at, gain, bias), fluctuation(of, at, gain))

    m2, v2 = _through(run, gains, biases, np.array([biases[:, 0], start]), exact=(True, False))
    total = m2.value + v2.value
    rho, apart = (
        np.divide(part, total, out=np.full_like(total, np.nan), where=total > 0) for part in (m2.value, v2.value)
    )
    wrong = np.where(rho == 0, 0.0, apart * (m2.error + v2.error) + 2 * EPS)
    return {"m2": m2, "v2": v2, "rho": Column(rho, wrong)}


def _stacked(*found: Numbers) -> Numbers:
    values, errors = zip(*found, strict=True)
    return np.array(values), np.array(errors)


def _through(
    run: Callable[[Floats, Floats, Floats], Numbers],
    gains: Floats,
    biases: Floats,
    start: Floats,
    *,
    exact: Sequence[bool],
) -> list[Column]:
    """Run all layers from a start of shape (numbers, networks), and let the errors follow.

    ``run`` takes states of shape (numbers, ...), gains and biases, and returns the next states and their absolute
    errors. Where all networks rest at a fixed point the layer before is copied. Errors and derivatives, which no later
    layer's value needs, are computed for many layers at once.
    """
    numbers, networks = start.shape
    base = np.empty((gains.shape[1], numbers, networks))
    base[0] = start
    changes = np.flatnonzero(((np.diff(gains) != 0) | (np.diff(biases) != 0)).any(axis=0)) + 1
    like = np.arange(len(base))
    layer = 1
    while layer < len(base):
        base[layer] = run(base[layer - 1], gains[:, layer], biases[:, layer])[0]
        layer += 1
        if layer % _LOOK == 0 and _rest(base[layer - 2], base[layer - 1]):
            later = changes[changes >= layer]
            until = int(later[0]) if len(later) else len(base)
            base[layer:until], like[layer:until] = base[layer - 1], layer - 1
            layer = until
    errors, reach = _around(run, gains, biases, base, like)
    # A copied layer may be off by the rounding that it rests to.
    own = _relative(errors, base) + np.where(errors > 0, 2 * EPS, 0.0)
    own[0] = np.where(exact, 0.0, EPS)[:, None]
    for layer in range(1, len(base)):
        own[layer] += _inherited(reach[layer], own[layer - 1]).sum(axis=1)
    return [Column(base[:, k].T.copy(), own[:, k].T.copy()) for k in range(numbers)]


def _around(
    run: Callable[[Floats, Floats, Floats], Numbers],
    gains: Floats,
    biases: Floats,
    base: Floats,
    like: NDArray[np.intp],
) -> tuple[Floats, Floats]:
    """Return the errors of all layers' numbers, and how each depends on the numbers before it.

    Of shapes (layers, numbers, networks) and (layers, numbers, numbers, networks); ``like`` says of which layer each is
    a copy.
    """
    layers, numbers, networks = base.shape
    errors, reach = np.zeros(base.shape), np.zeros((layers, numbers, numbers, networks))
    # One state as it is, and one for each number that is a little larger.
    larger = np.ones((numbers, 1, 1 + numbers, 1))
    larger[np.arange(numbers), 0, 1 + np.arange(numbers)] += _MORE
    todo = np.unique(like[1:])
    for part in np.array_split(todo, 1 + todo.size * networks // _AT_ONCE):
        state = np.moveaxis(base[part - 1], 1, 0)[:, :, None]
        values, wrong = run(state * larger, gains.T[part, None], biases.T[part, None])
        errors[part] = np.moveaxis(wrong[:, :, 0], 0, 1)
        reach[part] = np.moveaxis(_elasticity(values[:, :, 1:], values[:, :, :1]), 0, 1)
    return errors[like], reach[like]


def _rest(before: Floats, now: Floats) -> bool:
    return bool((np.abs(now - before) <= 2e-16 * np.abs(now)).all())


def _relative(error: Floats, value: Floats) -> Floats:
    return np.where(error == 0, 0.0, error / np.abs(value))


def _elasticity(larger: Floats, value: Floats) -> Floats:
    """Return d log f/d log x from values at x and at (1 + `_MORE`) x."""
    return np.where(larger == value, 0.0, np.abs(larger - value) / (_MORE * np.abs(value)))


def _inherited(elasticity: Floats, error: Floats) -> Floats:
    return np.where(error == 0, 0.0, elasticity * error)
