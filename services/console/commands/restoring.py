"""`restored SERVICE`: what a service says after its database was restored is numbered above what the log has of it."""

from typing import Annotated

import asyncpg
import typer

from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.gateways.broker import last_sequences
from services.console.repository.owners import sessions_of
from services.console.settings import ConsoleSettings, read_settings
from shared.contracts.base import Topic
from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging.outbox import raise_numbers
from shared.postgres import connect

Owner = Annotated[
    str, typer.Option("--database-url", help="Of the restored database, as the role that owns the schema.")
]


def restored(service: str, database_url: Owner, as_json: AsJson = False) -> None:
    """Raises the numbers of its streams above what is on its topics; before any of its processes is started."""
    settings = read_settings()
    topics = _said_by(service, settings)
    if not topics:
        stop(f"{service} says nothing on any topic.")
    read, raised = run(_restored(settings, service, topics, database_url))
    row = {"service": service, "topics": len(topics), "streams_on_the_log": read, "raised": raised}
    if as_json:
        print_json(row)
    else:
        print_table("Restored", [row], empty="")


async def _restored(
    settings: ConsoleSettings, service: str, topics: list[Topic], database_url: str
) -> tuple[int, int]:
    try:
        connection = await connect(database_url, schema=service, name="restored")
    except asyncpg.PostgresError as refusal:
        stop(f"the database cannot be reached: {type(refusal).__name__}")
    try:
        if running := await sessions_of(connection, service):
            stop(
                f"{', '.join(running)} run already: what they said meanwhile has numbers that are known. Stop them."
            )
        return await _raise(connection, settings, topics)
    finally:
        await connection.close()


async def _raise(
    connection: asyncpg.Connection, settings: ConsoleSettings, topics: list[Topic]
) -> tuple[int, int]:
    seen: set[tuple[str, str]] = set()
    raised: set[tuple[str, str]] = set()
    async for last in last_sequences(settings, topics):
        seen.update(last)
        raised.update(await raise_numbers(connection, last))
    return len(seen), len(raised)


def _said_by(service: str, settings: ConsoleSettings) -> list[Topic]:
    table = (*TOPICS, *(partner_topic(name) for name in settings.partners))
    return [topic for topic in table if topic.producer == service]
