"""What the equations of hypotheses fix in a tiny world: a variance of the weights, the value of a symbol."""

from __future__ import annotations

from functools import lru_cache

from sympy import Basic, Eq, Expr, Symbol, solve
from sympy.core.function import AppliedUndef

from derive.averages import SharedVariance
from derive.hypotheses import Hypothesis, Kind
from derive.layers import d, i
from derive.network import AT_ZERO, SLOPE, SLOPE_AT_ZERO, Activation, ActivationSlope, W

_INDICES = {i, d}
_OF_ACTIVATIONS = {SLOPE, AT_ZERO, SLOPE_AT_ZERO}
"""Symbols to which the activation function of a world gives values."""


def regime(hypotheses: tuple[Hypothesis, ...]) -> dict[Basic, Expr]:
    """Return what the equations of the hypotheses give values to, each as a formula in what they leave free.

    An equation gives a value to the variance of the weights if it mentions it and nothing else that is free but the
    activation function's parameters, or to one of its symbols; the one admissible solution is taken.
    """
    return _regime(hypotheses)[0]


def unmet(hypotheses: tuple[Hypothesis, ...], symbols: set[Symbol]) -> Eq | None:
    """Return an equation of the hypotheses between some of the symbols that no world makes true, or None."""
    return next((e for e in _regime(hypotheses)[1] if symbols & set(_symbols(e))), None)


@lru_cache(maxsize=1_000)
def _regime(hypotheses: tuple[Hypothesis, ...]) -> tuple[dict[Basic, Expr], tuple[Eq, ...]]:
    # What holds by the meaning of its own functions holds in every world.
    equations = [e for h in hypotheses for e in h.equations if e.doit() != True and not _about_f(e)]  # noqa: E712
    affine = any(h.declares(Kind.FIRST_ORDER) for h in hypotheses)
    known = {AT_ZERO, SLOPE_AT_ZERO} if affine else set[Basic]()
    found: dict[Basic, Expr] = {}
    left = []
    for equation in sorted(equations, key=lambda e: len(_symbols(e))):
        for unknown in _unknowns(equation):
            if (
                unknown not in known
                and unknown not in found
                and not any(value.has(unknown) for value in found.values())
            ):
                solution = _solution(equation, unknown)
                if solution is not None:
                    found[unknown] = solution
                    break
        else:
            left.append(equation)
    return found, tuple(left)


def _symbols(equation: Eq) -> list[Symbol]:
    return sorted(equation.free_symbols - _INDICES, key=lambda s: s.name)


def _about_f(equation: Eq) -> bool:
    """Return True for a law of the activation function, which a world's activation obeys."""
    return any(f.free_symbols & equation.free_symbols for f in equation.atoms(Activation, ActivationSlope))


def _unknowns(equation: Eq) -> list[Basic]:
    if any(u.free_symbols & equation.free_symbols for u in equation.atoms(AppliedUndef)):
        # A law for a function, which no value of a symbol makes true.
        return []
    shared = SharedVariance(W, i)
    first: list[Basic] = [equation.lhs] if isinstance(equation.lhs, Symbol) else []
    if equation.has(shared) and not set(_symbols(equation)) - _OF_ACTIVATIONS:
        first = [shared]
    return [*first, *(s for s in _symbols(equation) if s not in first)]


def _solution(equation: Eq, unknown: Basic) -> Expr | None:
    try:
        solutions = solve(equation.doit(), unknown)
    except NotImplementedError:
        return None
    admissible = [v for v in solutions if isinstance(v, Expr) and not (unknown.is_nonnegative and v.is_negative)]
    return admissible[0] if len(admissible) == 1 and not admissible[0].has(unknown) else None
