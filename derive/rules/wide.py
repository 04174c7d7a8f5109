"""Rules for Gaussian pre-activations: closed forms, replicas, and the limit of infinite width."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Basic, Dummy, Expr, Integer, Mul, factor, symbols

from derive.averages import Average, SharedVariance
from derive.errors import InputError
from derive.gaussian import ClosedForm, GaussianExpectation, gaussian_expectation, price_expectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.hypotheses import Kind
from derive.network import Activation, ActivationSlope, W, b, s
from derive.proof.derivation import Derivation, Step
from derive.proof.instances import agreed, alike, refuted, relation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.sampling import points
from derive.proof.verdict import Verdict
from derive.randomness import NETWORKS, SAMPLES, Entry
from derive.rules.lemma import equality
from derive.setting import Setting, Undischarged
from derive.words import Words

M, V = symbols("m v", positive=True)
MU, NU = symbols("mu nu", real=True)
FIRST, SECOND = symbols("y_1 y_2", real=True)
Q, U = symbols("q", positive=True), symbols("u", real=True)


def over_samples(integrand: Expr) -> Expr:
    """Return the mean over nu ~ N(0, v^2)."""
    return GaussianExpectation.of(integrand, (NU,), (Integer(0),), ((V**2,),))


def over_networks(integrand: Expr) -> Expr:
    """Return the mean over mu ~ N(0, m^2)."""
    return GaussianExpectation.of(integrand, (MU,), (Integer(0),), ((M**2,),))


def one_gaussian(integrand: Expr, variance: Expr = Q) -> Expr:
    """Return the mean over u of mean 0 and the given variance."""
    return GaussianExpectation.of(integrand, (U,), (Integer(0),), ((variance,),))


@lru_cache(maxsize=512)
def closed_form(node: GaussianExpectation) -> ClosedForm:
    """Return the derivation of an expectation's closed form; raise `NoClosedForm` where there is none."""
    return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=node.covariance)


@lru_cache(maxsize=16)
def _by_price(node: GaussianExpectation) -> ClosedForm:
    return price_expectation(node.integrand, node.variables, covariance=node.covariance)


@dataclass(frozen=True)
class ByClosedForm(Rule):
    """E[g(z)] for Gaussian z, in closed form, innermost expectations first

    Each answer is a derivation of its own, by Stein's identity and the probabilities of half-spaces, or by Price's
    theorem alone where ``price`` is set.

    Obligation: what must be positive for the answer, that the law is one and the expectation finite, is so.
    """

    price: bool = False
    name = "closed-form"
    words = "A Gaussian expectation in closed form."
    evidence = Evidence.LEMMA

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an expectation without others inside by its closed form."""
        if not isinstance(node, GaussianExpectation) or node.integrand.atoms(GaussianExpectation):
            return None
        lemma = _by_price(node) if self.price else closed_form(node)
        if equality(lemma).lhs != node:
            raise InputError(f"{lemma.name} is not about {node}")
        words = Words("The mean over {} is a Gaussian expectation, in closed form.", node.variables[0])
        uses = frozenset[str]().union(*map(setting.require_positive, lemma.conditions))
        return Rewrite(lemma.result, uses, words, (lemma,))

    def by_second_path(self, step: Step) -> Verdict:
        """Put the lemmas' right sides for their left sides, all at once."""
        pairs = {lemma.statement.lhs: lemma.statement.rhs for lemma in step.lemmas}
        return closed_forms(step, pairs)


@dataclass(frozen=True)
class GaussianMoment(Rule):
    """E[g(w)] for a drawn Gaussian w of mean zero, in closed form

    Obligation: the family is declared Gaussian, with mean zero and one variance.
    """

    name = "gaussian-moment"
    words = "The moments of a Gaussian, in closed form."
    evidence = Evidence.LEMMA

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of a function of one Gaussian scalar."""
        if not isinstance(node, Average):
            return None
        entries = node.inside[0].atoms(Entry)
        if len(entries) != 1:
            return None
        (entry,) = entries
        if entry.family.source not in node.over.sources:
            return None
        uses: frozenset[str] = frozenset()
        for kind in (Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE):
            uses |= setting.require(kind, entry.family)
        z, spread = Dummy("w", real=True), Dummy("s", positive=True)
        lemma = gaussian_expectation(node.inside[0].xreplace({entry: z}), {z: (Integer(0), spread)})
        if not holds_without_spread(lemma):
            uses |= setting.require(Kind.NONDEGENERATE, entry.family)
        return Rewrite(lemma.result.xreplace({spread: _variance(entry)}), uses, lemmas=(lemma,))

    def by_second_path(self, step: Step) -> Verdict:
        """Put every drawn scalar and its variance into the lemmas; look whether its law is cited."""
        pairs, laws = {}, {}
        for node in step.before.atoms(Average):
            for entry in (e for e in node.inside[0].atoms(Entry) if e.family.source in node.over.sources):
                for lemma in step.lemmas:
                    expectation = lemma.statement.lhs
                    (z,), ((spread,),) = expectation.variables, expectation.covariance
                    if expectation.integrand.xreplace({z: entry}) == node.inside[0] and expectation.mean == (0,):
                        pairs[node] = lemma.statement.rhs.xreplace({spread: _variance(entry)})
                        laws[entry.family] = lemma
        cited = [h for h in step.setting.hypotheses if h.key in step.uses]
        for family, lemma in laws.items():
            kinds = [Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE]
            kinds += [] if holds_without_spread(lemma) else [Kind.NONDEGENERATE]
            missing = [k for k in kinds if not any(h.declares(k, family) for h in cited)]
            if missing:
                return agreed(lemma, f"the step does not cite of {family.name}: {missing[0].value}")
        return closed_forms(step, pairs)


def _variance(entry: Entry) -> SharedVariance:
    return SharedVariance(entry.family, *(() if entry.layer is None else (entry.layer,)))


def holds_without_spread(lemma: Derivation) -> bool:
    """Return whether a closed form for a positive variance also gives the value at the mean, for the variance 0."""
    node = lemma.statement.lhs
    (z,), (mean,), ((spread,),) = node.variables, node.mean, node.covariance
    return bool((lemma.result.subs(spread, 0) - node.integrand.subs(z, mean)).expand() == 0)


def closed_forms(step: Step, pairs: dict[Basic, Basic]) -> Verdict:
    """Return whether a step puts closed forms for expectations, and where: what must be positive is said."""
    if not pairs or not alike(step.before.xreplace(pairs), step.after):
        return refuted(step, step.lemmas[0], *pairs.items())
    where: list[Expr] = []
    for lemma in step.lemmas:
        problems = [*relation(step, lemma), *(f"{c} is not positive" for c in must_be_positive(lemma) if _never(c))]
        if problems:
            return agreed(lemma, *problems)
        where += [c for c in must_be_positive(lemma) if not (c.is_positive or factor(c).is_positive)]
    verdict = agreed(step.lemmas[0])
    return replace(verdict, evidence=", ".join((verdict.evidence, *(f"where {c} > 0" for c in dict.fromkeys(where)))))


def must_be_positive(lemma: Derivation) -> list[Expr]:
    """Return the conditions of a closed form, but those on a variable that it was integrated over on the way."""
    if not isinstance(lemma.setting, GaussianSetting):
        return []
    return [c for c in lemma.setting.positive if c.free_symbols <= lemma.statement.lhs.free_symbols]


def _never(condition: Expr) -> bool:
    """Return whether an expression is positive at none of some admissible points."""
    at = points(sorted(condition.free_symbols, key=str))
    return all(condition.subs(values).evalf() <= 0 for values in at)


@dataclass(frozen=True)
class GaussianLimit(Rule):
    """<<g(s)>> -> E_u[g(u)], u ~ N(0, q), and with samples <<<f(s)>^2>> -> E_mu[(E_nu f(mu + nu))^2]

    For a signal that is declared to become Gaussian, q is its mean square, and <<g(u) h(u')>> the mean over Gaussians
    with the covariance of both.

    mu ~ N(0, m^2) and nu ~ N(0, v^2). Over networks a pre-activation becomes Gaussian as the width grows, and those of
    two samples jointly Gaussian, with the variance m^2 + v^2 and the covariance m^2. It is an approximation at finite
    width. g is a power of the activation function or of its slope.

    Obligation: the limit is declared, of one sample or of two.
    """

    name = "gaussian-limit"
    words = "As the width grows, the mean over samples and the fluctuation about it become independent Gaussians."
    source = "Neal 1996; Lee et al. 2018; Matthews et al. 2018 (Gaussian process limit of wide networks)"
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a mean over networks, of one pre-activation or of means over samples of it, by the Gaussian one."""
        if not isinstance(node, Average) or not {W.source, b.source} <= set(node.over.sources):
            return None
        inner, exponent = node.inside[0].as_base_exp()
        signal = signals_in(node.inside[0], setting)
        if signal:
            return _of_signal(node, signal, setting)
        if _is_of_pre_activation(inner):
            (argument,) = inner.args
            words = Words("As the width grows, the pre-activation {} becomes Gaussian.", argument)
            after = one_gaussian(inner.func(U) ** exponent)
            return Rewrite(after, setting.require(Kind.GAUSSIAN_LIMIT), words)
        if not isinstance(inner, Average) or inner.over != SAMPLES or node.over != NETWORKS:
            return None
        function, power = inner.inside[0].as_base_exp()
        if not _is_of_pre_activation(function) or (exponent, power) not in ((1, 2), (2, 1)):
            return None
        after = over_networks(over_samples(function.func(MU + NU) ** power) ** exponent)
        return Rewrite(after, setting.require(Kind.JOINT_GAUSSIAN_LIMIT))


def signals_in(e: Expr, setting: Setting) -> tuple[Entry, ...]:
    """Return the scalars at which functions in a product are taken, if a hypothesis says that they become Gaussian."""
    found = []
    for part in Mul.make_args(e):
        function, _ = part.as_base_exp()
        argument = function.args[0] if isinstance(function, Activation | ActivationSlope) else None
        if not isinstance(argument, Entry) or not setting.citing(Kind.GAUSSIAN_LIMIT, argument.family):
            return ()
        found.append(argument)
    return tuple(dict.fromkeys(found))


def _of_signal(node: Average, signals: tuple[Entry, ...], setting: Setting) -> Rewrite:
    """Return the Gaussian mean over one or two scalars of a signal, with their mean squares and their mean product."""
    kind = Kind.GAUSSIAN_LIMIT if len(signals) == 1 else Kind.JOINT_GAUSSIAN_LIMIT
    uses = frozenset[str]().union(*(setting.require(kind, e.family) for e in signals))
    variables = (U,) if len(signals) == 1 else (FIRST, SECOND)
    if len(signals) > len(variables):
        raise Undischarged(f"{node} is about more than two scalars")
    covariance = tuple(tuple(Average(a * b, node.over) for b in signals) for a in signals)
    integrand = node.inside[0].xreplace(dict(zip(signals, variables, strict=True)))
    after = GaussianExpectation.of(integrand, variables, (Integer(0),) * len(variables), covariance)
    return Rewrite(after, uses, Words("As the width grows, {} becomes Gaussian.", signals[0]))


def _is_of_pre_activation(e: Expr) -> bool:
    if not isinstance(e, Activation | ActivationSlope):
        return False
    (argument,) = e.args
    return isinstance(argument, Entry) and argument.family == s
