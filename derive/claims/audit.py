"""The audit of a claim: the derived formula beside the printed one, and a search for a world that refutes it.

The verdict follows from two independent findings, which must agree: whether the printed formula is identical to the
derived one, and whether some tiny world with the stated hypotheses (and no others) refutes it.

- ``holds``: identical, and no world refutes it.
- ``holds-if``: refuted under the stated hypotheses, and identical under further ones from the catalogue.
- ``refuted``: refuted, and no further hypothesis of the catalogue repairs it. The printed formula may still
  coincide with the derived one for special widths and variances: ``condition`` says exactly when.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from itertools import product as cartesian

from mpmath.libmp import prec_to_dps
from sympy import (
    And,
    Basic,
    Eq,
    Equivalent,
    Expr,
    Float,
    Implies,
    Integer,
    Or,
    Product,
    Rational,
    Symbol,
    expand,
    factor_list,
    powsimp,
    simplify,
)

from derive.averages import Bracket, SharedVariance
from derive.claims.claim import Audit, Claim, Finding
from derive.errors import InputError
from derive.hypotheses import CATALOGUE, FINITE_MOMENTS, NONDEGENERATE, Hypothesis, Kind
from derive.layers import i
from derive.network import SLOPE, W, Width
from derive.proof.derivation import Derivation
from derive.proof.laboratory import Laboratory
from derive.proof.rule import RuleDoesNotApply
from derive.proof.sampling import DIGITS, points
from derive.proof.verdict import Counterexample, Grade
from derive.rules import ByLemma, CancelEquation
from derive.rules.products import canonical, in_order, ratio, same, unit_condition
from derive.setting import Setting, Undischarged

_WIDTH = Symbol("n", integer=True, positive=True)
_VARIANCE = Symbol("v", positive=True)


class Inconsistent(Exception):
    """The derivation and the tiny worlds contradict each other: a defect of this project, not of the claim."""


def audit(claim: Claim) -> Audit:
    """Return the audit of a claim; see the module's docstring for what the verdicts mean."""
    setting = claim.setting.assuming(NONDEGENERATE, FINITE_MOMENTS)
    identical, condition, derived = compare(claim, setting)
    found = refute_at_points(claim, derived) if claim.analytic else refute(claim, setting)
    if identical:
        if found is not None:
            raise Inconsistent(f"{claim.id} is identical to what is derived, and refuted: {found}")
        how = (
            "identical to the derived formula"
            if claim.decimal is None
            else "the true value rounds to the digits printed"
        )
        evidence = f"{how}; no {_tried(claim)} refutes it"
        return Audit(claim, Finding.HOLDS, evidence, derived=derived)
    if found is None:
        raise Inconsistent(f"{claim.id} differs from what is derived, and no {_tried(claim)} refutes it")
    if claim.analytic and condition is not None:
        evidence = "refuted at a point, to many digits; the difference vanishes under the condition"
        return Audit(claim, Finding.HOLDS_IF, evidence, condition, (), derived, found)
    missing = () if claim.analytic else repair(claim, setting)
    if missing:
        if derived is None:
            derived = compare(claim, setting.assuming(*missing))[2]
        evidence = (
            "a tiny world refutes it as stated; with the further hypothesis it is identical to the derived formula"
        )
        return Audit(claim, Finding.HOLDS_IF, evidence, condition, missing, derived, found)
    evidence = f"a {_tried(claim)} refutes it, and no hypothesis of the catalogue repairs it"
    if claim.analytic:
        evidence = "refuted at a point, to many digits"
    return Audit(claim, Finding.REFUTED, evidence, condition, (), derived, found)


def _tried(claim: Claim) -> str:
    return "point" if claim.analytic else "tiny world"


def refute_at_points(claim: Claim, derived: Basic | None) -> Counterexample | None:
    """Return the first admissible point at which printed and derived differ, if there is one."""
    assert derived is not None
    # A number that is known to fewer digits is shown to those, and a printed decimal as it is printed.
    digits = min([DIGITS, *(prec_to_dps(f._prec) for f in derived.atoms(Float))])
    statement = claim.printed.rhs if claim.decimal is None else Rational(claim.decimal)
    symbols = sorted(claim.printed.rhs.free_symbols | derived.free_symbols, key=lambda s: s.name)
    simple = (dict.fromkeys(symbols, value) for value in (Integer(1), Rational(1, 2)))
    for at in (*simple, *points(symbols)):
        printed, right = (e.subs(at).doit().evalf(digits) for e in (statement, derived))
        if not (printed.is_finite and right.is_finite):
            continue
        tolerance = 10 ** (5 - digits) * abs(right) if claim.decimal is None else _half_digit(claim.decimal)
        if abs(printed - right) > tolerance:
            where = {str(s): str(v) for s, v in at.items()}
            return Counterexample({"precision": f"{digits} digits"}, where, str(right), "=", str(printed))
    return None


def repair(claim: Claim, setting: Setting) -> tuple[Hypothesis, ...]:
    """Return the fewest hypotheses of the catalogue under which the claim holds, both ways, or none."""
    missing = [h for h in CATALOGUE if h not in setting.hypotheses]
    for size in (1, 2):
        for more in combinations(missing, size):
            wider = setting.assuming(*more)
            if compare(claim, wider)[0] and refute(claim, wider) is None:
                return more
    return ()


def refute(claim: Claim, setting: Setting) -> Counterexample | None:
    """Return the smallest tiny world that refutes the printed statement, if one is found."""
    laboratory = Laboratory(setting, every=claim.printed.relation != "=")
    laboratory.worlds.sort(key=lambda exact: exact.world.size)
    verdict = laboratory.compare(claim.printed.lhs, claim.printed.relation, claim.printed.rhs)
    if verdict.grade is Grade.FAILED and verdict.counterexample is None:
        raise InputError(f"{claim.id} cannot be audited as stated: {verdict.evidence}")
    return verdict.counterexample if verdict.grade is Grade.FAILED else None


def compare(claim: Claim, setting: Setting) -> tuple[bool, Basic | None, Basic | None]:
    """Return whether printed and derived are identical, exactly when they agree, and what is derived."""
    try:
        if claim.analytic:
            derived = claim.derived()
            return _compare_numbers(claim, derived)
        if claim.printed.relation == "=":
            return _compare_formula(claim, setting)
        return _compare_logic(claim, setting)
    except Undischarged:
        # The stated hypotheses do not carry the derivation; what is missing is for `repair` to find.
        return False, None, None


def _compare_numbers(claim: Claim, derived: Expr) -> tuple[bool, Basic | None, Basic | None]:
    """Compare two formulas, or a printed decimal with the true value: that must round to the digits printed."""
    if claim.decimal is not None:
        return bool(abs(derived - Rational(claim.decimal)) <= _half_digit(claim.decimal)), None, derived
    gap = simplify((claim.printed.rhs - derived).doit())
    if gap == 0:
        return True, None, derived
    zeros = [f for f, _ in factor_list(gap.as_numer_denom()[0])[1] if f.is_Symbol and not f.is_positive]
    return False, Or(*(Eq(f, 0, evaluate=False) for f in zeros)) if zeros else None, derived


def _half_digit(decimal: str) -> Expr:
    """Return half a unit of the last digit that is printed."""
    return Rational(1, 2) / 10 ** len(decimal.partition(".")[2])


@lru_cache(maxsize=128)
def _built(build: Callable[[], Derivation]) -> Derivation:
    """A theorem, derived once however often it is put in."""
    return build()


def _reduce(claim: Claim, expression: Basic, setting: Setting) -> Basic:
    """Put the derived formulas in."""
    for build in claim.against:
        try:
            expression = ByLemma(_built(build)).apply(expression, setting).after
        except RuleDoesNotApply:
            continue
    return expression


def _compare_formula(claim: Claim, setting: Setting) -> tuple[bool, Basic | None, Basic | None]:
    printed, derived = (_reduce(claim, side, setting) for side in (claim.printed.rhs, claim.printed.lhs))
    left, right = _specialise(printed, setting), _specialise(derived, setting)
    if expand(left - right) == 0:
        return True, None, derived
    if not _is_product(printed) or not _is_product(derived) or not in_order(printed, setting.facts):
        return False, None, derived
    if same(left, right):
        return True, None, derived
    return False, unit_condition(_named(powsimp(ratio(left, right, setting.facts)))), derived


def _is_product(expression: Expr) -> bool:
    """Return True for a product of widths, variances and products of them."""
    return not canonical(expression)[1].atoms(Width, Product, Bracket)


def _specialise(expression: Basic, setting: Setting) -> Basic:
    """Return the expression for the ReLU, He's weights or the homogeneous network, where they are assumed."""
    if setting.citing(Kind.RELU) is not None:
        expression = expression.subs(SLOPE, 0)
    if setting.citing(Kind.HE) is not None:
        slope = Integer(0) if setting.citing(Kind.RELU) else SLOPE
        expression = expression.replace(
            lambda e: isinstance(e, SharedVariance) and e.family == W,
            lambda e: 2 / ((1 + slope**2) * Width(*e.layer)),
        )
        expression = _constant_products(expression)
    if setting.citing(Kind.HOMOGENEOUS) is None:
        return expression
    equal = expression.replace(Width, lambda _: _WIDTH).replace(
        lambda e: isinstance(e, SharedVariance) and bool(e.layer), lambda _: _VARIANCE
    )
    return _constant_products(equal)


def _constant_products(expression: Basic) -> Basic:
    """Return the expression with every product of equal factors as a power."""
    return expression.replace(
        lambda e: isinstance(e, Product) and not e.function.has(e.limits[0][0]),
        lambda e: e.function.simplify() ** (e.limits[0][2] - e.limits[0][1] + 1),
    )


def _named(expression: Expr) -> Expr:
    """Return the expression with the homogeneous network's width and variance in the paper's letters."""
    return expression.subs({_WIDTH: Width(i), _VARIANCE: SharedVariance(W, i)})


def _compare_logic(claim: Claim, setting: Setting) -> tuple[bool, Basic | None, Basic | None]:
    """Reduce an equivalence or implication between equalities to one between products of widths and variances."""
    left, right = (_conditions(claim, side, setting) for side in (claim.printed.lhs, claim.printed.rhs))
    if len(right) != 1:
        raise InputError(f"{claim.id}: the right side must be one equality")
    goal = right[0]
    both_ways = claim.printed.relation == "<=>"
    if both_ways and len(left) == 1:
        holds = _follows(goal, left) and _follows(left[0], right)
        condition: Basic = Equivalent(unit_condition(left[0]), unit_condition(goal))
    else:
        holds = _follows(goal, left)
        condition = unit_condition(goal)
    reduced = And(*map(unit_condition, left)), unit_condition(goal)
    derived = Implies(*reduced)
    if both_ways:
        derived = reduced[1] if reduced[0] == reduced[1] else Equivalent(*reduced)
    return holds, None if holds else condition, derived


def _conditions(claim: Claim, side: Basic, setting: Setting) -> list[Expr]:
    """Return the quotients that are 1 exactly when the equalities of a side hold."""
    quotients = []
    for equation in And.make_args(side):
        lemma_free = Eq(_reduce(claim, equation.lhs, setting), _reduce(claim, equation.rhs, setting))
        reduced = CancelEquation().apply(lemma_free, setting).after if isinstance(lemma_free, Eq) else lemma_free
        if not isinstance(reduced, Eq):
            continue
        quotients.append(_specialise(reduced.lhs / reduced.rhs, setting))
    return quotients


_POWERS = (0, 1, -1, 2, -2)


def _follows(goal: Expr, given: list[Expr]) -> bool:
    """Return True when the goal is a product of powers of the given quotients: then it is 1 whenever they are."""
    for powers in cartesian(_POWERS, repeat=len(given)):
        product = goal
        for quotient, power in zip(given, powers, strict=True):
            product /= quotient**power
        if same(product, product / product):
            return True
    return False
