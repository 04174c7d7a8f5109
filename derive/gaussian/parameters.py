"""Exact arithmetic in the parameters: everything rational is an element of one field of fractions.

Means, covariances, thresholds and coefficients are rational in a few generators (the symbols, and whatever
else stands
still, such as exp(a)). Keeping them there makes equality exact, cancellation automatic and each operation
fast.
"""

from collections.abc import Iterable
from typing import Any

from sympy import QQ, Expr, Float, I, Integer, Mul, Pow, Rational, S, Symbol, factorint, sqrt
from sympy.polys.fields import FracField

from derive.errors import InputError
from derive.limits import Deadline
from derive.limits import check as check_limit

Element = Any  # an element of the field of fractions (sympy's FracElement)

MOST_TERMS_FACTORED = 120
"""A polynomial with more terms is shown expanded: factoring it can take minutes."""
PATIENCE = 1.9
"""Processor seconds that may be spent on a closed form."""


class TooLong(Exception):
    """The computation took longer than an answer may take."""


def new_deadline() -> Deadline:
    """When an answer begun now must be there."""
    return Deadline(PATIENCE)


class Parameters:
    """The field Q(i, p_1, ..., p_k) of the parameters found in `expressions`.

    A symbol that occurs under a square root is represented by its root, so that √q · √q = q is seen. The
    first generator
    is the imaginary unit, used by the characteristic function of sines and cosines.
    """

    def __init__(self, expressions: Iterable[Expr], *, deadline: Deadline | None = None) -> None:
        self.deadline = new_deadline() if deadline is None else deadline
        self.forms: dict[Any, Any] = {}
        self._calls = 0
        self._generators: list[Expr] = [I]
        self._squares: dict[Expr, Expr] = {I: Integer(-1)}
        self._rooted: set[Symbol] = set()
        for expression in expressions:
            self._collect(expression)
        self._generators = [sqrt(g) if isinstance(g, Symbol) and g in self._rooted else g for g in self._generators]
        self.field = FracField([f"g{n}" for n in range(len(self._generators))], QQ)
        self._index = {g: self.field.gens[n] for n, g in enumerate(self._generators)}
        self.zero, self.one, self.i = self.field.zero, self.field.one, self.field.gens[0]
        self._relations: list[tuple[int, Element]] = []
        # a root stands after those inside it
        for n, g in enumerate(self._generators):
            if g in self._squares:
                self._relations.append((n, self.element(self._squares[g])))
        self._positive: list[Any] = []
        self._signs: dict[Any, int | None] = {}
        self._factored: dict[Element, Expr] = {}
        self._roots: dict[Element, tuple[Element, Element]] = {}

    def _collect(self, e: Expr) -> None:
        """Note the generators of a constant expression."""
        if e.is_Rational or e.is_Float or e is I:
            return
        if e.is_Add or e.is_Mul:
            for part in e.args:
                self._collect(part)
        elif e.is_Pow and e.exp.is_Integer:
            self._collect(e.base)
        elif e.is_Pow and (2 * e.exp).is_Integer:
            self._collect_root(e.base)
        elif e not in self._generators:
            self._generators.append(e)

    def _collect_root(self, base: Expr) -> None:
        if isinstance(base, Symbol):
            self._rooted.add(base)
            if base not in self._generators:
                self._generators.append(base)
            return
        if not base.is_Rational:
            self._collect(base)
        for square in _prime_parts(base) if base.is_Rational else [base]:
            root = sqrt(square)
            if root not in self._squares:
                self._squares[root] = square
                self._generators.append(root)

    def element(self, e: Expr | int) -> Element:
        """The field element of a constant expression whose generators were declared."""
        e = S(e)
        if e.is_Rational:
            return self.field.domain_new(QQ(e.p, e.q)) * self.one
        if isinstance(e, Float):
            return self.element(Rational(str(e)))
        if e in self._index:
            return self._index[e]
        if isinstance(e, Symbol) and e in self._rooted:
            return self._index[sqrt(e)] ** 2
        if e.is_Add:
            return self.reduce(sum((self.element(x) for x in e.args), self.zero))
        if e.is_Mul:
            result = self.one
            for x in e.args:
                result = result * self.element(x)
            return self.reduce(result)
        if e.is_Pow and e.exp.is_Integer:
            base = self.element(e.base)
            if base == 0 and e.exp < 0:
                raise InputError(f"parameter must be finite, got a division by zero in {e}")
            return self.reduce(base ** int(e.exp))
        if e.is_Pow and (2 * e.exp).is_Integer:
            root = self.integer_root(e.base) if e.base.is_Rational else self._index[sqrt(e.base)]
            return self.reduce(root ** int(2 * e.exp))
        raise InputError(f"parameter must be built from declared symbols, got {e}")

    def knows(self, e: Expr) -> bool:
        """Whether e is one of the generators."""
        return e in self._index

    def integer_root(self, base: Rational) -> Element:
        """√base for a rational base, as a product of declared roots of primes."""
        outside, _ = integer_square_root(base.p * base.q)
        root = self.one * outside / int(base.q)
        for square in _prime_parts(base):
            root = root * self._index[sqrt(square)]
        return root

    def check_time(self) -> None:
        """Raise TooLong once the time for an answer is spent."""
        self._calls += 1
        # reading the clock can cost as much as the arithmetic between two looks at it
        if self._calls % 16 == 0:
            check_limit()
            if self.deadline.passed:
                raise TooLong

    def reduce(self, x: Element) -> Element:
        """Replace the square of each root generator (and of i) by what it stands for."""
        self.check_time()
        for n, square in self._relations:
            numerator, denominator = x.numer, x.denom
            if numerator.degree(n) > 1 or denominator.degree(n) > 1:
                x = self._fold(numerator, n, square) / self._fold(denominator, n, square)
        return x

    def _fold(self, polynomial: Any, n: int, square: Element) -> Element:
        result = self.zero
        root = self.field.gens[n]
        for monomial, coefficient in polynomial.terms():
            rest = list(monomial)
            power, rest[n] = rest[n], 0
            term = self.field.new(polynomial.ring.term_new(tuple(rest), coefficient))
            result = result + term * square ** (power // 2) * root ** (power % 2)
        return result

    def expression(self, x: Element) -> Expr:
        """The SymPy expression of a field element, as it stands."""
        return x.as_expr(*self._generators)

    def factored(self, x: Element) -> Expr:
        """The SymPy expression of a field element, factored where that is shorter, with a positive
        denominator.
        """
        if x not in self._factored:
            self.check_time()
            self._factored[x] = self._factor(x)
        return self._factored[x]

    def _factor(self, x: Element) -> Expr:
        above, below = x.numer, x.denom
        if below.is_ground:
            plain = self.expression(x)
            if len(above) <= 1:
                return plain
            scale = Rational(below.LC.numerator, below.LC.denominator)
            return _shorter(self._factored_polynomial(above) / scale, plain)
        if self.sign(self.field.new(below)) == -1:
            above, below = -above, -below
        parts = [_shorter(self._factored_polynomial(part), part.as_expr(*self._generators)) for part in (above, below)]
        return parts[0] / parts[1]

    def _factored_polynomial(self, polynomial: Any) -> Expr:
        """Declared positive polynomials such as 1 - ρ² first, then irreducible factors."""
        parts = []
        for known in self._positive:
            while not polynomial.is_ground:
                quotient, remainder = polynomial.div(known)
                if remainder != 0:
                    break
                polynomial = quotient
                parts.append(known.as_expr(*self._generators))
        large = len(polynomial) > MOST_TERMS_FACTORED
        content, factors = (1, [(polynomial, 1)]) if large else polynomial.factor_list()
        parts.append(Rational(content.numerator, content.denominator))
        parts += [p.as_expr(*self._generators) ** e for p, e in factors]
        return Mul(*parts)

    def split_complex(self, x: Element) -> tuple[Element, Element]:
        """Real and imaginary part (all other generators are real)."""
        x = self.reduce(x)
        if not self.is_complex(x):
            return x, self.zero
        if x.denom.degree(0) > 0:
            conjugate = self.conjugate(self.field.new(x.denom))
            x = self.reduce(self.reduce(self.field.new(x.numer) * conjugate) / self.reduce(x.denom * conjugate))
        real, imaginary = self.zero, self.zero
        for monomial, coefficient in x.numer.terms():
            term = self.field.new(x.numer.ring.term_new((0, *monomial[1:]), coefficient))
            if monomial[0]:
                imaginary += term
            else:
                real += term
        below = self.field.new(x.denom)
        return real / below, imaginary / below

    def conjugate(self, x: Element) -> Element:
        """Complex conjugate: i becomes -i."""
        if x.numer.degree(0) <= 0 and x.denom.degree(0) <= 0:
            return x
        return self._flip(x.numer) / self._flip(x.denom)

    def _flip(self, polynomial: Any) -> Element:
        result = self.zero
        for monomial, coefficient in polynomial.terms():
            result = result + self.field.new(
                polynomial.ring.term_new(monomial, -coefficient if monomial[0] % 2 else coefficient)
            )
        return result

    def is_complex(self, x: Element) -> bool:
        """Whether i occurs."""
        return bool(x.numer.degree(0) > 0 or x.denom.degree(0) > 0)

    # ---- signs and square roots
    # ---------------------------------------------------------------------------------

    def declare_positive(self, x: Element) -> Element | None:
        """Record that x > 0 throughout the domain (a variance, a determinant, an integrability condition).

        Returns the part of x whose sign was not known before, or None.
        """
        product = x.numer * x.denom
        if product.is_ground or self.sign(x) is not None:
            return None
        content, factors = product.factor_list()
        odd = [p for p, e in factors if e % 2]
        unknown = [p for p in odd if self.sign(self.field.new(p)) is None]
        sign = 1 if content > 0 else -1
        for p in odd:
            if p not in unknown:
                sign *= self.sign(self.field.new(p)) or 1
        if not unknown:
            return None
        whole = self.one
        for p in unknown:
            whole = whole * self.field.new(p)
        whole = whole * sign
        self._positive.append(whole.numer)
        self._signs = {p: s for p, s in self._signs.items() if s is not None}
        self._roots.clear()
        self._factored.clear()
        if len(unknown) == 1:
            self._signs[unknown[0]] = sign
        elif len(unknown) == 2:
            # (1 - ρ)(1 + ρ) > 0 and (1 - ρ) + (1 + ρ) = 2 > 0: both factors are positive
            p, q = unknown
            for flip in (1, -1):
                total = p * flip + q * flip * sign
                if total.is_ground and total.LC > 0:
                    self._signs[p], self._signs[q] = flip, flip * sign
        return whole

    def sign(self, x: Element) -> int | None:
        """+1, -1 or 0 where the sign follows from declared facts; None where it does not."""
        if x == 0:
            return 0
        product = x.numer * x.denom
        if product.is_ground:
            return 1 if product.LC > 0 else -1
        if product in self._signs:
            return self._signs[product]
        answer = self._known_sign(product)
        if answer is None:
            content, factors = product.factor_list()
            signs = [self._known_sign(p) for p, e in factors if e % 2]
            if None not in signs:
                answer = 1 if content > 0 else -1
                for s in signs:
                    answer *= s or 1
        self._signs[product] = answer
        return answer

    def _known_sign(self, polynomial: Any) -> int | None:
        if polynomial in self._signs:
            return self._signs[polynomial]
        for known in self._positive:
            ratio = polynomial.LC / known.LC
            if polynomial == known * ratio:
                return 1 if ratio > 0 else -1
        expression = polynomial.as_expr(*self._generators)
        if expression.is_positive:
            return 1
        return -1 if expression.is_negative else None

    def root(self, x: Element) -> tuple[Element, Element]:
        """(a, r) with √x = a √r, a > 0 where its sign is known, and r without the square factors of known
        sign.
        """
        x = self.reduce(x)
        if x not in self._roots:
            self._roots[x] = self._root(x)
        return self._roots[x]

    def _root(self, x: Element) -> tuple[Element, Element]:
        if x == 0:
            return self.zero, self.one
        outside, inside = self.one, self.one
        content = x.numer.LC / x.denom.LC
        a, b = integer_square_root(int(content.numerator) * int(content.denominator))
        outside = outside * a / int(content.denominator)
        inside = inside * b
        for polynomial, direction in ((x.numer, 1), (x.denom, -1)):
            for element, e in self._monic_factors(polynomial):
                power = e * direction
                sign = self.sign(element)
                if sign is None:
                    # √(p⁴) = p² needs no sign, √(p²) = |p| stays under the root
                    left = power % 4 if power % 2 == 0 else power
                    inside = inside * element**left
                    outside = outside * element ** ((power - left) // 2)
                    continue
                outside = outside * (element * sign) ** (power // 2)
                inside = inside * element ** (power % 2)
        return self._clear(outside, inside)

    def _monic_factors(self, polynomial: Any) -> list[tuple[Element, int]]:
        """Monic factors with multiplicity: declared positive polynomials (which may be reducible) first."""
        found: list[tuple[Element, int]] = []
        for known in self._positive:
            power = 0
            while not polynomial.is_ground:
                quotient, remainder = polynomial.div(known)
                if remainder != 0:
                    break
                polynomial, power = quotient, power + 1
            if power:
                found.append((self.field.new(known.monic()), power))
        if not polynomial.is_ground:
            found += [(self.field.new(p.monic()), e) for p, e in polynomial.factor_list()[1]]
        return found

    def _clear(self, outside: Element, inside: Element) -> tuple[Element, Element]:
        """Make the radicand a polynomial with integer coefficients without square content."""
        inside = self.reduce(inside)
        content, primitive = inside.numer.primitive()
        below_content, below = inside.denom.primitive()
        ratio = content / below_content
        a, b = integer_square_root(int(ratio.numerator) * int(ratio.denominator))
        return outside * a / int(ratio.denominator), self.field.new(primitive) / below * b


def _shorter(first: Expr, second: Expr) -> Expr:
    return first if first.count_ops() < second.count_ops() else second


def _prime_parts(base: Rational) -> list[Integer]:
    """The primes (and -1) under √base once its square factors are out."""
    _, inside = integer_square_root(base.p * base.q)
    return [Integer(p) for p in factorint(inside) if p != 1]


def integer_square_root(n: int) -> tuple[int, int]:
    """(a, b) with n = a² b, b free of squares, carrying the sign of n."""
    root = sqrt(Integer(abs(n)))
    if root.is_Integer:
        return int(root), 1 if n > 0 else -1
    coefficient, radical = root.as_coeff_Mul()
    radicand = int(radical**2) if isinstance(radical, Pow) or radical.is_Mul else 1
    return int(coefficient), radicand * (1 if n > 0 else -1)
