"""Does one fault after the other while there is load, and notes what each met and how long it took to be over."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

import aiohttp
from aiokafka.errors import KafkaError

from deploy.local.child import StartFailed
from shared.messaging.failures import TROUBLE
from tests.faults.deeds import DEEDS
from tests.faults.deeds.letters import Missed
from tests.faults.deeds.outside import Refused
from tests.faults.flight import Flight, Hit, in_flight, look, recovered, who_goes_on
from tests.faults.journal import Done, Journal
from tests.faults.schedule import Fault
from tests.faults.subjects import SUBJECTS
from tests.faults.system import System

IN_TURN = -1  # the number of a kill that is none of the schedule

# A fault that falls beside another may find that it cannot be done: a database that is frozen ends no sessions.
CANNOT = (
    *TROUBLE, KafkaError, aiohttp.ClientError, StartFailed, Refused, RuntimeError, Missed,
)  # fmt: skip


class Inflicting:
    """The faults of a run, over all its rounds. Two fall beside one another where the later one began before the earlier
    one was over, or where kills fall in turn; neither has a recovery time then."""

    def __init__(
        self, system: System, faults: Iterator[Fault], journal: Journal, tell: Callable[[str], None]
    ) -> None:
        self._system = system
        self._faults = faults
        self._journal = journal
        self._tell = tell
        self._next = next(faults)
        self._begun = 0
        self._harming = 0

    async def fall(self, *, until: float) -> None:
        """Until that monotonic time: a fault that would last longer is still begun and healed. Raises Unsettled."""
        beside: set[asyncio.Task[None]] = set()
        while time.monotonic() < until:
            fault, self._next = self._next, next(self._faults)
            await asyncio.sleep(fault.pause)
            if self._next.beside:
                beside.add(asyncio.create_task(self._later(self._next, fault.seconds / 2)))
                self._next = next(self._faults)
            await self._one(fault)
        await asyncio.gather(*beside)

    async def kill_in_turn(self, kills: int, seed: int, *, until: float) -> None:
        """Beside the schedule: every process of ours, again and again in another order, at random moments. Who is not yet
        ready again is passed over: on a slow machine nobody would ever be served otherwise."""
        chance, done = random.Random(seed), 0
        while True:
            for name in chance.sample(sorted(SUBJECTS), len(SUBJECTS)):
                await asyncio.sleep(0.3 + 0.7 * chance.random())
                if done >= kills or time.monotonic() > until:
                    return
                if await self._system.is_ready(name):
                    flight = await self._glance(name)
                    await self._system.stack.kill(name)
                    self._begun += 1
                    fault = Fault(IN_TURN, "kill", name, 0.0, 0.0, beside=True)
                    self._journal.note(Done(fault, asdict(flight), 1, None))
                    done += 1

    async def _glance(self, name: str) -> Flight:
        """What is in flight now; nothing that can be told while the database is away."""
        try:
            async with asyncio.timeout(0.5), self._system.admin() as connection:
                return await look(connection, Hit.process(name))
        except CANNOT:
            return Flight()

    async def _later(self, fault: Fault, seconds: float) -> None:
        await asyncio.sleep(fault.pause + seconds)
        await self._one(fault)

    async def _harm(self, fault: Fault) -> None:
        self._harming += 1
        try:
            async with DEEDS[fault.kind].deed(self._system, fault):
                await asyncio.sleep(fault.seconds)
        finally:
            self._harming -= 1

    async def _one(self, fault: Fault) -> None:
        """One fault from the moment it waits for to the progress after it."""
        doing, flight, problem, seconds = DEEDS[fault.kind], Flight(), None, None
        hit = doing.hit(fault.whom)
        try:
            flight = await in_flight(self._system, hit)
            self._begun += 1
            begun, alone = self._begun, not self._harming
            await self._harm(fault)
            seconds = await recovered(self._system, who_goes_on(hit))
            seconds = seconds if alone and begun == self._begun else None
        except CANNOT as failure:
            problem = f"{type(failure).__name__}: {failure}".splitlines()[0][:200]
        done = Done(fault, asdict(flight), doing.kills if problem is None else 0, seconds, problem)
        self._journal.note(done)
        self._tell(f"  {time.strftime('%H:%M:%S')} {describe(done)}")


def describe(done: Done) -> str:
    """One line: the schedule and the effect."""
    fault = done.fault
    met = (
        ", ".join(f"{number} {name}" for name, number in done.flight.items() if number) or "nothing in flight"
    )
    over = done.problem or (
        f"went on after {done.recovered:.1f} s" if done.recovered is not None else "beside another"
    )
    return f"#{fault.number} {fault.kind} {fault.whom} for {fault.seconds:.1f} s: {met}; {over}"


async def not_ready(system: System, names: Iterable[str], seconds: float = 60.0) -> list[str]:
    """Who still says after so long that it is not ready, and what it waits for."""
    until, waits = time.monotonic() + seconds, dict.fromkeys(names, "")
    while waits and time.monotonic() < until:
        for name in list(waits):
            waits[name] = await system.waits_for(name)
            if not waits[name]:
                del waits[name]
        await asyncio.sleep(0.2)
    return [f"{name} is not ready: {why}" for name, why in waits.items()]
