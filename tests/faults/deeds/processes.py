"""Our processes: killed, frozen while another one takes over, relieved by a second one, taken away."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.schedule import Fault
from tests.faults.subjects import TWINS
from tests.faults.system import System

ZOMBIE_SECONDS = 1.5  # in which whoever woke up could still act on what it believes


@asynccontextmanager
async def kill(system: System, fault: Fault) -> AsyncIterator[None]:
    """kill -9; the supervisor brings it back by itself."""
    await system.stack.kill(fault.whom)
    yield


@asynccontextmanager
async def freeze(system: System, fault: Fault) -> AsyncIterator[None]:
    """Asleep longer than every time-out, with a batch in its hands; who reads or sends is relieved meanwhile, so that it
    wakes up as a zombie beside another one."""
    pid = system.stack.pid(fault.whom)
    os.kill(pid, signal.SIGSTOP)
    try:
        if fault.whom in TWINS:
            await system.start_twin(fault.whom)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # killed beside
            os.kill(pid, signal.SIGCONT)
        if fault.whom in TWINS:
            await asyncio.sleep(ZOMBIE_SECONDS)
            await system.end_twin(fault.whom)


@asynccontextmanager
async def hand_over(system: System, fault: Fault) -> AsyncIterator[None]:
    """A second process of the same role comes, shares the work, and is told to stop, each in the middle of batches."""
    await system.start_twin(fault.whom)
    try:
        yield
    finally:
        await system.end_twin(fault.whom)


@asynccontextmanager
async def away(system: System, fault: Fault) -> AsyncIterator[None]:
    """Killed, and not brought back before it is healed."""
    await system.stack.hold(fault.whom, signal.SIGKILL)
    try:
        yield
    finally:
        await system.stack.restart(fault.whom)
