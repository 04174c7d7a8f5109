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
from numerics.curves.expectations import Expectations, Step

Floats = NDArray[np.float64]

_LOOK = 8  # how often it is looked whether all networks rest
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
    larger = np.array([[1.0], [1 + _MORE]])

    def run(layer: int, state: Floats, values: Floats, errors: Floats) -> None:
        values[0], error = step(of, {Q: state[0] * larger}, gains[:, layer], biases[:, layer])
        errors[0] = error[0]

    (q,) = _through(run, gains, biases, np.array([start]), exact=(False,))
    return q


def over_samples(
    steps: tuple[Step, Step], of: Expectations, gains: Floats, biases: Floats, start: Floats
) -> dict[str, Column]:
    """Return m2, v2 and rho by layer, one step of the mean's and the fluctuation's map after the other."""
    mean, fluctuation = steps
    more_m, more_v = np.array([[1.0], [1 + _MORE], [1.0]]), np.array([[1.0], [1.0], [1 + _MORE]])

    def run(layer: int, state: Floats, values: Floats, errors: Floats) -> None:
        at = {M: state[0] * more_m, V: state[1] * more_v}
        values[0], m_error = mean(of, at, gains[:, layer], biases[:, layer])
        values[1], v_error = fluctuation(of, at, gains[:, layer])
        errors[0], errors[1] = m_error[0], v_error[0]

    m2, v2 = _through(run, gains, biases, np.array([biases[:, 0], start]), exact=(True, False))
    total = m2.value + v2.value
    rho, apart = (
        np.divide(part, total, out=np.full_like(total, np.nan), where=total > 0) for part in (m2.value, v2.value)
    )
    wrong = np.where(rho == 0, 0.0, apart * (m2.error + v2.error) + 2 * EPS)
    return {"m2": m2, "v2": v2, "rho": Column(rho, wrong)}


def _through(
    run: Callable[[int, Floats, Floats, Floats], None],
    gains: Floats,
    biases: Floats,
    start: Floats,
    *,
    exact: Sequence[bool],
) -> list[Column]:
    """Run all layers from a start of shape (numbers, networks), and let the errors follow.

    ``run`` takes a layer and the state before it, and writes the numbers at that state and at those with one number
    larger, (numbers, 1 + numbers, networks), and their absolute errors. Where all networks rest at a fixed point the
    layer before is copied.
    """
    numbers, networks = start.shape
    values = np.empty((gains.shape[1], numbers, 1 + numbers, networks))
    errors = np.zeros((gains.shape[1], numbers, networks))
    values[0] = start[:, None]
    changes = np.flatnonzero(((np.diff(gains) != 0) | (np.diff(biases) != 0)).any(axis=0)) + 1
    layer = 1
    while layer < len(values):
        run(layer, values[layer - 1, :, 0], values[layer], errors[layer])
        layer += 1
        if layer % _LOOK == 0 and _rest(values[layer - 2, :, 0], values[layer - 1, :, 0]):
            later = changes[changes >= layer]
            until = int(later[0]) if len(later) else len(values)
            values[layer:until], errors[layer:until] = values[layer - 1], errors[layer - 1]
            layer = until
    base = values[:, :, 0]
    # A copied layer may be off by the rounding that it rests to.
    own = _relative(errors, base) + np.where(errors > 0, 2 * EPS, 0.0)
    own[0] = np.where(exact, 0.0, EPS)[:, None]
    reach = _elasticity(values[:, :, 1:], base[:, :, None])
    for layer in range(1, len(values)):
        own[layer] += _inherited(reach[layer], own[layer - 1]).sum(axis=1)
    return [Column(base[:, k].T.copy(), own[:, k].T.copy()) for k in range(numbers)]


def _rest(before: Floats, now: Floats) -> bool:
    return bool((np.abs(now - before) <= 2e-16 * np.abs(now)).all())


def _relative(error: Floats, value: Floats) -> Floats:
    return np.where(error == 0, 0.0, error / np.abs(value))


def _elasticity(larger: Floats, value: Floats) -> Floats:
    """Return d log f/d log x from values at x and at (1 + `_MORE`) x."""
    return np.where(larger == value, 0.0, np.abs(larger - value) / (_MORE * np.abs(value)))


def _inherited(elasticity: Floats, error: Floats) -> Floats:
    return np.where(error == 0, 0.0, elasticity * error)
