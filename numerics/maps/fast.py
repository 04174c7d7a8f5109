"""Whole arrays through the compiled closed forms: what `NumericalMaps` tries first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation
from derive.maps.symbols import q, rho, sigma_b2, sigma_w2
from derive.quadrature import Bounded
from derive.quadrature.discs import EPS
from numerics.maps.definitions import GAP, M2, V2
from numerics.maps.evaluation import evaluate
from numerics.maps.values import Array, bounded, numbers_of, variances_of
from numerics.programs import _runtime
from numerics.programs._runtime import Code

if TYPE_CHECKING:
    from numerics.maps.forms import Form, Plan, Span
    from numerics.programs.callable import Kernel

MANY = 256
"""From so many points on a compiled form pays for its making; a smaller array takes the evaluator with its bounds."""

METHOD = "compiled closed form"


_LEAST, _MOST = math.ulp(0.0), float(np.finfo(float).max)
_CHECKS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "q": (variances_of, _LEAST, _MOST),
    "m² + v²": (variances_of, _LEAST, _MOST),
    "rho": (bounded, -1.0, 1.0),
    "gap": (bounded, 0.0, 2.0),
}
_SYMBOLS = {s.name: s for s in (q, rho, GAP, M2, V2)}


class _Seen:
    """The smallest and the largest of some numbers, looked at piece by piece, while they are in the cache."""

    def __init__(self, name: str) -> None:
        self.name, self.low, self.high = name, math.inf, -math.inf
        self._check, self._least, self._most = _CHECKS[name]

    def take(self, piece: Array) -> None:
        """Look at some of them; `InputError` where one is outside."""
        # In this order NaN, which compares false, stays.
        self.low = min(float(np.minimum.reduce(piece)), self.low)
        self.high = max(float(np.maximum.reduce(piece)), self.high)
        if not (self.low >= self._least and self.high <= self._most):
            self._check(self.name, piece)


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
        self._codes: dict[Any, tuple[Kernel, dict[str, float], Code | None]] = {}

    @cached_property
    def _forms(self) -> Any:
        # Imported when needed: maps at a point do without code generation.
        from numerics.maps import forms

        return forms

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
        if name not in self._plans:
            plan = self._forms.plan(self.activation, name)
            weighted = plan is not None and plan[0].results[0].has(sigma_w2)
            self._plans[name] = None if weighted and not self.one else plan
        plan = self._plans[name]
        return None if plan is None else self._run(name, plan, arrays)

    def _run(self, name: str, plan: Plan, arrays: dict[str, Array]) -> Bounded | None:
        if "m" in arrays:
            arrays = {"m2": arrays["m"] ** 2, "v2": arrays["v"] ** 2}
            whole, variances = arrays["m2"] + arrays["v2"], _Seen("m² + v²")
            variances.take(whole.reshape(-1))
            seen = {}
        else:
            whole, seen = arrays["q"], {title: _Seen(title) for title in arrays}
            variances = seen["q"]
        for title, range_ in seen.items():
            if not arrays[title].ndim:
                range_.take(arrays[title].reshape(-1))
        numbers = {title: float(a) for title, a in arrays.items() if not a.ndim} | {"sigma_w2": self.w}
        lists = {title: a for title, a in arrays.items() if a.ndim}
        kernel, code = self._code(name, tuple(arrays), {**numbers, "sigma_b2": self.b})
        if not lists:
            value = kernel(**numbers, sigma_b2=self.b)
        elif code is None:
            return None
        else:
            looking = [(n, seen[title]) for n, title in enumerate(lists) if title in seen]

            def look(pieces: Sequence[Array], _: int) -> None:
                for n, range_ in looking:
                    range_.take(pieces[n])

            (value,) = _runtime.evaluate(code, list(lists.values()), None, look)
        span = variances.low, variances.high
        if not all(f.covers(span) for f in plan[1].values()):
            return None
        arrays["q"] = whole
        return Bounded(value, lambda: self._error(plan, np.asarray(value), arrays, span), METHOD)

    def _code(self, name: str, titles: tuple[str, ...], numbers: dict[str, float]) -> tuple[Kernel, Code | None]:
        """The kernel, and its code beside numbers, of which the last is kept."""
        key = name, titles, tuple(numbers)
        kernel, known, code = self._codes.get(key, (None, None, None))
        if kernel is None:
            one_q = len(titles) > 1 and "q" in numbers
            symbols = tuple(_SYMBOLS[title] for title in titles)
            kernel = self._forms.compiled_map(self.activation, name, symbols, one_q, self.b > 0, self.backend)
        if known != numbers:
            places = {n: numbers[a] for n, a in enumerate(kernel.arguments) if a in numbers}
            code = kernel.beside(places) if len(places) < len(kernel.arguments) else None
            self._codes[key] = kernel, numbers, code
        return kernel, code

    def _error(self, plan: Plan, value: Array, arrays: dict[str, Array], span: Span) -> Array:
        """What the certificates say of the forms, carried through the definition by discs."""
        found, forms = plan
        numbers = {s: self._number(forms[i.kind], arrays, span) for s, i in found.integrals.items()}
        at = {q: arrays["q"], sigma_w2: np.asarray(self.w), sigma_b2: np.asarray(self.b)}
        again = evaluate(found.results[0], at, numbers)
        return np.asarray(again.error + np.abs(again.value - value) + 2 * EPS * np.abs(value))

    def _number(self, form: Form, arrays: dict[str, Array], span: Span) -> Bounded:
        symbols = (q,) if len(form.given) == 1 else (M2, V2) if "m2" in arrays else form.given
        value = form.kernel(symbols)(*(arrays[s.name] for s in symbols))
        relative, of_size = form.errors(span)
        error = relative * np.abs(value)
        if form.kind == "covariance":
            second = self._forms.form(self.activation, "second")
            if second is not None:
                error = np.minimum(error, of_size * second.kernel((q,))(arrays["q"]))
        return Bounded(value, error)
