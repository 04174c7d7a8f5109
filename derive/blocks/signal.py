"""Signals, which flow between blocks: a family of scalars with named axes, and what was drawn and assumed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, sympify

from derive.errors import InputError
from derive.indices import fresh_index
from derive.kinds import Hypothesis
from derive.layers import i
from derive.randomness import INPUT, Entry, Family, Source
from derive.words import Words

SAMPLE, UNIT, CHANNEL = "sample", "unit", "channel"
POSITIONS = ("row", "column")
"""Names of axes. A signal has units, or channels with one or two axes of positions; samples come first."""


@dataclass(frozen=True)
class Axis:
    """The values that one index of a signal takes: 1 to ``size``, which may depend on the layer ``i``."""

    name: str
    size: Expr

    def __post_init__(self) -> None:
        """Take a plain number for a size; raise `InputError` for one that is none."""
        size = sympify(self.size)
        if size.is_number and not (size.is_integer and size.is_positive):
            raise InputError(f"the size of the {self.name} axis must be a positive integer, got {size}")
        object.__setattr__(self, "size", size)

    def at(self, layer: Expr) -> Expr:
        """Return the size in a layer."""
        return self.size.subs(i, layer)


@dataclass(frozen=True)
class Place:
    """Where a scalar of a signal is: its layer (none, or one) and an index on every axis."""

    layer: tuple[Expr, ...]
    index: Mapping[str, Expr]

    def __getitem__(self, axis: str) -> Expr:
        return self.index[axis]

    def moved(self, **index: Expr) -> Place:
        """Return the place with other indices on some axes."""
        return replace(self, index={**self.index, **index})

    def fresh(self, count: int = 1, *also: Expr) -> list[Expr]:
        """Return summation indices that do not occur here."""
        found: list[Expr] = []
        for _ in range(count):
            found.append(fresh_index(*self.layer, *self.index.values(), *also, *found))
        return found


Formula = Callable[[Place], Expr]


@dataclass(frozen=True)
class Values:
    """The scalars of a signal by place, and nothing of how they came about: what a definition reads."""

    family: Family
    axes: tuple[Axis, ...]

    def __call__(self, place: Place) -> Entry:
        """Return the scalar at a place; indices on other axes are not looked at."""
        return self.family(*place.layer, *(place[axis.name] for axis in self.axes))


@dataclass(frozen=True)
class Drawn:
    """A family that is drawn: ``variance`` and ``law`` are what an array draws it with (None: not said).

    The scalars have mean zero unless ``law`` says otherwise (``"mask"``: 0 with probability ``rate``, else
    1/(1 - rate)).
    """

    family: Family
    variance: Expr | None = None
    law: str = "normal"
    rate: Expr | None = None


@dataclass(frozen=True)
class Signal:
    """What flows between blocks: a family with its axes, and all that has been drawn, defined and assumed on the way.

    ``defined`` are the families with a definition, in the order in which they are computed.
    """

    family: Family
    axes: tuple[Axis, ...]
    drawn: tuple[Drawn, ...] = ()
    defined: tuple[Family, ...] = ()
    assumed: tuple[Hypothesis, ...] = ()

    def axis(self, name: str) -> Axis:
        """Return an axis by its name, or raise `InputError`."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        has = ", ".join(axis.name for axis in self.axes)
        raise InputError(f"{self.family.name} has no {name} axis (it has: {has})")

    def has(self, name: str) -> bool:
        """Return whether there is an axis of this name."""
        return any(axis.name == name for axis in self.axes)

    @property
    def feature(self) -> Axis:
        """The axis that weights contract: the units, or the channels."""
        return self.axis(CHANNEL if self.has(CHANNEL) else UNIT)

    @property
    def positions(self) -> tuple[Axis, ...]:
        """The axes of positions."""
        return tuple(axis for axis in self.axes if axis.name in POSITIONS)

    @property
    def layered(self) -> bool:
        """Whether the signal is one of many layers."""
        return self.family.layered

    @property
    def shape(self) -> tuple[Expr, ...]:
        """The sizes of the axes."""
        return tuple(axis.size for axis in self.axes)

    @property
    def values(self) -> Values:
        """The scalars by place."""
        return Values(self.family, self.axes)

    def replaced(self, name: str, *new: Axis) -> tuple[Axis, ...]:
        """Return the axes with one of them replaced."""
        return tuple(a for axis in self.axes for a in (new if axis.name == name else (axis,)))

    def names(self) -> frozenset[str]:
        """Return the names of all families so far."""
        return frozenset({self.family.name, *(d.family.name for d in self.drawn), *(f.name for f in self.defined)})

    def name(self, wanted: str) -> str:
        """Return a name that no family has: the wanted one, or one with a number (with layers: with primes)."""
        used = self.names()
        # A layer is printed above the name, where a number would stand.
        more = ("'" * k if self.layered else f"_{k + 1}" for k in range(1, len(used) + 2))
        return next(n for n in (wanted, *(wanted + end for end in more)) if n not in used)

    def drawing(
        self,
        name: str,
        axes: tuple[Axis, ...],
        source: Source,
        meaning: str,
        *,
        variance: Expr | None = None,
        law: str = "normal",
        rate: Expr | None = None,
    ) -> tuple[Signal, Family]:
        """Return the signal with a family drawn besides, and that family."""
        unique = self.name(name)
        family = Family(
            unique,
            meaning=meaning,
            extents=Extents(axes),
            layered=self.layered,
            source=source,
            symbol=_numbered(unique),
        )
        drawn = Drawn(family, variance, law, rate)
        return replace(self, drawn=(*self.drawn, drawn)), family

    def becomes(self, name: str, axes: tuple[Axis, ...], meaning: str | Words, formula: Formula) -> Signal:
        """Return the signal that a formula computes from this one."""
        unique = self.name(name)
        family = Family(
            unique,
            meaning=meaning,
            extents=Extents(axes),
            layered=self.layered,
            symbol=_numbered(unique),
            definition=_Definition(axes, self.layered, formula),
        )
        if not self.layered:
            # What a family is told apart by is worked out from the families before it: one by one, not all at the end.
            hash(family)
        return replace(self, family=family, axes=axes, defined=(*self.defined, family))

    def assuming(self, *hypotheses: Hypothesis) -> Signal:
        """Return the signal with further hypotheses."""
        return replace(self, assumed=(*self.assumed, *(h for h in hypotheses if h not in self.assumed)))

    def joined(self, *others: Signal) -> Signal:
        """Return the signal with what others have drawn, defined and assumed."""
        whole = self
        for other in others:
            whole = replace(
                whole,
                drawn=(*whole.drawn, *(d for d in other.drawn if d not in whole.drawn)),
                defined=(*whole.defined, *(f for f in other.defined if f not in whole.defined)),
            ).assuming(*other.assumed)
        return whole


def _numbered(name: str) -> str:
    """Return how a name with a number prints: W_2 as W^{(2)}, whose units are the subscripts."""
    stem, _, number = name.rpartition("_")
    return f"{stem}__({number})" if number.isdigit() else name


@dataclass(frozen=True)
class Extents:
    """The sizes of the axes as a function of the layer."""

    axes: tuple[Axis, ...]

    def __call__(self, layer: Expr | int) -> tuple[Expr, ...]:
        """Return the sizes in a layer."""
        return tuple(axis.at(sympify(layer)) for axis in self.axes)


@dataclass(frozen=True)
class _Definition:
    """A formula at a place as a function of indices, the layer first where there is one."""

    axes: tuple[Axis, ...]
    layered: bool
    formula: Formula

    def __call__(self, *indices: Expr | int) -> Expr:
        values = [sympify(k) for k in indices]
        layer, rest = tuple(values[: self.layered]), values[self.layered :]
        names = (axis.name for axis in self.axes)
        return self.formula(Place(layer, dict(zip(names, rest, strict=True))))


def network_input(
    *sizes: Expr | int, samples: Expr | int | None = None, name: str = "x", source: Source = INPUT
) -> Signal:
    """Return the input of a network: units, or channels and one or two axes of positions.

    ``samples`` is the number of samples, where the network sees several at once: weights know nothing of them.
    """
    if not 1 <= len(sizes) <= 1 + len(POSITIONS):
        raise InputError(f"an input has units, or channels and one or two axes of positions; got {len(sizes)} sizes")
    names = (UNIT,) if len(sizes) == 1 else (CHANNEL, *POSITIONS)
    axes = tuple(Axis(n, sympify(size)) for n, size in zip(names, sizes, strict=False))
    if samples is not None:
        axes = (Axis(SAMPLE, sympify(samples)), *axes)
    family = Family(
        name,
        meaning="the network input",
        extents=Extents(axes),
        layered=False,
        source=source,
    )
    return Signal(family, axes, (Drawn(family),))
