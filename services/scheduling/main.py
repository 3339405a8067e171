"""Puts scheduling together, one process per role, and decides nothing: python -m services.scheduling.main --role api."""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_args

import uvloop
from fastapi import FastAPI

from services.scheduling.api.agenda import agenda_routes
from services.scheduling.api.appointments import appointment_routes, change_routes
from services.scheduling.api.attending import attending_routes
from services.scheduling.api.closures import closure_routes
from services.scheduling.api.exceptions import exception_routes
from services.scheduling.api.holds import hold_routes
from services.scheduling.api.holidays import holiday_routes
from services.scheduling.api.places import calendar_routes, place_routes
from services.scheduling.api.slots import slot_routes
from services.scheduling.api.trying import trial_routes
from services.scheduling.handlers import HANDLERS, KNOWING_HANDLERS, capacity, certainty, closing, holding
from services.scheduling.repository.turns import turns
from services.scheduling.settings import Role, Settings, read_almanac
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import Database, KafkaSettings, Kernel, open_kernel
from shared.postgres import migrate
from shared.web import idempotency
from shared.web.process import Close

SCHEMA = "scheduling"
# What every lane must know: who the therapists are, and whose consent to care stands.
KNOWN = ("matching.therapists", "intake.people")


def main() -> int:
    """Runs one role until it is told to stop."""
    parser = argparse.ArgumentParser(prog=SCHEMA)
    parser.add_argument("--role", choices=get_args(Role), required=True)
    role: Role = parser.parse_args().role
    settings = Settings()
    if role == "migrate":
        uvloop.run(migrate(settings.process.database_url, schema=SCHEMA, folders=migrations()))
        return 0
    return uvloop.run(run(role, settings))


def migrations() -> list[Path]:
    """The folders of this schema's migrations, in order."""
    return [messaging.MIGRATIONS, web.MIGRATIONS, Path(__file__).parent / "migrations"]


async def run(role: Role, settings: Settings) -> int:
    """The process around a role."""
    app = web.create_app(f"scheduling ({role})", sample_ratio=settings.process.trace_sample_ratio)

    async def build(app: FastAPI) -> tuple[Sequence[web.Loop], Close]:
        kernel = await _kernel(settings, role)
        if role == "api":
            serve(app, settings, kernel.database)
        else:
            work(kernel, role)
        return kernel.loops, kernel.close

    return await web.run_process(app, build, service=SCHEMA, role=role, process=settings.process)


def serve(app: FastAPI, settings: Settings, database: Database) -> None:
    """The routes; what they say is relayed by the lanes' workers."""
    in_turn = turns(database)
    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    for routes in (
        place_routes,
        calendar_routes,
        exception_routes,
        closure_routes,
        trial_routes,
        slot_routes,
        agenda_routes,
        appointment_routes,
        change_routes,
        hold_routes,
    ):
        app.include_router(routes(in_turn))
    app.include_router(attending_routes(in_turn, timedelta(minutes=settings.undo_minutes)))
    app.include_router(holiday_routes(in_turn, read_almanac()))


def work(kernel: Kernel, lane: Role) -> None:
    """One lane: its own topic, group and pool. News about therapists and the relay are shared with the other lane
    by ownership, so that either lane goes on without the other."""
    kernel.relay("routine")
    matches = kernel.consumer(f"scheduling.{lane}", [f"matching.matches.{lane}"], HANDLERS)
    knowing = kernel.consumer("scheduling.knowing", KNOWN, KNOWING_HANDLERS)
    kernel.desk([matches, knowing], {"scheduling.knowing": ("therapists",)})
    kernel.due(capacity.DUE_HANDLERS | certainty.DUE_HANDLERS | holding.DUE_HANDLERS | closing.DUE_HANDLERS)
    kernel.retention(idempotency.sweep)


async def _kernel(settings: Settings, role: str) -> Kernel:
    return await open_kernel(
        settings.process.database_url,
        schema=SCHEMA,
        role=role,
        pool_size=settings.pool_size,
        kafka=KafkaSettings.of(settings.process),
        topics=TOPICS,
    )


if __name__ == "__main__":
    sys.exit(main())
