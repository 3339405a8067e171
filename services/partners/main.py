"""Composition root of partners, one process per role: wires everything, decides nothing."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import uvloop
from fastapi import FastAPI

from services.partners.api.feed import Counter, Fit, Page, feed_routes
from services.partners.domain.feed import Walk
from services.partners.handlers import reading
from services.partners.handlers.keys import ACTIONS, holder_of
from services.partners.handlers.telling import Projection
from services.partners.repository import feed
from services.partners.settings import Role, Settings
from shared import web
from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging import MIGRATIONS, Database, KafkaSettings, Kernel, Loop, open_kernel
from shared.messaging.failures import is_transient
from shared.postgres import migrate
from shared.web.process import Close
from shared.web.rates import Rates
from shared.web.watching import Watch

SCHEMA = "partners"
# Those who wait for news of their organisation, and how long news may be late for them.
MOST_WAITING, LOOK_SECONDS = 200, 0.25


async def build(role: Role, settings: Settings, app: FastAPI) -> tuple[Sequence[Loop], Close]:
    """The api serves the feed; the worker reads appointments and tells each organisation about its own."""
    process = settings.process
    kernel = await open_kernel(
        process.database_url,
        schema=SCHEMA,
        role=role,
        pool_size=settings.pool_size,
        kafka=KafkaSettings.of(process),
        topics=(*TOPICS, *(partner_topic(name) for name in settings.organisations)),
    )
    loops: list[Loop] = []
    if role in ("all", "api"):
        loops.append(serve(app, settings, kernel.database))
    if role in ("all", "worker"):
        work(kernel, settings)
    return [*kernel.loops, *loops], kernel.close


def serve(app: FastAPI, settings: Settings, database: Database) -> Watch[int]:
    """The routes of the api role; returns the loop that those who wait for news need."""

    async def holder(text: str) -> web.Principal | None:
        async with database.statements() as tx:
            found = await holder_of(text, tx)
        if found is None:
            return None
        return web.Principal(found.key_id, "partner", 0, organisation=found.organisation, scopes=found.scopes)

    async def look(organisations: Sequence[str]) -> Mapping[str, int]:
        async with database.statements() as tx:
            return await feed.last_positions(tx, organisations)

    async def page(organisation: str, after: int, limit: int) -> Fit:
        async with database.statements() as tx:
            return await reading.read_feed(organisation, after, limit, tx)

    async def snapshot(organisation: str, walk: Walk | None, limit: int) -> Page | None:
        async with database.statements() as tx:
            return await reading.read_snapshot(organisation, walk, limit, tx)

    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    app.state.keys = holder
    watch = Watch(look, int, passes=is_transient, most=MOST_WAITING, every_seconds=LOOK_SECONDS)
    rates = Rates(settings.feed_burst, settings.feed_per_second)
    app.include_router(feed_routes(Counter(page, snapshot, watch, rates)))
    return watch


def work(kernel: Kernel, settings: Settings) -> None:
    """What the worker role hears, says and forgets, and what operators ask of it."""
    kernel.relay("routine")
    projection = Projection(settings.organisations)
    consumer = kernel.consumer("partners", ["scheduling.appointments"], projection.handlers())
    kernel.desk([consumer], actions=ACTIONS)
    kernel.retention(feed.sweep(settings.feed_kept))


def migrations() -> list[Path]:
    """The folders of this schema's migrations, in order."""
    return [MIGRATIONS, Path(__file__).parent / "migrations"]


async def run(role: Role, settings: Settings) -> int:
    """Runs one role to its end; returns the exit code."""
    if role == "migrate":
        await migrate(settings.process.database_url, schema=SCHEMA, folders=migrations())
        return 0
    app = web.create_app(f"partners ({role})", sample_ratio=settings.process.trace_sample_ratio)

    async def built(app: FastAPI) -> tuple[Sequence[Loop], Close]:
        return await build(role, settings, app)

    return await web.run_process(app, built, service=SCHEMA, role=role, process=settings.process)


def main() -> None:
    """`python -m services.partners.main --role all|api|worker|migrate`."""
    parser = argparse.ArgumentParser(prog="partners")
    parser.add_argument("--role", choices=get_args(Role), required=True)
    raise SystemExit(uvloop.run(run(parser.parse_args().role, Settings())))


if __name__ == "__main__":
    main()
