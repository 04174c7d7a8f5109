"""Numbers that nothing here computes: published kernels and expansions, in mpmath at 50 digits."""

from collections.abc import Callable
from typing import Any

import mpmath

mpf = mpmath.mpf
DIGITS = 60


def relu(q: Any, rho: Any) -> Any:
    """Cho & Saul 2009, equation 6, half of it: E[relu(u1) relu(u2)]."""
    angle = mpmath.acos(rho)
    return q * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)


def step(q: Any, rho: Any) -> Any:
    """Cho & Saul 2009, n = 0: E[step(u1) step(u2)] = (π - θ)/(2π)."""
    return (mpmath.pi - mpmath.acos(rho)) / (2 * mpmath.pi)


def sign(q: Any, rho: Any) -> Any:
    """Sheppard 1899: E[sign sign] = (2/π) asin ρ."""
    return 2 * mpmath.asin(rho) / mpmath.pi


def squared_relu(q: Any, rho: Any) -> Any:
    """Cho & Saul 2009, n = 2: (3 sin θ cos θ + (π - θ)(1 + 2 cos² θ)) q²/(2π)."""
    t = mpmath.acos(rho)
    value = 3 * mpmath.sin(t) * mpmath.cos(t) + (mpmath.pi - t) * (1 + 2 * mpmath.cos(t) ** 2)
    return q * q * value / (2 * mpmath.pi)


def erf(q: Any, rho: Any) -> Any:
    """Williams 1997, equation 11, with no bias: (2/π) asin(2c/(1 + 2q))."""
    return 2 * mpmath.asin(2 * rho * q / (1 + 2 * q)) / mpmath.pi


def sine(q: Any, rho: Any) -> Any:
    """By the characteristic function: exp(-q) sinh(ρq)."""
    return mpmath.exp(-q) * mpmath.sinh(rho * q)


def exponential(q: Any, rho: Any) -> Any:
    """By the moment generating function: exp(q + ρq)."""
    return mpmath.exp(q + rho * q)


def gelu(q: Any, rho: Any) -> Any:
    """Tsuchida et al. 2021, the kernel of GELU without bias, at equal variances."""
    c = rho * q
    delta = mpmath.sqrt((1 + q) ** 2 - c * c)
    angle = mpmath.asin(c / (1 + q))
    smooth = (q * q * (1 + q) - q * c * c + c * c) / ((1 + q) * delta) / (2 * mpmath.pi)
    return c / 4 + c * angle / (2 * mpmath.pi) + smooth


KERNELS: dict[str, Callable[[Any, Any], Any]] = {
    "relu": relu,
    "step": step,
    "sign": sign,
    "squared-relu": squared_relu,
    "erf": erf,
    "sin": sine,
    "exp": exponential,
    "gelu": gelu,
}


def expectation(g: Callable[[Any], Any], q: float, *, scale: float = 1.0) -> Any:
    """E[g(s)], s ~ N(0, q), by mpmath's tanh-sinh on intervals that grow from the activation's scale to 14 √q."""
    with mpmath.workdps(30):
        variance = mpf(q)
        root = mpmath.sqrt(variance)
        edges = [mpf(0)]
        width = min(root / 2, mpf(scale))
        while edges[-1] < 14 * root:
            edges.append(edges[-1] + width)
            width = max(width, edges[-1] / 2)
        whole = [-e for e in edges[:0:-1]] + edges
        density = 1 / (root * mpmath.sqrt(2 * mpmath.pi))
        return mpmath.quad(
            lambda s: g(s) * mpmath.exp(-s * s / (2 * variance)) * density, whole, method="gauss-legendre"
        )


def relative(found: float, truth: Any) -> float:
    """|found - truth|/|truth|."""
    return float(abs(mpf(found) - truth) / abs(truth)) if truth != 0 else float(abs(found))
