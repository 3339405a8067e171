"""Events as other services say them, with safe defaults, and a migrated database with a clock of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.notifications.handlers import HANDLERS, Handlers
from shared.contracts.base import Event
from shared.contracts.intake import ContactChanged, Sealed, WeeklyWindow
from shared.contracts.matching import CaseWaitlisted, MatchAttendee
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SiteChanged,
)
from shared.messaging import MIGRATIONS, Database, waiting
from shared.postgres import migrate, open_pool
from tests.waiting import PATIENCE

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)  # Tuesday 13:00 in Karachi
FOLDER = Path(__file__).parents[2] / "services" / "notifications" / "migrations"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Desk:
    """Notifications' database at a moment that the test sets; `tell` hands events to their handlers."""

    def __init__(self, pool: Any, dsn: str) -> None:
        self.pool = pool
        self.now = NOW
        self.handlers: Handlers = HANDLERS
        self.database = Database(
            pool, source="notifications", dsn=dsn, lane_of=lambda _: "routine", clock=lambda: self.now
        )

    async def tell(self, *events: Event, trace: str | None = TRACE) -> None:
        for event in events:
            async with self.database.transaction() as tx:
                tx.trace(event.key, trace)
                await self.handlers[type(event)]([event], tx)
                while tx.facts:
                    facts, tx.facts = tx.facts, []
                    await self._release(tx, facts)

    async def _release(self, tx: Any, facts: list[str]) -> None:
        """What the kernel does after a wave, for a test without Kafka."""
        known = {event.type_name: event for event in self.handlers}
        for row in await waiting.take(tx.connection, facts):
            model = known[row["type"]]
            await self.handlers[model]([model.model_validate_json(row["payload"])], tx)

    async def messages(self, *columns: str) -> list[tuple[Any, ...]]:
        rows = await self.pool.fetch(
            f"SELECT {', '.join(columns)} FROM messages ORDER BY planned_at, purpose, version"
        )
        return [tuple(row) for row in rows]

    async def said(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.pool.fetch("SELECT type, payload FROM outbox ORDER BY id")
        return [(row["type"].split(".")[1], orjson.loads(row["payload"])) for row in rows]

    async def said_types(self) -> list[str]:
        return [kind for kind, _ in await self.said()]


@asynccontextmanager
async def desk(dsn: str) -> AsyncIterator[Desk]:
    await migrate(dsn, schema="notifications", folders=[MIGRATIONS, FOLDER])
    pool = await open_pool(dsn, schema="notifications", size=6, name="tests")
    try:
        yield Desk(pool, dsn)
    finally:
        await asyncio.wait_for(pool.close(), PATIENCE)


def a_contact(person_id: UUID, **changes: Any) -> ContactChanged:
    return ContactChanged(
        **{
            "person_id": person_id,
            "channels": ("sms",),
            "language": "en",
            "script": "Latn",
            "safe_windows": tuple(WeeklyWindow(day=day, start=0, end=1440) for day in range(1, 8)),
            "time_zone": "Asia/Karachi",
            "owner": "own",
            "confirmed_until": NOW + timedelta(days=30),
            "address": Sealed(field="address", version=1, box="c2VhbGVk"),
            "changed_at": NOW,
        }
        | changes
    )


def _appointment(person_id: UUID, **changes: Any) -> dict[str, Any]:
    start = changes.pop("start", NOW + timedelta(days=3))
    return {
        "case_id": uuid4(),
        "appointment_id": uuid4(),
        "version": 1,
        "match_id": uuid4(),
        "attempt": 1,
        "attendees": (MatchAttendee(attendee_id=uuid4(), person_id=person_id),),
        "therapist_id": uuid4(),
        "organisation": "humqadam-network",
        "lane": "online",
        "modality": "video",
        "site_id": None,
        "room_id": None,
        "start": start,
        "end": start + timedelta(minutes=50),
        "time_zone": "Asia/Karachi",
        "by": "system",
        "changed_at": NOW,
    } | changes


def a_booking(person_id: UUID, **changes: Any) -> AppointmentBooked:
    return AppointmentBooked(**_appointment(person_id, **changes))


def moved(booking: AppointmentBooked, by: timedelta, version: int = 2) -> AppointmentRescheduled:
    said = booking.model_dump() | {"version": version, "by": "person", "previous_start": booking.start}
    return AppointmentRescheduled(**said | {"start": booking.start + by, "end": booking.end + by})


def cancelled(booking: Any, version: int = 2) -> AppointmentCancelled:
    return AppointmentCancelled(
        **booking.model_dump() | {"version": version, "by": "person", "reason": "by_person"}
    )


def waitlisted(person_id: UUID, case_id: UUID | None = None, attempt: int = 1) -> CaseWaitlisted:
    return CaseWaitlisted(
        case_id=case_id or uuid4(),
        person_id=person_id,
        attempt=attempt,
        reason="no_capacity",
        next_review=NOW + timedelta(days=14),
        waitlisted_at=NOW,
    )


def a_site(site_id: UUID, directions: dict[str, str] | None = None) -> SiteChanged:
    return SiteChanged(
        site_id=site_id,
        organisation="rehmat-hospital",
        city="Lahore",
        latitude=31.558,
        longitude=74.3507,
        time_zone="Asia/Karachi",
        step_free=True,
        directions={"en": "12 Mall Road, second floor"} if directions is None else directions,
        status="open",
        changed_at=NOW,
    )
