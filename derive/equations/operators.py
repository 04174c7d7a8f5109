"""Sums and products over an index, integrals and derivatives."""

from __future__ import annotations

from dataclasses import replace

from derive.equations.cursor import Cursor
from derive.equations.lexer import NAME, Token
from derive.equations.tree import Big, Derivative, Infinity, Integral, Name, Node, Number


class Calculus(Cursor):
    """Reads sums, products, integrals and derivatives."""

    def _big(self) -> Node:
        opened = self.now
        self.place += 1
        if not self._is("_"):
            self.fail(f"an index with its first value expected after {opened.text}, got {self.now}")
        self.place += 1
        self._expect("{", "to open a script")
        if self.now.kind != NAME:
            self.fail(f"the name of an index expected, got {self.now}")
        token = self.now
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        index = Name(token.at, token.text, primes)
        self._expect("=", "after the index")
        lower = self._total()
        self._expect("}", "to close the script")
        if not self._is("^"):
            self.fail(f"the last value of the index expected after the first, got {self.now}")
        upper = self._script()
        self._take("·", "×")
        return Big(opened.at, opened.text, index, lower, upper, self._product(inside=opened.text == "∏"))

    def _infinite(self) -> Node:
        token = self.now
        self.place += 1
        return Infinity(token.at)

    def _integral(self) -> Node:
        opened = self.now
        self.place += 1
        ends: dict[str, Node] = {}
        while self._is("_", "^"):
            sign = self.now.text
            ends[sign] = self._script()
        self.integrals += 1
        body = self._product()
        self.integrals -= 1
        density = self._density()
        self.place += density
        if self.now.kind != NAME or not self.now.text.startswith("d"):
            self.fail(f"the variable of the integral, as in dx, expected, got {self.now}")
        token = self.now
        if len(token.text) > 1:
            self.tokens[self.place] = replace(token, text=token.text[1:], at=token.at + 1)
        else:
            self.place += 1
        return Integral(opened.at, body, self._simple(), ends.get("_"), ends.get("^"), density > 0)

    def _derivative(self) -> Node:
        r"""Read ∂X/∂y, or ∂/∂y, ∂²/∂y², ∂²/∂y∂z with what they act on in brackets."""
        opened = self._expect("∂", "of a derivative")
        order = self._order()
        target = None if self._is("/") else self._simple()
        self._expect("/", "in a derivative")
        return self._derived(opened, target, self._variables("∂", order))

    def _is_derivative(self) -> bool:
        """Return whether a fraction is one of ∂ by ∂, or d by d of one letter."""
        if self.tokens[self.place + 1].text == "∂":
            return True
        raised = 4 * (self.tokens[self.place + 2].text == "^")
        above = [t.text for t in self.tokens[self.place : self.place + 2]] == ["{", "d"]
        below = [t.text for t in self.tokens[self.place + 2 + raised : self.place + 5 + raised]] == ["}", "{", "d"]
        return above and below and self.tokens[self.place + 5 + raised].kind == NAME

    def _derivative_fraction(self, opened: Token) -> Node:
        self._expect("{", "of a derivative")
        sign = self.now.text
        self.place += 1
        order = self._order()
        target = None if self._is("}") else self._simple()
        self._expect("}", "to close the derivative")
        self._expect("{", "under the line")
        variables = self._variables(sign, order)
        self._expect("}", "to close the derivative")
        # Under the line of a fraction, the last variable acts first.
        return self._derived(opened, target, variables[::-1])

    def _order(self) -> int:
        """Read the order of a derivative, the 2 of ∂²; one where none stands there."""
        if not self._is("^"):
            return 1
        at, order = self.now.at, self._script()
        if not (isinstance(order, Number) and order.text in ("1", "2", "3", "4")):
            self.fail("the order of a derivative is a whole number up to 4", at)
        return int(order.text)

    def _variables(self, sign: str, order: int) -> list[Node]:
        """Read what is differentiated by: y, or where the order is higher y² or y∂z."""
        found: list[Node] = []
        at = self.now.at
        while len(found) < order:
            self._expect(sign, "under the line of a derivative")
            variable, times = self._simple(), 1
            raised = variable.above if isinstance(variable, Name) else None
            if order > 1 and isinstance(variable, Name) and isinstance(raised, Number):
                variable, times = replace(variable, above=None), int(raised.text)
            elif order > 1:
                times = self._order()
            found += [variable] * times
        if len(found) > order:
            self.fail(f"a derivative of the order {order} expected, got {len(found)} variables", at)
        return found

    def _simple(self) -> Node:
        """Read what is differentiated, or by what: a name with its scripts."""
        if self._is("{"):
            self.place += 1
            inside = self._simple()
            self._expect("}", "to close the bracket")
            return inside
        length = self.names.phrase(self.tokens, self.place)
        if length:
            return self._primary()
        if self.now.kind != NAME:
            self.fail(f"a name expected in a derivative, got {self.now}")
        token = self.now
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        name = Name(token.at, token.text, primes)
        while self._is("_", "^"):
            below = self._is("_")
            name = replace(name, below=self._below()) if below else replace(name, above=self._script())
        return name

    def _derived(self, opened: Token, target: Node | None, variables: list[Node]) -> Node:
        operator = target is None
        if target is None:
            if self._ends():
                self.fail(f"what the derivative acts on expected, got {self.now}")
            target = self._primary()
        for variable in variables:
            target = Derivative(opened.at, target, variable, operator=operator)
        return target
