"""`gaussian_expectation`: the closed form of E[g(z)] with its derivation, checked before it is returned."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

from sympy import Expr, MatrixBase, Symbol

from derive.errors import InputError
from derive.gaussian.check import Agreement, CannotCheck, Disagreement, Problem, compare
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting, gaussian_setting, parameters_of
from derive.gaussian.generalise import General, generalised, structural, with_named_variance
from derive.gaussian.hermite import HermiteExpansion
from derive.gaussian.instance import PutNumbersIn, can_be_collected
from derive.gaussian.no_closed_form import NoClosedForm, OutOfTime, Unconfirmed
from derive.gaussian.parameters import TooLong
from derive.gaussian.prepare import Prepared, integrability, preparations, require_known
from derive.gaussian.rules import CHAIN, Collect, Degenerate, SplitAtBreakpoints, SteinIdentity
from derive.gaussian.validation import expectation_node
from derive.hypotheses import Hypothesis
from derive.limits import NEVER
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule, RuleDoesNotApply
from derive.proof.verdict import Grade, Verdict


@dataclass(frozen=True, repr=False)
class ClosedForm(Derivation):
    """The derivation of a Gaussian expectation: `result` is the closed form, `agreement` its check.

    `conditions` are the expressions that must be positive for the statement to hold.
    """

    agreement: Agreement | None = field(default=None, compare=False)
    conditions: tuple[Expr, ...] = ()

    @property
    def needs(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that the conditions are met, where they are not met always."""
        wanted = {c for c in self.conditions if not c.is_positive}
        return tuple(h for h in self.setting.hypotheses if wanted.intersection(h.positive))


def gaussian_expectation(
    g: Expr,
    variables: Mapping[Symbol, tuple[Expr, Expr]] | Sequence[Symbol],
    *,
    mean: Sequence[Expr] | None = None,
    covariance: MatrixBase | Sequence[Sequence[Expr]] | None = None,
) -> ClosedForm:
    r"""The closed form of E[g(z)], z ~ N(mean, covariance), as a derivation.

    The class: sums of products of polynomials, exponentials of at most quadratic polynomials, sin and cos
    of affine
    arguments, erf, erfc, Φ and φ of affine arguments, and steps, signs, |·|, Max, Min and Piecewise with
    affine
    breakpoints. Parameters may be symbolic; a symbol without assumptions is taken to be real.

    Args:
        g: the integrand.
        variables: {z: (mean, variance)} (several are independent), or the variables in order.
        mean: mean of each variable (0 when left out), with `variables` in order.
        covariance: their covariance matrix.

    Returns:
        A derivation whose `result` is the closed form; `agreement` says at how many points it was compared
        with
        quadrature, to how many digits, and the largest error; `conditions` what must be positive.

    Raises:
        NoClosedForm: with the reason and the term at which the engine stopped.
        InputError: for a law that is not one (a negative variance, an asymmetric or indefinite covariance).

    >>> from sympy import symbols, exp, Max
    >>> z, a = symbols("z a", real=True); s = symbols("s", positive=True)
    >>> gaussian_expectation(exp(a*z), {z: (0, s**2)}).result
    exp(a**2*s**2/2)
    >>> x, y, c = symbols("x y c", real=True); p, q = symbols("p q", positive=True)
    >>> gaussian_expectation(Max(0, x)*Max(0, y), (x, y), covariance=[[p, c], [c, q]]).result
    c*asin(c/(sqrt(p)*sqrt(q)))/(2*pi) + c/4 + sqrt(-c**2 + p*q)/(2*pi)

    """
    found = outcome(expectation_node(g, variables, mean, covariance))
    if isinstance(found, NoClosedForm):
        raise type(found)(found.reason, found.term)
    return found


@lru_cache(maxsize=1024)
def outcome(node: GaussianExpectation) -> ClosedForm | NoClosedForm:
    """The answer, or why there is none: each derived once in a process. What ran out of time is tried again.

    Raises OutOfTime.
    """
    try:
        return _derive(node)
    except OutOfTime:
        raise
    except NoClosedForm as none:
        return none


def _derive(node: GaussianExpectation) -> ClosedForm:
    """Extraordinary numbers and sums by way of the general form; others as given, or so where the check fails."""
    general = generalised(node) or with_named_variance(node)
    if general is not None:
        with suppress(NoClosedForm, InputError):
            return _at_numbers(node, general)
    try:
        return general_form(node)
    except Unconfirmed as unconfirmed:
        wider = generalised(node, structural)
        if wider is None or wider == general:
            raise
        with suppress(NoClosedForm, InputError):
            return _at_numbers(node, wider)
        raise unconfirmed


def _at_numbers(node: GaussianExpectation, general: General) -> ClosedForm:
    """The general form, derived and checked with symbols, at the numbers of this expectation."""
    numbers = dict(general.values)
    lemma = general_form(general.node)
    conditions = tuple(here for c in lemma.conditions if not (here := c.xreplace(numbers)).is_positive)
    result = lemma.result.xreplace(numbers)
    collected = can_be_collected(result)
    parameters = parameters_of(node, result) if collected else parameters_of()
    proof = Proof(gaussian_setting(node, parameters, conditions, ()), node)
    proof.by(PutNumbersIn(general.node, general.values))
    if collected:
        applies(proof, Collect())
    return _made(proof, node, conditions, lemma.agreement, partial(_at_numbers, node, general))


def as_given(node: GaussianExpectation) -> ClosedForm:
    """The closed form derived with the law and the integrand as they stand.

    Raises NoClosedForm.
    """
    try:
        proof, positive = _proof(node)
    except TooLong:
        raise OutOfTime("none was found in reasonable time", node.integrand) from None
    except ZeroDivisionError:
        raise NoClosedForm("a product of deltas on one line has no meaning", node.integrand) from None
    return finish(proof, node, positive, partial(as_given, node))


@lru_cache(maxsize=256)
def general_form(node: GaussianExpectation) -> ClosedForm:
    """The closed form with the law and the integrand as they stand, derived once."""
    return as_given(node)


def general_form_of(rule: PutNumbersIn) -> ClosedForm:
    """Return the form that a rule puts numbers into."""
    return general_form(rule.general)


def finish(
    proof: Proof, node: GaussianExpectation, positive: tuple[Expr, ...], rebuild: Callable[[], Derivation]
) -> ClosedForm:
    """Check what a proof arrived at against quadrature; only then is it an answer.

    Raises Unconfirmed when the check fails or cannot be made.
    """
    singular = any(isinstance(s.rule, Degenerate) for s in proof.steps)
    problem = Problem(node.integrand, node.variables, node.mean, node.covariance, positive, singular)
    try:
        found = compare(problem, proof.now)
    except CannotCheck as why:
        raise Unconfirmed(str(why), node.integrand) from None
    if isinstance(found, Disagreement):
        raise Unconfirmed(f"the form that was found failed its check: {found}", node.integrand)
    return _made(proof, node, positive, found, rebuild)


def _made(
    proof: Proof,
    node: GaussianExpectation,
    conditions: tuple[Expr, ...],
    found: Agreement | None,
    rebuild: Callable[[], Derivation],
) -> ClosedForm:
    """The derivation with its evidence."""
    # a replay may take its time
    if isinstance(proof.setting, GaussianSetting):
        proof.setting.parameters.deadline = NEVER
    made = proof.done(_name(proof), "A Gaussian expectation in closed form", rebuild=rebuild)
    verdict = Verdict(Grade.SAMPLED, f"computed by the rule; the closed form {found}")
    steps = tuple(replace(s, verdict=verdict) for s in made.steps)
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__ if name != "steps"}
    return ClosedForm(**fields, steps=steps, agreement=found, conditions=conditions)


def _name(proof: Proof) -> str:
    at_numbers = any(isinstance(s.rule, PutNumbersIn) for s in proof.steps)
    return "gaussian-expectation-at-numbers" if at_numbers else "gaussian-expectation"


def _proof(node: GaussianExpectation) -> tuple[Proof, tuple[Expr, ...]]:
    """The chain of rules from the expectation to its closed form, by the first way into the class that leads there."""
    first: NoClosedForm | None = None
    try:
        for prepared in preparations(node):
            try:
                return _chain(node, prepared)
            except NoClosedForm as stop:
                first = first or stop
    except NoClosedForm as outside:
        first = first or outside
    raise first or NoClosedForm("no rule applies", node.integrand)


def _chain(node: GaussianExpectation, prepared: Prepared) -> tuple[Proof, tuple[Expr, ...]]:
    reduced, parameters, domain = prepared.node, prepared.parameters, prepared.domain
    conditions = integrability(reduced, parameters) if isinstance(reduced, GaussianExpectation) else ()
    setting = gaussian_setting(node, parameters, domain, conditions, prepared.needs)
    proof = Proof(setting, node).by(*prepared.rules)
    for rule in CHAIN:
        if isinstance(rule, SplitAtBreakpoints) and isinstance(proof.now, GaussianExpectation):
            require_known(proof.now, parameters)
        if isinstance(rule, SteinIdentity) and proof.now.has(GaussianExpectation):
            applies(proof, HermiteExpansion())
        if not proof.now.has(GaussianExpectation):
            break
        applies(proof, rule)
    if proof.now.has(GaussianExpectation):
        (left, *_) = proof.now.atoms(GaussianExpectation)
        raise NoClosedForm("no rule applies", left.integrand)
    applies(proof, Collect())
    return proof, (*domain, *prepared.needs, *conditions)


def applies(proof: Proof, rule: Rule) -> bool:
    """Whether a rule applied; then it was."""
    try:
        proof.by(rule)
    except RuleDoesNotApply:
        return False
    return True


__all__ = ["ClosedForm", "InputError", "NoClosedForm", "gaussian_expectation"]
