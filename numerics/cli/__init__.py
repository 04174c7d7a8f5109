"""The command line: ``varprop``. Commands are imported when they are called, so that help comes at once.

Nothing here imports `derive` or NumPy before a command needs them.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import click

_COMMANDS = {
    "list": ("numerics.cli.listing:list_names", "List theorems, claims and activations."),
    "derive": ("numerics.cli.derivations:derive", "Derive a theorem step by step."),
    "audit": ("numerics.cli.audits:audit", "Hold printed formulas against derived ones."),
    "curve": ("numerics.cli.curves:curve", "Predict the variances of a network, layer by layer."),
    "sweep": ("numerics.cli.sweep:sweep", "Predict curves on a grid of gains, depths, activations."),
    "verify": ("numerics.cli.verification:verify", "Hold the prediction against a simulation."),
    "network": ("numerics.cli.described:network", "Print a network: its blocks, definitions, what is drawn."),
    "simulate": ("numerics.cli.simulation:simulate", "Estimate the variances of a network by drawing it."),
    "expect": ("numerics.cli.expect:expect", "Give a Gaussian expectation in closed form."),
    "maps": ("numerics.cli.maps:maps", "Give the maps of an activation, in closed form and as numbers."),
    "critical": ("numerics.cli.critical:critical", "Find the critical point of an activation."),
    "phase": ("numerics.cli.critical:phase", "Draw the phase diagram of an activation."),
    "init": ("numerics.cli.critical:init", "Recommend gains for an activation."),
    "kernel": ("numerics.cli.kernel:kernel", "Print the generated code of a result, with its accuracy."),
    "evidence": ("numerics.cli.evidence:evidence", "Train networks, and hold them against theory."),
    "figure": ("numerics.cli.figure:figure", "Draw one of the figures, theory over simulation."),
    "report": ("numerics.cli.report:report", "Write everything to a directory with an index.html."),
}

_HELP = 80
BAD_INPUT = 2
INTERRUPTED = 130  # as shells report a command that SIGINT ended
TERMINATED = 143  # by SIGTERM
BROKEN_PIPE = 141  # as shells report a command that SIGPIPE ended


class Program(click.Group):
    """A group whose commands are imported on demand, and which reports bad input in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order in which one meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        """Import a command; raise a usage error with close matches for an unknown one."""
        if name not in _COMMANDS:
            from derive.errors import unknown_name

            raise click.UsageError(str(unknown_name("command", name, _COMMANDS)))
        module, attribute = _COMMANDS[name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line a command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])

    def main(self, *args: Any, **options: Any) -> Any:
        """Run and exit: 2 after one clear line for bad input, 130 when interrupted, silent on a broken pipe."""
        if sys.stdout is None:
            # Closed (``>&-``). Every write to what stands in its place fails, and no file gets its number.
            sys.stdout = open(os.devnull, "w", opener=lambda path, _: os.open(path, os.O_RDONLY))  # noqa: SIM115
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # A terminal that cannot show a formula's symbols shows question marks.
                stream.reconfigure(errors="replace")
        if not options.get("standalone_mode", True):
            return super().main(*args, **options)
        # Ended from outside, what is half-written is removed as after an interrupt.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except _OutputLost as lost:
            code = BROKEN_PIPE if lost.errno == errno.EPIPE else _complain(f"cannot write to standard output: {lost}")
        except click.ClickException as error:
            code = _complain(error.format_message())
        except click.Abort:
            code = _complain("interrupted", INTERRUPTED)
        except ValueError as error:
            from derive.errors import InputError

            if not isinstance(error, InputError):
                raise
            code = _complain(str(error))
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the arguments; help and version are printed here."""
        from numerics.cli.narrow import columns

        with _printing():
            return super().make_context(*args, terminal_width=min(columns() or _HELP, _HELP), **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with _printing():
            return super().invoke(ctx)


class _OutputLost(Exception):
    """Standard output takes no more; ``errno`` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__((error.strerror or str(error)).lower())
        self.errno = error.errno


@contextmanager
def _printing() -> Iterator[None]:
    """Tell a standard output that cannot be written from every other error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # An error of a file or a process names it.
        if error.filename is not None or error.errno not in _OF_WRITING:
            raise
        # Python flushes again at exit, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _OutputLost(error) from error


_OF_WRITING = (errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG, errno.EDQUOT)


def _complain(message: str, code: int = BAD_INPUT) -> int:
    # An error in an expression names the column; the line that points at it is for wider output than one line.
    message = message.removesuffix("^")
    # Where nobody hears, the exit code remains.
    with suppress(OSError):
        click.echo(f"varprop: {' '.join(message.split())}", err=True)
    return code


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="varprop", prog_name="varprop", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """How variance travels through a randomly initialised network: derived, predicted, verified.

    \b
    varprop derive backward-variance
    varprop audit glorot-2010-eq-6
    varprop curve --widths 8,14,5,18,11,6 --gain 1
    varprop verify --depth 5 --width 64 --activation tanh --gain 0.25
    """  # noqa: D301 - click's mark for lines to be kept is a backspace, which a raw string would not hold
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
