"""Write sample_variance_depth.json: m^2 and v^2 down to layer 10^6, in 40-digit arithmetic.

Independent of the package: it iterates the recursion in its printed form, q' - sigma_w^2 K(m, v), with the
arc-cosine form of K (Cho & Saul 2009, order 1), and pays for the cancellation with digits.
v^2/m^2 is 1e-11 at the end, so 40 digits leave more than 25.  It takes a few minutes:

    python tests/oracles/sample_variance_depth.py
"""

from __future__ import annotations

import json
from pathlib import Path

import mpmath

DIGITS = 40
LAYERS = sorted({*range(1, 11), *(d * 10**k for k in range(1, 6) for d in (1, 2, 5)), 10**6})
CASES = {
    # name: slope, gain, bias variance, and (m^2, v^2) at layer 0; floats mean their exact binary value
    "relu": (0.0, 2.0, 0.0, (0.0, 1.0)),
    "leaky-relu(0.2)": (0.2, 2.0 / 1.04, 0.0, (0.0, 1.0)),
}


def curve(slope: float, gain: float, bias: float, start: tuple[float, float]) -> list[list[object]]:
    """[layer, m^2, v^2] at each of LAYERS."""
    mpf = mpmath.mpf
    g, b = mpf(gain), mpf(bias)
    odd, even = ((1 + mpf(slope)) / 2) ** 2, ((1 - mpf(slope)) / 2) ** 2
    m2, v2 = mpf(start[0]), mpf(start[1])
    rows: list[list[object]] = []
    for layer in range(1, LAYERS[-1] + 1):
        q = m2 + v2
        absolute = (mpmath.sqrt(q * q - m2 * m2) + m2 * mpmath.asin(m2 / q)) * 2 / mpmath.pi
        m2 = g * (odd * m2 + even * absolute) + b
        v2 = g * (odd + even) * q + b - m2
        if layer in LAYERS:
            rows.append([layer, mpmath.nstr(m2, 25), mpmath.nstr(v2, 25)])
    return rows


def main() -> None:
    """Run every case and write the file."""
    with mpmath.workdps(DIGITS):
        cases = {
            name: {"slope": a, "gain": g, "bias_variance": b, "start": start, "rows": curve(a, g, b, start)}
            for name, (a, g, b, start) in CASES.items()
        }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"digits": DIGITS, "cases": cases}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
