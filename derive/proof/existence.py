"""What every derivation about a network rests on: the layers and the units that it speaks of exist."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Dummy, Expr, Integer, Sum

from derive.averages import SharedVariance
from derive.layers import d
from derive.network import Width
from derive.proof.derivation import Derivation
from derive.proof.regime import is_size, regime
from derive.randomness import Entry

_LAYER = Dummy("layer", integer=True)


def missing_layers(derivation: Derivation) -> list[str]:
    """Return the layers that the facts of a derivation do not put inside the network, as failures in words."""
    found = []
    for step in derivation.steps:
        facts = step.setting.facts
        for quantity, layer, ends in (*_layers(step.before), *_layers(step.after)):
            if not all(facts.at_least(greater, smaller) for smaller, greater in ends):
                where = f"{derivation.name}, step {step.id}"
                found.append(f"{where}: nothing says that there is a layer {layer} of {quantity}")
    return list(dict.fromkeys(found))


def missing_units(derivation: Derivation) -> list[str]:
    """Return the sums over as many units as another layer has, as failures in words."""
    found = []
    for step in derivation.steps:
        steady = regime(step.setting.hypotheses).steady
        for total in step.before.atoms(Sum) | step.after.atoms(Sum):
            for entry, index, last, size in _summed(total):
                if last != size and type(last) not in steady:
                    where = f"{derivation.name}, step {step.id}"
                    found.append(f"{where}: {index} is summed up to {last} in {entry}, of which there are {size}")
    return list(dict.fromkeys(found))


def _summed(total: Sum) -> Iterator[tuple[Entry, Basic, Expr, Expr]]:
    """Yield the scalars that a sum runs over: the index, up to which size, and how many there are."""
    ends = {index: last for index, _, last in total.limits if is_size(last)}
    for entry in total.function.atoms(Entry):
        sizes = entry.family.extents(entry.layer if entry.layer is not None else Integer(0))
        for unit, size in zip(entry.units, sizes, strict=True):
            if unit in ends and is_size(size):
                yield entry, unit, ends[unit], size


def _layers(side: Basic) -> Iterator[tuple[str, Expr, list[tuple[Expr, Expr]]]]:
    """Yield the free layers that one side of a step speaks of, with what must be ordered so for them to exist.

    Layers begin at 0, and units of a family are as many as layers 0 to d + 1 have.
    """
    quantities = [(e.family, e.layer) for e in side.atoms(Entry) if e.layer is not None]
    quantities += [(e.family, *e.layer) for e in side.atoms(SharedVariance) if e.layer]
    for family, layer in quantities:
        # A layer that a product runs over is inside its range.
        if layer.free_symbols <= side.free_symbols:
            sizes = [size.atoms(Width) for size in family.extents(_LAYER)]
            widths = [width.args[0].xreplace({_LAYER: layer}) for size in sizes for width in size if width.has(_LAYER)]
            ends = [(Integer(0), layer), *((Integer(0), at) for at in widths), *((at, d + 1) for at in widths)]
            yield family.name, layer, ends
