"""A block: a function from a signal to a signal. It adds a definition, what it draws and what it assumes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import Parameter, signature
from typing import TYPE_CHECKING, ClassVar

from sympy import Expr, sympify

from derive.blocks.signal import Signal
from derive.decimals import decimal, exact
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas


class Block(ABC):
    """One part of a network; subclasses are frozen dataclasses of its parameters.

    ``word`` is its name in a network's text. ``str(block)`` is its text, which `derive.blocks.read` reads:
    the word, and in brackets the parameters of the class that have other values than by default.
    """

    word: ClassVar[str]

    @abstractmethod
    def __call__(self, z: Signal) -> Signal:
        """Return the signal that comes out when ``z`` goes in; raise `InputError` for one that does not fit."""

    def lemmas(self, z: Signal) -> Lemmas:
        """Return how the state of ``z`` comes through, a lemma for each number; raise `InputError` for none."""
        raise InputError(f"{self.word} has no lemma: nothing is predicted behind it")

    @property
    def has_weights(self) -> bool:
        """Whether there are weights on every way through."""
        return any(block.has_weights for block in self.inside)

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return whether what comes out is Gaussian in the limit of wide layers, where what comes in is, or is not."""
        return False

    @property
    def steps(self) -> tuple[Block, ...]:
        """What the block does, one after the other, repeats written out: itself, where it is no row of others."""
        return (self,)

    @property
    def paths(self) -> tuple[tuple[Block, Expr], ...]:
        """The blocks whose outputs it adds up, with the factor of each; none for a block that adds nothing up."""
        return ()

    @property
    def inside(self) -> tuple[Block, ...]:
        """The blocks that this one is made of."""
        return ()

    @property
    def batches(self) -> frozenset[Expr | None]:
        """How many samples each part that normalises over a batch must see at once; None for infinitely many."""
        return frozenset[Expr | None]().union(*(block.batches for block in self.inside))

    @property
    def name(self) -> str:
        """What the block is called in the rows of a curve."""
        return self.word

    def lacks(self, parameter: str) -> bool:
        """Return whether this block, or one inside it, has such a parameter and no value for it."""
        own = parameter in signature(type(self)).parameters and getattr(self, parameter) is None
        return own or any(block.lacks(parameter) for block in self.inside)

    def changed(self, inside: tuple[Block, ...] | None = None, **parameters: object) -> Block:
        """Return the block with other parameters, or made of other blocks."""
        first: list[object] = []
        named: dict[str, object] = {}
        for name, parameter in signature(type(self)).parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                # What stands before a row of blocks is given by its place.
                first, named = [*named.values(), *(self.inside if inside is None else inside)], {}
            else:
                named[name] = parameters.get(name, getattr(self, name))
        return type(self)(*first, **named)

    def __str__(self) -> str:
        parts: list[str] = []
        in_order = True
        for name, parameter in signature(type(self)).parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                parts += map(str, self.inside)
                continue
            value = getattr(self, name)
            if value == parameter.default:
                in_order = False
            elif in_order and parameter.kind is not Parameter.KEYWORD_ONLY:
                parts.append(_text(value))
                # Numbers come first without their names; all else is read better with it.
                in_order = False
            else:
                parts.append(f"{name}={_text(value)}")
        return f"{self.word}({', '.join(parts)})" if parts else self.word

    def _exact(self, *names: str) -> None:
        """Make parameters exact numbers; raise `InputError` for what is no number."""
        for name in names:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, exact(f"{name} of {self.word}", value))

    def _whole(self, name: str) -> None:
        """Make a parameter an exact number; raise `InputError` for what is no size."""
        self._exact(name)
        value = getattr(self, name)
        if value.is_number and not (value.is_integer and value.is_positive):
            raise InputError(f"{name} of {self.word} must be a positive integer, got {value}")

    def _variances(self, *names: str) -> None:
        """Make parameters exact numbers; raise `InputError` for what can be no variance."""
        self._exact(*names)
        for name in names:
            value = getattr(self, name)
            if value is not None and (value.is_extended_nonnegative is False or value.is_finite is False):
                raise InputError(f"{name} of {self.word} must be finite and not negative, got {value}")


def _text(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return decimal(sympify(value)) if isinstance(value, Expr | int) else str(value).lower()
