"""What a map kernel is held against: many digits of the definition, or of the derived closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Function, Symbol, lambdify

from derive.activations import Activation
from derive.gaussian import NoClosedForm, numeric
from derive.gaussian.functions import BivariateNormalCDF, Phi
from derive.maps import Maps
from derive.proof.derivation import Derivation
from numerics.kernels.map_kernels import _plane_rule
from numerics.kernels.map_kernels.arguments import ARGUMENTS, PAIRS, STEP
from numerics.kernels.map_kernels.quadrature import integration_matrix, plane_rule
from numerics.maps import NumericalMaps
from numerics.maps.functions import Functions, functions
from numerics.maps.mesh import edges_on, rule, window
from numerics.stable_forms import precise

Point = Mapping[str, float]
Answer = tuple[Any, float]
"""A number, and the error that it may have itself."""

_DIGITS = 30
_NODES = 30
_MOST_DIGITS = 700
_STEP_OF_DIGITS = 20
_POOR, _ROOM = 1e-13, 10.0
_PARTS = {STEP: ("mean_square_map", "sample_variance_map")}


def reference(maps: Maps, name: str) -> tuple[Callable[[Point], tuple[Answer, ...]], str]:
    """Return the reference of a map, a function of its arguments, and what it is, in words."""
    parts = _PARTS.get(name, (name,))
    closed = [_closed_or_none(maps.find(part), part, squared=name == STEP) for part in parts]
    if None not in closed:
        words = f"mpmath {mpmath.__version__}, the derived closed form, to 20 digits or more"
        pairs = [(f, part) for f, part in zip(closed, parts, strict=True) if f is not None]
        return (lambda at: tuple(_at_ends(f, maps.activation, part, at) for f, part in pairs)), words
    if name in PAIRS:
        words = "numerics.maps, its own estimate of its error added, or where that is poor a finer rule that agrees"
        return (lambda at: tuple(_better(maps.activation, part, at) for part in parts)), words
    words = f"mpmath {mpmath.__version__}, Gauss-Legendre quadrature of the definition with {_DIGITS} digits"
    return (lambda at: ((_line(maps.activation, name, at), 0.0),)), words


# ---- by the derived closed form


def _closed_or_none(found: Derivation | NoClosedForm, name: str, *, squared: bool) -> Callable[[Point], Any] | None:
    if isinstance(found, NoClosedForm) or found.result.has(BivariateNormalCDF):
        return None
    return _closed(found.result, name, squared=squared)


def _at_ends(closed: Callable[[Point], Any], activation: Activation, name: str, at: Point) -> Answer:
    """The closed form, or at a correlation of 1 or -1, where it may be 0/0, the numerical map."""
    try:
        return closed(at), 0.0
    except ZeroDivisionError:
        return _better(activation, name, at)


def _closed(expression: Expr, name: str, *, squared: bool) -> Callable[[Point], Any]:
    """Return a closed form to 20 digits; ``squared`` says that m and v are given by their squares."""
    own = ARGUMENTS[name]
    by_name = {symbol.name: symbol for symbol in expression.free_symbols}
    modules = {"OwensT": lambda h, a: numeric.owens_t(mpmath.mp, h, a), "normal_cdf": mpmath.ncdf}
    # Printed as (1 + erf)/2 it would be 0 in the tail, with however many digits, and exp(2q) times it as well.
    printed = expression.replace(Phi, Function("normal_cdf"))
    compiled = lambdify([by_name.get(a, Symbol(a)) for a in own], printed, [modules, "mpmath"])

    def evaluate(at: Point) -> Any:
        # Tails are as small as exp(-2q): so many digits, that two evaluations do not agree on nothing.
        # In steps, so that the nodes of mpmath's quadratures, which it keeps by precision, are used again.
        before, digits = None, 40 + _STEP_OF_DIGITS * math.ceil(min(_variance(at), _MOST_DIGITS) / _STEP_OF_DIGITS)
        while True:
            with mpmath.workdps(digits):
                values = [
                    mpmath.sqrt(mpmath.mpf(at[f"{a}2"])) if squared and a in ("m", "v") else mpmath.mpf(at[a])
                    for a in own
                ]
                value = mpmath.re(compiled(*values))
                same = before is not None and abs(value - before) <= mpmath.mpf("1e-20") * abs(value)
                if same or digits > _MOST_DIGITS:
                    return value
            before, digits = value, 2 * digits

    return evaluate


def _variance(at: Point) -> float:
    """The largest variance of a pre-activation at a point."""
    shared = sum(at.get(a, 0.0) ** 2 + at.get(f"{a}2", 0.0) for a in ("m", "v"))
    return max(shared, *(at.get(a, 0.0) for a in ("q", "q_1", "q_2")))


# ---- by quadrature of the definition


def _line(activation: Activation, name: str, at: Point) -> Any:
    """A map of one variance, by its definition."""
    w, b = at.get("sigma_w2", 1.0), at.get("sigma_b2", 0.0)
    with mpmath.workdps(_DIGITS):
        found = _expectations(activation, at["q"])
        length = w * found["second"] + b
        chi = w * found["slope_second"]
        values = {
            "mean": found["mean"],
            "second_moment": found["second"],
            "length_map": length,
            "chi_perp": chi,
            "chi_par": w * found["second_slope"],
            "slope_at_zero": w * found["first"] ** 2 / length,
            "slope_at_one": chi * at["q"] / length,
            "backward_factor": chi * at.get("n_out", 1.0) / at.get("n_in", 1.0),
        }
        return values[name]


@lru_cache(maxsize=4096)
def _expectations(activation: Activation, q: float) -> dict[str, Any]:
    """The integrals of `numerics.maps.line.moments`, and E[z f], with 30 digits: the panels are all that is shared."""
    f = functions(activation)
    low, high, _ = window(f, q, 60.0)
    edges = edges_on(f, q, low, high, 2.0)
    value, slope = (precise(e, activation.symbol) for e in (activation.expression, activation.derivative))
    names = ("mean", "first", "second", "slope_second", "second_slope")
    with mpmath.workdps(_DIGITS):
        totals = dict.fromkeys(names, mpmath.mpf(0))
        root = mpmath.sqrt(mpmath.mpf(q))
        for left, right in zip(edges.tolist(), edges[1:].tolist(), strict=False):
            half = (mpmath.mpf(right) - mpmath.mpf(left)) / 2
            for x, weight in _rule():
                s = mpmath.mpf(left) + half * (1 + x)
                z = s / root
                density = weight * half * mpmath.npdf(z) / root
                g, h = value(s), slope(s)
                for name, term in zip(names, (g, z * g, g * g, h * h, z * g * h / root), strict=True):
                    totals[name] += density * term
        for p, jump in zip(f.points, f.jumps, strict=True):
            if jump:
                # f^2 jumps: s d(f^2)/ds has a delta at p.
                sides = f.value(np.array([np.nextafter(p, -math.inf), np.nextafter(p, math.inf)]))
                density = mpmath.npdf(mpmath.mpf(p) / root) / root
                totals["second_slope"] += p * (float(sides[1]) ** 2 - float(sides[0]) ** 2) * density / (2 * q)
        return totals


@lru_cache(maxsize=1)
def _rule() -> list[tuple[Any, Any]]:
    """Nodes and weights of the Gauss-Legendre rule with 40 digits."""
    with mpmath.workdps(40):
        made = []
        for k in range(1, _NODES + 1):
            x = mpmath.cos(mpmath.pi * (k - mpmath.mpf("0.25")) / (_NODES + mpmath.mpf("0.5")))
            for _ in range(8):
                p, slope = _legendre(x)
                x -= p / slope
            slope = _legendre(x)[1]
            made.append((x, 2 / ((1 - x * x) * slope * slope)))
        return made


def _legendre(x: Any) -> tuple[Any, Any]:
    """P_n(x) and its derivative, by recurrence."""
    before, now = mpmath.mpf(1), x
    for k in range(2, _NODES + 1):
        before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
    return now, _NODES * (x * now - before) / (x * x - 1)


# ---- by numerics.maps


def _numerical(activation: Activation, name: str, at: Point) -> Answer:
    w, b = at.get("sigma_w2", 1.0), at.get("sigma_b2", 0.0)
    maps = NumericalMaps(activation, weight_variance=w, bias_variance=b)
    if name == "covariance_map":
        rho = at["c"] / math.sqrt(at["q_1"] * at["q_2"])
        found = maps.covariance_map(at["q_1"], min(max(rho, -1.0), 1.0), at["q_2"])
    elif name == "correlation_map":
        found = maps.correlation_map(at["q"], at["rho"])
    else:
        m, v = (at[a] if a in at else math.sqrt(at[f"{a}2"]) for a in ("m", "v"))
        found = maps.sample_variance_map(m, v) if name == "sample_variance_map" else maps.K(m, v)
        if name == "mean_square_map":
            return mpmath.mpf(w * float(found.value) + b), w * float(found.error)
    return mpmath.mpf(float(found.value)), float(found.error)


def _better(activation: Activation, name: str, at: Point) -> Answer:
    """The numerical map; where its error is poor, a rule of half the panels' width if they agree.

    To ten times the error: that of two series at correlation -1 is an estimate, and may be several times too small.
    """
    value, error = _numerical(activation, name, at)
    if error <= _POOR * abs(value):
        return value, error
    m, v = (at.get(a, math.sqrt(at.get(f"{a}2", 0.0))) for a in ("m", "v"))
    total = m * m + v * v
    variances = [at[a] for a in ("q", "q_1", "q_2") if a in at] or [total]
    finer = _finer(functions(activation), (min(variances) / 2, max(variances) * 2))
    columns = [np.array([at[a]]) if a in at else np.array([{"m": m, "v": v}[a]]) for a in ARGUMENTS[name]]
    with np.errstate(all="ignore"):
        found = float(getattr(_plane_rule, f"rule_{name}")(finer, *columns)[0])
    return (mpmath.mpf(found), 0.0) if abs(found - value) <= _ROOM * error else (value, error)


def _finer(f: Functions, domain: tuple[float, float]) -> _plane_rule.PlaneRule:
    plane = plane_rule(f, domain)
    nodes, weights = rule(24)
    normal, own = (np.sort(np.concatenate([e, 0.5 * (e[1:] + e[:-1])])) for e in (plane.normal, plane.own))
    return _plane_rule.PlaneRule(plane.line, normal, own, nodes, weights, integration_matrix(nodes, weights))
