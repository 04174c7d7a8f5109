"""The maps by name: their arguments, and their definitions as formulas in a few integrals of the activation.

A definition is a map of `derive.maps` in expectations from which nothing cancels. Stand-ins take their place, so that
whatever computes the integrals (bounded quadrature, a fixed rule, a derived form, the rectifiers' step) is put in for
them, and the formula around them is evaluated or compiled as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Symbol, cancel, sqrt, symbols, sympify

from derive.activations import Activation
from derive.activations.pieces import distributional_derivative
from derive.errors import unknown_name
from derive.gaussian import GaussianExpectation
from derive.maps import MAPS, Maps, m, v
from derive.maps.symbols import c, q_1, q_2, rho

STEP = "sample_variance_step"
"""The two maps over samples together, from variances to variances: one layer of the recursion of (m^2, v^2)."""

_W, _B = "sigma_w2", "sigma_b2"

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "mean": ("q",),
    "second_moment": ("q",),
    "length_map": ("q", _W, _B),
    "covariance_map": ("q_1", "q_2", "c", _W, _B),
    "correlation_map": ("q", "rho", _W, _B),
    "chi_perp": ("q", _W),
    "chi_par": ("q", _W),
    "slope_at_zero": ("q", _W, _B),
    "slope_at_one": ("q", _W, _B),
    "K": ("m", "v"),
    "mean_square_map": ("m", "v", _W, _B),
    "sample_variance_map": ("m", "v", _W),
    "backward_factor": ("q", "n_in", "n_out", _W),
    STEP: ("m2", "v2", _W, _B),
}
"""The arguments of every map, in the order of the call, whether or not its closed form holds all of them."""

PARTS = {STEP: ("mean_square_map", "sample_variance_map")}
"""What consists of several maps."""

PAIRS = frozenset({"covariance_map", "correlation_map", "K", "mean_square_map", "sample_variance_map", STEP})
"""Maps of two units."""

OVER_SAMPLES = frozenset({"K", "mean_square_map", "sample_variance_map", STEP})

MEANING = {**MAPS, STEP: "one layer of the recursion over samples, (m^2, v^2) -> (m'^2, v'^2)"}

_OF_GAPS = ("separation", "gap_map")

M2, V2 = symbols("m2 v2", positive=True)


GAP = Symbol("gap", real=True)
"""1 - rho, the argument of the maps of a gap."""


@dataclass(frozen=True)
class Integral:
    """An integral of an activation f, and its law as expressions in the map's arguments.

    ``kind`` is, for one unit of variance q (the law), ``mean`` (E[f]), ``second`` (E[f^2]), ``slope_second`` (E[f'^2]),
    ``second_slope`` (dE[f^2]/dq), ``deviation`` (E[z f], z = s/sqrt(q)) or ``other``; for two ``covariance``
    (E[f(x) f(y)], law: both variances, the correlation and 1 minus it) or ``separation`` (E[f^2] - E[f(x) f(y)], law:
    the variance, 1 minus the correlation, the shared variance and what each has alone). ``integrand`` is that of one
    unit, in the activation's symbol; of ``second_slope`` 2 q times it, of ``deviation`` its square root of q less.
    """

    kind: str
    law: tuple[Expr, ...]
    integrand: Expr | None = None

    @property
    def signed(self) -> bool:
        """Whether what is integrated may have both signs."""
        return self.kind not in ("second", "slope_second", "separation")


@dataclass(frozen=True)
class Definition:
    """Expressions in a map's arguments and in stand-ins for integrals."""

    results: tuple[Expr, ...]
    integrals: dict[Symbol, Integral]

    @property
    def everything(self) -> list[Expr]:
        """The results and the laws of the integrals."""
        return [*self.results, *(e for integral in self.integrals.values() for e in integral.law)]


@lru_cache(maxsize=256)
def maps_of(activation: Activation) -> Maps:
    """The derived maps of an activation, made once."""
    return Maps(activation)


def expressions(activation: Activation, name: str) -> tuple[Expr, ...]:
    """The definition of a map, of both for the step, in Gaussian expectations; raises as `Maps.definition` does."""
    return tuple(in_arguments(name, maps_of(activation).definition(part)) for part in PARTS.get(name, (name,)))


def in_arguments(name: str, expression: Expr) -> Expr:
    """An expression of a map in its kernel's arguments: the step takes m^2 and v^2, the covariance map a covariance."""
    if name == STEP:
        return expression.subs({m: sqrt(M2), v: sqrt(V2)})
    return expression.subs(rho, c / (sqrt(q_1) * sqrt(q_2))) if "c" in ARGUMENTS[name] else expression


@lru_cache(maxsize=1024)
def definition(activation: Activation, name: str, *, of_kernel: bool = False) -> Definition:
    """A map in expectations from which nothing cancels, with stand-ins for them; raises as `Maps.expectations` does.

    Maps of a gap are in 1 - rho, and ``of_kernel`` asks for the arguments of a kernel.
    """
    integrals: dict[Symbol, Integral] = {}
    results = []
    for part in PARTS.get(name, (name,)):
        e = maps_of(activation).expectations(part)
        e = in_arguments(name, e) if of_kernel else e.subs(rho, 1 - GAP) if name in _OF_GAPS else e
        for node in sorted(e.atoms(GaussianExpectation), key=str):
            integral, factor = _integral(activation, node)
            known = [symbol for symbol, other in integrals.items() if other == integral]
            stand_in = known[0] if known else Symbol(f"{integral.kind}_{len(integrals)}", real=True)
            integrals[stand_in] = integral
            e = e.xreplace({node: factor.xreplace({_E: stand_in})})
        results.append(e)
    return Definition(tuple(results), integrals)


_E = Symbol("E")


def _integral(f: Activation, node: GaussianExpectation) -> tuple[Integral, Expr]:
    """The integral that an expectation is, and the expectation as an expression in it (`_E`)."""
    x, g = f.symbol, f.expression
    if len(node.variables) == 1:
        variance = node.covariance[0][0]
        integrand = node.integrand.xreplace({node.variables[0]: x})
        # The last of equal ones counts: exp has f' = f, a step f^2 = f.
        known: dict[Expr, tuple[str, Expr]] = {
            x * distributional_derivative(g**2, x): ("second_slope", 2 * variance * _E),
            # E[f'] = E[z f]/sqrt(q) (Stein), which holds where f jumps, too.
            distributional_derivative(g, x): ("deviation", _E / sqrt(variance)),
            f.squared_derivative: ("slope_second", _E),
            g: ("mean", _E),
            g**2: ("second", _E),
        }
        kind, factor = known.get(integrand, ("other", _E))
        return Integral(kind, (variance,), integrand), factor
    ((first, shared), (_, second)) = node.covariance
    values, slopes = ([e.xreplace({x: y}) for y in node.variables] for e in (g, f.derivative))
    if node.integrand == values[0] * values[1]:
        correlation = cancel(shared / sqrt(first * second))
        return Integral("covariance", (first, second, correlation, cancel(1 - correlation))), _E
    if node.integrand == (values[0] - values[1]) ** 2 / 2:
        own = cancel(first - shared)
        return Integral("separation", (first, cancel(own / first), cancel(shared), own)), _E
    if shared == 0:
        # E[f'] = E[z f]/sqrt(q) (Stein), which holds where f jumps, too.
        return Integral("deviation", (first,), distributional_derivative(g, x)), _E**2 / first
    if node.integrand == slopes[0] * slopes[1] and shared == first:
        return Integral("slope_second", (first,), f.squared_derivative), _E
    raise AssertionError(f"no integral is known for {node}")


def shares(name: str) -> tuple[Expr, Expr]:
    """What of a pre-activation's variance samples share, and what each has alone, in the arguments of a map."""
    return (M2, V2) if name == STEP else (m**2, v**2)


def arguments(name: str, expressions: Sequence[Expr]) -> list[Symbol]:
    """The arguments of a map as the symbols of expressions."""
    known = {s.name: s for e in expressions for s in sympify(e).free_symbols}
    return [known.get(a, Symbol(a)) for a in ARGUMENTS[name]]


def is_map(name: str) -> bool:
    """Whether a text names a map, with hyphens or underscores."""
    return _plain(name) in _NAMES


def map_name(name: str) -> str:
    """Return a map's name as `derive.maps.MAPS` has it; raise `InputError`, with close matches, for an unknown one.

    >>> map_name("length-map"), map_name("sample-variance")
    ('length_map', 'sample_variance_step')
    """
    if not is_map(name):
        raise unknown_name("map", name, ARGUMENTS)
    return _NAMES[_plain(name)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


_NAMES = {_plain(name): name for name in ARGUMENTS} | {"sample_variance": STEP}
