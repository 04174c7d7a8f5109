"""What every derivation about the network rests on: its layers exist, and what depends on what is as stated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from sympy import Basic, Expr

from derive.averages import SharedVariance
from derive.dependence import check_closures
from derive.errors import InputError
from derive.hypotheses import LINEAR_REGIME
from derive.layers import d, i
from derive.network import W, b, s, z
from derive.proof.derivation import Derivation
from derive.randomness import Entry

_LAST = {W: d, b: d, s: d, z: d + 1}
"""The last layer of each family of the network; the first is 0."""


def missing_layers(derivation: Derivation) -> list[str]:
    """Return the layers that the facts of a derivation do not put inside the network, as failures in words."""
    found = []
    for step in derivation.steps:
        facts = step.setting.facts
        for quantity, layer, last in (*_layers(step.before), *_layers(step.after)):
            if not (facts.at_least(layer, 0) and facts.at_least(last, layer)):
                where = f"{derivation.name}, step {step.id}"
                found.append(f"{where}: nothing says that there is a layer {layer} of {quantity}")
    return list(dict.fromkeys(found))


def _layers(side: Basic) -> Iterator[tuple[str, Expr, Expr]]:
    """Yield the free layers that one side of a step speaks of, with the last one that there is."""
    quantities = [(e.family, e.layer) for e in side.atoms(Entry) if e.layer is not None]
    quantities += [(e.family, *e.layer) for e in side.atoms(SharedVariance) if e.layer]
    for family, layer in quantities:
        # A layer that a product runs over is inside its range.
        if family in _LAST and layer.free_symbols <= side.free_symbols:
            yield family.name, layer, _LAST[family]


def wrong_closures(derivation: Derivation) -> list[str]:
    """Return why what is stated of dependence in the network does not follow from its definition, if that is used."""
    sides = [side for step in derivation.steps if step.uses for side in (step.before, step.after)]
    if not any(e.family in (s, z) for side in sides for e in side.atoms(Entry)):
        return []
    return list(_closures())


@lru_cache(maxsize=1)
def _closures() -> tuple[str, ...]:
    """Prove the closures of `derive.dependence` by induction, once; return why they cannot be."""
    from derive.rules import LinearRegime
    from derive.theorems.backpropagation import gradient_recursion

    try:
        recursion = gradient_recursion()
        setting = recursion.setting.assuming(LINEAR_REGIME)
        check_closures(LinearRegime().apply(recursion.result, setting).after, i)
    except InputError as reason:
        return (f"what depends on what does not follow from the definitions: {reason}",)
    return ()
