"""Puts matching together, one process per role, and decides nothing: python -m services.matching.main --role all."""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import uvloop
from fastapi import FastAPI

from services.matching.api.choice_forms import serve_choice_forms
from services.matching.api.continuity import ContinuityRoutes, continuity_routes
from services.matching.api.matches import match_routes
from services.matching.api.offers import OfferCounter, offer_routes
from services.matching.api.suspensions import Desk, suspension_routes
from services.matching.api.therapists import Register, therapist_routes
from services.matching.api.waitlist import WaitlistDesk, waitlist_routes
from services.matching.domain.cases import Case
from services.matching.domain.continuity import Task
from services.matching.domain.policy import Policy
from services.matching.handlers import hearing, profiles, suspensions
from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.choosing import Answer, ChoiceDesk, Decision, Refused
from services.matching.handlers.continuity import Closing, ContinuityDesk, NotClosed
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.roster import Roster
from services.matching.handlers.showing import Shown, Window
from services.matching.handlers.waiting import WaitingRoom
from services.matching.repository import continuity, explanations, therapists
from services.matching.repository.waitlist import Filter, Place, Waits
from services.matching.settings import Role, Settings, read_cities, read_policy
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import Database, KafkaSettings, Kernel, Transaction, open_kernel
from shared.messaging.failures import is_transient
from shared.postgres import migrate
from shared.web import idempotency
from shared.web.idempotency import Claim
from shared.web.process import Close

HERE = Path(__file__).parent
SCHEMA = "matching"

Built = tuple[Sequence[web.Loop], Close]


def main() -> int:
    """Runs one role until it is told to stop."""
    parser = argparse.ArgumentParser(prog=SCHEMA)
    parser.add_argument("--role", choices=get_args(Role), required=True)
    role: Role = parser.parse_args().role
    settings = Settings()
    if role == "migrate":
        folders = [messaging.MIGRATIONS, web.MIGRATIONS, HERE / "migrations"]
        uvloop.run(migrate(settings.process.database_url, schema=SCHEMA, folders=folders))
        return 0
    return uvloop.run(run(role, settings))


async def run(role: Role, settings: Settings) -> int:
    """The process around a role; production does not start on rules that nobody has signed."""
    policy, signed = read_policy()
    if not signed and settings.process.environment == "production":
        sys.exit("a file of rules in services/matching/data is not signed")
    app = web.create_app(f"matching ({role})", sample_ratio=settings.process.trace_sample_ratio)

    async def build(app: FastAPI) -> Built:
        return await build_role(role, settings, policy, app)

    return await web.run_process(app, build, service=SCHEMA, role=role, process=settings.process)


async def build_role(role: Role, settings: Settings, policy: Policy, app: FastAPI) -> Built:
    """The api serves; the worker hears and relays each lane by itself; alarms have a pool of their own."""
    kernel = await _kernel(settings, role, settings.pool_size)
    if role in ("all", "api"):
        serve(app, settings, policy, kernel.database)
    if role == "api":
        return kernel.loops, kernel.close
    work(kernel, policy)
    crisis = await _kernel(settings, "crisis", settings.crisis_pool_size)
    alarms = crisis.consumer(
        "matching.crisis", hearing.HEARD_OF_CRISIS, hearing.crisis_handlers(AlarmBook(policy))
    )
    crisis.desk([alarms], {"matching.crisis": ("alarms",)})

    async def close() -> None:
        await kernel.close()
        await crisis.close()

    return [*kernel.loops, *crisis.loops], close


def serve(app: FastAPI, settings: Settings, policy: Policy, database: Database) -> None:
    """The routes of the api role."""

    async def describe(description: profiles.Description) -> profiles.Described:
        async with database.transaction() as tx:
            return await profiles.describe_therapist(description, tx, policy.credentials.validity)

    async def find(therapist_id: UUID) -> therapists.Versioned | None:
        async with database.statements() as tx:
            return await therapists.find_therapist(tx, therapist_id)

    async def why(case_id: UUID) -> dict[str, Any] | None:
        async with database.statements() as tx:
            return await explanations.why(tx, case_id)

    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    app.include_router(therapist_routes(Register(policy, describe, find)))
    app.include_router(suspension_routes(_suspensions(policy, database)))
    app.include_router(continuity_routes(_continuity(policy, database)))
    app.include_router(match_routes(why))
    matchmaker = Matchmaker(policy, Roster(policy, read_cities()))
    offers = _offers(matchmaker, database)
    app.include_router(offer_routes(offers))
    serve_choice_forms(app, offers, settings.intake_url)
    app.include_router(waitlist_routes(_waitlist(WaitingRoom(matchmaker), database)))


def _suspensions(policy: Policy, database: Database) -> Desk:
    async def suspend(order: suspensions.Order) -> profiles.Described:
        async with database.transaction() as tx:
            return await suspensions.suspend_therapist(order, tx, policy.credentials.validity)

    async def resume(order: suspensions.Order) -> profiles.Described:
        async with database.transaction() as tx:
            return await suspensions.resume_therapist(order, tx, policy.credentials.validity)

    return Desk(policy.credentials, suspend, resume)


def _continuity(policy: Policy, database: Database) -> ContinuityRoutes:
    desk = ContinuityDesk(policy)

    async def page(limit: int, after: continuity.Place | None) -> list[Task]:
        async with database.statements() as tx:
            return await desk.page(limit, after, tx)

    async def close(closing: Closing) -> Task | NotClosed:
        async with database.transaction() as tx:
            return await desk.close(closing, tx)

    return ContinuityRoutes(page, close)


def _offers(matchmaker: Matchmaker, database: Database) -> OfferCounter:
    desk = ChoiceDesk(matchmaker)
    window = Window(matchmaker, desk)

    async def show(match_id: UUID, case_id: UUID | None) -> Shown | None:
        async with database.statements() as tx:
            return await window.show(match_id, case_id, tx)

    async def decide(decision: Decision, traceparent: str | None) -> Answer | Refused | Claim:
        async with _attempt(database, traceparent) as tx:
            return await desk.decide(decision, tx)

    return OfferCounter(show, decide)


@asynccontextmanager
async def _attempt(database: Database, traceparent: str | None) -> AsyncIterator[Transaction]:
    """A transaction of one request; whoever met another one at the same case is asked to come again."""
    try:
        async with database.transaction(origin=traceparent) as tx:
            yield tx
    except Exception as failure:
        if not is_transient(failure):
            raise
        detail = "It may not have been saved; please send it again with the same key."
        raise web.Problem(503, "try_again", detail, headers={"retry-after": "1"}) from failure


def _waitlist(room: WaitingRoom, database: Database) -> WaitlistDesk:
    async def page(limit: int, after: Place | None, only: Filter) -> tuple[datetime, list[Waits]]:
        async with database.statements() as tx:
            return await room.page(limit, after, only, tx)

    async def review(case_id: UUID, traceparent: str | None) -> tuple[bool, Case] | None:
        async with _attempt(database, traceparent) as tx:
            return await room.review_now(case_id, tx)

    return WaitlistDesk(page, review)


def work(kernel: Kernel, policy: Policy) -> None:
    """What the worker role hears, what comes due, and one relay per lane."""
    matchmaker = Matchmaker(policy, Roster(policy, read_cities()))
    kernel.relay("routine")
    kernel.relay("online")
    kernel.relay("in_person")
    consumer = kernel.consumer(SCHEMA, hearing.HEARD, hearing.handlers(matchmaker))
    kernel.due(hearing.due_handlers(matchmaker))
    kernel.desk([consumer], {SCHEMA: ("sites",)})
    kernel.retention(idempotency.sweep)


async def _kernel(settings: Settings, role: str, pool_size: int) -> Kernel:
    return await open_kernel(
        settings.process.database_url,
        schema=SCHEMA,
        role=role,
        pool_size=pool_size,
        kafka=KafkaSettings.of(settings.process),
        topics=TOPICS,
    )


if __name__ == "__main__":
    sys.exit(main())
