"""The maps of every activation at variances from 1e-12 to 1e6 against rules written for this scan: three minutes.

    python -m pytest tests/benchmarks/test_extremes.py -s

The reference knows the activation's values alone: a Gauss-Legendre rule on a product grid with the bivariate density,
panels of a quarter of the activation's scale that grow outward, and every kink an edge. For functions that oscillate
or grow it is the published closed form, in many digits. Each number must be right to 1e-12, or within its stated error;
numbers that are worse than 1e-12 are printed.
"""

import math

import mpmath
import numpy as np
import pytest
from sympy import lambdify

from derive.activations import activation, activations
from numerics.activations import value_and_derivative
from numerics.maps import NumericalMaps

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
OTHERS = {"sin", "cos", "snake", "exp"}
NAMES = [n for n in activations() if n not in OTHERS]
QS = [1e-12, 1e-6, 1.0, 1e3, 1e6]
RHOS = [-0.7, 0.3, 0.8]
WANTED = 1e-12


def grid(q, kinks):
    """Nodes and weights (with the density of N(0, q)) out to twelve standard deviations."""
    root = math.sqrt(q)
    edges = [0.0]
    while edges[-1] < 12 * root:
        edges.append(edges[-1] + min(max(min(0.25, 0.25 * root), 0.1 * edges[-1]), 0.25 * root))
    # A kink at p: finer panels beside it would change nothing, f is smooth on both sides.
    whole = np.unique([*edges, *(-x for x in edges), *(float(p) for p in kinks if abs(p) < 12 * root)])
    half = 0.5 * np.diff(whole)
    s = ((whole[:-1] + half)[:, None] + half[:, None] * NODES).ravel()
    return s, (half[:, None] * WEIGHTS).ravel()


def one(g, s, w, q):
    """E[g(s)]."""
    return math.fsum(g * w * np.exp(-s * s / (2 * q))) / math.sqrt(2 * math.pi * q)


def two(f, s, w, q, rho):
    """E[f(u1) f(u2)] by the product rule."""
    a = f * w
    total, free = [], (1 - rho) * (1 + rho)
    for start in range(0, len(s), 500):
        u = s[start : start + 500, None]
        density = np.exp(-((u - rho * s) ** 2) / (2 * q * free) - s * s / (2 * q))
        total.append(float(a[start : start + 500] @ (density @ a)))
    return math.fsum(total) / (2 * math.pi * q * math.sqrt(free))


def in_many_digits(made, q):
    """E[s f f']/q by mpmath; kinks are at 0 or beyond."""
    f, df = (lambdify(made.symbol, e, "mpmath") for e in (made.expression, made.derivative))
    with mpmath.workdps(30):
        root = mpmath.sqrt(mpmath.mpf(q))
        g = lambda z: z * root * f(z * root) * df(z * root) * mpmath.npdf(z)  # noqa: E731
        return float(mpmath.quad(g, [-12, -4, 0, 4, 12]) / mpmath.mpf(q))


def truths(name, q):
    """Each map's number, and the size that its error is measured against where it may vanish."""
    made = activation(name)
    value, slope = value_and_derivative(made)
    s, w = grid(q, made.breakpoints)
    f, df = value(s), slope(s)
    second = one(f * f, s, w, q)
    yield "length_map", (q,), second, second
    if not made.jumps:
        steep = one(df * df, s, w, q)
        yield "chi_perp", (q,), steep, steep
        # At a small q this cancels in float64, unless f(0) = 0.
        cancels = q < 1e-3 and float(value(np.array([0.0]))[0]) != 0
        yield "chi_par", (q,), in_many_digits(made, q) if cancels else one(s * f * df, s, w, q) / q, steep
        # Price's theorem to first order in q (1 - ρ), which is 1e-7 at most.
        near = 1 - 1e-10 * min(1.0, 1e3 / q)
        yield "covariance", (q, near), second - (1 - near) * q * steep, second
        if not made.kinks:
            yield "separation", (q, 1e-12 * min(1.0, 1 / q)), 1e-12 * min(1.0, 1 / q) * q * steep, None
    yield "covariance", (q, -1.0), one(f * value(-s), s, w, q), second
    for rho in RHOS:
        yield "covariance", (q, rho), two(f, s, w, q, rho), second


@pytest.mark.parametrize("name", NAMES)
def test_right_to_1e_12_or_says_so(name):
    """Length map, slopes, covariance at seven correlations, at five variances."""
    maps = NumericalMaps(name)
    wrong = []
    for q in QS:
        for what, arguments, truth, size in truths(name, q):
            found = getattr(maps, what)(*arguments)
            error, stated = abs(float(found.value) - truth), float(found.error)
            scale = abs(truth)
            # The reference is a sum of terms of that size, each rounded.
            floor = 3e-15 * (size if size is not None else scale) if what != "separation" else 2e-12 * scale
            relative = error / scale if scale else error
            if relative > WANTED and error > floor:
                row = f"{name:20} {what} {arguments}: {float(found.value):.15g}, {truth:.15g}, off by {relative:.1e}"
                print(f"\n{row}, stated {stated / scale if scale else stated:.1e} ({found.method})")
                if not error <= stated + floor:
                    wrong.append(row)
    assert not wrong


@pytest.mark.parametrize("q", [*QS, 25.0, 100.0])
@pytest.mark.parametrize("name", ["sin", "cos", "snake", "exp"])
def test_oscillation_and_growth(name, q):
    """Closed forms by characteristic functions, in 60 digits; what is beyond float64 is infinite."""
    maps = NumericalMaps(name)
    with mpmath.workdps(60):
        v, e = mpmath.mpf(q), mpmath.exp
        covariance = {
            "sin": lambda r: e(-v) * mpmath.sinh(r * v),
            "cos": lambda r: e(-v) * mpmath.cosh(r * v),
            "exp": lambda r: e(v + r * v),
            # s + (1 - cos 2s)/2: E[s cos 2t] = 0.
            "snake": lambda r: r * v + (1 - 2 * e(-2 * v) + e(-4 * v) * mpmath.cosh(4 * r * v)) / 4,
        }[name]
        slopes = {
            "sin": e(-v) * mpmath.cosh(v),
            "cos": e(-v) * mpmath.sinh(v),
            "exp": e(2 * v),
            "snake": (3 - e(-8 * v)) / 2,
        }
        cases = [("length_map", (q,), covariance(1)), ("chi_perp", (q,), slopes[name])]
        cases += [("covariance", (q, r), covariance(mpmath.mpf(r))) for r in (-1.0, *RHOS, 1 - 1e-10)]
        for what, arguments, truth in cases:
            found = getattr(maps, what)(*arguments)
            if truth > 1e307:
                assert math.isinf(found.value)
                continue
            error = abs(mpmath.mpf(float(found.value)) - truth)
            if error > WANTED * abs(truth) + 1e-300:
                size = covariance(1)
                print(
                    f"\n{name} {what} {arguments}: off by {mpmath.nstr(error / size, 2)} of E[f²], "
                    f"stated {mpmath.nstr(mpmath.mpf(float(found.error)) / size, 2)} ({found.method})"
                )
                assert error <= found.error + 3e-15 * size
