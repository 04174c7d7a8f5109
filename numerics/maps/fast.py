"""Whole arrays through the compiled closed forms: what `NumericalMaps` tries first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation
from derive.quadrature import Bounded
from derive.quadrature.discs import EPS
from numerics.maps.values import Array, bounded, numbers_of, variances_of

if TYPE_CHECKING:
    from numerics.maps.compiled import Look
    from numerics.maps.forms import Form, Span

MANY = 256
"""From so many points on a compiled form pays for its making; a smaller array takes the evaluator with its bounds."""

METHOD = "compiled closed form"


class _Span:
    """The smallest and the largest of some variances, which must be positive and finite."""

    def __init__(self, name: str, values: Array) -> None:
        self.name, self.values = name, values
        self._low, self._high = math.inf, -math.inf

    def take(self, piece: Array) -> None:
        """Look at some of them, while they are in the cache."""
        # In this order NaN, which compares false, stays.
        self._low = min(float(np.minimum.reduce(piece)), self._low)
        self._high = max(float(np.maximum.reduce(piece)), self._high)
        if not (self._low > 0 and self._high < math.inf):
            variances_of(self.name, piece)

    @cached_property
    def ends(self) -> Span:
        """Both, once all have been looked at."""
        if self._low > self._high:
            self.take(self.values.reshape(-1))
        return self._low, self._high


class Fast:
    """Compiled maps of one activation; each method returns None where no certified form covers the arguments.

    They all do where they are not ``used``.
    """

    def __init__(
        self, activation: Activation, weight_variance: float | Array, bias_variance: float | Array, *, used: bool
    ) -> None:
        self.activation, self.used = activation, used
        # Many weights or biases are for the definitions; what is compiled then gives expectations only.
        self.one = isinstance(weight_variance, float) and isinstance(bias_variance, float)
        self.w, self.b = (float(weight_variance), float(bias_variance)) if self.one else (1.0, 0.0)
        # Looked up by name: hashing an activation's expression takes as long as a hundred points.
        self._forms: dict[str, Form | None] = {}

    def _form(self, what: str) -> Form | None:
        if what not in self._forms:
            from numerics.maps.forms import form

            self._forms[what] = form(self.activation, what)
        return self._forms[what]

    def of_q(self, what: str, wrap: str, q: ArrayLike) -> Bounded | None:
        """A moment of one unit."""
        variances = numbers_of("q", q)
        found = self._usable(what, wrap) if variances.size >= MANY else None
        return None if found is None else self._run(found, "q", wrap, [variances], _Span("q", variances))

    def pairs(self, what: str, wrap: str, q: ArrayLike, x: ArrayLike) -> Bounded | None:
        """The covariance at correlations x, or the separation at gaps x."""
        name, low, high = ("rho", -1.0, 1.0) if what == "covariance" else ("gap", 0.0, 2.0)
        variances, second = numbers_of("q", q), numbers_of(name, x)
        found = None if _few(what, variances, second) else self._usable(what, wrap)
        if found is None:
            return None

        def check(pieces: Sequence[Array], _: int) -> None:
            piece = pieces[-1]
            # NaN fails too.
            if not (np.minimum.reduce(piece) >= low and np.maximum.reduce(piece) <= high):
                bounded(name, piece)

        return self._run(found, name, wrap, [variances, second], _Span("q", variances), check)

    def shares(self, what: str, wrap: str, m: ArrayLike, v: ArrayLike) -> Bounded | None:
        """The same at q = m² + v² and covariance m²."""
        shared, private = numbers_of("m", m) ** 2, numbers_of("v", v) ** 2
        found = None if _few(what, shared, private) else self._usable(what, wrap)
        if found is None:
            return None
        return self._run(found, "shares", wrap, [shared, private], _Span("m² + v²", shared + private))

    def _usable(self, what: str, wrap: str) -> Form | None:
        if wrap and not self.one:
            return None
        needed = (what, "second") if wrap == "ratio" else (what,)
        return self._form(what) if self.used and self.w and all(self._form(name) for name in needed) else None

    def _run(
        self, found: Form, mode: str, wrap: str, arrays: list[Array], q: _Span, check: Look | None = None
    ) -> Bounded | None:
        one_q = mode in ("rho", "gap") and q.values.ndim == 0
        kernel = found.kernel(mode, wrap, one_q=one_q, bias=self.b > 0)
        second = self._form("second") if wrap == "ratio" else None
        covers = [f.covers for f in (found, second) if f is not None]

        def look(pieces: Sequence[Array], start: int) -> None:
            if mode != "shares":
                q.take(pieces[0])
            if check is not None:
                check(pieces, start)

        try:
            if one_q:
                if not all(inside(q.ends) for inside in covers):
                    return None
                value = kernel((float(q.values), self.w, self.b), arrays[1:], check)
            else:
                value = kernel((self.w, self.b), arrays, look)
                if not all(inside(q.ends) for inside in covers):
                    return None
        except (OverflowError, ZeroDivisionError):
            return None
        return Bounded(value, lambda: self._error(found, wrap, value, q.values, q.ends), METHOD)

    def _error(self, found: Form, wrap: str, value: Array, q: Array, span: Span) -> Array:
        """What the certificate says of the form, carried through the linear maps."""
        relative, of_size = found.errors(span)
        scale: Any = self.w if wrap else 1.0
        shift: Any = self.b if wrap == "map" else 0.0
        if wrap == "ratio":
            whole = self.w * self._second(q) + self.b
            scale = scale / whole
            shift = self.b / whole if found.what == "covariance" else 0.0
            second = self._form("second")
            assert second is not None  # `_covering` has seen it
            extra = second.errors(span)[0] + 4 * EPS
        else:
            extra = 2 * EPS if wrap else 0.0
        part = relative * np.abs(value - shift)
        if found.what == "covariance":
            part = np.minimum(part, of_size * scale * self._second(q))
        return np.asarray(part + extra * np.abs(value))

    def _second(self, q: Array) -> Array:
        second = self._form("second")
        assert second is not None  # a covariance is certified against it
        return second.kernel("q", "", one_q=False, bias=False)((1.0, 0.0), (np.atleast_1d(q),)).reshape(q.shape)


def _few(what: str, first: Array, second: Array) -> bool:
    """Whether a compiled form does not pay; a separation has no cheap evaluator, so there it always does."""
    size = max(first.size, second.size)
    return size < MANY if what == "covariance" else size == 0 or min(first.size, second.size) == 0
