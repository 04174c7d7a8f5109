"""Networks of blocks in equations: their names, what is assumed of them, and what is derived of an equation's means.

The names are those that ``varprop network`` lists: each family that is drawn or computed on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import Add, Basic, Eq, Expr, Mul, Number, Sum

from derive.averages import Average, Bracket, SharedVariance, Variance
from derive.blocks import Signal, network_input, read, read_sizes
from derive.blocks.assumptions import centred, one_variance
from derive.blocks.dropout import MASKS
from derive.blocks.masks import MaskMoment
from derive.equations.speakers import Speaker
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError, unknown_name
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.proof.derivation import Proof, Statement
from derive.proof.rule import Rule, RuleDoesNotApply
from derive.randomness import EVERYTHING, INPUT, NETWORKS, Entry, Family, Over
from derive.rules.algebra import Expand
from derive.rules.definitions import Define
from derive.rules.means import (
    Centred,
    CovarianceDefinition,
    DeclaredVariance,
    Linearity,
    ProductLaw,
    VarianceDefinition,
)
from derive.rules.sums import ContractDelta, EqualTerms, MultiplySums
from derive.rules.symmetric_halves import SymmetricHalves
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.setting import Setting, Undischarged
from derive.words import Words

_LONGEST = 60
"""The most steps of a derivation."""


@dataclass(frozen=True)
class BlockNetwork:
    """A network of blocks: the signal at its end, and what averages are over."""

    signal: Signal
    over: Over

    @classmethod
    def of(cls, layers: str, size: str | None, over: Over | None) -> BlockNetwork:
        """Return the network of a text; raises `InputError` for one that cannot be read, or another average."""
        if size is None:
            raise InputError("--layers needs the size of the input: --input 64, or 3x32x32")
        signal = read(layers)(network_input(*read_sizes(size)))
        over = over or EVERYTHING
        if over not in (EVERYTHING, NETWORKS):
            raise InputError(f"over, in a network of layers, must be everything or networks, got {over.name!r}")
        masked = any(drawn.family.source == MASKS for drawn in signal.drawn)
        return cls(signal, Over(over.name, (*over.sources, MASKS), over.style) if masked else over)

    @property
    def families(self) -> tuple[Family, ...]:
        """What is drawn, and what is computed."""
        return (*(drawn.family for drawn in self.signal.drawn), *self.signal.defined)

    @property
    def vocabulary(self) -> Vocabulary:
        """The names of the families."""
        scalars = [_scalar(family) for family in self.families]
        names = Vocabulary.of(*scalars, *(Average(e, self.over) for e in scalars), over=self.over)
        names.overs |= {self.over.name: self.over}
        names.defaults = dict.fromkeys(("E", "Var", "Cov", "⟪"), self.over)
        return names

    @cached_property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What the blocks assume, the variances that they lay down, and what is assumed of a random input."""
        (given, *drawn), random = self.signal.drawn, INPUT in self.over.sources
        fixed = [_variance(one.family, one.variance) for one in drawn if one.variance is not None and one.law != "mask"]
        of_input = (centred(given.family), one_variance(given.family)) if random else ()
        laws = [_law(one.family) for one in (*((given,) if random else ()), *drawn) if one.law != "mask"]
        return (FINITE_MOMENTS, *self.signal.assumed, *of_input, *laws, *fixed)

    def assumed(self, names: Sequence[str] | None) -> tuple[Hypothesis, ...]:
        """Return the hypotheses of these names, or all; raises `InputError` for an unknown one."""
        if names is None:
            return self.hypotheses
        known = {h.key: h for h in self.hypotheses}
        for name in names:
            if name not in known:
                raise unknown_name("assumption about this network", name, known)
        return tuple(known[name] for name in names)

    def speakers(self, statement: Statement) -> tuple[Speaker, ...]:
        """Return what is derived of each mean and variance in a statement, in terms of what the network draws."""
        found = dict.fromkeys(node for side in (statement.lhs, statement.rhs) for node in _outermost(side))
        return tuple(self._derived(node) for node in found)

    def _derived(self, start: Bracket) -> Speaker:
        proof, rules = Proof(Setting(self.hypotheses, over=self.over), start), self._rules(start)
        while len(proof.steps) < _LONGEST and any(_applied(proof, rule) for rule in rules):
            pass
        name = f"{start.func.__name__.lower()}-in-this-network"
        return Speaker(name, proof.done(name, f"What {start} is in this network"))

    def _rules(self, start: Bracket) -> tuple[Rule, ...]:
        """Return the rules, in the order in which they are tried: what is known of means, then one definition more."""
        rates = dict.fromkeys(one.rate for one in self.signal.drawn if one.rate is not None)
        defined = [Define(family) for family in reversed(self.signal.defined) if _is_linear(family)]
        return (
            *((DeclaredVariance(),) if _is_drawn(start) else ()),
            VarianceDefinition(),
            CovarianceDefinition(),
            Expand(),
            Linearity(),
            WeightedSums(),
            Centred(),
            CentredSquare(),
            *map(MaskMoment, rates),
            SplitOff(),
            SymmetricHalves(),
            ProductLaw(),
            EqualTerms(),
            ContractDelta(),
            *defined,
            MultiplySums(),
        )


def _scalar(family: Family) -> Entry:
    return family(*(1 for _ in family.extents(0)))


def _variance(family: Family, value: Expr) -> Hypothesis:
    """Return the hypothesis that a family has the variance that its block lays down."""
    equation = Eq(SharedVariance(family), value, evaluate=False)
    words = Words(f"The variance of {family.meaning} is laid down: {{}}.", equation)
    return Hypothesis(f"{family.name}-variance", words, (Property(Kind.REGIME),))


def _law(family: Family) -> Hypothesis:
    """Return the hypothesis on the laws of what is drawn: symmetric about zero, as those that varprop draws from."""
    words = Words(f"Each of {family.meaning} has a law symmetric about zero, and is not zero always.")
    return Hypothesis(
        f"{family.name}-symmetric",
        words,
        (Property(Kind.SYMMETRIC, family), Property(Kind.NONDEGENERATE, family)),
    )


def _outermost(side: Basic) -> Iterator[Bracket]:
    if isinstance(side, Bracket):
        yield side
    else:
        for part in side.args:
            yield from _outermost(part)


def _is_drawn(start: Bracket) -> bool:
    quantity = start.inside[0]
    return isinstance(start, Variance) and isinstance(quantity, Entry) and quantity.family.source is not None


def _is_linear(family: Family) -> bool:
    """Return whether a definition is made of sums and products, so that means go through it."""
    return _sums_and_products(_scalar(family).definition)


def _sums_and_products(e: Basic) -> bool:
    if isinstance(e, Sum):
        return _sums_and_products(e.function)
    return isinstance(e, Entry | Number) or (isinstance(e, Add | Mul) and all(map(_sums_and_products, e.args)))


def _applied(proof: Proof, rule: Rule) -> bool:
    """Apply a rule where it applies and changes something; return whether it did."""
    before = proof.now
    try:
        made = rule.apply(before, proof.setting)
    except (RuleDoesNotApply, Undischarged):
        return False
    if made.after == before:
        return False
    proof.by(rule)
    return True
