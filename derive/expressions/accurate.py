"""Functions that stand for forms that overflow or cancel in floats; `derive.expressions.stable` puts them in."""

from __future__ import annotations

from typing import Any, ClassVar

from sympy import Expr, Function, exp, pi, sqrt

from derive.gaussian.functions import NormalDensity


class StableFunction(Function):
    """A function with a name in `NAMES`; a printer may have a ``spelling`` of its own for it, such as numpy.tanh."""

    code: ClassVar[str]

    def _eval_is_extended_real(self) -> bool | None:
        # Real numbers have real values here: |u| has a slope for SymPy only where it knows that u is real.
        return True if all(a.is_extended_real for a in self.args) else None

    def _numpycode(self, printer: Any, **_: Any) -> str:
        spelling = getattr(printer, "spelling", {}).get(self.code)
        name = self.code if spelling is None else printer._module_format(spelling)
        return f"{name}({', '.join(map(printer._print, self.args))})"


class Logistic(StableFunction):
    """1/(1 + exp(-u)), whose slope is written without a quotient of exponentials."""

    code = "_logistic"

    def fdiff(self, argindex: int = 1) -> Expr:
        """σ(u) σ(-u)."""
        return Logistic(self.args[0]) * Logistic(-self.args[0])


class Softplus(StableFunction):
    """log(1 + exp(u))."""

    code = "_softplus"

    def fdiff(self, argindex: int = 1) -> Expr:
        """The logistic function."""
        return Logistic(self.args[0])


class Expm1(StableFunction):
    """exp(u) - 1."""

    code = "_expm1"

    def fdiff(self, argindex: int = 1) -> Expr:
        """exp(u)."""
        return exp(self.args[0])


class Tanh(StableFunction):
    """tanh(u), with slope sech²(u) = 4 σ(2u) σ(-2u) in place of 1 - tanh²(u)."""

    code = "_tanh"

    def fdiff(self, argindex: int = 1) -> Expr:
        """sech²(u)."""
        u = self.args[0]
        return 4 * Logistic(2 * u) * Logistic(-2 * u)


class Log1p(StableFunction):
    """log(1 + u)."""

    code = "_log1p"

    def fdiff(self, argindex: int = 1) -> Expr:
        """1/(1 + u)."""
        return 1 / (1 + self.args[0])


class LogCdf(StableFunction):
    """log Φ(u)."""

    code = "_log_ndtr"

    def fdiff(self, argindex: int = 1) -> Expr:
        """φ(u)/Φ(u)."""
        return sqrt(2 / pi) / Erfcx(-self.args[0] / sqrt(2))


class Erfcx(StableFunction):
    """exp(u²) erfc(u): 2 exp(v²/2) Φ(v) at u = -v/√2."""

    code = "_erfcx"

    def fdiff(self, argindex: int = 1) -> Expr:
        """2 u exp(u²) erfc(u) - 2/√π."""
        return 2 * self.args[0] * self - 2 / sqrt(pi)


class Cdf(StableFunction):
    """Φ(u)."""

    code = "_ndtr"

    def fdiff(self, argindex: int = 1) -> Expr:
        """φ(u)."""
        return NormalDensity(self.args[0])


class Root(StableFunction):
    """√(u² + b) for a number b > 0, without squaring u."""

    code = "_root"
    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        """u/√(u² + b)."""
        return self.args[0] / self


class PlusRoot(StableFunction):
    """u + √(u² + b) for a number b > 0, which cancels for a negative u."""

    code = "_plus_root"
    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        """(u + √(u² + b))/√(u² + b)."""
        return self / Root(*self.args)
