"""The decay that follows from the local expansion of a map at a fixed point where its slope is 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Integer,
    Integral,
    Pow,
    Rational,
    Sum,
    Symbol,
    expand,
    factor,
    log,
    powdenest,
    series,
    simplify,
)

from derive.errors import InputError
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.notation import structure
from derive.proof.derivation import Derivation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.rules.asymptotics import LAYER, SMALL, U
from derive.rules.lemma import require_hypotheses
from derive.rules.mean_field import follows
from derive.setting import Setting
from derive.words import Words


def opaque(e: Basic) -> tuple[Basic, dict[Basic, Basic]]:
    """Return an expression with a symbol for every expectation, sum and integral, and what the symbols stand for."""
    nodes = sorted(e.atoms(GaussianExpectation, Sum, Integral), key=structure)
    outer = [n for n in nodes if not any(n != m and m.has(n) for m in nodes)]
    back = {Symbol(f"opaque{k}", positive=True): n for k, n in enumerate(outer)}
    return e.xreplace({n: s for s, n in back.items()}), back


def reach_of(rule: Rule) -> Expr:
    """Return the first power that an asymptotic rule leaves out; raise `InputError` for a rule that does not say."""
    reach = getattr(rule, "reach", None)
    if reach is None:
        raise InputError(f"rule {rule.name} does not say how far it reaches")
    power: Expr = reach()
    return power


@dataclass(frozen=True)
class LocalForm:
    """u' = u - A u^(1 + k) - B u^(1 + 2k) + ..., read off an expansion; B is None where the expansion stops earlier."""

    power: Expr
    first: Expr
    second: Expr | None

    @classmethod
    def read(cls, lemma: Derivation, variable: Symbol) -> LocalForm:
        """Read the terms of a lemma's right side and how far they reach; raise `InputError` for another form."""
        expansion = expand(opaque(lemma.statement.rhs)[0])
        back = opaque(lemma.statement.rhs)[1]
        terms: dict[Expr, Expr] = {}
        for term in Add.make_args(expansion):
            coefficient, exponent = term.as_coeff_exponent(variable)
            if coefficient.has(variable):
                raise InputError(f"{term} is not a multiple of a power of {variable}")
            terms[exponent] = terms.get(exponent, Integer(0)) + coefficient
        higher = sorted(e for e, c in terms.items() if e != 1 and simplify(c) != 0)
        if simplify(terms.get(Integer(1), Integer(0)) - 1) != 0 or not higher or higher[0] <= 1:
            raise InputError(f"{lemma.statement.rhs} is not {variable} less higher orders")
        k = higher[0] - 1
        reach = min((reach_of(s.rule) for s in lemma.steps if s.relation == "~"), default=None)
        if any(e < 1 + 2 * k for e in higher[1:]):
            raise InputError(f"{lemma.statement.rhs} has a term between the orders {1 + k} and {1 + 2 * k}")
        known = reach is None or reach > 1 + 2 * k
        second = factor(-terms.get(1 + 2 * k, Integer(0))).xreplace(back) if known else None
        return cls(k, factor(-terms[higher[0]]).xreplace(back), second)

    @property
    def logarithm(self) -> Expr | None:
        """The c in u_l = (k A l)^(-1/k) (1 - c/k log(l)/l): (B + (k + 1) A^2/2)/(k A^2)."""
        if self.second is None:
            return None
        ratio, back = opaque((self.second + (self.power + 1) * self.first**2 / 2) / (self.power * self.first**2))
        return simplify(ratio).xreplace(back)

    def decay(self, layer: Expr) -> Expr:
        """Return u_l for many layers l."""
        k = self.power
        base, back = opaque(k * self.first)
        leading = powdenest(factor(base) ** (-1 / k), force=True).xreplace(back) * Pow(layer, -1 / k)
        c = self.logarithm
        return leading if c is None else leading * (1 - c / k * log(layer) / layer)


def recursion_of(sequence: Any, layer: Symbol, lhs: Expr, variable: Symbol) -> Eq:
    """Return u_{l+1} = g(u_l), for the expression g of a variable."""
    return Eq(sequence(layer + 1), lhs.xreplace({variable: sequence(layer)}), evaluate=False)


@dataclass(frozen=True)
class DecayOfRecursion(Rule):
    """u_{l+1} = u_l - A u_l^(1+k) - B u_l^(1+2k) gives u_l ~ (1 - c log(l)/(k l)) (k A l)^(-1/k)

    with c = (B + (k + 1) A^2/2)/(k A^2), since u_{l+1}^(-k) = u_l^(-k) + k A + k^2 A^2 c u_l^k + ...: the power grows
    by k A a layer, and its correction by k c A/l. Where the expansion is known to its second term only, the
    logarithm is not. The rule puts the result back into the recursion and sees its leading orders cancel.

    Obligation: a hypothesis states that u follows the lemma's map from layer to layer, and that it starts close to 0,
    on the side from which it shrinks.
    """

    lemma: Derivation
    sequence: Any = U
    variable: Symbol = SMALL
    name = "decay-of-recursion"
    words = "A negative power of u grows by a constant a layer."
    source = "de Bruijn 1958, Asymptotic Methods in Analysis, section 8.6"
    relation = "~"
    shows = ("~",)
    evidence = Evidence.RESIDUAL
    lemma_relations = ("=", "~")

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace u_l by its asymptotic form."""
        if not isinstance(node, self.sequence):
            return None
        (layer,) = node.args
        uses = require_hypotheses(self.lemma, setting) | setting.require(Kind.ATTRACTED)
        uses |= follows(recursion_of(self.sequence, layer, self.lemma.statement.lhs, self.variable), layer, setting)
        if not self.lemma.statement.lhs.has(self.variable):
            raise InputError(f"{self.lemma.name} is no map of {self.variable}")
        local = LocalForm.read(self.lemma, self.variable)
        if local.first.is_nonpositive:
            raise InputError(f"{self.lemma.name} does not shrink {self.variable}: it subtracts {local.first}")
        grows = local.power * local.first
        more = ", and by a logarithm more." if local.second is not None else "."
        words = Words("{} grows by {} a layer" + more, node ** (-local.power), grows)
        return Rewrite(local.decay(layer), uses, words, (self.lemma,))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the form into the recursion; return what is left of its leading orders.

        In powers of e = 1/l, with u_l = (k A l)^(-1/k) w: two orders beyond u_l itself where B is known, else one.
        """
        local = LocalForm.read(self.lemma, self.variable)
        k, e, big = local.power, Symbol("e", positive=True), Symbol("L", real=True)
        unknown = Symbol("unknown", positive=True)
        factor_, power = before.subs(self.sequence(LAYER), unknown).as_coeff_exponent(unknown)
        both, _ = opaque(after / factor_ * (k * local.first) ** (power / k))
        scaled = both.subs(log(LAYER), big).subs(LAYER, 1 / e) * e ** (-power / k)
        scaled = powdenest(factor(scaled), force=True)
        orders = 2 if local.second is None else 3
        rest = series(scaled, e, 0, orders).removeO() - 1
        if simplify(rest.subs(e, 0)) != 0:
            return simplify(rest.subs(e, 0))
        # (1 + rest)^(1/power) to second order.
        w = expand(1 + rest / power + (1 / power) * (1 / power - 1) * rest**2 / 2)
        # At layer l + 1: 1/l -> e/(1 + e) and log l -> log l + log(1 + e).
        there = w.subs({e: e / (1 + e), big: big + log(1 + e)}, simultaneous=True) * (1 + e) ** (-1 / k)
        a, b = Rational(1) / k, Integer(0)
        if local.second is not None:
            b = opaque(local.second / (k * local.first) ** 2)[0]
        gap = series(there - (w - a * e * w ** (1 + k) - b * e**2 * w ** (1 + 2 * k)), e, 0, orders).removeO()
        return simplify(gap)
