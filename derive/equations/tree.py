"""The parts of an equation as they stand in the text, before any name has a meaning; ``at`` is where each begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A part of an equation."""

    at: int


@dataclass(frozen=True)
class Number(Node):
    """A number, as it is written."""

    text: str


@dataclass(frozen=True)
class Phrase(Node):
    """Signs that are one name together, such as σ_w²."""

    signs: tuple[str, ...]


@dataclass(frozen=True)
class Name(Node):
    """A name with its primes and scripts; a subscript has parts, one for each comma and one more."""

    word: str
    primes: int = 0
    below: tuple[Node, ...] | None = None
    above: Node | None = None


@dataclass(frozen=True)
class Whole(Node):
    """The colon of W_{k,:}: all values of an index."""


@dataclass(frozen=True)
class Call(Node):
    """A function at arguments; ``power`` is one that stands between: log^2(x)."""

    name: Name
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Factor(Node):
    """A factor of a product, under the line where ``inverted``; ``sign`` is what stands before it."""

    node: Node
    inverted: bool
    sign: str


@dataclass(frozen=True)
class Product(Node):
    """Factors."""

    factors: tuple[Factor, ...]


@dataclass(frozen=True)
class Total(Node):
    """Terms, each with whether a minus stands before it."""

    terms: tuple[tuple[bool, Node], ...]


@dataclass(frozen=True)
class Power(Node):
    """A power."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Root(Node):
    """A root."""

    inside: Node
    degree: Node | None = None


@dataclass(frozen=True)
class Bars(Node):
    """An absolute value, or ``down``: what is rounded down."""

    inside: Node
    down: bool = False


@dataclass(frozen=True)
class Big(Node):
    """A sum or product over an index."""

    sign: str
    index: Name
    lower: Node
    upper: Node
    body: Node


@dataclass(frozen=True)
class Infinity(Node):
    """∞."""


@dataclass(frozen=True)
class Integral(Node):
    """An integral over a variable, with both ends or none; ``density`` where P(variable) stands in it."""

    body: Node
    variable: Node
    lower: Node | None = None
    upper: Node | None = None
    density: bool = False


@dataclass(frozen=True)
class Table(Node):
    """A matrix or a list in square brackets."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Law(Node):
    """The law of some variables: ``N`` with mean and variance, ``U`` with both ends, ``Bernoulli`` with a chance.

    ``within`` is the bound on the size of the variable of a law that is cut off there.
    """

    variables: tuple[Node, ...]
    kind: str
    parameters: tuple[Node, ...]
    within: Node | None = None


@dataclass(frozen=True)
class Mean(Node):
    """E, Var, Cov or an angle bracket round some quantities; ``label`` names what it is over, ``laws`` give it."""

    sign: str
    inside: tuple[Node, ...]
    label: str | None = None
    laws: tuple[Law, ...] = ()


@dataclass(frozen=True)
class Derivative(Node):
    """The derivative of a target by a variable."""

    target: Node
    variable: Node
    operator: bool = False


@dataclass(frozen=True)
class Relation(Node):
    """A chain of sides, with the sign between each two."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Logic(Node):
    """Relations joined by a word or an arrow."""

    sign: str
    parts: tuple[Node, ...]
