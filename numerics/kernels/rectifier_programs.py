"""The straight-line programs of the sample-variance step, generated from the derivation's profile.

`KAPPA m^2 + v^2 = s`, `x = v^2/s`, `t = sqrt(x)`, P by Horner's rule with coefficients scaled by c1, and

    u = c1 (1 - h) = (1 - t) (c1 - (t + x) c1 P)        no cancellation near m = 0, where it matters,
    v'^2 = v^2 ((c0 - c1) + u)                          a sum of positive terms,
    m'^2 = c0 m^2 + v^2 (c1 - u) + sigma_b2.

Constants that are not floats are pairs high + low; the low part is added to the small term, so that
the rounding of a constant costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import sympy as sp

from derive.errors import InputError
from numerics.activations import slopes
from numerics.maps.rectifier_profile import DIGITS, KAPPA, derived_profile, polynomial
from numerics.programs._runtime import LARGEST
from numerics.programs.straight_line import Builder, Program, Range

if TYPE_CHECKING:
    from derive.activations import Activation

TINY = 2.0**-1074  # the smallest positive float: added to s it makes 0/0 into 0, and changes subnormal numbers alone

m2, v2 = sp.symbols("m2 v2")
DOMAIN = tuple(Range(variance, 0.0, LARGEST) for variance in (m2, v2))


@dataclass(frozen=True)
class Parameters:
    """Leaky ReLU slope, gain sigma_w2 = N Var[W], and bias variance; floats stand for their exact value."""

    slope: float
    gain: float
    bias_variance: float

    def constants(self) -> tuple[Any, Any]:
        """(c0, c1) to `DIGITS` digits: v'^2 = v^2 (c0 - c1 h)."""
        with mpmath.workdps(DIGITS):
            return derived_profile().constants(sp.Rational(self.slope), sp.Rational(self.gain))


def rectifier_slope(activation: Activation) -> float | None:
    """Return a of f(s) = s for s > 0 and a s for s < 0, or None for another activation."""
    found = slopes(activation)
    if found is None or found[0] != 1:
        return None
    if not abs(found[1]) <= 1e6:
        raise InputError(f"activation's slope must be between -1e6 and 1e6, got {found[1]!r}")
    return found[1]


class _Writer:
    """A builder that holds the common beginning of the programs."""

    def __init__(self, parameters: Parameters) -> None:
        self.b = Builder((m2, v2))
        self.parameters = parameters
        self.c0, self.c1 = parameters.constants()
        self.linear = self.c1 == 0
        self.C0, self.C0_LOW = self.pair("C0", self.c0)
        self.C1, self.C1_LOW = self.pair("C1", self.c1)
        # v'^2 is then less than half of c0 v^2 near m = 0, and the roundings on the way to it are added back.
        self.delicate = self.c1 > self.c0 - self.c1
        if not self.linear:
            self._head()

    def pair(self, name: str, value: Any) -> tuple[sp.Symbol | sp.Integer, sp.Symbol | None]:
        """(high, low) constants; no low part for a float, and the number 1 itself for 1."""
        with mpmath.workdps(DIGITS):
            high = float(value)
            low = float(value - mpmath.mpf(high))
        symbol = sp.Integer(1) if high == 1.0 else self.b.constant(name, high)
        return symbol, self.b.constant(f"{name}_LOW", low) if low else None

    def plus_low(self, name: str, value: sp.Expr, low: sp.Symbol | None, factor: sp.Expr) -> sp.Expr:
        """The line value + low*factor a line of its own, or the value itself when there is no low part."""
        return value if low is None else self.b.let(name, value + low * factor)

    def _head(self) -> None:
        b = self.b
        km2 = b.let("km2", b.constant("KAPPA", KAPPA) * m2)
        total = b.let("total", v2 + km2)
        s = b.let("s", total + b.constant("TINY", TINY))
        self.x = b.let("x", v2 / s)
        self.t = b.let("t", sp.sqrt(self.x))
        with mpmath.workdps(DIGITS):
            scaled = [float(c * self.c1) for c in polynomial()[0]]
        symbols = [b.constant(f"P{k}", value) for k, value in enumerate(scaled)]
        p: sp.Expr = symbols[-1]
        for k in range(len(symbols) - 2, -1, -1):
            p = b.let(f"p{k}", p * self.x + symbols[k])
        self.p = p

    def complement(self) -> sp.Symbol:
        """The line u = c1 (1 - h)."""
        b = self.b
        tx = b.let("tx", self.t + self.x)
        txp = b.let("txp", tx * self.p)
        w = b.let("w", self.C1 - txp)
        d = b.let("d", 1 - self.t)
        if self.delicate:
            w_lost = b.let("w_lost", self.C1 - w)
            w_error = b.let("w_error", w_lost - txp)
            self.u_error = b.let("u_error", d * w_error)
        return b.let("u", d * w)

    def gained(self, u: sp.Symbol) -> sp.Symbol:
        """v^2 c1 h = v^2 (c1 - u): what moves from v^2 to m^2."""
        b = self.b
        # Where no other constant is rounded, a low part below 0.4 ulp costs less than its line.
        small = self.C1_LOW is None or (
            self.C0_LOW is None
            and not self.delicate
            and abs(self.c1 - mpmath.mpf(float(self.c1))) < 0.4 * math.ulp(float(self.c1))
        )
        lost = u if small else b.let("u_low", u - self.C1_LOW)
        c1h = b.let("c1h", self.C1 - lost)
        return b.let("moved", v2 * c1h)

    def maps(self) -> tuple[sp.Symbol, sp.Symbol]:
        """Lines for m'^2 and v'^2."""
        b = self.b
        if self.linear:
            v2_next = b.let("v2_next", self.plus_low("v_low", self.C0 * v2, self.C0_LOW, v2))
            m2_next = self.plus_low("m_low", self.C0 * m2, self.C0_LOW, m2)
            return self._with_bias(m2_next), v2_next
        self.u = self.complement()
        self.moved = self.gained(self.u)
        if self.C0_LOW is None and 2 * self.c1 <= self.c0 - self.c1:
            # The subtraction enlarges no error by more than a half, and one line replaces three.
            v2_next = b.let("v2_next", self.C0 * v2 - self.moved)
        else:
            v2_next = self._v2_from_factor()
        moved = self.plus_low("moved_low", self.moved, self.C0_LOW, m2)
        return self._with_bias(self.C0 * m2 + moved), v2_next

    def _v2_from_factor(self) -> sp.Symbol:
        b = self.b
        with mpmath.workdps(DIGITS):
            base, base_low = self.pair("BASE", self.c0 - self.c1)
        if self.delicate:
            factor, error = _two_sum(b, "factor", base, self.u)
            error = b.let("factor_error", error + self.u_error)
            error = error if base_low is None else b.let("factor_low", error + base_low)
            head = b.let("v2_head", v2 * factor)
            return b.let("v2_next", head + v2 * error)
        rest = self.u if base_low is None else b.let("u_base", self.u + base_low)
        factor = b.let("factor", base + rest)
        return b.let("v2_next", v2 * factor)

    def _with_bias(self, value: sp.Expr) -> sp.Symbol:
        bias = self.parameters.bias_variance
        if not bias:
            return self.b.let("m2_next", value)
        before = self.b.let("m2_sum", value)
        return self.b.let("m2_next", before + self.b.constant("BIAS", bias))


def step_program(parameters: Parameters) -> Program:
    """(m2, v2) -> (m2_next, v2_next)."""
    writer = _Writer(parameters)
    return writer.b.program(*writer.maps(), domain=DOMAIN)


def full_program(parameters: Parameters) -> Program:
    """(m2, v2) -> (m2_next, v2_next, rho_next, one_minus_rho_next).

    1 - rho' = v^2 (c0 - c1 h)/c0 / (m^2 + v^2 + sigma_b2/c0). The denominator is summed with its rounding
    errors (Knuth's two-sum), and so is the numerator's bracket, because the quotient adds up every error.
    """
    writer = _Writer(parameters)
    m2_next, v2_next = writer.maps()
    b = writer.b
    with mpmath.workdps(DIGITS):
        base = (writer.c0 - writer.c1) / writer.c0
        inverse, bias = 1 / writer.c0, mpmath.mpf(parameters.bias_variance) / writer.c0
    q, error = _two_sum(b, "q", m2, v2)
    moved: sp.Expr = sp.Integer(0)
    high: sp.Expr = sp.Integer(1)
    if writer.linear:
        low: sp.Expr = sp.Integer(0)
    else:
        INVERSE, _ = writer.pair("INVERSE", inverse)
        BASE, BASE_LOW = writer.pair("RATIO", base)
        scaled = writer.u if INVERSE == 1 else b.let("u_scaled", INVERSE * writer.u)
        high, low = _two_sum(b, "ratio", BASE, scaled)
        low = low if BASE_LOW is None else b.let("ratio_low", low + BASE_LOW)
        if writer.delicate:
            low = b.let("ratio_error", low + INVERSE * writer.u_error)
        moved = writer.moved if INVERSE == 1 else b.let("moved_scaled", INVERSE * writer.moved)
    mean = b.let("mean", m2 + moved)
    if bias:
        BIAS, BIAS_LOW = writer.pair("SHIFT", bias)
        q, error_bias = _two_sum(b, "qb", q, BIAS)
        error = b.let("error", error + error_bias)
        error = error if BIAS_LOW is None else b.let("error_low", error + BIAS_LOW)
        mean = b.let("mean_bias", mean + BIAS)
    relative = b.let("relative", error / q)
    z = b.let("z", v2 / q)
    correction = b.let("correction", low - high * relative)
    tail = b.let("tail", z * correction)
    product: sp.Expr = z
    if not writer.linear:
        product, rounding = _two_product(b, "product", z, high)
        tail = b.let("tail_product", tail + rounding)
    one_minus_rho = b.let("one_minus_rho_next", product + tail)
    y = b.let("y", mean / q)
    rho = b.let("rho_next", y - y * relative)
    return b.program(m2_next, v2_next, rho, one_minus_rho, domain=DOMAIN)


def _two_sum(b: Builder, name: str, left: sp.Expr, right: sp.Expr) -> tuple[sp.Symbol, sp.Symbol]:
    """(sum, its rounding error), exactly, whichever is larger (Knuth, TAOCP 2, 4.2.2)."""
    total = b.let(name, left + right)
    virtual = b.let(f"{name}_v", total - left)
    rest = b.let(f"{name}_r", total - virtual)
    left_error = b.let(f"{name}_a", left - rest)
    right_error = b.let(f"{name}_b", right - virtual)
    return total, b.let(f"{name}_e", left_error + right_error)


def _two_product(b: Builder, name: str, left: sp.Symbol, right: sp.Symbol) -> tuple[sp.Symbol, sp.Symbol]:
    """(product, its rounding error), exactly but for underflow (Dekker 1971), of factors below 2."""
    SPLIT = b.constant("SPLIT", 2.0**27 + 1.0)
    halves = []
    for side, factor in (("l", left), ("r", right)):
        scaled = b.let(f"{name}_{side}s", SPLIT * factor)
        excess = b.let(f"{name}_{side}e", scaled - factor)
        high = b.let(f"{name}_{side}h", scaled - excess)
        halves.append((high, b.let(f"{name}_{side}t", factor - high)))
    (lh, lt), (rh, rt) = halves
    product = b.let(name, left * right)
    error = b.let(f"{name}_0", lh * rh - product)
    for i, (x, y) in enumerate(((lh, rt), (lt, rh), (lt, rt)), start=1):
        error = b.let(f"{name}_{i}", error + x * y)
    return product, error


def increment_program(parameters: Parameters) -> Program:
    """(m2, v2) -> (m'^2 - m^2, v'^2 - v^2), each to a few ulps of its largest term, for `iterate`.

    h = t (1 + (1 - x) P) directly: deep down h is small, and here its relative error counts.
    """
    writer = _Writer(parameters)
    b = writer.b
    with mpmath.workdps(DIGITS):
        excess = float(writer.c0 - 1)
    growth: tuple[sp.Expr, sp.Expr] = (sp.Integer(0), sp.Integer(0))
    if excess:
        EXCESS = b.constant("EXCESS", excess)
        growth = (b.let("m2_growth", EXCESS * m2), b.let("v2_growth", EXCESS * v2))
    moved: sp.Expr = sp.Integer(0)
    if not writer.linear:
        y = b.let("y", 1 - writer.x)
        ratio = b.let("ratio", writer.C1 + y * writer.p)
        c1h = b.let("c1h", writer.t * ratio)
        moved = b.let("moved", v2 * c1h)
    m2_change = b.let("m2_change", growth[0] + moved)
    if parameters.bias_variance:
        m2_change = b.let("m2_change_bias", m2_change + b.constant("BIAS", parameters.bias_variance))
    return b.program(m2_change, b.let("v2_change", growth[1] - moved))
