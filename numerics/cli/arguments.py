"""Arguments that begin with a minus: ``varprop expect '-x'`` is ``varprop expect -- '-x'``."""

from __future__ import annotations

import click


class Formula(click.Command):
    """A command with one argument, a formula, which may begin with a minus wherever it stands among the options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; what begins with one minus, and is no option of this command, comes last."""
        taken = {name: parameter for parameter in self.get_params(ctx) for name in parameter.opts}
        options, formulas, left = list[str](), list[str](), list(args)
        while left and left[0] != "--":
            token = left.pop(0)
            parameter = taken.get(token)
            if isinstance(parameter, click.Option):
                # What follows it is its value, minus or not.
                count = 0 if parameter.is_flag else parameter.nargs
                options += [token, *left[:count]]
                del left[:count]
            elif token.startswith("-") and not token.startswith("--") and token != "-":
                formulas.append(token)
            else:
                options.append(token)
        rest = left[1:] if left else []
        return super().parse_args(ctx, [*options, "--", *formulas, *rest] if formulas or left else options)
