"""Waiting in tests: for the event and never for a time, as long as a slow machine may need, and never for ever."""

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

# A wait that can only end well costs nothing when it is long: a busy machine is ten times slower than a quiet one.
PATIENCE = 60.0


async def until(
    holds: Callable[[], Any],
    what: str,
    *,
    seconds: float = PATIENCE,
    every: float = 0.02,
    last: Callable[[], Any] | None = None,
) -> Any:
    """The first true value of `holds` (a function or a coroutine function). AssertionError names `what` never came,
    and what `last` tells of it."""
    found: Any = None
    try:
        async with asyncio.timeout(seconds):
            while not (found := await _value(holds)):
                await asyncio.sleep(every)
    except TimeoutError as never:
        seen = last() if last else found
        raise AssertionError(f"{what}: not within {seconds:.0f} s; last seen: {seen!r}") from never
    return found


@asynccontextmanager
async def running(
    stop: asyncio.Event, *work: Coroutine[Any, Any, Any]
) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Loops as tasks while inside; told to stop when left, whatever happened inside. What then does not end is
    cancelled and named. Tasks may be added to the list that is yielded."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        stop.set()
        await ended(tasks)


async def ended(tasks: list[asyncio.Task[Any]], seconds: float = PATIENCE) -> None:
    """All of them have ended by themselves; the first failure of one is raised."""
    if not tasks:
        return
    _, hanging = await asyncio.wait(tasks, timeout=seconds)
    for task in hanging:
        task.cancel()
    if hanging:
        raise AssertionError(
            f"told to stop {seconds:.0f} s ago and still running: {[place(t) for t in hanging]}"
        )
    await asyncio.gather(*tasks)


async def _value(holds: Callable[[], Any]) -> Any:
    found = holds()
    return await found if inspect.isawaitable(found) else found


def place(task: asyncio.Task[Any]) -> str:
    """Where a task waits, innermost first."""
    return " < ".join(reversed(stack_of(task)))


def stack_of(task: asyncio.Task[Any]) -> list[str]:
    """Where a task waits, from its own first function inwards (Task.print_stack shows the first one only)."""
    found: list[str] = []
    waits: Any = task.get_coro()
    while waits is not None:
        kind = next((kind for kind in ("cr", "ag", "gi") if hasattr(waits, f"{kind}_frame")), None)
        if kind is None:
            # The step of an async generator (a fixture's) knows its generator, but tells the collector alone.
            waits = next((one for one in gc.get_referents(waits) if inspect.isasyncgen(one)), None)
            continue
        if frame := getattr(waits, f"{kind}_frame"):
            found.append(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        waits = getattr(waits, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return found
