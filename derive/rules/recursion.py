"""Induction over layers: a one-layer step and a base case become a product, or a sum of products."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Add, Basic, Expr, Integer, Mul, Product, Sum, Symbol, preorder_traversal, simplify

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
_SUM_INDEX = Symbol("j'", integer=True)
_HYPOTHESIS = Symbol("induction hypothesis")


@dataclass(frozen=True)
class Induction(Rule):
    """L(0) = B and L(i+1) = a(i) L(i) + c(i) give L(i) = B prod_{i'<i} a(i') + sum_{j'<i} c(j') prod_{j'<i'<i} a(i')

    Downwards likewise, from L(d) = B and L(i) = a(i) L(i+1) + c(i). A sum over the units of the neighbouring layer
    stands for their number times one of them. Where a is 1, the sum of the c is left; where c is the same for every
    layer, that is i c.

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
        return self.step.statement.lhs.subs(i, layer - self._shift)

    @property
    def _shift(self) -> int:
        """Return 1 where the left side of the step is L(i + 1), 0 where it is L(i)."""
        left, right = self.step.statement.lhs, self.step.statement.rhs
        ahead = left.subs(i, i + 1)
        # The size of a layer may be counted by the next one's number.
        down = any(match(ahead, node, self._units()) is not None for node in preorder_traversal(right))
        return 1 if left.has(i + 1) and not down else 0

    def closed_form(self) -> Expr:
        """Return R(i), having checked the base and the step."""
        first = Integer(0) if self.upwards else d
        if match(self._at(first), self.base.statement.lhs, self._units()) is None:
            raise InputError(f"{self.base.name} is not the base case of {self.step.name}")
        if bool(self._shift) != self.upwards:
            raise InputError(f"{self.step.name} leaves out a layer that {self.base.name} does not reach")
        _reaches(self.base, Facts((d,)))
        _reaches(self.step, Facts((i, d - 1 - i)))
        neighbour = i if self.upwards else i + 1
        factor, added = self._affine(neighbour)
        start = self.base.statement.rhs
        if units := index_variables(start) & self.base.statement.lhs.free_symbols:
            raise InputError(f"{self.base.name} is not the same for every unit: it depends on {min(units, key=str)}")
        if factor == 0:
            if added != start:
                raise InputError(f"base gives {start}, step gives {added}")
            return start
        closed = start * self._passed(factor, self._first_passed(first)) + self._summed(factor, added)
        self._verify(closed, factor, added, first, start)
        return closed

    def _first_passed(self, first: Expr) -> Expr:
        """Return the first layer whose factor the base's value is multiplied with, or downwards the last."""
        return first if self.upwards else d - 1

    def _passed(self, factor: Expr, end: Expr) -> Expr:
        """Return the product of the factors from layer ``end`` up to i, or downwards from i up to ``end``."""
        inner = factor.subs(i, _PRODUCT_INDEX)
        return _product(inner, *((end, i - 1) if self.upwards else (i, end)))

    def _summed(self, factor: Expr, added: Expr) -> Expr:
        """Return what has been added at every layer on the way, times the factors that it has passed since."""
        if added == 0:
            return Integer(0)
        term = added.subs(i, _SUM_INDEX)
        if self.upwards:
            term *= self._passed(factor, _SUM_INDEX + 1)
            return _sum(term, Integer(0), i - 1)
        return _sum(term * self._passed(factor, _SUM_INDEX - 1), i, d - 1)

    def _affine(self, neighbour: Expr) -> tuple[Expr, Expr]:
        """Return a and c in L(next) = a L(neighbour) + c, once every unit's L is the same."""
        pattern = self._at(neighbour)
        units = self._units()
        rhs = replace_everywhere(
            self.step.statement.rhs, lambda e: _HYPOTHESIS if match(pattern, e, units) is not None else None
        )
        rhs = rhs.replace(
            lambda e: isinstance(e, Sum) and e.has(_HYPOTHESIS) and not e.function.has(e.limits[0][0]),
            lambda e: (e.limits[0][2] - e.limits[0][1] + 1) * e.function,
        )
        if any(isinstance(part, Add) and part.has(_HYPOTHESIS) for part in Mul.make_args(rhs) if part != rhs):
            rhs = rhs.expand()
        terms = Add.make_args(rhs)
        factor = Add(*(term / _HYPOTHESIS for term in terms if term.has(_HYPOTHESIS)))
        added = Add(*(term for term in terms if not term.has(_HYPOTHESIS)))
        if factor.has(_HYPOTHESIS) or factor.free_symbols & units or factor.atoms(Sum):
            raise InputError(f"the step is not affine in its neighbour: {self.step.statement.rhs}")
        if self._unknown(added):
            raise InputError(f"the step reaches back further than to its neighbour: it adds {added}")
        if added.free_symbols & units:
            raise InputError(f"what the step adds is not the same for every unit: {added}")
        return (Mul(*factor.args) if isinstance(factor, Mul) else factor), added

    def _unknown(self, added: Expr) -> bool:
        """Return whether a step adds what the recursion is about, at whatever layer."""
        anywhere = self._units() | {i}
        return any(match(self._at(i), node, anywhere) is not None for node in preorder_traversal(added))

    def _verify(self, closed: Expr, factor: Expr, added: Expr, first: Expr, start: Expr) -> None:
        """Check that the closed form satisfies the base and the step: its product, and its sum term by term."""
        here, there = (i + 1, i) if self.upwards else (i, i + 1)
        passed = self._passed(factor, self._first_passed(first))
        if not same(passed.subs(i, first), Integer(1)) or closed.subs(i, first).doit() != start:
            raise InputError("the closed form fails the base case")
        if not same(passed.subs(i, here), factor * passed.subs(i, there)):
            raise InputError("the closed form fails the step")
        if added == 0:
            return
        one = self._passed(factor, _SUM_INDEX + 1 if self.upwards else _SUM_INDEX - 1)
        newest = {_SUM_INDEX: i}
        if not same(one.subs(i, here), factor * one.subs(i, there)) or one.subs(i, here).xreplace(newest).doit() != 1:
            raise InputError("the closed form fails the step")


def _product(inner: Expr, lower: Expr, upper: Expr) -> Expr:
    return (
        inner ** (upper - lower + 1)
        if not inner.has(_PRODUCT_INDEX)
        else Product(inner, (_PRODUCT_INDEX, lower, upper))
    )


def _sum(term: Expr, lower: Expr, upper: Expr) -> Expr:
    return term * (upper - lower + 1) if not term.has(_SUM_INDEX) else Sum(term, (_SUM_INDEX, lower, upper))


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
