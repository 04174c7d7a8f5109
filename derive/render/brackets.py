"""Which average a bracket stands for: one bracket, one meaning, wherever both can be seen at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Basic, Symbol, preorder_traversal

from derive.averages import Average, Bracket, Covariance, Variance
from derive.randomness import Over

Kind = tuple[type, str]


def kind(bracket: Bracket) -> Kind:
    """Return what a bracket looks like: E[.] of any "all" average looks alike, and so does every Var[.]."""
    return type(bracket), bracket.over.style if isinstance(bracket, Average) else ""


@dataclass(frozen=True)
class Brackets:
    """The brackets that occur in some expressions, each with what it averages over.

    Where brackets that look alike average over different things, all but those over ``default`` carry the name
    of what they average over as a subscript.
    """

    occurring: tuple[tuple[Kind, Over], ...] = ()
    default: Over | None = None

    @classmethod
    def of(cls, expressions: Iterable[Basic], default: Over | None = None) -> Brackets:
        """Collect the brackets of some expressions, in order of first use."""
        found = {(kind(b), b.over): None for e in expressions for b in _brackets(e)}
        return cls(tuple(found), default)

    def named(self, bracket: Bracket) -> bool:
        """Return True when the bracket has to carry the name of what it averages over."""
        alike = {over for k, over in self.occurring if k == kind(bracket)}
        return len(alike) > 1 and bracket.over != self.default

    def legend(self) -> list[tuple[Over, list[Bracket]]]:
        """Return what is averaged over, each with one sample of every bracket that averages over it."""
        order = {Average: 0, Variance: 1, Covariance: 2}
        groups: dict[Over, set[type]] = {}
        for (bracket, _), over in self.occurring:
            groups.setdefault(over, set()).add(bracket)
        return [
            (over, [_sample(c, over) for c in sorted(found, key=order.__getitem__)]) for over, found in groups.items()
        ]


def _brackets(expression: Basic) -> Iterator[Bracket]:
    return (node for node in preorder_traversal(expression) if isinstance(node, Bracket))


def _sample(bracket: type, over: Over) -> Bracket:
    dot = Symbol("·")
    sample: Bracket = Covariance(dot, dot, over) if bracket is Covariance else bracket(dot, over)
    return sample
