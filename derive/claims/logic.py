"""Equivalences and implications between equalities and inequalities, reduced to ones between products.

A condition becomes a quotient that is 1, not above 1, or below 1. One follows from others where its quotient is a
product of powers of theirs, not negative ones for those that only bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product as cartesian

from sympy import And, Basic, Eq, Equivalent, Expr, Implies, StrictGreaterThan, StrictLessThan, false, true
from sympy.core.relational import Relational

from derive.claims.claim import Claim
from derive.claims.inequalities import below_one
from derive.claims.reduction import Comparison, reduce, specialised
from derive.claims.sign import not_negative
from derive.proof.rule import RuleDoesNotApply
from derive.rules import CancelEquation
from derive.rules.positive import positive
from derive.rules.products import same, unit_condition
from derive.setting import Setting, Undischarged

VACUOUS = "its premise is false under its hypotheses: it holds vacuously, and says nothing"


@dataclass(frozen=True)
class Bound:
    """A quotient of positive factors that is 1, or (``below``) not above 1, or (``strict``) below it."""

    quotient: Expr
    below: bool = False
    strict: bool = False

    @property
    def condition(self) -> Basic:
        """It as an equation or inequality without fractions."""
        return below_one(self.quotient, strict=self.strict) if self.below else unit_condition(self.quotient)

    @property
    def powers(self) -> tuple[int, ...]:
        """The powers of the quotient of which it tells that they are 1, or not above it."""
        return (0, 1, 2) if self.below else (0, 1, -1, 2, -2)


def compare_logic(claim: Claim, setting: Setting) -> Comparison:
    """Reduce an equivalence or implication between conditions to one between products of widths and variances."""
    left, right = (_bounds(claim, side, setting) for side in (claim.printed.lhs, claim.printed.rhs))
    if left is None and claim.printed.relation == "=>":
        return Comparison(True, how=VACUOUS)
    if left is None or right is None:
        return Comparison(False)
    premise, goal = (And(*(bound.condition for bound in side)) for side in (left, right))
    follows = all(_follows(bound, tuple(left)) for bound in right)
    if claim.printed.relation == "=>":
        derived: Basic = Implies(premise, goal)
        if premise == false:
            return Comparison(True, derived, how=VACUOUS)
        # It is right where the premise fails, too.
        return Comparison(follows, derived, None if follows else goal, exact=False)
    agrees = follows and all(_follows(bound, tuple(right)) for bound in left)
    derived = goal if premise == goal else Equivalent(premise, goal)
    return Comparison(agrees, derived, None if agrees else Equivalent(premise, goal))


def _bounds(claim: Claim, side: Basic, setting: Setting) -> list[Bound] | None:
    """Return the conditions of a side on quotients; None where one of them is false.

    Raises `Undischarged` for a side that is not made of equalities and inequalities.
    """
    found = []
    for relation in And.make_args(side):
        if relation == false:
            return None
        if relation == True:  # noqa: E712 - SymPy's true
            continue
        if not isinstance(relation, Eq) and (not isinstance(relation, Relational) or relation.rel_op == "!="):
            raise Undischarged(f"{relation} is no equality and no inequality")
        bound = (_equation if isinstance(relation, Eq) else _inequality)(claim, relation, setting)
        if bound == false:
            return None
        if isinstance(bound, Bound):
            found.append(bound)
    return found


def _equation(claim: Claim, equation: Eq, setting: Setting) -> Bound | Basic:
    """Return what an equation says of a quotient, or whether it is true."""
    sides = [reduce(claim, side, setting) for side in equation.args]
    if 0 in sides:
        # What is positive is not zero.
        positive(next(s for s in sides if s != 0), setting)
        return false
    reduced: Basic = Eq(*sides)
    if isinstance(reduced, Eq):
        reduced = _cancelled(reduced, setting)
    return Bound(specialised(reduced.lhs / reduced.rhs, setting)) if isinstance(reduced, Eq) else reduced


def _inequality(claim: Claim, relation: Relational, setting: Setting) -> Bound | Basic:
    """Return what an inequality says of a quotient, or whether it is true."""
    strict = isinstance(relation, StrictLessThan | StrictGreaterThan)
    low, high = (specialised(reduce(claim, side, setting), setting) for side in (relation.lts, relation.gts))
    if not_negative(high - low, setting, strict=strict):
        return true
    if not_negative(low - high, setting, strict=not strict):
        return false
    positive(high, setting)
    return Bound(low / high, below=True, strict=strict)


def _cancelled(equation: Eq, setting: Setting) -> Basic:
    try:
        return CancelEquation().apply(equation, setting).after
    except RuleDoesNotApply:
        # Both sides have nothing in common.
        return equation


@lru_cache(maxsize=256)
def _follows(goal: Bound, given: tuple[Bound, ...]) -> bool:
    """Return True when the goal is a product of powers of the given quotients, of which they tell enough."""
    for powers in cartesian(*(bound.powers for bound in given)):
        used = [bound for bound, power in zip(given, powers, strict=True) if power]
        if not goal.below and any(bound.below for bound in used):
            continue
        if goal.strict and not any(bound.strict for bound in used):
            continue
        product = goal.quotient
        for bound, power in zip(given, powers, strict=True):
            product /= bound.quotient**power
        if same(product, product / product):
            return True
    return False
