"""Numbers as people write them: ``--gain 1/3``, ``--variance '2*(1 - exp(-1))'``, read as expressions and never run."""

from __future__ import annotations

from typing import Any

import click


def number(text: str) -> float:
    """Return the float nearest to a number or to a formula of numbers; raise `InputError` for anything else."""
    try:
        return float(text)
    except ValueError:
        from derive.expressions import parse_expression

        return float(parse_expression(text, {}, what="number").evalf(30))


class _Number(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """One number."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self.read(value, "a number", param, ctx) if isinstance(value, str) else value

    def read(self, text: str, words: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from derive.errors import InputError

        try:
            return number(text)
        except InputError as error:
            why = str(error).split("\n")[0].removeprefix("number: ")
            self.fail(f"must be {words}, such as 0.5, 1/3 or sqrt(2), got {text!r}: {why}", param, ctx)


class _Numbers(_Number):
    """Numbers separated by commas; a single number stands for itself."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        from derive.activations.names import split_outside_brackets

        found = [self.read(part, "numbers, separated by commas", param, ctx) for part in split_outside_brackets(value)]
        return found[0] if len(found) == 1 else found


NUMBER, NUMBERS = _Number(), _Numbers()
