"""Programs: expressions as straight-line code, the printers of it, the one callable, its certificate and its export."""

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
