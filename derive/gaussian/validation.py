"""What the caller gave, as an expectation: shapes, signs and symmetry checked with an error that names the
value.
"""

from collections.abc import Mapping, Sequence

from sympy import Expr, Float, I, MatrixBase, Rational, S, Symbol, sympify, zoo

from derive.errors import InputError
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.law import Law, determinant
from derive.gaussian.parameters import Element, Parameters


def expectation_node(
    g: Expr,
    variables: Mapping[Symbol, tuple[Expr, Expr]] | Sequence[Symbol],
    mean: Sequence[Expr] | None,
    covariance: MatrixBase | Sequence[Sequence[Expr]] | None,
) -> GaussianExpectation:
    """The unevaluated expectation."""
    if not isinstance(g, Expr | int | float):
        raise InputError(f"g must be a SymPy expression, got {type(g).__name__}")
    if isinstance(variables, Mapping):
        if mean is not None or covariance is not None:
            raise InputError("mean and covariance must be left out when variables is a mapping to (mean, variance)")
        if not variables or not all(isinstance(v, Sequence) and len(v) == 2 for v in variables.values()):
            raise InputError("variables must map each variable to (mean, variance)")
        names = list(variables)
        mean = [m for m, _ in variables.values()]
        spread = [v for _, v in variables.values()]
        covariance = [[spread[i] if i == j else S.Zero for j in range(len(names))] for i in range(len(names))]
    else:
        names = list(variables)
        if covariance is None:
            raise InputError("covariance must be given with a sequence of variables")
        mean = [S.Zero] * len(names) if mean is None else list(mean)
        rows = covariance.tolist() if isinstance(covariance, MatrixBase) else [list(r) for r in covariance]
        covariance = rows
    return _checked(_exact(g), names, [_exact(m) for m in mean], [[_exact(c) for c in r] for r in covariance])


def _exact(e: Expr | int | float) -> Expr:
    """The expression with every float as the decimal that it shows: 0.1 is one tenth, and z**2.0 is z**2."""
    e = sympify(e)
    return e.xreplace({x: Rational(str(x)) for x in e.atoms(Float)})


def _checked(g: Expr, names: list[Symbol], mean: list[Expr], rows: list[list[Expr]]) -> GaussianExpectation:
    n = len(names)
    if len(set(names)) != n or not all(isinstance(v, Symbol) for v in names):
        raise InputError(f"variables must be distinct symbols, got {names}")
    for v in names:
        if v.is_positive or v.is_negative or v.is_integer or v.is_extended_real is False:
            raise InputError(f"variable {v} must range over all reals, got a symbol with narrower assumptions")
    if len(mean) != n:
        raise InputError(f"mean must have {n} entries, got {len(mean)}")
    if len(rows) != n or any(len(r) != n for r in rows):
        raise InputError(f"covariance must be {n} x {n}, got {len(rows)} x {[len(r) for r in rows]}")
    for entry in [*mean, *(c for r in rows for c in r)]:
        if entry.free_symbols & set(names):
            raise InputError(f"mean and covariance must not contain the variables, got {entry}")
        if entry.has(I, zoo, S.Infinity, S.NegativeInfinity, S.NaN) or entry.is_extended_real is False:
            raise InputError(f"mean and covariance must be finite and real, got {entry}")
    for i in range(n):
        if rows[i][i].is_negative:
            raise InputError(f"variance of {names[i]} must not be negative, got {rows[i][i]}")
        for j in range(i):
            if rows[i][j] != rows[j][i] and (rows[i][j] - rows[j][i]).expand() != 0:
                raise InputError(f"covariance must be symmetric, got {rows[j][i]} and {rows[i][j]}")
    for symbol in g.free_symbols:
        if symbol.is_extended_real is False:
            raise InputError(f"parameter {symbol} must be real")
    return GaussianExpectation.of(g, names, mean, rows)


def domain_of(node: GaussianExpectation, p: Parameters) -> tuple[Expr, ...]:
    """Positive variances and minors: what is not already known from the symbols' assumptions.

    Raises InputError for a covariance that is certainly not positive semi-definite.
    """
    law = Law(tuple(p.element(m) for m in node.mean), tuple(tuple(p.element(c) for c in r) for r in node.covariance))
    found: list[Expr] = []
    for indices, minor in _minors(law, p):
        sign = p.sign(minor)
        names = ", ".join(str(node.variables[i]) for i in indices)
        if sign == -1:
            what = f"variance of {names}" if len(indices) == 1 else f"determinant of the covariance of {names}"
            raise InputError(f"{what} must not be negative, got {p.expression(minor)}")
        if sign is None:
            new = p.declare_positive(minor)
            if new is not None:
                found.append(p.expression(new))
    return tuple(dict.fromkeys(found))


def _minors(law: Law, p: Parameters) -> list[tuple[tuple[int, ...], Element]]:
    """Principal minors of the covariance, small ones first."""
    n, C = law.dimension, law.covariance
    minors: list[tuple[tuple[int, ...], Element]] = [((i,), C[i][i]) for i in range(n)]
    minors += [((i, j), p.reduce(C[i][i] * C[j][j] - C[i][j] ** 2)) for i in range(n) for j in range(i + 1, n)]
    if n >= 3:
        minors.append((tuple(range(n)), p.reduce(determinant([list(r) for r in C], p))))
    return minors
