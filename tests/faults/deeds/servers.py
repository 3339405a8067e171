"""Kafka and Postgres: killed, restarted, frozen."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from benchmarks.usage import family
from tests.faults.schedule import Fault
from tests.faults.system import System


@asynccontextmanager
async def kill(system: System, fault: Fault) -> AsyncIterator[None]:
    """kill -9; the supervisor brings it back by itself."""
    await system.stack.kill(fault.whom)
    yield


@asynccontextmanager
async def restart(system: System, fault: Fault) -> AsyncIterator[None]:
    """Stopped cleanly, and started again after a while."""
    await system.stack.hold(fault.whom)
    try:
        yield
    finally:
        await system.stack.restart(fault.whom)


@asynccontextmanager
async def freeze(system: System, fault: Fault) -> AsyncIterator[None]:
    """Asleep with all its children (a postmaster alone would leave the sessions at work)."""
    pids = family(system.stack.pid(fault.whom))
    _tell(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(pids, signal.SIGCONT)


def _tell(pids: list[int], sent: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sent)
