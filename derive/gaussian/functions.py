"""The functions in which Gaussian expectations are written: Φ, φ, Owen's T and the bivariate normal CDF.

Each has derivatives, exact special values, `evalf` to any precision through mpmath, and prints as the field
writes it.
"""

from typing import Any

import mpmath
from sympy import Abs, Expr, Function, Rational, S, atan, erf, erfc, exp, pi, sqrt
from sympy.core.function import ArgumentIndexError

from derive.gaussian import numeric

_MOST_BITS = 20_000


class _NormalFunction(Function):
    """Shared numeric evaluation and printing: `_numeric` names the function of `numeric` that defines the value."""

    _numeric: Any

    def _eval_evalf(self, prec: int) -> Expr | None:
        """The value to `prec` bits: the arguments get more digits until the value agrees with the last."""
        bits, before, numbers = prec + 20, None, self._numbers(prec + 20)
        while numbers is not None:
            finer = self._numbers(2 * bits)
            with mpmath.workprec(prec + 10):
                value = type(self)._numeric(mpmath.mp, *numbers)
                same = before is not None and abs(value - before) <= mpmath.mpf(2) ** (-prec - 4) * abs(value)
            if same or numbers == finer or bits > _MOST_BITS:
                return Expr._from_mpmath(value, prec)
            bits, before, numbers = 2 * bits, value, finer
        return None

    def _numbers(self, bits: int) -> list[Any] | None:
        """The arguments as numbers of mpmath, or None when one of them is symbolic."""
        numbers = [value.evalf(mpmath.libmp.prec_to_dps(bits) + 5) for value in self.args]
        return [n._to_mpmath(bits + 20) for n in numbers] if all(n.is_number for n in numbers) else None

    def _called(self, printer: Any, name: str) -> str:
        """A call of a function by its full name, which the printer imports."""
        return f"{printer._module_format(name)}({', '.join(map(printer._print, self.args))})"


class _RealFunction(_NormalFunction):
    """A function of real arguments, which no library but SciPy has, if any."""

    _own: str

    def _numbers(self, bits: int) -> list[Any] | None:
        numbers = super()._numbers(bits)
        return None if numbers is None or any(isinstance(n, mpmath.mpc) for n in numbers) else numbers

    def _eval_is_extended_real(self) -> bool | None:
        return True if all(x.is_extended_real for x in self.args) else None

    def _pythoncode(self, printer: Any, **_: Any) -> str:
        return self._called(printer, f"derive.gaussian.numeric.float_{self._own}")

    def _mpmathcode(self, printer: Any, **_: Any) -> str:
        return self._called(printer, f"derive.gaussian.numeric.mp_{self._own}")


class Phi(_NormalFunction):
    r"""The standard normal distribution function, Φ(x) = (1 + erf(x/√2))/2.

    >>> Phi(0), Phi(1).evalf(10)
    (1/2, 0.8413447461)
    """

    nargs = 1
    _numeric = staticmethod(numeric.phi)

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """Exact values at 0 and at infinity."""
        if x.is_zero:
            return S.Half
        if x is S.Infinity:
            return S.One
        return S.Zero if x is S.NegativeInfinity else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """Φ'(x) = φ(x)."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return NormalDensity(self.args[0])

    def _eval_rewrite_as_erf(self, x: Expr, **_: Any) -> Expr:
        return (1 + erf(x / sqrt(2))) / 2

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _code(self, printer: Any, **_: Any) -> Any:
        # 1 + erf would be 0 in the tail; evaluated, erfc(-u) becomes 2 - erfc(u), which is worse.
        return f"({printer._print(S.Half)}*{printer._print(erfc(-self.args[0] / sqrt(2), evaluate=False))})"

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return self._called(printer, "scipy.special.ndtr")

    def _mpmathcode(self, printer: Any, **_: Any) -> str:
        return self._called(printer, "derive.gaussian.numeric.mp_phi")

    _pythoncode = _ccode = _code

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\Phi{power}\left({printer._print(self.args[0])}\right)"


class NormalDensity(_NormalFunction):
    r"""The standard normal density, φ(x) = exp(-x²/2)/√(2π).

    >>> NormalDensity(0)
    sqrt(2)/(2*sqrt(pi))
    """

    nargs = 1
    _numeric = staticmethod(numeric.density)

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """Exact value at 0."""
        return 1 / sqrt(2 * pi) if x.is_zero else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """φ'(x) = -x φ(x)."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return -self.args[0] * self

    def _eval_rewrite_as_exp(self, x: Expr, **_: Any) -> Expr:
        return exp(-(x**2) / 2) / sqrt(2 * pi)

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _code(self, printer: Any, **_: Any) -> Any:
        return f"({printer._print(self.rewrite(exp))})"

    _numpycode = _mpmathcode = _pythoncode = _ccode = _code

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\varphi{power}\left({printer._print(self.args[0])}\right)"


class OwensT(_RealFunction):
    r"""Owen's T: T(h, a) = (1/2π) ∫_0^a exp(-h²(1 + x²)/2)/(1 + x²) dx (Owen 1956).

    >>> OwensT(0, 1), OwensT(1, 2).evalf(10)
    (1/8, 0.07846818699)
    """

    nargs = 2
    _numeric = staticmethod(numeric.owens_t)
    _own = "owens_t"

    @classmethod
    def eval(cls, h: Expr, a: Expr) -> Expr | None:
        """T(h, 0) = 0, T(0, a) = atan(a)/2π, T(h, ∞) = Φ(-|h|)/2; even in h, odd in a."""
        if a.is_zero or h in (S.Infinity, S.NegativeInfinity):
            return S.Zero
        if h.is_zero:
            return atan(a) / (2 * pi)
        if a is S.Infinity:
            return Phi(-Abs(h)) / 2
        if h.could_extract_minus_sign():
            return cls(-h, a)
        return -cls(h, -a) if a.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """∂T/∂h = -φ(h)(Φ(ah) - 1/2); ∂T/∂a = exp(-h²(1 + a²)/2)/(2π(1 + a²))."""
        h, a = self.args
        if argindex == 1:
            return -NormalDensity(h) * (Phi(a * h) - S.Half)
        if argindex == 2:
            return exp(-(h**2) * (1 + a**2) / 2) / (2 * pi * (1 + a**2))
        raise ArgumentIndexError(self, argindex)

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return self._called(printer, "scipy.special.owens_t")

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"T{power}\left({', '.join(printer._print(x) for x in self.args)}\right)"


class BivariateNormalCDF(_RealFunction):
    r"""Φ₂(h, k; ρ) = P(X ≤ h, Y ≤ k) for standard normal X, Y of correlation ρ.

    At h = k = 0 it is 1/4 + asin(ρ)/2π (Sheppard 1899).

    >>> BivariateNormalCDF(0, 0, Rational(1, 2)), BivariateNormalCDF(1, 2, 0).evalf(10)
    (1/3, 0.8222040421)
    """

    nargs = 3
    _numeric = staticmethod(numeric.bivariate_cdf)
    _own = "bivariate_cdf"

    @classmethod
    def eval(cls, h: Expr, k: Expr, rho: Expr) -> Expr | None:
        """Independence, thresholds at the mean or infinite, and the order of the arguments."""
        from sympy import asin

        if S.NegativeInfinity in (h, k):
            return S.Zero
        if S.Infinity in (h, k):
            return Phi(k if h is S.Infinity else h)
        if rho.is_zero:
            return Phi(h) * Phi(k)
        if h.is_zero and k.is_zero:
            return Rational(1, 4) + asin(rho) / (2 * pi)
        return cls(k, h, rho) if h.sort_key() > k.sort_key() else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """∂Φ₂/∂h = φ(h)Φ((k - ρh)/√(1-ρ²)); ∂Φ₂/∂ρ is the joint density at (h, k) (Plackett 1954)."""
        h, k, rho = self.args
        spread = sqrt(1 - rho**2)
        if argindex == 1:
            return NormalDensity(h) * Phi((k - rho * h) / spread)
        if argindex == 2:
            return NormalDensity(k) * Phi((h - rho * k) / spread)
        if argindex == 3:
            return exp(-(h**2 - 2 * rho * h * k + k**2) / (2 * (1 - rho**2))) / (2 * pi * spread)
        raise ArgumentIndexError(self, argindex)

    def _numpycode(self, printer: Any, **_: Any) -> str:
        function = printer._module_format("derive.gaussian.numeric.float_bivariate_cdf")
        arguments = ", ".join(map(printer._print, self.args))
        return f"{printer._module_format('numpy.vectorize')}({function}, otypes='d')({arguments})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        h, k, rho = (printer._print(x) for x in self.args)
        return rf"\Phi_{{2}}{power}\left({h}, {k}; {rho}\right)"
