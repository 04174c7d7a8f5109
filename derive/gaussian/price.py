"""Price's theorem as a route of its own: an expectation of two variables by integrating in their covariance.

    ∂E[g]/∂C_xy = E[∂²g/∂x∂y],   so   E[g] = E[g] at C_xy = 0  +  ∫_0^{C_xy} E_u[∂²g/∂x∂y] du

A step differentiates to a delta, so piecewise-linear functions end in the joint density at their kinks, and
no
half-space probability is ever needed. Source: R. Price, IRE Trans. Inf. Theory IT-4 (1958), 69-72.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integral, MatrixBase, Poly, S, Symbol, asin, cancel, solve, sqrt, symbols

from derive.errors import InputError
from derive.gaussian.api import ClosedForm, applies, finish
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting, gaussian_setting, parameters_of
from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.normal_form import NormalForm, Shape
from derive.gaussian.parameters import Element, TooLong
from derive.gaussian.rules import CHAIN, Collect, GaussianRule, SplitAtBreakpoints
from derive.gaussian.validation import domain_of, expectation_node
from derive.gaussian.writer import shape_expression
from derive.proof.derivation import Proof
from derive.proof.rule import Rewrite

MOST_LEVELS = 8
LEVELS = symbols(f"u1:{MOST_LEVELS + 1}", real=True)


def derivative(form: NormalForm, i: int) -> NormalForm:
    """∂f/∂z_i in the sense of distributions, for products of powers and steps in single variables."""
    result = form.new()
    for shape, value in form.terms.items():
        if shape.growth or shape.phase or any(f.tau2 != 0 for f in shape.factors):
            raise NoClosedForm("Price's route takes piecewise polynomials", _shown(form, shape, value))
        power = shape.powers[i]
        if power:
            lowered = tuple(k - (j == i) for j, k in enumerate(shape.powers))
            result = result + form.single(shape._replace(powers=lowered), value * power)
        for factor in shape.factors:
            if factor.a[i] == 0:
                continue
            if factor.delta or any(x != 0 for j, x in enumerate(factor.a) if j != i) or factor.c != 0:
                raise NoClosedForm("Price's route takes kinks at the mean", _shown(form, shape, value))
            if not power:
                # z^k δ(z) = 0 for k > 0
                factors = shape.factors - {factor} | {factor._replace(delta=True)}
                result = result + form.single(shape._replace(factors=factors), value * factor.a[i])
    return result


def _shown(form: NormalForm, shape: Shape, value: Element) -> Expr:
    """A term with placeholder variables, for a message."""
    names = symbols(f"z1:{form.dimension + 1}", real=True)
    return shape_expression(form.parameters, names, shape, value)


@dataclass(frozen=True)
class PriceTheorem(GaussianRule):
    """E[g] = E[g] at C_xy = 0 + ∫_0^{C_xy} E_u[∂²g/∂x∂y] du

    Derivatives in the sense of distributions. Source: Price 1958.
    """

    variable: Symbol
    name = "price"
    words = "Differentiate in the covariance (Price's theorem) and integrate back from independence."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Replace an expectation of dependent variables by one at independence and an integral."""
        covariance = node.covariance[0][1]
        form = setting.read(node)[1]
        done = any(f.delta for s in form.terms for f in s.factors)
        if covariance == 0 or done or not node.integrand.free_symbols & set(node.variables):
            return None
        mixed = derivative(derivative(form, 0), 1)
        p, variances = setting.parameters, (node.covariance[0][0], node.covariance[1][1])
        slope = Add(*(shape_expression(p, node.variables, s, c) for s, c in mixed.terms.items()))

        def at(integrand: Expr, value: Expr) -> Expr:
            rows = [[variances[0], value], [value, variances[1]]]
            return GaussianExpectation.of(integrand, node.variables, node.mean, rows)

        gain = Integral(at(slope, self.variable), (self.variable, 0, covariance)) if slope != 0 else S.Zero
        return Rewrite(at(node.integrand, S.Zero) + gain, setting.law_keys)


@dataclass(frozen=True)
class IntegrateCovariance(GaussianRule):
    """∫ (a + α' asin(u/√P) + (α + β'(P - u²) - uβ)/√(P - u²)) du = ∫a du + α asin(u/√P) + β √(P - u²)

    α and β are polynomials in u, found by comparing coefficients; the rule is the product rule read
    backwards.
    """

    name = "integrate-covariance"
    words = "Integrate in the covariance: polynomials, asin and roots, by the product rule read backwards."

    def rewrite(self, node: Expr, setting: object) -> Rewrite | None:
        """Integrate an innermost integral whose integrand is known."""
        if not isinstance(node, Integral) or node.function.has(Integral, GaussianExpectation):
            return None
        (u, lower, upper), *outer = node.limits
        primitive = antiderivative(node.function, u)
        gain = primitive.subs(u, upper) - primitive.subs(u, lower)
        return Rewrite(Integral(gain, *outer) if outer else gain)


def antiderivative(f: Expr, u: Symbol) -> Expr:
    """A primitive of polynomials in u times 1, asin(u/√P), √(P - u²) or 1/√(P - u²), with P free of u."""
    radicands = {x.base for x in f.atoms(sqrt(u).func) if x.exp.is_Rational and x.exp.q == 2 and x.has(u)}
    angles = {x for x in f.atoms(asin) if x.has(u)}
    P = next(((r + u**2).expand() for r in radicands), None)
    if P is None and angles:
        P = cancel(u**2 / next(iter(angles)).args[0] ** 2)
    if P is None:
        return Poly(f, u).integrate(u).as_expr()
    if P.has(u) or len(radicands) > 1 or len(angles) > 1:
        raise NoClosedForm("this integral in the covariance is not one of the known ones", f)
    root, angle = Symbol("root"), Symbol("angle")
    marked = f.subs(dict.fromkeys(angles, angle))
    marked = marked.replace(
        lambda x: x.is_Pow and x.base in radicands and x.exp.is_Rational and x.exp.q == 2,
        lambda x: root * (P - u**2) ** (x.exp - S.Half),
    ).expand()
    plain = marked.coeff(root, 0).coeff(angle, 0)
    weight = Poly(cancel(marked.coeff(root, 0).coeff(angle, 1)), u)
    under = Poly(cancel(marked.coeff(root, 1) * (P - u**2)), u)
    k = Symbol("k")
    alpha = weight.integrate(u).as_expr() + k
    unknown = symbols(f"b0:{max(under.degree(), Poly(alpha, u).degree(), 1) + 1}")
    beta = sum(b * u**n for n, b in enumerate(unknown))
    residual = Poly(alpha + beta.diff(u) * (P - u**2) - u * beta - under.as_expr(), u)
    solution = solve(residual.all_coeffs(), [k, *unknown], dict=True)
    if not solution:
        raise NoClosedForm("this integral in the covariance is not one of the known ones", f)
    alpha, beta = (x.subs(solution[0]) for x in (alpha, beta))
    free = dict.fromkeys([k, *unknown], 0)
    bare = Poly(plain, u).integrate(u).as_expr() if plain != 0 else S.Zero
    return bare + alpha.subs(free) * asin(u / sqrt(P)) + beta.subs(free) * sqrt(P - u**2)


def price_expectation(
    g: Expr, variables: Sequence[Symbol], *, covariance: MatrixBase | Sequence[Sequence[Expr]]
) -> ClosedForm:
    r"""E[g(x, y)] for centred Gaussian x, y by Price's theorem alone.

    For sums of products of piecewise polynomials with kinks at 0 (relu, leaky relu, |·|, steps, monomials).
    The same
    closed form as `gaussian_expectation`, by another route; checked in the same way before it is returned.

    Raises:
        NoClosedForm: where the route does not lead to an end.
        InputError: for a law that is not one, or more than two variables.

    >>> from sympy import symbols, Max
    >>> x, y, c = symbols("x y c", real=True); p, q = symbols("p q", positive=True)
    >>> price_expectation(Max(0, x)*Max(0, y), (x, y), covariance=[[p, c], [c, q]]).result
    c*asin(c/(sqrt(p)*sqrt(q)))/(2*pi) + c/4 + sqrt(-c**2 + p*q)/(2*pi)

    """
    node = expectation_node(g, variables, None, covariance)
    if len(node.variables) != 2:
        raise InputError(f"variables must be two for Price's theorem, got {len(node.variables)}")
    try:
        proof, domain = _proof(node)
    except TooLong:
        raise NoClosedForm("none was found in reasonable time", node.integrand) from None
    return finish(proof, node, domain, lambda: price_expectation(g, variables, covariance=covariance))


def _proof(node: GaussianExpectation) -> tuple[Proof, tuple[Expr, ...]]:
    """The chain: down to deltas by Price's theorem, then back by integration in the covariance."""
    rows = node.covariance
    inner = [
        GaussianExpectation.of(S.One, node.variables, node.mean, [[rows[0][0], u], [u, rows[1][1]]]) for u in LEVELS
    ]
    parameters = parameters_of(node, *inner)
    domain = domain_of(node, parameters)
    levels = tuple(c for n in inner for c in domain_of(n, parameters))
    proof = Proof(gaussian_setting(node, parameters, domain, levels), node)
    applies(proof, SplitAtBreakpoints())
    for u in LEVELS:
        if not applies(proof, PriceTheorem(u)):
            break
    for rule in CHAIN[1:]:
        applies(proof, rule)
    while applies(proof, IntegrateCovariance()):
        pass
    if proof.now.has(GaussianExpectation, Integral):
        raise NoClosedForm("Price's theorem does not lead to known integrals", node.integrand)
    applies(proof, Collect())
    return proof, domain
