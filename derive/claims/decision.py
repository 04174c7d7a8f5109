"""What is printed, held against what is derived: word for word, as a formula, or as a relation between equalities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product as cartesian

from sympy import (
    And,
    Basic,
    Eq,
    Equivalent,
    Expr,
    Implies,
    Integer,
    Mul,
    Product,
    Sum,
    Symbol,
    Tuple,
    expand,
    false,
    powsimp,
)

from derive.averages import Bracket, SharedVariance
from derive.claims.claim import Claim
from derive.errors import InputError
from derive.hypotheses import Hypothesis
from derive.layers import Facts, d, i
from derive.network import W, Width
from derive.proof.derivation import Derivation, Statement
from derive.proof.instances import indices, solved
from derive.proof.regime import regime
from derive.proof.rule import RuleDoesNotApply
from derive.rules import ByLemma, CancelEquation
from derive.rules.lemma import required
from derive.rules.positive import positive
from derive.rules.products import LAYERED, canonical, in_order, ratio, same, unit_condition
from derive.setting import Setting, Undischarged

IDENTICAL = "identical to the derived formula"
VACUOUS = "its premise is false under its hypotheses: it holds vacuously, and says nothing"
_WIDTH = Symbol("n", integer=True, positive=True)
_VARIANCE = Symbol("v", positive=True)
_MOST_PINNED = 8
"""The largest layer at which facts may hold a layer fixed."""


@dataclass(frozen=True)
class Comparison:
    """Whether printed and derived agree, and how; what is derived; and when they agree, where they do not always.

    ``exact`` tells whether they agree under no other condition. ``differs`` is True where they are known to differ.
    ``error`` is the relative difference of two numbers.
    """

    agrees: bool
    derived: Basic | None = None
    condition: Basic | None = None
    exact: bool = True
    how: str = IDENTICAL
    differs: bool = False
    error: Expr | None = None


def compare(claim: Claim, setting: Setting) -> Comparison:
    """Return how the print compares with what is derived under the hypotheses of a setting."""
    lemma = word_for_word(claim, setting)
    if lemma is not None:
        return Comparison(True, claim.printed.rhs, how=f"word for word the theorem {lemma.name}")
    try:
        if claim.printed.relation == "=":
            return _compare_formula(claim, setting)
        if claim.printed.relation in ("=>", "<=>"):
            return _compare_logic(claim, setting)
    except Undischarged:
        # The stated hypotheses do not carry the derivation; what is missing is for `repair` to find.
        pass
    return Comparison(False)


@lru_cache(maxsize=128)
def built(build: Callable[[], Derivation]) -> Derivation:
    """A theorem, derived once however often it is put in."""
    return build()


_SAID_BY = {"=": ("=",), "<=>": ("<=>",), "=>": ("=>", "<=>"), "<=": ("<=", "="), "~": ("~", "="), "->": ("->", "=")}
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


def _reduce(claim: Claim, expression: Basic, setting: Setting) -> Basic:
    """Put the derived formulas in that hold here; raises `Undischarged` where some would, and none does."""
    given, missing = expression, None
    for build in claim.against:
        if built(build).statement.relation == "=":
            try:
                expression = ByLemma(built(build)).apply(expression, setting).after
            except RuleDoesNotApply:
                continue
            except Undischarged as reason:
                missing = missing or reason
    if missing is not None and expression == given:
        raise missing
    return expression


def _compare_formula(claim: Claim, setting: Setting) -> Comparison:
    """Compare two formulas; the printed one as it is, and with the derived ones put in."""
    derived = _reduce(claim, claim.printed.lhs, setting)
    found = _agree(claim.printed.rhs, derived, setting)
    if found.agrees:
        return found
    printed = _reduce(claim, claim.printed.rhs, setting)
    found = found if printed == claim.printed.rhs else _agree(printed, derived, setting)
    # Where nothing could be put in, nothing is derived.
    return found if found.agrees or derived != claim.printed.lhs else replace(found, derived=None)


def _agree(printed: Expr, derived: Expr, setting: Setting) -> Comparison:
    return _held(printed, derived, setting.facts, _equations(setting))


@lru_cache(maxsize=256)
def _held(printed: Expr, derived: Expr, facts: Facts, fixing: tuple[Hypothesis, ...]) -> Comparison:
    """Compare two formulas under what is known of layers, and what hypotheses lay down by equations.

    Settings that differ in other hypotheses, of which many are tried, share what is found.
    """
    pinned = [_pinned(e, facts) for e in _without_common(printed, derived)]
    left, right = (_written_out(_specialise(e, fixing)) for e in pinned)
    if expand(left - right) == 0:
        return Comparison(True, derived)
    if not all(map(_is_product, pinned)) or not in_order(pinned[0], facts):
        return Comparison(False, derived)
    if same(left, right):
        return Comparison(True, derived)
    try:
        condition = unit_condition(_named(powsimp(ratio(left, right, facts))))
    except InputError:
        # Nothing says which of two layers is the later one.
        return Comparison(False, derived)
    return Comparison(False, derived, condition, differs=True)


def _equations(setting: Setting) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that lay something down by equations: the others have no part in the `regime`."""
    return tuple(h for h in setting.hypotheses if h.equations)


def _without_common(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Return two products without the positive factors that both have, such as the sum of the input's squares."""
    common = {f for f in Mul.make_args(left) if f in Mul.make_args(right) and isinstance(f, Sum | SharedVariance)}
    return tuple(Mul(*(f for f in Mul.make_args(e) if f not in common)) for e in (left, right))


def _is_product(expression: Expr) -> bool:
    """Return True for a product of widths, variances and products of them."""
    form, rest = canonical(expression)
    return not rest.atoms(Width, Product, Bracket, Sum) and all(isinstance(f, LAYERED) for f in form)


def _pinned(expression: Basic, facts: Facts) -> Basic:
    """Return the expression with the layers put in that the facts hold fixed."""
    fixed = _fixed(facts)
    return expression.subs(fixed) if fixed else expression


@lru_cache(maxsize=128)
def _fixed(facts: Facts) -> dict[Symbol, Expr]:
    at: dict[Symbol, Expr] = {}
    for symbol, start in ((i, Integer(0)), (d, Integer(0)), (d, i)):
        least = max((k for k in range(_MOST_PINNED) if facts.at_least(symbol, start + k)), default=None)
        if least is not None and facts.at_least(start + least, symbol):
            at.setdefault(symbol, start + least)
    return at


def _specialise(expression: Basic, fixing: tuple[Hypothesis, ...]) -> Basic:
    """Return the expression with what the hypotheses lay down put in, and with one width where they say so."""
    fixed = regime(fixing)
    for shared, formula in fixed.values.items():
        if isinstance(shared, SharedVariance):
            expression = expression.replace(
                lambda e, v=shared: isinstance(e, SharedVariance) and e.family == v.family,
                lambda e, v=shared, formula=formula: formula.subs(dict(zip(v.layer, e.layer, strict=True))),
            )
    expression = expression.xreplace({s: v for s, v in fixed.values.items() if isinstance(s, Symbol)})
    if fixed.sizes:
        expression = _written_out(expression).xreplace({n: Integer(k) for n, k in fixed.sizes.items()})
    if Width in fixed.steady:
        expression = expression.replace(Width, lambda _: _WIDTH)
    if W in fixed.steady:
        expression = expression.replace(lambda e: isinstance(e, SharedVariance) and e.family == W, lambda _: _VARIANCE)
    return _constant_products(expression)


def _written_out(expression: Basic) -> Basic:
    """Return the expression with sums and products over a few layers written out."""
    return expression.replace(
        lambda e: isinstance(e, Sum | Product) and all(end.is_Integer for _, *ends in e.limits for end in ends),
        lambda e: e.doit(deep=False),
    )


def _constant_products(expression: Basic) -> Basic:
    """Return the expression with every product of equal factors as a power."""
    return expression.replace(
        lambda e: isinstance(e, Product) and not _simplified(e.function).has(e.limits[0][0]),
        lambda e: _simplified(e.function) ** (e.limits[0][2] - e.limits[0][1] + 1),
    )


@lru_cache(maxsize=256)
def _simplified(factor: Expr) -> Expr:
    return factor.simplify()


def _named(expression: Expr) -> Expr:
    """Return the expression with the homogeneous network's width and variance in the paper's letters."""
    return expression.subs({_WIDTH: Width(i), _VARIANCE: SharedVariance(W, i)})


def _compare_logic(claim: Claim, setting: Setting) -> Comparison:
    """Reduce an equivalence or implication between equalities to one between products of widths and variances."""
    left, right = (_quotients(claim, side, setting) for side in (claim.printed.lhs, claim.printed.rhs))
    if left is None and claim.printed.relation == "=>":
        return Comparison(True, how=VACUOUS)
    if left is None or right is None:
        return Comparison(False)
    premise, goal = (And(*map(unit_condition, side)) for side in (left, right))
    follows = all(_follows(q, tuple(left)) for q in right)
    if claim.printed.relation == "=>":
        derived: Basic = Implies(premise, goal)
        if premise == false:
            return Comparison(True, derived, how=VACUOUS)
        # It is right where the premise fails, too.
        return Comparison(follows, derived, None if follows else goal, exact=False)
    agrees = follows and all(_follows(q, tuple(right)) for q in left)
    derived = goal if premise == goal else Equivalent(premise, goal)
    return Comparison(agrees, derived, None if agrees else Equivalent(premise, goal))


def _quotients(claim: Claim, side: Basic, setting: Setting) -> list[Expr] | None:
    """Return the quotients that are 1 exactly when the equalities of a side hold; None where one of them is false.

    Raises `Undischarged` for a side that is not made of equalities.
    """
    quotients = []
    for equation in And.make_args(side):
        if equation == false:
            return None
        if equation == True:  # noqa: E712 - SymPy's true
            continue
        if not isinstance(equation, Eq):
            raise Undischarged(f"{equation} is no equality")
        sides = [_reduce(claim, side, setting) for side in equation.args]
        if 0 in sides:
            # What is positive is not zero.
            positive(next(s for s in sides if s != 0), setting)
            return None
        reduced: Basic = Eq(*sides)
        if isinstance(reduced, Eq):
            reduced = _cancelled(reduced, setting)
        if reduced == false:
            return None
        if isinstance(reduced, Eq):
            quotients.append(_specialise(_pinned(reduced.lhs / reduced.rhs, setting.facts), _equations(setting)))
    return quotients


def _cancelled(equation: Eq, setting: Setting) -> Basic:
    try:
        return CancelEquation().apply(equation, setting).after
    except RuleDoesNotApply:
        # Both sides have nothing in common.
        return equation


_POWERS = (0, 1, -1, 2, -2)


@lru_cache(maxsize=256)
def _follows(goal: Expr, given: tuple[Expr, ...]) -> bool:
    """Return True when the goal is a product of powers of the given quotients: then it is 1 whenever they are."""
    for powers in cartesian(_POWERS, repeat=len(given)):
        product = goal
        for quotient, power in zip(given, powers, strict=True):
            product /= quotient**power
        if same(product, product / product):
            return True
    return False
