"""What tests in more than one folder here share."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import pytest


@pytest.fixture
def load_c(tmp_path):
    """Compile an exported file with the flags its header names, take no warning, and load it."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc")
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    flags = [*warnings, "-O3", "-fno-math-errno", "-ffp-contract=off", "-shared", "-fPIC"]

    def load(source):
        library = tmp_path / "kernel.so"
        subprocess.run([compiler, *flags, str(source), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))

    return load
