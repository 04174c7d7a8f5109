"""Plant one error in a module of this process, or record which blocks its tests execute: what the environment says.

A campaign puts a ``sitecustomize`` that imports this module on the path of the processes that it starts, so that those
which a test starts have the error too. Nothing is changed on disk. It is a plugin of pytest too, imported before that
(PYTEST_DONT_REWRITE).
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

PLANT, RECORD = "VARPROP_PLANT", "VARPROP_RECORD"
"""``module:number`` of the error to plant; the file to record in. A process that has neither is as it was."""
_SEEN: set[str] = set()
_SPENT = [0.0]


def install() -> None:
    """Have the modules changed that the environment names."""
    from trial import _Finder

    if PLANT in os.environ:
        from numerical_errors import changes
        from single_errors import planted

        module, number = os.environ[PLANT].split(":")
        sys.meta_path.insert(0, _Finder({module}, lambda _, source: planted(source, int(number), changes)))  # type: ignore[arg-type]
    elif RECORD in os.environ:
        sys.meta_path.insert(0, _Finder(_Numerics(), recorded))  # type: ignore[arg-type]


class _Numerics:
    """The modules of ``numerics``."""

    def __contains__(self, name: str) -> bool:
        return name.startswith("numerics.")


def recorded(module: str, source: str) -> ast.Module:
    """Return the tree of a module in which every block inside a function says that it was reached."""
    tree = ast.parse(source)
    for line, block in blocks(tree):
        place = [s.lineno for s in block].index(line)
        block.insert(place, ast.parse(f"__import__('hook').reached({f'{module}:{line}'!r})").body[0])
    return ast.fix_missing_locations(tree)


def blocks(tree: ast.AST) -> list[tuple[int, list[ast.stmt]]]:
    """Return the bodies inside functions, each with the line that it begins on after its docstring."""
    found: dict[int, tuple[int, list[ast.stmt]]] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                for body in _bodies(node):
                    start = 1 if len(body) > 1 and isinstance(node, ast.FunctionDef) and ast.get_docstring(node) else 0
                    found[id(body)] = (body[start].lineno, body)
    return list(found.values())


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    if not isinstance(node, ast.ClassDef):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body:
                yield body


def reached(block: str) -> None:
    """Write down a block that the test of the moment has reached, once for each test and process."""
    if block not in _SEEN:
        _SEEN.add(block)
        _write(block)


def _write(what: str) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" (", 1)[0]
    os.write(_record(), f"{test}\t{what}\n".encode())


@lru_cache(maxsize=1)
def _record() -> int:
    return os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def pytest_runtest_logreport(report: Any) -> None:
    """Begin anew after each test; write down that it failed, and the CPU time that it and its children took."""
    if RECORD not in os.environ:
        return
    if report.failed:
        os.write(_record(), f"{report.nodeid}\tfailed\n".encode())
    if report.when == "teardown":
        _SEEN.clear()
        spent = sum(os.times()[:4])
        os.write(_record(), f"{report.nodeid}\tcpu {spent - _SPENT[0]:.3f}\n".encode())
        _SPENT[0] = spent
