"""The bound on work: when the time is spent, the computation says so, wherever it is."""

import threading
import time

import pytest
from sympy import Symbol

from derive import limits
from derive.errors import InputError
from derive.expressions import parse_expression


def work(seconds):
    """Spend processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_time_that_is_spent_is_an_error_that_says_what_to_do():
    with limits.within(0.05, remedy="ask for less"):
        limits.check()
        work(0.06)
        message = r"time limit of 0.05 s of processor time was reached before there was an answer; ask for less"
        with pytest.raises(InputError, match=message):
            limits.check()
    limits.check()


def test_waiting_is_not_counted():
    with limits.within(0.05):
        time.sleep(0.1)
        limits.check()


def test_a_block_within_has_no_more_time_than_is_left():
    with limits.within(0.05), limits.within(60):
        work(0.06)
        with pytest.raises(limits.LimitReached, match=r"limit of 0.05 s"):
            limits.check()


def test_work_of_a_stated_size_is_not_counted():
    """Neither while it is done, nor afterwards."""
    with limits.within(0.05):
        with limits.uncounted():
            work(0.06)
            limits.check()
        limits.check()
        work(0.06)
        with pytest.raises(limits.LimitReached):
            limits.check()


def test_other_threads_have_no_limit():
    found = []
    with limits.within(0.01):
        work(0.02)
        thread = threading.Thread(target=lambda: found.append(limits.check()))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("tanh(" * 28 + "x" + ")" * 28, "at most 12 functions may stand inside one another"),
        ("gelu_tanh(" * 9 + "x" + ")" * 9, "at most 5000 numbers, names and operations, with functions written out"),
        ("x" * 1001, "at most 1000 characters"),
        ("1" * 41 + "*x", "numbers have at most 40 digits"),
    ],
)
def test_the_size_of_an_expression_is_bounded(text, rule):
    with pytest.raises(InputError, match=rule):
        parse_expression(text, {"x": Symbol("x", real=True)})
