"""Whole arrays through the compiled closed forms: what `NumericalMaps` tries first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sympy import S

from derive.activations import Activation
from derive.gaussian import NoClosedForm
from derive.maps.symbols import m, q, rho, sigma_b2, sigma_w2, v
from derive.quadrature import Bounded
from derive.quadrature.discs import EPS
from numerics.maps.compiled import map_program, put_in
from numerics.maps.definitions import GAP, M2, V2, Definition, definition
from numerics.maps.evaluation import evaluate
from numerics.maps.forms import Form, Span, form
from numerics.maps.values import Array, bounded, numbers_of, variances_of
from numerics.programs.callable import Kernel

MANY = 256
"""From so many points on a compiled form pays for its making; a smaller array takes the evaluator with its bounds."""

METHOD = "compiled closed form"
Plan = tuple[Definition, dict[str, Form]]


class _Range:
    """The smallest and the largest of some numbers, looked at piece by piece, while they are in the cache."""

    def __init__(self, check: Callable[[Array], Any], low: float, high: float) -> None:
        self._check, self._low, self._high = check, low, high
        self.ends: Span = (math.inf, -math.inf)

    def take(self, piece: Array) -> None:
        """Look at some of them; `InputError` where one is outside."""
        # In this order NaN, which compares false, stays.
        self.ends = (
            min(float(np.minimum.reduce(piece)), self.ends[0]),
            max(float(np.maximum.reduce(piece)), self.ends[1]),
        )
        if not (self.ends[0] >= self._low and self.ends[1] <= self._high):
            self._check(piece)


_LEAST, _MOST = math.ulp(0.0), float(np.finfo(float).max)


class Fast:
    """Compiled maps of one activation, by name; None where no certified form covers the arguments.

    So it is wherever they are not ``used``.
    """

    def __init__(
        self,
        activation: Activation,
        weight_variance: float | Array,
        bias_variance: float | Array,
        *,
        used: bool,
        backend: str = "numpy",
    ) -> None:
        self.activation, self.used, self.backend = activation, used, backend
        # Many weights or biases are for the definitions; what is compiled then gives expectations only.
        self.one = isinstance(weight_variance, float) and isinstance(bias_variance, float)
        self.w, self.b = (float(weight_variance), float(bias_variance)) if self.one else (1.0, 0.0)
        # Looked up by name: hashing an activation's expression takes as long as a hundred points.
        self._plans: dict[str, Plan | None] = {}
        self._kernels: dict[tuple[str, Any, bool], Kernel] = {}

    def __call__(self, name: str, **given: ArrayLike) -> Bounded | None:
        """A map, or an expectation, of q, q and rho, q and gap, or m and v."""
        if not (self.used and self.w):
            return None
        arrays = {title: numbers_of(title, values) for title, values in given.items()}
        sizes = [a.size for a in arrays.values()]
        # A separation has no cheap evaluator, so there a compiled form always pays.
        cheap = name not in ("separation", "gap_map", "sample_variance_map")
        if min(sizes) == 0 or (cheap and max(sizes) < MANY):
            return None
        plan = self._plan(name)
        return None if plan is None else self._run(name, plan, arrays)

    def _plan(self, name: str) -> Plan | None:
        if name not in self._plans:
            self._plans[name] = _plan(self.activation, name)
        found = self._plans[name]
        weighted = found is not None and found[0].results[0].has(sigma_w2)
        return None if weighted and not self.one else found

    def _run(self, name: str, plan: Plan, arrays: dict[str, Array]) -> Bounded | None:
        symbols = tuple(_SYMBOLS[title] for title in arrays)
        variances = _Range(partial(variances_of, "q"), _LEAST, _MOST)
        looked = {"q": variances}
        if "m" in arrays:
            arrays = {"m2": arrays["m"] ** 2, "v2": arrays["v"] ** 2}
            arrays["q"], symbols = arrays["m2"] + arrays["v2"], (M2, V2)
            variances = _Range(partial(variances_of, "m² + v²"), _LEAST, _MOST)
            variances.take(arrays["q"].reshape(-1))
            looked = {}
        for title, low, high in (("rho", -1.0, 1.0), ("gap", 0.0, 2.0)):
            if title in arrays:
                looked[title] = _Range(partial(bounded, title), low, high)
        for title, seen in looked.items():
            if not arrays[title].ndim:
                seen.take(arrays[title].reshape(-1))
        one_q = len(symbols) > 1 and not arrays["q"].ndim and q in symbols
        if one_q and not _covered(plan, variances.ends):
            return None
        order = [*(s for s in symbols if not (one_q and s is q)), *((q,) if one_q else ()), sigma_w2, sigma_b2]
        known: dict[str, Any] = {**arrays, "sigma_w2": self.w, "sigma_b2": self.b}
        known |= {"q": float(arrays["q"])} if one_q else {}
        values = [known[s.name] for s in order]
        (value,) = self._kernel(name, plan, symbols, one_q).run(values, look=_look(looked, order, values))
        if not one_q and not _covered(plan, variances.ends):
            return None
        return Bounded(value, lambda: self._error(plan, np.asarray(value), arrays, variances.ends), METHOD)

    def _kernel(self, name: str, plan: Plan, symbols: Any, one_q: bool) -> Kernel:
        key = name, symbols, one_q
        if key not in self._kernels:
            self._kernels[key] = _compiled(self.activation, name, symbols, one_q, self.b > 0, self.backend)
        return self._kernels[key]

    def _error(self, plan: Plan, value: Array, arrays: dict[str, Array], span: Span) -> Array:
        """What the certificates say of the forms, carried through the definition by discs."""
        found, forms = plan
        numbers = {s: self._number(forms[i.kind], arrays, span) for s, i in found.integrals.items()}
        at = {q: arrays["q"], sigma_w2: np.asarray(self.w), sigma_b2: np.asarray(self.b)}
        again = evaluate(found.results[0], at, numbers)
        return np.asarray(again.error + np.abs(again.value - value) + 2 * EPS * np.abs(value))

    def _number(self, of: Form, arrays: dict[str, Array], span: Span) -> Bounded:
        symbols = (q,) if len(of.given) == 1 else (M2, V2) if "m2" in arrays else of.given
        run = of.own if symbols == of.given else of.kernel(symbols)
        (value,) = run.run([arrays[s.name] for s in symbols])
        relative, of_size = of.errors(span)
        error = relative * np.abs(value)
        if of.kind == "covariance":
            second = form(self.activation, "second")
            if second is not None:
                error = np.minimum(error, of_size * second.own.run([arrays["q"]])[0])
        return Bounded(value, error)


_SYMBOLS = {s.name: s for s in (q, rho, GAP, m, v)}


def _covered(plan: Plan, span: Span) -> bool:
    return all(f.covers(span) for f in plan[1].values())


def _look(looked: dict[str, _Range], order: Sequence[Any], values: Sequence[Any]) -> Callable[..., None]:
    """Look at every piece of the arrays that must be in a range."""
    places = [n for n, value in enumerate(values) if np.ndim(value)]
    seen = [looked.get(order[n].name) for n in places]

    def look(pieces: Sequence[Array], _: int) -> None:
        own = pieces if len(pieces) == len(places) else [pieces[n] for n in places]
        for which, piece in zip(seen, own, strict=True):
            if which is not None:
                which.take(piece)

    return look


@lru_cache(maxsize=1024)
def _plan(activation: Activation, name: str) -> Plan | None:
    """The definition of a map, and the certified form of each of its integrals."""
    try:
        found = definition(activation, name)
    except NoClosedForm:
        return None
    forms = {i.kind: form(activation, i.kind) for i in found.integrals.values()}
    known = {kind: f for kind, f in forms.items() if f is not None}
    return (found, known) if len(known) == len(forms) else None


@lru_cache(maxsize=1024)
def _compiled(activation: Activation, name: str, symbols: Any, one_q: bool, bias: bool, backend: str) -> Kernel:
    plan = _plan(activation, name)
    assert plan is not None  # `Fast` has seen it
    found, forms = plan
    unit = one_q and all(f.power is not None for f in forms.values() if len(f.given) > 1)
    scaled = {
        kind: (q**f.power, f.expression.xreplace({q: S.One})) if unit and len(f.given) > 1 else (S.One, f.expression)
        for kind, f in forms.items()
    }
    results = put_in(found, scaled)
    if not bias:
        results = [r.xreplace({sigma_b2: S.Zero}) for r in results]
    fixed = (*((q,) if one_q else ()), sigma_w2, sigma_b2)
    program = map_program(results, symbols, fixed, unit=unit)
    return Kernel(program, tuple(a.name for a in program.arguments), backend=backend)
