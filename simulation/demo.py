"""The demo: a synthetic country asks for help over HTTP, and everything that follows is counted.

`seed` puts the care in, `run` lets people ask and writes the figures; both talk to the services only as the
outside world would. The counting afterwards reads tables, topics and sinks.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import orjson

from simulation import evidence, network, reporting
from simulation.agreeing import Household
from simulation.asking import Asked
from simulation.client_log import read_client_log
from simulation.counting import count
from simulation.evidence import kernel
from simulation.evidence.sources import Sources
from simulation.figures import Figures, Leftovers
from simulation.history import Findings, History
from simulation.living import KARACHI, SETTLE_SECONDS, Run, Tell, live
from simulation.population import Person, care_for, guardians
from simulation.population import people as population
from simulation.seeding import Badges, entitle, seed_care, staff_token

KNOWN_SECONDS, LOOK_AGAIN_SECONDS = 60.0, 3.0

# From so many people on most come in files, as they would in a country; below, everybody asks alone.
MANY, MOST = 5000, 0.9
# One in so many therapists goes on leave, once people are booked with them.
ONE_ON_LEAVE_OF = 15


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
    await until_care_is_known(addresses["database"])


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
    own = _own_run(people, seed, out.parent, per_second, share, Badges.of(secrets, now=time.time()))
    asked, left = await live(addresses, own, settle_seconds, progress)
    figures, findings = await _counted(addresses, own, asked, left)
    if not findings.clean:
        # A message may fall due at any moment: what is said while it is looked at is not read yet. What is broken stays so.
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        figures, findings = await _counted(addresses, own, asked, left)
    kept = figures.promises_kept(faults=faults) and not asked.unanswered and not asked.refused
    _write(out, figures, findings, own)
    progress(reporting.table(figures, findings, out, kept=kept))
    return 0 if kept else 1


def _own_run(
    count: int, seed: int, folder: Path, per_second: float | None, share: float, badges: Badges
) -> Run:
    asking_people = list(population(seed, count, datetime.now(KARACHI)))
    file = folder / "clients" / f"{uuid4().hex}.jsonl"
    household = _household(asking_people, seed, folder / "sinks")
    therapists = care_for(seed, count).therapists
    on_leave = tuple(str(one.id) for one in therapists[ONE_ON_LEAVE_OF // 3 :: ONE_ON_LEAVE_OF])
    return Run(asking_people, time.time(), file, household, badges, on_leave, per_second, share)


def _household(people: list[Person], seed: int, sinks: Path) -> Household:
    answers = {
        address: guardians.agrees(seed, person.number)
        for person in people
        if person.guarded
        for address in person.others
    }
    return Household(answers, sinks)


async def _counted(
    addresses: Mapping[str, str], own: Run, asked: Asked, left: Leftovers
) -> tuple[Figures, Findings]:
    history = await _history(addresses, own, asked)
    return count(history, left, people=len(own.people), now=datetime.now(UTC))


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
    history.would_only_come = frozenset(
        person.number for person in own.people if person.body["modalities"] == ["in_person"]
    )
    history.expects_card = frozenset(person.number for person in own.people if person.alarming)
    return history


async def until_care_is_known(database: str) -> None:
    """Until matching and scheduling know what was seeded. Raises TimeoutError."""
    connection, until = await asyncpg.connect(database), time.monotonic() + KNOWN_SECONDS
    try:
        while unknown := await _unknown_care(connection):
            if time.monotonic() > until:
                raise TimeoutError(f"{unknown} therapists and sites are not known to their readers")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


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
