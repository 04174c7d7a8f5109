"""Induction over layers: a one-layer step and a base case become a product."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Basic, Expr, Integer, Mul, Product, Sum, Symbol, simplify

from derive.errors import InputError
from derive.layers import Facts, d, i
from derive.proof.derivation import Derivation, Statement, Step
from derive.proof.instances import alike, solved, taken_over
from derive.proof.rule import Rewrite, Rule, replace_everywhere
from derive.proof.verdict import Grade, Verdict
from derive.rules.lemma import require_hypotheses, title
from derive.rules.match import index_variables, instantiate, match, matches
from derive.rules.products import same
from derive.setting import Setting
from derive.words import Words

DEPTHS = (0, 1, 2, 3)
"""The networks in which a recursion is unrolled."""
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

    def by_second_path(self, step: Step) -> Verdict | None:
        """Unroll the recursion layer by layer in networks of a few layers, and compare."""
        held = taken_over(step)
        if held is not None:
            return held
        try:
            compared = sum(self._unrolled(step, depth, layer) for depth in DEPTHS for layer in range(depth + 1))
        except _Differs as difference:
            return Verdict(Grade.FAILED, f"the recursion gives {difference}")
        if not compared:
            return Verdict(Grade.UNDECIDED, "the recursion says nothing at any layer of a small network")
        return Verdict(Grade.EXACT, f"what the recursion gives layer by layer, in {compared} cases up to {DEPTHS[-1]}")

    def _unrolled(self, step: Step, depth: int, layer: int) -> bool:
        """Compare both sides of a step at one layer; False where the step is not about it."""
        at = {i: Integer(layer), d: Integer(depth)}
        if not step.setting.facts.hold_at({i: layer, d: depth}):
            return False
        found = Unrolled(self.base.statement, self.step.statement, depth)
        given, made = found(step.before.subs(at)), step.after.subs(at).doit()
        if not found.met:
            return False
        if not alike(given, made) and simplify(given - made) != 0:
            raise _Differs(f"{given} at layer {layer} of 0..{depth}, not {made}")
        return True

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


class _Differs(Exception):
    """The layer at which a closed form is not what the recursion gives."""


@dataclass
class Unrolled:
    """Puts for every L(layer) what base and step give, one layer after another, in a network of a given depth."""

    base: Statement
    step: Statement
    depth: int
    met: bool = False
    begun: set[int] = field(default_factory=set)

    def __call__(self, node: Basic) -> Basic:
        """Return the expression with every L at a layer by its value."""
        layer = self._position(node)
        if layer is not None:
            self.met = True
            return self._value(layer)
        return node.func(*map(self, node.args)).doit(deep=False) if node.args else node

    def _position(self, node: Basic) -> int | None:
        """Return the i at which the step's left side is this node."""
        found = solved(self.step.lhs, node)
        return int(found[i]) if found and found.get(i, i).is_Integer else None

    def _value(self, layer: int) -> Basic:
        last = {d: Integer(self.depth)}
        start = self._position(self.base.lhs.subs(last))
        if layer == start:
            return self.base.rhs.subs(last).doit()
        if start is None or not min(start, 0) <= layer < max(start, self.depth):
            raise _Differs(f"nothing at layer {layer}, which the base does not reach")
        if layer in self.begun:
            raise _Differs(f"at layer {layer} what that layer itself needs")
        self.begun.add(layer)
        value = self(self.step.rhs.subs({i: Integer(layer), **last})).doit()
        self.begun.remove(layer)
        return value


def _reaches(part: Derivation, layers: Facts) -> None:
    """Raise `InputError` unless a part of the induction holds at all the layers that it must."""
    for relation in (part.statement.relation, *(step.relation for step in part.steps)):
        if relation != "=":
            raise InputError(f"only equalities go into an induction, {part.name} states {relation}")
    for fact in part.setting.facts.nonnegative:
        if not layers.at_least(fact, 0):
            raise InputError(f"{part.name} holds only where {fact} >= 0, which leaves out a layer")
