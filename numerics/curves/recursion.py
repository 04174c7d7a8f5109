"""From layer to layer, for many networks at once, with the error that each number inherits.

A step is run at the state and at states that are a little larger in one number each: their differences are its
derivatives, by which the errors of one layer reach the next (to first order in the errors).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.rules.wide import M, Q, V
from numerics.curves.columns import EPS, Column
from numerics.curves.expectations import Expectations, Step

Floats = NDArray[np.float64]

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
    q, wrong = np.empty((2, *gains.shape))
    q[:, 0], wrong[:, 0] = start, EPS
    larger = np.array([[1.0], [1 + _MORE]])
    for layer in range(1, gains.shape[1]):
        if _settled(layer, gains, biases, q, wrong):
            continue
        value, error = step(of, {Q: q[:, layer - 1] * larger}, gains[:, layer], biases[:, layer])
        q[:, layer] = value[0]
        reach = _elasticity(value[1], value[0])
        wrong[:, layer] = _relative(error[0], value[0]) + _inherited(reach, wrong[:, layer - 1])
    return Column(q, wrong)


def over_samples(
    steps: tuple[Step, Step], of: Expectations, gains: Floats, biases: Floats, start: Floats
) -> dict[str, Column]:
    """Return m2, v2 and rho by layer, one step of the mean's and the fluctuation's map after the other."""
    mean, fluctuation = steps
    m2, v2, m_wrong, v_wrong = np.empty((4, *gains.shape))
    m2[:, 0], v2[:, 0], m_wrong[:, 0], v_wrong[:, 0] = biases[:, 0], start, 0.0, EPS
    more_m, more_v = np.array([[1.0], [1 + _MORE], [1.0]]), np.array([[1.0], [1.0], [1 + _MORE]])
    for layer in range(1, gains.shape[1]):
        if _settled(layer, gains, biases, m2, m_wrong, v2, v_wrong):
            continue
        at = {M: m2[:, layer - 1] * more_m, V: v2[:, layer - 1] * more_v}
        before = m_wrong[:, layer - 1], v_wrong[:, layer - 1]
        for column, wrong, (value, error) in (
            (m2, m_wrong, mean(of, at, gains[:, layer], biases[:, layer])),
            (v2, v_wrong, fluctuation(of, at, gains[:, layer])),
        ):
            column[:, layer] = value[0]
            reach = (_inherited(_elasticity(value[k], value[0]), before[k - 1]) for k in (1, 2))
            wrong[:, layer] = _relative(error[0], value[0]) + sum(reach)
    total = m2 + v2
    rho = np.divide(m2, total, out=np.full_like(total, np.nan), where=total > 0)
    apart = np.divide(v2, total, out=np.zeros_like(total), where=total > 0)
    rho_wrong = np.where(rho == 0, 0.0, apart * (m_wrong + v_wrong) + 2 * EPS)
    return {"m2": Column(m2, m_wrong), "v2": Column(v2, v_wrong), "rho": Column(rho, rho_wrong)}


def _settled(layer: int, gains: Floats, biases: Floats, *columns: Floats) -> bool:
    """Copy the layer before where two layers agree to rounding: at a fixed point nothing is left to compute."""
    if layer < 2 or not all((side[:, layer] == side[:, layer - 1]).all() for side in (gains, biases)):
        return False
    for column in columns[::2]:
        if not (np.abs(column[:, layer - 1] - column[:, layer - 2]) <= 2e-16 * np.abs(column[:, layer - 1])).all():
            return False
    for column, wrong in zip(columns[::2], columns[1::2], strict=True):
        column[:, layer] = column[:, layer - 1]
        # Errors go on growing, by less than at the layer before.
        growth = np.maximum(wrong[:, layer - 1] - wrong[:, layer - 2], 0.0)
        wrong[:, layer] = wrong[:, layer - 1] + growth + np.where(wrong[:, layer - 1] > 0, EPS, 0.0)
    return True


def _relative(error: Floats, value: Floats) -> Floats:
    return np.where(error == 0, 0.0, error / np.abs(value))


def _elasticity(larger: Floats, value: Floats) -> Floats:
    """Return d log f/d log x from values at x and at (1 + `_MORE`) x."""
    return np.where(larger == value, 0.0, np.abs(larger - value) / (_MORE * np.abs(value)))


def _inherited(elasticity: Floats, error: Floats) -> Floats:
    return np.where(error == 0, 0.0, elasticity * error)
