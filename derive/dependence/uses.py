"""What an expression uses directly: scalars of families, as they stand in it and in the definitions of families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Add, Dummy, Expr, Integer, Mul, Product, Sum

from derive.averages import Bracket, SharedVariance
from derive.cost import Partial
from derive.dependence.scalars import Reach, Use, of_entry
from derive.errors import InputError
from derive.network import Activation
from derive.randomness import Entry, Family

LAYER = Dummy("layer", integer=True)
"""The layer of the scalar whose definition is read."""
UNITS = tuple(Dummy(f"unit{k}", integer=True) for k in range(8))


@dataclass(frozen=True)
class Definition:
    """What one scalar's definition is and uses, at `LAYER` and at units of its own; ``start`` is that at layer 0."""

    family: Family
    general: Expr
    start: Expr | None

    @property
    def lowest(self) -> int:
        """The first layer that the general definition is about."""
        return 0 if self.start is None else 1

    @property
    def uses(self) -> tuple[Use, ...]:
        """What the general definition uses."""
        return _uses(self.general)

    @property
    def start_uses(self) -> tuple[Use, ...]:
        """What the start uses; nothing where there is none."""
        return () if self.start is None else _uses(self.start)


@lru_cache(maxsize=1_000)
def definition_of(family: Family) -> Definition:
    """Return the definition of a family; raise `InputError` where its code makes an exception of layer 0."""
    units = own_units(family)
    if not family.layered:
        return Definition(family, family.defined(*units), None)
    found = Definition(family, family.defined(LAYER, *units), family.start and family.defined(Integer(0), *units))
    for use in found.uses:
        _require_shift(found, use)
    if family.start is None:
        there = {replace(u, reach=at_layers(u.reach, Integer(0), Integer(0))) for u in found.uses}
        if there != set(_uses(family.defined(Integer(0), *units))):
            raise InputError(f"the definition of {family.name} is another at layer 0: give that as its start")
    return found


def own_units(family: Family) -> tuple[Dummy, ...]:
    """Return the units at which the definition of a family is read."""
    return UNITS[: len(family.extents(Integer(0)))]


def at_layers(reach: Reach, first: Expr, last: Expr) -> Reach:
    """Return what a definition reaches when it is read at all layers of an interval."""
    return replace(reach, first=reach.first.xreplace({LAYER: first}), last=reach.last.xreplace({LAYER: last}))


def at_units(reach: Reach, units: tuple[Expr | None, ...]) -> Reach:
    """Return what a definition reaches at given units of its own."""
    given = dict(zip(UNITS, units, strict=False))
    return replace(reach, units=tuple(given.get(u, u) for u in reach.units))


def walk(e: Expr, gradient: Callable[[Partial], Iterable[Use]]) -> Iterator[Use]:
    """Yield what an expression uses; a mean over some sources hides what is drawn from them."""
    if isinstance(e, Entry):
        yield Use(of_entry(e))
    elif isinstance(e, Partial):
        yield from gradient(e)
    elif isinstance(e, Bracket):
        for inside in e.inside:
            yield from (replace(u, hidden=u.hidden.union(e.over.sources)) for u in walk(inside, gradient))
    elif isinstance(e, Sum | Product):
        yield from _over(walk(e.function, gradient), e)
    elif not isinstance(e, SharedVariance):
        for argument in e.args:
            yield from walk(argument, gradient)


def slopes(e: Expr, scalar: Entry, *, linear: bool) -> Iterator[Use]:
    """Yield what the derivative of an expression by one of its scalars uses; ``linear`` says that ``f' = 1``."""
    inside = [a for a in e.args if a.has(scalar)]
    if e == scalar:
        return
    if isinstance(e, Sum):
        yield from _over(slopes(e.function, scalar, linear=linear), e)
        return
    if isinstance(e, Mul):
        for factor in inside:
            yield from _plain(*(a for a in e.args if a is not factor))
    elif isinstance(e, Activation):
        yield from () if linear else _plain(*e.args)
    elif not isinstance(e, Add):
        # Of a power and of what has no rule here, all that it is made of.
        yield from _plain(*(e.args if not isinstance(e, Bracket) else e.inside))
    for a in inside:
        yield from slopes(a, scalar, linear=linear)


def written(e: Expr | None, family: Family) -> Iterator[tuple[Entry, Reach]]:
    """Yield the scalars of a family that stand in an expression, each with what it runs over."""
    if isinstance(e, Entry):
        if e.family == family:
            yield e, of_entry(e)
    elif e is not None:
        for argument in (e.function,) if isinstance(e, Sum | Product) else e.args:
            for scalar, used in written(argument, family):
                yield scalar, _ranging(used, e) if isinstance(e, Sum | Product) else used


def _ranging(reach: Reach, total: Expr) -> Reach:
    for index, lower, upper in total.limits:
        reach = reach.over(index, lower, upper)
    return reach


def _over(uses: Iterable[Use], total: Expr) -> Iterator[Use]:
    return (replace(use, reach=_ranging(use.reach, total)) for use in uses)


def _plain(*expressions: Expr) -> Iterator[Use]:
    def refuse(partial: Partial) -> Iterable[Use]:
        raise InputError(f"what a definition depends on is not known where it has a derivative, {partial}")

    for e in expressions:
        yield from walk(e, refuse)


@lru_cache(maxsize=2_000)
def _uses(e: Expr) -> tuple[Use, ...]:
    return tuple(dict.fromkeys(_plain(e)))


def _require_shift(found: Definition, use: Use) -> None:
    for end in (use.reach.first, use.reach.last):
        if end.diff(LAYER) not in (0, 1):
            here = end.subs(LAYER, Dummy("i"))
            raise InputError(f"{found.family.name}^i uses layer {here} of {use.family.name}: only i + a number will do")
