"""Limits of wide layers: a printed right side held against the derived one, for any activation function.

Where they are not the same formula, activation functions are put in for which both are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

from sympy import Basic, Dummy, Expr, Function, Gt, Rational, Symbol, expand

from derive.averages import Bracket, SharedVariance
from derive.claims.audit import Inconsistent, usual
from derive.claims.audit import audit as audit_claim
from derive.claims.claim import Audit, Claim, Finding
from derive.claims.inequalities import multiple_of
from derive.claims.sign import not_negative
from derive.errors import InputError
from derive.gaussian.expectation import GaussianExpectation
from derive.network import Activation, ActivationSlope, Width
from derive.proof.derivation import Derivation, Statement
from derive.proof.verdict import Counterexample
from derive.rules.lemma import required
from derive.rules.match import index_variables, instantiate, matches
from derive.setting import Setting, Undischarged

_T = Symbol("t", real=True)
_FUNCTIONS: tuple[Expr, ...] = (_T + _T**2, _T**3 - 2 * _T + 1, _T)
"""What is put in for the activation function."""
_TRIED = 3


def audit_limit(claim: Claim) -> Audit:
    """Return the verdict on a printed limit, against the theorems of wide layers."""
    missing: Undischarged | None = None
    derived: Basic | None = None
    exact = _audit_equal(claim)
    if exact is not None:
        return exact
    for derivation in dict.fromkeys(build() for build in claim.against):
        try:
            derived = _instance(derivation, claim, claim.setting)
        except Undischarged as reason:
            missing = missing or reason
            continue
        if derived is not None:
            return _compared(claim, derived)
    if missing is not None:
        return Audit(claim, Finding.UNDECIDED, f"the theorem that speaks of it needs more than is assumed: {missing}")
    return Audit(claim, Finding.UNDECIDED, "no theorem of wide layers speaks of the left side")


def _audit_equal(claim: Claim) -> Audit | None:
    """Return the verdict where both sides are equal, or one is a fixed multiple of the other; None elsewhere."""
    equal = replace(claim, printed=Statement(claim.printed.lhs, "=", claim.printed.rhs))
    try:
        found = audit_claim(equal)
    except Inconsistent:
        return None
    if found.finding is Finding.HOLDS:
        return replace(found, claim=claim, evidence=f"both sides are equal: {found.evidence}")
    if claim.printed.relation == "~" and found.counterexample is not None:
        multiple = multiple_of(equal, claim.setting.assuming(*usual(equal)))
        if multiple is not None and multiple != 1:
            evidence = f"the left side is {multiple} times the right one in every network"
            return Audit(claim, Finding.REFUTED, evidence, derived=found.derived, counterexample=found.counterexample)
    return None


def _instance(derivation: Derivation, claim: Claim, setting: Setting) -> Expr | None:
    statement = derivation.statement
    if statement.relation not in (claim.printed.relation, "->"):
        return None
    binding = matches(statement.lhs, claim.printed.lhs, index_variables(statement.lhs))
    if binding is None:
        return None
    required(derivation, binding, setting)
    return instantiate(statement.rhs, binding)


def _compared(claim: Claim, derived: Expr) -> Audit:
    printed = claim.printed.rhs
    if expand(printed - derived) == 0:
        if claim.printed.relation == "~" and not not_negative(derived, claim.setting, strict=True):
            evidence = "identical to the derived limit; what tends to a limit is asymptotic to it where that is not 0"
            return Audit(claim, Finding.HOLDS_IF, evidence, Gt(derived, 0), False, derived=derived)
        return Audit(claim, Finding.HOLDS, "identical to the derived limit", derived=derived)
    for function in _FUNCTIONS:
        try:
            found = _difference(printed, derived, function)
        except InputError:
            continue
        if found is not None:
            evidence = "the derived limit is another one: with an activation function put in, the two differ"
            return Audit(claim, Finding.REFUTED, evidence, derived=derived, counterexample=found)
    return Audit(
        claim, Finding.UNDECIDED, "it is not known to be the derived limit, and nothing refutes it", derived=derived
    )


def _difference(printed: Expr, derived: Expr, function: Expr) -> Counterexample | None:
    """Return a case in which both sides are numbers, and other ones."""
    sides = [_evaluated(side, function) for side in _named(printed, derived)]
    for at in islice(_points(*sides), _TRIED):
        left, right = (expand(side.xreplace(at)) for side in sides)
        if left.is_number and right.is_number and left != right and abs((left - right).evalf(30)) > abs(right) / 10**20:
            where = {str(s): str(v) for s, v in at.items() if not isinstance(s, Dummy)}
            shown = {"activation": f"f(t) = {function}"}
            return Counterexample(shown, where, str(right.evalf(12)), "->", str(left.evalf(12)))
    return None


def _named(*sides: Expr) -> list[Expr]:
    """Return the sides with a symbol for each mean, variance and size in them that is no Gaussian one."""
    nodes = sorted({n for side in sides for n in side.atoms(Bracket, SharedVariance, Width)}, key=str)
    names = {node: Dummy(str(node), positive=True) for node in nodes}
    return [side.xreplace(names) for side in sides]


def _evaluated(side: Expr, function: Expr) -> Expr:
    from derive.gaussian import gaussian_expectation

    def at(argument: Expr, order: int) -> Expr:
        return function.diff(_T, order).xreplace({_T: argument}) if order else function.xreplace({_T: argument})

    def plain(e: Basic) -> bool:
        return isinstance(e, Activation | ActivationSlope) or (isinstance(e, Function) and _primes(e) > 1)

    put = side.replace(plain, lambda e: at(e.args[0], _primes(e)))
    while nodes := [n for n in put.atoms(GaussianExpectation) if not n.integrand.has(GaussianExpectation)]:
        for node in nodes:
            law = {
                v: (m, node.covariance[k][k]) for k, (v, m) in enumerate(zip(node.variables, node.mean, strict=True))
            }
            if len(law) > 1:
                raise InputError("more than one variable")
            put = put.xreplace({node: gaussian_expectation(expand(node.integrand), law).result})
    return put


def _primes(e: Basic) -> int:
    if isinstance(e, ActivationSlope):
        return 1
    name = getattr(e.func, "__name__", "")
    return len(name) - 1 if name.startswith("f") and set(name[1:]) == {"'"} else 0


def _points(*sides: Expr) -> Iterator[dict[Basic, Expr]]:
    symbols = sorted(set().union(*(side.free_symbols for side in sides)), key=lambda s: s.name)
    for turn in count(1):
        yield {s: Rational(turn + 2 * k + 1, k + 2) for k, s in enumerate(symbols)}
