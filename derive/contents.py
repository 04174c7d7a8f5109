"""What a Python function or value is, as text: two that do the same are told apart from two that share a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from sympy import Basic
from sympy.core.symbol import Symbol

Describe = Callable[[Any], "str | None"]


class Contents:
    """Writes out functions and values; what is being written already is written as a name, so that circles end.

    ``describe`` writes what it knows better (None for the rest).
    """

    def __init__(self, describe: Describe = lambda _: None) -> None:
        self._describe = describe
        self._open: list[int] = []

    def __call__(self, value: Any) -> str:
        """Return the value as text."""
        if id(value) in self._open:
            return f"<{getattr(value, 'name', None) or getattr(value, '__name__', type(value).__name__)}>"
        self._open.append(id(value))
        try:
            return self._describe(value) or self._written(value)
        finally:
            self._open.pop()

    def _written(self, value: Any) -> str:
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return f"method({self(value.__func__)}, {self(value.__self__)})"
        if isinstance(value, partial):
            return f"partial({self(value.func)}, {self(value.args)}, {self(value.keywords)})"
        if isinstance(value, CodeType):
            constants = ", ".join(map(self, value.co_consts))
            return f"code({value.co_code.hex()}; {value.co_names}; {value.co_freevars}; {constants})"
        if isinstance(value, Symbol):
            return f"{type(value).__name__}({value.name}, {sorted(value.assumptions0.items())})"
        if isinstance(value, Basic):
            inner = ", ".join(map(self, value.args)) if value.args else repr(value)
            return f"{type(value).__module__}.{type(value).__qualname__}({inner})"
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{self(k)}: {self(v)}' for k, v in value.items())}}}"
        if isinstance(value, set | frozenset):
            return f"{type(value).__name__}({', '.join(sorted(map(self, value)))})"
        if hasattr(value, "tobytes") and hasattr(value, "shape"):
            # The repr of a large array leaves most of it out.
            return f"array({value.dtype}, {value.shape}, {value.tobytes().hex()})"
        if isinstance(value, list | tuple):
            return f"{type(value).__name__}({', '.join(map(self, value))})"
        if is_dataclass(value) and not isinstance(value, type):
            return f"{type(value).__qualname__}({', '.join(self(getattr(value, f.name)) for f in fields(value))})"
        # Without an own repr this is the identity, which is all that is known.
        return repr(value)

    def _function(self, function: FunctionType) -> str:
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(self(cell.cell_contents))
            except ValueError:
                cells.append("not yet")
        given = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
        # A name that was given to another family since means another function.
        known = {name: function.__globals__.get(name) for name in _names(function.__code__)}
        given += [(name, value) for name, value in known.items() if isinstance(value, Basic)]
        parts = (self(function.__code__), ", ".join(cells), ", ".join(map(self, given)))
        return f"{function.__module__}: {'; '.join(parts)}"


def _names(code: CodeType) -> list[str]:
    """Return the names that code, and the functions inside it, look up."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return list(dict.fromkeys((*code.co_names, *(name for c in inner for name in _names(c)))))
