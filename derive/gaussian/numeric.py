"""Numbers for Φ, φ, Owen's T and Φ₂ in any mpmath context (`mpmath.mp` for many digits, `mpmath.fp` for
floats).

They are computed from the defining integrals, so that they are a check on the closed forms and not a copy
of them.
"""

from typing import Any


def phi(ctx: Any, x: Any) -> Any:
    """Φ(x) = erfc(-x/√2)/2, for real or complex x."""
    return ctx.erfc(-x / ctx.sqrt(2)) / 2


def density(ctx: Any, x: Any) -> Any:
    """φ(x) = exp(-x²/2)/√(2π)."""
    return ctx.exp(-x * x / 2) / ctx.sqrt(2 * ctx.pi)


def owens_t(ctx: Any, h: Any, a: Any) -> Any:
    """T(h, a) = (1/2π) ∫_0^a exp(-h²(1 + x²)/2)/(1 + x²) dx; for |a| > 1 through T(ah, 1/a) (Owen 1956, eq.
    2.3).
    """
    h = abs(h)
    if a < 0:
        return -owens_t(ctx, h, -a)
    if a > 1:
        p, q = phi(ctx, h), phi(ctx, a * h)
        return (p + q) / 2 - p * q - owens_t(ctx, a * h, 1 / a)
    return ctx.quad(lambda x: ctx.exp(-h * h * (1 + x * x) / 2) / (1 + x * x), [0, a], method="gauss-legendre") / (
        2 * ctx.pi
    )


def bivariate_cdf(ctx: Any, h: Any, k: Any, rho: Any) -> Any:
    """Φ₂(h, k; ρ) = Φ(h)Φ(k) + (1/2π) ∫_0^{asin ρ} exp(-(h² - 2hk sin t + k²)/(2 cos² t)) dt (Plackett
    1954).
    """
    if rho >= 1:
        return phi(ctx, min(h, k))
    if rho <= -1:
        return max(ctx.zero, phi(ctx, h) + phi(ctx, k) - 1)
    tail = ctx.quad(
        lambda t: ctx.exp(-(h * h - 2 * h * k * ctx.sin(t) + k * k) / (2 * ctx.cos(t) ** 2)),
        [0, ctx.asin(rho)],
        method="gauss-legendre",
    )
    return phi(ctx, h) * phi(ctx, k) + tail / (2 * ctx.pi)
