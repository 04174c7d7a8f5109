"""What a Gaussian derivation rests on: the law, the domain of its parameters, and the field they live in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sympy import Basic, Expr, ImmutableMatrix, Max, Min, StrictGreaterThan, Symbol, log

from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.integrand_reader import Reader
from derive.gaussian.law import Law
from derive.gaussian.normal_form import NormalForm
from derive.gaussian.parameters import Parameters
from derive.hypotheses import Hypothesis
from derive.limits import Deadline
from derive.setting import Setting
from derive.words import Words


@dataclass(frozen=True)
class GaussianSetting(Setting):
    """A setting whose hypotheses are a Gaussian law and positive expressions."""

    parameters: Parameters = field(default=None, compare=False)  # type: ignore[assignment]
    positive: tuple[Expr, ...] = ()
    domain: tuple[Expr, ...] = ()
    node: GaussianExpectation | None = None

    def read(self, node: GaussianExpectation) -> tuple[Law, NormalForm]:
        """The law and the normal form of an expectation."""
        return self.law(node), normal_form(node, self.parameters)

    def law(self, node: GaussianExpectation) -> Law:
        """The law of an expectation over the parameter field."""
        element = self.parameters.element
        return Law(
            tuple(element(m) for m in node.mean),
            tuple(tuple(element(c) for c in row) for row in node.covariance),
        )

    @property
    def law_key(self) -> frozenset[str]:
        """The hypothesis that the variables are Gaussian."""
        return frozenset(h.key for h in self.hypotheses[:1])

    @property
    def law_keys(self) -> frozenset[str]:
        """The hypotheses that the variables are Gaussian and their law is not degenerate."""
        return self.law_key.union(*map(self.require_positive, self.domain))

    def key_of(self, condition: Expr) -> str | None:
        """The key of the hypothesis that this expression is positive."""
        return next((h.key for h in self.hypotheses if condition in h.positive), None)


def normal_form(node: GaussianExpectation, parameters: Parameters) -> NormalForm:
    """The normal form of an integrand, read once. Raises NoClosedForm."""
    key = (node.integrand, node.variables)
    if key not in parameters.forms:
        parameters.forms[key] = Reader(parameters, node.variables).read(node.integrand)
    form: NormalForm = parameters.forms[key]
    return form


REGULAR, FINITE, THERE = "the law is not degenerate", "the expectation is finite", "the breakpoints exist"
"""Why something must be positive."""


def positive_hypotheses(why: str, conditions: Iterable[Expr]) -> tuple[Hypothesis, ...]:
    """The hypotheses that these expressions are positive, each once."""
    words = f"{why[0].upper()}{why[1:]}: {{}}."
    return tuple(
        Hypothesis(f"{why}: {c} > 0", Words(words, StrictGreaterThan(c, 0)), ()) for c in dict.fromkeys(conditions)
    )


def parameter_parts(e: Expr, variables: Sequence[Symbol]) -> list[Expr]:
    """The constant subexpressions of an integrand: what the parameter field must contain."""
    wanted = set(variables)
    if not e.free_symbols & wanted:
        if isinstance(e, Expr):
            return [e] if e.is_number is not None else []
        # the branch of a Piecewise whose value and condition are constants
        return [x for a in e.args for x in parameter_parts(a, variables)]
    parts = [x for a in e.args for x in parameter_parts(a, variables)]
    if isinstance(e, Max | Min):
        parts.append(e.func(*(a for a in e.args if not a.free_symbols & wanted)))
    if e.is_Pow and not e.base.free_symbols & wanted:
        parts.append(log(e.base))
    return [x for x in parts if x.is_finite is not False]


def parameters_of(*nodes: Basic, deadline: Deadline | None = None) -> Parameters:
    """The field of the parameters of expectations (or of constants), and when an answer must be there."""
    parts: list[Expr] = []
    for node in nodes:
        if isinstance(node, GaussianExpectation):
            parts += parameter_parts(node.integrand, node.variables)
            parts += [*node.mean, *(c for row in node.covariance for c in row)]
        else:
            parts.append(node)
    return Parameters(parts, deadline=deadline)


def gaussian_setting(
    node: GaussianExpectation,
    parameters: Parameters,
    domain: Sequence[Expr],
    conditions: Sequence[Expr],
    breakpoints: Sequence[Expr] = (),
) -> GaussianSetting:
    """The hypotheses: the law, its non-degeneracy (`domain`), integrability (`conditions`), that breakpoints exist."""
    if len(node.variables) == 1:
        law = Words(
            "{} is Gaussian with mean {} and variance {}.",
            node.variables[0],
            node.mean[0],
            node.covariance[0][0],
        )
    elif len(node.variables) == 2:
        (p, c), (_, q) = node.covariance
        words = "{} and {} are jointly Gaussian, with means {} and {}, variances {} and {}, and covariance {}."
        law = Words(words, *node.variables, *node.mean, p, q, c)
    else:
        vector = ImmutableMatrix(list(node.variables))
        mean, covariance = (
            ImmutableMatrix(list(node.mean)),
            ImmutableMatrix([list(r) for r in node.covariance]),
        )
        law = Words("{} is a Gaussian vector with mean {} and covariance {}.", vector, mean, covariance)
    own = Hypothesis(f"gaussian-law: {law.render(str)}", law, ())
    return GaussianSetting(
        (
            own,
            *positive_hypotheses(REGULAR, domain),
            *positive_hypotheses(FINITE, conditions),
            *positive_hypotheses(THERE, breakpoints),
        ),
        parameters=parameters,
        positive=(*domain, *conditions, *breakpoints),
        domain=tuple(domain),
        node=node,
    )
