"""What a hypothesis declares, and what it lays down: its properties, its equations, and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from sympy import Basic, Eq, StrictGreaterThan, Symbol
from sympy.core.relational import Relational

from derive.chances import Chances, Index, Scalar, mesokurtic, nothing, symmetric
from derive.contents import Contents
from derive.errors import InputError
from derive.indices import nameless
from derive.randomness import Family
from derive.words import Words


@dataclass(frozen=True, eq=False)
class Kind:
    """What can be declared, of a family or of the network: words, and what tiny worlds and rules need of it.

    ``implies`` are the kinds that hold of a family's laws wherever this one does. A world grants it by ``law``, which
    gives a scalar's values and weights, or by ``apart``: scalars for whose indices it gives other keys have coins of
    their own. A world that does not grant it withholds it: laws are then skewed, of means and variances of their own,
    and hang on one coin. ``symmetric``: of two families in either order. ``analytic``: no finite law can break it, so
    that tiny worlds say nothing about it. ``infinite``: no finite law has it, so that tiny worlds refute nothing that
    rests on it.
    Two kinds are the same that say the same, with the same law.
    """

    name: str
    value: str
    implies: tuple[Kind, ...] = ()
    law: Callable[[Scalar], Chances] | None = None
    apart: Callable[[Index], Index] | None = None
    symmetric: bool = False
    analytic: bool = False
    infinite: bool = False

    ENTRIES_INDEPENDENT: ClassVar[Kind]
    INDEPENDENT_OF: ClassVar[Kind]
    ZERO_MEAN: ClassVar[Kind]
    SHARED_VARIANCE: ClassVar[Kind]
    IDENTICAL: ClassVar[Kind]
    SYMMETRIC: ClassVar[Kind]
    MESOKURTIC: ClassVar[Kind]
    ZERO: ClassVar[Kind]
    GAUSSIAN: ClassVar[Kind]
    NEVER_ZERO: ClassVar[Kind]
    NONDEGENERATE: ClassVar[Kind]
    REGIME: ClassVar[Kind]
    FINITE_MOMENTS: ClassVar[Kind]
    SMOOTH: ClassVar[Kind]
    KINKED: ClassVar[Kind]
    SIDED: ClassVar[Kind]
    NOT_CONSTANT: ClassVar[Kind]
    ATTRACTED: ClassVar[Kind]
    GAUSSIAN_LIMIT: ClassVar[Kind]
    JOINT_GAUSSIAN_LIMIT: ClassVar[Kind]
    GRADIENT_INDEPENDENCE: ClassVar[Kind]
    NARROW: ClassVar[Kind]
    DEFINITION: ClassVar[Kind]

    def __eq__(self, other: object) -> bool:
        """Return whether the other says the same, with the same law."""
        return self is other or (isinstance(other, Kind) and self._content == other._content)

    def __hash__(self) -> int:
        return hash((self.name, self.value))

    def __repr__(self) -> str:
        return f"<Kind {self.name}: {self.value}>"

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        written = Contents()
        return (self.name, self.value, self.implies, written(self.law), written(self.apart), self.symmetric)

    @cached_property
    def all(self) -> frozenset[Kind]:
        """The kind with all that it implies."""
        return frozenset({self}).union(*(k.all for k in self.implies))


Kind.ENTRIES_INDEPENDENT = Kind(
    "ENTRIES_INDEPENDENT", "its scalars are independent of each other", apart=lambda index: index
)
Kind.INDEPENDENT_OF = Kind(
    "INDEPENDENT_OF", "it is independent of another family, or of several together", symmetric=True
)
Kind.ZERO_MEAN = Kind("ZERO_MEAN", "every scalar has mean zero")
Kind.SHARED_VARIANCE = Kind("SHARED_VARIANCE", "every scalar (of a layer) has the same variance")
Kind.IDENTICAL = Kind("IDENTICAL", "every scalar (of a layer) has the same law", implies=(Kind.SHARED_VARIANCE,))
Kind.SYMMETRIC = Kind(
    "SYMMETRIC", "every scalar has a law symmetric about zero", implies=(Kind.ZERO_MEAN,), law=symmetric
)
Kind.MESOKURTIC = Kind(
    "MESOKURTIC",
    "every scalar has a law symmetric about zero, with the fourth moment of a Gaussian",
    implies=(Kind.SYMMETRIC,),
    law=mesokurtic,
)
Kind.ZERO = Kind("ZERO", "every scalar is zero", implies=(Kind.ZERO_MEAN, Kind.SHARED_VARIANCE), law=nothing)
Kind.GAUSSIAN = Kind("GAUSSIAN", "every scalar is Gaussian", infinite=True)
Kind.NEVER_ZERO = Kind("NEVER_ZERO", "no scalar of it is exactly zero")
Kind.NONDEGENERATE = Kind(
    "NONDEGENERATE", "it is not degenerate: its variance is positive, and so is a sum of its squares"
)
Kind.REGIME = Kind("REGIME", "the network is such that the stated equations hold")
for _name, _value in {
    "FINITE_MOMENTS": "what is drawn, and what is computed from it, has finite moments up to an order",
    "SMOOTH": "the activation function has that many derivatives, with finite mean squares over Gaussians",
    "KINKED": "the activation function is continuous, and smooth but for finitely many kinks",
    "SIDED": "the activation function is continuous, and smooth on each side of a kink at zero",
    "NOT_CONSTANT": "the activation function is not constant",
    "ATTRACTED": "the sequence starts in the range of the expansion, on the side from which it shrinks",
    "GAUSSIAN_LIMIT": "a pre-activation becomes Gaussian as the width grows, and means of functions of it follow",
    "JOINT_GAUSSIAN_LIMIT": "the pre-activations of two samples become jointly Gaussian as the width grows",
    "GRADIENT_INDEPENDENCE": "gradients that come back become independent of what went forward as the width grows",
    "NARROW": "random numbers stay close to their means as the width grows: fluctuations are of order 1/sqrt(n), and "
    "their third moments of order 1/n^2",
    "DEFINITION": "a name for something, which assumes nothing",
}.items():
    setattr(Kind, _name, Kind(_name, _value, analytic=True))


@dataclass(frozen=True, init=False)
class Property:
    """One declared property: a kind, the family it is about, and the other families where there are some.

    ``Property(Kind.INDEPENDENT_OF, W, x, b)``: W is independent of x and b *together*, of the pair (x, b). That is more
    than independence *in pairs*, ``Property(Kind.INDEPENDENT_OF, W, x)`` and ``Property(Kind.INDEPENDENT_OF, W, b)``.
    ``order`` is how many moments are finite, or how many derivatives there are; more than are needed will do.
    ``licenses`` is the relation that a step may have because of it: ``"->"`` for a limit of wide layers.
    """

    kind: Kind
    family: Family | None
    others: tuple[Family, ...]
    order: int
    licenses: str

    def __init__(
        self, kind: Kind, family: Family | None = None, *others: Family, order: int = 0, licenses: str = "="
    ) -> None:
        """Return the property of these arguments."""
        for name, value in zip(_FIELDS, (kind, family, others, order, licenses), strict=True):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<{' '.join([self.kind.name, *(f.name for f in self.families)])}>"

    @property
    def families(self) -> tuple[Family, ...]:
        """All families that it is about."""
        return (*(() if self.family is None else (self.family,)), *self.others)

    def covers(self, wanted: Property) -> bool:
        """Return True when this says what is wanted, or more.

        What is independent of several together is so of each, and of fewer of them together; independence of two is
        symmetric.
        """
        if self.kind != wanted.kind or self.order < wanted.order:
            return False
        if self.family == wanted.family:
            return {*wanted.others} <= {*self.others}
        return self.kind.symmetric and wanted.family in self.others and wanted.others == (self.family,)


_FIELDS = tuple(f.name for f in fields(Property))


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

    def states(self, equation: Eq) -> bool:
        """Return True when this hypothesis lays down the equation."""
        return equation in self.equations

    @property
    def bounds(self) -> tuple[Relational, ...]:
        """The inequalities that the hypothesis lays down."""
        return tuple(e for e in self.says.objects if isinstance(e, Relational) and not isinstance(e, Eq))

    @property
    def positive(self) -> tuple[Basic, ...]:
        """What the hypothesis says to be positive."""
        return tuple(e.lhs for e in self.says.objects if isinstance(e, StrictGreaterThan) and e.rhs == 0)

    def declares(self, kind: Kind, family: Family | None = None, *others: Family, order: int = 0) -> bool:
        """Return True when this hypothesis declares the property, or one that says more."""
        wanted = Property(kind, family, *others, order=order)
        return any(p.covers(wanted) for p in self.properties)


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
