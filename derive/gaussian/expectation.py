"""E[g(z)] with z ~ N(m, C), as an expression that names its variables and its law."""

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Symbol, Tuple, sympify


class GaussianExpectation(Expr):
    r"""E[g(z)] for a Gaussian vector z, unevaluated; the variables are bound.

    >>> from sympy.abc import z, m, v
    >>> GaussianExpectation.of(z**2, (z,), (m,), ((v,),))
    E[z**2; z ~ N(m, v)]
    """

    is_commutative = True
    is_extended_real = True

    @classmethod
    def of(
        cls,
        integrand: Expr,
        variables: Sequence[Symbol],
        mean: Sequence[Expr],
        covariance: Sequence[Sequence[Expr]],
    ) -> "GaussianExpectation":
        """The expectation of `integrand` over `variables` with this mean and covariance."""
        rows = Tuple(*(Tuple(*map(sympify, row)) for row in covariance))
        return cls(sympify(integrand), Tuple(*variables), Tuple(*map(sympify, mean)), rows)

    @property
    def integrand(self) -> Expr:
        """g, the function of the variables."""
        return self.args[0]

    @property
    def variables(self) -> tuple[Symbol, ...]:
        """The Gaussian variables."""
        return tuple(self.args[1])

    @property
    def mean(self) -> tuple[Expr, ...]:
        """Mean of each variable."""
        return tuple(self.args[2])

    @property
    def covariance(self) -> tuple[tuple[Expr, ...], ...]:
        """Covariance, row by row."""
        return tuple(tuple(row) for row in self.args[3])

    @property
    def bound_symbols(self) -> list[Symbol]:
        """The variables stand for nothing outside."""
        return list(self.args[1])

    @property
    def free_symbols(self) -> set[Symbol]:
        """The parameters."""
        inside = self.integrand.free_symbols - set(self.variables)
        return inside | self.args[2].free_symbols | self.args[3].free_symbols

    def _eval_subs(self, old: Expr, new: Expr) -> Expr | None:
        return self if old in self.variables else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.integrand.is_nonnegative else None

    def _law(self, show: Any) -> tuple[str, str, str]:
        names = ", ".join(show(v) for v in self.variables)
        if len(self.variables) == 1:
            return names, show(self.mean[0]), show(self.covariance[0][0])
        mean = ", ".join(show(m) for m in self.mean)
        rows = "; ".join(", ".join(show(c) for c in row) for row in self.covariance)
        return names, f"[{mean}]", f"[{rows}]"

    def _sympystr(self, printer: Any) -> str:
        names, mean, covariance = self._law(printer._print)
        return f"E[{printer._print(self.integrand)}; {names} ~ N({mean}, {covariance})]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        show = printer._print
        names = ", ".join(show(v) for v in self.variables)
        if len(self.variables) == 1:
            law = f"{show(self.mean[0])}, {show(self.covariance[0][0])}"
        else:
            column = r"\\ ".join(show(m) for m in self.mean)
            mean = rf"\left(\begin{{smallmatrix}}{column}\end{{smallmatrix}}\right)" if any(self.mean) else "0"
            rows = r"\\ ".join(" & ".join(show(c) for c in row) for row in self.covariance)
            law = rf"{mean}, \left(\begin{{smallmatrix}}{rows}\end{{smallmatrix}}\right)"
        power = f"^{{{exp}}}" if exp else ""
        return (
            rf"\mathbb{{E}}_{{{names} \sim \mathcal{{N}}\left({law}\right)}}"
            rf"\left[{show(self.integrand)}\right]{power}"
        )
