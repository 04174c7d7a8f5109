"""Rules for a batch of Gaussians that is normalised: a point on a sphere, which knows nothing of its length."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Symbol

from derive.averages import Average
from derive.gaussian import GaussianExpectation
from derive.hypotheses import LEAKY_RELU
from derive.kinds import Kind
from derive.network import Activation, ActivationSlope
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.randomness import Entry, Family
from derive.rules.exchangeable import EXCHANGEABLE
from derive.rules.finite_moments import finite
from derive.rules.pairs import OnUnits, require_apart
from derive.rules.wide import FIRST, SECOND, U
from derive.setting import Setting

GAUSSIAN_BATCH = Kind(
    "GAUSSIAN_BATCH",
    "the values of a unit over a batch become jointly Gaussian as the width grows, and are not all one",
    infinite=True,
)
_SOURCE = "Yang et al. 2019, A mean field theory of batch normalization"


@dataclass(frozen=True)
class LengthApart(Rule):
    """E[h(y)/V_k] -> E[h(y)] B/((B - 3) v^2), v^2 = (E[z_tk^2] + E[z_uk^2])/2 - E[z_tk z_uk]

    V_k is the variance of z_k over a batch, and y are the values less their mean, divided by V_k^(1/2). Of a Gaussian
    vector the direction is independent of the length, and B V_k/v^2 is chi-squared with B - 1 degrees of freedom, of
    which the mean inverse is 1/(B - 3).

    Obligation: the batch is declared to become Gaussian, and exchangeable; B > 3; t and u are two samples.
    """

    variance: Family
    values: Family
    normalised: Family
    samples: tuple[Symbol, Symbol]
    size: Expr
    name = "length-apart"
    words = "The normalised values are a direction, independent of the length that they had; its square is chi-squared."
    source = _SOURCE
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take the inverse variance over the batch out of a mean."""
        if not isinstance(node, Average):
            return None
        lengths = [f for f in Mul.make_args(node.inside[0]) if _is_inverse(f, self.variance)]
        if len(lengths) != 1:
            return None
        rest, (unit,) = node.inside[0] / lengths[0], lengths[0].base.units
        if any(e.family != self.normalised or e.units[1] != unit for e in rest.atoms(Entry)):
            return None
        require_apart(self.samples, setting)
        uses = _spherical(self.values, setting) | setting.require_positive(self.size - 3)
        one, other = (self.values(sample, unit) for sample in self.samples)
        squares = Average(one**2, node.over) + Average(other**2, node.over)
        spread = squares / 2 - Average(one * other, node.over)
        return Rewrite(Average(rest, node.over) * self.size / ((self.size - 3) * spread), uses | finite(setting, node))


def _spherical(values: Family, setting: Setting) -> frozenset[str]:
    """Return by what no direction across all ones is special to the values of a batch."""
    return setting.require(GAUSSIAN_BATCH, values) | setting.require(EXCHANGEABLE, values)


def _is_inverse(f: Expr, variance: Family) -> bool:
    base, power = f.as_base_exp()
    return power == -1 and isinstance(base, Entry) and base.family == variance


@dataclass(frozen=True)
class OnSphere(OnUnits):
    """E[h(y_tk, y_uk)] -> E[h(u_1, u_2)], u_i ~ N(0, 1), E[u_1 u_2] = -1/(B - 1), for h of degree 0 or 2

    y are the values of a Gaussian batch less their mean, divided by the root of their variance over the batch. u is
    the same direction with a length of its own, whose mean square is that of y.

    Obligation: the batch is declared to become Gaussian, and exchangeable; the activation function is declared to be
    leaky ReLU, by which h has a degree; t and u are two samples.
    """

    values: Family
    normalised: Family
    size: Expr
    name = "on-sphere"
    words = (
        "A function that takes from the length its square, or nothing, has one mean on the sphere and over Gaussians."
    )
    source = _SOURCE
    relation = "->"
    shows = ("->",)
    evidence = Evidence.ASSUMED

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Write a mean over one or two normalised samples as one over Gaussians."""
        inside = node.inside[0]
        entries = sorted(inside.atoms(Entry), key=str)
        fits = {e.family for e in entries} == {self.normalised} and len({e.units[1:] for e in entries}) == 1
        if not fits or len(entries) not in (1, 2) or _degree(inside, self.normalised) not in (0, 2):
            return None
        require_apart((e.units[0] for e in entries), setting)
        uses = _spherical(self.values, setting) | {setting.stating(LEAKY_RELU).key}
        variables = (U,) if len(entries) == 1 else (FIRST, SECOND)
        covariance = tuple(tuple(Integer(1) if a == b else -1 / (self.size - 1) for b in entries) for a in entries)
        integrand = inside.xreplace(dict(zip(entries, variables, strict=True)))
        after = GaussianExpectation.of(integrand, variables, (Integer(0),) * len(variables), covariance)
        return Rewrite(after, uses | finite(setting, node))


def _degree(e: Expr, of: Family) -> Expr | None:
    """Return the degree of a function in all values of a family together, with leaky ReLU; None where it has none."""
    if isinstance(e, Entry):
        return Integer(1) if e.family == of else None
    if isinstance(e, Activation | ActivationSlope):
        inner = _degree(e.args[0], of)
        return None if inner is None else inner * isinstance(e, Activation)
    if isinstance(e, Mul | Add):
        degrees = [_degree(arg, of) for arg in e.args]
        if None in degrees:
            return None
        return Add(*degrees) if isinstance(e, Mul) else degrees[0] if len({*degrees}) == 1 else None
    base, power = e.as_base_exp()
    if e.has(Entry):
        inner = _degree(base, of) if power.is_Integer else None
        return None if inner is None else inner * power
    return Integer(0)
