"""What the tests of measurements share: a database with every service's tables, and a few people in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest_asyncio
import uuid_utils

from shared import messaging, web
from shared.postgres import migrate
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import Store, open_store
from tests.stack_fixtures import FreshDatabase

SERVICES = Path(__file__).parents[2] / "services"
ASKED = """
INSERT INTO intake.cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed, needs, triage,
    submitted_at)
SELECT case_id, 'CODE' || row_number() OVER (), person_ids[1], attendee_ids[1], 'open', 'PK-PB', 'ur', false, '{}', '{}',
    booked_at
FROM scheduling.appointments
"""
TOLD = """
INSERT INTO notifications.messages (id, subject_id, person_id, case_id, appointment_id, version, purpose, due_at, next_at,
    planned_at)
SELECT gen_random_uuid(), appointment_id, person_ids[1], case_id, appointment_id, 1, 'reminder', starts_at, starts_at, booked_at
FROM scheduling.appointments
"""


@pytest_asyncio.fixture(loop_scope="session")
async def store(database: FreshDatabase) -> AsyncIterator[Store]:
    """Every service's tables, and three people booked with two therapists."""
    for one in ("intake", "vault", "matching", "scheduling", "notifications", "partners", "console"):
        own = SERVICES / "intake/vault_migrations" if one == "vault" else SERVICES / one / "migrations"
        kernel = [] if one == "vault" else [messaging.MIGRATIONS, web.MIGRATIONS]
        await migrate(database.dsn(one), schema=one, folders=[*kernel, own])
    admin = await asyncpg.connect(database.admin_dsn)
    async with open_store(database.dsn("scheduling"), admin) as opened:
        site = await world.add_site(opened)
        first = await world.add_therapist(opened, [rule(1, "09:00", "12:00")])
        second = await world.add_therapist(opened, [rule(2, "09:00", "12:00", site)])
        ids = [UUID(bytes=uuid_utils.uuid7().bytes) for _ in range(3)]
        wanted = (first, first, (second, site))
        await opened.hear(*(world.match(who, case_id=one) for who, one in zip(wanted, ids, strict=True)))
        await admin.execute(ASKED)
        await admin.execute(TOLD)
        yield opened
    await admin.close()
