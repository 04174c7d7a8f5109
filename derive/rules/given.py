"""Rules that use the equations of hypotheses: a value that one gives, a name that a definition introduces."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Basic, Derivative, Dummy, Eq, Expr, Subs, Symbol, expand, factor
from sympy.core.relational import Relational

from derive.kinds import Hypothesis
from derive.network import Partial
from derive.proof.instances import Instances
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.rules.match import instantiate, match
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class PutIn(Rule):
    """u = w, the only value of u that an equation of a hypothesis allows

    Obligation: the equation is linear in u, and u is not under a sum, a mean or a derivative in a symbol at one value
    of which the equation holds.
    """

    values: tuple[tuple[Expr, Expr], ...]
    name = "put-in"
    words = "Put in the given values."
    evidence = Evidence.RESIDUAL

    def puts_in(self, setting: Setting) -> dict[Expr, tuple[Expr, Eq]]:
        """Return the values, each with the equation that gives it; raise `Undischarged` where none does."""
        return {u: (w, _who_gives(u, w, setting)[1]) for u, w in self.values}

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the symbols by their values wherever they hold."""
        visit = _Putting(dict(self.values), {u: _who_gives(u, w, setting) for u, w in self.values})
        after = visit(expression, frozenset())
        if not visit.uses:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to act on in {expression}")
        words = Words("Put in " + ", ".join(["{}"] * len(self.values)) + ".", *(Eq(s, w) for s, w in self.values))
        return Rewrite(after, frozenset(visit.uses), words)

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """What a symbol is under decides whether its value holds there; see `apply`."""
        return None

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Substitute the values."""
        given = before.xreplace(dict(self.values))
        if isinstance(given, Relational):
            return (given.lhs - after.lhs) - (given.rhs - after.rhs)
        return given - after


@dataclass(frozen=True)
class Everywhere(Rule):
    """u(k) = w(k) at any k, for an equation that a hypothesis states for all k

    Obligation: the hypothesis states it for all of its indices.
    """

    equation: Eq
    name = "everywhere"
    words = "It is so everywhere."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the left side of the equation, at whatever indices it stands."""
        hypothesis = setting.stating(self.equation)
        binding = match(self.equation.lhs, node, frozenset(hypothesis.for_all))
        if binding is None:
            return None
        words = Words("It is so everywhere: {}.", self.equation)
        return Rewrite(instantiate(self.equation.rhs, binding), frozenset({hypothesis.key}), words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Solve for the indices of every instance, and put the right side in."""
        return Instances((self.equation.lhs, self.equation.rhs))(before) - after


@dataclass
class _Putting:
    values: dict[Expr, Expr]
    given: dict[Expr, tuple[Hypothesis, Eq]]
    uses: set[str] = field(default_factory=set)

    def __call__(self, node: Basic, bound: frozenset[Basic]) -> Basic:
        if node in self.values:
            hypothesis, equation = self.given[node]
            caught = (equation.free_symbols - {*hypothesis.for_all}) & bound
            if caught:
                at = ", ".join(sorted(map(str, caught)))
                raise Undischarged(f"{equation} holds at one value of {at}: not under a sum, mean or derivative in it")
            self.uses.add(hypothesis.key)
            return self.values[node]
        if not node.args:
            return node
        inside = bound | _binds(node)
        # What a derivative is by is a name; a value at which something is taken is outside.
        fixed = node.args[1:] if isinstance(node, Partial | Derivative) else ()
        args = [a if a in fixed else self(a, inside) for a in node.args]
        if isinstance(node, Subs):
            args = [args[0], node.args[1], self(node.args[2], bound)]
        return node if args == list(node.args) else node.func(*args)


def _binds(node: Basic) -> frozenset[Basic]:
    by = node.variables if isinstance(node, Derivative) else ()
    return frozenset((*getattr(node, "bound_symbols", ()), *by))


def _who_gives(u: Expr, w: Expr, setting: Setting) -> tuple[Hypothesis, Eq]:
    found = ((h, e) for h in setting.hypotheses for e in h.equations if e.has(u) and _gives(e, u, w))
    who = next(found, None)
    if who is None:
        raise Undischarged(f"no hypothesis says that {u} is {w}")
    return who


def _gives(equation: Eq, u: Expr, w: Expr) -> bool:
    """Return whether an equation holds at u = w, and at no other u: a u + b = 0, where a or b is not 0."""
    if w.has(u):
        return False
    if equation.lhs == u and not equation.rhs.has(u):
        return bool(factor(expand(equation.rhs - w)) == 0)
    unknown = Dummy("u")
    gap = expand((equation.lhs - equation.rhs).xreplace({u: unknown}))
    a, b = gap.coeff(unknown, 1), gap.coeff(unknown, 0)
    if a.has(unknown) or expand(gap - a * unknown - b) != 0 or not (a.is_nonzero or b.is_nonzero):
        return False
    return bool(factor(expand(a * w + b)) == 0)


@dataclass(frozen=True)
class Rename(Rule):
    """u = s, where a hypothesis defines the symbol s to be u

    Nothing but a name; the rule puts the expression back and compares.
    """

    names: tuple[Symbol, ...]
    name = "name"
    words = "Give it a name."
    evidence = Evidence.RESIDUAL

    def definitions(self, setting: Setting) -> tuple[tuple[Hypothesis, Eq], ...]:
        """Return the equations that define the names, each with who states it; raise `Undischarged`."""
        return tuple(_who_defines(symbol, setting) for symbol in self.names)

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the named expressions everywhere; raise `RuleDoesNotApply` where one of them does not occur."""
        found = self.definitions(setting)
        after = expression
        for _, equation in found:
            before, after = after, after.subs(equation.rhs, equation.lhs)
            if after == before:
                raise RuleDoesNotApply(f"rule {self.name} finds nothing to call {equation.lhs} in {expression}")
        if self.residual(expression, after, setting) != 0:
            raise RuleDoesNotApply(f"rule {self.name} cannot put back what it names in {expression}")
        words = Words("Write " + " and ".join(["{}"] * len(found)) + ".", *(e for _, e in found))
        return Rewrite(after, frozenset(h.key for h, _ in found), words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the expressions back for their names."""
        meant = {e.lhs: e.rhs for _, e in self.definitions(setting)}
        return expand(after.xreplace(meant) - before)

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Names are given in the whole expression at once; see `apply`."""
        return None


def _who_defines(symbol: Symbol, setting: Setting) -> tuple[Hypothesis, Eq]:
    found = [(h, e) for h in setting.hypotheses for e in h.equations if e.lhs == symbol]
    if len(found) != 1:
        raise Undischarged(f"{len(found)} hypotheses define {symbol}, not one")
    return found[0]
