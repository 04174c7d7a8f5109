"""What happens to a column of a curve from layer to layer, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

_KEPT, _NEARLY, _STEADY, _SETTLED, _VANISHED = 1e-9, 0.05, 0.02, 1e-3, 1e-3
_SLOW = 0.01
"""A factor of a layer that is nearer to 1 is told in percent."""
_ONE_WAY = 0.7
"""Of the whole range, what the ends must be apart to speak of growth."""


def trends(columns: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a sentence each on the length, on what is left of it over samples, and on the gradient on its way back."""
    found: list[str] = []
    if len(next(iter(columns.values()))) < 2:
        return found
    length, gradient = ("q", "grad") if "q" in columns else ("var_s", "var_grad_s")
    found.append(f"Forward, {length} {trend(columns[length])}.")
    if "v2" in columns:
        found.append(f"Over samples, v2 {trend(columns['v2'])}; {_alike(columns['rho'])}.")
    found.append(f"Backward, {gradient} {trend(list(columns[gradient])[::-1])}.")
    return found


def trend(values: Sequence[float]) -> str:
    """Return what numbers that are not negative do, one after the other.

    >>> trend([1, 1, 1]), trend([1, 1.3, 1.69]), trend([1, 0.1, 0.01, 0.001])
    ('is kept', 'grows 1.3x a layer', 'vanishes, 0.1x a layer')
    >>> trend([1, 3, 0.5]), trend([2, 1.1, 1.0002, 1]), trend([1, 1.2, 1.6, 2.4, 2.4])
    ('goes up and down between 0.5 and 3', 'settles at 1', 'grows 1.24x a layer on average')
    """
    first, last = float(values[0]), float(values[-1])
    if not all(map(math.isfinite, values)):
        return "leaves the range of numbers"
    if min(values) <= 0:
        return "is zero" if max(values) <= 0 else "vanishes" if last <= 0 else f"rises from {first:.3g} to {last:.3g}"
    ratios = [b / a for a, b in pairwise(values)]
    spread = max(values) / min(values) - 1
    if spread <= _KEPT:
        return "is kept"
    there_and_back = abs(math.log(last / first)) < _ONE_WAY * math.log(spread + 1)
    if min(ratios) < 1 - _NEARLY and max(ratios) > 1 + _NEARLY and there_and_back:
        return f"goes up and down between {min(values):.3g} and {max(values):.3g}"
    if spread <= _NEARLY:
        return f"is nearly kept, within {100 * spread:.2g} %"
    steps = [abs(math.log(ratio)) for ratio in ratios]
    # A last layer that keeps what it gets, behind others that change it more and more, settles nothing.
    calmer = all(after <= before + _KEPT for before, after in pairwise(steps[-3:]))
    if abs(ratios[-1] - 1) < _SETTLED < abs(ratios[0] - 1) and calmer:
        return f"settles at {last:.3g}"
    mean = (last / first) ** (1 / len(ratios))
    average = "" if max(ratios) / min(ratios) < 1 + _STEADY else " on average"
    if abs(mean - 1) < _SLOW:
        word, layer = "grows" if mean > 1 else "shrinks", 100 * abs(mean - 1)
        return f"{word} {layer:.2g} % a layer{average}, {last / first:.3g}x in all"
    word = "grows" if mean > 1 else "vanishes," if last <= _VANISHED * (1 + _KEPT) * first else "shrinks"
    return f"{word} {mean:.3g}x a layer{average}"


def _alike(rho: Sequence[float]) -> str:
    first, last = float(rho[0]), float(rho[-1])
    if not (math.isfinite(first) and math.isfinite(last)):
        return "the correlation rho of two samples is not defined everywhere"
    if abs(last - first) <= _SETTLED:
        return f"the correlation rho of two samples stays {last:.3g}"
    word, why = ("rises", "they come to look alike") if last > first else ("falls", "they come apart")
    return f"the correlation rho of two samples {word} from {first:.3g} to {last:.3g}: {why}"
