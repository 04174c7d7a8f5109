"""The one error for bad input: it names the argument, the rule and the value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that breaks a stated rule."""


class Undischarged(InputError):
    """An obligation of a rule that no hypothesis of its setting discharges."""


def loose(name: str) -> str:
    """Return a name without case and without the signs between its words.

    >>> loose("LeakyReLU") == loose("leaky-relu") == loose("leaky_relu")
    True
    """
    return re.sub(r"[\W_]+", "", name).lower()


def unknown_name(kind: str, name: str, known: Iterable[str], also: Iterable[str] = ()) -> InputError:
    """Return the error for a name that is not in a catalogue; it lists close matches, or else all names.

    Names ``also`` may be meant, but are not listed.

    >>> unknown_name("activation", "tahn", ["linear", "tanh"])
    InputError("unknown activation 'tahn'; did you mean tanh?")
    """
    names = list(known)
    close = close_names(name, [*names, *also])
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
    return InputError(f"unknown {kind} {name!r}; {hint}")


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the names, three at most, that are nearly this one, whatever the case and the signs between words.

    >>> close_names("LekyReLU", ["relu", "leaky-relu", "tanh"])
    ['leaky-relu', 'relu']
    """
    spelled = {loose(k) or k: k for k in known}
    return [spelled[match] for match in get_close_matches(loose(name) or name, spelled, n=3)]
