"""The one error for bad input: it names the argument, the rule and the value."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that breaks a stated rule."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not in a catalogue; it lists close matches, or else all names.

    >>> unknown_name("activation", "tahn", ["linear", "tanh"])
    InputError("unknown activation 'tahn'; did you mean tanh?")
    """
    names = list(known)
    close = get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
    return InputError(f"unknown {kind} {name!r}; {hint}")
