"""`map_kernel`: a map of any activation as a kernel with a certificate."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy import Symbol

from derive.activations import Activation
from derive.errors import InputError
from numerics.kernels.map_methods import MapMethods
from numerics.kernels.sample_variance import DOMAIN, NAMES, SampleVarianceStep
from numerics.maps.definitions import ARGUMENTS, STEP, map_name
from numerics.maps.values import named, variance
from numerics.programs.callable import Kernel
from numerics.programs.certificate import Certificate
from numerics.programs.straight_line import Builder, Program

METHODS = ("auto", "closed form", "quadrature")
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
    made = _made(named(activation), full, _domain(domain), _method(method), backend)
    defaults = _defaults(full, weight_variance, bias_variance)
    return made.with_defaults(defaults) if defaults else made


def step_of(
    activation: Activation, gain: float, bias_variance: float, backend: str, domain: Any, method: str
) -> SampleVarianceStep:
    """Return the step of any activation, for a gain and a bias variance that are fixed."""
    return _step(activation, gain, bias_variance, backend, _domain(domain), _method(method))


@lru_cache(maxsize=64)
def _step(
    activation: Activation, gain: float, bias_variance: float, backend: str, domain: tuple[float, float], method: str
) -> SampleVarianceStep:
    made = _made(activation, STEP, domain, method, backend)
    program = _fixed(made.program, {"sigma_w2_": gain, "sigma_b2_": bias_variance})
    given = {f.name: getattr(made, f.name) for f in fields(Kernel)}
    stated = f"sigma_w2 = {gain!r}, sigma_b2 = {bias_variance!r}"
    given |= {
        "program": program,
        "arguments": NAMES,
        "about": replace(made.about, formula=(*made.about.formula, stated)),
        "measured": lambda step: _of_step(made, step),
    }
    return SampleVarianceStep(
        **given, activation=activation, gain=gain, bias_variance=bias_variance, full_program=_with_correlation(program)
    )


def _of_step(made: Kernel, step: Kernel) -> Certificate:
    """The certificate of a step is that of its map at any gain and bias."""
    return replace(made.certificate, kernel=step.program.fingerprint)


def _fixed(program: Program, values: dict[str, float]) -> Program:
    """The program with some arguments made constants."""
    kept = tuple(a for a in program.arguments if a.name not in values)
    constants = tuple((a, values[a.name]) for a in program.arguments if a.name in values)
    domain = tuple(r for r in program.domain if r.value.free_symbols <= set(kept))
    swap = {a: Symbol(a.name[:-1]) for a in kept}
    return replace(
        program,
        arguments=tuple(swap.values()),
        constants=(*program.constants, *constants),
        assignments=tuple(replace(line, value=line.value.xreplace(swap)) for line in program.assignments),
        domain=tuple(replace(r, value=r.value.xreplace(swap)) for r in domain),
    )


def _with_correlation(program: Program) -> Program:
    """(m'^2, v'^2) and what follows: the correlation rho' = m'^2/(m'^2 + v'^2), and 1 - rho' = v'^2/(m'^2 + v'^2)."""
    builder = Builder(program.arguments)
    builder.include(program)
    total = builder.let("total_next", sum(program.outputs, sp.S.Zero))
    shares = [builder.let(f"share_{n}", x / total) for n, x in enumerate(program.outputs)]
    return builder.program(*program.outputs, *shares, domain=program.domain, helpers=program.helpers)


def _method(method: str) -> str:
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    return method


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


def _domain(domain: Any) -> tuple[float, float]:
    try:
        low, high = (float(x) for x in domain)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (0 < low < high < math.inf):
        raise InputError(f"domain must be two increasing positive variances, got {domain!r}")
    return low, high


@lru_cache(maxsize=128)
def _made(activation: Activation, name: str, domain: tuple[float, float], method: str, backend: str) -> Kernel:
    return MapMethods(activation, name, domain, backend).chosen(method)
