"""Runs the witness system for a while, quietly or with kills, and tells every event's fate."""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.child import die_with_parent
from shared.messaging import MIGRATIONS, KafkaSettings, ensure_topics
from shared.postgres import migrate
from tests.faults import witness

SCHEMAS = ("intake", "matching", "scheduling")
log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
CAST = {"writer": 1, "relay": 2, "reader": 2, "echo": 2}
QUIET = dict.fromkeys(CAST, 1)

# A batch of a reader dawdles (witness._dawdle): its transaction is open, and nothing has been asked for a while.
IN_FLIGHT = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%reader%'
    AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '100 ms'
"""
CUT_THE_OWNERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name LIKE 'owner:matching:consumer:%'
"""


@dataclass(slots=True)
class Verdict:
    """What the checker found. `kills` and `cuts` say how hard it was tried."""

    events: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    undone: int = 0
    backwards: int = 0
    kills: int = 0
    cuts: int = 0
    dead_letters: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, twice, out of order or undone after it was acknowledged."""
        return not (
            self.lost
            or self.duplicated
            or self.reordered
            or self.undone
            or self.backwards
            or self.dead_letters
        )


@dataclass(slots=True)
class Stage:
    """One run: a database and topics of its own, processes from `tree` (the code under test)."""

    database: Any
    bootstrap: str
    folder: Path
    tree: Path = ROOT
    loud: bool = True
    seed: int = 1
    faults: tuple[str, ...] = ("writer", "relay", "reader", "echo", "cut")
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    settings: dict[str, Any] = field(default_factory=dict)

    async def play(self, seconds: float) -> Verdict:
        """Writes for `seconds`, with faults when loud, then waits until nothing moves, then checks."""
        await self._prepare()
        try:
            for role, count in (CAST if self.loud else QUIET).items():
                for number in range(count):
                    self._start(f"{role}-{number}")
            await self._begun()
            await (self._disturb(seconds) if self.loud else asyncio.sleep(seconds))
            self._end([name for name in self.processes if name.startswith("writer")])
            await self._settle()
        finally:
            self._end(list(self.processes))
        await self._check()
        log.warning("%s", self.verdict)  # shown by pytest -rP
        return self.verdict

    async def _prepare(self) -> None:
        run = uuid4().hex[:8]
        self.settings = {
            "pages": f"witness.pages.{run}",
            "echoes": f"witness.echoes.{run}",
            "kafka": self.bootstrap,
            "dsn": {schema: self.database.dsn(schema) for schema in SCHEMAS},
            "log": str(self.folder / f"acknowledged-{run}.jsonl"),
            "seed": self.seed,
            "loud": self.loud,
            "writers": 6 if self.loud else 1,
            "pause": 0.005 if self.loud else 0.05,
        }
        for schema in SCHEMAS:
            await migrate(self.database.dsn(schema), schema=schema, folders=[MIGRATIONS])
            connection = await asyncpg.connect(self.database.dsn(schema))
            await connection.execute(f"SET search_path = {schema}, public; {witness.TABLES}")
            if self.loud:
                await connection.execute(witness.SLOW_OUTBOX)
            await connection.close()
        await self._end_the_work_of_the_dead()
        named = zip(witness.topics(), (self.settings["pages"], self.settings["echoes"]), strict=True)
        await ensure_topics(
            KafkaSettings(self.bootstrap),
            tuple(topic.model_copy(update={"name": name}) for topic, name in named),
        )

    async def _end_the_work_of_the_dead(self) -> None:
        """A statement of a killed process is not finished for it: the kill would come to nothing."""
        connection = await asyncpg.connect(self.database.admin_dsn)
        await connection.execute(
            f"ALTER DATABASE {self.database.name} SET client_connection_check_interval = 20"
        )
        await connection.close()

    def _start(self, name: str) -> None:
        output = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.witness", name.split("-")[0]],
            cwd=self.tree,
            env={**os.environ, "WITNESS": json.dumps(self.settings), "PYTHONPATH": str(self.tree)},
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        output.close()

    async def _begun(self) -> None:
        """Until something was said: how long processes take to start is not what is tried here."""
        async with asyncio.timeout(60):
            while await self._count("SELECT count(*) FROM applied") == 0:
                await asyncio.sleep(0.1)

    async def _disturb(self, seconds: float) -> None:
        """The seeded schedule: kill -9 and start again, or cut the sessions that hold the locks."""
        chance = random.Random(self.seed)
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            fault = chance.choice(self.faults)
            if fault == "cut":
                await self._cut()
            else:
                victim = chance.choice([name for name in self.processes if name.startswith(fault)])
                self._kill(victim)
            await asyncio.sleep(0.2 + chance.random() * 0.4)

    def _kill(self, victim: str) -> None:
        process = self.processes[victim]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.verdict.kills += 1
        self._start(victim)

    async def _cut(self) -> None:
        """An owner goes on, unknowing, with the batch in its hands, while another one takes over."""
        connection = await asyncpg.connect(self.database.admin_dsn)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while not await connection.fetchval(IN_FLIGHT):
                    await asyncio.sleep(0.02)
        cut = await connection.fetch(CUT_THE_OWNERS)
        self.verdict.cuts += len(cut)
        await connection.close()

    def _end(self, names: list[str]) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGTERM)
        for name in names:
            process = self.processes.pop(name)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()

    async def _settle(self, patience: float = 8) -> None:
        """Until every outbox is empty and every reader stands at the end of its topic, or nothing moves any more."""
        moved, seen = asyncio.get_running_loop().time(), (-1, -1)
        while not (await self._count("SELECT count(*) FROM outbox") == 0 and await self._all_read()):
            now = asyncio.get_running_loop().time()
            stands = (
                await self._count("SELECT count(*) FROM outbox"),
                await self._count("SELECT count(*) FROM applied"),
            )
            if stands != seen:
                moved, seen = now, stands
            if now - moved > patience:
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.3)

    async def _all_read(self) -> bool:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            for schema, topic in (
                ("matching", self.settings["pages"]),
                ("scheduling", self.settings["echoes"]),
            ):
                ends = await consumer.end_offsets([_place(topic, number) for number in range(4)])
                rows = await self._rows(schema, "SELECT sum(next) AS read FROM offsets")
                if (rows[0]["read"] or 0) < sum(ends.values()):
                    return False
        finally:
            await consumer.stop()
        return True

    async def _count(self, query: str) -> int:
        return sum([int((await self._rows(schema, query))[0][0]) for schema in SCHEMAS])

    async def _rows(self, schema: str, query: str) -> list[Any]:
        connection = await asyncpg.connect(
            self.database.dsn(schema), server_settings={"search_path": f"{schema},public"}
        )
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def _check(self) -> None:
        truth = {
            (r["page"], r["line"]): r["number"] for r in await self._rows("intake", "SELECT * FROM lines")
        }
        self.verdict.events = sum(truth.values())
        self.verdict.undone = sum(truth.get(place, 0) < number for place, number in self._acknowledged())
        for schema in ("matching", "scheduling"):
            seen: dict[tuple[str, int], list[int]] = defaultdict(list)
            for row in await self._rows(schema, "SELECT page, line, number FROM applied ORDER BY id"):
                seen[row["page"], row["line"]].append(row["number"])
            self._compare(truth, seen)
            moves = await self._rows(schema, "SELECT count(*) FROM moves WHERE became <= was")
            self.verdict.backwards += int(moves[0][0])
        self.verdict.dead_letters = await self._count("SELECT count(*) FROM dead_letters")

    def _acknowledged(self) -> list[tuple[tuple[str, int], int]]:
        """(page, line) and the number that a writer was told is durable."""
        found = []
        for line in Path(self.settings["log"]).read_text().splitlines():
            with contextlib.suppress(ValueError):  # the last line of a killed writer may be cut short
                found += [((page, of_page), number) for page, of_page, number in json.loads(line)]
        return found

    def _compare(self, truth: dict[tuple[str, int], int], seen: dict[tuple[str, int], list[int]]) -> None:
        for place, last in truth.items():
            numbers = seen[place]
            first = list(dict.fromkeys(numbers))
            self.verdict.lost += last - len([n for n in first if 1 <= n <= last])
            self.verdict.duplicated += len(numbers) - len(first)
            self.verdict.reordered += sum(a > b for a, b in itertools.pairwise(first))


def _place(topic: str, partition: int) -> Any:
    return TopicPartition(topic, partition)
