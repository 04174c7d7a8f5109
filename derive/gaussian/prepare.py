"""Before the chain: rules on the whole integrand, until what is left is in the class of the normal form."""

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Basic, Expr, sympify

from derive.gaussian.breakpoints import SolveBreakpoints
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting, gaussian_setting, normal_form, parameters_of
from derive.gaussian.law import tilt
from derive.gaussian.moments import Moments
from derive.gaussian.no_closed_form import NoClosedForm
from derive.gaussian.orthants import NoOrthant, require_few
from derive.gaussian.parameters import Parameters, new_deadline
from derive.gaussian.parity import EvenPart
from derive.gaussian.rules import Degenerate, GaussianRule
from derive.gaussian.uniform import UniformVariable
from derive.gaussian.validation import domain_of
from derive.gaussian.writer import shape_expression
from derive.limits import Deadline

WHOLE: tuple[GaussianRule, ...] = (UniformVariable(), SolveBreakpoints(), EvenPart())
"""Rules that are tried where an integrand is outside the class."""


@dataclass(frozen=True)
class Prepared:
    """Rules, what they make of an expectation, what must be positive for them and for the law, and the field."""

    rules: tuple[GaussianRule, ...]
    node: Basic
    needs: tuple[Expr, ...]
    domain: tuple[Expr, ...]
    parameters: Parameters


def preparations(node: GaussianExpectation) -> Iterator[Prepared]:
    """Ways into the class: variables without variance eliminated, then nothing, or rules on the whole integrand.

    Raises NoClosedForm, with the reason why it is outside, after the last one where the integrand as it is is not one.
    """
    first = _without_degenerate(node)
    outside = _why_unreadable(first)
    if outside is None:
        yield first
        # in the class, and perhaps without a closed form there
        yield from _further(node, first, frozenset(WHOLE[1:]))
        return
    yield from _further(node, first, frozenset())
    raise outside


def _further(node: GaussianExpectation, at: Prepared, tried: frozenset[GaussianRule]) -> Iterator[Prepared]:
    """What rules on the whole integrand lead to, each applied at most once."""
    if not isinstance(at.node, GaussianExpectation):
        return
    for rule in WHOLE:
        needs = SolveBreakpoints.needs(at.node) if isinstance(rule, SolveBreakpoints) else ()
        setting = gaussian_setting(node, at.parameters, at.domain, (), (*at.needs, *needs))
        made = None if rule in tried else rule.rewrite(at.node, setting)
        if made is None:
            continue
        found = _prepared(node, (*at.rules, rule), made.after, (*at.needs, *needs), at.parameters.deadline)
        if _why_unreadable(found) is None:
            yield found
        else:
            yield from _further(node, found, tried | {rule})


def _prepared(
    node: GaussianExpectation,
    rules: tuple[GaussianRule, ...],
    now: Basic,
    needs: tuple[Expr, ...],
    deadline: Deadline,
) -> Prepared:
    """The field of an expectation and of what has become of it: values of variables, roots are new constants."""
    parameters = parameters_of(node, now, *needs, deadline=deadline)
    domain = domain_of(node, parameters)
    for condition in needs:
        parameters.declare_positive(parameters.element(condition))
    return Prepared(rules, now, needs, domain, parameters)


def _without_degenerate(node: GaussianExpectation) -> Prepared:
    first = _prepared(node, (), node, (), new_deadline())
    setting = GaussianSetting((), parameters=first.parameters)
    now: Basic = node
    rules: tuple[GaussianRule, ...] = ()
    while isinstance(now, GaussianExpectation):
        made = Degenerate().rewrite(now, setting)
        if made is None:
            break
        rules, now = (*rules, Degenerate()), made.after
    return _prepared(node, rules, now, (), first.parameters.deadline) if rules else first


def _why_unreadable(at: Prepared) -> NoClosedForm | None:
    """Why an integrand is outside the class, if it is."""
    if isinstance(at.node, GaussianExpectation):
        try:
            normal_form(at.node, at.parameters)
        except NoClosedForm as outside:
            return outside
    return None


def integrability(node: GaussianExpectation, parameters: Parameters) -> tuple[Expr, ...]:
    """What must be positive for the exponentials of quadratics to have an expectation.

    Raises NoClosedForm where one has none.
    """
    setting = GaussianSetting((), parameters=parameters)
    law = setting.law(node)
    form = normal_form(node, parameters)
    found: list[Expr] = []
    for shape, value in form.terms.items():
        for condition in tilt(law, shape.growth, (), parameters).conditions:
            shown = parameters.expression(condition)
            sign = parameters.sign(condition)
            if sign is not None and sign <= 0:
                term = shape_expression(parameters, node.variables, shape, value)
                needs = f": {shown} must be positive" if shown.free_symbols else ""
                raise NoClosedForm(f"the Gaussian density does not damp the exponential{needs}", term)
            if sign is None:
                parameters.declare_positive(condition)
                found.append(shown)
    return tuple(dict.fromkeys(sympify(c) for c in found))


def require_known(node: GaussianExpectation, parameters: Parameters) -> None:
    """Stop before any work where Stein's identity ends in a probability that has no closed form.

    The product of all half-spaces of a term is left with the weight E[z^powers], unless that is 0.

    Raises NoClosedForm with the term.
    """
    law = GaussianSetting((), parameters=parameters).law(node)
    moments = Moments(parameters)
    for shape in normal_form(node, parameters).terms:
        if shape.phase or len(shape.factors) < 3:
            continue
        tilted = tilt(law, shape.growth, (), parameters).law
        if not moments.moment(tilted, shape.powers, frozenset()).terms:
            continue
        try:
            require_few(tilted, shape.factors, parameters)
        except NoOrthant as stop:
            term = shape_expression(parameters, node.variables, shape, parameters.one)
            raise NoClosedForm(str(stop), term) from None
