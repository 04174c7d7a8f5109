"""The rules of Gaussian expectations. Each acts on `GaussianExpectation`s and computes what becomes of
them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Add, Basic, Expr, S

from derive.gaussian.closed import Closed
from derive.gaussian.closed_reader import read_closed
from derive.gaussian.core import term_expectation
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.law import Law, regression, tilt
from derive.gaussian.moments import Moments, stein
from derive.gaussian.normal_form import Factor, Shape
from derive.gaussian.parameters import Element
from derive.gaussian.writer import shape_expression
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.proof.verdict import Verdict
from derive.setting import Setting, Undischarged

if TYPE_CHECKING:
    from derive.proof.derivation import Step


class GaussianRule(Rule):
    """A rule on Gaussian expectations: its evidence is both sides to many digits at admissible points."""

    evidence = Evidence.POINTS

    def at_points(self, step: "Step") -> Verdict:
        """Check one step by this rule: both sides to many digits at admissible points."""
        from derive.gaussian.steps import compare_at_points

        return compare_at_points(step)

    @staticmethod
    def gaussian(setting: Setting) -> GaussianSetting:
        """The setting, which must be one of a Gaussian derivation."""
        if not isinstance(setting, GaussianSetting):
            raise Undischarged("needed and not assumed: a Gaussian law of the variables")
        return setting

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Act on one expectation."""
        if not isinstance(node, GaussianExpectation):
            return None
        return self.act(node, self.gaussian(setting))

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Return what becomes of an expectation, or None where the rule does not match."""
        raise NotImplementedError


def _single(node: GaussianExpectation, setting: GaussianSetting) -> tuple[Law, Shape, Element] | None:
    """Law, shape and coefficient of an expectation of one term."""
    law, form = setting.read(node)
    if len(form.terms) != 1:
        return None
    ((shape, value),) = form.terms.items()
    return law, shape, value


def _node(
    node: GaussianExpectation, law: Law, shape: Shape, setting: GaussianSetting, value: Element | None = None
) -> Expr:
    """E[shape] under a law, as an expression; a constant is its own mean."""
    p = setting.parameters
    inside = shape_expression(p, node.variables, shape, p.one if value is None else value)
    if inside.is_number:
        return inside
    return GaussianExpectation.of(
        inside,
        node.variables,
        [p.factored(m) for m in law.mean],
        [[p.factored(c) for c in row] for row in law.covariance],
    )


@dataclass(frozen=True)
class Degenerate(GaussianRule):
    """Var[z_i | z_j, j < i] = 0 implies z_i = m_i + Σ_j β_j (z_j - m_j), so z_i is replaced"""

    name = "degenerate"
    words = "A variable without variance of its own is an affine function of the others."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Eliminate the first variable whose conditional variance is 0."""
        p, law = setting.parameters, setting.law(node)
        given = law
        for i, variable in enumerate(node.variables):
            unit = tuple(p.one if j == i else p.zero for j in range(law.dimension))
            boundary = Factor(unit, -law.mean[i], p.zero)
            if p.reduce(given.spread(boundary)) == 0:
                value = node.mean[i]
                for j, gain in enumerate(regression(law, i, p)):
                    value += p.factored(gain) * (node.variables[j] - node.mean[j])
                return Rewrite(_without(node, i, node.integrand.xreplace({variable: value})), setting.law_key)
            given = given.given_boundary(boundary, p)
        return None


def _without(node: GaussianExpectation, i: int, integrand: Expr) -> Expr:
    """The expectation over the variables other than the i-th."""
    keep = [j for j in range(len(node.variables)) if j != i]
    if not keep:
        return integrand
    return GaussianExpectation.of(
        integrand,
        [node.variables[j] for j in keep],
        [node.mean[j] for j in keep],
        [[node.covariance[j][k] for k in keep] for j in keep],
    )


@dataclass(frozen=True)
class OddSymmetry(GaussianRule):
    """E[g(z)] = 0 when the mean is 0 and g(-z) = -g(z)"""

    name = "odd-symmetry"
    words = "The integrand is odd and the law is symmetric about 0."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Compare the normal forms of g(z) and g(-z)."""
        if any(m != 0 for m in node.mean):
            return None
        form = setting.read(node)[1]
        return None if form.without_orientation().terms or not form.terms else Rewrite(S.Zero, setting.law_key)


@dataclass(frozen=True)
class SplitAtBreakpoints(GaussianRule):
    """f(z) = f_1(z) [l(z) > 0] + f_2(z) [l(z) <= 0] at each breakpoint; erf(l) = 2Φ(√2 l) - 1; cos a cos b
    = (cos(a - b) + cos(a + b))/2

    Max, Min, Abs, sign and Piecewise become steps in affine forms; products of parallel steps are merged.
    """

    name = "split-at-breakpoints"
    words = "Write the integrand as a sum of products of powers, exponentials, waves, steps and Φ."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Rewrite the integrand in normal form."""
        p = setting.parameters
        form = setting.read(node)[1]
        after = Add(*(shape_expression(p, node.variables, s, v) for s, v in form.terms.items()))
        if after == node.integrand:
            return None
        return Rewrite(GaussianExpectation.of(after, node.variables, node.mean, node.covariance))


@dataclass(frozen=True)
class Linearity(GaussianRule):
    """E[a f + b g] = a E[f] + b E[g] for constants a, b"""

    name = "linearity"
    words = "The expectation of a sum is the sum of the expectations; constants come out."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Expectation by expectation of the terms of the normal form."""
        law, form = setting.read(node)
        p = setting.parameters
        terms = []
        for shape, value in form.terms.items():
            bare = shape._replace(scale=(0, 1))
            if shape.phase and p.is_complex(value):
                imaginary = p.i
                front = value / imaginary
                if p.is_complex(p.reduce(front)):
                    whole = shape_expression(p, node.variables, shape, value)
                    terms.append(GaussianExpectation.of(whole, node.variables, node.mean, node.covariance))
                    continue
                inside = shape_expression(p, node.variables, bare, imaginary)
                expectation = GaussianExpectation.of(inside, node.variables, node.mean, node.covariance)
                value = p.reduce(front)
            else:
                expectation = _node(node, law, bare, setting)
            scale = Closed.monomial(p, value, pi_halves=shape.scale[0], under_root=p.one * shape.scale[1])
            terms.append(scale.expression() * expectation)
        after = Add(*terms)
        return None if after == node else Rewrite(after, setting.law_key)


@dataclass(frozen=True)
class CompleteTheSquare(GaussianRule):
    """E_{N(m,C)}[exp(zᵀAz + bᵀz + c) h(z)] = |1 - 2CA|^(-1/2) exp(c + b·(m + m')/2 + m'ᵀAm)
    E_{N(m',C')}[h(z)], C' = (1 - 2CA)⁻¹C, m' = (1 - 2CA)⁻¹(m + Cb)

    Obligation: 1 - 2CA has positive eigenvalues (the expectation is finite).
    """

    name = "complete-the-square"
    words = "An exponential factor tilts the Gaussian: complete the square."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Tilt the law by the exponential factor."""
        found = _single(node, setting)
        if found is None or not found[1].growth:
            return None
        law, shape, value = found
        p = setting.parameters
        tilted = tilt(law, shape.growth, (), p)
        uses = set(setting.law_key)
        for condition in tilted.conditions:
            shown = p.expression(condition)
            if p.sign(condition) == 1 and setting.key_of(shown) is None:
                continue
            uses |= setting.require_positive(shown)
        # the coefficient of a wave carries its phase, and stays inside
        outside, inside = (p.one, value) if shape.phase else (value, p.one)
        under_root = shape.scale[1] / tilted.determinant
        front = Closed.monomial(p, outside, pi_halves=shape.scale[0], under_root=under_root, exponent=tilted.exponent)
        rest = _node(node, tilted.law, shape._replace(growth=(), scale=(0, 1)), setting, inside)
        return Rewrite(front.expression() * rest, frozenset(uses))


@dataclass(frozen=True)
class Characteristic(GaussianRule):
    """E[e^{i t·z} h(z)] = exp(i t·m - tᵀCt/2) E'[h(z)] with the mean moved to m + iCt; cos and sin are its
    real and imaginary part
    """

    name = "characteristic-function"
    words = "A wave is an exponential with an imaginary slope: move the mean by iCt and take the real part."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Evaluate an expectation that contains a wave."""
        found = _single(node, setting)
        if found is None or not found[1].phase:
            return None
        law, shape, value = found
        closed = term_expectation(Moments(setting.parameters), law, shape, value, node)
        return Rewrite(closed.expression(), setting.law_keys)


@dataclass(frozen=True)
class SteinIdentity(GaussianRule):
    """E[z_i h(z)] = m_i E[h(z)] + Σ_j C_ij E[∂h/∂z_j]; a step differentiates to a delta, Φ to φ, and each
    conditions the law

    Applied until no power of z is left. Source: Stein 1981, lemma 1; for h = 1 it gives Isserlis' moments.
    """

    name = "stein"
    words = "Lower the powers by Stein's identity; the derivative of a step conditions on its breakpoint."
    source = "C. Stein, Ann. Statist. 9 (1981), lemma 1"

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Lower all powers."""
        found = _single(node, setting)
        if found is None or found[1].growth or found[1].phase:
            return None
        law, shape, value = found
        deltas = any(f.delta for f in shape.factors)
        if not any(shape.powers) and not deltas:
            return None
        terms = []
        for front, new_law, factors in stein(law, shape.powers, shape.factors, setting.parameters):
            bare = shape._replace(powers=(0,) * len(shape.powers), factors=factors, scale=(0, 1))
            terms.append(front.expression() * _node(node, new_law, bare, setting))
        scale = Closed.monomial(
            setting.parameters,
            value,
            pi_halves=shape.scale[0],
            under_root=setting.parameters.one * shape.scale[1],
        )
        return Rewrite(scale.expression() * Add(*terms), setting.law_keys)


@dataclass(frozen=True)
class HalfSpaces(GaussianRule):
    """P(l > 0) = Φ(E[l]/sd(l)); P(l_1 > 0, l_2 > 0) = Φ₂(h, k; ρ), 1/4 + asin(ρ)/2π at h = k = 0; three
    half-spaces at the mean: 1/8 + Σ asin(ρ_ij)/4π

    E[Φ(l)] is such a probability with an independent standard normal Y: Φ(l) = P(Y < l). One threshold at
    the mean, or
    two equal ones, give Owen's T. Source: Sheppard 1899; Owen 1956; by Price's theorem ∂Φ₂/∂ρ is the joint
    density.
    """

    name = "half-spaces"
    words = "What is left are probabilities of half-spaces."
    source = "W. F. Sheppard 1899; D. B. Owen, Ann. Math. Statist. 27 (1956); R. Price, IRE Trans. IT-4 (1958)"

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Evaluate the probability."""
        found = _single(node, setting)
        if found is None or any(found[1].powers) or found[1].growth or found[1].phase:
            return None
        law, shape, value = found
        closed = term_expectation(Moments(setting.parameters), law, shape, value, node)
        return Rewrite(closed.expression(), setting.law_keys)


@dataclass(frozen=True)
class Collect(GaussianRule):
    """a k + b k = (a + b) k for each product k of roots, exponentials and special functions; Φ(-h) = 1 -
    Φ(h), 2Φ(h) - 1 = erf(h/√2)
    """

    name = "collect"
    words = "Collect like terms."

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Collect once, from the root of the expression."""
        p = GaussianRule.gaussian(setting).parameters
        after = read_closed(expression, p).expression()
        if after == expression or after.count_ops() > expression.count_ops():
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to collect in {expression}")
        return Rewrite(after)


CHAIN: tuple[GaussianRule, ...] = (
    OddSymmetry(),
    SplitAtBreakpoints(),
    Linearity(),
    CompleteTheSquare(),
    Characteristic(),
    SteinIdentity(),
    HalfSpaces(),
)
