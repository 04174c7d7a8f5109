"""Registries of theorems and claims: a name, and where it is built; nothing is imported before it is asked for."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from textwrap import dedent
from typing import Any, Generic, TypeVar

from derive.errors import InputError, unknown_name

T = TypeVar("T")


def _code(function: Callable[..., object]) -> ast.AST:
    """Return the code of a function; none where it is not at hand."""
    try:
        return ast.parse(dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _constant(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return the value of an expression of constants and known names; raise `LookupError` where it has more."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known[name]
        case ast.Tuple(elts=parts):
            return tuple(_constant(part, known) for part in parts)
        case ast.JoinedStr(values=parts):
            return "".join(str(_constant(part, known)) for part in parts)
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return _constant(inner, known)
    raise LookupError


def _done_at_once(code: ast.AST) -> bool:
    """Return whether a builder ends with ``.done(...)``, which has what it is not given from nowhere else."""
    returned = [node.value for node in ast.walk(code) if isinstance(node, ast.Return)]
    match returned:
        case [ast.Call(func=ast.Attribute(attr="done"), keywords=given)]:
            return all(k.arg for k in given)
    return False


class Registry(Generic[T]):
    """Names and the functions, given as ``module:function``, that build what they stand for."""

    def __init__(self, kind: str, entries: dict[str, str]) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._building: ContextVar[tuple[str, ...]] = ContextVar(kind, default=())
        self._given: dict[tuple[str, str], Any] = {}

    def names(self) -> list[str]:
        """Return the names, in the order of registration."""
        return list(self._entries)

    def builder(self, name: str) -> Callable[[], T]:
        """Return the function that builds an entry; raise `InputError` with close matches for an unknown name."""
        if name not in self._entries:
            raise unknown_name(self.kind, name, self._entries)
        module, function = self._entries[name].split(":")
        builder: Callable[[], T] = getattr(import_module(module), function)

        @wraps(builder)
        def build() -> T:
            return self._build(name, builder)

        return build

    def _build(self, name: str, builder: Callable[[], T]) -> T:
        """Build an entry; raise `InputError` where that asks for the entry itself."""
        begun = (*self._building.get(), name)
        if name in begun[:-1]:
            raise InputError(f"{self.kind} {name} rests on itself: {' needs '.join(begun)}")
        token = self._building.set(begun)
        try:
            return builder()
        finally:
            self._building.reset(token)

    def where(self, name: str) -> str:
        """Return where an entry is built, as ``module:function``."""
        return self._entries[name]

    def source(self, name: str) -> str:
        """Return the source that the builder of an entry gives it."""
        return str(self.given(name, "source") or "")

    def given(self, name: str, field: str) -> Any:
        """Return what the builder of an entry gives as a field, None where it has none.

        It is read off the builder's code where it stands there as a constant or by names, and remembered: building
        takes long.
        """
        if (name, field) not in self._given:
            self._given[name, field] = self._read(self.builder(name), field)
        return self._given[name, field]

    @staticmethod
    def _read(builder: Callable[[], T], field: str) -> Any:
        code, known = _code(builder), vars(import_module(builder.__module__))
        stated = [k.value for k in ast.walk(code) if isinstance(k, ast.keyword) and k.arg == field]
        if not stated and _done_at_once(code):
            return None
        try:
            return _constant(stated[-1], known)
        except LookupError:
            return getattr(builder(), field, None)

    def register(self, name: str, where: str) -> None:
        """Add an entry of one's own: ``register("my-theorem", "my_package.my_module:my_function")``."""
        if name in self._entries:
            raise InputError(f"{self.kind} {name!r} is registered already")
        self._entries[name] = where
