"""Matches come in: hours are taken for whole batches, and never twice."""

from uuid import uuid4

from services.scheduling.handlers import HANDLERS, knowing
from services.scheduling.handlers.matches import book_matches, withdraw_matches
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, SlotNotFound
from tests.scheduling import world
from tests.scheduling.store import Store


async def test_a_match_gets_the_first_hour_of_its_first_candidate(store: Store) -> None:
    first, second = await world.add_therapist(store), await world.add_therapist(store)
    made = world.match(first, second)
    await store.handle(book_matches, [made], {str(made.case_id): "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
    (booked,) = await store.said(AppointmentBooked)
    assert (booked.therapist_id, world.local(booked.start), world.local(booked.end)) == (
        first,
        "Mon 12:00",
        "Mon 12:50",
    )
    assert (booked.case_id, booked.match_id, booked.attempt, booked.version) == (
        made.case_id,
        made.match_id,
        1,
        1,
    )
    assert (booked.organisation, booked.lane, booked.modality, booked.by) == (
        "rehmat-hospital",
        "online",
        "video",
        "system",
    )
    assert booked.attendees == made.attendees
    assert booked.time_zone == "Asia/Karachi"
    assert await store.count("reservations") == 2
    (step,) = await store.admin.fetch("SELECT * FROM scheduling.journey")
    assert (step["case_id"], step["step"], step["detail"]) == (
        made.case_id,
        "appointment_booked",
        "online attempt 1",
    )
    assert step["traceparent"].startswith("00-1111")
