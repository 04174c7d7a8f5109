"""The covariance map of tanh against nested scipy.integrate.quad, at equal accuracy; the ratios are printed."""

import math
import time
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad

from numerics.maps import NumericalMaps
from numerics.maps.hermite import series
from numerics.phase import phase_diagram


def _nested(q: float, rho: float) -> float:
    """E[tanh(u1) tanh(u2)] by scipy, asked for twelve digits."""
    root, other = math.sqrt(q), math.sqrt((1 - rho) * (1 + rho) * q)
    norm = 1 / math.sqrt(2 * math.pi)

    def inner(z: float) -> float:
        mean = rho * root * z
        return quad(
            lambda y: math.tanh(mean + other * y) * math.exp(-0.5 * y * y) * norm, -9, 9, epsabs=1e-13, epsrel=1e-12
        )[0]

    return quad(
        lambda z: math.tanh(root * z) * inner(z) * math.exp(-0.5 * z * z) * norm, -9, 9, epsabs=1e-13, epsrel=1e-12
    )[0]


def _seconds(run: Callable[[], object], repeats: int) -> float:
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def _forget() -> None:
    series.cache_clear()


def test_tanh_covariance_is_twenty_times_faster_than_nested_quad() -> None:
    maps = NumericalMaps("tanh")
    q, rho = 1.5, np.linspace(-0.95, 0.95, 200)
    maps.covariance(q, 0.5)  # the activation's mesh is made once
    sample = rho[::50]
    nested = _seconds(lambda: [_nested(q, float(r)) for r in sample], 1) / len(sample)

    def one_length() -> object:
        _forget()
        return maps.covariance(q, rho)

    def other_lengths() -> object:
        _forget()
        return maps.covariance(np.linspace(1.0, 2.0, 20), 0.5)

    ours, alone = _seconds(one_length, 5) / len(rho), _seconds(other_lengths, 3) / 20
    difference = max(abs(float(maps.covariance(q, float(r)).value) - _nested(q, float(r))) for r in sample)
    print(f"\nnested quad {nested * 1e3:.1f} ms a point; differences at most {difference:.1e}")
    print(f"200 correlations at one q: {ours * 1e6:.1f} us a point, {nested / ours:.0f} times faster")
    print(f"every point at its own q:  {alone * 1e6:.0f} us a point, {nested / alone:.0f} times faster")
    assert difference < 1e-12
    assert nested / ours > 20


def test_phase_diagram_of_65536_points_in_ten_seconds() -> None:
    for name in ("tanh", "gelu"):
        seconds = _seconds(lambda: phase_diagram(name, points=256), 1)  # noqa: B023
        print(f"\nphase diagram of {name}, 256 x 256: {seconds:.1f} s")
        assert seconds < 10
