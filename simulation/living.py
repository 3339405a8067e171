"""Everybody does what they do at the same time: people ask, choose and change their mind, staff see to what is theirs, until
nothing more can happen now.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from simulation import agreeing, asking, changing, choosing, handing_over, on_duty, sessions, worklist
from simulation.agreeing import Household
from simulation.asking import Asked
from simulation.client_log import ClientLog
from simulation.evidence import kernel, waiting
from simulation.evidence.patient import Patient
from simulation.figures import Leftovers
from simulation.http_client import Address
from simulation.http_wire import Unanswered
from simulation.population import Person
from simulation.returning import Desks
from simulation.seeding import Badges
from simulation.sessions import Coming

KARACHI = ZoneInfo("Asia/Karachi")
LOOK_SECONDS, TELL_SECONDS = 0.5, 2.0  # looking costs the database as much as a dozen people who ask
FILE_SECONDS = 3.0  # at a steady rate: what came in meanwhile is handed over together
SETTLE_SECONDS = 10.0  # the outbox is read this long after the last outcome

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: who asks, where the client's own file is, the guardians who are asked, the staff's tokens, and which
    therapists are sent on leave."""

    people: list[Person]
    started_at: float
    file: Path
    household: Household
    badges: Badges
    on_leave: tuple[str, ...] = ()
    per_second: float | None = None
    in_bulk: float = 0.0

    @property
    def patience(self) -> float:
        """Seconds after which a run is counted although something still waits."""
        return 90.0 + len(self.people) / min(20.0, self.per_second or 20.0)


async def live(
    addresses: Mapping[str, str], own: Run, settle_seconds: float, progress: Tell
) -> tuple[Asked, Leftovers]:
    """Everybody does what they do, and what they began ends; what the kernel has left over of it."""
    desks, badges = _desks(addresses), own.badges
    on_call = on_duty.meanwhile(Address.of(addresses["intake-crisis"]), badges.staff("duty_clinician"))
    console, notifications = Address.of(addresses["console"]), Address.of(addresses["notifications"])
    office = worklist.meanwhile(console, notifications, badges.staff("coordinator"))
    async with Patient(addresses["database"]) as database:
        before = await database.ask(kernel.leftovers)
        async with agreeing.meanwhile(desks.intake, own.household):
            async with on_call, office:
                asked = await _ask_and_wait(database, desks, own, progress)
            await _settle(database, asked, own, settle_seconds)
        return asked, (await database.ask(kernel.leftovers)).since(before)


async def _ask_and_wait(database: Patient, desks: Desks, own: Run, progress: Tell) -> Asked:
    """Posts everybody, lets choose who wished to and change who cannot come, and looks on until nothing more can happen
    now or patience is over."""
    asked, log = Asked(), ClientLog(own.file)
    posting = asyncio.create_task(_post(desks.intake, own, log, asked))
    returning = asyncio.create_task(_come_back(desks, own, asked, posting))
    told_at, said = time.monotonic(), ""
    until = told_at + own.patience
    try:
        while time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            tells = time.monotonic() - told_at > TELL_SECONDS
            if not (returning.done() or tells):
                continue
            answered = own.household.read  # before looking: who answers meanwhile is under way
            stands = await database.ask(waiting.standing, asked.codes)
            settled = stands.settled(len(set(asked.codes)), answered)
            if tells or (settled and returning.done()):
                told_at = time.monotonic()
                clock = settled and posting.done() and not returning.done()
                if (news := _news(asked, own, str(stands), clock=clock)) != said:
                    progress(said := news)
            if settled and returning.done():
                break
        for task in (posting, returning):
            if task.done():
                task.result()
    finally:
        posting.cancel()
        returning.cancel()
        log.close()
    return asked


def _news(asked: Asked, own: Run, stands: str, *, clock: bool) -> str:
    """How far it is; with `clock` only hours that were given at once have still to begin."""
    waits = "; some are seen when the next minute begins" if clock else ""
    return f"  {len(set(asked.codes))} of {len(own.people)} asked: {stands}{waits}"


async def _come_back(desks: Desks, own: Run, asked: Asked, posting: asyncio.Task[None]) -> None:
    """Until everybody has chosen or changed what they wished, and the hours that were given at once have begun."""
    coming: list[Coming] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(choosing.choose(desks, asked.choosers, more=lambda: not posting.done()))
        changes = group.create_task(
            changing.change(desks, asked.changers, coming, more=lambda: not posting.done())
        )
        group.create_task(sessions.see(desks, own.badges, coming, more=lambda: not changes.done()))
        group.create_task(_leave(desks, own, posting))


async def _leave(desks: Desks, own: Run, posting: asyncio.Task[None]) -> None:
    """Once all have asked, some therapists are sent on leave, whoever is booked with them then."""
    await asyncio.wait([posting])
    with contextlib.suppress(Unanswered):
        await worklist.send_on_leave(
            desks.matching, own.badges.staff("coordinator"), own.on_leave, datetime.now(KARACHI)
        )


async def _post(address: Address, own: Run, log: ClientLog, asked: Asked) -> None:
    """Some alone and some in files, at the same time, both together at the rate of the run. Whoever wishes to choose asks alone,
    since a file gets no PINs back, and so does whoever asks late, from a phone of their own."""
    run = own.file.stem[:12]
    handed, alone = handing_over.by_bulk(own.people, own.in_bulk)
    own_ways = [person for person in handed if person.chooses or person.late]
    in_files = [person for person in handed if not (person.chooses or person.late)]
    jobs = list(asking.submits([*alone, *own_ways], run, address))
    rate = own.per_second or 0.0
    lines = max(1, round(rate * own.in_bulk * FILE_SECONDS)) if rate else handing_over.LINES_PER_FILE
    files = list(handing_over.files(in_files, run, lines))
    await asyncio.gather(
        asking.ask(address, jobs, log, asked, per_second=rate * (1 - own.in_bulk) or None),
        handing_over.hand_over(
            address,
            files,
            own.badges.staff("coordinator"),
            log,
            asked,
            every_seconds=FILE_SECONDS if rate else 0.0,
        ),
    )


def _desks(addresses: Mapping[str, str]) -> Desks:
    return Desks(*(Address.of(addresses[name]) for name in ("intake", "matching", "scheduling")))


async def _settle(database: Patient, asked: Asked, own: Run, seconds: float) -> None:
    """So long, and until what has begun meanwhile has ended as well: of whoever has the time for it, also the look at
    the waiting list that is still to come."""
    await asyncio.sleep(seconds)
    looks, until = seconds >= SETTLE_SECONDS, time.monotonic() + own.patience
    while time.monotonic() < until:
        answered = own.household.read
        stands = await database.ask(waiting.standing, asked.codes)
        if stands.settled(len(set(asked.codes)), answered) and not (
            looks and await database.ask(waiting.may_wake)
        ):
            return
        await asyncio.sleep(LOOK_SECONDS)
