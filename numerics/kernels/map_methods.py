"""One map of one activation as a kernel, by one method after another."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derive.activations import Activation
from derive.errors import InputError
from derive.gaussian import NoClosedForm
from derive.gaussian.functions import BivariateNormalCDF
from derive.maps import symbols
from numerics.kernels import quadrature
from numerics.kernels.map_truth import POINTS, truth
from numerics.maps.compiled import map_program, put_in
from numerics.maps.definitions import (
    ARGUMENTS,
    M2,
    MEANING,
    OVER_SAMPLES,
    PAIRS,
    PARTS,
    STEP,
    V2,
    arguments,
    definition,
    expressions,
    in_arguments,
    maps_of,
    shares,
)
from numerics.maps.forms import form
from numerics.programs.callable import About, Kernel
from numerics.programs.certificate import Certificate, measure
from numerics.programs.printers import UnsupportedExpressionError
from numerics.programs.straight_line import Program, Range, from_expressions, plain, renaming

_OUTSIDE = "; the kernel was made for variances in that range (argument domain= of map_kernel)"
SLACK = 1e-12  # what rounding may have added to a correlation of 1, or to an end of the domain
GOOD = 1e-14
"""With a larger error a form without cancellation gives way to quadrature."""


class MapMethods:
    """Makes the kernels of one map of one activation, one method after another."""

    def __init__(self, activation: Activation, name: str, domain: tuple[float, float], backend: str) -> None:
        self.activation, self.name, self.domain, self.backend = activation, name, domain, backend
        self.maps = maps_of(activation)
        try:
            self.whole = expressions(activation, name)
        except NoClosedForm as why:
            raise InputError(f"{name} of {activation} is infinite: {why.reason}") from None
        self.definition = definition(activation, name, of_kernel=True)

    def chosen(self, method: str) -> Kernel:
        """Return the kernel of the method asked for, or what loses no digits."""
        if method == "quadrature":
            return self.by_quadrature("")
        if method == "auto" and self.name in OVER_SAMPLES:
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

    def by_forms(self) -> Kernel | None:
        """The definition with the derived forms in which what is nearly equal was subtracted before; None without."""
        found = {kind: form(self.activation, kind) for kind in {i.kind for i in self.definition.integrals.values()}}
        known = {kind: (sp.S.One, f.expression) for kind, f in found.items() if f is not None}
        if len(known) < len(found):
            return None
        given = (M2, V2) if self.name == STEP else (symbols.m, symbols.v)
        fixed = arguments(self.name, self.definition.everything)[2:]
        program = map_program(put_in(self.definition, known), given, fixed)
        program = replace(program, domain=tuple(self._ranges(open_ended=True)))
        return self._kernel(program, "closed form", "Nearly equal numbers were subtracted before.")

    def by_quadrature(self, note: str) -> Kernel:
        """The definition with a fixed rule for its integrals."""
        ranges = self._ranges(open_ended=False)
        program = quadrature.quadrature_program(self.activation, self.name, self.definition, self.domain, ranges)
        return self._kernel(program, "quadrature", note)

    def _ranges(self, *, open_ended: bool) -> list[Range]:
        """What the arguments may be; a quadrature's variances must lie in the domain."""
        low, high = (0.0, math.inf) if open_ended else (self.domain[0] * (1 - SLACK), self.domain[1] * (1 + SLACK))
        why = "" if open_ended else _OUTSIDE
        own = {name: plain(Symbol(name)) for name in ARGUMENTS[self.name]}
        found = []
        for name, symbol in own.items():
            if name == "rho":
                found.append(Range(symbol, -1.0 - SLACK, 1.0 + SLACK))
            elif name != "c":
                found.append(Range(symbol, *((low, high, why) if name in ("q", "q_1", "q_2") else (0.0, math.inf))))
        if "c" in own:
            found.append(Range(own["c"] / sp.sqrt(own["q_1"] * own["q_2"]), -1.0 - SLACK, 1.0 + SLACK))
        if self.name in OVER_SAMPLES and not open_ended:
            total = sum(shares(self.name), sp.S.Zero)
            found.append(Range(total.xreplace(renaming(arguments(self.name, [total]))), low, high, why))
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
        held = truth(self.maps, self.name, self.domain, self.definition, quadrature.absolute(sizes))
        return measure(kernel, held, points=POINTS[self.name in PAIRS])


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def _guarded(e: Expr) -> Expr:
    """Keep what rounding would push out of an inverse sine's or a root's domain, at correlation 1, at its end."""
    e = e.replace(sp.asin, lambda u: sp.asin(sp.Max(-1, sp.Min(1, u))))
    return e.replace(
        lambda p: isinstance(p, sp.Pow) and p.exp == sp.S.Half and p.base.is_Add and not p.base.is_positive,
        lambda p: sp.sqrt(sp.Max(0, p.base)),
    )
