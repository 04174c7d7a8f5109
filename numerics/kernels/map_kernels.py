"""`map_kernel`: a map of any activation as a kernel with a certificate."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from derive.activations import Activation
from derive.errors import InputError
from numerics.kernels.map_methods import MapMethods
from numerics.maps.definitions import ARGUMENTS, map_name
from numerics.maps.numerical import checked_method
from numerics.maps.values import named, variance
from numerics.programs.callable import Kernel

DOMAIN = (1e-3, 1e2)
"""Variances for which a kernel by quadrature is made and measured, unless told otherwise."""

Defaults = tuple[tuple[str, float], ...]
"""Default values of a map's last arguments."""


def map_kernel(
    activation: str | Activation,
    name: str,
    *,
    domain: tuple[float, float] = DOMAIN,
    method: str = "auto",
    weight_variance: float | None = None,
    bias_variance: float | None = None,
    backend: str = "numpy",
) -> Kernel:
    """Return a map of an activation as a `Kernel`, with its certificate and its source.

    Args:
        activation: a name or expression for `derive.activations.activation`, or an `Activation`.
        name: a map of `derive.maps.MAPS`, with hyphens or underscores, or ``sample-variance``: the step
            (m², v²) -> (m'², v'²).
        domain: the smallest and the largest variance of a pre-activation: a quadrature refuses others, a closed form
            is measured in it.
        method: ``"auto"`` takes the derived closed form unless it loses digits in the domain and quadrature loses
            fewer; over samples it takes a derived form without cancellation where one is certified, or else
            quadrature, which does not cancel either. ``"closed form"`` and
            ``"quadrature"`` insist.
        weight_variance: the default value of the argument ``sigma_w2`` (the weight variance times the fan-in).
        bias_variance: the default value of the argument ``sigma_b2``.
        backend: ``numpy``, or ``numba`` (extra ``fast``) for what is not by quadrature.

    Raises:
        InputError: for an unknown map or method, an activation with free parameters, a domain that is none, and where
            the method asked for cannot be had (with the reason).

    >>> length = map_kernel("relu", "length-map")
    >>> length(3.0, 2.0, 0.5), length.method
    (3.5, 'closed form')
    >>> map_kernel("tanh", "length-map", domain=(0.5, 2.0)).method
    'quadrature'

    """
    full = map_name(name)
    made = made_by(named(activation), full, checked_domain(domain), checked_method(method), backend)
    defaults = _defaults(full, weight_variance, bias_variance)
    return made.with_defaults(defaults) if defaults else made


def _defaults(name: str, weight_variance: float | None, bias_variance: float | None) -> Defaults:
    found = []
    for title, argument, value in (
        ("weight_variance", "sigma_w2", weight_variance),
        ("bias_variance", "sigma_b2", bias_variance),
    ):
        if value is None:
            continue
        if argument not in ARGUMENTS[name]:
            raise InputError(f"{title} must not be given for {name}, which does not depend on it, got {value!r}")
        found.append((argument, variance(title, value)))
    if [argument for argument, _ in found] == ["sigma_w2"] and "sigma_b2" in ARGUMENTS[name]:
        # A parameter with a default cannot stand before one without.
        found.append(("sigma_b2", 0.0))
    return tuple(found)


def checked_domain(domain: Any) -> tuple[float, float]:
    """Return two increasing positive variances; raise `InputError` for anything else."""
    try:
        low, high = (float(x) for x in domain)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (0 < low < high < math.inf):
        raise InputError(f"domain must be two increasing positive variances, got {domain!r}")
    return low, high


@lru_cache(maxsize=128)
def made_by(activation: Activation, name: str, domain: tuple[float, float], method: str, backend: str) -> Kernel:
    """Return the kernel of a map, made once."""
    return MapMethods(activation, name, domain, backend).chosen(method)
