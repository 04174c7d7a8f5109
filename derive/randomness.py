"""What is random and over what: sources of randomness, and families of scalars indexed by layer and unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sympy import Atom, Expr, Integer, sympify

from derive.contents import Contents
from derive.errors import InputError
from derive.notation import Notation
from derive.words import Words


@dataclass(frozen=True)
class Source:
    """A source of randomness, such as the weights; every average says which sources it averages over.

    ``last``: nothing that is drawn from another source depends on it.
    """

    name: str
    article: str = "the "
    last: bool = False

    def __str__(self) -> str:
        return self.article + self.name


INPUT = Source("input")
WEIGHTS = Source("weights")
BIASES = Source("biases")
OUTPUT_GRADIENT = Source("output gradient", last=True)
BEFORE = Source("layers before")
"""Whatever the layers before one make of what was drawn there."""


class Over(Atom):
    """What an average is taken over: a set of sources, with the brackets that the field writes for it.

    ``style`` is ``"all"`` (Var[.], E[.]), ``"network"`` (double angle brackets) or ``"sample"`` (single ones).
    """

    def __new__(cls, name: str, sources: tuple[Source, ...], style: str = "all") -> Over:
        """Return the over of these arguments."""
        obj = super().__new__(cls)
        obj.name, obj.sources, obj.style = name, sources, style
        return obj

    def _hashable_content(self) -> tuple[str, ...]:
        return (self.name, self.style, ", ".join(source.article + source.name for source in self.sources))

    def __str__(self) -> str:
        return self.name

    def _sympystr(self, printer: object) -> str:
        return self.name

    def describe(self) -> str:
        """Return "the input, the weights and the biases"."""
        names = [str(s) for s in self.sources]
        return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


NETWORKS = Over("networks", (WEIGHTS, BIASES), "network")
"""Network randomness: the weights (and biases) of all layers, with the input fixed."""

SAMPLES = Over("samples", (INPUT,), "sample")
"""Sample randomness: the input, with the weights of all layers fixed."""

EVERYTHING = Over("everything", (INPUT, WEIGHTS, BIASES, OUTPUT_GRADIENT))
"""The randomness of Glorot & Bengio: "with respect to input, output and weight initialization"."""


class Family(Atom):
    """A family of real scalars indexed by a layer (if ``layered``) and by units.

    A *primitive* family has a ``source`` and is drawn; a *defined* one has ``definition``, a function from
    indices to an expression in other families. ``start``, a function from units, defines it at layer 0; the definition
    then speaks of layers from 1 on.
    ``extents(layer)`` gives the number of values of each unit index. ``singular`` is what one scalar is called ("the
    pre-activation"), where it has a name.
    Two families are equal when they have one name, source and number of indices, and their functions the same code
    and the same values in it.
    """

    _content: tuple[str, ...] | None

    def __new__(
        cls,
        name: str,
        *,
        meaning: str | Words,
        extents: Callable[[Expr], tuple[Expr, ...]],
        layered: bool = True,
        source: Source | None = None,
        definition: Callable[..., Expr] | None = None,
        start: Callable[..., Expr] | None = None,
        symbol: str | None = None,
        singular: str = "",
    ) -> Family:
        """Return the family of these arguments."""
        if (source is None) == (definition is None):
            raise InputError(f"family {name}: give a source or a definition, and not both")
        if start is not None and not (layered and definition is not None):
            raise InputError(f"family {name}: a start is the definition at layer 0 of a family defined layer by layer")
        obj = super().__new__(cls)
        obj.name, obj.meaning, obj.extents, obj.layered = name, meaning, extents, layered
        obj.source, obj.definition, obj.start, obj.symbol = source, definition, start, symbol or name
        obj.singular = singular
        obj._content = None
        return obj

    def _hashable_content(self) -> tuple[str, ...]:
        if self._content is None:
            # Families that share a name and no more must not be taken for each other.
            self._content = (self.name, _written(self))
        return self._content

    def _sympystr(self, printer: object) -> str:
        return self.name

    def __call__(self, *indices: Expr | int) -> Entry:
        """Return one scalar of the family."""
        return Entry(self, *indices)

    def defined(self, *indices: Expr) -> Expr:
        """Return what defines the scalar at these indices; raises `InputError` where the family is drawn.

        That is the start at layer 0, and the definition at later layers and at a symbolic one.
        """
        if self.definition is None:
            raise InputError(f"family {self.name} is drawn and has no definition")
        if self.start is not None and indices[0] == 0:
            return self.start(*indices[1:])
        return self.definition(*indices)


def _written(family: Family) -> str:
    """Return what a family is as text, with what its functions refer to; families in circles by name."""

    def describe(value: object) -> str | None:
        if isinstance(value, Over):
            return str(value._hashable_content())
        if not isinstance(value, Family):
            return None
        if value is not family and (value.source is not None or not value.layered):
            # It is in no circle, and may be at the end of a long chain of definitions.
            return sha256("".join(value._hashable_content()).encode()).hexdigest()
        parts = (value.source, value.layered, value.extents, value.definition, value.start)
        return f"family {value.name}({', '.join(map(contents, parts))})"

    contents = Contents(describe)
    return contents(family)


class Entry(Notation, Expr):
    """One scalar of a family: ``Entry(W, i, l, k)`` is W^i_{lk}."""

    is_commutative = True
    is_real = True
    _diff_wrt = True

    def __new__(cls, family: Family, *indices: Expr | int) -> Entry:
        """Return the entry of these arguments."""
        units = len(family.extents(Integer(0)))
        if len(indices) != units + family.layered:
            raise InputError(f"{family.name} takes {units + family.layered} indices, got {len(indices)}")
        return super().__new__(cls, family, *map(sympify, indices))

    @property
    def family(self) -> Family:
        """The family that this scalar belongs to."""
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        """All indices, the layer first if the family has layers."""
        return self.args[1:]

    @property
    def layer(self) -> Expr | None:
        """The layer index, or None for a family without layers."""
        return self.args[1] if self.family.layered else None

    @property
    def units(self) -> tuple[Expr, ...]:
        """The unit indices."""
        return self.args[2:] if self.family.layered else self.args[1:]

    @property
    def definition(self) -> Expr | None:
        """The definition of this scalar, or None if it is drawn."""
        return self.family.defined(*self.indices) if self.family.source is None else None
