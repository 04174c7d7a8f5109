"""LaTeX documents to PDF, where an engine is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_SECONDS = 120
_MOST_RUNS = 3


def find_engine() -> str | None:
    """Return the path of ``pdflatex``, or None where it is not installed."""
    return shutil.which("pdflatex")


def typeset(latex: str, engine: str) -> bytes | str:
    """Return the PDF of a standalone document, or, where it could not be made, why.

    The same document gives the same bytes: its dates are those of the epoch. Nothing is left on disk.
    """
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "document.tex"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "document.tex").write_text(latex, encoding="utf-8")
        for _ in range(_MOST_RUNS):
            try:
                run = subprocess.run(
                    command, cwd=work, env=environment, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            log = run.stdout.decode(errors="replace")
            if run.returncode != 0:
                return next((line for line in log.splitlines() if line.startswith("!")), "pdflatex failed")
            if "Rerun" not in log:
                break
        return (work / "document.pdf").read_bytes()
