"""Rules that read what is written by its name: the right side of a definition as its left side."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Basic, Eq, Expr, Integer, Mul, Sum

from derive.errors import InputError
from derive.proof.instances import alike
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.randomness import Entry
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True)
class Recognise(Rule):
    """w(k) = u(k), where an equation u(k) = w(k) holds at any k: its right side is read as its left side

    ``at`` says for which k. Obligation: the hypothesis states the equation for all of its indices.
    """

    equation: Eq
    at: tuple[tuple[Basic, Basic], ...]
    name = "recognise"
    words = "This has a name."
    evidence = Evidence.RESIDUAL

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the instance of the right side; raise `RuleDoesNotApply` where it does not occur."""
        hypothesis = setting.stating(self.equation)
        loose = {u for u, _ in self.at} - {*hypothesis.for_all}
        if loose:
            raise InputError(f"{hypothesis.key} does not hold for every {', '.join(sorted(map(str, loose)))}")
        left, right = (side.xreplace(dict(self.at)) for side in self.equation.args)
        after = _replaced(expression, right, left)
        if after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds no {right} in {expression}")
        words = Words("By {}.", self.equation)
        return Rewrite(after, frozenset({hypothesis.key}), words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the right side back."""
        left, right = (side.subs(dict(self.at), simultaneous=True) for side in self.equation.args)
        return Integer(int(not alike(after.subs(left, right), before)))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule names what is given; see `apply`."""
        return None


@dataclass(frozen=True)
class Gather(Rule):
    """d = u, where the scalar u of a defined family has the definition d;  d = n u for the definition d/n

    Obligation: the scalars are those of defined families.
    """

    scalars: tuple[Entry, ...]
    name = "gather"
    words = "Read it by its name."

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the definitions of the scalars by the scalars; raise `RuleDoesNotApply` where one does not occur."""
        after = expression
        for entry in self.scalars:
            before, after = after, _replaced(after, entry.definition, entry)
            if after == before:
                raise RuleDoesNotApply(f"rule {self.name} finds no {entry} in {expression}")
        return Rewrite(after, words=Words("Write " + ", ".join(["{}"] * len(self.scalars)) + ".", *self.scalars))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule names what is given; see `apply`."""
        return None


def _replaced(e: Basic, old: Basic, new: Basic) -> Basic:
    """Return an expression with one part replaced, whatever its summation indices are called."""
    if type(e) is type(old) and alike(e, old):
        return new
    if isinstance(e, Mul) and isinstance(old, Mul):
        rest = list(e.args)
        found = [next((u for u in rest if alike(u, factor)), None) for factor in old.args]
        if None not in found:
            return new * Mul(*(u for u in rest if u not in found))
    if isinstance(e, Sum) and isinstance(old, Mul):
        # An average is defined: this is the sum.
        share = Mul(*(factor for factor in old.args if not isinstance(factor, Sum)))
        if share.is_positive and alike(e, old / share):
            return new / share
    return e.func(*(_replaced(a, old, new) for a in e.args)) if e.args else e
