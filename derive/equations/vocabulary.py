"""The names that an equation may use, and what they stand for.

A vocabulary is made of expressions: a name means whatever is printed like it in them. So what varprop prints is read
back, whatever the expressions speak of, and no table of spellings is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sympy import (
    Basic,
    Expr,
    Function,
    Heaviside,
    KroneckerDelta,
    Max,
    Min,
    Mod,
    Rational,
    Symbol,
    floor,
    polygamma,
    preorder_traversal,
    sqrt,
)

from derive.averages import Average, Bracket, Covariance, Variance
from derive.cost import CostFunction
from derive.equations.lexer import NAME, SIGN, Token, scan
from derive.errors import InputError
from derive.expressions.reader import ELEMENTARY
from derive.gaussian.functions import NormalDensity, Phi
from derive.network import BIAS_VARIANCE, GAIN, SLOPE, Activation, ActivationSlope, Cost, W, Width, b, g, s, x, z
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES, Entry, Family, Over
from derive.render.latex_printer import print_latex
from derive.render.text_printer import print_text
from derive.rules.stability import SpectralRadius

Word = tuple[str, int]
"""A name and how many primes it has."""

_STANDARD: dict[Word, Callable[..., Expr]] = {
    **{(name, 0): made for name, made in ELEMENTARY.items()},
    ("Φ", 0): Phi,
    ("φ", 0): NormalDensity,
    ("Max", 0): Max,
    ("Min", 0): Min,
    ("max", 0): Max,
    ("min", 0): Min,
    ("Mod", 0): Mod,
    ("floor", 0): floor,
    ("θ", 0): Heaviside,
    **{("ψ", order): (lambda e, order=order: polygamma(order, e)) for order in range(4)},
}
_NETWORK = (x, W, b, s, z)
_LOWER_CASE_WEIGHTS = ("w", 0)


@dataclass
class Vocabulary:
    """Names: families, symbols, functions, what is printed with an index, and what averages are over.

    ``subscripted`` are functions whose first argument stands below, ``phrases`` spellings of more than one sign.
    ``defaults`` says what each bracket is over where it does not say so itself: ``E``, ``Var``, ``Cov``, ``⟪``, ``⟨``.
    ``ranges`` are those of deltas, which are printed without, by what they compare; ``gradient_drawn`` tells whether
    the derivative of the cost by its output is the drawn one.
    """

    families: dict[Word, Family] = field(default_factory=dict)
    symbols: dict[Word, list[Symbol]] = field(default_factory=dict)
    functions: dict[Word, Callable[..., Expr]] = field(default_factory=lambda: dict(_STANDARD))
    indexed: dict[str, Callable[..., Expr]] = field(default_factory=dict)
    subscripted: set[str] = field(default_factory=set)
    phrases: dict[tuple[str, ...], Expr] = field(default_factory=dict)
    overs: dict[str, Over] = field(default_factory=dict)
    defaults: dict[str, Over] = field(default_factory=dict)
    ranges: dict[Basic, Basic] = field(default_factory=dict)
    gradient_drawn: bool = False

    # ---- what the grammar asks

    def phrase(self, tokens: list[Token], at: int) -> int:
        """Return how many tokens from here on are one name together, 0 where they are none."""
        first = tokens[at].text
        longest = 0
        for signs in self.phrases:
            longer = signs[0] == first and len(signs) > longest
            if longer and tuple(t.text for t in tokens[at : at + len(signs)]) == signs:
                longest = len(signs)
        return longest

    def calls(self, word: str, primes: int) -> bool:
        """Return whether a name is a function."""
        return (word, primes) in self.functions

    def names(self, word: str) -> bool:
        """Return whether a name has a meaning that is no function."""
        return word in self.indexed or any(
            word in (known, known.partition("^")[0]) for known, _ in (*self.families, *self.symbols)
        )

    def split(self, word: str) -> list[str] | None:
        """Return the names that a run of letters is made of, None where it is unknown."""
        if len(word) == 1 or self._known(word):
            return [word]
        out, rest = [], word
        while rest:
            length = next((n for n in range(len(rest), 0, -1) if self._known(rest[:n])), 0)
            if not length:
                return None
            out.append(rest[:length])
            rest = rest[length:]
        return out

    def _known(self, word: str) -> bool:
        return self.names(word) or any(word == known for known, _ in self.functions) or word in ("E", "Var", "Cov", "e")

    def listed(self) -> list[str]:
        """Return the names that an equation may use, for an error: functions of numbers are not listed."""
        words = [w + "'" * p for w, p in (*self.families, *self.symbols)]
        words += [*self.indexed, *(w for w, p in self.functions if (w, p) not in _STANDARD and not p)]
        return list(dict.fromkeys(words))

    # ---- how it is made

    @classmethod
    def of(cls, *expressions: Basic, over: Over | None = None) -> Vocabulary:
        """Return the names of what stands in expressions; brackets that do not say what they are over are ``over``."""
        made = cls()
        for node in _nodes(expressions):
            made._add(node)
        if g in made.families.values():
            # The drawn gradient is printed as what it is: the cost's derivative at the output.
            made.gradient_drawn = True
            for node in _nodes((Cost,)):
                made._add(node)
        made._brackets(expressions, over)
        return made

    def _add(self, node: Basic) -> None:
        if isinstance(node, Family):
            self._family(node)
        elif isinstance(node, Over):
            self.overs[node.name] = node
        elif isinstance(node, Symbol):
            for spelled in (print_text(node), print_latex(node)):
                self._spelled(spelled, node)
        elif isinstance(node, KroneckerDelta):
            self.ranges |= {index: limits for limits in node.args[2:] for index in node.args[:2]}
        elif isinstance(node, SpectralRadius):
            self.functions["ρ", 0] = SpectralRadius.of
        elif isinstance(node, Function) and not isinstance(node, tuple(_PLAIN)):
            self._function(node)

    def _family(self, family: Family) -> None:
        for spelled in (print_text(Symbol(family.symbol)), print_latex(Symbol(family.symbol))):
            signs = _signs(spelled)
            if signs and all(t == "'" for t in signs[1:]):
                self.families[signs[0], len(signs) - 1] = family
            elif signs[1:4] == ("^", "{", "(") and signs[5:] == (")", "}"):
                self.families[numbered(signs[0], signs[4]), 0] = family

    def _spelled(self, spelled: str, meaning: Expr) -> None:
        signs = _signs(spelled)
        if not signs:
            return
        if all(t == "'" for t in signs[1:]) and isinstance(meaning, Symbol):
            known = self.symbols.setdefault((signs[0], len(signs) - 1), [])
            known += [meaning] if meaning not in known else []
        else:
            self.phrases[signs] = meaning

    def _function(self, node: Function) -> None:
        signs = _signs(print_text(node))
        primes = sum(1 for _ in _leading(signs[1:], "'"))
        if not node.free_symbols and len(signs) < 12:
            for spelled in (print_text(node), print_latex(node)):
                if (
                    (found := _signs(spelled))
                    and isinstance(node.args[0], Rational)
                    and node.func.__name__ == "OneSided"
                ):
                    self.phrases[found] = node
        if signs[1 + primes : 2 + primes] == ("(",):
            self.functions[signs[0], primes] = node.func
        elif signs[1:2] == ("_",) and signs[-1] == ")" and len(node.args) > 1:
            # m_i(ρ): an index below is the first argument.
            self.functions[signs[0], 0] = node.func
            self.subscripted.add(signs[0])
        elif signs[1:2] == ("_",):
            self.indexed[signs[0]] = node.func

    def _brackets(self, expressions: Iterable[Basic], over: Over | None) -> None:
        met: dict[str, dict[Over, None]] = {}
        for node in _nodes(expressions):
            if isinstance(node, Bracket):
                met.setdefault(sign_of(node), {})[node.over] = None
        for sign, overs in met.items():
            self.defaults[sign] = over if over in overs else next(iter(overs))
        for sign in ("E", "Var", "Cov"):
            if over is not None:
                self.defaults.setdefault(sign, over)


_PLAIN = (Phi, NormalDensity, polygamma, Heaviside, Max, Min, Mod, floor)


def numbered(word: str, number: str) -> str:
    """Return the name of a family that is printed with a number above it: W^{(2)}."""
    return f"{word}^({number})"


def sign_of(bracket: Bracket) -> str:
    """Return the sign that a bracket is written with."""
    if isinstance(bracket, Average):
        return {"network": "⟪", "sample": "⟨"}.get(bracket.over.style, "E")
    return "Var" if isinstance(bracket, Variance) else "Cov"


def network_vocabulary(over: Over = EVERYTHING) -> Vocabulary:
    """Return the names of the fully connected network: x, W, b, z, s, n, f, Cost, and w for a weight.

    E, Var and Cov are over ``over``, double angle brackets over networks and single ones over samples.
    """
    from derive.rules.wide import M, Q, U, V
    from derive.theorems.product import X, Y

    made = Vocabulary.of(Cost, SLOPE, GAIN, BIAS_VARIANCE, Q, U, M, V, *_NETWORK, X, Y)
    made.families[_LOWER_CASE_WEIGHTS] = W
    made.indexed["n"] = Width
    made.functions["f", 0] = Activation
    made.functions["f", 1] = ActivationSlope
    # The root of the gain, where a paper writes it.
    made.phrases["σ", "_", "{", "w", "}"] = sqrt(GAIN)
    made.phrases["σ", "_", "{", "b", "}"] = sqrt(BIAS_VARIANCE)
    made.overs |= {o.name: o for o in (EVERYTHING, NETWORKS, SAMPLES, over)}
    made.defaults = {"E": over, "Var": over, "Cov": over, "⟪": NETWORKS, "⟨": SAMPLES}
    return made


def _nodes(expressions: Iterable[Basic]) -> Iterator[Basic]:
    for expression in expressions:
        for node in preorder_traversal(expression):
            yield node
            if isinstance(node, Entry):
                yield node.family
            if isinstance(node, CostFunction):
                yield node.output


def _signs(spelled: str) -> tuple[str, ...]:
    """Return the signs of a spelling, without braces round all of them; none where it is not one name."""
    try:
        tokens = scan(spelled)[:-1]
    except InputError:
        return ()
    signs = tuple(t.text for t in tokens)
    while signs[:1] == ("{",) and _closes(signs) == len(signs) - 1:
        signs = signs[1:-1]
    begins = tokens and (tokens[0].kind == NAME or signs[0] in ("⟨", "⟪") or tokens[0].kind == SIGN)
    return signs if begins else ()


def _closes(signs: tuple[str, ...]) -> int:
    depth = 0
    for n, sign in enumerate(signs):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return n
    return -1


def _leading(signs: tuple[str, ...], sign: str) -> Iterator[str]:
    for found in signs:
        if found != sign:
            return
        yield found


__all__ = ["Covariance", "Vocabulary", "network_vocabulary", "sign_of"]
