"""A counterexample in sentences: both sides, the network, and the laws from which both sides can be computed anew."""

from __future__ import annotations

from derive.network import Cost
from derive.proof.described import DescribedLaw, DescribedValue, Named
from derive.proof.verdict import Counterexample, listed


def sentences(found: Counterexample) -> list[str]:
    """Return the two sides where they differ, the network, and its laws, as far as they are known."""
    told = [
        f"the left side is {found.left} and the right side {found.right}" + (f" at {found.place}" if found.at else "")
    ]
    network = [f"{k.replace('_', ' ')} {listed(_printed(v), ', ')}" for k, v in found.world.items() if k != "laws"]
    told += ["; ".join(network)] if network else []
    laws = [_law(law) for law in found.world.get("laws", ())]
    return [*told, f"laws (chances in brackets): {'; '.join(laws)}"] if laws else told


def _printed(told: object) -> object:
    """Return what is told of a world, drawn scalars in the papers' notation."""
    if not isinstance(told, list):
        return told
    return [f"{_scalar(one.scalar)} = {one.value}" if isinstance(one, DescribedValue) else one for one in told]


def _law(law: DescribedLaw) -> str:
    """Return a law in the papers' notation, with the variance that formulas speak of."""
    variance = f", variance {law.variance}" if len(law.chances) > 1 else ""
    together = "" if law.coin is None else f", on one coin with all {_scalar(law.coin)}"
    return f"{_scalar(law.scalar)} = {law.outcomes}{variance}{together}{law.ties(*map(_scalar, law.tied))}"


def _scalar(named: Named) -> str:
    """Return a scalar in the papers' notation: W^0_{12} for ``W[0, 1, 2]``, ∂Cost/∂s^d_1 for ``g[1]``."""
    layer = named.index[:1] if named.family.layered else ()
    units = [str(unit) for unit in named.index[len(layer) :]]
    # Two units of more than one digit would run together.
    unit = ("" if all(len(u) == 1 for u in units) else ",").join(units)
    name = "∂Cost/∂s^d" if named.family == Cost.gradient else named.family.name
    return name + (f"^{layer[0]}" if layer else "") + (f"_{unit}" if len(unit) == 1 else f"_{{{unit}}}" if unit else "")
