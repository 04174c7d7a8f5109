"""Lemmas as formulas in the numbers of a state, and the one for the gap, from which nothing cancels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Add, Basic, Dummy, Expr, Integer, Sum, cancel, factor

from derive.averages import Average
from derive.blocks.lemmas import FIRST as ONE
from derive.blocks.lemmas import SECOND as OTHER
from derive.blocks.lemmas import Lemma, Lemmas, name_of
from derive.gaussian import GaussianExpectation
from derive.indices import PLACES
from derive.randomness import Entry
from derive.rules.replicas import Pair
from derive.rules.wide import MU, NU, M, Q, U, V, over_networks, over_samples
from numerics.curves.expectations import Q_OTHER, SHARED, Step, nodes


@dataclass(frozen=True)
class Read:
    """A mean of the signal before, with the sums around it, and what it is called in a state."""

    node: Expr
    name: str

    @classmethod
    def of(cls, node: Expr) -> Read:
        """Return the reading of a mean, with the sums around it, under the name that the lemmas have for it."""
        (mean,) = node.atoms(Average)
        return cls(node, name_of(mean))

    @property
    def entries(self) -> frozenset[Entry]:
        """The scalars that the mean is of."""
        return frozenset(self.node.atoms(Entry))

    @property
    def gap(self) -> Read:
        """The gap where this is a mean product."""
        return Read(self.node, self.name.replace("product", "gap"))


@dataclass(frozen=True)
class Form:
    """A formula: ``reads`` are the symbols that stand for means, ``laws`` those of its Gaussian expectations.

    ``given`` are the values of sizes and parameters for one block.
    """

    formula: Expr
    reads: Mapping[Basic, Read]
    laws: Mapping[Basic, Read]
    given: Mapping[Basic, Expr]

    @property
    def step(self) -> Step:
        """The formula as a function of numbers: of the means and the parameters, in their order."""
        return _step(self.formula, (*self.reads, *self.parameters))

    @property
    def names(self) -> frozenset[str]:
        """The numbers of a state that are read."""
        return frozenset(read.name for read in (*self.reads.values(), *self.laws.values()))

    @property
    def parameters(self) -> tuple[Basic, ...]:
        """The symbols whose values the block gives."""
        return _parameters(self.formula, frozenset(self.given))


@lru_cache(maxsize=1024)
def _step(formula: Expr, arguments: tuple[Basic, ...]) -> Step:
    return Step(formula, arguments)


@lru_cache(maxsize=1024)
def _parameters(formula: Expr, given: frozenset[Basic]) -> tuple[Basic, ...]:
    return tuple(sorted((p for p in given if formula.has(p)), key=str))


_KEPT: dict[tuple[int, bool], tuple[Lemma, Form]] = {}
"""Forms by the identity of their derivations, which are kept with them: hashing one takes as long as a layer."""
_GAPS: dict[tuple[int, bool], tuple[Lemma, Form | None]] = {}


def form(lemma: Lemma, *, pairs: bool) -> Form:
    """Return what a lemma says, at pairs of places or at one place."""
    key = id(lemma.derivation), pairs
    if key not in _KEPT:
        _KEPT[key] = lemma, _form(lemma.derivation.result, pairs=pairs)
    return replace(_KEPT[key][1], given=lemma.given)


def _form(result: Expr, *, pairs: bool) -> Form:
    laws: dict[Basic, Read] = {}
    for node in nodes(result):
        means = [Read.of(e) for row in node.covariance for e in row]
        if len(node.variables) == 1:
            laws[Q] = means[0]
            named = GaussianExpectation.of(node.integrand, node.variables, node.mean, ((Q,),))
        elif pairs:
            laws |= dict(zip((Q, SHARED, SHARED, Q_OTHER), means, strict=True))
            named = GaussianExpectation.of(node.integrand, node.variables, node.mean, ((Q, SHARED), (SHARED, Q_OTHER)))
        else:
            # Two samples at one place: what they share, and the gap, which has more digits than a difference.
            laws |= {M: means[1], V: means[1].gap}
            named = over_networks(over_samples(_function(node, MU + NU)) ** 2)
        result = result.xreplace({node: named})
    reads = {Dummy(f"mean_{k}"): node for k, node in enumerate(_outermost(result))}
    formula = result.xreplace({node: symbol for symbol, node in reads.items()})
    return Form(formula, {symbol: Read.of(node) for symbol, node in reads.items()}, laws, {})


def gap(lemmas: Lemmas, *, pairs: bool) -> Form | None:
    """Return E[y y] - E[y y'] = E[(y - y')^2]/2, at one place or at two, with the gap before in it; samples are alike.

    What is subtracted is the lemma on two samples, with each mean product written as the mean square less the gap: the
    squares cancel as symbols. None at two places behind an activation function: there is no such form of it.
    """
    product = lemmas["product"]
    key = id(product.derivation), pairs
    if key not in _GAPS:
        two = product.derivation.result
        one = lemmas.get("between") if pairs else lemmas["square"]
        same = _of_one_sample(two) if one is None else one.derivation.result
        _GAPS[key] = product, _difference(same, two if pairs else two.subs({t: h for h, t in PLACES}), pairs=pairs)
    found = _GAPS[key][1]
    return None if found is None else replace(found, given=product.given)


def _difference(same: Expr, product: Expr, *, pairs: bool) -> Form | None:
    expectations = nodes(product)
    if expectations:
        if pairs:
            return None
        if (product,) != expectations or not isinstance(same, GaussianExpectation):
            raise ValueError(f"{same} less {product} has no form from which nothing cancels")
        shared = Read.of(product.covariance[0][1])
        both = Pair(_function(product, U), U, M**2, V**2)
        return Form(both.half_squared_difference(), {}, {M: shared, V: shared.gap}, {})
    gaps = {Dummy("gap"): node for node in _outermost(product) if node.has(ONE) and node.has(OTHER)}
    between = {node: Dummy("gap") for node in _outermost(same) if node.has(ONE) and node.has(OTHER)}
    gaps |= {symbol: node for node, symbol in between.items()}
    # What the mean square itself reads of two samples is written with the gap, too.
    same = same.xreplace({node: _of_one_sample(node) - symbol for node, symbol in between.items()})
    squares = _collected(_of_one_sample(same) - _of_one_sample(product))
    squares = cancel(squares) if between else squares
    # In the product the gap stands for itself, and is subtracted from the square.
    apart = product.xreplace({node: symbol for symbol, node in gaps.items()})
    formula = squares + (apart - apart.xreplace(dict.fromkeys(gaps, Integer(0)))).expand()
    reads = {Dummy(f"mean_{k}"): node for k, node in enumerate(_outermost(formula))}
    formula = formula.xreplace({node: symbol for symbol, node in reads.items()})
    named = {s: Read.of(node) for s, node in reads.items()} | {s: Read.of(node).gap for s, node in gaps.items()}
    return Form(formula, named, {}, {})


def _of_one_sample(e: Expr) -> Expr:
    return e.xreplace({OTHER: ONE})


def _function(node: GaussianExpectation, at: Expr) -> Expr:
    """Return g(at) for E[g(y_1) g(y_2)]."""
    first, second = node.variables
    own = node.integrand.as_independent(second)[0]
    if node.integrand != own * own.subs(first, second):
        raise ValueError(f"{node} is no mean of a product of one function at two samples")
    return own.subs(first, at)


def _outermost(e: Expr) -> tuple[Expr, ...]:
    """Return the means of a result, with the sums around them."""
    if isinstance(e, Average) or (isinstance(e, Sum) and e.has(Average)):
        return (e,)
    if isinstance(e, GaussianExpectation):
        return ()
    return tuple(dict.fromkeys(node for argument in e.args for node in _outermost(argument)))


def _collected(e: Expr) -> Expr:
    """Return a sum with one term for each mean or product of means, whose coefficients are no differences."""
    named = {node: Dummy() for node in _outermost(e)}
    terms: dict[Expr, Expr] = {}
    for term in Add.make_args(e.xreplace(named).expand()):
        coefficient, means = term.as_independent(*named.values(), as_Add=False)
        terms[means] = terms.get(means, Integer(0)) + coefficient
    back = {symbol: node for node, symbol in named.items()}
    return Add(*(factor(coefficient) * means for means, coefficient in terms.items())).xreplace(back)
