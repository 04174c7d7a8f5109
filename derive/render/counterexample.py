"""A counterexample in sentences: both sides, the network, and the laws from which both sides can be computed anew."""

from __future__ import annotations

import re
from fractions import Fraction

from derive.proof.verdict import Counterexample, listed

_SCALAR = re.compile(r"\b([A-Za-z])\[([\d, ]+)\]")
_NAMES = {"g": "∂Cost/∂s^d"}
_OUTCOME = re.compile(r"(-?\d+(?:/\d+)?) \((\d+(?:/\d+)?)\)")


def sentences(found: Counterexample) -> list[str]:
    """Return the two sides where they differ, the network, and its laws, as far as they are known."""
    told = [
        f"the left side is {found.left} and the right side {found.right}" + (f" at {found.place}" if found.at else "")
    ]
    network = [f"{k.replace('_', ' ')} {_scalars(listed(v, ', '))}" for k, v in found.world.items() if k != "laws"]
    told += ["; ".join(network)] if network else []
    laws = [_law(line) for line in found.world.get("laws", ())]
    return [*told, f"laws (chances in brackets): {'; '.join(laws)}"] if laws else told


def _law(line: str) -> str:
    """Return a law of `World.describe` in the papers' notation, with the variance that formulas speak of."""
    chances = [(Fraction(value), Fraction(chance)) for value, chance in _OUTCOME.findall(line)]
    mean = sum((value * chance for value, chance in chances), Fraction(0))
    variance = sum((value**2 * chance for value, chance in chances), Fraction(0)) - mean**2
    law, coin, hung = line.partition(", on the coin of ")
    together = f", on one coin with all {_NAMES.get(hung, _scalars(hung))}" if coin else ""
    return _scalars(law) + (f", variance {variance}" if chances else "") + together


def _scalars(text: str) -> str:
    """Put scalars into the papers' notation: ``W[0, 1, 2]`` is W^0_{12}, and ``g[1]`` is ∂Cost/∂s^d_1."""
    return _SCALAR.sub(_scalar, text)


def _scalar(found: re.Match[str]) -> str:
    name, index = found[1], found[2].split(", ")
    if name == "g" and len(index) == 1:
        return f"{_NAMES[name]}_{index[0]}"
    layer = [] if len(index) == 1 and name == "x" else index[:1]
    units = index[len(layer) :]
    # Two units of more than one digit would run together.
    unit = ("" if all(len(u) == 1 for u in units) else ",").join(units)
    return name + (f"^{layer[0]}" if layer else "") + (f"_{unit}" if len(unit) == 1 else f"_{{{unit}}}" if unit else "")
