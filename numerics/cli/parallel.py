"""``--workers`` and ``--dask``: what computes, on this machine or on several; the numbers are the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def parallel_options(
    command: Callable[..., Any], what: str = "Processes", default: int | None = 1
) -> Callable[..., Any]:
    """Give a command ``--workers`` and ``--dask``; it is called with ``workers`` and an ``executor`` (or None)."""
    said = "" if default is not None else "  [default: one a processor, at most 4]"

    @click.option(
        "--workers",
        type=int,
        default=default,
        show_default=default is not None,
        metavar="N",
        help=f"{what}; the numbers are the same.{said}",
    )
    @click.option("--dask", metavar="ADDRESS", help="Compute on the cluster of this dask scheduler (extra dask).")
    @wraps(command)
    def wrapped(*args: Any, workers: int | None, dask: str | None, **options: Any) -> Any:
        from numerics.processes import WorkerLost, engine

        with engine(dask) as executor:
            try:
                return command(*args, workers=workers, executor=executor, **options)
            except WorkerLost as lost:
                raise click.ClickException(str(lost)) from None

    return wrapped
