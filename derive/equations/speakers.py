"""The theorems that speak of a quantity: a statement's left side is it, at some layer and units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sympy import Basic, Sum, log, preorder_traversal

from derive.averages import Average, Bracket, Variance
from derive.hypotheses import (
    BIASES_ZERO,
    FINITE_MOMENTS,
    FORWARD,
    INPUTS_CENTRED,
    INPUTS_SHARE_VARIANCE,
    LINEAR_REGIME,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SHARE_VARIANCE,
    Hypothesis,
    Kind,
)
from derive.indices import K, L
from derive.layers import Facts, d, i
from derive.network import Partial, W, f, g, s, slope, x, z
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import EVERYTHING, NETWORKS, Entry, Family, Over
from derive.rules import (
    ByLemma,
    Centred,
    DeclaredVariance,
    Define,
    EqualTerms,
    Linearity,
    LinearRegime,
    MomentFromVariance,
    NoBiases,
    ProductLaw,
)
from derive.rules.match import index_variables, matches
from derive.rules.rectifier import ByHalfVariance
from derive.setting import Setting
from derive.theorems import THEOREMS

FORWARD_THEOREMS = ("forward-variance", "network-variance", "product-variance", "glorot-condition")
BACKWARD_THEOREMS = (
    "backward-variance",
    "weight-gradient-variance",
    "rectifier-gradient",
    "glorot-condition",
    "layer-gradient-balance",
)
WIDE_THEOREMS = ("length-map", "sample-variance-map", "gradient-variance", "total-variance")
RARE_THEOREMS = ("norm-fourth-moment", "log-norm-law", "gradient-fluctuation")
"""The theorems about the fully connected network; the last take longer to derive."""


@dataclass(frozen=True)
class Speaker:
    """A derived statement, and the theorem that it is or belongs to. Calling it gives the derivation."""

    theorem: str
    derivation: Derivation

    def __call__(self) -> Derivation:
        """Return the derivation."""
        return self.derivation

    def __hash__(self) -> int:
        return hash((self.theorem, self.derivation.name))

    @property
    def assumed(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that it rests on, definitions aside."""
        return tuple(h for h in self.derivation.rests_on if not h.declares(Kind.DEFINITION))

    @property
    def closed(self) -> bool:
        """Whether nothing is averaged on its right side: it needs no other to go on."""
        return not self.derivation.statement.rhs.has(Bracket)

    def says(self, relation: str) -> bool:
        """Return whether it is a limit where one is asked about, and no limit where none is."""
        return (self.derivation.statement.relation in ("->", "~")) == (relation in ("->", "~"))

    def speaks_of(self, *expressions: Basic) -> bool:
        """Return whether something in the expressions is its left side, at some layer and units."""
        pattern = self.derivation.statement.lhs
        if isinstance(pattern, Entry):
            # A definition speaks of the scalar itself, and of nothing that is made of it.
            return any(_is(pattern, e) for e in expressions)
        return any(_is(pattern, node) for e in expressions for node in preorder_traversal(e))


@lru_cache(maxsize=4_000)
def _is(pattern: Basic, node: Basic) -> bool:
    if type(pattern) is not type(node):
        return False
    return pattern == node or matches(pattern, node, index_variables(pattern)) is not None


@lru_cache
def of_theorems(names: tuple[str, ...]) -> tuple[Speaker, ...]:
    """Return what the theorems say: their statements and those of their parts."""
    out = []
    for name in names:
        theorem = THEOREMS.builder(name)()
        out += [Speaker(name, d) for d in (theorem, *theorem.parts)]
    return tuple(out)


@lru_cache
def lesser(names: tuple[str, ...]) -> tuple[Speaker, ...]:
    """Return the lemmas of theorems that are equalities about means or variances, each once."""
    met: dict[tuple[str, Basic], Speaker] = {}
    waiting = [(s.theorem, lemma) for s in of_theorems(names) for lemma in s.derivation.lemmas]
    while waiting:
        theorem, lemma = waiting.pop()
        key = (lemma.name, lemma.statement.lhs)
        if key in met:
            continue
        met[key] = Speaker(theorem, lemma)
        waiting += [(theorem, inner) for inner in lemma.lemmas]
    return tuple(m for m in met.values() if isinstance(m.derivation.statement.lhs, Average | Variance | Partial))


_MEAN_OF_A_SUM = (Define(s), NoBiases(), Linearity(), ProductLaw(), Centred())


@lru_cache
def plain(over: Over) -> tuple[Speaker, ...]:
    """Return what follows in one step, for means over a randomness: definitions, declared means, moments."""
    from derive.theorems.network_variance import NETWORK_HYPOTHESES, half_variance

    here, before = Facts((i, d - i)), Facts((i, d - 1 - i))
    rectified = (*NETWORK_HYPOTHESES, BIASES_ZERO)
    sums = (FINITE_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, BIASES_ZERO)
    steps: list[tuple[str, tuple[Hypothesis, ...], Facts, Basic, Rule | tuple[Rule, ...]]] = []
    if over == NETWORKS:
        half = ByHalfVariance(half_variance())
        steps.append(("rectified-mean-square", rectified, here, Average(f(s(i, K)) ** 2, over), half))
        steps.append(("activation-mean-square", rectified, before, Average(z(i + 1, K) ** 2, over), (Define(z), half)))
    steps += [
        ("definition", (), here, s(i, K), Define(s)),
        ("definition", (), before, z(i + 1, K), Define(z)),
        ("linear-regime", (LINEAR_REGIME,), here, slope(s(i, K)), LinearRegime()),
    ]
    if W.source in over.sources:
        steps += [
            ("weights-zero-mean", (WEIGHTS_CENTRED,), here, Average(W(i, L, K), over), Centred()),
            ("declared-variance", (WEIGHTS_SHARE_VARIANCE,), here, Variance(W(i, L, K), over), DeclaredVariance()),
            ("pre-activation-zero-mean", sums, here, Average(s(i, K), over), _MEAN_OF_A_SUM),
            *(
                ("moment", (FINITE_MOMENTS,), here, Average(entry**2, over), MomentFromVariance())
                for entry in (W(i, L, K), z(i, L), s(i, K))
            ),
        ]
    if x.source in over.sources:
        steps += [
            ("inputs-zero-mean", (INPUTS_CENTRED,), here, Average(x(L), over), Centred()),
            ("declared-variance", (INPUTS_SHARE_VARIANCE,), here, Variance(x(L), over), DeclaredVariance()),
            ("moment", (FINITE_MOMENTS,), here, Average(x(L) ** 2, over), MomentFromVariance()),
        ]
    out = []
    for name, hypotheses, facts, start, rules in steps:
        proof = Proof(Setting(hypotheses, facts, over), start).by(*(rules if isinstance(rules, tuple) else (rules,)))
        out.append(Speaker(name, proof.done(name, name.replace("-", " "))))
    return tuple(out)


@lru_cache
def linear_pre_activation() -> Speaker:
    """Return Var[s^i_k] = Var[x] prod_{i'<=i} n_{i'} Var[W^{i'}] in the linear regime."""
    from derive.theorems.forward import activation_mean, forward_variance, pre_activation_variance

    proof = Proof(Setting(FORWARD, Facts((i, d - i))), Variance(s(i, K), EVERYTHING))
    proof.by(ByLemma(pre_activation_variance()), NoBiases(), MomentFromVariance(), ByLemma(activation_mean()))
    proof.by(ByLemma(forward_variance()), EqualTerms())
    done = proof.done("linear-pre-activation", "The variance of the pre-activations, in the linear regime")
    return Speaker("forward-variance", done)


def batches(*expressions: Basic) -> Iterator[tuple[str, ...]]:
    """Yield the theorems that may speak of something in the expressions, the quick ones first."""
    backward = any(e.has(Partial, g) for e in expressions)
    forward = any(e.atoms(Family) - {g} for e in expressions) or not backward
    yield tuple(dict.fromkeys((*(FORWARD_THEOREMS if forward else ()), *(BACKWARD_THEOREMS if backward else ()))))
    yield WIDE_THEOREMS
    if any(n.has(Sum, log) for e in expressions for n in e.atoms(Bracket)):
        yield RARE_THEOREMS


def speaking(names: tuple[str, ...], *expressions: Basic) -> tuple[Speaker, ...]:
    """Return the statements of theorems that speak of something in the expressions."""
    found = list(of_theorems(names))
    if "forward-variance" in names:
        found.insert(0, linear_pre_activation())
    return tuple(one for one in found if one.speaks_of(*expressions))
