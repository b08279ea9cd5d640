"""evaluate/workers.py: the order holds, errors come through, a killed process is told."""

from __future__ import annotations

import operator
import os
import signal
from functools import partial

import pytest

from kolorit.errors import LimitExceeded
from kolorit.evaluate.workers import workers

# Plain library functions, since other processes cannot import a test.
TEN = partial(int, "10")


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_the_order_of_the_tasks(jobs: int) -> None:
    with workers(TEN, jobs) as do:
        assert list(do(operator.add, [(n,) for n in range(8)])) == list(range(10, 18))
        assert list(do(operator.mul, [(2,)])) == [20]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_task_comes_through(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError), workers(TEN, jobs) as do:
        list(do(operator.floordiv, [(5,), (0,)]))


def test_a_process_that_is_ended_is_no_bug() -> None:
    """Each worker's bench is its own process number, with which it ends itself."""
    with pytest.raises(LimitExceeded, match="was ended"), workers(os.getpid, 2) as do:
        list(do(os.kill, [(signal.SIGKILL,)]))


def test_interrupts_are_heard_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with workers(TEN, 2) as do:
        list(do(operator.add, [(1,)]))
        assert signal.getsignal(signal.SIGINT) is before
