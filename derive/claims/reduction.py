"""What is derived, put into what is printed, and both brought to one form in which they can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sympy import Basic, Expr, Integer, Product, Sum, Symbol

from derive.averages import Bracket, SharedVariance
from derive.claims.claim import Claim
from derive.layers import Facts, d, i
from derive.network import Partial, W, Width
from derive.proof.derivation import Derivation
from derive.proof.regime import regime
from derive.proof.rule import RuleDoesNotApply
from derive.randomness import Entry
from derive.rules import ByLemma
from derive.rules.products import LAYERED, canonical
from derive.setting import Setting, Undischarged

IDENTICAL = "identical to the derived formula"
_WIDTH = Symbol("n", integer=True, positive=True)
_VARIANCE = Symbol("v", positive=True)
_MOST_TERMS = 32
"""The longest sum or product that is written out."""
_MOST_PINNED = 8
"""The largest layer at which facts may hold a layer fixed."""


@dataclass(frozen=True)
class Comparison:
    """Whether printed and derived agree, and how; what is derived; and when they agree, where they do not always.

    ``exact`` tells whether they agree under no other condition. ``differs`` is True where they are known to differ.
    ``error`` is the relative difference of two numbers, ``proof`` what the rules by themselves derive.
    """

    agrees: bool
    derived: Basic | None = None
    condition: Basic | None = None
    exact: bool = True
    how: str = IDENTICAL
    differs: bool = False
    error: Expr | None = None
    proof: tuple[Derivation, ...] = ()


@lru_cache(maxsize=128)
def built(build: Callable[[], Derivation]) -> Derivation:
    """A theorem, derived once however often it is put in."""
    return build()


def reduce(claim: Claim, expression: Basic, setting: Setting) -> Basic:
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


def is_product(expression: Expr) -> bool:
    """Return True for a product of widths, variances and products of them."""
    form, rest = canonical(expression)
    return not rest.atoms(Width, Product, Bracket, Sum, Entry, Partial) and all(isinstance(f, LAYERED) for f in form)


def pinned(expression: Basic, setting: Setting) -> Basic:
    """Return the expression with the layers put in that the facts hold fixed."""
    fixed = _fixed(setting.facts)
    return expression.subs(fixed) if fixed else expression


@lru_cache(maxsize=128)
def _fixed(facts: Facts) -> dict[Symbol, Expr]:
    at: dict[Symbol, Expr] = {}
    for symbol, start in ((i, Integer(0)), (d, Integer(0)), (d, i)):
        least = max((k for k in range(_MOST_PINNED) if facts.at_least(symbol, start + k)), default=None)
        if least is not None and facts.at_least(start + least, symbol):
            at.setdefault(symbol, start + least)
    return at


def specialised(expression: Basic, setting: Setting) -> Basic:
    """Return the expression at the layers that are held fixed, with what the hypotheses lay down put in."""
    return specialise(pinned(expression, setting), setting)


def specialise(expression: Basic, setting: Setting) -> Basic:
    """Return the expression with what the hypotheses lay down put in, and with one width where they say so."""
    fixed = regime(setting.hypotheses)
    for shared, formula in fixed.values.items():
        if isinstance(shared, SharedVariance):
            expression = expression.replace(
                lambda e, v=shared: isinstance(e, SharedVariance) and e.family == v.family,
                lambda e, v=shared, formula=formula: formula.subs(dict(zip(v.layer, e.layer, strict=True))),
            )
    expression = expression.xreplace({s: v for s, v in fixed.values.items() if isinstance(s, Symbol)})
    if fixed.sizes:
        expression = written_out(expression).xreplace({n: Integer(k) for n, k in fixed.sizes.items()})
    if Width in fixed.steady:
        expression = expression.replace(Width, lambda _: _WIDTH)
    if W in fixed.steady:
        expression = expression.replace(lambda e: isinstance(e, SharedVariance) and e.family == W, lambda _: _VARIANCE)
    return _constant_products(expression)


def written_out(expression: Basic) -> Basic:
    """Return the expression with sums and products over a few layers written out."""
    return expression.replace(
        lambda e: isinstance(e, Sum | Product) and all(_are_few(*ends) for _, *ends in e.limits),
        lambda e: e.doit(deep=False),
    )


def _are_few(first: Expr, last: Expr) -> bool:
    return bool(first.is_Integer and last.is_Integer and last - first < _MOST_TERMS)


def _constant_products(expression: Basic) -> Basic:
    """Return the expression with every product of equal factors as a power."""
    return expression.replace(
        lambda e: isinstance(e, Product) and not _simplified(e.function).has(e.limits[0][0]),
        lambda e: _simplified(e.function) ** (e.limits[0][2] - e.limits[0][1] + 1),
    )


@lru_cache(maxsize=256)
def _simplified(factor: Expr) -> Expr:
    return factor.simplify()


def named(expression: Expr) -> Expr:
    """Return the expression with the homogeneous network's width and variance in the paper's letters."""
    return expression.subs({_WIDTH: Width(i), _VARIANCE: SharedVariance(W, i)})
