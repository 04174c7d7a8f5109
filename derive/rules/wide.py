"""Rules for Gaussian pre-activations: closed forms, replicas, and the limit of infinite width."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Dummy, Expr, Integer, Pow, symbols

from derive.averages import Average, SharedVariance
from derive.gaussian import GaussianExpectation, gaussian_expectation, price_expectation
from derive.hypotheses import Kind
from derive.network import Activation, s
from derive.proof.derivation import Derivation, Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.randomness import Entry
from derive.setting import Setting, Undischarged
from derive.words import Words

M, V = symbols("m v", positive=True)
MU, NU = symbols("mu nu", real=True)
FIRST, SECOND = symbols("y_1 y_2", real=True)


def over_samples(integrand: Expr) -> Expr:
    """Return the mean over nu ~ N(0, v^2)."""
    return GaussianExpectation.of(integrand, (NU,), (Integer(0),), ((V**2,),))


def over_networks(integrand: Expr) -> Expr:
    """Return the mean over mu ~ N(0, m^2)."""
    return GaussianExpectation.of(integrand, (MU,), (Integer(0),), ((M**2,),))


@lru_cache(maxsize=128)
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
class Replicas(Rule):
    """E_mu[(E_nu g(mu + nu))^2] = E[g(y_1) g(y_2)], with Var[y_i] = m^2 + v^2 and Cov[y_1, y_2] = m^2

    The square of a mean is a mean over two independent draws: two samples seen by the same network.
    """

    name = "replicas"
    words = "The square of a mean over samples is a mean over two samples, which see the same network."
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the squared inner mean by two correlated variables."""
        if not isinstance(node, GaussianExpectation) or not isinstance(node.integrand, Pow):
            return None
        inner, exponent = node.integrand.as_base_exp()
        if exponent != 2 or not isinstance(inner, GaussianExpectation) or len(inner.variables) != 1:
            return None
        (mu,), (nu,) = node.variables, inner.variables
        total, y = mu + nu, Dummy("y", real=True)
        g = inner.integrand.subs(total, y)
        if g.has(mu, nu) or any(m != 0 for m in (*node.mean, *inner.mean)):
            return None
        shared, own = node.covariance[0][0], inner.covariance[0][0]
        rows = ((shared + own, shared), (shared, shared + own))
        pair = g.subs(y, FIRST) * g.subs(y, SECOND)
        return Rewrite(GaussianExpectation.of(pair, (FIRST, SECOND), (Integer(0), Integer(0)), rows))

    def at_points(self, step: Step) -> Verdict:
        """Compare the closed forms of both sides: one variable after the other, and both at once."""
        from derive.proof.sampling import compare_at_points

        one_by_one = ByClosedForm().apply(ByClosedForm().apply(step.before, step.setting).after, step.setting).after
        together = ByClosedForm().apply(step.after, step.setting).after
        return compare_at_points(replace(step, before=one_by_one, after=together))


@dataclass(frozen=True)
class GaussianLimit(Rule):
    """<<<f(s)>^2>> -> E_mu[(E_nu f(mu + nu))^2] as the width grows, with mu ~ N(0, m^2) and nu ~ N(0, v^2)

    Over networks the pre-activations of two samples become jointly Gaussian as the width grows, with the variance
    m^2 + v^2 and the covariance m^2 of the two samples. It is an approximation at finite width.
    """

    name = "gaussian-limit"
    words = "As the width grows, the mean over samples and the fluctuation about it become independent Gaussians."
    source = "Neal 1996; Lee et al. 2018; Matthews et al. 2018 (Gaussian process limit of wide networks)"
    relation = "->"
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean over networks of a squared mean over samples by the Gaussian one."""
        if not isinstance(node, Average) or not isinstance(node.inside[0], Pow):
            return None
        inner, exponent = node.inside[0].as_base_exp()
        if exponent != 2 or not isinstance(inner, Average) or not isinstance(inner.inside[0], Activation):
            return None
        (argument,) = inner.inside[0].args
        if not isinstance(argument, Entry) or argument.family != s:
            return None
        if not any(h.key == "wide" for h in setting.hypotheses):
            raise Undischarged("the Gaussian limit needs the hypothesis that the layers are wide")
        after = over_networks(over_samples(Activation(MU + NU)) ** 2)
        return Rewrite(after, frozenset({"wide"}))
