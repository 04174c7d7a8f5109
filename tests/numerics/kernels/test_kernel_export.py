"""Exported files stand alone and compute the same numbers."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys

import numpy as np
import pytest

from derive.errors import InputError
from numerics.kernels import SampleVarianceStep, export, sample_variance_step
from numerics.kernels import export as export_function

CASES = {
    "relu": ("relu", 2.0, 0.0),
    "leaky with bias": ("leaky-relu(0.2)", 1.7, 0.1),
    "abs": ("abs", 1.0, 0.0),
    "linear": ("linear", 1.1, 0.3),
}
SCRIPT = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
m2, v2 = json.load(sys.stdin)
arrays = [a.tolist() for a in module.sample_variance_step(m2, v2)]
full = [a.tolist() for a in module.sample_variance_step_full(m2, v2)]
points = [module.sample_variance_step(a, b) for a, b in zip(m2, v2)]
try:
    module.sample_variance_step(-1.0, 1.0)
except ValueError as error:
    message = str(error)
loaded = sorted(set(sys.modules) & {"sympy", "mpmath", "derive", "numerics", "numba"})
print(json.dumps([arrays, full, points, message, loaded]))
"""


@pytest.fixture(params=CASES)
def step(request) -> SampleVarianceStep:
    return sample_variance_step(*CASES[request.param])


@pytest.fixture
def points():
    rng = np.random.default_rng(3)
    edges = [0.0, 5e-324, 2.0**-1022, 1.0, 2.0**1022]
    grid = [g.ravel() for g in np.meshgrid(edges, edges)]
    return tuple(np.r_[g, 10 ** rng.uniform(-9, 9, 500)] for g in grid)


def test_python_module_alone(step, points, tmp_path):
    """In an isolated interpreter, with NumPy only: bit for bit the same, scalars too, errors too."""
    path = export(step, tmp_path / "kernel.py")
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", SCRIPT, str(path)],
        input=json.dumps([p.tolist() for p in points]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    arrays, full, scalars, message, loaded = json.loads(run.stdout)
    assert loaded == []
    assert message == "m2 must not be negative, got -1.0"
    np.testing.assert_array_equal(arrays, step(*points))
    np.testing.assert_array_equal(full, step.full(*points))
    np.testing.assert_array_equal(np.transpose(scalars), step(*points))


def test_c_file_alone(step, points, tmp_path, load_c):
    """Compiles without a warning; bit for bit the same; NaN and a count for points outside the domain."""
    loaded = load_c(export(step, tmp_path / "kernel.c"))
    bad = np.array([-1.0, np.nan, np.inf, 5e307])
    m2, v2 = np.r_[points[0], bad], np.r_[points[1], np.ones(4)]
    for name, ours, count in (
        ("sample_variance_step", step(*points), 2),
        ("sample_variance_step_full", step.full(*points), 4),
    ):
        function = getattr(loaded, name)
        function.restype = ctypes.c_size_t
        outs = [np.zeros(m2.size) for _ in range(count)]
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (m2, v2, *outs)]
        assert function(ctypes.c_size_t(m2.size), *pointers) == 4
        for got, want in zip(outs, ours, strict=True):
            np.testing.assert_array_equal(got[:-4], want)
            assert np.isnan(got[-4:]).all()


@pytest.mark.parametrize("suffix", [".py", ".c"])
def test_header_says_what_and_from_where(suffix, tmp_path):
    """Formula, parameters, certificate, derivation and papers stand on top."""
    step = sample_variance_step("leaky-relu(0.2)", 1.7, 0.1)
    text = export(step, tmp_path / f"k{suffix}").read_text()
    head = text[:4000]
    for part in (
        "v'^2 = ",
        "atan(",
        "a = 0.2, sigma_w2 = 1.7, sigma_b2 = 0.1",
        "sample-variance-stable",
        "Cho & Saul",
    ):
        assert part in head
    assert step.certificate.text() in head
    assert step.program.fingerprint in head


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.py or \.c, got .*kernel\.f90"):
        export(sample_variance_step(), tmp_path / "kernel.f90")
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place(tmp_path):
    with pytest.raises(InputError, match="missing"):
        export_function(sample_variance_step(), tmp_path / "missing" / "kernel.c")
