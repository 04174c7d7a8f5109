"""How large an expression can be far out: log|e| <= a + b T + c T², where |z_k| <= R + t_k and T sums the t_k >= 0.

With the Gaussian density this bounds what an integral leaves out beyond R standard deviations, or says that nothing
bounds it. R and the parameters are arrays: one entry for each integral.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from derive.gaussian import functions

Terms = Mapping[tuple[int, ...], sp.Expr]
_QUADRATIC = 2


class Square(NamedTuple):
    """a + b T + c T², and in several variables a + b Σ t_k + c Σ t_k²."""

    a: Any
    b: Any
    c: Any

    def __add__(self, other: Square) -> Square:  # type: ignore[override]
        return Square(self.a + other.a, self.b + other.b, self.c + other.c)

    def scaled(self, k: Any) -> Square:
        """K times it."""
        return Square(*(np.where(np.equal(x, 0), 0.0, k * x) for x in self))


UNBOUNDED = Square(np.inf, 0.0, 0.0)
NOTHING = Square(-np.inf, 0.0, 0.0)
ZERO = Square(0.0, 0.0, 0.0)
_LOG2, _LOG_PI = math.log(2), math.log(math.pi)


def _highest(*parts: Square) -> Square:
    return Square(*(reduce(np.maximum, x) for x in zip(*parts, strict=True)))


def _only(where: Any, part: Square) -> Square:
    """What counts only there."""
    return Square(*(np.where(where, p, n) for p, n in zip(part, (-np.inf, -np.inf, -np.inf), strict=True)))


def _sum(*parts: Square) -> Square:
    """The logarithm of a sum of exponentials: at most that of the sum of exp(a), with the largest b and c."""
    a = reduce(np.logaddexp, [p.a for p in parts])
    return Square(a, *(reduce(np.maximum, x) for x in list(zip(*parts, strict=True))[1:]))


def _bound(p: Square) -> Any:
    """The largest exp(a + b T + c T²) of all T >= 0 where nothing grows, else infinite."""
    return np.where(np.less_equal(p.b, 0) & np.less_equal(p.c, 0), np.exp(p.a), np.inf)


def _positive(p: Square) -> Square:
    return _highest(p, ZERO)


_BOUNDED: dict[Any, float] = {
    sp.tanh: 0.0, sp.erf: 0.0, sp.erfc: _LOG2, sp.sin: 0.0, sp.cos: 0.0, sp.sign: 0.0, sp.Heaviside: 0.0,
    functions.Phi: 0.0, sp.atan: math.log(math.pi / 2), sp.asin: math.log(math.pi / 2), sp.acos: math.log(math.pi),
    "Tanh": 0.0, "Logistic": 0.0, "Cdf": 0.0,
}  # fmt: skip
_TAILS = (functions.Phi, "Cdf", "Logistic")


class Growth:
    """The growth of one expression in the variables z."""

    def __init__(self, e: sp.Expr, variables: Sequence[sp.Symbol]) -> None:
        self.e, self.z = e, tuple(variables)
        self._coefficients: dict[sp.Expr, Callable[..., Any]] = {}
        self._side = 0  # of z in one variable, where only one is looked at

    def beyond(self, reach: Any, given: Mapping[sp.Symbol, Any]) -> Any:
        """A bound of E[|e|; some |z_k| > reach] for independent standard normal z_k, infinite where there is none."""
        self.given, self.reach = given, np.asarray(reach, dtype=np.float64)
        if len(self.z) > 1:
            return self._outside(0)
        return 0.5 * (self._outside(1) + self._outside(-1))

    def _outside(self, side: int) -> Any:
        """The same for z of one sign, counted twice."""
        self._side = side
        with np.errstate(all="ignore"):
            log = self.size(self.e)
            # ∫ exp(a + b t + c t²) φ(R + t) dt over t >= 0, for both signs.
            b, c = log.b - self.reach, log.c - 0.5
            spread = np.where(c < 0, -c, np.nan)
            whole = 0.5 * np.log(0.5 / spread) + _log_erfcx(-0.5 * b / np.sqrt(spread))
            # A bound that is large but finite says that a longer reach will do.
            outside = np.exp(np.minimum(log.a - 0.5 * self.reach**2 + whole, 600.0))
            one = np.exp(np.minimum(log.a, 700.0))
            n = len(self.z)
            found = n * outside * (1 + outside / np.maximum(one, 1e-300)) ** (n - 1) if n > 1 else outside
        self._side = 0
        return np.where(np.isnan(found) | np.isposinf(log.a), np.inf, found)

    def diverges(self, reach: Any, given: Mapping[sp.Symbol, Any]) -> Any:
        """Whether |e| times the density is proved to have no integral."""
        self.given, self.reach = given, np.asarray(reach, dtype=np.float64)
        with np.errstate(all="ignore"):
            log = self.least(self.e)
        b, c = np.asarray(log.b), np.asarray(log.c)
        return np.isfinite(log.a) & ((c > 0.5) | ((c == 0.5) & (b >= self.reach)))

    # ---- logarithms of sizes

    def size(self, e: sp.Expr) -> Square:
        """log|e| from above."""
        if not e.free_symbols & set(self.z):
            return Square(np.log(np.abs(self._number(e))), 0.0, 0.0)
        if e in self.z:
            return Square(np.log(self.reach), 1 / self.reach, 0.0)
        kind = type(e) if type(e) in _BOUNDED else type(e).__name__
        if kind in _BOUNDED:
            return Square(_BOUNDED[kind], 0.0, 0.0) if kind not in _TAILS else self.top(sp.log(e, evaluate=False), 1)
        if e.is_Mul:
            return reduce(Square.__add__, [self.size(a) for a in e.args])
        if e.is_Add:
            return _sum(*(self.size(a) for a in e.args))
        if isinstance(e, sp.exp):
            return self.top(e.args[0], 1)
        if e.is_Pow and e.exp.is_number:
            k = float(e.exp)
            return self.size(e.base).scaled(k) if k > 0 else self.least(e.base).scaled(k)
        if e.is_Pow:
            return self.top(e.exp * sp.log(e.base), 1)
        if isinstance(e, sp.Abs | sp.asinh):
            return self.size(e.args[0])
        if isinstance(e, sp.Max | sp.Min):
            return _highest(*(self.size(a) for a in e.args))
        if isinstance(e, sp.Piecewise):
            return _highest(*(_only(may, self.size(a)) for a, may in self._branches(e)))
        return self._size_of_function(e)

    def _size_of_function(self, e: sp.Expr) -> Square:
        name = type(e).__name__
        u = e.args[0]
        if isinstance(e, functions.NormalDensity):
            return self.top(-(u**2) / 2, 1)
        if isinstance(e, sp.sinh | sp.cosh):
            return self.top(sp.Abs(u, evaluate=False), 1)
        if name == "Expm1":
            return _positive(self.top(u, 1))
        if name == "Softplus":
            return _sum(Square(math.log(_LOG2), 0.0, 0.0), self.size(u))
        if name in ("Root", "PlusRoot"):
            both = _sum(self.size(u), Square(0.5 * np.log(self._number(e.args[1])), 0.0, 0.0))
            return both if name == "Root" else both + Square(_LOG2, 0.0, 0.0)
        if name == "Erfcx":
            return _positive(self.top(u**2, 1)) + Square(_LOG2, 0.0, 0.0)
        if name == "Log1p":
            return self.size(sp.log(1 + u, evaluate=False))
        if isinstance(e, sp.log) or name == "LogCdf":
            value = _highest(self.top(e, 1), self.top(e, -1), Square(1e-3, 0.0, 0.0))
            # p0 + p1 T + p2 T² <= p0 (1 + r T)².
            r = np.maximum(0.5 * value.b / value.a, np.sqrt(np.maximum(value.c, 0.0) / value.a))
            return Square(np.log(value.a), 2 * r, 0.0)
        return UNBOUNDED

    def least(self, e: sp.Expr) -> Square:
        """log|e| from below."""
        if not e.free_symbols & set(self.z):
            return Square(np.log(np.abs(self._number(e))), 0.0, 0.0)
        name = type(e).__name__
        if e in self.z:
            # In one variable |z| = R + t.
            return Square(np.log(self.reach), 0.0, 0.0) if len(self.z) == 1 else NOTHING
        if isinstance(e, sp.Abs):
            return self.least(e.args[0])
        if e.is_Mul:
            return reduce(Square.__add__, [self.least(a) for a in e.args])
        if isinstance(e, sp.exp):
            return self.top(e.args[0], -1).scaled(-1)
        if e.is_Pow and e.exp.is_number:
            k = float(e.exp)
            return self.least(e.base).scaled(k) if k > 0 else self.size(e.base).scaled(k)
        if e.is_Pow:
            return self.top(e.exp * sp.log(e.base), -1).scaled(-1)
        if isinstance(e, functions.Phi) or name in ("Cdf", "Logistic"):
            return self.top(sp.log(e, evaluate=False), -1).scaled(-1)
        if isinstance(e, sp.cosh):
            return ZERO
        if name == "Erfcx":
            # erfcx(u) >= 1/(√π (1 + 2 |u|)) for u >= 0, and 1 for u < 0.
            far = self.size(e.args[0]) + Square(_LOG2, 0.0, 0.0)
            return (_log_of_sum(far) + Square(0.58, 0.0, 0.0)).scaled(-1)
        if name == "Softplus":
            return Square(-_LOG2, 0.0, 0.0) + _positive(self.top(e.args[0], -1)).scaled(-1)
        if name == "Root":
            return Square(0.5 * np.log(self._number(e.args[1])), 0.0, 0.0)
        if e.is_Add:
            if all(a.is_extended_nonnegative or (a.is_Pow and a.exp.is_even) for a in e.args):
                # Any of the terms will do; a number is the surest.
                first = sorted(e.args, key=lambda a: bool(a.free_symbols & set(self.z)))[0]
                return self.least(first)
            return self._least_polynomial(e)
        return NOTHING

    def _least_polynomial(self, e: sp.Expr) -> Square:
        """A polynomial in one variable beyond R, from its leading term."""
        terms = _terms(e, self.z)
        if len(self.z) > 1 or terms is None:
            return self._least_sum(e)
        (degree,) = max(terms)
        sizes = {k: np.abs(self._number(c)) * self.reach**k for (k,), c in terms.items()}
        rest = sum(s for k, s in sizes.items() if k < degree)
        return Square(np.log(np.maximum(sizes[degree] - rest, 0.0)), 0.0, 0.0)

    def _least_sum(self, e: sp.Expr) -> Square:
        """A sum of which one term is larger than all others together, which are bounded: 2 + tanh(z), z + sin(z)."""
        found, sizes = NOTHING, [_bound(self.size(a)) for a in e.args]
        for k, a in enumerate(e.args):
            low, rest = self.least(a), sum(sizes[:k] + sizes[k + 1 :])
            start = np.where(np.less(low.b, 0) | np.less(low.c, 0), 0.0, np.exp(low.a))
            # What rounding may add to the difference is no size.
            left = np.where(rest < start, (start - rest) * (1 - 1e-12) - 1e-12 * start, 0.0)
            found = _highest(found, Square(np.log(np.maximum(left, 0.0)), 0.0, 0.0))
        return found

    def _branches(self, e: sp.Piecewise) -> list[tuple[sp.Expr, Any]]:
        """The values of a Piecewise, and whether each can be the one beyond R on the side that is looked at."""
        left = np.asarray(True)
        found = []
        for value, condition in e.args:
            yes, no = self._beyond_doubt(condition)
            found.append((value, left & ~no))
            left = left & ~yes
        return found

    def _beyond_doubt(self, condition: sp.Basic) -> tuple[Any, Any]:
        """Whether a condition holds for all |z| >= R on this side, and whether for none."""
        if condition in (sp.true, sp.false):
            return np.asarray(condition is sp.true), np.asarray(condition is sp.false)
        if isinstance(condition, sp.And | sp.Or):
            parts = [self._beyond_doubt(a) for a in condition.args]
            both, either = np.logical_and.reduce, np.logical_or.reduce
            yes, no = (both, either) if isinstance(condition, sp.And) else (either, both)
            return yes([p[0] for p in parts]), no([p[1] for p in parts])
        u = condition.gts - condition.lts if isinstance(condition, sp.Rel) and condition.rel_op[0] in "<>" else None
        terms = _terms(u, self.z) if u is not None and self._side else None
        if terms is None or max(terms) > (1,):
            return np.asarray(False), np.asarray(False)
        slope, start = (k * self._number(terms.get((n,), sp.S.Zero)) for n, k in ((1, self._side), (0, 1)))
        edge = start + slope * self.reach
        sure = 1e-12 * (np.abs(start) + np.abs(slope) * self.reach)
        return (edge > sure) & (slope >= 0), (edge < -sure) & (slope <= 0)

    # ---- values

    def top(self, e: sp.Expr, side: int) -> Square:
        """``side`` times e from above, for a real e."""
        if not e.free_symbols & set(self.z):
            return Square(side * self._number(e), 0.0, 0.0)
        if (terms := _terms(e, self.z)) is not None:
            return ZERO if len(self.z) > 1 and (side * e).is_nonpositive else self._top_polynomial(terms, side)
        if isinstance(e, sp.exp) and side < 0 and len(self.z) == 1:
            low = self.top(e.args[0], -1)
            if np.all(np.less_equal(low.a, 0) & np.less_equal(low.b, 0) & np.equal(low.c, 0)):
                # exp(u) >= 1 + u + u²/2 for u >= 0.
                a, b = -low.a, -low.b
                return Square(-1 - a - a * a / 2, -b - a * b, -b * b / 2)
        if e.is_Pow and isinstance(e.base, sp.sinh) and e.exp.is_even and side < 0:
            # sinh² u >= u².
            return self.top(e.base.args[0] ** e.exp, -1)
        if e.is_extended_nonnegative if side < 0 else e.is_extended_nonpositive:
            return ZERO
        if e.is_Add:
            return reduce(Square.__add__, [self.top(a, side) for a in e.args])
        if e.is_Mul:
            number, rest = e.as_independent(*self.z)
            if number != 1:
                value = self._number(number)
                up, down = self.top(rest, side), self.top(rest, -side)
                return Square(*(np.where(value > 0, x * value, -value * y) for x, y in zip(up, down, strict=True)))
        if isinstance(e, sp.Abs):
            return _highest(self.top(e.args[0], 1), self.top(e.args[0], -1)) if side > 0 else ZERO
        if isinstance(e, sp.Max | sp.Min):
            together = (side > 0) == isinstance(e, sp.Max)
            return _highest(*(self.top(a, side) for a in e.args)) if together else self.top(e.args[0], side)
        if isinstance(e, sp.Piecewise):
            return _highest(*(_only(may, self.top(a, side)) for a, may in self._branches(e)))
        if isinstance(e, sp.log) or type(e).__name__ == "LogCdf":
            return self._top_log(e, side)
        if type(e).__name__ == "Softplus":
            return Square(_LOG2, 0.0, 0.0) + _positive(self.top(e.args[0], 1)) if side > 0 else ZERO
        log = self.size(e)
        bounded = (np.asarray(log.b) <= 0) & (np.asarray(log.c) <= 0)
        return Square(np.where(bounded, np.exp(log.a), np.inf), 0.0, 0.0)

    def _top_log(self, e: sp.Expr, side: int) -> Square:
        u = e.args[0]
        name = type(e).__name__ if type(e).__name__ == "LogCdf" else type(u).__name__
        inner = u if name == "LogCdf" else u.args[0] if u.args else u
        if name in ("Phi", "Cdf", "LogCdf"):
            if side > 0:
                # Φ(x) <= exp(-x²/2) for x < 0, but the side is not known here.
                return ZERO
            # 1/Φ(x) <= √(2π) exp(x²/2) (1 + |x|) (Komatu 1955).
            far = self.size(inner)
            return Square(0.92, 0.0, 0.0) + self.top(inner**2 / 2, 1) + _log_of_sum(far)
        if name == "Logistic":
            return ZERO if side > 0 else Square(_LOG2, 0.0, 0.0) + _positive(self.top(inner, -1))
        return self.size(u) if side > 0 else self.least(u).scaled(-1)

    def _top_polynomial(self, terms: Terms, side: int) -> Square:
        if len(self.z) > 1 and max(map(sum, terms)) == _QUADRATIC:
            return self._top_quadratic(terms, side)
        total = ZERO
        R = self.reach
        squares: dict[tuple[int, ...], Any] = {}
        for powers, c in terms.items():
            value = side * self._number(c)
            degree = sum(powers)
            if degree == 0:
                total = total + Square(value, 0.0, 0.0)
            elif degree == 1:
                k = value * self._side if self._side else np.abs(value)
                total = total + Square(k * R, k, 0.0)
            elif degree == 2 and len(self.z) == 1:
                # In one variable |z| = R + t.
                total = total + Square(value * R * R, 2 * value * R, value)
            elif degree == 2:
                squares[powers] = value
            else:
                total = total + self._top_high(value, powers)
        if squares:
            # zᵀQz <= λ Σ (R + t_k)² for the largest rate, or 0.
            k = np.maximum(_axes(squares)[1][..., -1], 0.0)
            total = total + Square(len(self.z) * k * R * R, 2 * k * R, k)
        return total

    def _top_quadratic(self, given: Terms, side: int) -> Square:
        """Along each axis of the quadratic form: its maximum where it falls, else its growth."""
        n, R = len(self.z), self.reach
        terms = {p: side * self._number(c) for p, c in given.items()}
        start = terms.pop((0,) * n, 0.0)
        linear = {p.index(1): v for p, v in terms.items() if sum(p) == 1}
        axes, sizes = _axes({p: v for p, v in terms.items() if sum(p) == 2})
        total = Square(start, 0.0, 0.0)
        for j in range(n):
            along = np.abs(sum((v * axes[..., k, j] for k, v in linear.items()), np.zeros(())))
            spread = np.abs(axes[..., :, j])
            far = Square(along * R * spread.sum(axis=-1), along * spread.max(axis=-1), 0.0)
            falls = np.minimum(sizes[..., j], 0.0)
            top = np.where(falls < 0, along**2 / np.where(falls < 0, -4 * falls, 1.0), np.inf)
            better = top < far.a
            total = total + Square(np.where(better, top, far.a), np.where(better, 0.0, far.b), 0.0)
        k = np.maximum(sizes[..., -1], 0.0)
        return total + Square(n * k * R * R, 2 * k * R, k)

    def _top_high(self, value: Any, powers: tuple[int, ...]) -> Square:
        """A monomial of more than the second degree: one that falls falls at least as its square does beyond R."""
        if not all(k % 2 == 0 for k in powers):
            return Square(np.where(np.equal(value, 0), 0.0, np.inf), 0.0, 0.0)
        R = self.reach
        k = value * R ** (powers[0] - 2) if len(powers) == 1 else 0.0 * value
        k = np.where(value <= 0, k, 0.0)
        return Square(np.where(value <= 0, k * R * R, np.inf), 2 * k * R, k)

    def _number(self, e: sp.Expr) -> Any:
        if e not in self._coefficients:
            names = sorted(e.free_symbols, key=str)
            self._coefficients[e] = _compiled(e, names)
        return self._coefficients[e](self.given)


@lru_cache(maxsize=4096)
def _terms(e: sp.Expr, z: tuple[sp.Symbol, ...]) -> Terms | None:
    """The coefficients of a polynomial by its powers; None for what is none."""
    return dict(sp.Poly(e, *z).terms()) if e.is_polynomial(*z) else None


def _axes(squares: Mapping[tuple[int, ...], Any]) -> tuple[Any, Any]:
    """The axes of a quadratic form given by its monomials, and its rates along them, a little too large."""
    n = len(next(iter(squares)))
    shape = np.broadcast_shapes(*(np.shape(v) for v in squares.values()))
    form = np.zeros((*shape, n, n))
    for powers, value in squares.items():
        own = [k for k, p in enumerate(powers) for _ in range(p)]
        form[..., own[0], own[1]] += 0.5 * np.asarray(value)
        form[..., own[1], own[0]] += 0.5 * np.asarray(value)
    finite = np.asarray(np.isfinite(form).all(axis=(-2, -1)))
    rates, axes = np.linalg.eigh(np.where(finite[..., None, None], form, 0.0))
    rates = rates + 1e-14 * np.abs(form).sum(axis=(-2, -1))[..., None]
    return axes, np.where(finite[..., None], rates, np.inf)


def _log_erfcx(y: Any) -> Any:
    """A bound of log(exp(y²) erfc(y)), right to a twentieth for y > 0 (Abramowitz & Stegun 1964, 7.1.13)."""
    up = np.maximum(y, 0.0)
    return np.where(y > 0, _LOG2 - 0.5 * _LOG_PI - np.log(up + np.sqrt(up * up + 4 / np.pi)), y * y + _LOG2)


def _log_of_sum(log: Square) -> Square:
    """log(1 + exp(a + b T + c T²)), for c = 0 <= b."""
    return Square(np.logaddexp(0.0, log.a), np.maximum(log.b, 0.0), np.maximum(log.c, 0.0))


def _compiled(e: sp.Expr, names: Sequence[sp.Symbol]) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
    from derive.quadrature.discs import Disc
    from derive.quadrature.reading import Reading

    reading = Reading([e])

    def value(given: Mapping[sp.Symbol, Any]) -> Any:
        (found,), _ = reading({s: Disc(np.asarray(given[s], dtype=np.float64), np.zeros(())) for s in names})
        return found.mid

    return value
