"""What is printed, held against what is derived: word for word, as a formula, or as a relation between equalities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from sympy import Basic, Expr, Mul, Sum, Tuple, expand, powsimp

from derive.averages import SharedVariance
from derive.claims.claim import Claim
from derive.claims.inequalities import compare_order
from derive.claims.logic import compare_logic
from derive.claims.reduction import Comparison, built, is_product, named, pinned, reduce, specialise, written_out
from derive.errors import InputError
from derive.proof.derivation import Derivation, Statement
from derive.proof.instances import indices, solved
from derive.rules.lemma import required
from derive.rules.products import in_order, ratio, same, unit_condition
from derive.setting import Setting, Undischarged


def compare(claim: Claim, setting: Setting) -> Comparison:
    """Return how the print compares with what is derived under the hypotheses of a setting."""
    lemma = word_for_word(claim, setting)
    if lemma is not None:
        return Comparison(True, claim.printed.rhs, how=f"word for word the theorem {lemma.name}")
    try:
        if claim.printed.relation == "=":
            return _compare_formula(claim, setting)
        if claim.printed.relation in ("<", "<=", "!="):
            return compare_order(claim, setting)
        if claim.printed.relation in ("=>", "<=>"):
            return compare_logic(claim, setting)
    except Undischarged:
        # The stated hypotheses do not carry the derivation; what is missing is for `repair` to find.
        pass
    return Comparison(False)


_SAID_BY = {
    "=": ("=",),
    "<=>": ("<=>",),
    "=>": ("=>", "<=>"),
    "<=": ("<=", "="),
    "<": ("<",),
    "~": ("~", "="),
    "->": ("->", "="),
}
"""The relations of theorems that say what is printed, for each relation that may be printed."""


def word_for_word(claim: Claim, setting: Setting) -> Derivation | None:
    """Return the theorem that says what is printed, at the printed layers and units, where its conditions hold."""
    for build in claim.against:
        lemma = built(build)
        if lemma.statement.relation not in _SAID_BY.get(claim.printed.relation, ()):
            continue
        for left, right in _both_ways(claim.printed):
            pattern, node = Tuple(lemma.statement.lhs, lemma.statement.rhs), Tuple(left, right)
            binding = _binding(pattern, node)
            if binding is None:
                continue
            try:
                required(lemma, binding, setting)
            except Undischarged:
                continue
            return lemma
    return None


@lru_cache(maxsize=256)
def _binding(pattern: Basic, node: Basic) -> dict[Basic, Basic] | None:
    return {v: v for v in indices(pattern)} if pattern == node else solved(pattern, node)


def _both_ways(printed: Statement) -> Iterator[tuple[Basic, Basic]]:
    yield printed.lhs, printed.rhs
    if printed.relation in ("=", "<=>"):
        yield printed.rhs, printed.lhs


def _compare_formula(claim: Claim, setting: Setting) -> Comparison:
    """Compare two formulas; the printed one as it is, and with the derived ones put in."""
    derived = reduce(claim, claim.printed.lhs, setting)
    found = _agree(claim.printed.rhs, derived, setting)
    if found.agrees:
        return found
    printed = reduce(claim, claim.printed.rhs, setting)
    found = found if printed == claim.printed.rhs else _agree(printed, derived, setting)
    # Where nothing could be put in, nothing is derived.
    return found if found.agrees or derived != claim.printed.lhs else replace(found, derived=None)


def _agree(printed: Expr, derived: Expr, setting: Setting) -> Comparison:
    # Settings that differ in other hypotheses, of which many are tried, share what is found.
    fixing = tuple(h for h in setting.hypotheses if h.equations)
    return _held(printed, derived, replace(setting, hypotheses=fixing))


@lru_cache(maxsize=256)
def _held(printed: Expr, derived: Expr, setting: Setting) -> Comparison:
    """Compare two formulas under what is known of layers, and what hypotheses lay down by equations."""
    held = [pinned(e, setting) for e in _without_common(printed, derived)]
    left, right = (written_out(specialise(e, setting)) for e in held)
    if expand(left - right) == 0:
        return Comparison(True, derived)
    if not all(map(is_product, held)) or not in_order(held[0], setting.facts):
        return Comparison(False, derived)
    if same(left, right):
        return Comparison(True, derived)
    try:
        condition = unit_condition(named(powsimp(ratio(left, right, setting.facts))))
    except InputError:
        # Nothing says which of two layers is the later one.
        return Comparison(False, derived)
    return Comparison(False, derived, condition, differs=True)


def _without_common(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Return two products without the positive factors that both have, such as the sum of the input's squares."""
    common = {f for f in Mul.make_args(left) if f in Mul.make_args(right) and isinstance(f, Sum | SharedVariance)}
    return tuple(Mul(*(f for f in Mul.make_args(e) if f not in common)) for e in (left, right))
