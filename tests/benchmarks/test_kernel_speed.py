"""Speed of the sample-variance kernels, 10^6 points, one thread, in one run with their competitors.

Run with `make bench`, or `python -m pytest tests/benchmarks/test_kernel_speed.py -s`. Competitors take turns
round by round, and each keeps its best round, so that a busy machine slows all of them alike:

- a C loop of the very same program, `gcc -O3 -march=native -fno-math-errno`, without checks of the domain;
- hand-written NumPy of the closed form of K alone (which loses v'^2), unblocked and in blocks;
- jitted neural-tangents (K alone), if it is installed.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
import time
from collections.abc import Callable

import numpy as np
import pytest

from numerics.kernels import iterate, sample_variance_step
from numerics.programs.printers import c_constants, c_lines

POINTS = 1_000_000
ROUNDS = 30


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return rng.random(POINTS), rng.random(POINTS)


@pytest.fixture(scope="module")
def outs():
    return np.zeros(POINTS), np.zeros(POINTS)


def c_loop(folder, points, outs) -> Callable[[], None]:
    """The program of the kernel as a bare loop."""
    program = sample_variance_step().program
    lines = "\n".join(c_lines(program))
    folder.mkdir(exist_ok=True)
    source, library = folder / "loop.c", folder / "loop.so"
    source.write_text(
        "#include <math.h>\n"
        + "\n".join(c_constants(program))
        + "\nvoid loop(long n, const double *restrict A, const double *restrict B,"
        " double *restrict C, double *restrict D)\n{\n"
        f"for (long i = 0; i < n; i++) {{ const double m2 = A[i], v2 = B[i];\n{lines}\n"
        "C[i] = m2_next; D[i] = v2_next; }\n}\n"
    )
    flags = ["-O3", "-march=native", "-fno-math-errno", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(library)], check=True)
    function = ctypes.CDLL(str(library)).loop
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (*points, *outs)]
    return lambda: function(ctypes.c_long(POINTS), *pointers)


def closed_form(m2, v2):
    """K(m, v) of ReLU: q/(2 pi) [sqrt(1 - rho^2) + rho (pi/2 + arcsin rho)]."""
    q = m2 + v2
    rho = m2 / q
    return q / (2 * math.pi) * (np.sqrt(1 - rho * rho) + rho * (math.pi / 2 + np.arcsin(rho)))


def closed_form_blocked(m2, v2, out, block=16384):
    """The same, by hand, in blocks and in place."""
    q, rho, root = np.empty(block), np.empty(block), np.empty(block)
    for start in range(0, m2.size, block):
        a, b, o = m2[start : start + block], v2[start : start + block], out[start : start + block]
        x, y, z = q[: a.size], rho[: a.size], root[: a.size]
        np.add(a, b, out=x)
        np.divide(a, x, out=y)
        np.multiply(y, y, out=z)
        np.subtract(1.0, z, out=z)
        np.sqrt(z, out=z)
        np.arcsin(y, out=o)
        np.add(o, math.pi / 2, out=o)
        np.multiply(o, y, out=o)
        np.add(o, z, out=o)
        np.multiply(o, x, out=o)
        np.multiply(o, 1 / (2 * math.pi), out=o)


def neural_tangents(monkeypatch) -> Callable[[], object]:
    """K of a million inputs against one, jitted, in float64, on one thread."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    jax = pytest.importorskip("jax")
    tangents = pytest.importorskip("neural_tangents")
    jax.config.update("jax_enable_x64", True)
    layer = tangents.stax.Relu()[2]
    flags = {"x1_is_x2": False, "is_gaussian": True, "is_reversed": False, "is_input": False}
    flags |= {"diagonal_batch": True, "diagonal_spatial": False, "mask1": None, "mask2": None}
    shapes = {"shape1": (POINTS, 1), "shape2": (1, 1), "batch_axis": 0, "channel_axis": 1}

    def K(covariance, q1, q2):
        return layer(tangents.Kernel(nngp=covariance, cov1=q1, cov2=q2, ntk=None, **shapes, **flags)).nngp

    jitted = jax.jit(K)
    covariance = jax.numpy.asarray(np.random.default_rng(0).random((POINTS, 1)))
    arguments = (covariance, jax.numpy.ones(POINTS), jax.numpy.ones(1))
    want = closed_form(np.asarray(covariance[:3, 0]), 1 - np.asarray(covariance[:3, 0]))
    np.testing.assert_allclose(np.asarray(jitted(*arguments))[:3, 0], want, rtol=1e-12)
    return lambda: jitted(*arguments).block_until_ready()


def best_of(competitors: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Best CPU time in ns per point, the competitors taking turns."""
    best = dict.fromkeys(competitors, math.inf)
    for run in competitors.values():
        run()
    for _ in range(ROUNDS):
        for name, run in competitors.items():
            start = time.process_time()
            run()
            best[name] = min(best[name], (time.process_time() - start) / POINTS * 1e9)
    return best


def test_one_step(points, outs, tmp_path):
    """numba within 1.3x of the C loop; the rest is printed against its target."""
    m2, v2 = points
    step = sample_variance_step()
    competitors: dict[str, Callable[[], object]] = {
        "varprop, numpy, both outputs": lambda: step(m2, v2, out=outs),
        "hand-written numpy, K alone": lambda: closed_form(m2, v2),
        "hand-written numpy, blocked, K alone": lambda: closed_form_blocked(m2, v2, outs[0]),
    }
    if shutil.which("gcc"):
        competitors["C loop, both outputs"] = c_loop(tmp_path, points, (np.zeros(POINTS), np.zeros(POINTS)))
    try:
        fast = sample_variance_step(backend="numba")
        competitors["varprop, numba, both outputs"] = lambda: fast(m2, v2, out=outs)
    except ImportError:
        print("\nnumba is not installed")
    best = best_of(competitors)
    reference = best.get("C loop, both outputs", math.nan)
    print(f"\n{'':40} ns/point   x C loop")
    for name, value in sorted(best.items(), key=lambda item: item[1]):
        print(f"{name:40} {value:8.2f} {value / reference:10.2f}")
    print(f"target: numpy at most 8 ns/point, measured {best['varprop, numpy, both outputs']:.2f}")
    if "varprop, numba, both outputs" in best and not math.isnan(reference):
        assert best["varprop, numba, both outputs"] <= 1.3 * reference
    assert best["varprop, numpy, both outputs"] <= 2.5 * best["hand-written numpy, blocked, K alone"]


def test_against_neural_tangents(points, outs, monkeypatch):
    """Both maps without cancellation, faster than K alone with it."""
    other = neural_tangents(monkeypatch)
    step = sample_variance_step()
    best = best_of(
        {
            "varprop, numpy": lambda: step(*points, out=outs),
            "neural-tangents, jitted, K alone": other,
        }
    )
    for name, value in best.items():
        print(f"\n{name:40} {value:8.2f} ns/point", end="")
    assert best["varprop, numpy"] <= best["neural-tangents, jitted, K alone"]


@pytest.mark.parametrize(("backend", "seconds"), [("numpy", 5.0), ("numba", 0.3)])
def test_a_million_layers(backend, seconds):
    """Seconds without numba, well under a second with it."""
    if backend == "numba":
        pytest.importorskip("numba")
    step = sample_variance_step(backend=backend)
    iterate(step, 0.0, 1.0, layers=10)
    start = time.perf_counter()
    iterate(step, 0.0, 1.0, layers=10**6)
    elapsed = time.perf_counter() - start
    print(f"\n10^6 layers, {backend}: {elapsed:.2f} s")
    assert elapsed < seconds
