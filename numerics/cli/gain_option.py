"""``--gain``, n Var[W], where the width is not given; ``--weight-variance`` was its name there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def gain_option(**settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option ``--gain``, with these settings; its older name is accepted, with a note."""
    default = settings.pop("default", None)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--gain", default=default, show_default=default is not None, **settings)
        @click.option("--weight-variance", "older", **(settings | {"hidden": True}))
        @click.pass_context
        @wraps(command)
        def with_gain(ctx: click.Context, /, *, gain: Any, older: Any, **others: Any) -> Any:
            if older is not None:
                if ctx.get_parameter_source("gain") is click.core.ParameterSource.COMMANDLINE:
                    raise click.UsageError("give --gain, not --weight-variance: here both are n Var[W]")
                click.echo(
                    "varprop: note: n Var[W] is called --gain; --weight-variance is its older name here", err=True
                )
                gain = older
            return command(gain=gain, **others)

        return with_gain

    return decorate
