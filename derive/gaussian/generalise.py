"""The numbers of an expectation as parameters: the same expectation with symbols for them, to be derived once.

So is a variance that is a sum of others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from string import ascii_lowercase

from sympy import Basic, Dict, Rational, Symbol
from sympy.polys.rootoftools import ComplexRootOf

from derive.gaussian.expectation import GaussianExpectation

Kept = Callable[[Rational], bool]

VARIANCE = Symbol("q", positive=True)
LARGEST_ORDINARY = 10
FINEST_ORDINARY = 1000


@dataclass(frozen=True)
class General:
    """An expectation with positive symbols in place of numbers or of a sum, and these."""

    node: GaussianExpectation
    values: Dict


def ordinary_in_law(x: Rational) -> bool:
    """Whether a mean or covariance is of ordinary size, and not a hair's breadth from another one that is."""
    return bool(abs(x) <= LARGEST_ORDINARY and x.q <= FINEST_ORDINARY)


def ordinary_in_integrand(x: Rational) -> bool:
    """Whether a threshold, rate or coefficient is of ordinary size."""
    return x == 0 or bool(Rational(1, FINEST_ORDINARY) <= abs(x) <= LARGEST_ORDINARY)


def structural(x: Rational) -> bool:
    """Whether a number of the law is one that decides which form the answer has: 0, 1 and -1."""
    return x in (-1, 0, 1)


def generalised(node: GaussianExpectation, kept_in_law: Kept = ordinary_in_law) -> General | None:
    """The expectation with the numbers that are not kept as positive symbols; None where all are kept.

    One number is one symbol, and its negative the negative of it, so that a threshold at the mean stays there.

    >>> from sympy import Symbol, cos
    >>> x = Symbol("x", real=True)
    >>> generalised(GaussianExpectation.of(cos(3*x), (x,), (0,), ((10**6,),))).node
    E[cos(3*x); x ~ N(0, a)]
    """
    names = _Names(node.free_symbols | set(node.variables))
    covariance = tuple(tuple(names.put_in(c, kept_in_law) for c in row) for row in node.covariance)
    mean = tuple(names.put_in(m, kept_in_law) for m in node.mean)
    integrand = names.put_in(node.integrand, ordinary_in_integrand)
    if not names.given:
        return None
    made = GaussianExpectation.of(integrand, node.variables, mean, covariance)
    return General(made, Dict({symbol: number for number, symbol in names.given.items()}))


def with_named_variance(node: GaussianExpectation) -> General | None:
    """The expectation over one variable with a symbol for a variance that is a sum; None for another one.

    >>> from sympy import Symbol, cos, symbols
    >>> x, (m, v) = Symbol("x", real=True), symbols("m v", positive=True)
    >>> with_named_variance(GaussianExpectation.of(cos(x), (x,), (0,), ((m**2 + v**2,),))).node
    E[cos(x); x ~ N(0, q)]
    """
    (first, *others) = (c for row in node.covariance for c in row)
    if others or not (first.is_Add and first.is_positive) or VARIANCE in node.free_symbols | set(node.variables):
        return None
    if first.free_symbols & (node.integrand.free_symbols | node.mean[0].free_symbols):
        return None
    return General(
        GaussianExpectation.of(node.integrand, node.variables, node.mean, ((VARIANCE,),)), Dict({VARIANCE: first})
    )


@dataclass
class _Names:
    taken: set[Symbol]
    given: dict[Rational, Symbol] = field(default_factory=dict)

    def __post_init__(self) -> None:
        written = {s.name for s in self.taken}
        self.free: Iterator[str] = (n for n in _names() if n not in written)

    def put_in(self, e: Basic, kept: Kept) -> Basic:
        """The expression with symbols for numbers; exponents and what is no number of its own stay."""
        if e.is_Rational:
            return e if kept(e) else self._symbol(abs(e)) * (1 if e > 0 else -1)
        if not e.args or isinstance(e, ComplexRootOf):
            return e
        if e.is_Pow and e.exp.is_Rational:
            return self.put_in(e.base, kept) ** e.exp
        parts = tuple(self.put_in(a, kept) for a in e.args)
        return e.func(*parts) if parts != e.args else e

    def _symbol(self, size: Rational) -> Symbol:
        if size not in self.given:
            self.given[size] = Symbol(next(self.free), positive=True)
        return self.given[size]


def _names() -> Iterator[str]:
    yield from (c for c in ascii_lowercase if c not in "eijkxyz")
    yield from (f"a{n}" for n in count(1))
