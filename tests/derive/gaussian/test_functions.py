"""The special functions: values, derivatives, exact cases, printing."""

import shutil
import subprocess
from pathlib import Path

import mpmath
import pytest
from scipy import special, stats
from sympy import Rational, Symbol, ccode, diff, latex, pi, sqrt, symbols

from derive.gaussian import BivariateNormalCDF, NormalDensity, OwensT, Phi

# Patefield & Tandy 2000, J. Stat. Softw. 5(5), table of test values
OWENS_T = [
    (0.0625, 0.25, 3.8911930234701366e-02),
    (6.5, 0.4375, 2.0005773048508315e-11),
    (7.0, 0.96875, 6.3990627193898685e-13),
    (4.78125, 0.0625, 1.0632974804687463e-07),
    (2.0, 0.5, 8.6250779855215071e-03),
]


def owens_t_at(h: float, a: float) -> float:
    return float(OwensT(Rational(h), Rational(a)).evalf(20))


@pytest.mark.parametrize(("h", "a", "value"), OWENS_T)
def test_owens_t_table(h: float, a: float, value: float) -> None:
    """Published values."""
    assert float(owens_t_at(h, a)) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("h", [-3.0, -0.5, 0.25, 2.0])
@pytest.mark.parametrize("a", [-4.0, -1.0, 0.5, 30.0])
def test_owens_t_agrees_with_scipy(h: float, a: float) -> None:
    """All signs, and |a| above 1."""
    assert owens_t_at(h, a) == pytest.approx(special.owens_t(h, a), rel=1e-12)


@pytest.mark.parametrize("rho", [-0.999, -0.5, 0.3, 0.97])
def test_bivariate_cdf_agrees_with_scipy(rho: float) -> None:
    """Against SciPy's own algorithm (Genz)."""
    found = BivariateNormalCDF(Rational(7, 10), Rational(-2, 5), Rational(str(rho))).evalf(20)
    other = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf([0.7, -0.4])
    assert float(found) == pytest.approx(other, abs=1e-7)


def test_many_digits() -> None:
    """evalf honours the precision asked for."""
    with mpmath.workdps(60):
        assert abs(mpmath.mpf(str(Phi(1).evalf(55))) - mpmath.ncdf(1)) < mpmath.mpf(10) ** -54


@pytest.mark.parametrize(
    ("function", "at"),
    [(Phi, (0.3,)), (NormalDensity, (0.3,)), (OwensT, (0.7, 1.4)), (BivariateNormalCDF, (0.7, -0.4, 0.35))],
)
def test_derivatives_are_the_slopes(function: type, at: tuple[float, ...]) -> None:
    """Each partial derivative against a numerical one of the same function's values."""
    names = symbols(f"u:{len(at)}", real=True)
    point = {n: Rational(str(x)) for n, x in zip(names, at, strict=True)}
    for k, name in enumerate(names):
        exact = diff(function(*names), name).subs(point).evalf(25)
        h = Rational(1, 10**8)
        moved = [dict(point), dict(point)]
        moved[0][name] += h
        moved[1][name] -= h
        slope = (function(*(moved[0][n] for n in names)) - function(*(moved[1][n] for n in names))).evalf(40) / (2 * h)
        assert abs(exact - slope) < 1e-14, k


def test_exact_values() -> None:
    """At 0, at the mean, by symmetry."""
    z = Symbol("z", real=True)
    assert Phi(0) == Rational(1, 2)
    assert NormalDensity(0) == 1 / sqrt(2 * pi)
    assert OwensT(-z, 2) == OwensT(z, 2)
    assert OwensT(z, -2) == -OwensT(z, 2)
    assert OwensT(0, 1) == Rational(1, 8)
    assert BivariateNormalCDF(0, 0, 0) == Rational(1, 4)
    assert BivariateNormalCDF(2, z, Rational(1, 2)) == BivariateNormalCDF(z, 2, Rational(1, 2))


def test_printing() -> None:
    """As the field writes them; code printers know Φ and φ."""
    from sympy import lambdify

    z = Symbol("z", real=True)
    assert latex(Phi(z) ** 2) == r"\Phi^{2}\left(z\right)"
    assert latex(OwensT(z, 2)) == r"T\left(z, 2\right)"
    assert latex(BivariateNormalCDF(1, z, 0.5)).startswith(r"\Phi_{2}")
    assert str(NormalDensity(z)) == "NormalDensity(z)"
    assert lambdify(z, 3 * Phi(z), "scipy")(0.7) == pytest.approx(3 * special.ndtr(0.7))
    assert lambdify(z, NormalDensity(z) / 2, "math")(0.7) == pytest.approx(stats.norm.pdf(0.7) / 2)


@pytest.mark.parametrize("modules", ["numpy", "scipy", "mpmath", "math"])
def test_generated_code_in_the_tails(modules: str) -> None:
    """Φ, φ, T and Φ₂ far out, where 1 + erf is 0: against mpmath with 60 digits."""
    from sympy import lambdify

    h, k, rho = symbols("h k rho", real=True)
    with mpmath.workdps(60):
        tail = float(mpmath.ncdf(-10))
        bell = float(mpmath.npdf(-30))
        strip = float(mpmath.quad(lambda t: mpmath.npdf(t) * mpmath.ncdf((-6 - t / 2) / mpmath.sqrt(0.75)), [-40, -8]))
    assert lambdify(h, Phi(h), modules)(-10.0) == pytest.approx(tail, rel=1e-13)
    assert lambdify(h, NormalDensity(h), modules)(-30.0) == pytest.approx(bell, rel=1e-12)
    assert lambdify((h, k), OwensT(h, k), modules)(10.0, 1e6) == pytest.approx(tail / 2, rel=1e-13)
    assert lambdify((h, k, rho), BivariateNormalCDF(h, k, rho), modules)(-8.0, -6.0, 0.5) == pytest.approx(
        strip, rel=1e-13
    )


def test_generated_code_on_arrays() -> None:
    """NumPy's code of every function takes arrays."""
    import numpy as np
    from sympy import lambdify

    h, k = symbols("h k", real=True)
    e = Phi(h) + NormalDensity(k) + OwensT(h, k) + BivariateNormalCDF(h, k, Rational(1, 2))
    at = np.array([[-1.0, 0.5, 2.0], [0.3, -0.7, 1.1]])
    found = lambdify((h, k), e, "numpy")(*at)
    assert found == pytest.approx([float(e.subs({h: x, k: y}).evalf(20)) for x, y in at.T], rel=1e-13)


def test_c_code_in_the_tail(tmp_path: Path) -> None:
    """Φ(-10) of compiled C."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc")
    z = Symbol("z")
    head = "#include <math.h>\n#include <stdio.h>\n"
    body = f'int main(void) {{ double z = -10; printf("%.17g", {ccode(Phi(z))}); }}'
    (tmp_path / "tail.c").write_text(head + body)
    subprocess.run([compiler, "-o", "tail", "tail.c", "-lm"], check=True, cwd=tmp_path)
    shown = subprocess.run(["./tail"], check=True, cwd=tmp_path, capture_output=True, text=True).stdout
    with mpmath.workdps(40):
        assert float(shown) == pytest.approx(float(mpmath.ncdf(-10)), rel=1e-13)
