"""E[g(x)] of a Gaussian x in up to three variables as a number with a proved bound.

x = m + A u with independent standard normal u, turned so that the first lines and planes along which a formula ends
(`cells`) are those of the first coordinates; each cell is an integral over a cube, in which one formula holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp

from derive.expressions.stable import stable
from derive.quadrature import discs
from derive.quadrature.bounded import Bounded
from derive.quadrature.boxes import MOST_BOXES, Adaptive, Boxes, Integrand, Sums
from derive.quadrature.cells import DIGITS, Cell, Multilinear, affine_of, cells
from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.growth import Growth
from derive.quadrature.reading import Decided, Reading
from derive.quadrature.signs import affine_forms, split_deltas, with_signs

MOST_VARIABLES = 3
_FIRST, _LAST = 8, 1e5
_AGAIN, _POOR, _LEAST = 3, 1e-3, 1e-300
_PARTS = {1: 8, 2: 4, 3: 1}
"""Into how many parts a side is cut from the start, by the number of sides."""

_ZERO = discs.constant(0.0)
_SINGULAR = mp.mpf(10) ** -32
_UNDERFLOW = 1e-300
"""What float64 may lose unseen."""

_NO_NUMBER = 1e-6
"""Of ∫|g|: with a larger error there is no number."""


class Space:
    """E[g(x)], x ~ N(mean, covariance), of the outputs g; they may hold `DiracDelta` of affine arguments.

    Raises `CannotRead` for a function without a rule.

    >>> from sympy import Max, symbols
    >>> x, y = symbols("x y", real=True)
    >>> (kernel,) = Space([Max(x, 0) * Max(y, 0)], (x, y))([0, 0], [[1, 0.5], [0.5, 1]])
    >>> float(kernel.value.round(12)), bool(kernel.error < 1e-14)
    (0.304498890522..., True)
    """

    most_boxes: Mapping[int, int] = MOST_BOXES
    """By the number of sides."""

    def __init__(self, outputs: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> None:
        if len(variables) > MOST_VARIABLES:
            raise ValueError(f"quadrature in at most {MOST_VARIABLES} variables, not {len(variables)}")
        self.variables = tuple(variables)
        split = [split_deltas(sp.sympify(g, strict=True)) for g in outputs]
        self._given = [smooth for smooth, _ in split]
        self._deltas = [[_Delta(form, weight, self.variables) for form, weight in deltas] for _, deltas in split]
        accurate = [stable(g) for g in self._given]
        self.forms = affine_forms(accurate, self.variables)
        self._signs = [sp.Dummy(f"sign{n}", real=True) for n in range(len(self.forms))]
        known = dict(zip(self.forms, self._signs, strict=True))
        self._reading: Integrand = Reading([with_signs(g, self.variables, known) for g in accurate])
        self._growths: dict[int, tuple[list[Growth], list[sp.Symbol], list[list[sp.Symbol]]]] = {}
        rows = [[f.coeff(v) for v in self.variables] for f in self.forms]
        self._slopes = [[mp.mpf(1) * _number(a) for a in row] for row in rows]
        self._starts = [_number(f.subs(dict.fromkeys(self.variables, 0))) for f in self.forms]

    def __call__(self, mean: Any, covariance: Any, tolerance: float = EPS / 4) -> tuple[Bounded, ...]:
        """One `Bounded` for each output.

        Args:
            mean: of shape (..., n), numbers of any kind that mpmath reads.
            covariance: (..., n, n), positive semidefinite.
            tolerance: relative to E|g|.

        """
        mean, covariance = np.asarray(mean, dtype=object), np.asarray(covariance, dtype=object)
        n = len(self.variables)
        shape = np.broadcast_shapes(mean.shape[:-1], covariance.shape[:-2])
        means = np.broadcast_to(mean, (*shape, n)).reshape(-1, n)
        laws = np.broadcast_to(covariance, (*shape, n, n)).reshape(-1, n, n)
        found = [self._one(m, c, tolerance) for m, c in zip(means, laws, strict=True)]
        return tuple(_gathered([row[k] for row in found], shape) for k in range(len(self._given)))

    def _one(self, mean: Any, covariance: Any, tolerance: float) -> list[Bounded]:
        with mp.workdps(DIGITS):
            m, c = [_exact(x) for x in mean], [[_exact(x) for x in row] for row in covariance]
            law = Law.of(self, m, c)
            found = self._smooth(law, tolerance) if law.sides else self._at_point(law)
            for k, deltas in enumerate(self._deltas):
                for delta in deltas:
                    found[k] = _sum(found[k], delta(m, c, tolerance))
            return found

    def _smooth(self, law: Law, tolerance: float) -> list[Bounded]:
        sums, left = self._outward(law, tolerance)
        found = []
        for k in range(len(self._given)):
            value, size = float(sums.value[0, k]), float(sums.size[0, k])
            error = float(sums.error[0, k]) + float(left[k]) + _UNDERFLOW
            reason = ""
            if np.isinf(left[k]):
                reason = "nothing bounds the integrand far out"
            elif not error <= _NO_NUMBER * size + 2 * _UNDERFLOW:
                most = self.most_boxes[law.sides]
                limited = f" within {most} boxes" if sums.boxes > most else ""
                reason = f"the quadrature does not converge{limited}"
            found.append(Bounded(value, np.inf if reason else error, reason=reason, size=size))
        return found

    def _at_point(self, law: Law) -> list[Bounded]:
        given = {v: _rounded([m]) for v, m in zip(self.variables, law.mean, strict=True)}
        given |= {
            s: Disc(np.array([float(mp.sign(f[0]))]), np.zeros(1)) for s, f in zip(self._signs, law.forms, strict=True)
        }
        found, _ = self._reading(given)
        shown = [np.broadcast_arrays(*d) for d in found]
        return [Bounded(m.ravel()[0], r.ravel()[0], size=np.abs(m.ravel()[0])) for m, r in shown]

    def _outward(self, law: Law, tolerance: float) -> tuple[Sums, Floats]:
        """Integrate out to where nothing is left but ``tolerance``; return bounds of what is left."""
        outputs = len(self._given)
        total = Sums.none(1, outputs)
        reach, inner = _FIRST, 0
        while True:
            self._add(total, law, reach, inner, tolerance)
            left = self._left(law, float(reach))
            short = left > tolerance * total.size[0]
            worn = total.boxes > self.most_boxes[law.sides] or reach >= _LAST
            if not short.any() or worn or (np.isinf(left).all() and reach > 40):
                return total, left
            reach, inner = int(np.ceil(1.25 * reach)), reach

    def _add(self, total: Sums, law: Law, reach: int, inner: int, tolerance: float) -> None:
        made = cells(law.forms, law.sides, mp.mpf(reach), mp.mpf(inner))
        cube = _Cube(self._reading, self.variables, self._signs, law, made)
        parts = 1 if inner else _PARTS[law.sides]
        found = self._over(cube, total.size, tolerance, parts)
        for _ in range(_AGAIN):
            # A few nodes on a wide box in a tail make too much of it, and the boxes too large.
            with np.errstate(all="ignore"):
                share = np.min(tolerance * found.size / np.maximum(found.error - found.rounding, _LEAST))
            if not 0 < share < _POOR or found.boxes > self.most_boxes[law.sides]:
                break
            again = self._over(cube, total.size, tolerance * float(share), parts)
            if not (again.error < 0.5 * found.error).any():
                break
            found = again
        total.value += found.value
        total.error += found.error
        total.size[:] = found.size
        total.boxes += found.boxes

    def _over(self, cube: _Cube, size: Floats, tolerance: float, parts: int) -> Sums:
        """All cells, each side in so many parts at first; ``size`` is what is known of E|g|."""
        n, k = cube.count, len(cube.sides)
        run = Adaptive(
            cube,
            cube.sides,
            cube.given,
            owners=1,
            outputs=len(self._given),
            tolerance=tolerance,
            rows=[0] * n,
            most=self.most_boxes[k],
        )
        run.sums.size += size
        middles = np.stack(np.meshgrid(*[(2 * np.arange(parts) + 1) / parts - 1] * k), axis=0).reshape(k, -1)
        run.take(Boxes(np.repeat(np.arange(n), parts**k), np.tile(middles, n), np.full((k, n * parts**k), 1 / parts)))
        return run.sums

    def _left(self, law: Law, reach: float) -> Floats:
        if law.sides not in self._growths:
            u = [sp.Dummy(f"u{k}", real=True) for k in range(law.sides)]
            m = [sp.Dummy("m", real=True) for _ in self.variables]
            a = [[sp.Dummy("a", real=True) for _ in u] for _ in m]
            x = {v: m[i] + sum(c * z for c, z in zip(a[i], u, strict=True)) for i, v in enumerate(self.variables)}
            self._growths[law.sides] = [Growth(g.xreplace(x), u) for g in self._given], m, a
        growths, m, a = self._growths[law.sides]
        numbers = {s: float(v) for s, v in zip(m, law.mean, strict=True)}
        numbers |= {s: float(v) for row, own in zip(a, law.root, strict=True) for s, v in zip(row, own, strict=True)}
        return np.array([float(np.max(g.beyond(reach, numbers))) for g in growths])


class Law:
    """x = mean + root u, and the forms in terms of u, in mpmath."""

    def __init__(self, mean: list[Any], root: list[list[Any]], forms: list[tuple[Any, ...]], sides: int) -> None:
        self.mean, self.root, self.forms, self.sides = mean, root, forms, sides

    @classmethod
    def of(cls, space: Space, mean: list[Any], covariance: list[list[Any]]) -> Law:
        """With the forms of a space first, so that they are forms of few coordinates."""
        n = len(mean)
        units = [[mp.mpf(int(i == j)) for j in range(n)] for i in range(n)]
        stacked = [*space._slopes, *units]
        along = [[sum(c * s for c, s in zip(row, slope, strict=True)) for row in covariance] for slope in stacked]
        gram = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in along] for x in stacked]
        rows = _square_root(gram)
        slopes, root = rows[: len(space._slopes)], rows[len(space._slopes) :]
        starts = []
        for c, slope in zip(space._starts, space._slopes, strict=True):
            starts.append(_without_noise([c, *(s * m for s, m in zip(slope, mean, strict=True))]))
        return cls(mean, root, [(c, *row) for c, row in zip(starts, slopes, strict=True)], len(rows[0]))


class _Delta:
    """E[B δ(l)] = the density of l at 0 times E[B | l = 0]."""

    def __init__(self, form: sp.Expr, weight: sp.Expr, variables: Sequence[sp.Symbol]) -> None:
        self._start = _number(form.subs(dict.fromkeys(variables, 0)))
        self._slope = [_number(form.coeff(v)) for v in variables]
        self._space = Space([weight], variables)

    def __call__(self, mean: list[Any], covariance: list[list[Any]], tolerance: float) -> Bounded:
        along = [sum(c * s for c, s in zip(row, self._slope, strict=True)) for row in covariance]
        spread = sum(s * a for s, a in zip(self._slope, along, strict=True))
        level = _without_noise([self._start, *(s * m for s, m in zip(self._slope, mean, strict=True))])
        density = mp.exp(-(level**2) / (2 * spread)) / mp.sqrt(2 * mp.pi * spread)
        centre = [_without_noise([m, -a * level / spread]) for m, a in zip(mean, along, strict=True)]
        rest = [
            [_without_noise([c, -a * b / spread]) for c, b in zip(row, along, strict=True)]
            for row, a in zip(covariance, along, strict=True)
        ]
        (found,) = self._space._one(centre, rest, tolerance)
        weight = float(density)
        value = weight * found.value
        error = weight * found.error * (1 + 4 * EPS) + 4 * EPS * abs(value)
        return Bounded(value, error, reason=found.reason, size=weight * found.size)


def _sum(a: Bounded, b: Bounded) -> Bounded:
    value = a.value + b.value
    error = a.error + b.error + EPS * abs(value)
    return Bounded(value, error, reason=a.reason or b.reason, size=a.size + b.size)


def _without_noise(terms: Sequence[Any]) -> Any:
    """The sum of a few numbers, exactly 0 where they cancel to the working precision."""
    total = sum(terms)
    return total if abs(total) > _SINGULAR * max(abs(t) for t in terms) else mp.zero


class _Cube:
    """The integrand of each cell over the cube, read as `Reading` is."""

    def __init__(self, reading: Integrand, variables: Any, signs: Any, law: Law, parts: list[Cell]) -> None:
        self._reading, self._variables, self._signs = reading, variables, signs
        self.count = len(parts)
        self.sides = [sp.Dummy(f"s{k}", real=True) for k in range(law.sides)]
        self.given: dict[sp.Symbol, Disc] = {}
        self._coordinates = [self._polynomial([c.coordinates[k] for c in parts]) for k in range(law.sides)]
        self._x = [
            self._polynomial([affine_of((m, *row), c) for c in parts])
            for m, row in zip(law.mean, law.root, strict=True)
        ]
        for n, s in enumerate(signs):
            self.given[s] = Disc(np.array([float(c.signs[n]) for c in parts]), np.zeros(len(parts)))

    def _polynomial(self, of_cells: list[Multilinear]) -> list[sp.Symbol | None]:
        names: list[sp.Symbol | None] = []
        for values in zip(*of_cells, strict=True):
            if any(values):
                names.append(sp.Dummy("c", real=True))
                self.given[names[-1]] = _rounded(values)
            else:
                names.append(None)
        return names

    def __call__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None = None) -> tuple[list[Disc], Decided]:
        """Values times the density and the volume of the cell."""
        s = [given[v] for v in self.sides]
        with np.errstate(all="ignore"):
            weight = []
            for names in self._coordinates:
                weight.append(discs.normal_density(_value(names, given, s) or _ZERO, decided is None))
                weight.append(_value(names[len(names) // 2 :], given, s) or _ZERO)
            x = [_value(names, given, s) or _ZERO for names in self._x]
        own = dict(zip(self._variables, x, strict=True))
        found, decided = self._reading({**{sign: given[sign] for sign in self._signs}, **own}, decided)
        with np.errstate(all="ignore"):
            return [discs.multiply(g, *weight) for g in found], decided


def _value(names: Sequence[sp.Symbol | None], given: Mapping[sp.Symbol, Disc], s: Sequence[Disc]) -> Disc | None:
    """A multilinear polynomial by Horner's rule."""
    if len(names) == 1:
        return given[names[0]] if names[0] is not None else None
    middle = len(names) // 2
    low, high = _value(names[:middle], given, s), _value(names[middle:], given, s)
    if high is None:
        return low
    term = discs.multiply(high, s[int(np.log2(middle))])
    return term if low is None else discs.add(low, term)


def _rounded(values: Sequence[Any]) -> Disc:
    mid = np.array([float(v) for v in values])
    return Disc(mid, EPS * np.abs(mid))


def _exact(value: Any) -> Any:
    """A number of Python, NumPy, SymPy or mpmath."""
    return _number(value) if isinstance(value, sp.Basic) else mp.mpf(value)


def _number(e: sp.Expr) -> Any:
    if e.is_Rational:
        return mp.mpf(int(e.p)) / int(e.q)
    return mp.mpf(sp.N(e, DIGITS)._mpf_)


def _square_root(C: list[list[Any]]) -> list[list[Any]]:
    """L with L Lᵀ = C, columns of zeros (of a singular C) left out."""
    n = len(C)
    columns: list[list[Any]] = []
    for k in range(n):
        pivot = C[k][k] - sum(c[k] ** 2 for c in columns)
        if pivot <= _SINGULAR * C[k][k]:
            continue
        scale = mp.sqrt(pivot)
        rest = [(C[i][k] - sum(c[i] * c[k] for c in columns)) / scale if i > k else mp.zero for i in range(n)]
        rest[k] = scale
        columns.append(rest)
    return [[c[i] for c in columns] for i in range(n)]


def _gathered(found: list[Bounded], shape: tuple[int, ...]) -> Bounded:
    value, error, size = (
        np.array([getattr(b, part) for b in found]).reshape(shape) for part in ("value", "error", "size")
    )
    return Bounded(value, error, reason=next((b.reason for b in found if b.reason), ""), size=size)
