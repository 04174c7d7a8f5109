"""What a statement and its hypotheses speak of: the families that are drawn, and the sizes that their indices have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sympy import Basic, Expr, Function, Symbol, sympify

from derive.cost import CostFunction
from derive.hypotheses import Kind
from derive.layers import d, i
from derive.proof.families import defined_by
from derive.proof.regime import is_size
from derive.randomness import Family, Over, Source
from derive.setting import Setting


@dataclass(frozen=True)
class Scope:
    """Drawn families by name, functions that give the size of a layer, symbols that are sizes, and sizes made of them.

    >>> from derive.network import s
    >>> found = scope_of(s(0, 1))
    >>> [f.name for f in found.drawn], [n.__name__ for n in found.layered], found.plain
    (['W', 'b', 'x'], ['Width'], ())
    """

    drawn: tuple[Family, ...]
    layered: tuple[type, ...]
    plain: tuple[Symbol, ...]
    composed: tuple[Expr, ...] = ()


def declared_in(setting: Setting) -> tuple[Basic, ...]:
    """Return the families and expressions that the hypotheses of a setting speak of.

    One that only says that nothing is degenerate presupposes its families, and has nothing else depend on them.
    """
    telling = [h for h in setting.hypotheses if {p.kind for p in h.properties} != {Kind.NONDEGENERATE}]
    return tuple(
        dict.fromkeys(e for h in telling for e in (*(f for p in h.properties for f in p.families), *h.says.objects))
    )


def scope_of(*spoken: Basic) -> Scope:
    """Return what expressions speak of, by the definitions of the families in them too."""
    families: set[Family] = set().union(*map(_families, spoken))
    extents = {e for f in families for e in extents_of(f, i)}
    families |= {_something_of(s) for e in spoken for o in e.atoms(Over) for s in o.sources if not s.last} - {
        _something_of(f.source) for f in families if f.source is not None
    }
    functions = {type(s) for e in (*extents, *spoken) for s in e.atoms(Function) if is_size(s)}
    plain = {s for e in extents for s in e.free_symbols if s.is_integer and s.is_positive} - {d, i}
    return Scope(
        tuple(sorted((f for f in families if f.source is not None), key=lambda f: (f.name, f._hashable_content()))),
        tuple(sorted(functions, key=lambda f: str(f.__name__))),
        tuple(sorted((s for s in plain if isinstance(s, Symbol)), key=lambda s: s.name)),
        tuple(sorted((e for e in extents if not e.is_Symbol and e.free_symbols and e.free_symbols <= plain), key=str)),
    )


@lru_cache(maxsize=100)
def _something_of(source: Source) -> Family:
    """Return a scalar that is drawn from a source of which no family is known: other families may depend on it."""
    name = f"something of {source}"
    return Family(name, meaning=name, extents=lambda _: (), layered=False, source=source)


@lru_cache(maxsize=4_000)
def _families(expression: Basic) -> frozenset[Family]:
    """Return the families that an expression speaks of, and those that their definitions speak of."""
    waiting = set(expression.atoms(Family))
    for cost in expression.atoms(CostFunction):
        waiting |= cost.curved().atoms(Family)
    met: set[Family] = set()
    while waiting:
        family = waiting.pop()
        met.add(family)
        waiting |= defined_by(family) - met
    return frozenset(met)


@lru_cache(maxsize=4_000)
def extents_of(family: Family, layer: int | Symbol, last: int | Symbol = d) -> tuple[Expr, ...]:
    """Return the sizes of a family's indices in a layer, given the last one that there is."""
    return tuple(sympify(e).xreplace({d: sympify(last)}) for e in family.extents(sympify(layer)))
