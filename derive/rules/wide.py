"""Rules for Gaussian pre-activations: closed forms, replicas, and the limit of infinite width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sympy import Dummy, Expr, Integer, symbols

from derive.averages import Average, SharedVariance
from derive.gaussian import GaussianExpectation, gaussian_expectation, price_expectation
from derive.hypotheses import Kind
from derive.network import Activation, ActivationSlope, W, b, s
from derive.proof.derivation import Derivation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import NETWORKS, SAMPLES, Entry
from derive.setting import Setting, Undischarged
from derive.words import Words

M, V = symbols("m v", positive=True)
MU, NU = symbols("mu nu", real=True)
FIRST, SECOND = symbols("y_1 y_2", real=True)
Q, U = symbols("q", positive=True), symbols("u", real=True)
GAUSSIAN_KEY, WIDE_KEY = "gaussian-pre-activations", "wide"
"""The hypotheses of the Gaussian limit: of one pre-activation, and of those of two samples."""


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
def _closed_form(node: GaussianExpectation) -> Derivation:
    return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=node.covariance)


@lru_cache(maxsize=16)
def _by_price(node: GaussianExpectation) -> Derivation:
    return price_expectation(node.integrand, node.variables, covariance=node.covariance)


@dataclass(frozen=True)
class ByClosedForm(Rule):
    """E[g(z)] for Gaussian z, in closed form, innermost expectations first

    Each answer is a derivation of its own, by Stein's identity and the probabilities of half-spaces, or by Price's
    theorem alone where ``price`` is set.
    """

    price: bool = False
    name = "closed-form"
    words = "A Gaussian expectation in closed form."
    evidence = Evidence.LEMMA

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an expectation without others inside by its closed form."""
        if not isinstance(node, GaussianExpectation) or node.integrand.atoms(GaussianExpectation):
            return None
        lemma = _by_price(node) if self.price else _closed_form(node)
        words = Words("The mean over {} is a Gaussian expectation, in closed form.", node.variables[0])
        return Rewrite(lemma.result, words=words, lemmas=(lemma,))


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
        variance = SharedVariance(entry.family, *(() if entry.layer is None else (entry.layer,)))
        z, spread = Dummy("w", real=True), Dummy("s", positive=True)
        lemma = gaussian_expectation(node.inside[0].xreplace({entry: z}), {z: (Integer(0), spread)})
        return Rewrite(lemma.result.xreplace({spread: variance}), uses, lemmas=(lemma,))


@dataclass(frozen=True)
class GaussianLimit(Rule):
    """<<g(s)>> -> E_u[g(u)], u ~ N(0, q), and with samples <<<f(s)>^2>> -> E_mu[(E_nu f(mu + nu))^2]

    mu ~ N(0, m^2) and nu ~ N(0, v^2). Over networks a pre-activation becomes Gaussian as the width grows, and those of
    two samples jointly Gaussian, with the variance m^2 + v^2 and the covariance m^2. It is an approximation at finite
    width. g is a power of the activation function or of its slope.
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
        if _is_of_pre_activation(inner):
            (argument,) = inner.args
            words = Words("As the width grows, the pre-activation {} becomes Gaussian.", argument)
            after = one_gaussian(inner.func(U) ** exponent)
            return Rewrite(after, _assumed(GAUSSIAN_KEY, setting), words)
        if not isinstance(inner, Average) or inner.over != SAMPLES or node.over != NETWORKS:
            return None
        function, power = inner.inside[0].as_base_exp()
        if not _is_of_pre_activation(function) or (exponent, power) not in ((1, 2), (2, 1)):
            return None
        after = over_networks(over_samples(function.func(MU + NU) ** power) ** exponent)
        return Rewrite(after, _assumed(WIDE_KEY, setting))


def _is_of_pre_activation(e: Expr) -> bool:
    if not isinstance(e, Activation | ActivationSlope):
        return False
    (argument,) = e.args
    return isinstance(argument, Entry) and argument.family == s


def _assumed(key: str, setting: Setting) -> frozenset[str]:
    if not any(h.key == key for h in setting.hypotheses):
        raise Undischarged(f"the Gaussian limit needs the hypothesis {key!r}: that the layers are wide")
    return frozenset({key})
