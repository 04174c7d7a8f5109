"""Maps of arrays beside neural-tangents (with jax) and dks, in one run: time and accuracy, printed and asserted.

Runs where they are installed (neural-tangents 0.6.5, jax 0.4.30, dks 0.1.2):

    python -m pytest tests/benchmarks/test_rivals.py -s

Time is CPU time of the process, the best of several runs that take turns. The rivals are called in the fastest way
that they offer: jitted, compiled before the clock starts, in float64, with nothing computed that is not returned.
Ours are called through `NumericalMaps`, with its checks of the arguments; where numba is installed, the few maps of
`FUSED` with ``backend="numba"``.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import mpmath
import numpy as np
import pytest

from numerics.maps import NumericalMaps

# The published kernels, in many digits, that the tests of the maps use.
sys.path.insert(0, str(Path(__file__).parents[1] / "numerics" / "maps"))
from map_oracles import DIGITS, KERNELS

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
REASON = "the rival is not installed"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jax = pytest.importorskip("jax", reason=REASON)
    stax = pytest.importorskip("neural_tangents.stax", reason=REASON)
    from neural_tangents._src.utils.kernel import Kernel
jnp = jax.numpy
jax.config.update("jax_enable_x64", True)

NAMES = ["relu", "leaky-relu(0.1)", "erf", "gelu", "sin"]
THEIRS = {
    "relu": stax.Relu,
    "leaky-relu(0.1)": lambda: stax.LeakyRelu(0.1),
    "erf": stax.Erf,
    "gelu": stax.Gelu,
    "sin": stax.Sin,
}
SIZES = [10**4, 10**6]
FASTEST = "numba" if find_spec("numba") else "numpy"
ALLOWED = 1.1
"""Ratio of times that counts as "not slower": repeated runs of the same code on a shared machine differ by so much."""

# One root of each point: the range of the arguments is looked at, and a call costs some microseconds.
MISSES = {("chi_perp", "erf", n): 4.0 if FASTEST == "numpy" else limit for n, limit in ((10**4, 2.5), (10**6, 1.4))}
FUSED = {"erf": ["chi_perp"], "relu": ["gap map"], "leaky-relu(0.1)": ["gap map"]}
"""Maps of few operations, each a pass over memory in NumPy; beside jitted or bare code they run with numba."""


def leaky_relu(q, rho):
    """Of slope 0.1: f = 0.1 x + 0.9 relu(x), and E[x relu(y)] = c/2."""
    a = mpmath.mpf(0.1)
    return a * a * q * rho + a * (1 - a) * q * rho + (1 - a) ** 2 * KERNELS["relu"](q, rho)


ORACLES = {**KERNELS, "leaky-relu(0.1)": leaky_relu}


def elementwise(name: str) -> Callable[..., Kernel]:
    """Return the rival's layer as a function of its own matrices: covariances (n1, n2), variances (n1) and (n2)."""
    layer = THEIRS[name]()[2]

    def run(nngp, ntk, cov1, cov2):
        made = Kernel(
            nngp=nngp,
            ntk=ntk,
            cov1=cov1,
            cov2=cov2,
            x1_is_x2=jnp.array(False),
            is_gaussian=True,
            is_reversed=False,
            is_input=False,
            diagonal_batch=True,
            diagonal_spatial=True,
            shape1=(nngp.shape[0], 1),
            shape2=(nngp.shape[1], 1),
            batch_axis=0,
            channel_axis=1,
        )
        return layer(made)

    return run


def correlation(run):
    """Covariances to correlations, a row of inputs against one input."""

    def mapped(nngp, cov1, cov2):
        k = run(nngp, None, cov1, cov2)
        return k.nngp / jnp.sqrt(k.cov1[:, None] * k.cov2[None])

    return mapped


def one_by_one(run, take):
    """Each pair with a variance of its own."""
    return jax.vmap(lambda c, q: take(run(c[None, None], jnp.ones((1, 1)), q[None], q[None])))


def best(*runs: Callable[[], object], seconds: float = 1.5) -> list[float]:
    """Best CPU time of each; the runs take turns."""
    times = [float("inf")] * len(runs)
    end = time.perf_counter() + seconds
    count = 0
    while count < 5 or (time.perf_counter() < end and count < 400):
        for n, run in enumerate(runs):
            start = time.process_time()
            run()
            times[n] = min(times[n], time.process_time() - start)
        count += 1
    return times


def report(what: str, name: str, n: int, ours: float, theirs: float, rival: str = "neural-tangents") -> float:
    ratio = ours / theirs
    print(
        f"\n{what:16} {name:16} {n:8} points: ours {ours / n * 1e9:5.1f} ns a point, "
        f"{rival} {theirs / n * 1e9:5.1f} ns, ratio {ratio:.2f}"
    )
    return ratio


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_never_slower_than_neural_tangents(name, n):
    """One variance and many correlations; a variance for each; the gap; the factor of the derivative."""
    rng = np.random.default_rng(n)
    q, rho = 1.3, rng.uniform(-1, 1, n)
    qs = rng.uniform(0.5, 2, n)
    ours, run = NumericalMaps(name), elementwise(name)
    fused = NumericalMaps(name, backend=FASTEST)
    row, first, others = jnp.asarray((q * rho)[None]), jnp.asarray([q]), jnp.full((n,), q)
    covariances, variances = jnp.asarray(qs * rho), jnp.asarray(qs)
    covariance = jax.jit(lambda c, a, b: run(c, None, a, b).nngp)
    correlations, gaps = jax.jit(correlation(run)), jax.jit(lambda *k: 1 - correlation(run)(*k))
    each = jax.jit(one_by_one(run, lambda k: k.nngp[0, 0]))
    slope = jax.jit(one_by_one(run, lambda k: k.ntk[0, 0]))
    gap = 1 - rho

    def with_loop(what: str) -> NumericalMaps:
        return fused if what in FUSED.get(name, ()) else ours

    pairs = {
        "covariance": (lambda: ours.covariance(q, rho), lambda: covariance(row, first, others)),
        "correlation map": (lambda: ours.correlation_map(q, rho), lambda: correlations(row, first, others)),
        "gap map": (lambda: ours.gap_map(q, gap), lambda: gaps(row, first, others)),
        "own variances": (lambda: ours.covariance(qs, rho), lambda: each(covariances, variances)),
        "chi_perp": (lambda: with_loop("chi_perp").chi_perp(qs), lambda: slope(variances, variances)),
    }
    slower = []
    for what, (mine, other) in pairs.items():
        settled = [mine().value, np.asarray(other()).ravel()]
        # At correlation 1 their derivative kernel of relu is right to half of the digits.
        assert np.allclose(*settled, rtol=1e-7, atol=1e-9)
        ratio = report(what, name, n, *best(mine, lambda other=other: other().block_until_ready()))
        if ratio > MISSES.get((what, name, n), ALLOWED):
            slower.append(f"{what}: {ratio:.2f}")
    assert not slower


@pytest.mark.parametrize("name", NAMES)
def test_more_accurate_near_correlation_one(name):
    """1 - ρ' for ρ = 1 - 10^-k: the largest relative error over three variances and three gaps, ours and theirs."""
    run = jax.jit(correlation(elementwise(name)))
    ours = NumericalMaps(name)
    print()
    for k in range(2, 15):
        # Gaps for which 1 - gap, and its product with a power of two, are exact: all are asked the same question.
        rho = 1 - np.array([1.0, 0.7, 0.3]) * 10.0**-k
        gap = 1 - rho
        errors = []
        for q in (0.25, 1.0, 4.0):
            found = ours.gap_map(q, gap)
            theirs = 1 - np.asarray(run(jnp.asarray((q * rho)[None]), jnp.asarray([q]), jnp.full((3,), q)))[0]
            with mpmath.workdps(DIGITS):
                kernel, exact = ORACLES[name], mpmath.mpf(q)
                whole = kernel(exact, mpmath.mpf(1))
                truth = [1 - kernel(exact, 1 - mpmath.mpf(float(g))) / whole for g in gap]
                errors += [
                    (float(abs(mpmath.mpf(float(v)) - t) / t), float(abs(mpmath.mpf(float(w)) - t) / t))
                    for v, w, t in zip(found.value, theirs, truth, strict=True)
                ]
            assert all(e <= s / v for (e, _), s, v in zip(errors[-3:], found.error, found.value, strict=True))
        mine, other = (max(column) for column in zip(*errors, strict=True))
        print(f"{name:16} 1 - 1e-{k:<2}  ours {mine:.1e}   neural-tangents {other:.1e}")
        assert mine < other
        assert mine < 2e-15


@pytest.mark.parametrize("n", SIZES)
def test_relu_beside_dks(n):
    """Its correlation map of leaky relus is the one that takes arrays: no checks, and 1 - ρ' by subtraction."""
    cmap = pytest.importorskip("dks.base.activation_transform", reason=REASON)._leaky_relu_cmap
    rng = np.random.default_rng(n)
    rho = rng.uniform(-1, 1, n)
    gap = 1 - rho
    for name, slope in (("relu", 0.0), ("leaky-relu(0.1)", 0.1)):
        ours = NumericalMaps(name)
        assert np.allclose(ours.correlation_map(1.0, rho).value, cmap(rho, slope), rtol=0, atol=1e-14)
        times = best(lambda: ours.correlation_map(1.0, rho), lambda: cmap(rho, slope))  # noqa: B023
        ratio = report("correlation map", name, n, *times, rival="dks")
        fused = NumericalMaps(name, backend=FASTEST)
        fused.gap_map(1.0, gap)
        times = best(lambda: fused.gap_map(1.0, gap), lambda: 1 - cmap(rho, slope))  # noqa: B023
        apart = report("gap map", name, n, *times, rival="dks")
        assert apart <= (ALLOWED if FASTEST == "numba" else 2.2)
        near = 1 - 10.0 ** -np.arange(2, 15)
        with mpmath.workdps(DIGITS):
            whole = ORACLES[name](mpmath.mpf(1), mpmath.mpf(1))
            truth = np.array([float(1 - ORACLES[name](mpmath.mpf(1), mpmath.mpf(float(r))) / whole) for r in near])
        mine = np.abs(ours.gap_map(1.0, 1 - near).value / truth - 1)
        other = np.abs((1 - cmap(near, slope)) / truth - 1)
        print("error of 1 - rho': ours", mine.max(), "dks", other.min(), "to", other.max())
        assert np.all(mine < np.maximum(other, 4e-16))
        # At 10^4 points our checks of the arguments weigh as much as a root of each.
        assert ratio <= (1.6 if n < 10**5 else ALLOWED)


@pytest.mark.parametrize("name", ["erf", "gelu", "sin"])
def test_quadrature_of_dks(name):
    """For other activations it integrates in two dimensions at each correlation, to scipy's default 1.5e-8."""
    rival = pytest.importorskip("dks.base.activation_transform", reason=REASON)
    import autograd.numpy as anp
    from autograd.scipy.special import erf

    f = {"erf": erf, "gelu": lambda x: x * (1 + erf(x / anp.sqrt(2.0))) / 2, "sin": anp.sin}[name]
    ours = NumericalMaps(name)
    rho = 0.99
    settled = float(ours.correlation_map(1.0, rho).value)
    start = time.process_time()
    theirs = rival._calc_c_map(f, c=rho)
    seconds = time.process_time() - start
    (alone,) = best(lambda: ours.correlation_map(1.0, rho), seconds=0.3)
    with mpmath.workdps(DIGITS):
        truth = ORACLES[name](mpmath.mpf(1), mpmath.mpf(rho)) / ORACLES[name](mpmath.mpf(1), mpmath.mpf(1))
        mine, other = (float(abs(value - truth) / truth) for value in (settled, theirs))
    print(
        f"\n{name}: one point, ours {alone * 1e6:.0f} us, dks {seconds * 1e6:.0f} us; errors {mine:.1e} and {other:.1e}"
    )
    assert alone < seconds
    assert mine <= max(other, 1e-15)
