"""Every command that computes with a function stops at its time limit, and says so in one line."""

import signal
from threading import Thread

import pytest
from click.testing import CliRunner

from numerics.cli import main

LIMIT = (
    "varprop: time limit of 0.3 s of processor time was reached before there was an answer; "
    "allow more with --time-limit SECONDS, or give a simpler function\n"
)
NETWORK = ("--depth", "300", "--width", "4", "--gain", "1", "--activation")


def slow(n):
    """Return a function that takes longer than the limit; each command has one of its own, for results are kept."""
    return f"sin(5{n}*x)*exp(-x**2)/(2 + sin(x**3))"


@pytest.mark.parametrize(
    "arguments",
    [
        ("expect", f"log(2 + tanh({slow(0)}))", "--with", "tanh(x)", "--correlation", "0.5"),
        ("maps", slow(1)),
        ("critical", slow(2)),
        ("phase", slow(3), "-o", "phase.csv"),
        ("init", slow(4)),
        ("kernel", "chi-perp", "--activation", slow(5)),
        ("curve", *NETWORK, slow(6)),
        ("verify", *NETWORK, slow(7)),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_stops_at_its_limit(arguments, tmp_path, monkeypatch):
    """With nothing on standard output, and nothing on disk."""
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(main, [*arguments, "--time-limit", "0.3"])
    assert (found.exit_code, found.stdout, found.stderr) == (2, "", LIMIT)
    assert list(tmp_path.iterdir()) == []


def test_what_was_asked_to_be_drawn_is_not_counted():
    """A simulation has the size that its options say."""
    arguments = "simulate --depth 4 --width 64 --gain 1 --activation tanh --networks 4000 --time-limit 0.3"
    assert CliRunner().invoke(main, arguments.split()).exit_code == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "x"])
def test_a_limit_is_a_positive_number(seconds):
    found = CliRunner().invoke(main, ["expect", "x", "--time-limit", seconds])
    assert found.exit_code == 2
    assert "--time-limit" in found.stderr


def test_a_command_works_in_another_thread():
    """Signals are for the main thread: elsewhere a command runs without them."""
    found = []
    thread = Thread(target=lambda: found.append(CliRunner().invoke(main, ["expect", "x**2"])))
    thread.start()
    thread.join()
    assert [result.exit_code for result in found] == [0]


def test_the_clock_is_put_back():
    """The timer is stopped and the handler of before is there again, also after a command that failed."""
    before = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        for line, code in (("expect x", 0), ("expect x(", 2)):
            assert CliRunner().invoke(main, line.split()).exit_code == code
            assert signal.getsignal(signal.SIGPROF) == signal.SIG_IGN
            assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    finally:
        signal.signal(signal.SIGPROF, before)
