"""State machines on real Postgres: the loop they run on, and how many steps they take.

`MACHINES=20 pytest ...` takes twenty times as many examples and another seed each time; the suite takes the same few
every time, so that what fails once fails again, and does not look for the shortest way there, which takes minutes.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

R = TypeVar("R")
World = TypeVar("World")
MORE = int(os.environ.get("MACHINES", "0"))


class Machine(RuleBasedStateMachine):
    """Steps are plain functions; what they await runs on the loop of the whole test."""

    def __init__(self, runner: asyncio.Runner, world: Any) -> None:
        super().__init__()
        self.runner, self.world = runner, world

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        return self.runner.run(work)


def run_machine(
    machine: Callable[[asyncio.Runner, World], Machine],
    world: AbstractAsyncContextManager[World],
    *,
    examples: int,
    steps: int,
) -> None:
    """Runs examples on one world, which each machine begins anew in (by its keys, or by emptying it)."""
    bounded = settings(
        max_examples=examples * max(1, MORE), stateful_step_count=steps, deadline=None, derandomize=not MORE,
        phases=tuple(Phase) if MORE else (Phase.generate,), database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        there = runner.run(world.__aenter__())
        try:
            run_state_machine_as_test(lambda: machine(runner, there), settings=bounded)
        finally:
            runner.run(world.__aexit__(None, None, None))
