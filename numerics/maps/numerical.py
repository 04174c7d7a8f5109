"""The maps of mean-field theory for any activation, as arrays with the error of every number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sympy import Expr, Symbol

from derive.activations import Activation
from derive.errors import InputError
from derive.gaussian import NoClosedForm
from derive.maps import symbols
from derive.maps.symbols import sigma_b2, sigma_w2
from derive.quadrature import Bounded, CannotRead
from derive.quadrature.discs import EPS, Disc
from numerics.activations import formula
from numerics.maps.at_point import MapsAt, maps_at
from numerics.maps.closed import closed_form
from numerics.maps.definitions import GAP, Definition, Integral, definition
from numerics.maps.evaluation import Values, evaluate, number
from numerics.maps.fast import METHOD, Fast
from numerics.maps.hermite import ORDERS, series
from numerics.maps.one_unit import expectation
from numerics.maps.pairs import Pairs, Points
from numerics.maps.values import Array, bounded, named, numbers_of, one_or_many, variances_of
from numerics.programs import check_backend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("auto", "closed form", "quadrature")
GOOD = 2e-13
"""The largest relative error with which a closed form is used in place of quadrature."""

_NEAR = 1e-3  # up to this share of v² in q, K of a function with jumps is E[f²] less what the samples differ by
_BY_PRICE = ("chi_par", "second_moment_slope")
"""Maps with a second definition."""

_SYMBOLS = {"q": symbols.q, "q1": symbols.q_1, "q2": symbols.q_2, "rho": symbols.rho}
_SYMBOLS |= {"gap": GAP, "m": symbols.m, "v": symbols.v}


def checked_method(method: str) -> str:
    """Return one of `METHODS`; raise `InputError` for another."""
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    return method


class NumericalMaps:
    r"""Maps of a wide layer ``s' = W f(s) + b`` with weights of variance σ_w²/N and biases of variance σ_b².

    A pre-activation is normal with mean 0 and variance q; two of them (for two inputs) have correlation ρ. Each map is
    evaluated from its definition in `derive.maps.Maps`: the expectations in it by their closed form or by quadrature,
    each with its bound.

    Args:
        activation: a name for `derive.activations.activation`, or an `Activation`.
        weight_variance: σ_w², the weight variance times the fan-in N: a number, or an array that broadcasts against
            the arguments of the maps.
        bias_variance: σ_b², likewise.
        method: ``"auto"`` takes a closed form where the engine derives one and its rounding error is below 2e-13,
            and quadrature elsewhere; ``"closed form"`` and ``"quadrature"`` insist. Arrays of 256 points or more, and
            every separation, go through a compiled closed form without cancellation where one is certified.
        backend: ``numpy``, or ``numba`` (extra ``fast``) for the compiled closed forms.

    Raises:
        InputError: for an argument that breaks a rule, and by ``"closed form"`` where there is none.

    >>> maps = NumericalMaps("relu", weight_variance=2.0)
    >>> float(maps.length_map(0.7).value)
    0.7
    >>> maps.chi_perp(1.0).method
    array('closed form', dtype=object)
    >>> NumericalMaps("relu", weight_variance=[[1.0], [2.0]]).length_map([0.5, 0.7]).value
    array([[0.25, 0.35],
           [0.5 , 0.7 ]])

    """

    def __init__(
        self,
        activation: str | Activation,
        *,
        weight_variance: ArrayLike = 1.0,
        bias_variance: ArrayLike = 0.0,
        method: str = "auto",
        backend: str = "numpy",
    ) -> None:
        checked_method(method)
        check_backend(backend)
        self.activation = named(activation)
        formula(self.activation)  # which refuses free parameters
        self.weight_variance = one_or_many("weight_variance", weight_variance)
        self.bias_variance = one_or_many("bias_variance", bias_variance)
        self.method = method
        self._pairs = Pairs(self.activation)
        self._fast = Fast(
            self.activation,
            self.weight_variance,
            self.bias_variance,
            used=method != "quadrature",
            backend=backend,
        )

    def mean(self, q: ArrayLike) -> Bounded:
        """E[f(s)], s ~ N(0, q)."""
        return self._map("mean", q=q)

    def second_moment(self, q: ArrayLike) -> Bounded:
        """E[f(s)²], s ~ N(0, q)."""
        return self._map("second_moment", q=q)

    def slope_second_moment(self, q: ArrayLike) -> Bounded:
        """E[f'(s)²], s ~ N(0, q); infinite if f jumps."""
        return self._map("slope_second_moment", q=q)

    def second_moment_slope(self, q: ArrayLike) -> Bounded:
        """dE[f²]/dq = E[s f f']/q."""
        return self._map("second_moment_slope", q=q)

    def length_map(self, q: ArrayLike) -> Bounded:
        """Q' = σ_w² E[f²] + σ_b² (Poole et al. 2016, equation 3)."""
        return self._map("length_map", q=q)

    def chi_perp(self, q: ArrayLike) -> Bounded:
        """χ_⊥ = σ_w² E[f'²]: by how much a layer stretches a small difference (Poole et al. 2016, equation 6)."""
        return self._map("chi_perp", q=q)

    def chi_par(self, q: ArrayLike) -> Bounded:
        """χ_∥ = dq'/dq, the slope of the length map (Roberts, Yaida & Hanin 2022, section 5.1)."""
        return self._map("chi_par", q=q)

    def slope_at_zero(self, q: ArrayLike) -> Bounded:
        """The slope of the correlation map at correlation 0, σ_w² q E[f']²/q'; f' is a distribution where f jumps."""
        return self._map("slope_at_zero", q=q)

    def slope_at_one(self, q: ArrayLike) -> Bounded:
        """The slope of the correlation map at correlation 1, χ_⊥ q/q'."""
        return self._map("slope_at_one", q=q)

    def covariance(self, q: ArrayLike, rho: ArrayLike, q2: ArrayLike | None = None) -> Bounded:
        """E[f(u1) f(u2)] for variances q and q2 (= q when left out) and correlation ρ."""
        return self._of_two("covariance", q, rho, q2)

    def separation(self, q: ArrayLike, gap: ArrayLike) -> Bounded:
        """E[f²] - E[f(u1) f(u2)] = E[(f(u1) - f(u2))²]/2 at variance q and correlation ρ = 1 - gap.

        Computed without subtracting: accurate for every gap > 0.
        """
        return self._map("separation", q=q, gap=gap)

    def covariance_map(self, q: ArrayLike, rho: ArrayLike, q2: ArrayLike | None = None) -> Bounded:
        """σ_w² E[f(u1) f(u2)] + σ_b² (Poole et al. 2016, equation 4)."""
        return self._of_two("covariance_map", q, rho, q2)

    def correlation_map(self, q: ArrayLike, rho: ArrayLike) -> Bounded:
        """ρ' = (σ_w² E[f(u1) f(u2)] + σ_b²)/q' for two inputs of the same variance q (q' by the length map)."""
        return self._map("correlation_map", q=q, rho=rho)

    def gap_map(self, q: ArrayLike, gap: ArrayLike) -> Bounded:
        """1 - ρ' for correlation ρ = 1 - gap, accurate for every gap > 0."""
        return self._map("gap_map", q=q, gap=gap)

    def K(self, m: ArrayLike, v: ArrayLike) -> Bounded:
        """E_mu[(E_nu f(mu + nu))²] for mu ~ N(0, m²) over networks and nu ~ N(0, v²) over samples."""
        return self._map("K", m=m, v=v)

    def mean_square_map(self, m: ArrayLike, v: ArrayLike) -> Bounded:
        """m'² = σ_w² K(m, v) + σ_b²: the variance over networks of the next layer's mean over samples."""
        return self._map("mean_square_map", m=m, v=v)

    def sample_variance_map(self, m: ArrayLike, v: ArrayLike) -> Bounded:
        """v'² = σ_w² E_mu[Var_nu f(mu + nu)]: the next layer's variance over samples, averaged over networks.

        Without cancellation for every v: it is σ_w² E[(f(mu + nu1) - f(mu + nu2))²]/2 (law of total variance).
        """
        return self._map("sample_variance_map", m=m, v=v)

    def hermite_coefficients(self, q: ArrayLike, order: int) -> Bounded:
        """The first ``order`` a_k of f(√q z) = Σ a_k He_k(z)/√k!; a_k² are the coefficients of the dual activation.

        Of shape (order,), or (..., order) for an array q.
        """
        if not 1 <= order <= ORDERS[-1]:
            raise InputError(f"order must be from 1 to {ORDERS[-1]}, got {order}")
        variances, terms = variances_of("q", q), next(n for n in ORDERS if n >= order)
        values, errors = np.empty((2, *variances.shape, order))
        for place in np.ndindex(variances.shape):
            found = series(self.activation, float(variances[place]), terms)
            if found is None:
                raise InputError(
                    f"Hermite coefficients of {self.activation} at q = {variances[place]} need too many nodes"
                )
            values[place] = found.coefficients[:order]
            errors[place] = np.broadcast_to(found.error, found.coefficients.shape)[:order]
        return Bounded(values, errors)

    def at(self, q: float = 1.0, rho: float = 0.5) -> MapsAt:
        """Every map at variance q and correlation ρ, as a table; those over samples at m² = ρq and v² = (1 - ρ)q."""
        return maps_at(self, q, rho)

    def plot(self, q: float = 1.0, *, ax: Any = None) -> Figure:
        """Return the length map around q and the correlation map at q as a figure, for one weight and bias variance."""
        from numerics.figures.activation import plot_maps

        w, b = self.weight_variance, self.bias_variance
        if not (isinstance(w, float) and isinstance(b, float)):
            raise InputError("weight_variance and bias_variance must be numbers for a figure, not arrays")
        options = {} if ax is None else {"ax": ax}
        return plot_maps(self.activation, weight_variance=w, bias_variance=b, q=q, **options)

    def __repr__(self) -> str:
        given = {"weight_variance": self.weight_variance, "bias_variance": self.bias_variance}
        shown = (f"{name} = " + (f"{v:g}" if isinstance(v, float) else f"{v.size} values") for name, v in given.items())
        return f"<NumericalMaps: {self.activation}, {', '.join(shown)}>"

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name.startswith("_"))

    # ---- from definitions

    def _map(self, name: str, **given: ArrayLike) -> Bounded:
        """A map: by its compiled form, or from its definition."""
        return self._fast(name, **given) or self._defined(name, given)

    def _of_two(self, name: str, q: ArrayLike, rho: ArrayLike, q2: ArrayLike | None) -> Bounded:
        found = self._fast(name, q=q, rho=rho) if q2 is None else None
        return found or self._defined(name, {"q1": q, "rho": rho, "q2": q if q2 is None else q2})

    def _defined(self, name: str, given: Mapping[str, ArrayLike]) -> Bounded:
        checked = {"q": variances_of, "q1": variances_of, "q2": variances_of, "rho": bounded, "gap": bounded}
        if "m" in given:
            variances_of("m² + v²", numbers_of("m", given["m"]) ** 2 + numbers_of("v", given["v"]) ** 2)
        values = [
            checked[title]("q" if title == "q1" else title, x) if title in checked else np.abs(numbers_of(title, x))
            for title, x in given.items()
        ]
        at = dict(zip((_SYMBOLS[title] for title in given), np.broadcast_arrays(*values), strict=True))
        found = self._evaluated(name, at)
        if name in _BY_PRICE and (found.error > GOOD * np.abs(found.value)).any():
            # E[s f f']/q cancels at a small q if f(0) is not 0.
            other = f"{name}_by_price"
            if _definition(self.activation, other) is not None:
                return _best(found, self._evaluated(other, at))
        return found

    def _evaluated(self, name: str, at: Mapping[Symbol, Array]) -> Bounded:
        """The number of a definition; infinite where it holds an expectation that is."""
        shape = np.broadcast_shapes(*(np.shape(v) for v in at.values()))
        weights = np.asarray(self.weight_variance)
        found = _definition(self.activation, name)
        if found is None:
            value = np.asarray(np.inf) if name == "slope_second_moment" else np.where(weights == 0, 0.0, np.inf)
            value = np.broadcast_to(value, np.broadcast_shapes(shape, value.shape))
            return Bounded(value, np.zeros(value.shape), reason=self._jump())
        (result,) = found.results
        fixed = {sigma_w2: weights, sigma_b2: np.asarray(self.bias_variance)}
        used = result.free_symbols
        values = {s: v for s, v in {**at, **fixed}.items() if s in used or s in at}
        # With weights of variance 0 no expectation counts, not even an infinite one.
        nothing = (weights == 0) & (sigma_w2 in used)
        zeros = dict.fromkeys(found.integrals, Bounded(np.zeros(shape), np.zeros(shape)))
        if nothing.all():
            return evaluate(result, values, zeros)
        # The expectations are of the arguments alone.
        whole = evaluate(result, values, {s: self.integral(i, at) for s, i in found.integrals.items()})
        if not nothing.any():
            return whole
        return _either(np.broadcast_to(nothing, whole.value.shape), evaluate(result, values, zeros), whole)

    def _jump(self) -> str:
        return f"E[f'^2] is infinite, since f jumps at {', '.join(map(str, self.activation.jumps))}"

    def integral(self, integral: Integral, at: Mapping[Symbol, Array]) -> Bounded:
        """An integral of a definition."""
        law = [number(e, at) for e in integral.law]
        if integral.kind == "separation":
            return self._separation(law[0], np.clip(law[1], 0.0, 2.0))
        if integral.kind == "covariance":
            return self._covariance(law[0], np.clip(law[2], -1.0, 1.0), law[1], law[3])
        return self._one(integral, law[0])

    # ---- how

    def _one(self, integral: Integral, q: Array) -> Bounded:
        """An integral of one unit by its closed form where that is good, and by quadrature."""
        shape, q = q.shape, q.ravel()
        points, todo, reason = Points(q.shape, "quadrature"), np.ones(q.shape, dtype=bool), ""
        if self.method != "quadrature" and integral.kind not in ("deviation", "other"):
            todo = self._by_closed_form(integral.kind, {symbols.q: q}, points)
        if todo.any():
            assert integral.integrand is not None  # of one unit
            found = self._expectation(integral.integrand, q[todo])
            reason = found.reason
            if integral.kind in _SCALES:
                found = _scaled(found, _SCALES[integral.kind](q[todo]))
            points.put(np.flatnonzero(todo), found.value, found.error, found.method)
        return points.bounded(shape, reason)

    def _expectation(self, integrand: Expr, q: Array) -> Bounded:
        return expectation(integrand, self.activation.symbol, q)

    @cached_property
    def _degree(self) -> float | None:
        """The degree k of a homogeneous f: then every expectation of two units is q^k times that at q = 1."""
        degree = self.activation.homogeneity
        return None if degree is None else float(degree)

    def _covariance(self, q: ArrayLike, second: ArrayLike, q2: ArrayLike, gap: ArrayLike | None = None) -> Bounded:
        """E[f(u1) f(u2)]; ``gap`` is 1 - ρ where that is known better than ρ."""
        first, other, last = np.broadcast_arrays(variances_of("q", q), bounded("rho", second), variances_of("q2", q2))
        shape = first.shape
        gaps = np.broadcast_to(1 - other if gap is None else gap, shape).ravel()
        first, other, last = first.ravel(), other.ravel(), last.ravel()
        gaps = np.where(np.isnan(gaps), 1 - other, gaps)
        points, todo = Points(first.shape), np.ones(first.shape, dtype=bool)
        same = first == last
        if self.method != "quadrature" and same.all():
            common = first * np.where(gaps < 0.5, 1 - gaps, other)
            todo = self._by_closed_form(
                "covariance", {symbols.q: first, symbols.c: Disc(common, EPS * np.abs(common))}, points
            )
            self._from_separation(todo, first, gaps, points)
        if self._degree is not None and todo.any() and (first[todo] * last[todo] != 1).any():
            # Roots first: a product of variances may leave float64.
            scale = np.sqrt(first[todo]) ** self._degree * np.sqrt(last[todo]) ** self._degree
            unit = _scaled(self._covariance(1.0, other[todo], 1.0, gaps[todo]), scale)
            points.put(np.flatnonzero(todo), unit.value, unit.error, unit.method)
            todo[:] = False
        for pair in np.unique(np.stack([first[todo], last[todo]]), axis=1).T:
            here = np.flatnonzero(todo & (first == pair[0]) & (last == pair[1]))
            points.put(here, *self._pairs.covariance(float(pair[0]), float(pair[1]), other[here]))
            points.reason = points.reason or self._pairs.reason
        near = np.flatnonzero(same & (gaps < _NEAR))
        if self.activation.jumps and len(near):
            # Where f jumps, 1 - ρ must be known better than ρ.
            points.put(near, *_less(self.second_moment(first[near]), self._separation(first[near], gaps[near])))
        return points.bounded(shape)

    def _separation(self, q: ArrayLike, second: ArrayLike) -> Bounded:
        """E[(f(u1) - f(u2))²]/2."""
        first, other = np.broadcast_arrays(variances_of("q", q), bounded("gap", second))
        if self._degree is not None and (first != 1).any():
            return _scaled(self.separation(np.ones(first.shape), other), first**self._degree)
        shape = first.shape
        first, other = first.ravel(), other.ravel()
        points = Points(first.shape)
        for variance_ in np.unique(first):
            here = np.flatnonzero(first == variance_)
            points.put(here, *self._pairs.separation(float(variance_), other[here]))
            points.reason = points.reason or self._pairs.reason
        poor = np.flatnonzero(~np.isfinite(points.error))
        if len(poor):
            covariance = self._covariance(first[poor], 1 - other[poor], first[poor])
            points.put(poor, *_less(self.second_moment(first[poor]), covariance))
        return points.bounded(shape)

    def _from_separation(self, todo: Any, q: Array, gaps: Array, points: Points) -> None:
        """Near correlation 1: E[f²] less the separation, since 1 - ρ is known better than ρq."""
        places = np.flatnonzero(todo & (gaps < 0.5))
        apart = self._fast("separation", q=q[places], gap=gaps[places])
        if apart is None:
            return
        whole = self.second_moment(q[places])
        points.put(places, *_less(whole, apart)[:2], METHOD)
        enough = np.maximum(GOOD * np.abs(points.value[places]), 1e-15 * np.abs(whole.value))
        todo[places] = points.error[places] > enough

    def _by_closed_form(self, what: str, at: Values, points: Points) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Fill in what the closed form gives well; return where something else is needed."""
        insist = self.method == "closed form"
        form = closed_form(self.activation, what)
        try:
            found = None if form is None else evaluate(form, at)
        except CannotRead:
            found = None
        if found is None:
            if insist:
                raise InputError(f"activation {self.activation} has no closed form of {what} that can be evaluated")
            return np.ones(points.value.shape, dtype=bool)
        good = np.isfinite(found.value) & (found.error <= GOOD * np.abs(found.value))
        # An exact zero (the mean of an odd function) is as good as a number can be.
        good |= (found.value == 0) & (found.error == 0)
        # The others are kept until something better is found.
        points.put(np.arange(found.value.size), found.value, found.error, "closed form")
        return ~good if not insist else np.zeros(good.shape, dtype=bool)


_SCALES: dict[str, Callable[[Array], Array]] = {"second_slope": lambda q: 0.5 / q, "deviation": np.sqrt}
"""What the expectation of an integrand is multiplied by."""


@lru_cache(maxsize=1024)
def _definition(activation: Activation, name: str) -> Definition | None:
    try:
        return definition(activation, name)
    except NoClosedForm:
        return None


def _scaled(found: Bounded, scale: Array) -> Bounded:
    with np.errstate(over="ignore"):
        value = found.value * scale
        return Bounded(value, found.error * scale + 8 * EPS * np.abs(value), found.method, found.reason)


def _less(whole: Bounded, part: Bounded) -> tuple[Array, Array, Any]:
    """The difference, its error and its method."""
    with np.errstate(invalid="ignore"):
        difference = whole.value - part.value
    return difference, whole.error + part.error + EPS * np.abs(difference), part.method


def _best(one: Bounded, other: Bounded) -> Bounded:
    return _either(other.error < one.error, other, one)


def _either(first: Any, one: Bounded, other: Bounded) -> Bounded:
    value, error = np.where(first, one.value, other.value), np.where(first, one.error, other.error)
    return Bounded(value, error, np.where(first, one.method, other.method), other.reason)
