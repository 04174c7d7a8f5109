"""A network in words: its blocks, the definitions of its signals, what is drawn, and what lemmas call all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sympy import Basic, Eq, Expr, Symbol

from derive.blocks import Block, Concatenate, Drawn, Signal, SumOf, network_input
from derive.blocks.signal import Extents
from derive.decimals import exact
from derive.errors import InputError
from derive.randomness import Entry, Family
from derive.results import Result, plain
from numerics.network import Network
from numerics.network_blocks import Row

_INDICES = {
    "sample": "t",
    "unit": "k",
    "channel": "c",
    "row": "p",
    "column": "r",
    "in": "l",
    "row offset": "a",
    "column offset": "b",
    "out": "k",
}


INCOMING = "z"
"""What lemmas call the signal that comes in."""


@dataclass(frozen=True)
class Cited:
    """What is derived for a block: the names of its lemmas, and families of the network by their names in these."""

    block: Block
    lemmas: tuple[str, ...]
    called: Mapping[str, Family]


@dataclass(frozen=True)
class Part:
    """One row of a network: the block, what it defines and draws, and what is cited for it and the blocks inside.

    ``chain`` are families by their names in the papers' theorems on the chain, where the network is one.
    """

    row: Row
    defined: tuple[Family, ...]
    drawn: tuple[Drawn, ...]
    cited: tuple[Cited, ...]
    chain: Mapping[str, Family]

    @property
    def shape(self) -> str:
        """The size of what comes out, such as 3x32x32."""
        return "x".join(map(str, self.row.signal.shape))

    @property
    def alike(self) -> tuple[str, str]:
        """What two parts have in common that differ in the names of their families alone."""
        return str(self.row.block), self.shape


@dataclass(frozen=True, repr=False)
class Description(Result):
    """What a network is: one part for the input and for each block.

    >>> from numerics.network import Network
    >>> described = describe(Network(layers="dense(3), relu", input=2, gain=2.0))
    >>> [row["family"] for row in described.rows()], described.rows()[1]["lemmas"]
    (['x', 's', 'z'], 'dense-mean, dense-square, dense-product, dense-gradient')
    """

    network: Network
    parts: tuple[Part, ...]

    @property
    def headline(self) -> str:
        """The network, in short."""
        return self.network.sizes

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each row of the network's curves."""
        return [
            {
                "layer": part.row.layer,
                "name": part.row.name,
                "block": "" if part.row.block is None else str(part.row.block),
                "shape": part.shape,
                "family": part.row.signal.family.name,
                "lemmas": ", ".join(dict.fromkeys(name for cited in part.cited for name in cited.lemmas)),
            }
            for part in self.parts
        ]

    def groups(self) -> list[tuple[Part, int]]:
        """Return the parts, and how many alike come one after the other; of these the first stands for all."""
        found = []
        for _, some in groupby(self.parts, lambda part: part.alike):
            first, *others = some
            found.append((first, 1 + len(others)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all parts as plain data, with definitions as text and as LaTeX."""
        from derive.render.latex import formula as latex
        from derive.render.text import formula as text

        parts = []
        for row, part in zip(self.rows(), self.parts, strict=True):
            definitions = [definition(family) for family in part.defined]
            parts.append(
                row
                | {
                    "definitions": [{"text": text(e), "latex": latex(e)} for e in definitions],
                    "drawn": [drawn_data(drawn) for drawn in part.drawn],
                    "lemmas": [
                        {
                            "block": str(cited.block),
                            "names": list(cited.lemmas),
                            "called": {name: family.name for name, family in cited.called.items()},
                        }
                        for cited in part.cited
                    ],
                    "chain": {name: family.name for name, family in part.chain.items()},
                }
            )
        assumed = [str(h.text) for h in self.network.signal.assumed]
        data: dict[str, Any] = plain({"network": self.network.to_dict(), "rows": parts, "assumed": assumed})
        return data


def describe(network: Network) -> Description:
    """Return what a network is made of, of either form; raise `InputError` for what is no network."""
    if not isinstance(network, Network):
        raise InputError(f"network must be a Network, got {network!r}")
    first, *rows = network.rows
    parts = [Part(first, (), (_drawn_input(network),), (), _chain_names(network, first, ()))]
    for before, row in zip((first, *rows), rows, strict=False):
        defined = row.signal.defined[len(before.signal.defined) :]
        drawn = row.signal.drawn[len(before.signal.drawn) :]
        assert row.block is not None  # the input is none of these
        names = _chain_names(network, row, drawn)
        parts.append(Part(row, defined, drawn, tuple(_cited(row.block, before.signal)), names))
    return Description(network, tuple(parts))


def _drawn_input(network: Network) -> Drawn:
    family = network.rows[0].signal.family
    if network.inputs is not None:
        return Drawn(family, law="data")
    return Drawn(family, exact("input_variance", network.input_variance), network.input_law.name)


def _chain_names(network: Network, row: Row, drawn: tuple[Drawn, ...]) -> dict[str, Family]:
    """Return what the papers call a row of the chain: s^i with its W^i and b^i, or z^{i+1} (z^0: the input)."""
    if not network.is_chain:
        return {}
    i, is_activation = divmod(row.layer - 1, 2)
    if row.block is None or is_activation:
        return {f"z^{i + 1}": row.signal.family}
    weights = zip(("W", "b"), drawn, strict=False)
    return {f"{name}^{i}": d.family for name, d in weights} | {f"s^{i}": row.signal.family}


def _cited(block: Block, z: Signal) -> Iterator[Cited]:
    """Yield what is cited for a block that has lemmas of its own, or else for those inside of it."""
    try:
        lemmas = block.lemmas(z)
    except InputError:
        for inner, start in _inside(block, z):
            yield from _cited(inner, start)
        return
    after, generic = block(z), block(network_input(*z.shape, name=INCOMING))
    defined, drawn = after.defined[len(z.defined) :], after.drawn[len(z.drawn) :]
    names = tuple(lemma.derivation.name for lemma in lemmas.values())
    yield Cited(block, names, dict(_names(generic, z.family, defined, drawn)))


def _inside(block: Block, z: Signal) -> Iterator[tuple[Block, Signal]]:
    """Yield the blocks inside, each with the signal that goes in."""
    if isinstance(block, SumOf | Concatenate):
        found: list[Signal] = []
        for branch in block.inside:
            start = z.joined(*found)
            yield branch, start
            found.append(branch(start))
    else:
        for part in block.inside:
            yield part, z
            z = part(z)


def _names(
    generic: Signal, given: Family, defined: tuple[Family, ...], drawn: tuple[Drawn, ...]
) -> Iterator[tuple[str, Family]]:
    """Yield the names of the families in the lemmas, which come in the same order, with those of the network."""
    incoming, *weights = (d.family for d in generic.drawn)
    yield incoming.name, given
    yield from zip((f.name for f in weights), (d.family for d in drawn), strict=True)
    yield from zip((f.name for f in generic.defined), defined, strict=True)


def definition(family: Family) -> Basic:
    """Return the equation that defines a scalar of a family at the usual indices."""
    entry = scalar(family)
    return Eq(entry, entry.definition, evaluate=False)


def scalar(family: Family) -> Entry:
    """Return a scalar of a family at the usual indices: a unit k, a channel c at a place p, r, a weight l, k."""
    assert isinstance(family.extents, Extents)  # blocks make families of axes
    names = [axis.name for axis in family.extents.axes]
    if "out" in names:
        # Weights: the units, or channels, that they read.
        names[0] = "in"
    return family(*(Symbol(_INDICES[name], integer=True) for name in names))


def drawn_data(drawn: Drawn) -> dict[str, Any]:
    """Return what is drawn as plain data; numbers as text, exactly."""
    sizes: tuple[Expr, ...] = drawn.family.extents(0)
    return {
        "family": drawn.family.name,
        "meaning": str(drawn.family.meaning),
        "shape": list(map(int, sizes)),
        "law": drawn.law,
        "variance": None if drawn.variance is None else str(drawn.variance),
        "rate": None if drawn.rate is None else str(drawn.rate),
    }
