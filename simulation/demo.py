"""The demo: a synthetic country asks for help over HTTP, and everything that follows is counted.

`seed` puts the care in, `run` lets people ask and writes the figures; both talk to the services only as the
outside world would. The counting afterwards reads tables, topics and sinks.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from simulation import (
    agreeing,
    asking,
    changing,
    choosing,
    evidence,
    handing_over,
    network,
    on_duty,
    reporting,
)
from simulation.agreeing import Household
from simulation.asking import Asked
from simulation.client_log import ClientLog, read_client_log
from simulation.counting import count
from simulation.evidence import kernel, waiting
from simulation.evidence.patient import Patient
from simulation.evidence.sources import Sources
from simulation.figures import Figures, Leftovers
from simulation.history import Findings, History
from simulation.http_client import Address
from simulation.population import Person, care_for, guardians
from simulation.population import people as population
from simulation.returning import Desks
from simulation.seeding import entitle, seed_care, staff_token

KARACHI = ZoneInfo("Asia/Karachi")
LOOK_SECONDS, TELL_SECONDS = 0.5, 2.0  # looking costs the database as much as a dozen people who ask
KNOWN_SECONDS = 60.0
FILE_SECONDS = 3.0  # at a steady rate: what came in meanwhile is handed over together
SETTLE_SECONDS = 10.0  # the outbox is read this long after the last outcome

# From so many people on most come in files, as they would in a country; below, everybody asks alone.
MANY, MOST = 5000, 0.9

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: who asks, where the client's own file is, and the guardians who are asked."""

    people: list[Person]
    started_at: float
    file: Path
    household: Household
    per_second: float | None = None
    in_bulk: float = 0.0
    token: str = ""

    @property
    def patience(self) -> float:
        """Seconds after which a run is counted although something still waits."""
        return 90.0 + len(self.people) / min(20.0, self.per_second or 20.0)


def usual_share(people: int) -> float:
    """The share of so many people that is handed over in files."""
    return MOST if people >= MANY else 0.0


async def seed(
    addresses: Mapping[str, str],
    *,
    people: int = 200,
    seed: int = 1,
    secrets: Path = Path(".local/secrets"),
    progress: Tell = print,
) -> None:
    """Sites, rooms, therapists and calendars for that many people, and a key for the network's office; returns when matching and scheduling know
    them. Doing it again changes nothing."""
    await seed_care(addresses, care_for(seed, people), staff_token(secrets, now=time.time()), progress)
    await entitle(addresses["database"], network.ORGANISATION, network.key_file(secrets))
    connection = await asyncpg.connect(addresses["database"])
    try:
        await _until_care_is_known(connection)
    finally:
        await connection.close()


async def run(  # noqa: PLR0913 - options, all by keyword
    addresses: Mapping[str, str],
    *,
    people: int,
    seed: int = 1,
    out: Path,
    per_second: float | None = None,
    in_bulk: float | None = None,
    secrets: Path = Path(".local/secrets"),
    faults: bool = False,
    settle_seconds: float = SETTLE_SECONDS,
    progress: Tell = print,
) -> int:
    """Lets that many people ask, waits until all that can happen now has happened, counts, writes `out`; the
    sinks and the client's own file lie in the same folder.

    `per_second` is a steady rate of requests; None posts as fast as the answers come. `in_bulk` is the share of
    people who are handed over in files by a coordinator whose token is made in `secrets`; None: nobody, or most of
    a country of MANY. `faults`: processes are killed meanwhile, so that a mail may rightly end as unknown. 0 when
    every promise was kept, else 1.
    """
    share = usual_share(people) if in_bulk is None else in_bulk
    token = staff_token(secrets, now=time.time()) if share else ""
    clinician = staff_token(secrets, now=time.time(), role="duty_clinician")
    own = _own_run(people, seed, out.parent, per_second, share, token)
    desk = on_duty.meanwhile(Address.of(addresses["intake-crisis"]), clinician)
    asked, left = await _live(addresses, own, desk, settle_seconds, progress)
    history = await _history(addresses, own, asked)
    figures, findings = count(history, left, people=people, now=datetime.now(UTC))
    kept = figures.promises_kept(faults=faults) and not asked.unanswered and not asked.refused
    _write(out, figures, findings, own)
    progress(reporting.table(figures, findings, out, kept=kept))
    return 0 if kept else 1


async def _live(
    addresses: Mapping[str, str],
    own: Run,
    desk: AbstractAsyncContextManager[None],
    settle_seconds: float,
    progress: Tell,
) -> tuple[Asked, Leftovers]:
    """Everybody does what they do, and what they began ends; what the kernel has left over of it."""
    async with Patient(addresses["database"]) as database:
        before = await database.ask(kernel.leftovers)
        desks = _desks(addresses)
        async with agreeing.meanwhile(desks.intake, own.household):
            async with desk:
                asked = await _ask_and_wait(database, desks, own, progress)
            await _settle(database, asked, own, settle_seconds)
        return asked, (await database.ask(kernel.leftovers)).since(before)


def _own_run(count: int, seed: int, folder: Path, per_second: float | None, share: float, token: str) -> Run:
    asking_people = list(population(seed, count, datetime.now(KARACHI)))
    file = folder / "clients" / f"{uuid4().hex}.jsonl"
    household = _household(asking_people, seed, folder / "sinks")
    return Run(asking_people, time.time(), file, household, per_second, share, token)


def _household(people: list[Person], seed: int, sinks: Path) -> Household:
    answers = {
        address: guardians.agrees(seed, person.number)
        for person in people
        if person.guarded
        for address in person.others
    }
    return Household(answers, sinks)


async def _history(addresses: Mapping[str, str], own: Run, asked: Asked) -> History:
    """The evidence about the people of this run, with what only their client knows."""
    sources = Sources(addresses["database"], addresses["kafka"], addresses["hospital"], own.household.sinks)
    history = await evidence.load(sources, codes=asked.codes, since=own.started_at)
    history.told = list(read_client_log(own.file))
    history.addresses = {person.number: person.address for person in own.people}
    history.others = {person.number: person.others for person in own.people}
    history.guarded = frozenset(person.number for person in own.people if person.guarded)
    history.choosers = frozenset(person.number for person in own.people if person.chooses)
    history.changers = frozenset(person.number for person in own.people if person.change)
    history.expects_card = frozenset(person.number for person in own.people if person.alarming)
    return history


async def _ask_and_wait(database: Patient, desks: Desks, own: Run, progress: Tell) -> Asked:
    """Posts everybody, lets choose who wished to and change who cannot come, and looks on until nothing more can happen
    now or patience is over."""
    asked, log = Asked(), ClientLog(own.file)
    posting = asyncio.create_task(_post(desks.intake, own, log, asked))
    returning = asyncio.gather(
        choosing.choose(desks, asked.choosers, more=lambda: not posting.done()),
        changing.change(desks, asked.changers, more=lambda: not posting.done()),
    )
    told_at = time.monotonic()
    until = told_at + own.patience
    try:
        while time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            tells = time.monotonic() - told_at > TELL_SECONDS
            if not (returning.done() or tells):
                continue
            answered = own.household.read  # before looking: who answers meanwhile is under way
            stands = await database.ask(waiting.standing, asked.codes)
            settled = returning.done() and stands.settled(len(set(asked.codes)), answered)
            if settled or tells:
                told_at = time.monotonic()
                progress(f"  {len(set(asked.codes))} of {len(own.people)} asked: {stands}")
            if settled:
                break
        for task in (posting, returning):
            if task.done():
                task.result()
    finally:
        posting.cancel()
        returning.cancel()
        log.close()
    return asked


async def _post(address: Address, own: Run, log: ClientLog, asked: Asked) -> None:
    """Some alone and some in files, at the same time, both together at the rate of the run. Whoever wishes to choose asks alone: a file gets no PINs back."""
    run = own.file.stem[:12]
    handed, alone = handing_over.by_bulk(own.people, own.in_bulk)
    jobs = list(asking.submits([*alone, *(person for person in handed if person.chooses)], run, address))
    in_files = [person for person in handed if not person.chooses]
    rate = own.per_second or 0.0
    lines = max(1, round(rate * own.in_bulk * FILE_SECONDS)) if rate else handing_over.LINES_PER_FILE
    files = list(handing_over.files(in_files, run, lines))
    await asyncio.gather(
        asking.ask(address, jobs, log, asked, per_second=rate * (1 - own.in_bulk) or None),
        handing_over.hand_over(
            address, files, own.token, log, asked, every_seconds=FILE_SECONDS if rate else 0.0
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


async def _until_care_is_known(connection: asyncpg.Connection) -> None:
    until = time.monotonic() + KNOWN_SECONDS
    while unknown := await _unknown_care(connection):
        if time.monotonic() > until:
            raise TimeoutError(f"{unknown} therapists and sites are not known to their readers")
        await asyncio.sleep(0.2)


async def _unknown_care(connection: asyncpg.Connection) -> int:
    """How many therapists and sites their readers do not know yet."""
    return sum(
        [
            await kernel.behind(connection, "matching", "matching.therapists", "scheduling"),
            await kernel.behind(connection, "scheduling", "scheduling.sites", "matching"),
            await kernel.behind(connection, "scheduling", "scheduling.sites", "notifications"),
        ]
    )


def _write(out: Path, figures: Figures, findings: Findings, own: Run) -> None:
    broken = {name: list(found) for name, found in findings.samples.items() if found}
    content = figures.as_json() | {"broken": broken, "client_file": str(own.file)}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
