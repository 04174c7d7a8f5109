"""Programs: one way from an expression to a float64 function.

1. A `straight_line.Program` is the formula as straight-line code: arguments, constants, assignments of SymPy
   expressions, outputs, and the domain. A program that integrates carries the source of its rule. `split` parts what
   hangs on numbers from what runs over arrays.
2. `printers` has one printer for each target (NumPy, floats of Python and numba, C), all SymPy's own with a table of
   spellings. `lowering` orders a program into in-place ufunc calls on cache-sized blocks; `_runtime` runs them.
3. A `callable.Kernel` is a program that can be called: arrays or numbers, by place or by name, `out=`.
4. A `certificate.Certificate` is what was measured: the largest error of the very program, where, at how many points,
   against what.
5. `exporting` writes any kernel as a file that stands alone: `.py` (NumPy) or `.c`.
"""

from __future__ import annotations

BACKENDS = ("numpy", "numba")


def check_backend(backend: str) -> None:
    """Raise ValueError for an unknown backend, ImportError if numba is asked for and missing."""
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if backend == "numba":
        try:
            import numba  # noqa: F401  (is it there?)
        except ImportError as missing:
            raise ImportError(
                "backend 'numba' needs numba; install the extra: pip install 'varprop[fast]'"
            ) from missing
