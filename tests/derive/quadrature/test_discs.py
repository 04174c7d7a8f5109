"""Discs enclose: what a function takes inside a disc lies in the disc that comes out, to the last digit."""

from __future__ import annotations

import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from derive.quadrature import discs
from derive.quadrature.discs import Disc

CENTRES = [-40.0, -7.5, -2.0, -1.0, -0.3, -1e-6, 0.0, 1e-9, 0.2, 0.75, 1.5, 3.0, 9.0, 36.0, 1e8]
RADII = [0.0, 1e-12, 1e-3, 0.1, 0.7, 2.0, 3.0, 6.0, 1e4]
DIRECTIONS = np.exp(2j * np.pi * np.arange(12) / 12)

FUNCTIONS = {
    "exp": (discs.exp, mpmath.exp),
    "expm1": (discs.expm1, mpmath.expm1),
    "log": (discs.log, mpmath.log),
    "log1p": (discs.log1p, mpmath.log1p),
    "sin": (discs.sin, mpmath.sin),
    "cos": (discs.cos, mpmath.cos),
    "tan": (discs.tan, mpmath.tan),
    "sinh": (discs.sinh, mpmath.sinh),
    "cosh": (discs.cosh, mpmath.cosh),
    "sech": (discs.sech, mpmath.sech),
    "tanh": (discs.tanh, mpmath.tanh),
    "logistic": (discs.logistic, lambda z: 1 / (1 + mpmath.exp(-z))),
    "softplus": (discs.softplus, lambda z: mpmath.log(1 + mpmath.exp(z))),
    "erf": (discs.erf, mpmath.erf),
    "erfc": (discs.erfc, mpmath.erfc),
    "erfcx": (discs.erfcx, lambda z: mpmath.exp(z * z) * mpmath.erfc(z)),
    "ndtr": (discs.ndtr, lambda z: mpmath.erfc(-z / mpmath.sqrt(2)) / 2),
    "log_ndtr": (discs.log_ndtr, lambda z: _log_phi(z)),
    "normal_density": (discs.normal_density, lambda z: mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)),
    "asin": (discs.asin, mpmath.asin),
    "acos": (discs.acos, mpmath.acos),
    "atan": (discs.atan, mpmath.atan),
    "asinh": (discs.asinh, mpmath.asinh),
    "atanh": (discs.atanh, mpmath.atanh),
    "sqrt": (lambda u, real: discs.power(u, 0.5, real), mpmath.sqrt),
    "power -1.3": (lambda u, real: discs.power(u, -1.3, real), lambda z: z ** mpmath.mpf(-1.3)),
    "power 2.6": (lambda u, real: discs.power(u, 2.6, real), lambda z: z ** mpmath.mpf(2.6)),
    "square": (lambda u, real: discs.power(u, 2.0, real), lambda z: z * z),
    "cube": (lambda u, real: discs.power(u, 3.0, real), lambda z: z**3),
    "inverse square": (lambda u, real: discs.power(u, -2.0, real), lambda z: z**-2),
    "root": (lambda u, real: discs.root(u, Disc(np.array(2.0), np.array(0.0)), real), lambda z: mpmath.sqrt(z * z + 2)),
    "plus root": (
        lambda u, real: discs.plus_root(u, Disc(np.array(2.0), np.array(0.0)), real),
        lambda z: z + mpmath.sqrt(z * z + 2),
    ),
}  # fmt: skip


def _log_phi(z):
    tail = mpmath.erfc((z if z.real > 0 else -z) / mpmath.sqrt(2)) / 2
    return mpmath.log1p(-tail) if z.real > 0 else mpmath.log(tail)


def _violations(name: str, *, real: bool) -> list[tuple[float, float, complex]]:
    """Points of discs whose values lie outside of what came out."""
    ours, exact = FUNCTIONS[name]
    bad = []
    with mpmath.workdps(60):
        for c in CENTRES:
            for r in RADII:
                with np.errstate(all="ignore"):
                    mid, rad = (float(x) for x in ours(Disc(np.array(c), np.array(r)), real))
                if not np.isfinite(mid) or not np.isfinite(rad):
                    continue
                for direction in (1.0, -1.0, 0.37) if real else (*DIRECTIONS, 0.5 * DIRECTIONS[1]):
                    z = mpmath.mpf(c) + mpmath.mpf(r) * mpmath.mpmathify(direction)
                    try:
                        value = exact(z)
                    except (ValueError, ZeroDivisionError):
                        bad.append((c, r, complex(direction)))
                        continue
                    if real and mpmath.im(value):
                        continue  # beyond the reals, where only reals count
                    if (
                        abs(value - mpmath.mpf(mid))
                        > mpmath.mpf(rad) * (1 + mpmath.mpf(10) ** -12) + mpmath.mpf(10) ** -300
                    ):
                        bad.append((c, r, complex(direction)))
    return bad


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("real", [True, False], ids=["on the line", "in the plane"])
def test_values_in_a_disc_lie_in_its_image(name: str, real: bool) -> None:
    assert _violations(name, real=real) == []


@pytest.mark.parametrize("name", ["exp", "tanh", "erf", "ndtr", "softplus", "sqrt", "square", "root", "log"])
def test_a_radius_that_is_a_little_too_small_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds are not so wide that any number would pass: 60 % of the radius is too little somewhere."""
    ours, exact = FUNCTIONS[name]

    def short(u: Disc, real: bool) -> Disc:
        found = ours(u, real)
        return Disc(found.mid, 0.6 * found.rad)

    monkeypatch.setitem(FUNCTIONS, name, (short, exact))
    assert _violations(name, real=False)


def test_what_is_not_known_times_nothing_is_nothing() -> None:
    found = discs.multiply(Disc(np.array(0.0), np.array(0.0)), Disc(np.array(1.0), np.array(np.inf)))
    assert found == (0.0, 0.0)


def test_a_sum_carries_its_rounding() -> None:
    found = discs.add(*(discs.constant(x) for x in (1e16, 1.1, -1e16)))
    assert abs(found.mid - 1.1) <= found.rad
    assert found.rad < 10


@pytest.mark.parametrize("terms", [(1.0, 1e-17), (0.1, 0.2, 0.3), (1e16, 1.0, -1e16), (1.0, 2.0**-53, 2.0**-80)])
def test_a_sum_of_exact_terms_is_off_by_its_roundings(terms: tuple[float, ...]) -> None:
    found = discs.add(*(Disc(np.array(x), np.array(0.0)) for x in terms))
    truth = sum(map(Fraction, terms), Fraction(0))
    assert abs(Fraction(float(found.mid)) - truth) <= Fraction(float(found.rad))
    assert found.rad <= 2 * discs.EPS * sum(map(abs, terms))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_value_is_off_by_its_roundings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments of all bits, whose squares have to be rounded."""
    places = np.random.default_rng(8).uniform(-26, 38, 200)
    monkeypatch.setattr(sys.modules[__name__], "CENTRES", places.tolist())
    monkeypatch.setattr(sys.modules[__name__], "RADII", [0.0])
    assert _violations(name, real=True) == []
