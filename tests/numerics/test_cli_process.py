"""The command line as a process: what it exits with, and what it says, when its output or its life is cut short.

Exit codes are those of the shells (128 plus the number of the signal) and of docs/command-line.md, typed in here.
"""

import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-c", "from numerics.cli import main; main()"]
COMMANDS = [
    "list activations --format json",
    "derive product-variance",
    "audit question-1-product-rule",
    "curve --depth 2 --width 4 --gain 1",
    "verify --widths 4,3 --gain 1 --networks 50",
    "simulate --widths 4,3 --gain 1 --networks 8",
    "expect x**2",
    "maps linear",
    "critical linear",
    "phase --help",
    "init linear",
    "kernel product-variance",
    "figure",
    "report --help",
    "--help",
    "--version",
]


def ended(line, **streams):
    """Return the exit code and standard error of a command."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | streams
    done = subprocess.run([*PROGRAM, *line.split()], text=True, check=False, timeout=120, **streams)
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_a_full_disk_is_one_clear_line(line):
    """Of every command."""
    with open("/dev/full", "w") as full:
        assert ended(line, stdout=full) == (2, "varprop: cannot write to standard output: no space left on device\n")


@pytest.mark.parametrize("line", COMMANDS[:1] + COMMANDS[-2:])
def test_a_closed_output_is_one_clear_line(line):
    """As of ``varprop list >&-``."""
    code, complaint = ended(line, stdout=None, preexec_fn=lambda: os.close(1))
    assert (code, complaint) == (2, "varprop: cannot write to standard output: bad file descriptor\n")


def test_a_file_is_written_where_the_output_is_closed(tmp_path):
    """It does not become the standard output that is missing."""
    code, complaint = ended(
        f"derive product-variance -o {tmp_path / 'proof.txt'}", stdout=None, preexec_fn=lambda: os.close(1)
    )
    assert (code, complaint) == (0, "")
    assert "Var[X" in (tmp_path / "proof.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", COMMANDS[:1] + COMMANDS[-2:])
def test_a_reader_that_goes_away_is_no_error_to_report(line):
    """`varprop ... | head -1` is silent, and ends as by SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert ended(line, stdout=writer) == (141, "")
    finally:
        os.close(writer)


def test_the_exit_code_remains_where_nobody_hears_the_complaint():
    """Standard error full, or closed."""
    with open("/dev/full", "w") as full:
        assert ended("curve --widths 3", stderr=full)[0] == 2
        assert ended("list activations", stdout=full, stderr=full)[0] == 2
    assert ended("curve --widths 3", stderr=None, preexec_fn=lambda: os.close(2))[0] == 2
