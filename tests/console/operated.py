"""A small running system for an operator to look at: one reader of one topic, and a case in intake's tables."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from typer.testing import CliRunner, Result

from services.console.main import app
from shared.contracts.base import Event
from shared.contracts.scheduling import SlotNotFound
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, KafkaSettings, Kernel, Transaction, ensure_topics, open_kernel
from shared.postgres import migrate
from tests.waiting import until

CODE = "0123456789"
OPENINGS = "scheduling.openings"
ROOT = Path(__file__).parents[2]


class Operated:
    """Speaks and reads on scheduling.openings as the service scheduling; a poisoned case fails for good."""

    def __init__(self, database: Any, bootstrap: str) -> None:
        self.database = database
        self.bootstrap = bootstrap
        self.poisoned: set[UUID] = set()
        self.applied: list[tuple[UUID, int]] = []
        self.kernel: Kernel
        self.stop = asyncio.Event()

    async def read(self, events: Sequence[SlotNotFound], tx: Transaction) -> None:
        for event in events:
            if event.case_id in self.poisoned:
                raise ValueError("poison")
        self.applied += [(event.case_id, event.attempt) for event in events]

    async def say(self, *attempts: tuple[UUID, int]) -> None:
        async with self.kernel.database.transaction() as tx:
            tx.emit(
                SlotNotFound(
                    case_id=case,
                    match_id=tx.new_id(),
                    attempt=number,
                    lane="online",
                    reason="no_hour",
                    sought_at=tx.now,
                )
                for case, number in attempts
            )

    async def new_id(self) -> UUID:
        async with self.kernel.database.transaction() as tx:
            return tx.new_id()

    def applied_to(self, *cases: UUID) -> list[tuple[UUID, int]]:
        """What was applied to these: other tests speak on the same topic, and a new reader hears them too."""
        return [one for one in self.applied if one[0] in cases]

    async def until(self, done: Callable[[], Any]) -> None:
        await until(done, "what the test waits for", every=0.05, last=lambda: self.applied)

    async def console(self, *arguments: str) -> Result:
        """Runs one command as an operator would, in a thread because it has a loop of its own."""
        env = {
            "DATABASE_URL": self.database.dsn("console"),
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "ANSWER_SECONDS": "8",
            "COLUMNS": "200",
        }
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=env)

    async def asked(self, *arguments: str) -> Any:
        """The command's JSON."""
        result = await self.console(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout)

    async def make_case(self, at: datetime) -> UUID:
        """A case as intake keeps it, so that its code can be found."""
        case_id = await self.new_id()
        connection = await asyncpg.connect(self.database.dsn("intake"))
        await connection.execute(
            "INSERT INTO intake.cases (case_id, case_code, person_id, attendee_id, gate, province, card_language,"
            " alarmed, needs, triage, submitted_at) VALUES ($1, $2, $1, $1, 'open', 'PK-PB', 'en', false, '{}', '{}', $3)",
            case_id, CODE, at,
        )  # fmt: skip
        await connection.close()
        return case_id


@asynccontextmanager
async def operated(database: Any, bootstrap: str) -> AsyncIterator[Operated]:
    """The system while it runs."""
    await migrate(
        database.dsn("intake"), schema="intake", folders=[MIGRATIONS, ROOT / "services/intake/migrations"]
    )
    await migrate(database.dsn("scheduling"), schema="scheduling", folders=[MIGRATIONS])
    kafka = KafkaSettings(bootstrap)
    topics = tuple(topic for topic in TOPICS if topic.key.startswith("case_id"))
    await ensure_topics(kafka, topics)
    system = Operated(database, bootstrap)
    system.kernel = await open_kernel(
        database.dsn("scheduling"), schema="scheduling", role="test", pool_size=5, kafka=kafka, topics=topics
    )
    handlers: dict[type[Event], Any] = {SlotNotFound: system.read}
    consumer = system.kernel.consumer("readers", [OPENINGS], handlers)
    system.kernel.relay("routine")
    system.kernel.desk([consumer], {"readers": ()})
    tasks = [asyncio.create_task(loop.run(system.stop)) for loop in system.kernel.loops]
    try:
        yield system
    finally:
        system.stop.set()
        await asyncio.gather(*tasks)
        await system.kernel.close()
