"""The number, or the function of numbers, that a formula stands for: ``1/sqrt(E[silu(u)^2])``.

Means are over a standard normal, whatever its name, unless laws stand beside: ``E[w^2; w ~ U(-1/√n, 1/√n)]``,
``Var[u; u ~ N(0, 1), |u| < 2]``, ``E[(x d/p)^2; x ~ N(0, v), d ~ Bernoulli(p)]``; several are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from sympy import Expr, Integer, Symbol

from derive.activations import activation
from derive.activations.catalogue import CATALOGUE
from derive.equations import tree
from derive.equations.drawn import Bernoulli, Drawn, Normal, Uniform, Unknown
from derive.equations.grammar import parse_value
from derive.equations.meaning import Meaning
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.expressions import parse_expression

_STANDARD = {name: Symbol(name, real=True) for name in "uxzyt"}
_X = Symbol("x", real=True)


def formula_value(text: str, what: str, positive: str = "", real: str = "") -> Expr:
    """Return what a formula stands for.

    Args:
        text: the formula; names of activations are functions, with a prime their derivatives.
        what: what the formula is, for errors.
        positive: names of positive numbers that it may use, with spaces between.
        real: names of numbers of any sign.

    Raises:
        InputError: for a formula that cannot be read, or a mean that is not known.

    """
    names = _vocabulary(positive, real)
    value = _Formula(text, names, what).value_at(parse_value(text, names, what), 0).doit()
    outside = {s for s in value.free_symbols if s.name not in (*positive.split(), *real.split())}
    if outside:
        raise InputError(f"{what}: {', '.join(sorted(map(str, outside)))} stands outside every mean, in {text!r}")
    if not value.free_symbols and not value.evalf(15).is_real:
        raise InputError(f"{what}: it has no real value, in {text!r}")
    return value


@cache
def _vocabulary(positive: str, real: str) -> Vocabulary:
    names = Vocabulary(symbols={(name, 0): [symbol] for name, symbol in _STANDARD.items()})
    names.symbols |= {(name, 0): [Symbol(name, positive=True)] for name in positive.split()}
    names.symbols |= {(name, 0): [Symbol(name, real=True)] for name in real.split()}
    for name in CATALOGUE:
        for spelled in (name.replace("-", "_"), name.replace("-", "")):
            names.functions.setdefault((spelled, 0), _activation(name))
            names.functions.setdefault((spelled, 1), _activation(name, slope=True))
    return names


def _activation(name: str, *, slope: bool = False) -> Callable[..., Expr]:
    def made(argument: Expr, *parameters: Expr) -> Expr:
        if not all(p.is_Rational for p in parameters):
            raise ValueError("parameters are numbers")
        given = f"({', '.join(['x', *map(str, parameters)])})"
        if slope:
            return activation(f"{name.replace('-', '_')}{given}").derivative.xreplace(
                {activation(name).symbol: argument}
            )
        return parse_expression(f"{name.replace('-', '_')}{given}", {"x": _X}).xreplace({_X: argument})

    return made


class _Formula(Meaning):
    """Reads means over laws."""

    def _mean(self, node: tree.Mean) -> Expr:
        if node.sign not in ("E", "Var") or node.label is not None or len(node.inside) != 1:
            self.fail("E or Var of one quantity expected", node)
        laws = [self._drawn(law) for law in node.laws]
        self._bound.append({(str(law.variable), 0): law.variable for law in laws})
        try:
            inside = self._value(node.inside[0])
        finally:
            self._bound.pop()
        laws = laws or self._standard(inside, node)
        try:
            mean = _mean(inside, laws)
            return mean if node.sign == "E" else (_mean(inside**2, laws) - mean**2).expand()
        except Unknown as reason:
            raise InputError(f"{self.what}: {reason}, in {self.text!r}") from None

    def _standard(self, inside: Expr, node: tree.Mean) -> list[Drawn]:
        variables = sorted(inside.free_symbols & set(_STANDARD.values()), key=str)
        if len(variables) > 1:
            self.fail(f"the mean of a function of one variable expected, got {', '.join(map(str, variables))}", node)
        return [Normal(v, Integer(0), Integer(1)) for v in variables]

    def _drawn(self, law: tree.Law) -> Drawn:
        (variable,) = law.variables if len(law.variables) == 1 else (law,)
        if not isinstance(variable, tree.Name) or variable.below is not None or variable.above is not None:
            self.fail("one variable with a law of its own expected", law)
        symbol = Symbol(variable.word, real=True)
        parameters = [self._value(p) for p in law.parameters]
        within = None if law.within is None else self._value(law.within)
        if law.kind == "N":
            average, variance = parameters
            self._positive("a variance", variance, law.parameters[1])
            if within is not None and law.within is not None:
                self._positive("the bound of a law that is cut off", within, law.within)
            return Normal(symbol, average, variance, within)
        if within is not None:
            self.fail("a bound goes with a Gaussian law", law)
        if law.kind == "U":
            self._positive("the length from one end to the other", parameters[1] - parameters[0], law)
            return Uniform(symbol, *parameters)
        (chance,) = parameters
        if chance.is_negative or (1 - chance).is_negative:
            self.fail(f"a chance is between 0 and 1, got {chance}", law.parameters[0])
        return Bernoulli(symbol, chance)

    def _positive(self, what: str, value: Expr, node: tree.Node) -> None:
        if value.is_nonpositive:
            self.fail(f"{what} is positive, got {value}", node)


def _mean(inside: Expr, laws: Sequence[Drawn]) -> Expr:
    for law in laws:
        inside = law.mean(inside)
    return inside
