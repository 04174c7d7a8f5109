"""What is derived and checked with an error planted: every theorem, Gaussian expectations, maps, lemmas of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _expectations() -> dict[str, Callable[[], Any]]:
    from sympy import Abs, Max, cos, exp, symbols

    from derive.gaussian import gaussian_expectation, price_expectation

    x, y, m, a, c = symbols("x y m a c", real=True)
    s, t, p, q = symbols("s t p q", positive=True)
    both = {"covariance": [[p, c], [c, q]]}
    return {
        "moment": lambda: gaussian_expectation((x + 1) ** 4, {x: (m, s**2)}),
        "tilted": lambda: gaussian_expectation(exp(a * x) * Max(0, x), {x: (m, s**2)}),
        "square": lambda: gaussian_expectation(exp(-(x**2)) * x**2, {x: (m, s**2)}),
        "wave": lambda: gaussian_expectation(x * cos(a * x), {x: (m, s**2)}),
        "odd": lambda: gaussian_expectation(x * Abs(x) + x**2, {x: (0, s**2)}),
        "pair": lambda: gaussian_expectation(Max(0, x) * Max(0, y), (x, y), **both),
        "degenerate": lambda: gaussian_expectation(
            Max(0, x) * exp(y), (x, y), mean=[m, 2], covariance=[[s**2, s * t], [s * t, t**2]]
        ),
        "price": lambda: price_expectation(Max(0, x) * Max(0, y), (x, y), **both),
    }


MAPS = {
    "relu": ("length_map", "chi_perp", "chi_par", "slope_at_zero", "slope_at_one", "covariance_map", "backward_factor"),
    "erf": ("correlation_map", "slope_at_zero"),
    "squareplus": ("second_moment",),
    "sin": ("sample_variance_map", "chi_par", "slope_at_one"),
    "abs": ("correlation_map", "K"),
}


def _lemmas() -> dict[str, Callable[[], Any]]:
    from derive.blocks import AveragePool, Convolution, Dense
    from derive.blocks import lemmas_linear as linear
    from derive.blocks import lemmas_other as other
    from derive.network import n

    padded = Convolution(n(1), 2, bias_variance=None)
    wrapped = Convolution(n(1), 2, 2, "circular", bias_variance=None)
    kinds: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
        "dense": (lambda: linear._weighted(Dense(n(1), bias_variance=None), 0), ("mean", "product")),
        "convolution": (lambda: linear._weighted(padded, 1), ("product", "gradient")),
        "circular": (lambda: linear._weighted(wrapped, 1), ("square", "gradient")),
        "scale": (lambda: linear._scaled(1), ("product",)),
        "pool": (lambda: linear._pooled(AveragePool(2), 1), ("square", "gradient")),
        "flatten": (lambda: linear._flat(1), ("square", "gradient")),
        "dropout": (lambda: other._dropped(1), ("between", "gradient")),
        "sum": (lambda: other._added(0, False), ("product", "gradient")),
        "elementwise": (lambda: other._elementwise(1), ("square", "gradient")),
    }
    return {
        f"{kind} {name}": lambda made=made, name=name: made()[name].derivation  # type: ignore[misc]
        for kind, (made, found) in kinds.items()
        for name in found
    }


def names() -> list[str]:
    """Return the names of all subjects."""
    import derive

    maps = [f"map {activation} {name}" for activation, found in MAPS.items() for name in found]
    lemmas = (f"lemma {name}" for name in _lemmas())
    return [*derive.theorems(), *(f"expectation {name}" for name in _expectations()), *maps, *lemmas]


def home(name: str) -> str:
    """Return the module in which a theorem is derived, or nothing."""
    from derive.theorems import THEOREMS

    return THEOREMS.builder(name).__module__ if " " not in name else ""


def build(name: str) -> Any:
    """Return the derivation of a subject."""
    import derive

    kind, *rest = name.split()
    if kind == "expectation":
        return _expectations()[rest[0]]()
    if kind == "lemma":
        return _lemmas()[" ".join(rest)]()
    if kind == "map":
        return getattr(derive.Maps(rest[0]), rest[1])
    return derive.theorem(name)
