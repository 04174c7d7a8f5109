"""Induction over layers: a one-layer step and a base case become a product."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Basic, Expr, Integer, Mul, Product, Sum, Symbol

from derive.errors import InputError
from derive.layers import Facts, d, i
from derive.proof.derivation import Derivation
from derive.proof.rule import Rewrite, Rule, replace_everywhere
from derive.rules.lemma import require_hypotheses, title
from derive.rules.match import index_variables, instantiate, match, matches
from derive.rules.products import same
from derive.setting import Setting
from derive.words import Words

_PRODUCT_INDEX = Symbol("i'", integer=True)
_HYPOTHESIS = Symbol("induction hypothesis")


@dataclass(frozen=True)
class Induction(Rule):
    """L(0) = B and L(i+1) = c(i) sum_l L(i)_l give L(i) = B prod_{i'=0}^{i-1} n_{i'} c(i'); downwards likewise

    ``base`` is the derivation at the first layer (or the last), ``step`` that of one layer from its neighbour. The
    rule computes the closed form, and refuses unless it satisfies both base and step, and unless base and step
    together reach every layer and every unit.
    """

    base: Derivation
    step: Derivation
    name = "induction"
    words = "By induction over the layers."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace L(i) by its closed form."""
        pattern = self._at(i)
        binding = matches(pattern, node, index_variables(pattern))
        if binding is None:
            return None
        closed = self.closed_form()
        if not setting.facts.at_least(binding.get(i, i), 0) or not setting.facts.at_least(d, binding.get(i, i)):
            raise InputError("induction reaches the layers 0..d only")
        way = "up from the input" if self.upwards else "down from the output"
        words = Words(
            f"By induction over the layers, {way}: the base is {{}}, the step is {{}}.",
            title(self.base),
            title(self.step),
        )
        uses = require_hypotheses(self.base, setting) | require_hypotheses(self.step, setting)
        return Rewrite(instantiate(closed, binding), uses, words, (self.base, self.step))

    @property
    def upwards(self) -> bool:
        """True when the base is layer 0."""
        return match(self._at(Integer(0)), self.base.statement.lhs, self._units()) is not None

    def _units(self) -> frozenset[Symbol]:
        return index_variables(self.step.statement.lhs) - {i}

    def _at(self, layer: Expr) -> Basic:
        """Return L at a layer, from the left side of the step."""
        lhs = self.step.statement.lhs
        shift = 1 if lhs.has(i + 1) else 0
        return lhs.subs(i, layer - shift)

    def closed_form(self) -> Expr:
        """Return R(i), having checked the base and the step."""
        first = Integer(0) if self.upwards else d
        if match(self._at(first), self.base.statement.lhs, self._units()) is None:
            raise InputError(f"{self.base.name} is not the base case of {self.step.name}")
        if self.step.statement.lhs.has(i + 1) != self.upwards:
            raise InputError(f"{self.step.name} leaves out a layer that {self.base.name} does not reach")
        _reaches(self.base, Facts((d,)))
        _reaches(self.step, Facts((i, d - 1 - i)))
        neighbour = i if self.upwards else i + 1
        factor = self._factor(neighbour)
        start = self.base.statement.rhs
        if units := index_variables(start) & self.base.statement.lhs.free_symbols:
            raise InputError(f"{self.base.name} is not the same for every unit: it depends on {min(units, key=str)}")
        if factor is None:
            if self.step.statement.rhs != start:
                raise InputError(f"base gives {start}, step gives {self.step.statement.rhs}")
            return start
        inner = factor.subs(i, _PRODUCT_INDEX)
        limits = (_PRODUCT_INDEX, Integer(0), i - 1) if self.upwards else (_PRODUCT_INDEX, i, d - 1)
        closed = start * Product(inner, limits)
        self._verify(closed, factor, first, start)
        return closed

    def _factor(self, neighbour: Expr) -> Expr | None:
        """Return c n in L(next) = c n L(neighbour) once every unit's L is the same, or None if L is absent."""
        pattern = self._at(neighbour)
        units = self._units()
        rhs = replace_everywhere(
            self.step.statement.rhs, lambda e: _HYPOTHESIS if match(pattern, e, units) is not None else None
        )
        if not rhs.has(_HYPOTHESIS):
            return None
        rhs = rhs.replace(
            lambda e: isinstance(e, Sum) and not e.function.has(e.limits[0][0]),
            lambda e: (e.limits[0][2] - e.limits[0][1] + 1) * e.function,
        )
        factor = rhs / _HYPOTHESIS
        if factor.has(_HYPOTHESIS) or factor.free_symbols & units or factor.atoms(Sum):
            raise InputError(f"the step is not proportional to its neighbour: {self.step.statement.rhs}")
        return Mul(*factor.args) if isinstance(factor, Mul) else factor

    def _verify(self, closed: Expr, factor: Expr, first: Expr, start: Expr) -> None:
        """Check that the closed form satisfies the base and the step."""
        here, there = (i + 1, i) if self.upwards else (i, i + 1)
        if not same(closed.subs(i, first), start):
            raise InputError("the closed form fails the base case")
        if not same(closed.subs(i, here), factor * closed.subs(i, there)):
            raise InputError("the closed form fails the step")


def _reaches(part: Derivation, layers: Facts) -> None:
    """Raise `InputError` unless a part of the induction holds at all the layers that it must."""
    for relation in (part.statement.relation, *(step.relation for step in part.steps)):
        if relation != "=":
            raise InputError(f"only equalities go into an induction, {part.name} states {relation}")
    for fact in part.setting.facts.nonnegative:
        if not layers.at_least(fact, 0):
            raise InputError(f"{part.name} holds only where {fact} >= 0, which leaves out a layer")
