"""A round: people ask while faults fall, everything is healed, what has begun ends, and every promise is looked after.
At the end of a run the same is done over the whole history."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from simulation import demo, evidence, stopping
from simulation.client_log import read_client_log
from simulation.evidence.sources import Sources
from simulation.history import elle, judge
from simulation.history.facts import History
from simulation.http_client import Address
from simulation.living import KARACHI
from simulation.population import people
from tests.faults.deeds.letters import open_letters
from tests.faults.inflicting import Inflicting, not_ready
from tests.faults.journal import Journal
from tests.faults.subjects import SUBJECTS
from tests.faults.summary import Mutants, Total
from tests.faults.system import System, everywhere

Tell = Callable[[str], None]

SAID = "SELECT coalesce(sum(next - 1), 0)::bigint AS said FROM {schema}.streams"
WAITING = "SELECT count(*) AS rows FROM {schema}.outbox"
UNSENT = """
SELECT count(*) FROM notifications.messages
WHERE state = 'sending' OR (state = 'planned' AND next_at <= clock_timestamp())
"""
HARMED = 0.85  # of a round: then there is time for the last fault to be over while people still ask
QUIET_SECONDS, QUIET_WITHIN = 4.0, 120.0
STOPPERS = 7_000_000  # people of their own, who are nobody of a round
# What a round's own figures call broken, beside its checks: numbers that have to be zero.
ZEROS = ("events_skipped", "dead_letters", "outbox_left", "parked", "waiting", "messages_failed")


@dataclass(frozen=True, slots=True)
class Load:
    """How many people ask in a round, how many a second, and which share of them in files; how many processes are killed
    in turn beside the schedule."""

    people: int = 2000
    per_second: float = 20.0
    in_files: float = 0.3
    kills: int = 0

    @property
    def seconds(self) -> float:
        return self.people / self.per_second


async def play(
    system: System, number: int, seed: int, faults: Inflicting, journal: Journal, load: Load, tell: Tell
) -> None:
    """One round, noted in the journal."""
    own = seed * 1000 + journal.begin_round(number)
    folder = system.stack.folder
    secrets = folder / "secrets"
    await demo.seed(system.addresses, people=load.people, seed=own, secrets=secrets, progress=tell)
    until = time.monotonic() + load.seconds * HARMED
    beside = [
        asyncio.create_task(faults.fall(until=until)),
        asyncio.create_task(faults.kill_in_turn(load.kills, own, until=until)),
        asyncio.create_task(_stop_some(system, own, load.people, until)),
    ]
    try:
        code = await _ask(system, own, load, folder / f"round-{number}.json")
        *_, stopped = await asyncio.gather(*beside)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    problems = broken(orjson.loads((folder / f"round-{number}.json").read_bytes()), code)
    problems += await not_ready(system, SUBJECTS)
    await _quiet(system)
    said = await events(system)
    journal.end_round({"number": number, "stopped": stopped, "events": said, "broken": problems})
    tell(f"round {number}: {load.people} asked, {stopped} stopped, {said} events so far")
    for problem in problems:
        tell(f"  broken: {problem}")


async def _ask(system: System, own: int, load: Load, out: Path) -> int:
    """Everybody does what they do, and what they began ends; 0 when every promise to them was kept."""
    return await demo.run(
        system.addresses,
        people=load.people,
        seed=own,
        out=out,
        per_second=load.per_second,
        in_bulk=load.in_files,
        secrets=system.stack.folder / "secrets",
        faults=True,
        progress=_nothing,
    )


def broken(figures: Mapping[str, Any], code: int) -> list[str]:
    """What a round's figures say was not kept, each in a few words."""
    checks = [
        f"{name}: {number} {figures['broken'].get(name, '')}"
        for name, number in figures["checks"].items()
        if number
    ]
    zeros = [f"{name}: {figures[name]}" for name in ZEROS if figures[name]]
    return checks + zeros or ([f"figures do not add up: {figures}"] if code else [])


async def events(system: System) -> int:
    """Distinct events that were said so far."""
    async with system.admin() as connection:
        return int(sum(row["said"] for row in await everywhere(connection, "streams", SAID)))


async def _stop_some(system: System, own: int, asking: int, until: float) -> int:
    """Beside the others, some who change their mind at once; nobody who shares a number with one of them: what reaches
    that number about a request of theirs would be no message of the round."""
    now = datetime.now(KARACHI)
    taken = {person.address for person in people(own, asking, now)}
    those = (person for person in people(own + STOPPERS, 1000, now) if person.address not in taken)
    file = system.stack.folder / "clients" / f"{own}-stops.jsonl"
    address = Address.of(system.addresses["intake"])
    return await stopping.stop(
        address, those, str(own), file, seed=own, more=lambda: time.monotonic() < until
    )


async def _quiet(system: System) -> None:
    """Until nothing has been said for a while and nothing waits to be sent; the checker says what is missing then."""
    seen, since, until = -1, time.monotonic(), time.monotonic() + QUIET_WITHIN
    while time.monotonic() - since < QUIET_SECONDS and time.monotonic() < until:
        async with system.admin() as connection:
            waiting = sum(row["rows"] for row in await everywhere(connection, "outbox", WAITING))
            waiting += await connection.fetchval(UNSENT)
        if (said := await events(system)) != seen or waiting:
            seen, since = said, time.monotonic()
        await asyncio.sleep(0.5)


async def judge_all(system: System, journal: Journal, mutants: Mutants, export: Path | None = None) -> Total:
    """Everything that was ever said, read, booked and sent, at once; written to a file for an outside checker."""
    sources = Sources(
        system.addresses["database"],
        system.addresses["kafka"],
        system.addresses["hospital"],
        system.stack.folder / "sinks",
    )
    history = await evidence.load(sources, codes=None, since=journal.began)
    files = sorted((system.stack.folder / "clients").iterdir())
    history.told = [told for file in files for told in read_client_log(file)]
    persons = {case.case_code: case.person_id for case in history.cases}
    stops = {code: at for file in files for code, at in stopping.read_stops(file)}
    history.stops = {persons[code]: at for code, at in stops.items()}
    findings = judge(history)
    if export:
        _write(export, history)
    problems = [f"round {one['number']}: {problem}" for one in journal.rounds for problem in one["broken"]]
    problems += [str(findings)] if not findings.clean else []
    problems += [f"open dead letter: {dict(one)}" for one in await open_letters(system)]
    return Total(
        events=await events(system),
        types=len({record.type for record in history.streams.records}),
        done=journal.done,
        checks=findings.counts,
        broken=problems,
        mutants=mutants,
    )


def _write(export: Path, history: History) -> None:
    with export.open("w") as file:
        file.writelines(f"{line}\n" for line in elle.lines(history.streams))


def _nothing(_line: str) -> None:
    """The demo's own progress is not shown."""
