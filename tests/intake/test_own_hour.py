"""Whoever takes part comes back at intake and reads their hour at scheduling: one token, and both services are real."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest_asyncio

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.intake.settings import Settings
from services.scheduling.main import migrations, serve
from services.scheduling.settings import Settings as SchedulingSettings
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import AppointmentBooked
from shared.postgres import migrate
from shared.web import create_app
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_guardians import handed_over, practice
from tests.intake.test_over_http import case_id_of
from tests.intake.test_progress import hear
from tests.intake.test_taking_part import answered, asked_for_two, come_back, id_of
from tests.scheduling import world
from tests.scheduling.store import Store, open_store
from tests.stack_fixtures import TEMPLATE

__all__ = ["practice"]


@pytest_asyncio.fixture(loop_scope="session")
async def diaries(postgres_server: PostgresServer) -> AsyncIterator[Store]:
    """Scheduling's database."""
    admin, name = postgres_server.dsn("postgres"), f"scheduling_{uuid4().hex[:8]}"
    await databases.create_from_template(admin, name, TEMPLATE)
    dsn = postgres_server.dsn(name, "scheduling")
    await migrate(dsn, schema="scheduling", folders=migrations())
    connection = await asyncpg.connect(postgres_server.dsn(name))
    async with open_store(dsn, connection) as opened:
        yield opened
    await connection.close()
    await databases.drop(admin, name)


@pytest_asyncio.fixture(loop_scope="session")
async def hours(diaries: Store, secrets: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Scheduling's routes, which believe the keys that intake publishes."""
    app = create_app("scheduling")
    known = SchedulingSettings(token_public_key_file=secrets.token_public_key_file)
    serve(app, known, diaries.database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
        yield client


async def booked(store: IntakeDatabase, diaries: Store, case_id: Any, *attendees: UUID) -> None:
    """An hour that scheduling books for these, of which intake hears."""
    together = tuple(MatchAttendee(attendee_id=one, person_id=uuid4()) for one in attendees)
    therapist = await world.add_therapist(diaries)
    await diaries.hear(world.match(therapist, case_id=UUID(str(case_id)), attendees=together))
    await hear(store, (await diaries.said(AppointmentBooked))[-1])


async def reads(people: httpx2.AsyncClient, hours: httpx2.AsyncClient, own: dict[str, Any]) -> str:
    """They come back with their own code, and follow the links to their hour and to its file; the path of the hour."""
    path, session = await come_back(people, own)
    link: str = (await people.get(path, headers=session)).json()["links"]["appointment"]
    shown = await hours.get(link, headers=session)
    assert (shown.status_code, shown.json()["state"]) == (200, "booked")
    file = await hours.get(shown.json()["links"]["calendar"], headers=session)
    assert (file.status_code, "BEGIN:VEVENT" in file.text) == (200, True)
    return link


async def test_a_partner_reads_with_the_token_of_their_own_code_the_hour_that_they_are_in(
    people: httpx2.AsyncClient, hours: httpx2.AsyncClient, store: IntakeDatabase, diaries: Store
) -> None:
    asked, own = await asked_for_two(people)
    _, foreign = await asked_for_two(people)
    case_id = await case_id_of(store, asked["status_url"])
    await booked(store, diaries, case_id, uuid4(), await id_of(store, own))
    link = await reads(people, hours, own)
    _, session = await come_back(people, foreign)
    for what in (link, f"{link}.ics"):
        assert (await hours.get(what, headers=session)).status_code == 404


async def test_a_guardian_reads_with_the_token_of_their_own_code_the_hour_that_they_are_in(
    people: httpx2.AsyncClient,
    hours: httpx2.AsyncClient,
    store: IntakeDatabase,
    diaries: Store,
    practice: dict[str, str],
) -> None:
    _, at, pin = await handed_over(people, practice)
    own = {"code": at.rpartition("/")[2], "pin": pin}
    await answered(people, own)
    query = "SELECT case_id FROM intake.attendees WHERE code = $1"
    case_id = await store.admin.fetchval(query, own["code"])
    await booked(store, diaries, case_id, uuid4(), await id_of(store, own))
    await reads(people, hours, own)
