"""What a partner hears: its own bookings, in a sequence without gaps, and nothing of a case or a person."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain import ALPHABET, News, positions, reference
from services.partners.handlers import Projection
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import (
    Appointment,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
)
from shared.messaging import MIGRATIONS, Database
from shared.postgres import migrate, open_pool
from tests.stack_fixtures import FreshDatabase
from tests.waiting import PATIENCE

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
HOSPITAL = "rehmat-hospital"
FOLDER = Path(__file__).parents[2] / "services" / "partners" / "migrations"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest_asyncio.fixture(loop_scope="session")
async def partners(database: FreshDatabase) -> AsyncIterator[Database]:
    dsn = database.dsn("partners")
    await migrate(dsn, schema="partners", folders=[MIGRATIONS, FOLDER])
    pool = await open_pool(dsn, schema="partners", size=4, name="tests")
    yield Database(pool, source="partners", dsn=dsn, lane_of=lambda _: "routine", clock=lambda: NOW)
    await asyncio.wait_for(pool.close(), PATIENCE)


def a_booking(organisation: str = HOSPITAL, **changes: Any) -> AppointmentBooked:
    said: dict[str, Any] = {
        "case_id": uuid4(),
        "appointment_id": uuid4(),
        "version": 1,
        "match_id": uuid4(),
        "attempt": 1,
        "attendees": (MatchAttendee(attendee_id=uuid4(), person_id=uuid4()),),
        "therapist_id": uuid4(),
        "organisation": organisation,
        "lane": "in_person",
        "modality": "in_person",
        "site_id": uuid4(),
        "room_id": uuid4(),
        "start": NOW + timedelta(days=2),
        "end": NOW + timedelta(days=2, minutes=50),
        "time_zone": "Asia/Karachi",
        "by": "system",
        "changed_at": NOW,
    }
    return AppointmentBooked(**said | changes)


def moved(event: Appointment) -> AppointmentRescheduled:
    return AppointmentRescheduled(
        **event.model_dump() | {"version": event.version + 1, "previous_start": event.start}
    )


def cancelled(event: Appointment) -> AppointmentCancelled:
    said = event.model_dump() | {"version": event.version + 1, "reason": "by_person"}
    return AppointmentCancelled(**said)


async def tell(database: Database, *events: Appointment) -> None:
    async with database.transaction() as tx:
        for event in events:
            tx.trace(event.key, TRACE)
        await Projection([HOSPITAL, "other-hospital"]).tell(events, tx)


async def told(database: Database) -> list[dict[str, Any]]:
    rows = await database.pool.fetch("SELECT topic, type, traceparent, payload FROM outbox ORDER BY id")
    return [
        orjson.loads(row["payload"])
        | {"topic": row["topic"], "kind": row["type"], "trace": row["traceparent"]}
        for row in rows
    ]


async def test_a_booking_is_told_to_its_organisation_in_the_trace_of_its_case(partners: Database) -> None:
    await tell(partners, a_booking(), a_booking("humqadam-network"))
    [one] = await told(partners)
    assert (one["topic"], one["kind"]) == ("partners.bookings.rehmat-hospital", "partners.booking_booked.v1")
    assert (one["position"], one["version"], one["status"], one["trace"]) == (1, 1, "booked", TRACE)


async def test_changes_keep_the_reference_and_count_on(partners: Database) -> None:
    booking = a_booking()
    change = moved(booking)
    for event in (booking, change, cancelled(change)):
        await tell(partners, event)
    events = await told(partners)
    assert len({event["booking_ref"] for event in events}) == 1
    assert [(e["kind"].split(".")[1], e["version"], e["position"], e["status"]) for e in events] == [
        ("booking_booked", 1, 1, "booked"),
        ("booking_rescheduled", 2, 2, "booked"),
        ("booking_cancelled", 3, 3, "cancelled"),
    ]


async def test_what_was_told_is_not_told_again_and_leaves_no_gap(partners: Database) -> None:
    booking = a_booking()
    change = moved(booking)
    for event in (booking, booking, change, booking, change, a_booking()):
        await tell(partners, event)
    assert [event["position"] for event in await told(partners)] == [1, 2, 3]


async def test_positions_have_no_gaps_under_concurrency(partners: Database) -> None:
    batches = [[a_booking() for _ in range(20)] + [a_booking("other-hospital")] for _ in range(8)]
    await asyncio.gather(*(tell(partners, *batch) for batch in batches))
    events = await told(partners)
    for organisation, count in ((HOSPITAL, 160), ("other-hospital", 8)):
        found = [event["position"] for event in events if event["organisation"] == organisation]
        assert found == list(range(1, count + 1))


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name, None
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield "", value


async def test_nothing_of_a_case_or_a_person_reaches_a_partner(partners: Database) -> None:
    booking = a_booking()
    change = moved(booking)
    for event in (booking, change, cancelled(change)):
        await tell(partners, event)
    secret = {str(booking.case_id), str(booking.appointment_id), str(booking.match_id)}
    secret |= {
        str(one) for attendee in booking.attendees for one in (attendee.person_id, attendee.attendee_id)
    }
    rows = await partners.pool.fetch("SELECT key, payload FROM outbox")
    for row in rows:
        leaves = list(_leaves(orjson.loads(row["payload"])))
        assert not secret & {str(value) for _, value in leaves} | ({row["key"]} & secret)
        names = {name for name, _ in leaves}
        assert not any(
            word in name for name in names for word in ("case", "person", "attend", "match", "appointment")
        )
        assert not any(one.replace("-", "") in row["payload"].decode().replace("-", "") for one in secret)


async def test_the_journey_tells_operators_that_the_partner_was_told(partners: Database) -> None:
    booking = a_booking()
    await tell(partners, booking)
    row = await partners.pool.fetchrow("SELECT * FROM journey WHERE case_id = $1", booking.case_id)
    assert row is not None
    assert (row["step"], row["detail"], row["traceparent"]) == (
        "partner_told",
        "rehmat-hospital booked",
        TRACE,
    )


@given(st.lists(st.sampled_from(["a", "b", "c"])), st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)))
def test_positions_count_on_per_organisation(names: list[str], last: dict[str, int]) -> None:
    given_positions = positions([News(UUID(int=1), name, 1) for name in names], last)
    for name in set(names):
        mine = [place for one, place in zip(names, given_positions, strict=True) if one == name]
        start = last.get(name, 0)
        assert mine == list(range(start + 1, start + 1 + len(mine)))


@given(st.binary(min_size=8, max_size=8))
def test_a_reference_is_twelve_letters_that_nobody_mistakes(randomness: bytes) -> None:
    made = reference(randomness)
    assert len(made) == 12
    assert set(made) <= set(ALPHABET)


@pytest.mark.parametrize("ambiguous", ["I", "L", "O", "U"])
def test_the_alphabet_has_no_look_alikes(ambiguous: str) -> None:
    assert ambiguous not in ALPHABET
