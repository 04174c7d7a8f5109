"""What a hypothesis declares, and what it lays down: its properties, its equations, and its words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import Enum

from sympy import Basic, Eq, StrictGreaterThan, Symbol

from derive.errors import InputError
from derive.indices import nameless
from derive.randomness import Family
from derive.words import Words


class Kind(Enum):
    """What can be declared, of a family or of the network."""

    ENTRIES_INDEPENDENT = "its scalars are independent of each other"
    INDEPENDENT_OF = "it is independent of another family"
    ZERO_MEAN = "every scalar has mean zero"
    SHARED_VARIANCE = "every scalar (of a layer) has the same variance"
    IDENTICAL = "every scalar (of a layer) has the same law"
    SYMMETRIC = "every scalar has a law symmetric about zero"
    ZERO = "every scalar is zero"
    GAUSSIAN = "every scalar is Gaussian"
    RECTIFIER = "the activation function is leaky ReLU of slope a"
    RELU = "the slope of the leaky ReLU is 0"
    HE = "the weights have He's variance"
    FIRST_ORDER = "the activation function is affine where the network works"
    LINEAR = "the activation function is the identity where the network works"
    HOMOGENEOUS = "all widths are equal, and all weight variances"
    NEVER_ZERO = "no pre-activation is exactly zero"
    NONDEGENERATE = "it is not degenerate: its variance is positive, and so is a sum of its squares"
    FINITE_MOMENTS = "what is drawn, and what is computed from it, has finite moments up to an order"
    SMOOTH = "the activation function has that many derivatives, with finite mean squares over Gaussians"
    KINKED = "the activation function is continuous, and smooth but for finitely many kinks"
    SIDED = "the activation function is continuous, and smooth on each side of a kink at zero"
    NOT_CONSTANT = "the activation function is not constant"
    ATTRACTED = "the sequence starts in the range of the expansion, on the side from which it shrinks"
    GAUSSIAN_LIMIT = "a pre-activation becomes Gaussian as the width grows, and means of functions of it follow"
    JOINT_GAUSSIAN_LIMIT = "the pre-activations of two samples become jointly Gaussian as the width grows"
    GRADIENT_INDEPENDENCE = "gradients that come back become independent of what went forward as the width grows"
    DEFINITION = "a name for something, which assumes nothing"


ANALYTIC = frozenset(
    {
        Kind.FINITE_MOMENTS,
        Kind.SMOOTH,
        Kind.KINKED,
        Kind.SIDED,
        Kind.NOT_CONSTANT,
        Kind.ATTRACTED,
        Kind.GAUSSIAN_LIMIT,
        Kind.JOINT_GAUSSIAN_LIMIT,
        Kind.GRADIENT_INDEPENDENCE,
        Kind.DEFINITION,
    }
)
"""Kinds that no finite law can break: tiny worlds say nothing about them."""


@dataclass(frozen=True)
class Property:
    """One declared property: a kind, the family it is about, and the other family where there is one.

    ``order`` is how many moments are finite, or how many derivatives there are; more than are needed will do.
    ``licenses`` is the relation that a step may have because of it: ``"->"`` for a limit of wide layers.
    """

    kind: Kind
    family: Family | None = None
    other: Family | None = None
    order: int = 0
    licenses: str = "="

    def covers(self, wanted: Property) -> bool:
        """Return True when this says what is wanted, or more (independence is symmetric)."""
        if self.kind is not wanted.kind or self.order < wanted.order:
            return False
        ways = {(self.family, self.other)}
        if self.kind is Kind.INDEPENDENT_OF:
            ways.add((self.other, self.family))
        return (wanted.family, wanted.other) in ways


@dataclass(frozen=True, repr=False)
class Hypothesis:
    """A numbered assumption of a theorem, or a definition that it makes.

    ``says`` is words with expressions, which every renderer prints in its own notation. The equations and the
    inequalities among them are what the hypothesis lays down, the only place where they are written: rules solve them,
    or put in what they give. ``aside`` adds words for the reader; what stands there is no fact.
    ``exact`` tells whether the hypothesis can hold exactly at finite width (a statement about the law that one
    draws from) or is an approximation to the network one means. ``source`` cites where the field states it.
    ``for_all`` are the symbols for every value of which the equations hold; for the other symbols, they hold at the
    values that these stand for.
    """

    key: str
    says: Words
    properties: tuple[Property, ...]
    exact: bool = True
    source: str = ""
    aside: Words | None = None
    for_all: tuple[Symbol, ...] = ()

    def __repr__(self) -> str:
        return f"<Hypothesis {self.key}: {self.text}>"

    @property
    def text(self) -> Words:
        """All that a reader is told."""
        if self.aside is None:
            return self.says
        return Words(f"{self.says.template} {self.aside.template}", *self.says.objects, *self.aside.objects)

    @property
    def equations(self) -> tuple[Eq, ...]:
        """The equations that the hypothesis lays down."""
        return tuple(e for e in self.says.objects if isinstance(e, Eq))

    @property
    def positive(self) -> tuple[Basic, ...]:
        """What the hypothesis says to be positive."""
        return tuple(e.lhs for e in self.says.objects if isinstance(e, StrictGreaterThan) and e.rhs == 0)

    def declares(
        self, kind: Kind, family: Family | None = None, other: Family | None = None, *, order: int = 0
    ) -> bool:
        """Return True when this hypothesis declares the property (independence is symmetric)."""
        return any(p.covers(Property(kind, family, other, order)) for p in self.properties)


def definition(key: str, says: Words, *, for_all: tuple[Symbol, ...] = (), source: str = "") -> Hypothesis:
    """Return the hypothesis that gives names: it holds by choice, and assumes nothing."""
    return Hypothesis(key, says, (Property(Kind.DEFINITION),), source=source, for_all=for_all)


def require_one_meaning(hypotheses: Iterable[Hypothesis]) -> None:
    """Raise `InputError` where two hypotheses have one key and do not say the same."""
    met: dict[str, Hypothesis] = {}
    for h in hypotheses:
        differing = _differing(met.setdefault(h.key, h), h)
        if differing:
            raise InputError(f"two hypotheses have the key {h.key!r} and differ in their {' and '.join(differing)}")


def _differing(one: Hypothesis, other: Hypothesis) -> list[str]:
    if one is other or one == other:
        return []
    names = [f.name for f in fields(Hypothesis) if _plain(getattr(one, f.name)) != _plain(getattr(other, f.name))]
    shown = {"says": "equations" if _plain(one.equations) != _plain(other.equations) else "words", "aside": "words"}
    return list(dict.fromkeys(shown.get(name, name) for name in names))


def _plain(value: object) -> object:
    """Return a value with its dummies numbered: two runs of one rule name them differently."""
    if isinstance(value, Words):
        return value.template, tuple(map(nameless, value.objects))
    return (
        tuple(map(_plain, value))
        if isinstance(value, tuple)
        else nameless(value)
        if isinstance(value, Basic)
        else value
    )
