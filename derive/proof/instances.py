"""Is a step an instance of a lemma? A second way to the answer, which shares no code with the matching of the rules.

The indices are solved for: both sides are written with numbered summation indices and read side by side, every pair of
index expressions is a linear equation, and the solution is put into the lemma. Its conditions are then looked at where
they can be counted: at numbers, and among the hypotheses that the step cites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from itertools import product as cartesian
from typing import TYPE_CHECKING

from sympy import Add, Basic, Dummy, Expr, Integer, Mul, Product, Sum, Symbol, expand, linsolve

from derive.hypotheses import Property
from derive.layers import d
from derive.network import Partial
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.setting import Undischarged

if TYPE_CHECKING:
    from derive.proof.derivation import Derivation, Step

Binding = dict[Basic, Basic]
Pair = tuple[Basic, Basic]
_SMALL = range(-1, 7)
"""Layers and units at which the conditions of a lemma are counted through."""
_MOST_FACTORS = 5


@dataclass
class Instances:
    """Replaces every outermost instance of one side of an equality by the other side, and notes where it held."""

    pair: Pair
    bindings: list[Binding] = field(default_factory=list)

    def __call__(self, node: Basic) -> Basic:
        """Return the expression with all instances replaced."""
        left, right = self.pair
        binding = solved(left, node)
        if binding is not None:
            if binding not in self.bindings:
                self.bindings.append(binding)
            return put(right, binding)
        if not node.args:
            return node
        kept = 1 if isinstance(node, Partial) else len(node.args)
        return node.func(*(self(a) if k < kept else a for k, a in enumerate(node.args)))


def numbered(e: Basic, depth: int = 0) -> Basic:
    """Return an expression with its summation indices named by how deep they stand."""
    if isinstance(e, Sum | Product):
        if e.function == 0 and isinstance(e, Sum):
            return Integer(0)
        for k, (index, *_) in enumerate(e.limits):
            e = e.xreplace({index: Symbol(f"@{depth + k}", **index.assumptions0)})
        depth += len(e.limits)
    return e.func(*(numbered(a, depth) for a in e.args)) if e.args else e


def put(e: Basic, binding: Binding) -> Basic:
    """Return an expression at the given indices; its own summation indices are new ones, so that none is captured."""
    if e in binding:
        return binding[e]
    if isinstance(e, Sum | Product):
        own = {index: Dummy(index.name, **index.assumptions0) for index, *_ in e.limits}
        e = e.xreplace(own)
    return e.func(*(put(a, binding) for a in e.args)) if e.args else e


def alike(one: Basic, other: Basic) -> bool:
    """Return whether two expressions are equal but for the names of summation indices and the order of algebra."""
    return _alike(numbered(one), numbered(other))


def _alike(a: Basic, b: Basic) -> bool:
    if a == b:
        return True
    if a.args and a.func == b.func and len(a.args) == len(b.args) and all(map(_alike, a.args, b.args)):
        return True
    return isinstance(a, Expr) and isinstance(b, Expr) and expand(a - b) == 0


def indices(pattern: Basic) -> list[Symbol]:
    """Return what a lemma holds for any value of: its free integer symbols, but the depth."""
    return sorted((v for v in pattern.free_symbols if v.is_integer and v != d), key=str)


def solved(pattern: Basic, node: Basic) -> Binding | None:
    """Return the indices at which a pattern is the node, or None where it is at none.

    An index that the node itself sums over has no value.
    """
    unknown = indices(pattern)
    if type(pattern) is not type(node) or not unknown:
        return {} if pattern == node else None
    # The node may speak of indices of the same names.
    apart = {v: Dummy(v.name, integer=True) for v in unknown}
    inner = {index for e in node.atoms(Sum, Product) for index, *_ in e.limits} - node.free_symbols
    for equations in _read(numbered(pattern.xreplace(apart)), numbered(node), frozenset(apart.values())):
        for solution in linsolve(list(dict.fromkeys(equations)), list(apart.values())):
            binding = dict(zip(unknown, solution, strict=True))
            free = frozenset().union(*(v.free_symbols for v in binding.values()))
            if free & (inner | set(apart.values())) or any(s.name.startswith("@") for s in free):
                continue
            if any(v.is_integer is False or v.as_numer_denom()[1] != 1 for v in binding.values()):
                continue
            if numbered(put(pattern, binding)) == numbered(node):
                return binding
    return None


def _read(pattern: Basic, node: Basic, unknown: frozenset[Symbol]) -> Iterator[tuple[Expr, ...]]:
    """Yield the equations between indices that make two expressions the same, for each way to pair their terms."""
    if not pattern.free_symbols & unknown:
        if pattern == node:
            yield ()
        return
    if _is_index(pattern):
        if isinstance(node, Expr) and node.is_integer:
            yield (pattern - node,)
        return
    if pattern.func != node.func or len(pattern.args) != len(node.args):
        return
    orders: Iterable[Sequence[Basic]] = [node.args]
    if isinstance(pattern, Add | Mul) and len(node.args) <= _MOST_FACTORS:
        orders = permutations(node.args)
    for order in orders:
        yield from _read_all(list(zip(pattern.args, order, strict=True)), unknown)


def _read_all(pairs: list[Pair], unknown: frozenset[Symbol]) -> Iterator[tuple[Expr, ...]]:
    if not pairs:
        yield ()
        return
    (p, q), *rest = pairs
    for equations in _read(p, q, unknown):
        for more in _read_all(rest, unknown):
            yield (*equations, *more)


def _is_index(e: Basic) -> bool:
    """Return whether an expression is a sum of multiples of symbols and a number."""
    factors = (f for term in Add.make_args(e) for f in Mul.make_args(term))
    return isinstance(e, Expr) and all(f.is_Symbol or f.is_Integer for f in factors)


def instance_of(before: Basic, after: Basic, *pairs: Pair) -> list[Binding] | None:
    """Return the indices at which one of the equalities leads from before to after; None where none of them does."""
    for pair in pairs:
        instances = Instances(pair)
        made = instances(before)
        if instances.bindings and alike(made, after):
            return instances.bindings
    return None


def by_lemma(step: Step, lemma: Derivation, *pairs: Pair) -> Verdict:
    """Return whether a step puts one side of a lemma for the other, where the lemma's conditions hold.

    ``pairs`` are what the lemma may be used as, where that is not its left side for its right side.
    """
    statement = lemma.statement
    pairs = pairs or ((statement.lhs, statement.rhs),)
    bindings = instance_of(step.before, step.after, *pairs)
    if bindings is None:
        return refuted(step, lemma, *pairs)
    return agreed(lemma, *(problem for b in bindings for problem in conditions(step, lemma, b)))


def agreed(lemma: Derivation, *problems: str) -> Verdict:
    """Return the verdict on an instance, given what is wrong with it."""
    if problems:
        return Verdict(Grade.FAILED, f"the lemma {lemma.name} may not be used here: {problems[0]}")
    return Verdict(Grade.EXACT, f"an instance of the lemma {lemma.name}, found by a second way")


def refuted(step: Step, lemma: Derivation, *pairs: Pair) -> Verdict:
    """Return the verdict on what is no instance, with what the lemma gives."""
    instances = Instances(pairs[0]) if pairs else None
    made = instances(step.before) if instances else step.before
    if instances is None or not instances.bindings:
        return Verdict(Grade.FAILED, f"nothing in it is an instance of the lemma {lemma.name}")
    found = Counterexample({}, {}, str(step.after), step.relation, str(made))
    return Verdict(Grade.FAILED, f"it is not what the lemma {lemma.name} gives, {made}", found)


def conditions(step: Step, lemma: Derivation, binding: Binding) -> Iterator[str]:
    """Yield the conditions of a lemma that do not hold at the indices: its relation, layers, units and hypotheses."""
    yield from relation(step, lemma)
    yield from _layers(step, lemma, binding)
    yield from _units(step, lemma, binding)
    yield from hypotheses(step, lemma)


def relation(step: Step, lemma: Derivation) -> Iterator[str]:
    """Yield that a lemma is no equality."""
    if lemma.statement.relation not in step.rule.lemma_relations:
        yield f"it states a relation {lemma.statement.relation}"


def _layers(step: Step, lemma: Derivation, binding: Binding) -> Iterator[str]:
    """Count through small layers: where what is known of the layers is true, so must be what the lemma asks for."""
    asked = [f.xreplace(binding) for f in lemma.setting.facts.nonnegative]
    asked += [value - 1 for v, value in binding.items() if v.is_positive and not value.is_positive]
    known = step.setting.facts.nonnegative
    names = sorted(frozenset().union(*(e.free_symbols for e in asked)), key=str)
    names += sorted(frozenset().union(*(e.free_symbols for e in known)) - set(names), key=str)
    if not asked:
        return
    for values in cartesian(_SMALL, repeat=len(names)):
        at = dict(zip(names, map(Integer, values), strict=True))
        if any(s.is_positive and v <= 0 for s, v in at.items()) or not all(f.xreplace(at) >= 0 for f in known):
            continue
        for fact in asked:
            if fact.xreplace(at) < 0:
                where = ", ".join(f"{s} = {v}" for s, v in at.items())
                yield f"it needs {fact} >= 0, which is not so at {where}"
                return


def _units(step: Step, lemma: Derivation, binding: Binding) -> Iterator[str]:
    for pair in lemma.setting.differ:
        one, other = (u.xreplace(binding) for u in sorted(pair, key=str))
        apart = (one - other).expand()
        if frozenset((one, other)) not in step.setting.differ and not (apart.is_Integer and apart != 0):
            yield f"it needs {one} and {other} to differ"


def hypotheses(step: Step, lemma: Derivation, *discharged: Property) -> Iterator[str]:
    """Yield what a lemma rests on and the step does not cite, word for word or property by property.

    ``discharged`` are the properties that the rule sees to in another way.
    """
    cited = [h for h in step.setting.hypotheses if h.key in step.uses]
    for h in lemma.rests_on:
        missing = [p for p in h.properties if p not in discharged and not _holds(p, step)]
        unsaid = [e for e in h.equations if not any(e in other.equations for other in cited)]
        if h not in cited and missing and all(len(p.others) > 1 for p in missing) and not unsaid:
            yield f"it rests on {h.key}, and what the step cites declares no such independence together"
        elif h not in cited and (missing or unsaid or not (h.properties or h.equations)):
            yield f"it rests on {h.key}, which the step does not cite"


def _holds(p: Property, step: Step) -> bool:
    try:
        step.setting.only(step.uses).discharge(p)
    except Undischarged:
        return False
    return True


def taken_over(step: Step) -> Verdict | None:
    """Return that a lemma may not be used in a step, or None where nothing speaks against any of them."""
    for lemma in step.lemmas:
        problems = (*relation(step, lemma), *hypotheses(step, lemma))
        if problems:
            return agreed(lemma, *problems)
    return None
