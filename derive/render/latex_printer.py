"""SymPy's LaTeX printer, taught the nodes of the derivation language in the papers' notation."""

from __future__ import annotations

import re
from typing import Any

from sympy import Add, Basic, Expr, Integer, KroneckerDelta, Mul, Pow, Product, Subs, Sum, Symbol
from sympy.logic.boolalg import And, Equivalent, Implies, Not, Or
from sympy.printing.latex import LatexPrinter

from derive.averages import Average, Bracket, Covariance, SharedVariance, Variance
from derive.layers import d
from derive.network import Activation, ActivationSlope, Cost, Partial, Width, cost_gradient, g, s
from derive.randomness import Entry, Family
from derive.render.brackets import Brackets
from derive.render.delimiters import DISPLAY, TEXT, settle
from derive.render.order import BIG, TIMES, connected, factors, is_own, signed_fraction, terms
from derive.render.relation_signs import LATEX_RELATIONS
from derive.render.symbol_names import NAMES

_PLAIN_NAME = re.compile(r"([A-Za-z])('*)")
_WORD = re.compile(r"[A-Za-z]{2,}")


class VarianceLatexPrinter(LatexPrinter):
    """Prints derivations' expressions; ``inline`` formulas stay low enough for a line of prose."""

    def __init__(self, brackets: Brackets | None = None, *, inline: bool = False) -> None:
        super().__init__({"ln_notation": False, "inv_trig_style": "full"})
        self._settings["mul_symbol_latex"] = TIMES
        self.brackets = brackets or Brackets()
        self.inline = inline

    @staticmethod
    def _enclose(left: str, body: str, right: str) -> str:
        return rf"\left{left}{body}\right{right}"

    def _parens(self, expression: Basic) -> str:
        return self._enclose("(", self._print(expression), ")")

    # Names and indices.

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        if expr.name in NAMES:
            return NAMES[expr.name][1]
        plain = _PLAIN_NAME.fullmatch(expr.name)
        if plain:
            return expr.name
        if expr.name == "·":
            return r"\,\cdot\,"
        if " " in expr.name:
            return rf"\text{{{expr.name}}}"
        shown: str = super()._print_Symbol(expr, style)
        # A word is set upright: in italics it would read as a product of letters.
        return rf"\mathrm{{{shown}}}" if _WORD.fullmatch(shown) else shown

    def _print_Function(self, expr: Any, exp: str | None = None) -> str:
        """Print f''(u)^2 where SymPy has f''^2(u): primes and a power do not stand on one letter."""
        name = expr.func.__name__
        if not name.endswith("'"):
            return str(super()._print_Function(expr, exp))
        inside = ", ".join(self._print(a) for a in expr.args)
        bare = name.rstrip("'")
        shown = self._hprint_Function(bare) + name[len(bare) :] + self._enclose("(", inside, ")")
        return f"{shown}^{{{exp}}}" if exp else shown

    def _print_polygamma(self, expr: Any, exp: str | None = None) -> str:
        order, argument = expr.args
        shown = rf"\psi{chr(39) * int(order)}" + self._enclose("(", self._print(argument), ")")
        return f"{shown}^{{{exp}}}" if exp else shown

    def _name(self, family: Family) -> str:
        return self._print_Symbol(Symbol(family.symbol))

    def _indices(self, indices: tuple[Expr, ...]) -> str:
        printed = [self._print(index) for index in indices]
        single = all(index.is_Symbol or (index.is_Integer and 0 <= index < 10) for index in indices)
        return ("" if single else ",").join(printed)

    def _scalar(self, name: str, layer: Expr | None, units: tuple[Expr, ...]) -> str:
        if layer is None and name.endswith("'"):
            # A prime is an exponent, and there may be another one behind the indices.
            name = f"{{{name}}}"
        above = "" if layer is None else f"^{{{self._print(layer)}}}"
        below = f"_{{{self._indices(units)}}}" if units else ""
        return name + above + below

    def _print_Family(self, family: Family) -> str:
        return self._name(family)

    def _print_Over(self, over: Basic) -> str:
        return rf"\text{{{over}}}"

    def _print_Entry(self, entry: Entry) -> str:
        if entry.family == g:
            return self._print_Partial(cost_gradient(s(d, *entry.units)))
        return self._scalar(self._name(entry.family), entry.layer, entry.units)

    def _print_Width(self, width: Width) -> str:
        return f"n_{{{self._print(width.args[0])}}}"

    def _print_KroneckerDelta(self, delta: KroneckerDelta, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\delta_{{{self._indices(delta.args[:2])}}}{power}"

    # Functions and derivatives.

    def _print_Activation(self, node: Activation) -> str:
        return "f" + self._enclose("(", self._print(node.args[0]), ")")

    def _print_ActivationSlope(self, node: ActivationSlope) -> str:
        return "f'" + self._enclose("(", self._print(node.args[0]), ")")

    def _print_Partial(self, node: Partial) -> str:
        below = rf"\partial {self._print(node.variable)}"
        if not isinstance(node.target, Entry | Symbol):
            operator = rf"\partial/{below}" if self.inline else rf"\frac{{\partial}}{{{below}}}"
            return operator + r"\," + self._parens(node.target)
        above = rf"\partial {self._print(node.target)}"
        return f"{above}/{below}" if self.inline else rf"\frac{{{above}}}{{{below}}}"

    def _print_Subs(self, node: Subs) -> str:
        at = ", ".join(f"{self._print(x)} = {self._print(p)}" for x, p in zip(node.variables, node.point, strict=True))
        return f"{self._enclose('[', self._print(node.expr), ']')}_{{{at}}}"

    # Averages.

    def _bracket(self, node: Bracket, name: str) -> str:
        label = rf"_{{\text{{{node.over.name}}}}}" if self.brackets.named(node) else ""
        return name + label + self._enclose("[", ", ".join(self._print(q) for q in node.inside), "]")

    def _print_Average(self, node: Average) -> str:
        label = rf"_{{\text{{{node.over.name}}}}}" if self.brackets.named(node) else ""
        body = self._print(node.inside[0])
        if node.over.style == "network":
            return r"\langle\!\langle " + body + r" \rangle\!\rangle" + label
        if node.over.style == "sample":
            return r"\langle " + body + r" \rangle" + label
        return self._bracket(node, r"\mathbb{E}")

    def _print_Variance(self, node: Variance) -> str:
        return self._bracket(node, r"\operatorname{Var}")

    def _print_Covariance(self, node: Covariance) -> str:
        return self._bracket(node, r"\operatorname{Cov}")

    def _print_SharedVariance(self, node: SharedVariance) -> str:
        return r"\operatorname{Var}" + self._enclose("[", self._shared(node), "]")

    def _shared(self, node: SharedVariance) -> str:
        """Return what a shared variance is the variance of: all scalars of the family (in the layer)."""
        if node.family == g:
            below = rf"\partial {self._scalar('s', d, ())}"
            above = rf"\partial {self._print(Cost)}"
            return f"{above}/{below}" if self.inline else rf"\frac{{{above}}}{{{below}}}"
        return self._scalar(self._name(node.family), node.layer[0] if node.layer else None, ())

    # Arithmetic.

    def _print_Add(self, expr: Add, order: object = None) -> str:
        if not is_own(expr):
            return super()._print_Add(expr, order)
        out = ""
        for term in terms(expr):
            negative, *_ = signed_fraction(term)
            shown = self._factor_free(-term if negative else term)
            out += (f" - {shown}" if negative else f" + {shown}") if out else ("-" if negative else "") + shown
        return out

    def _factor_free(self, term: Expr) -> str:
        return self._parens(term) if isinstance(term, Add) else self._print(term)

    def _print_Mul(self, expr: Mul) -> str:
        if not is_own(expr):
            return super()._print_Mul(expr)
        negative, numerator, denominator = signed_fraction(expr)
        if denominator == 1:
            shown = self._product(numerator)
        elif self.inline:
            below = self._product(denominator)
            simple = not isinstance(denominator, Add | Mul)
            open_ended = isinstance(numerator, Add) or any(isinstance(f, BIG) for f in Mul.make_args(numerator))
            above = self._parens(numerator) if open_ended else self._product(numerator)
            shown = f"{above}/{below if simple else f'({below})'}"
        else:
            shown = rf"\frac{{{self._product(numerator)}}}{{{self._product(denominator)}}}"
        return f"-{shown}" if negative else shown

    def _product(self, product: Expr) -> str:
        if isinstance(product, Add):
            return self._print(product)
        parts = factors(product)
        big = [f for f in parts if isinstance(f, BIG)]
        out = ""
        for factor in parts:
            wrap = isinstance(factor, Add) or (len(big) > 1 and factor in big[:-1])
            shown = self._parens(factor) if wrap else self._print(factor)
            digits = out[-1:].isdigit() and shown[:1].isdigit()
            space = r"\," if shown.startswith((r"\frac{\partial", r"\partial")) else ""
            out += (r" \cdot " if digits else TIMES + space if out else "") + shown
        return out

    def _print_Pow(self, expr: Pow) -> str:
        base, exponent = expr.args
        if not is_own(base) or (exponent.is_Rational and exponent.q != 1) or exponent.is_negative:
            return self._print_own_fraction(expr) if is_own(base) else super()._print_Pow(expr)
        bare = isinstance(base, Width | Bracket | SharedVariance | Activation | ActivationSlope) and not (
            isinstance(base, Average) and base.over.style != "all"
        )
        bare = bare or (isinstance(base, Entry) and base.layer is None and base.family != g)
        shown = self._print(base) if bare else self._parens(base)
        return f"{shown}^{{{self._print(exponent)}}}"

    def _print_own_fraction(self, expr: Pow) -> str:
        base, exponent = expr.args
        if exponent.is_negative:
            below = self._print(Pow(base, -exponent))
            return f"1/{below}" if self.inline else rf"\frac{{1}}{{{below}}}"
        root = "" if exponent.q == 2 else f"[{exponent.q}]"
        return rf"\sqrt{root}{{{self._print(Pow(base, Integer(exponent.p)))}}}"

    # Sums and products over an index, the outer one first.

    def _over_index(self, sign: str, node: Sum | Product) -> str:
        out = ""
        for index, lower, upper in reversed(node.limits):
            out += rf"{sign}_{{{self._print(index)}={self._print(lower)}}}^{{{self._print(upper)}}} "
        body = node.function
        loose = isinstance(body, Add) or (sign == r"\prod" and isinstance(body, BIG))
        return out + (self._parens(body) if loose else self._print(body))

    def _print_Sum(self, expr: Sum) -> str:
        return self._over_index(r"\sum", expr)

    def _print_Product(self, expr: Product) -> str:
        return self._over_index(r"\prod", expr)

    # Relations and logic, for a reader rather than a logician.

    def _print_Relational(self, expr: Any) -> str:
        if expr.rel_op not in LATEX_RELATIONS:
            return super()._print_Relational(expr)
        return f"{self._print(expr.lhs)} {LATEX_RELATIONS[expr.rel_op]} {self._print(expr.rhs)}"

    def _connective(self, word: str, expr: Basic) -> str:
        compound = (And, Or, Implies, Equivalent)
        shown = [self._parens(a) if isinstance(a, compound) else self._print(a) for a in connected(expr)]
        return word.join(shown)

    def _print_And(self, e: And) -> str:
        return self._connective(r" \quad\text{and}\quad ", e)

    def _print_Or(self, e: Or) -> str:
        return self._connective(r" \quad\text{or}\quad ", e)

    def _print_Implies(self, e: Implies, altchar: str | None = None) -> str:
        return self._connective(r" \;\Rightarrow\; ", e)

    def _print_Equivalent(self, e: Equivalent, altchar: str | None = None) -> str:
        return self._connective(r" \;\Leftrightarrow\; ", e)

    def _print_Not(self, e: Not) -> str:
        return rf"\text{{not }}{self._parens(e.args[0])}"

    def _print_BooleanTrue(self, e: Basic) -> str:
        return r"\text{true}"

    def _print_BooleanFalse(self, e: Basic) -> str:
        return r"\text{false}"


def print_latex(expression: Basic, brackets: Brackets | None = None, *, inline: bool = False) -> str:
    """Return LaTeX in which `TIMES` still marks where a product may be broken."""
    printed = VarianceLatexPrinter(brackets, inline=inline).doprint(expression)
    return settle(printed, TEXT if inline else DISPLAY)
