"""A one-line Unicode printer for a terminal, in the papers' notation."""

from __future__ import annotations

from typing import Any

from sympy import (
    Add,
    Basic,
    Derivative,
    Expr,
    Integer,
    Integral,
    KroneckerDelta,
    Limit,
    MatrixBase,
    Mul,
    Pow,
    Product,
    Rational,
    Subs,
    Sum,
    Symbol,
)
from sympy.logic.boolalg import And, Equivalent, Implies, Not, Or
from sympy.printing.str import StrPrinter

from derive.averages import Average, Bracket, Covariance, SharedVariance, Variance
from derive.layers import d
from derive.network import Activation, ActivationSlope, Partial, Width, cost_gradient, g, s
from derive.randomness import Entry, Family
from derive.render.brackets import Brackets
from derive.render.order import BIG, TIMES, connected, factors, signed_fraction, terms
from derive.render.relation_signs import TEXT_RELATIONS
from derive.render.symbol_names import NAMES, unicode_name

_SIGNS = {"NormalDensity": "φ", "DiracDelta": "δ"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class VarianceTextPrinter(StrPrinter):
    """Prints derivations' expressions on one line: ``Var[W^i] Σ_{j=1}^{n_{i+1}} E[(z^i_j)²]``."""

    def __init__(self, brackets: Brackets | None = None) -> None:
        super().__init__()
        self.brackets = brackets or Brackets()

    def _parens(self, expression: Basic) -> str:
        return f"({self._print(expression)})"

    # Names and indices.

    def _print_Symbol(self, expr: Symbol) -> str:
        name = str(expr.name)
        if name in NAMES:
            return NAMES[name][0]
        return unicode_name(name) if len(name) > 1 and "'" not in name and " " not in name else name

    def _index(self, index: Expr | str) -> str:
        shown = index if isinstance(index, str) else self._print(index).replace(" ", "").replace("−", "-")
        return shown if len(shown) == 1 else f"{{{shown}}}"

    def _scalar(self, name: str, layer: Expr | None, units: tuple[Expr, ...]) -> str:
        out = name if layer is None else f"{name}^{self._index(layer)}"
        if not units:
            return out
        printed = [self._print(u).replace(" ", "") for u in units]
        return f"{out}_{self._index(('' if all(len(p) == 1 for p in printed) else ',').join(printed))}"

    def _name(self, family: Family) -> str:
        return self._print_Symbol(Symbol(family.symbol))

    def _print_Entry(self, entry: Entry) -> str:
        if entry.family == g:
            return self._print(cost_gradient(s(d, *entry.units)))
        return self._scalar(self._name(entry.family), entry.layer, entry.units)

    def _print_Width(self, width: Width) -> str:
        return f"n_{self._index(width.args[0])}"

    def _print_KroneckerDelta(self, delta: KroneckerDelta) -> str:
        return self._scalar("δ", None, delta.args[:2])

    # Functions and derivatives.

    def _print_Activation(self, node: Activation) -> str:
        return f"f({self._print(node.args[0])})"

    def _print_ActivationSlope(self, node: ActivationSlope) -> str:
        return f"f'({self._print(node.args[0])})"

    def _print_Partial(self, node: Partial) -> str:
        below = f"∂{self._print(node.variable)}"
        if isinstance(node.target, Entry | Symbol):
            return f"∂{self._print(node.target)}/{below}"
        return f"∂/{below} {self._parens(node.target)}"

    def _print_Derivative(self, node: Derivative) -> str:
        order = len(node.variables)
        raised = [(f"∂{self._print(v)}", int(count)) for v, count in node.variable_count]
        below = "".join(v if count == 1 else v + str(count).translate(_RAISED) for v, count in raised)
        above = "∂" if order == 1 else "∂" + str(order).translate(_RAISED)
        return f"{above}/{below} [{self._print(node.expr)}]"

    def _print_Subs(self, node: Subs) -> str:
        at = ", ".join(f"{self._print(x)} = {self._print(p)}" for x, p in zip(node.variables, node.point, strict=True))
        return f"{self._print(node.expr)} at {at}"

    # Averages.

    def _bracket(self, node: Bracket, name: str) -> str:
        inside = ", ".join(self._print(q) for q in node.inside)
        return f"{name}{self._label(node)}[{inside}]"

    def _label(self, node: Bracket) -> str:
        return f"_{{{node.over.name}}}" if self.brackets.named(node) else ""

    def _print_Average(self, node: Average) -> str:
        left, right = {"network": ("⟪", "⟫"), "sample": ("⟨", "⟩")}.get(node.over.style, ("", ""))
        if not left:
            return self._bracket(node, "E")
        return f"{left}{self._print(node.inside[0])}{right}{self._label(node)}"

    def _print_Variance(self, node: Variance) -> str:
        return self._bracket(node, "Var")

    def _print_Covariance(self, node: Covariance) -> str:
        return self._bracket(node, "Cov")

    def _print_SharedVariance(self, node: SharedVariance) -> str:
        if node.family == g:
            return f"Var[∂Cost/∂{self._scalar('s', d, ())}]"
        return f"Var[{self._scalar(self._name(node.family), node.layer[0] if node.layer else None, ())}]"

    # Arithmetic.

    def _print_Add(self, expr: Add, order: object = None) -> str:
        out = ""
        for term in terms(expr):
            negative, *_ = signed_fraction(term)
            positive = -term if negative else term
            shown = self._parens(positive) if isinstance(positive, Add) else self._print(positive)
            out += (f" − {shown}" if negative else f" + {shown}") if out else ("−" if negative else "") + shown
        return out

    def _print_Mul(self, expr: Mul) -> str:
        negative, numerator, denominator = signed_fraction(expr)
        above, below = self._product(numerator), self._product(denominator)
        if denominator == 1:
            shown = above
        else:
            loose = isinstance(denominator, Add | Mul | Partial) or "/" in _outside_brackets(below)
            # A quotient after a sum or a product over an index would seem to stand inside it.
            open_ended = isinstance(numerator, Add) or any(isinstance(f, BIG) for f in Mul.make_args(numerator))
            above = f"({above})" if open_ended or "/" in _outside_brackets(above) else above
            shown = f"{above}/({below})" if loose else f"{above}/{below}"
        return f"−{shown}" if negative else shown

    def _product(self, product: Expr) -> str:
        if isinstance(product, Add):
            return self._print(product)
        parts = factors(product)
        big = [f for f in parts if isinstance(f, BIG)]
        out, before = "", None
        for factor in parts:
            wrap = isinstance(factor, Add) or (len(big) > 1 and factor in big[:-1])
            shown = self._parens(factor) if wrap else self._print(factor)
            dot = isinstance(factor, BIG) or isinstance(before, Partial) or shown[:1].isdigit()
            out += (" · " if dot else TIMES) + shown if out else shown
            before = factor
        return out

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent.is_Rational and exponent.is_negative:
            below = self._print(Pow(base, -exponent))
            loose = exponent == -1 and isinstance(base, Add)
            return f"1/({below})" if loose or "/" in _outside_brackets(below) else f"1/{below}"
        if exponent == Rational(1, 2):
            shown = self._print(base)
            return f"√{shown}" if base.is_Symbol or base.is_Integer or base.is_NumberSymbol else f"√({shown})"
        bare = base.is_Symbol or base.is_Function or isinstance(base, Width | Bracket | SharedVariance)
        bare = bare or (base.is_Integer and base >= 0) or (isinstance(base, Entry) and not base.indices)
        shown = self._print(base)
        shown = shown if bare and shown[-1] not in "⁰¹²³⁴⁵⁶⁷⁸⁹" else f"({shown})"
        if exponent.is_Integer:
            return shown + str(exponent).translate(_RAISED)
        return f"{shown}^{self._print(exponent) if exponent.is_Symbol else self._parens(exponent)}"

    # What reaches to the end of its product.

    def _body(self, body: Expr, *, product: bool = False) -> str:
        loose = isinstance(body, Add) or (product and isinstance(body, BIG))
        return self._parens(body) if loose else self._print(body)

    def _over_index(self, sign: str, node: Sum | Product) -> str:
        out = ""
        for index, lower, upper in reversed(node.limits):
            bounds = [self._print(e).replace(" ", "").replace("−", "-") for e in (index, lower, upper)]
            out += f"{sign}_{{{bounds[0]}={bounds[1]}}}^{{{bounds[2]}}} "
        return out + self._body(node.function, product=sign == "∏")

    def _print_Sum(self, expr: Sum) -> str:
        return self._over_index("Σ", expr)

    def _print_Product(self, expr: Product) -> str:
        return self._over_index("∏", expr)

    def _print_Integral(self, expr: Integral) -> str:
        signs, ends = "", ""
        for variable, *bounds in reversed(expr.limits):
            signs += "∫" + "".join(f"{m}{{{self._print(e)}}}" for m, e in zip("_^", bounds, strict=False)) + " "
            ends = f" d{self._print(variable)}" + ends
        return signs + self._body(expr.function) + ends

    def _print_Limit(self, expr: Limit) -> str:
        quantity, variable, point, _ = expr.args
        return f"lim_{{{self._print(variable)}→{self._print(point)}}} {self._body(quantity)}"

    # Constants and plain functions.

    def _print_Pi(self, expr: Expr) -> str:
        return "π"

    def _print_Infinity(self, expr: Expr) -> str:
        return "∞"

    def _print_NegativeInfinity(self, expr: Expr) -> str:
        return "−∞"

    def _print_Exp1(self, expr: Expr) -> str:
        return "e"

    def _print_Integer(self, expr: Integer) -> str:
        return str(expr.p).replace("-", "−")

    def _print_Rational(self, expr: Rational) -> str:
        return f"{self._print(Integer(expr.p))}/{expr.q}"

    def _print_Function(self, expr: Expr) -> str:
        inside = ", ".join(self._print(a) for a in expr.args)
        name = _SIGNS.get(expr.func.__name__, expr.func.__name__)
        primes = "'" * name.count("'")
        return f"{unicode_name(name.rstrip(chr(39)))}{primes}({inside})"

    def _print_polygamma(self, expr: Expr) -> str:
        order, argument = expr.args
        return f"ψ{chr(39) * int(order)}({self._print(argument)})"

    def _print_Heaviside(self, expr: Expr) -> str:
        return f"θ({self._print(expr.args[0])})"

    def _print_MatrixBase(self, expr: MatrixBase) -> str:
        rows = [", ".join(self._print(e) for e in row) for row in expr.tolist()]
        return f"({', '.join(rows)})" if expr.shape[1] == 1 else f"[{'; '.join(rows)}]"

    def _print_Abs(self, expr: Expr) -> str:
        return f"|{self._print(expr.args[0])}|"

    # Relations and logic, for a reader rather than a logician.

    def _print_Relational(self, expr: Any) -> str:
        return f"{self._print(expr.lhs)} {TEXT_RELATIONS.get(expr.rel_op, expr.rel_op)} {self._print(expr.rhs)}"

    def _connective(self, word: str, expr: Basic) -> str:
        compound = (And, Or, Implies, Equivalent)
        return word.join(self._parens(a) if isinstance(a, compound) else self._print(a) for a in connected(expr))

    def _print_And(self, expr: And) -> str:
        return self._connective(" and ", expr)

    def _print_Or(self, expr: Or) -> str:
        return self._connective(" or ", expr)

    def _print_Implies(self, expr: Implies) -> str:
        return self._connective(" ⇒ ", expr)

    def _print_Equivalent(self, expr: Equivalent) -> str:
        return self._connective(" ⇔ ", expr)

    def _print_Not(self, expr: Not) -> str:
        return f"not {self._parens(expr.args[0])}"

    def _print_BooleanTrue(self, expr: Basic) -> str:
        return "true"

    def _print_BooleanFalse(self, expr: Basic) -> str:
        return "false"


def _outside_brackets(text: str) -> str:
    """Return what of a formula stands outside every bracket."""
    out, depth = "", 0
    for c in text:
        depth -= c in ")]}⟩⟫"
        out += c if depth == 0 else ""
        depth += c in "([{⟨⟪"
    return out


def print_text(expression: Basic, brackets: Brackets | None = None) -> str:
    """Return text in which `TIMES` still marks where a product may be broken."""
    return VarianceTextPrinter(brackets).doprint(expression)
