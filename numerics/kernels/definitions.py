"""The maps by name: their arguments, and their definitions as formulas in a few integrals of the activation.

A definition is what the theorem of `derive.maps` starts from. Its Gaussian expectations are replaced by stand-ins, so
that whatever computes the integrals (a quadrature rule, a derived form, the rectifiers' step) is put in their place,
and the formula around them is compiled as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Derivative, Expr, Symbol, cancel, expand, sqrt, symbols, sympify

from derive.activations import Activation
from derive.errors import unknown_name
from derive.gaussian import GaussianExpectation
from derive.maps import MAPS, Maps, m, v

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

M2, V2 = symbols("m2 v2", positive=True)


@dataclass(frozen=True)
class Integral:
    """An integral of an activation f, and its law as expressions in the map's arguments.

    ``kind`` is ``moment`` (E of the product of ``factors``, law: the variance), ``growth`` (dE[f^2]/dq, law: q),
    ``covariance`` (E[f(x) f(y)], law: both variances, the correlation and 1 minus it) or ``separation``
    (E[f^2] - E[f(x) f(y)], law: the shared variance and what each has alone). ``factors`` are ``value`` (f), ``slope``
    (f') and ``deviation`` (z = s/sqrt(q)).
    """

    kind: str
    factors: tuple[str, ...]
    law: tuple[Expr, ...]


@dataclass(frozen=True)
class Definition:
    """Expressions in a map's arguments and in stand-ins for integrals."""

    results: tuple[Expr, ...]
    integrals: dict[Symbol, Integral]

    @property
    def everything(self) -> list[Expr]:
        """The results and the laws of the integrals."""
        return [*self.results, *(e for integral in self.integrals.values() for e in integral.law)]


def expressions(maps: Maps, name: str) -> tuple[Expr, ...]:
    """The definition of a map, of both for the step, in Gaussian expectations; raises as `Maps.definition` does."""
    found = tuple(maps.definition(part) for part in PARTS.get(name, (name,)))
    return tuple(in_arguments(name, e) for e in found)


def in_arguments(name: str, expression: Expr) -> Expr:
    """The step takes m^2 and v^2."""
    return expression.subs({m: sqrt(M2), v: sqrt(V2)}) if name == STEP else expression


def definition(activation: Activation, found: Sequence[Expr]) -> Definition:
    """Put stand-ins for the integrals of definitions."""
    integrals: dict[Symbol, Integral] = {}
    results = []
    for e in found:
        for node in sorted(_nodes(e), key=str):
            integral, factor = _integral(activation, node)
            known = [symbol for symbol, other in integrals.items() if other == integral]
            stand_in = known[0] if known else Symbol(f"{integral.kind}_{len(integrals)}", real=True)
            integrals[stand_in] = integral
            e = e.xreplace({node: factor.xreplace({_E: stand_in})})
        results.append(_separated(e, integrals))
    used = {s for e in results for s in e.free_symbols}
    return Definition(tuple(results), {s: integral for s, integral in integrals.items() if s in used})


_E = Symbol("E")


def _nodes(e: Expr) -> set[Expr]:
    if isinstance(e, GaussianExpectation | Derivative):
        return {e}
    return {node for a in e.args for node in _nodes(a)}


def _integral(f: Activation, node: Expr) -> tuple[Integral, Expr]:
    """The integral that a node of a definition holds, and the node as an expression in it (`_E`)."""
    if isinstance(node, Derivative):
        (inside,) = node.expr.atoms(GaussianExpectation)
        (variance,) = node.variables
        if _integral(f, inside)[0].factors == ("value", "value"):
            return Integral("growth", ("value",), (variance,)), node.expr.xreplace({inside: _E}).diff(_E) * _E
    elif len(node.variables) == 1:
        at = {f.symbol: node.variables[0]}
        # The last of equal ones counts: exp has f' = f, a step f^2 = f.
        known = {f.squared_derivative: ("slope",) * 2, f.expression: ("value",), f.expression**2: ("value",) * 2}
        factors = {g.xreplace(at): names for g, names in known.items()}.get(node.integrand)
        if factors:
            return Integral("moment", factors, (node.covariance[0][0],)), _E
    else:
        ((q_1, c), (_, q_2)) = node.covariance
        value, slope = (_product(g, f, node) for g in (f.expression, f.derivative))
        if node.integrand == value:
            rho = cancel(c / sqrt(q_1 * q_2))
            return Integral("covariance", ("value",) * 2, (q_1, q_2, rho, cancel(1 - rho))), _E
        if c == 0:
            # E[f'] = E[z f]/sqrt(q) (Stein), which holds where f jumps, too.
            return Integral("moment", ("deviation", "value"), (q_1,)), _E**2 / q_1
        if node.integrand == slope and c == q_1:
            return Integral("moment", ("slope",) * 2, (q_1,)), _E
    raise AssertionError(f"no integral is known for {node}")


def _product(g: Expr, f: Activation, node: GaussianExpectation) -> Expr:
    first, second = (g.xreplace({f.symbol: variable}) for variable in node.variables)
    return first * second


def _separated(e: Expr, integrals: dict[Symbol, Integral]) -> Expr:
    """Write E[f^2] - E[f(x) f(y)] as one integral where nothing else of the covariance is left."""
    for pair, covariance in list(integrals.items()):
        if covariance.kind != "covariance" or not e.has(pair) or covariance.law[0] != covariance.law[1]:
            continue
        for single, moment in list(integrals.items()):
            if moment.factors == ("value", "value") and moment.law == covariance.law[:1]:
                apart = Symbol(f"separation_{len(integrals)}", real=True)
                made = expand(e.xreplace({single: pair + apart}))
                if not made.has(pair):
                    q, _, rho, gap = covariance.law
                    law = cancel(q * rho), cancel(q * gap)
                    integrals[apart] = Integral("separation", ("value",) * 2, law)
                    return made
    return e


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
