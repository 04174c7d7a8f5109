"""Registries of theorems and claims: a name, and where it is built; nothing is imported before it is asked for."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache, partial, wraps
from importlib import import_module
from inspect import isfunction
from textwrap import dedent
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from derive.errors import InputError, unknown_name

T = TypeVar("T")


@cache
def _code(function: Callable[..., object]) -> ast.Module:
    """Return the code of a function; none where it is not at hand."""
    try:
        return ast.parse(dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _is_of_file(function: Any, module: str) -> bool:
    return callable(function) and isfunction(inspect.unwrap(function)) and function.__module__ == module


def _given(node: ast.AST, field: str, known: Mapping[str, Any], module: str) -> Iterator[ast.AST]:
    """Yield what a call gives for a field: by its name, or by its place where the function is of the same file."""
    if not isinstance(node, ast.Call):
        return
    yield from (k.value for k in node.keywords if k.arg == field)
    function: Any = known.get(node.func.id) if isinstance(node.func, ast.Name) else None
    if _is_of_file(function, module) and not any(isinstance(a, ast.Starred) for a in node.args):
        names = list(inspect.signature(function).parameters)
        yield from (a for name, a in zip(names, node.args, strict=False) if name == field)


def _is_constant(node: ast.AST, known: Mapping[str, Any]) -> bool:
    """Return whether an expression is made of constants and of names that a file knows."""
    parts = (n for n in ast.walk(node) if isinstance(n, ast.expr))
    return all(
        isinstance(n, ast.Constant | ast.JoinedStr | ast.FormattedValue | ast.Tuple)
        or (isinstance(n, ast.Name) and n.id in known)
        for n in parts
    )


def _meaning(node: ast.AST, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known[name]
        case ast.FormattedValue(value=value):
            return _meaning(value, known)
        case ast.JoinedStr(values=parts):
            return "".join(str(_meaning(p, known)) for p in parts)
        case ast.Tuple(elts=parts):
            return tuple(_meaning(p, known) for p in parts)
    raise TypeError(node)


def _read(builder: Callable[[], Any], field: str) -> Any:
    known = vars(import_module(builder.__module__))
    code, read = _code(builder), {builder.__name__}
    while True:
        stated = [value for call in ast.walk(code) for value in _given(call, field, known, builder.__module__)]
        if stated:
            return _meaning(stated[-1], known) if _is_constant(stated[-1], known) else getattr(builder(), field)
        called = {n.func.id for n in ast.walk(code) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        made = [known[f] for f in sorted(called - read) if _is_of_file(known.get(f), builder.__module__)]
        if not made:
            return None
        read |= called
        code = ast.Module([statement for f in made for statement in _code(f).body], [])


class Registry(Generic[T]):
    """Names and the functions, given as ``module:function``, that build what they stand for.

    ``rows`` are entries that are data: the function that builds them takes the name.
    """

    def __init__(self, kind: str, entries: dict[str, str], rows: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._rows = rows
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
        # What derivations share is derived once a process; asked for by its name, it is built anew.
        builder: Callable[..., T] = inspect.unwrap(getattr(import_module(module), function))
        made: Callable[[], T] = partial(builder, name) if name in self._rows else builder

        @wraps(builder)
        def build() -> T:
            return self._build(name, made)

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

    def row(self, name: str) -> Any:
        """Return the data that an entry is made of, None for one that a function of its own builds."""
        return self._rows.get(name)

    def source(self, name: str) -> str:
        """Return the source that the builder of an entry gives it."""
        return str(self.given(name, "source") or "")

    def given(self, name: str, field: str) -> Any:
        """Return what the builder of an entry gives as a field, None where it has none.

        It is read off the builder's code, and off that of the functions of its file that it calls, where it stands
        there as a constant or by names, and remembered: building takes long.
        """
        if name in self._rows:
            return getattr(self._rows[name], field, None)
        if (name, field) not in self._given:
            self._given[name, field] = _read(self.builder(name), field)
        return self._given[name, field]

    def register(self, name: str, where: str) -> None:
        """Add an entry of one's own: ``register("my-theorem", "my_package.my_module:my_function")``."""
        if name in self._entries:
            raise InputError(f"{self.kind} {name!r} is registered already")
        self._entries[name] = where
