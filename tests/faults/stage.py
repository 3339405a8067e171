"""Runs the witness system for a while, quietly or with kills, and tells every event's fate."""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
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
from tests.faults.disturbances import DISTURBANCES
from tests.faults.kernel_checker import Verdict, check

SCHEMAS = ("intake", "matching", "scheduling")
# Something was applied twice, or after what follows it.
WRONG = """
SELECT EXISTS (SELECT FROM (
    SELECT number <= lag(number) OVER (PARTITION BY page, line ORDER BY id) AS back FROM applied
) AS w WHERE back)
"""
# What a relay has sent is acknowledged and not deleted (SLOW_OUTBOX of the witness).
DELETING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'intake:relay-{pid}'
    AND wait_event = 'PgSleep' AND query LIKE 'DELETE FROM outbox%'
"""
log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
CAST = {"writer": 1, "relay": 2, "reader": 2, "echo": 2}
QUIET = dict.fromkeys(CAST, 1)
READ = {"matching": ("pages", "bells"), "scheduling": ("echoes",)}


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
    hunting: bool = False  # enough is seen as soon as anything wrong is seen
    least: int = 8  # faults, however long processes take to come back
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    refused: set[tuple[str, int, int]] = field(default_factory=set)
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
        await check(self._rows, Path(self.settings["log"]), self.refused, self.verdict)
        log.warning("%s", self.verdict)  # shown by pytest -rP
        return self.verdict

    async def _prepare(self) -> None:
        run = uuid4().hex[:8]
        self.settings = {
            "pages": f"witness.pages.{run}",
            "echoes": f"witness.echoes.{run}",
            "bells": f"witness.bells.{run}" if "ring" in self.faults else "",
            "poison": not {"poison", "ring"}.isdisjoint(self.faults),
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
        await ensure_topics(KafkaSettings(self.bootstrap), witness.topics(self.settings))

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
        """The seeded schedule: kill -9 and start again, or what else goes wrong (disturbances.py)."""
        chance = random.Random(self.seed)
        until, done = asyncio.get_running_loop().time() + seconds, 0
        while asyncio.get_running_loop().time() < until or done < self.least:
            if self.hunting and await self._seen_wrong():
                return
            done += 1
            fault = chance.choice(self.faults)
            if fault in DISTURBANCES:
                await DISTURBANCES[fault](self, chance)
            else:
                role, _, moment = fault.partition(":")
                victim = chance.choice([name for name in self.processes if name.startswith(role)])
                await self._at_work(victim, moment)
                self._kill(victim)
            await asyncio.sleep(0.2 + chance.random() * 0.4)

    async def _at_work(self, name: str, moment: str) -> None:
        """Who hunts wastes no kill on a process that is not there yet, nor on a relay that has nothing in its hands: it is
        killed while it deletes, or as soon as it has deleted."""
        pid = self.processes[name].pid
        deleting = DELETING.format(pid=pid)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10 if self.hunting else 0):
                while not (self.folder / f"{pid}.at-work").exists():
                    await asyncio.sleep(0.05)
                while name.startswith("relay") and not await self._at(deleting):
                    await asyncio.sleep(0.02)
                while moment == "deleted" and await self._at(deleting):
                    await asyncio.sleep(0.005)

    async def _at(self, moment: str) -> bool:
        return bool((await self._rows("intake", moment))[0][0])

    async def _seen_wrong(self) -> bool:
        return any([(await self._rows(schema, WRONG))[0][0] for schema in READ])

    def _kill(self, victim: str) -> None:
        process = self.processes[victim]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.verdict.kills += 1
        self._start(victim)

    def _end(self, names: list[str]) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGTERM)
        for name in names:
            process = self.processes.pop(name)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()

    async def _settle(self) -> None:
        """Until every outbox is empty and every reader stands at the end of its topic, or nothing moves any more."""
        patience = 4 if self.hunting else 8
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
            for schema, names in READ.items():
                places = [
                    _place(self.settings[name], number)
                    for name in names
                    if self.settings[name]
                    for number in range(4)
                ]
                ends = await consumer.end_offsets(places)
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


def _place(topic: str, partition: int) -> Any:
    return TopicPartition(topic, partition)
