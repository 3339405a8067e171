"""A system of the kernel and nothing else, in real processes: writers, relays, readers, echoes.

What it writes down is enough to tell every event's fate: writers log what was acknowledged, readers append
one row per applied event. `python -m tests.faults.witness ROLE` with the settings as JSON in WITNESS.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TextIO

import uvloop

from shared.contracts.base import Event, Lane, Topic
from shared.messaging import KafkaSettings, Kernel, Transaction, open_kernel

SETTINGS = json.loads(os.environ.get("WITNESS", "{}"))
PAGES, ECHOES = SETTINGS.get("pages", "witness.pages"), SETTINGS.get("echoes", "witness.echoes")

BELLS = SETTINGS.get("bells") or "witness.bells"

DAWDLED = [0.0]
EVERY_LINE = itertools.cycle((f"page-{number % 24}", number // 24) for number in range(96))
EVERY_BELL = itertools.cycle((f"bell-{number}", 0) for number in range(6))

TABLES = """
CREATE TABLE IF NOT EXISTS lines (page text, line int, number int NOT NULL, PRIMARY KEY (page, line));
CREATE TABLE IF NOT EXISTS applied (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, page text, line int, number int
);
CREATE TABLE IF NOT EXISTS poisoned (page text, line int, number int);
CREATE TABLE IF NOT EXISTS moves (topic text, partition int, was bigint, became bigint);
CREATE OR REPLACE FUNCTION witness_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moves VALUES (new.topic, new.partition, old.next, new.next);
    RETURN new;
END $$;
CREATE OR REPLACE TRIGGER witness_move AFTER UPDATE ON offsets FOR EACH ROW EXECUTE FUNCTION witness_move();
"""

# What goes wrong in a moment goes wrong too rarely to rely on. So the moment is drawn out: between Kafka's
# acknowledgement and the row's end (where a relay must be killed), between an id and its commit (where it must read).
SLOW_OUTBOX = """
CREATE OR REPLACE FUNCTION witness_slow_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.4 THEN PERFORM pg_sleep(0.3); END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER witness_slow_delete BEFORE DELETE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION witness_slow_delete();
CREATE OR REPLACE FUNCTION witness_slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.05 THEN PERFORM pg_sleep(0.03); END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS witness_slow_commit ON outbox;
CREATE CONSTRAINT TRIGGER witness_slow_commit AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION witness_slow_commit();
"""

POISONED = """
SELECT EXISTS (SELECT FROM poisoned JOIN unnest($1::text[], $2::int[], $3::int[]) AS e(page, line, number)
    USING (page, line, number))
"""
RECORD = """
INSERT INTO applied (page, line, number) SELECT * FROM unnest($1::text[], $2::int[], $3::int[])
"""

# Each writer locks its own lines only, never the page: many aggregates speak about one key.
WRITE = """
INSERT INTO lines (page, line, number)
SELECT page, line, 1 FROM unnest($1::text[], $2::int[]) AS l(page, line) ORDER BY 1, 2
ON CONFLICT (page, line) DO UPDATE SET number = lines.number + 1 RETURNING page, line, number
"""


class LineWritten(Event):
    """The `number`-th thing that was said about a line of a page."""

    type_name: ClassVar[str] = "witness.line_written.v1"
    topic: ClassVar[str] = PAGES
    key_field: ClassVar[str] = "page"

    page: str
    line: int
    number: int


class LineUnderlined(LineWritten):
    """Another type on the same stream: types must not overtake one another."""

    type_name: ClassVar[str] = "witness.line_underlined.v1"


class BellRung(LineWritten):
    """Speaks of danger: on a topic of the crisis lane."""

    type_name: ClassVar[str] = "witness.bell_rung.v1"
    topic: ClassVar[str] = BELLS


class LineEchoed(LineWritten):
    """What a reader says after it has applied a line."""

    type_name: ClassVar[str] = "witness.line_echoed.v1"
    topic: ClassVar[str] = ECHOES


async def write(kernel: Kernel, stop: asyncio.Event) -> None:
    """Several writers at once, each logging what it was told is durable."""
    await asyncio.gather(*(_writer(kernel, stop, number) for number in range(SETTINGS["writers"])))


def open_log() -> TextIO:
    """Every line is handed to the system at once: a kill loses none that was written."""
    return Path(SETTINGS["log"]).open("a", buffering=1)


async def _writer(kernel: Kernel, stop: asyncio.Event, number: int) -> None:
    chance = random.Random(f"{SETTINGS['seed']} {number} {os.getpid() if SETTINGS['loud'] else 0}")
    with open_log() as log:
        while not stop.is_set():
            said = await _say(kernel, chance)
            log.write(json.dumps(said) + "\n")
            await asyncio.sleep(chance.random() * SETTINGS["pause"])


def _any_lines(chance: random.Random) -> list[tuple[str, int]]:
    return sorted(
        {(f"page-{chance.randrange(24)}", chance.randrange(4)) for _ in range(chance.randint(1, 6))}
    )


def _next_lines() -> list[tuple[str, int]]:
    """Quietly: every line in turn, so that one is long applied before it is spoken of again."""
    return sorted(next(EVERY_LINE) for _ in range(3))


async def _say(kernel: Kernel, chance: random.Random) -> list[list[object]]:
    lines = _any_lines(chance) if SETTINGS["loud"] else _next_lines()
    if SETTINGS["bells"]:
        lines = sorted([next(EVERY_BELL), *lines])
    async with kernel.database.transaction() as tx:
        await tx.connection.execute("SELECT txid_current()")
        rows = await tx.connection.fetch(WRITE, [page for page, _ in lines], [line for _, line in lines])
        tx.emit(_kind(row["page"], row["number"])(**dict(row)) for row in rows)
        if SETTINGS["loud"]:
            await asyncio.sleep(chance.random() * 0.003)
    return [[row["page"], row["line"], row["number"]] for row in rows]


def _kind(page: str, number: int) -> type[LineWritten]:
    if page.startswith("bell"):
        return BellRung
    return LineWritten if number % 3 else LineUnderlined


async def record(events: Sequence[LineWritten], tx: Transaction) -> None:
    """Not idempotent on purpose: an event applied twice is two rows."""
    await _dawdle(tx)
    await record_bells(events, tx)


async def record_bells(events: Sequence[LineWritten], tx: Transaction) -> None:
    """The same at once. Raises ValueError on what the stage has poisoned."""
    columns = [e.page for e in events], [e.line for e in events], [e.number for e in events]
    if SETTINGS["poison"] and await tx.connection.fetchval(POISONED, *columns):
        raise ValueError
    await tx.connection.execute(RECORD, *columns)


async def _dawdle(tx: Transaction) -> None:
    """Every now and then a batch is in flight for longer than another owner needs to take the partition over."""
    if not SETTINGS["loud"] or time.monotonic() - DAWDLED[0] < 3:
        return
    DAWDLED[0] = time.monotonic()
    if await tx.connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(1)"
    ):  # one at a time: who takes over is awake
        await asyncio.sleep(2)


async def record_and_echo(events: Sequence[LineWritten], tx: Transaction) -> None:
    """The middle of the chain."""
    await record(events, tx)
    tx.emit(LineEchoed(page=e.page, line=e.line, number=e.number) for e in events)


def topics(settings: Mapping[str, Any]) -> tuple[Topic, ...]:
    """The topics of one run."""
    lanes: dict[str, Lane] = {"pages": "routine", "echoes": "routine", "bells": "crisis"}
    return tuple(
        Topic(name=settings[name], producer="witness", readers=(), key="page", partitions=4, lane=lane)
        for name, lane in lanes.items()
        if settings[name]
    )


def _relays(kernel: Kernel) -> None:
    kernel.relay("routine")
    if SETTINGS["bells"]:
        kernel.relay("crisis")


def _reads(kernel: Kernel) -> None:
    lines = dict.fromkeys((LineWritten, LineUnderlined), record_and_echo)
    consumers = [kernel.consumer("reader", [PAGES], lines)]
    if SETTINGS["bells"]:
        consumers.append(kernel.consumer("bell", [BELLS], {BellRung: record_bells}))
    kernel.desk(consumers)
    kernel.relay("routine")


def _hears_echoes(kernel: Kernel) -> None:
    kernel.consumer("echo", [ECHOES], {LineEchoed: record})


CAST: Mapping[str, Callable[[Kernel], None]] = {
    "writer": lambda _: None,
    "relay": _relays,
    "reader": _reads,
    "echo": _hears_echoes,
}


async def run(role: str) -> None:
    """One process until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    schema = {"writer": "intake", "relay": "intake", "reader": "matching", "echo": "scheduling"}[role]
    kernel = await open_kernel(
        SETTINGS["dsn"][schema],
        schema=schema,
        role=f"{role}-{os.getpid()}",  # so that a stage sees what each of them does
        pool_size=SETTINGS["writers"] + 1,
        kafka=KafkaSettings(SETTINGS["kafka"]),
        topics=topics(SETTINGS),
    )
    work = [write(kernel, stop)] if role == "writer" else []
    CAST[role](kernel)
    Path(SETTINGS["log"]).with_name(f"{os.getpid()}.at-work").touch()
    await asyncio.gather(*work, *(loop.run(stop) for loop in kernel.loops))
    await kernel.close()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1]))
