"""What the equations of hypotheses fix in a tiny world: f, variances, sizes, the values of symbols."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from sympy import Basic, Dummy, Eq, Expr, Function, KroneckerDelta, Symbol, solve
from sympy.core.function import AppliedUndef

from derive.averages import Bracket, SharedVariance
from derive.hypotheses import Hypothesis
from derive.layers import d, i
from derive.network import Activation, ActivationSlope
from derive.notation import Notation
from derive.randomness import Family

_INDICES = {i, d}


def is_size(e: Basic) -> bool:
    """Return True for the size of a layer, such as n_i: a positive whole number for each layer."""
    named = isinstance(e, Function) and isinstance(e, Notation | AppliedUndef)
    return named and len(e.args) == 1 and bool(e.is_integer and e.is_positive)


@dataclass
class Regime:
    """What the equations of hypotheses give values to, each as a formula in what they leave free.

    ``values`` are those of symbols, and of shared variances at a symbolic layer (or at none); ``functions`` gives the
    argument and the formula of f; ``sizes`` are those of single layers, n_0 = 5; ``steady`` are families whose shared
    variance, and functions whose value, is the same in every layer; ``unmet`` are equations that no world makes true.
    """

    values: dict[Basic, Expr] = field(default_factory=dict)
    sizes: dict[Basic, int] = field(default_factory=dict)
    functions: dict[type, tuple[Symbol, Expr]] = field(default_factory=dict)
    steady: set[Family | type] = field(default_factory=set)
    unmet: list[Eq] = field(default_factory=list)

    def shared(self, family: Family) -> SharedVariance | None:
        """Return the shared variance of a family that an equation lays down."""
        return next((v for v in self.values if isinstance(v, SharedVariance) and v.family == family), None)

    @property
    def parameters(self) -> set[Symbol]:
        """The symbols of the formulas for f."""
        return set().union(*(formula.free_symbols - {argument} for argument, formula in self.functions.values()))


def regime(hypotheses: tuple[Hypothesis, ...]) -> Regime:
    """Return what the equations of the hypotheses fix.

    An equation gives a value to its left side where that is a symbol or a shared variance, to a shared variance where
    all else in it is known, or to one of its symbols; the one admissible solution is taken.
    """
    return _regime(hypotheses)


def unmet(hypotheses: tuple[Hypothesis, ...], *expressions: Basic) -> Eq | None:
    """Return an equation of the hypotheses that no world makes true, if expressions speak of what it is about."""
    about = set().union(*map(_subjects, expressions))
    return next((e for e in _regime(hypotheses).unmet if about & _subjects(e)), None)


def _subjects(e: Basic) -> set[Basic]:
    """Return the symbols and the unknown functions of an expression."""
    return e.free_symbols - _INDICES | {u.func for u in e.atoms(AppliedUndef)}


@lru_cache(maxsize=1_000)
def _regime(hypotheses: tuple[Hypothesis, ...]) -> Regime:
    found = Regime()
    left = []
    for h in hypotheses:
        for e in h.equations:
            argument, same = e.lhs.args[0] if isinstance(e.lhs, Activation) else None, _steady(e)
            if is_size(e.lhs) and e.lhs.args[0].is_Integer and e.rhs.is_Integer:
                found.sizes[e.lhs] = int(e.rhs)
            elif argument in h.for_all:
                found.functions[Activation] = (argument, e.rhs)
            elif same is not None:
                found.steady.add(same)
            # What holds by the meaning of its own functions holds in every world, and a world's f obeys its laws.
            elif not _about_f(e) and e.doit() != True:  # noqa: E712
                left.append((e, frozenset(h.for_all) - _INDICES))
    for equation, everywhere in sorted(left, key=lambda pair: len(_symbols(pair[0]))):
        _solve(equation, everywhere, found)
    return found


def _solve(equation: Eq, everywhere: frozenset[Symbol], found: Regime) -> None:
    for unknown in _unknowns(equation, found.parameters):
        if unknown not in found.values and not any(value.has(unknown) for value in found.values.values()):
            solution = _solution(equation, unknown)
            # What holds at every index gives no value that hangs on one.
            if solution is not None and not solution.free_symbols & everywhere:
                found.values[unknown] = solution
                return
    found.unmet.append(equation)


def _steady(equation: Eq) -> Family | type | None:
    """Return what an equation h(i + 1) = h(i) says to be the same in every layer."""
    ahead, here = equation.args
    if isinstance(ahead, SharedVariance) or is_size(ahead):
        index = here.args[-1] if here.args else None
        if isinstance(index, Symbol) and here.xreplace({index: index + 1}) == ahead:
            return ahead.family if isinstance(ahead, SharedVariance) else type(ahead)
    return None


def _symbols(equation: Eq) -> list[Symbol]:
    return sorted(equation.free_symbols - _INDICES, key=lambda s: s.name)


def _about_f(equation: Eq) -> bool:
    """Return True for a law of the activation function, which a world's activation obeys."""
    return any(f.free_symbols & equation.free_symbols for f in equation.atoms(Activation, ActivationSlope))


def _unknowns(equation: Eq, parameters: set[Symbol]) -> list[Basic]:
    if any(u.free_symbols & equation.free_symbols for u in equation.atoms(AppliedUndef)):
        # A law for a function, which no value of a symbol makes true.
        return []
    shared = sorted((v for v in equation.atoms(SharedVariance) if all(map(_is_symbol, v.layer))), key=str)
    symbols = [s for s in _symbols(equation) if s not in parameters]
    known = not symbols
    stated: list[Basic] = [equation.lhs] if equation.lhs in shared or _is_symbol(equation.lhs) else []
    return list(dict.fromkeys([*stated, *(shared if known else ()), *symbols, *shared]))


def _is_symbol(e: Basic) -> bool:
    return isinstance(e, Symbol)


def _solution(equation: Eq, unknown: Basic) -> Expr | None:
    if equation.lhs == unknown and not equation.rhs.has(unknown):
        return equation.rhs
    whole = equation.doit()
    # A mean or a delta is one number here: SymPy would differentiate what is inside it.
    numbers = {node: Dummy() for node in whole.atoms(Bracket, KroneckerDelta) if node != unknown}
    if any(node.has(unknown) for node in numbers):
        return None
    try:
        solutions = solve(whole.xreplace(numbers), unknown)
    except NotImplementedError:
        return None
    nodes = {number: node for node, number in numbers.items()}
    solutions = [v.xreplace(nodes) for v in solutions if isinstance(v, Expr)]
    admissible = [v for v in solutions if not (unknown.is_nonnegative and v.is_negative)]
    return admissible[0] if len(admissible) == 1 and not admissible[0].has(unknown) else None
