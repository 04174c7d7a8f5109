"""`sample_variance_step`: one layer of the recursion of (m^2, v^2) for any activation, fast and accurate."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sympy import Add

from derive.activations import Activation
from derive.activations import activation as named
from derive.errors import InputError
from numerics.kernels.map_kernels import DOMAIN, checked_domain, made_by
from numerics.kernels.rectifier_programs import (
    Parameters,
    full_program,
    increment_program,
    rectifier_slope,
    step_program,
)
from numerics.kernels.rectifier_truth import truth
from numerics.maps import rectifier_theorem as theorem
from numerics.maps.definitions import STEP
from numerics.maps.numerical import checked_method
from numerics.programs import _runtime
from numerics.programs.callable import About, Kernel
from numerics.programs.certificate import SEED, Certificate, measure
from numerics.programs.straight_line import Builder, Program

NAMES = ("m2", "v2")
NAME = "sample_variance_step"


class SampleVariances(NamedTuple):
    """One layer's variances: of the mean over networks (m2), over samples (v2), and their correlations."""

    m2: Any
    v2: Any
    rho: Any
    one_minus_rho: Any


@dataclass(frozen=True, eq=False)
class SampleVarianceStep(Kernel):
    """The map (m^2, v^2) -> (m'^2, v'^2) of one layer, made by `sample_variance_step`; a `Kernel`.

    Attributes besides a kernel's: `activation`, `gain`, `bias_variance`, and for a rectifier its `slope`.
    """

    activation: Activation | None = None
    gain: float = 1.0
    bias_variance: float = 0.0
    full_program: Program | None = None
    parameters: Parameters | None = None

    @property
    def slope(self) -> float | None:
        """The slope a of phi(y) = y for y > 0 and a y for y < 0; None for an activation that is no rectifier."""
        return None if self.parameters is None else self.parameters.slope

    @cached_property
    def increments(self) -> Program | None:
        """(m^2, v^2) -> (m'^2 - m^2, v'^2 - v^2) without cancellation, where there is a program for it."""
        return None if self.parameters is None else increment_program(self.parameters)

    @cached_property
    def whole(self) -> Kernel:
        """The kernel of `full`."""
        assert self.full_program is not None  # `sample_variance_step` gives it
        return Kernel(self.full_program, NAMES, f"{self.name}_full", self.backend, single=False, about=self.about)

    def full(self, m2: Any, v2: Any, *, out: Any = None) -> SampleVariances:
        """(m'^2, v'^2, rho', 1 - rho') with rho = m^2/(m^2 + v^2), the correlation of two samples.

        1 - rho' is computed as itself, not by subtraction. Both are NaN where m'^2 = v'^2 = 0, since the
        correlation is undefined there. Arguments and errors as for the call.
        """
        return SampleVariances(*self.whole(m2, v2, out=out))

    @property
    def companions(self) -> tuple[Kernel, ...]:
        """The step and its full map."""
        return self, self.whole

    def __repr__(self) -> str:
        kind = f"slope {self.slope:g}" if self.slope is not None else str(self.activation)
        return f"<{NAME}: {kind}, gain {self.gain:g}, bias variance {self.bias_variance:g}, {self.backend}>"


def sample_variance_step(
    activation: str | Activation = "relu",
    gain: float = 2.0,
    bias_variance: float = 0.0,
    backend: str = "numpy",
    *,
    domain: tuple[float, float] = DOMAIN,
    method: str = "auto",
) -> SampleVarianceStep:
    """One layer of the sample-variance recursion: `m2, v2 = step(m2, v2)`, variances in and out.

    A pre-activation is y = mu + nu, mu ~ N(0, m^2) over networks, nu ~ N(0, v^2) over samples. In the wide limit

        m'^2 = gain E_mu[(E_nu f(mu + nu))^2] + bias_variance
        v'^2 = gain E_mu[Var_nu f(mu + nu)]

    For (leaky) ReLU, |y| and y, with T = v/sqrt(v^2 + 2 m^2) and h = atan T + (T - atan T)/T^2, that is

        v'^2 = gain/2 v^2 [(1 + a^2) - (1 - a)^2 h/pi]
        m'^2 = gain/2 [(1 + a^2) m^2 + (1 - a)^2 v^2 h/pi] + bias_variance

    evaluated without cancellation, to within 3 ulps over the whole range of floats; for others the derived form, where
    one without cancellation is certified on the domain, or a fixed quadrature rule (`step.certificate`).

    Args:
        activation: a name or expression for `derive.activations.activation`, or an `Activation`.
        gain: N Var[W], positive.
        bias_variance: Var[b].
        backend: `numpy`, or `numba` (extra `fast`) for what is not by quadrature.
        domain: the smallest and the largest m^2 + v^2, for what is no rectifier.
        method: as for `map_kernel`; a rectifier's step takes ``"auto"``.

    Raises ValueError for an unknown activation or backend and for a gain or bias variance out of range,
    ImportError when numba is missing.

    Source: derivation `sample-variance-stable`; Cho & Saul (2009), arc-cosine kernel of order 1.

    >>> step = sample_variance_step("relu")
    >>> step(0.0, 1.0)
    (0.3183098861837907, 0.6816901138162093)
    >>> from numerics.kernels import map_kernel
    >>> total = sum(sample_variance_step("tanh", gain=1.5)(0.2, 0.3))
    >>> round(total / map_kernel("tanh", "length-map")(0.5, 1.5, 0.0), 12)
    1.0

    """
    found = _named(activation)
    size = _number("gain", gain, positive=True), _number("bias_variance", bias_variance, positive=False)
    slope = rectifier_slope(found) if method == "auto" else None
    if slope is not None:
        return _rectifier(Parameters(slope, *size), found, backend)
    return _by_map(found, *size, backend, checked_domain(domain), checked_method(method))


@lru_cache(maxsize=64)
def _by_map(
    activation: Activation, gain: float, bias_variance: float, backend: str, domain: tuple[float, float], method: str
) -> SampleVarianceStep:
    """The map of any activation with its gain and bias variance fixed; its certificate is that at any of them."""
    made = made_by(activation, STEP, domain, method, backend)
    program = _fixed(made.program, {"sigma_w2_": gain, "sigma_b2_": bias_variance})
    given = {f.name: getattr(made, f.name) for f in fields(Kernel)}
    stated = f"sigma_w2 = {gain!r}, sigma_b2 = {bias_variance!r}"
    given |= {
        "program": program,
        "arguments": NAMES,
        "about": replace(made.about, formula=(*made.about.formula, stated)),
        "measured": lambda step: replace(made.certificate, kernel=step.program.fingerprint),
    }
    return SampleVarianceStep(
        **given, activation=activation, gain=gain, bias_variance=bias_variance, full_program=_with_correlation(program)
    )


def _fixed(program: Program, values: dict[str, float]) -> Program:
    """The program with some arguments made constants."""
    kept = tuple(a for a in program.arguments if a.name not in values)
    constants = tuple((a, values[a.name]) for a in program.arguments if a.name in values)
    domain = tuple(r for r in program.domain if r.value.free_symbols <= set(kept))
    return replace(program, arguments=kept, constants=(*program.constants, *constants), domain=domain)


def _with_correlation(program: Program) -> Program:
    """(m'^2, v'^2) and what follows: the correlation rho' = m'^2/(m'^2 + v'^2), and 1 - rho' = v'^2/(m'^2 + v'^2)."""
    builder = Builder(program.arguments)
    builder.include(program)
    total = builder.let("total_next", Add(*program.outputs))
    shares = [builder.let(f"share_{n}", x / total) for n, x in enumerate(program.outputs)]
    return builder.program(*program.outputs, *shares, domain=program.domain, helpers=program.helpers)


@lru_cache(maxsize=64)
def _rectifier(parameters: Parameters, activation: Activation, backend: str) -> SampleVarianceStep:
    symbols = theorem.slope, theorem.gain, theorem.bias_variance
    stated = zip(symbols, (parameters.slope, parameters.gain, parameters.bias_variance), strict=True)
    return SampleVarianceStep(
        step_program(parameters),
        NAMES,
        NAME,
        backend,
        single=False,
        about=About(
            title="One layer of the sample-variance recursion: (m^2, v^2) -> (m'^2, v'^2), variances in and out.",
            formula=theorem.formula(", ".join(f"{symbol} = {value!r}" for symbol, value in stated)),
            origin=theorem.ORIGIN,
            method="certified step",
        ),
        measured=certify,
        activation=activation,
        gain=parameters.gain,
        bias_variance=parameters.bias_variance,
        full_program=full_program(parameters),
        parameters=parameters,
    )


def certify(step: Kernel, *, points: int = 3000, searched: int = 300_000, rng: Any = SEED) -> Certificate:
    """Measure a rectifier's step against the definition: the edges, random points, and the worst of a wide search.

    A third of `points` are the worst of `searched` for some output, the others random, the edges always in.
    The same seed gives the same certificate. Raises ValueError unless 0 < points <= searched.
    """
    if not isinstance(step, SampleVarianceStep) or step.parameters is None:
        return step.certificate
    return measure(step, truth(step, step.parameters, rng), points=points, searched=searched)


def _named(activation: str | Activation) -> Activation:
    """The activation of a name, in whatever case and with hyphens or underscores."""
    if not isinstance(activation, str):
        return activation
    try:
        return named(activation)
    except InputError:
        with suppress(InputError):
            return named(activation.strip().lower().replace("_", "-"))
        raise


def _number(name: str, value: Any, *, positive: bool) -> float:
    if not _runtime.scalar(value):
        raise InputError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        rule = "positive and finite" if positive else "finite and not negative"
        raise InputError(f"{name} must be {rule}, got {number!r}")
    return number
