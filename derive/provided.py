"""Methods that a room above their class provides: how a result is shown, how it is checked.

A class says what the method takes and returns; a room above it, which knows the class, has the function. Which one that
is stands in `derive.methods`, and it is imported at the first call: nothing imports upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast

from derive.errors import InputError

Method = TypeVar("Method", bound=Callable[..., Any])
_PROVIDERS: dict[str, str | Callable[..., Any]] = {}


def provide(functions: Mapping[str, str]) -> None:
    """Say which function is which method: ``{"Class.method": "module:function"}``."""
    _PROVIDERS.update(functions)


def provided(method: Method) -> Method:
    """Return the method whose body is a function of a room above, with the signature and words of this one."""
    name = method.__qualname__

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return provider(name)(*args, **kwargs)

    return cast(Method, call)


def provider(name: str) -> Callable[..., Any]:
    """Return the function that is a method; raise `InputError` where no room provides it."""
    found = _PROVIDERS.get(name)
    if found is None:
        raise InputError(f"no room provides {name}")
    if isinstance(found, str):
        module, _, function = found.partition(":")
        found = _PROVIDERS[name] = getattr(import_module(module), function)
    return found
