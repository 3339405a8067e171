"""Every test has an upper bound, so that a hang is a failure with a stack and never eats the run.

An async test that hangs fails where it waits, and the run goes on. Whatever else hangs (a fixture, a test without a
loop, a finalizer) ends the run with the stacks of all threads and all tasks: `faulthandler_timeout` of pyproject.toml,
which pytest itself forgets as soon as a test has failed, so it is set anew for each phase.
"""

import asyncio
import faulthandler
import functools
import inspect
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop
from _pytest.faulthandler import fault_handler_stderr_fd_key

from tests.waiting import stack_of

TEST_SECONDS = 300.0
SLOW_TEST_SECONDS = 840.0  # whole systems and the fault runs: minutes on a quiet machine
SLOW = ("stack", "faults")
TELL_TASKS_BEFORE, LOOK_SECONDS = 3.0, 0.1

loops: list[asyncio.AbstractEventLoop] = []


class Loop(uvloop.Loop):
    """The services' loop; what a test has left open is told when it closes, and closed.

    uvloop warns of an open handle and then closes it. Where warnings are errors the warning is raised instead, the
    handle stays open, and `close` waits for it for ever.
    """

    def close(self) -> None:
        with warnings.catch_warnings(record=True) as left:
            warnings.simplefilter("always", ResourceWarning)
            super().close()
        if left:
            raise AssertionError(f"left open by some test: {sorted(str(one.message) for one in left)}")


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop whose tasks are told when a test hangs."""
    loops.append(Loop())
    return loops[-1]


def limit(item: pytest.Item) -> None:
    """Bounds the body of an async test."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        slow = any(item.get_closest_marker(name) for name in SLOW)
        item.obj = _within(item.obj, SLOW_TEST_SECONDS if slow else TEST_SECONDS)


def _within(test: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    @functools.wraps(test)
    async def bounded(*arguments: Any, **named: Any) -> None:
        async with asyncio.timeout(seconds):
            await test(*arguments, **named)

    return bounded


@contextmanager
def phase(item: pytest.Item) -> Iterator[None]:
    """One of set-up, call and tear-down, within the time of pyproject.toml."""
    seconds = float(item.config.getini("faulthandler_timeout") or 0)
    if not seconds:
        yield
        return
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    watch.begin(time.monotonic() + max(0.1, seconds - TELL_TASKS_BEFORE), item.nodeid, stderr)
    faulthandler.dump_traceback_later(
        seconds, file=stderr, exit=bool(item.config.getini("faulthandler_exit_on_timeout"))
    )
    try:
        yield
    finally:
        watch.end()


class Watch:
    """Tells what a phase waits for that is not over in time. One thread for all: a timer for each costs 0.2 ms, which
    is a second of `make check`."""

    def __init__(self) -> None:
        self._phase: tuple[float, str, int] | None = None
        self._started = False

    def begin(self, until: float, name: str, stderr: int) -> None:
        """`until` is of the monotonic clock."""
        self._phase = until, name, stderr
        if not self._started:
            self._started = True
            threading.Thread(target=self._look, name="hanging", daemon=True).start()

    def end(self) -> None:
        self._phase = None

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            phase = self._phase
            if phase and time.monotonic() >= phase[0]:
                _tell_tasks(*phase[1:])
                if self._phase is phase:
                    self._phase = None


watch = Watch()


def _tell_tasks(name: str, stderr: int) -> None:
    """A thread's stack shows the loop alone; what everybody waits for stands in the tasks."""
    lines = [f"\n{name} hangs; tasks:"]
    for loop in loops:
        if not loop.is_closed():
            lines += [
                f"  {task.get_name()}: {' > '.join(stack_of(task))}" for task in asyncio.all_tasks(loop)
            ]
    os.write(stderr, ("\n".join(lines) + "\n").encode())
