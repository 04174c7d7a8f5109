"""What the rules of inference by themselves make of both sides of a printed equation, where no theorem is about it.

Variances and covariances are written as means; sums, products of independent quantities and definitions are put in
for as long as a rule applies. Where both sides come to one expression, the equation is proved: the two chains are
derivations like any other, and are checked as such.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, expand, preorder_traversal

from derive.claims.claim import Claim
from derive.claims.reduction import Comparison, built
from derive.errors import InputError
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    BIASES_ZERO,
    INPUTS_CENTRED,
    LINEAR_REGIME,
    WEIGHTS,
    Hypothesis,
)
from derive.proof.derivation import Proof
from derive.proof.rule import Rule
from derive.proof.scope import declared_in, scope_of
from derive.randomness import Entry
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define, DrawnGradient, LinearRegime, NoBiases
from derive.rules.lemma import ByLemma
from derive.rules.means import Centred, CovarianceDefinition, DeclaredVariance, Linearity, VarianceDefinition
from derive.rules.sums import ContractDelta, EqualTerms, JoinSums, MultiplySums, PullOut, SplitSum
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.setting import Setting, Undischarged
from derive.theorems.forward import activation_mean

_MOST_STEPS, _MOST_NODES = 40, 2000
_RULES: tuple[Rule, ...] = (
    NoBiases(),
    DrawnGradient(),
    DeclaredVariance(),
    CovarianceDefinition(),
    VarianceDefinition(),
    Differentiate(),
    ContractDelta(),
    Expand(),
    Linearity(),
    Centred(),
    CentredSquare(),
    WeightedSums(),
    SplitOff(),
    JoinSums(),
    SplitSum(),
    EqualTerms(),
    PullOut(),
)
"""In the order in which they are tried after each step, behind theorems by which something is zero.

Then definitions are put in, and what holds in the linear regime alone; last of all sums are multiplied, which
`WeightedSums` needs apart.
"""


def proved(claim: Claim, setting: Setting) -> tuple[Comparison, frozenset[str]] | None:
    """Return how the rules prove a printed equation, every step checked, and the keys of the hypotheses they rest on.

    None where the rules do not get there.
    """
    if claim.printed.relation != "=":
        return None
    known = (built(build) for build in (*claim.against, activation_mean))
    zeros = [theorem for theorem in known if theorem.statement.rhs == 0]
    rules = (*map(ByLemma, zeros), *_RULES)
    chains = [_reduced(side, setting, rules) for side in (claim.printed.lhs, claim.printed.rhs)]
    if expand(chains[0].now - chains[1].now) != 0:
        return None
    sides = [chain.done(f"{claim.id}-{n}", claim.title) for n, chain in enumerate(chains, 1) if chain.steps]
    if not all(side.check() for side in sides):
        return None
    how = "proved by the rules, which bring both sides to the same"
    uses = frozenset().union(*(step.uses for side in sides for step in side.steps))
    return Comparison(True, how=how, proof=tuple(sides)), uses


def completed(claim: Claim, setting: Setting) -> tuple[tuple[Hypothesis, ...], Comparison | None]:
    """Return the further hypotheses under which the rules prove a printed equation, with how; none and None else.

    The usual ones about what is drawn are put at their disposal, those about the network only where they are needed.
    """
    spoken = scope_of(*declared_in(setting), claim.printed.lhs, claim.printed.rhs).drawn
    usual = (*WEIGHTS, BIASES_SHARE_VARIANCE, INPUTS_CENTRED)
    drawn = tuple(h for h in usual if any(p.family in spoken for p in h.properties))
    if not drawn:
        return (), None
    for further in (drawn, (*drawn, BIASES_ZERO), (*drawn, BIASES_ZERO, LINEAR_REGIME)):
        found = proved(claim, setting.assuming(*further))
        if found is not None:
            comparison, uses = found
            return tuple(h for h in further if h.key in uses and h not in setting.hypotheses), comparison
    return (), None


def _reduced(expression: Basic, setting: Setting, rules: tuple[Rule, ...]) -> Proof:
    """Return the chain from an expression to what no rule changes any more, or to where it became too long."""
    proof, met = Proof(setting, expression), {expression}
    while len(proof.steps) < _MOST_STEPS and sum(1 for _ in preorder_traversal(proof.now)) < _MOST_NODES:
        rule = next(_applicable(proof, met, rules), None)
        if rule is None:
            break
        proof.by(rule)
        met.add(proof.now)
    return proof


def _applicable(proof: Proof, met: set[Basic], rules: tuple[Rule, ...]) -> Iterator[Rule]:
    """Yield the rules that lead on, to an expression that was not there before."""
    defined = sorted({e.family for e in proof.now.atoms(Entry) if e.family.definition is not None}, key=str)
    for rule in (*rules, *map(Define, defined), LinearRegime(), MultiplySums()):
        try:
            after = rule.apply(proof.now, proof.setting).after
        except (InputError, Undischarged):
            continue
        if after not in met:
            yield rule
