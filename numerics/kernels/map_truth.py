"""What a map kernel is held against, where, and in units of what."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr

from derive.gaussian import NoClosedForm
from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.functions import BivariateNormalCDF
from derive.maps import Maps
from numerics.kernels.reference import CLOSED_FORM, QUADRATURE, by_closed_form, by_quadrature
from numerics.maps.definitions import ARGUMENTS, OVER_SAMPLES, PAIRS, PARTS, STEP, Definition, in_arguments
from numerics.programs.callable import Kernel
from numerics.programs.certificate import ABSOLUTE, RELATIVE, SEED, Columns, Truth
from numerics.programs.straight_line import Program

_SMALLEST_SHARE = 1e-16
"""The smallest part v^2/q or m^2/q, and the smallest 1 - |rho| but 0."""

POINTS = {False: 36, True: 48}
_OUTPUTS = {STEP: ("m2", "v2")}
_COORDINATES = dict.fromkeys(PAIRS - OVER_SAMPLES, "1 - |rho|") | dict.fromkeys(OVER_SAMPLES, "v^2/(m^2 + v^2)")


def truth(
    maps: Maps,
    name: str,
    domain: tuple[float, float],
    found: Definition,
    sizes: Program,
) -> Truth:
    """The truth of a map: its derived closed form, or quadrature.

    ``sizes`` computes the integrals of absolute values, for a map that can vanish: it has no relative error there.
    """
    closed = [_closed_or_none(maps, part, name) for part in PARTS.get(name, (name,))]
    signed = [_signed(e, found) for e in found.results]

    def exact(at: Mapping[str, float]) -> tuple[Any, ...]:
        answers = []
        for result, e in zip(found.results, closed, strict=True):
            try:
                answer = None if e is None else by_closed_form(e, at)
            except (ZeroDivisionError, CannotEvaluate):  # 0/0 at a correlation of 1 or -1, or 0
                answer = None
            answers.append(answer or by_quadrature(maps.activation, result, found, at))
        return tuple(answers)

    def absolute(at: Columns) -> tuple[Any, ...]:
        names = ARGUMENTS[name]
        got = Kernel(sizes, names, single=False)(*(at[argument] for argument in names))
        return tuple(size if one else None for size, one in zip(got, signed, strict=True))

    return Truth(
        outputs=_OUTPUTS.get(name, ("result",)),
        points=lambda count: (chosen(name, domain, count), 0),
        exact=exact,
        results=lambda kernel, at: (kernel(**at),) if kernel.single else kernel(**at),
        domain=domain_text(name, domain),
        reference=QUADRATURE if None in closed else CLOSED_FORM,
        unit=ABSOLUTE if any(signed) else RELATIVE,
        sizes=absolute if any(signed) else None,
        coordinate=(
            _COORDINATES.get(name, "v^2/(m^2 + v^2)" if name in OVER_SAMPLES else "q"),
            lambda at: _coordinate(name, at),
        ),
    )


def _closed_or_none(maps: Maps, part: str, name: str) -> Expr | None:
    found = maps.find(part)
    if isinstance(found, NoClosedForm) or found.result.has(BivariateNormalCDF):
        return None
    return in_arguments(name, found.result)


def _signed(e: Expr, found: Definition) -> bool:
    """Whether integrals with integrands of both signs are in an expression."""
    return any(integral.signed for symbol, integral in found.integrals.items() if symbol in e.free_symbols)


def _coordinate(name: str, at: Columns) -> Any:
    if name in OVER_SAMPLES:
        return at["v2"] / (at["m2"] + at["v2"])
    return 1 - np.abs(at["rho"]) if name in PAIRS else at["q"]


def domain_text(name: str, domain: tuple[float, float]) -> str:
    """Return the domain of a map's arguments in words."""
    low, high = (f"{x:g}" for x in domain)
    words = f"q from {low} to {high}"
    if name == "covariance_map":
        words = f"q_1 and q_2 from {low} to {high}, c from -sqrt(q_1 q_2) to sqrt(q_1 q_2)"
    elif name == "correlation_map":
        words += ", rho from -1 to 1"
    elif name in OVER_SAMPLES:
        words = f"m^2 + v^2 from {low} to {high}, m^2 and v^2 each at least {_SMALLEST_SHARE:g} of it"
    return words + ", sigma_w2 from 0.1 to 10, sigma_b2 from 0 to 1"


def chosen(name: str, domain: tuple[float, float], count: int) -> Columns:
    """Return ``count`` points: ends and decades of the domain, and random ones."""
    rng = np.random.default_rng(SEED)
    low, high = np.log(domain)
    q = np.exp(np.concatenate([np.linspace(low, high, count // 2), rng.uniform(low, high, count - count // 2)]))
    q = np.clip(q, *domain)
    common = {
        "sigma_w2": np.exp(rng.uniform(np.log(0.1), np.log(10), count)),
        # A bias hides errors of what it is added to.
        "sigma_b2": np.where(rng.uniform(size=count) < 0.5, 0.0, rng.uniform(0, 1, count)),
        "n_in": rng.integers(1, 1000, count).astype(float),
        "n_out": rng.integers(1, 1000, count).astype(float),
    }
    if name not in PAIRS:
        return {"q": q, **common}
    q = rng.permutation(q)
    # The share that is not common: decades down to nothing, and anything.
    decades = np.exp(rng.uniform(np.log(_SMALLEST_SHARE), 0.0, count))
    gap = np.where(rng.uniform(size=count) < 0.7, decades, rng.uniform(0, 1, count))
    gap[:3] = _SMALLEST_SHARE, 1e-8, 1.0
    if name in OVER_SAMPLES:
        swap = rng.uniform(size=count) < 0.2
        shared = np.where(swap, gap, 1 - gap)
        shared, own = np.clip(shared, _SMALLEST_SHARE, 1), np.clip(np.where(swap, 1 - gap, gap), _SMALLEST_SHARE, 1)
        q = np.clip(q, domain[0], domain[1] / (1 + _SMALLEST_SHARE))
        squares = {"m2": q * shared, "v2": q * own}
        return {**squares, "m": np.sqrt(squares["m2"]), "v": np.sqrt(squares["v2"]), **common}
    rho = np.where(rng.uniform(size=count) < 0.7, 1, -1) * (1 - gap)
    rho[3:5] = 1.0, -1.0
    other = q if name == "correlation_map" else rng.permutation(q)
    return {"q": q, "rho": rho, "q_1": q, "q_2": other, "c": _covariances(rho, q, other), **common}


def _covariances(rho: Any, q_1: Any, q_2: Any) -> Any:
    """Return rho sqrt(q_1 q_2), nowhere beyond what is possible, which rounding may exceed."""
    found = rho * np.sqrt(q_1 * q_2)
    for n, c in enumerate(found):
        while Fraction(float(c)) ** 2 > Fraction(float(q_1[n])) * Fraction(float(q_2[n])):
            c = np.nextafter(c, 0.0)
        found[n] = c
    return found
