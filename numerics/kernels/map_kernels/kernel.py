"""`map_kernel`: a map of any activation as a NumPy function with a certificate, and as a file that stands alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import math
import os
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from derive.activations import Activation
from derive.errors import InputError
from derive.gaussian import NoClosedForm
from derive.maps import Maps
from numerics.files import write_atomic
from numerics.kernels.map_kernels.arguments import (
    ARGUMENTS,
    MEANING,
    OVER_SAMPLES,
    STEP,
    Defaults,
    map_name,
    parameters,
)
from numerics.kernels.map_kernels.certificate import MapCertificate, certify_map
from numerics.kernels.map_kernels.closed import block_source, closed_program, closed_source, step_map_program
from numerics.kernels.map_kernels.code import harmless
from numerics.kernels.map_kernels.quadrature import quadrature_source
from numerics.kernels.numpy_code import UnsupportedExpressionError, numpy_code
from numerics.kernels.program import Program
from numerics.maps.values import named, variance

METHODS = ("auto", "closed form", "quadrature")
DOMAIN = (1e-3, 1e2)
"""Variances of a pre-activation for which a kernel is made and measured, unless told otherwise."""


@dataclass(frozen=True, eq=False)
class MapKernel:
    """A map of one activation as a function of arrays, made by `map_kernel`.

    ``source`` is the module that runs, which needs NumPy alone (and SciPy where the activation does); ``code`` is what
    in it belongs to this map; ``method`` is ``"closed form"``, ``"certified step"`` or ``"quadrature"``; ``note`` says
    why there is no closed form, or why it was not taken. ``domain`` holds the smallest and the largest variance of a
    pre-activation: a quadrature refuses others, a closed form is measured in it.
    """

    name: str
    activation: Activation
    domain: tuple[float, float]
    method: str
    source: str = field(repr=False)
    code: str = field(repr=False)
    note: str = ""
    program: Program | None = field(default=None, repr=False)
    defaults: Defaults = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments, in the order of the call."""
        return ARGUMENTS[self.name]

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:16]

    @property
    def __signature__(self) -> inspect.Signature:
        given, kind = dict(self.defaults), inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [inspect.Parameter(a, kind, default=given.get(a, inspect.Parameter.empty)) for a in self.arguments]
        )

    @cached_property
    def _function(self) -> Any:
        # Printed from SymPy trees and numbers by this package; no text of a user is in it.
        namespace: dict[str, Any] = {"__name__": f"varprop_{self.name}"}
        exec(compile(self.source, f"<varprop {self.name}>", "exec"), namespace)
        return namespace[self.name]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Evaluate on numbers or arrays that broadcast; numbers give floats, `sample_variance_step` a pair.

        Raises TypeError for missing or non-numeric arguments, and ValueError for a negative variance or a correlation
        outside of [-1, 1]; a quadrature also for a variance outside of its domain.
        """
        self.__signature__.bind(*args, **named)
        return self._function(*args, **named)

    @cached_property
    def certificate(self) -> MapCertificate:
        """The measured accuracy of this very code (some seconds on first access)."""
        maps = _maps(self.activation)
        return certify_map(self, maps, self.name, self.domain, kernel=self.fingerprint, method=self.method)

    def with_defaults(self, defaults: Defaults) -> MapKernel:
        """Return the same kernel with default values of its last arguments."""
        old = f"def {self.name}({parameters(self.name, self.defaults)}"
        new = f"def {self.name}({parameters(self.name, defaults)}"
        source, code = (text.replace(old, new) for text in (self.source, self.code))
        return replace(self, source=source, code=code, defaults=defaults)

    def header(self) -> str:
        """What stands on top of an exported file: the map, its accuracy and its origin."""
        try:
            version = importlib.metadata.version("varprop")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        lines = [
            f"{self.name}({', '.join(self.arguments)}) of the activation {harmless(str(self.activation))}:",
            f"{harmless(MEANING[self.name])}.",
            "",
            f"f(s) = {harmless(str(self.activation.expression))}",
            f"Method: {self.method}." + (f" {harmless(self.note)}" if self.note else ""),
            "",
            self.certificate.text(),
            "",
            f"Generated by varprop {version}.",
        ]
        return "\n".join(lines) + "\n"

    def module(self) -> str:
        """The text of the Python module, with its header."""
        return f'r"""{self.header()}"""\n\n{self.source}'

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a module that needs neither SymPy nor varprop to ``path``: ``.py``, or ``.c`` for a closed form.

        The file is written whole or not at all. Raises `InputError` for another suffix, for C without a closed form in
        functions that C has, and when the place cannot be written.
        """
        from numerics.kernels.map_kernels.c_code import c_module

        path = Path(path)
        if path.suffix not in (".py", ".c"):
            raise InputError(f"path must end in .py or .c, got {str(path)!r}")
        write_atomic(path, self.module() if path.suffix == ".py" else c_module(self))
        return path


def map_kernel(
    activation: str | Activation,
    name: str,
    *,
    domain: tuple[float, float] = DOMAIN,
    method: str = "auto",
    weight_variance: float | None = None,
    bias_variance: float | None = None,
) -> MapKernel:
    """Return a map of an activation as a NumPy function, with its certificate and its source.

    Args:
        activation: a name or expression for `derive.activations.activation`, or an `Activation`.
        name: a map of `derive.maps.MAPS`, with hyphens or underscores, or ``sample-variance``: the step
            (m², v²) -> (σ_w² K + σ_b², σ_w² E_mu[Var_nu f]).
        domain: the smallest and the largest variance of a pre-activation.
        method: ``"auto"`` takes the derived closed form unless it loses digits in the domain and quadrature loses
            fewer; over samples it takes the certified step of (leaky) ReLU and otherwise quadrature, neither of which
            cancels. ``"closed form"`` and ``"quadrature"`` insist.
        weight_variance: the default value of the argument ``sigma_w2`` (the weight variance times the fan-in).
        bias_variance: the default value of the argument ``sigma_b2``.

    Raises:
        InputError: for an unknown map or method, an activation with free parameters, a domain that is none, and where
            the method asked for cannot be had (with the reason).

    >>> length = map_kernel("relu", "length-map")
    >>> length(3.0, 2.0, 0.5), length.method
    (3.5, 'closed form')
    >>> map_kernel("tanh", "length-map", domain=(0.5, 2.0)).method
    'quadrature'

    """
    made = named(activation)
    low, high = _domain(domain)
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    full = map_name(name)
    return _made(made, full, (low, high), method, _defaults(full, weight_variance, bias_variance))


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


@lru_cache(maxsize=64)
def _maps(activation: Activation) -> Maps:
    return Maps(activation)


@lru_cache(maxsize=128)
def _made(activation: Activation, name: str, domain: tuple[float, float], method: str, defaults: Defaults) -> MapKernel:
    kernel = _chosen(activation, name, domain, method)
    return kernel if not defaults else kernel.with_defaults(defaults)


def _chosen(activation: Activation, name: str, domain: tuple[float, float], method: str) -> MapKernel:
    if method == "quadrature":
        return _by_quadrature(activation, name, domain, "")
    if method == "auto" and name in OVER_SAMPLES:
        return _without_cancellation(activation, name, domain)
    try:
        closed = _by_closed_form(activation, name, domain)
    except (NoClosedForm, UnsupportedExpressionError) as why:
        reason = why.reason if isinstance(why, NoClosedForm) else str(why)
        if method == "closed form":
            raise InputError(f"{name} of {activation} must have a closed form to be one, but {reason}") from None
        return _by_quadrature(activation, name, domain, f"No closed form: {reason}.")
    if method == "closed form" or not closed.certificate.cancels:
        return closed
    lost = closed.certificate.relative_error
    other = _by_quadrature(activation, name, domain, f"The closed form loses digits: its error reaches {lost:.1e}.")
    return other if other.certificate.relative_error < lost else closed


def _without_cancellation(activation: Activation, name: str, domain: tuple[float, float]) -> MapKernel:
    slope = _rectifier(activation)
    if slope is not None:
        program = step_map_program(name, slope)
        note = (
            "The closed form subtracts nearly equal numbers; the certified step of the recursion over samples does not."
        )
        return _of_program(activation, name, domain, program, "certified step", note)
    return _by_quadrature(activation, name, domain, "No nearly equal numbers are subtracted.")


def _rectifier(activation: Activation) -> float | None:
    """Return a of f(s) = s for s > 0 and a s for s < 0, or None for another activation."""
    if activation.homogeneity != 1:
        return None
    up, down = (side * activation.expression.subs(activation.symbol, side) for side in (1, -1))
    return float(down) if up == 1 and down.is_real else None


def _by_closed_form(activation: Activation, name: str, domain: tuple[float, float]) -> MapKernel:
    if name == STEP:
        raise NoClosedForm(
            "the step is two maps; ask for mean_square_map and sample_variance_map", activation.expression
        )
    program = closed_program(_maps(activation), name)
    return _of_program(activation, name, domain, program, "closed form", "")


def _of_program(
    activation: Activation, name: str, domain: tuple[float, float], program: Program, method: str, note: str
) -> MapKernel:
    code = numpy_code(program)
    source = closed_source(name, program, code)
    return MapKernel(name, activation, domain, method, source, block_source(name, code), note, program)


def _by_quadrature(activation: Activation, name: str, domain: tuple[float, float], note: str) -> MapKernel:
    source, own = quadrature_source(activation, name, domain)
    return MapKernel(name, activation, domain, "quadrature", source, own, note)
