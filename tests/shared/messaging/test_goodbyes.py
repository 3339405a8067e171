"""A server that says goodbye while the end of the connection is still on its way: every loop goes on by itself.

Seen when Postgres was stopped behind a proxy: the processes ended, each with asyncpg's InternalClientError.
"""

import asyncio
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from deploy.local.ports import free_port
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.retention import Retention
from shared.messaging.wakes import Wakes
from shared.postgres import connect
from tests.faults.proxy import Proxy, Spoil
from tests.shared.messaging import notes
from tests.shared.messaging.test_reading import Bench, topic, written
from tests.waiting import running, until

GOODBYE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'matching'
"""
A_WHILE = 2.5  # every loop asks something in it, most of them several times


class Detour:
    """A database by a proxy, as FreshDatabase would give it."""

    def __init__(self, database: Any, port: int) -> None:
        self._database, self._port = database, port

    def dsn(self, service: str) -> str:
        parts = urlsplit(self._database.dsn(service, tcp=True))
        return urlunsplit(parts._replace(netloc=f"{service}@127.0.0.1:{self._port}"))


@asynccontextmanager
async def at_work(database: Any, kafka_server: Any) -> Any:
    """Every loop of the kernel on a database behind a proxy."""
    settings = KafkaSettings(kafka_server.bootstrap)
    async with Proxy(free_port(), ("127.0.0.1", database.server.port)) as proxy:
        detour = Detour(database, proxy.port)
        async with notes.opened(detour.dsn("matching")) as db:
            it = Bench(db, settings, topic("tests.notes.goodbyes"))
            await _make_topic(it)
            async with running(it.stop) as it.tasks:
                it.relay()
                it.desk(it.consumer())
                wakes = Wakes(db.dsn, schema=notes.ROLE)
                wakes.set(["routine"])
                it.tasks += [asyncio.create_task(loop.run(it.stop)) for loop in (wakes, Retention(db))]
                yield it, proxy


async def _make_topic(it: Bench) -> None:
    await ensure_topics(it.settings, (it.topic,))
    notes.NoteWritten.topic = notes.NoteStruck.topic = it.topic.name


async def test_no_loop_ends_when_the_server_says_goodbye_and_the_line_stays_open(
    database: Any, kafka_server: Any
) -> None:
    async with at_work(database, kafka_server) as (it, proxy):
        await it.say(*written("a", 1))
        await it.applied_are({"a": [1]})
        proxy.spoil(Spoil("linger", frozenset({"down"})))
        admin = await connect(database.admin_dsn, schema="public", name="tests")
        await admin.fetch(GOODBYE)
        await admin.close()
        await asyncio.sleep(A_WHILE)
        assert [task.get_coro() for task in it.tasks if task.done()] == []
        proxy.heal()
        await until(lambda: _says(it), "something is said again")
        await it.applied_are({"a": [1, 2]})


async def _says(it: Bench) -> bool:
    try:
        await it.say(*written("a", 2))
    except Exception:
        return False
    return True
