"""`map_kernel`: a map of any activation as a kernel with a certificate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derive.activations import Activation
from derive.errors import InputError
from derive.gaussian import NoClosedForm
from derive.gaussian.functions import BivariateNormalCDF
from derive.maps import Maps
from numerics.kernels import quadrature
from numerics.kernels.callable import About, Kernel
from numerics.kernels.certificate import Certificate, measure
from numerics.kernels.definitions import (
    ARGUMENTS,
    MEANING,
    OVER_SAMPLES,
    PAIRS,
    PARTS,
    STEP,
    arguments,
    definition,
    expressions,
    in_arguments,
    map_name,
    shares,
)
from numerics.kernels.map_truth import POINTS, truth
from numerics.kernels.printers import UnsupportedExpressionError
from numerics.kernels.program import Builder, Program, Range, from_expressions, plain, renaming
from numerics.kernels.rectifier_programs import Parameters, rectifier_slope, step_program
from numerics.kernels.sample_variance import DOMAIN, NAMES, SampleVarianceStep
from numerics.maps.values import named, variance

METHODS = ("auto", "closed form", "quadrature")
SLACK = 1e-12  # what rounding may have added to a correlation of 1, or to an end of the domain
GOOD = 1e-14
"""With a larger error a form without cancellation gives way to quadrature."""
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
            fewer; over samples it takes the certified step of (leaky) ReLU, a derived form without cancellation where
            one is certified, or else quadrature, which does not cancel either. ``"closed form"`` and
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
    given |= {"program": program, "arguments": NAMES, "measured": lambda step: _of_step(made, step)}
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


class _Maker:
    """Makes the kernels of one map of one activation, one method after another."""

    def __init__(self, activation: Activation, name: str, domain: tuple[float, float], backend: str) -> None:
        self.activation, self.name, self.domain, self.backend = activation, name, domain, backend
        self.maps = _maps(activation)
        try:
            self.whole = expressions(self.maps, name)
        except NoClosedForm as why:
            raise InputError(f"{name} of {activation} is infinite: {why.reason}") from None
        self.definition = definition(activation, self.whole)

    def chosen(self, method: str) -> Kernel:
        """Return the kernel of the method asked for, or what loses no digits."""
        if method == "quadrature":
            return self.by_quadrature("")
        if method == "auto" and self.name in OVER_SAMPLES:
            slope = rectifier_slope(self.activation)
            if slope is not None:
                return self.by_step(slope)
            form = self.by_forms()
            if form is not None and form.certificate.holds(GOOD):
                return form
            return self.by_quadrature("No nearly equal numbers are subtracted.")
        try:
            closed = self.by_closed_form()
        except (NoClosedForm, UnsupportedExpressionError) as why:
            reason = why.reason if isinstance(why, NoClosedForm) else str(why)
            if method == "closed form":
                raise InputError(
                    f"{self.name} of {self.activation} must have a closed form to be one, but {reason}"
                ) from None
            return self.by_quadrature(f"No closed form: {reason}.")
        if method == "closed form" or closed.certificate.holds():
            return closed
        lost = closed.certificate.error
        other = self.by_quadrature(f"The closed form loses digits: its error reaches {lost:.1e}.")
        return other if other.certificate.error < lost else closed

    def by_closed_form(self) -> Kernel:
        """The results of the theorems, as they stand."""
        found = [
            in_arguments(self.name, getattr(self.maps, part).result) for part in PARTS.get(self.name, (self.name,))
        ]
        if any(e.has(BivariateNormalCDF) for e in found):
            raise UnsupportedExpressionError(
                "the derived form holds the bivariate normal distribution function, which SciPy has not for arrays"
            )
        own = arguments(self.name, found)
        program = from_expressions([_guarded(e) for e in found], own, self._ranges(open_ended=True))
        return self._kernel(program, "closed form", "", tuple(found))

    def by_step(self, slope: float) -> Kernel:
        """The definition with K and E[f^2] - K from the certified step, which does not cancel."""
        step = step_program(Parameters(slope, 1.0, 0.0))
        builder, own = self._builder(step.arguments)
        builder.include(step)
        # At gain 1 and without bias the step's results are K and the separation.
        note = (
            "The closed form subtracts nearly equal numbers; the certified step of the recursion over samples does not."
        )
        results = dict(zip(("covariance", "separation"), step.outputs, strict=True))
        return self._over_samples(builder, own, results, "certified step", note)

    def by_forms(self) -> Kernel | None:
        """The definition with the derived forms in which what is nearly equal was subtracted before; None without."""
        from numerics.maps.compiled import ARC_LINES, LINES, M, X, with_arc_excess
        from numerics.maps.forms import form

        found = {kind: form(self.activation, kind) for kind in {i.kind for i in self.definition.integrals.values()}}
        swap = {s: Symbol(f"{s.name}_") for s in (*(name for name, _ in LINES["shares"]), M, X)}
        builder, own = self._builder((swap[M], swap[X]))
        for name, value in (*LINES["shares"], *ARC_LINES):
            builder.let(swap.get(name, name).name, value.xreplace(swap))
        results = {kind: with_arc_excess(f.expression).xreplace(swap) for kind, f in found.items() if f is not None}
        if len(results) < len(found):
            return None
        return self._over_samples(builder, own, results, "closed form", "Nearly equal numbers were subtracted before.")

    def _builder(self, targets: Sequence[Symbol]) -> tuple[Builder, dict[Expr, Symbol]]:
        """A program that begins with the shares of the variance."""
        own = renaming(arguments(self.name, self.definition.everything))
        builder = Builder(tuple(own.values()))
        for target, share in zip(targets, shares(self.name), strict=True):
            builder.let(target.name, share.xreplace(own))
        return builder, own

    def _over_samples(
        self, builder: Builder, own: dict[Expr, Symbol], results: dict[str, Expr], method: str, note: str
    ) -> Kernel:
        swap = own | {s: results[integral.kind] for s, integral in self.definition.integrals.items()}
        outputs = builder.expressions([e.xreplace(swap) for e in self.definition.results])
        return self._kernel(builder.program(*outputs, domain=self._ranges(open_ended=True)), method, note)

    def by_quadrature(self, note: str) -> Kernel:
        """The definition with a fixed rule for its integrals."""
        ranges = self._ranges(open_ended=False)
        program = quadrature.quadrature_program(self.activation, self.name, self.definition, self.domain, ranges)
        return self._kernel(program, "quadrature", note)

    def _ranges(self, *, open_ended: bool) -> list[Range]:
        """What the arguments may be; a quadrature's variances must lie in the domain."""
        low, high = (0.0, math.inf) if open_ended else (self.domain[0] * (1 - SLACK), self.domain[1] * (1 + SLACK))
        own = {name: plain(Symbol(name)) for name in ARGUMENTS[self.name]}
        found = []
        for name, symbol in own.items():
            if name == "rho":
                found.append(Range(symbol, -1.0 - SLACK, 1.0 + SLACK))
            elif name != "c":
                found.append(Range(symbol, *((low, high) if name in ("q", "q_1", "q_2") else (0.0, math.inf))))
        if "c" in own:
            found.append(Range(own["c"] / sp.sqrt(own["q_1"] * own["q_2"]), -1.0 - SLACK, 1.0 + SLACK))
        if self.name in OVER_SAMPLES and not open_ended:
            total = sum(shares(self.name), sp.S.Zero)
            found.append(Range(total.xreplace(renaming(arguments(self.name, [total]))), low, high))
        return found

    def _kernel(self, program: Program, method: str, note: str, formula: tuple[Expr, ...] | None = None) -> Kernel:
        f = self.activation
        shown = self.whole if formula is None else formula
        about = About(
            title=f"{self.name} of the activation {_line(f)}:\n{MEANING[self.name]}.",
            formula=(f"f(s) = {_line(f.expression)}", *(f"{self.name} = {_line(e)}" for e in shown)),
            origin=f"the theorems {', '.join(PARTS.get(self.name, (self.name,)))} of derive.maps.",
            method=method,
            note=note,
        )
        single = len(program.outputs) == 1
        return Kernel(program, ARGUMENTS[self.name], self.name, self.backend, single, (), about, self.measured)

    def measured(self, kernel: Kernel) -> Certificate:
        """The certificate of a kernel of this map."""
        ranges = self._ranges(open_ended=True)
        sizes = quadrature.quadrature_program(self.activation, self.name, self.definition, self.domain, ranges)
        held = truth(self.maps, self.name, self.domain, self.whole, self.definition, quadrature.absolute(sizes))
        return measure(kernel, held, points=POINTS[self.name in PAIRS])


def _line(text: Any) -> str:
    return " ".join(str(text).split())


@lru_cache(maxsize=64)
def _maps(activation: Activation) -> Maps:
    return Maps(activation)


@lru_cache(maxsize=128)
def _made(activation: Activation, name: str, domain: tuple[float, float], method: str, backend: str) -> Kernel:
    return _Maker(activation, name, domain, backend).chosen(method)


def _guarded(e: Expr) -> Expr:
    """Keep what rounding would push out of an inverse sine's or a root's domain, at correlation 1, at its end."""
    e = e.replace(sp.asin, lambda u: sp.asin(sp.Max(-1, sp.Min(1, u))))
    return e.replace(
        lambda p: isinstance(p, sp.Pow) and p.exp == sp.S.Half and p.base.is_Add and not p.base.is_positive,
        lambda p: sp.sqrt(sp.Max(0, p.base)),
    )
