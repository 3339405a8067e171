"""What a partner hears: its own bookings, in a sequence without gaps, and nothing of a case or a person."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain.bookings import ALPHABET, News, Reached, positions, reference
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentDisplaced,
    AppointmentFulfilled,
    AppointmentNoShow,
)
from shared.messaging import Database
from tests.partners.appointments import (
    HOSPITAL,
    TRACE,
    a_booking,
    became,
    cancelled,
    held,
    moved,
    released,
    tell,
)


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


async def test_an_hour_that_is_kept_is_booked_under_the_same_reference_or_given_back(
    partners: Database,
) -> None:
    kept, dropped = a_booking(), a_booking()
    await tell(partners, held(kept), held(dropped))
    await tell(partners, kept.model_copy(update={"version": 2}), released(held(dropped)))
    first, second, booked, free = await told(partners)
    assert [(e["kind"].split(".")[1], e["status"]) for e in (first, second, booked, free)] == [
        ("booking_held", "held"),
        ("booking_held", "held"),
        ("booking_booked", "booked"),
        ("booking_cancelled", "cancelled"),
    ]
    assert first["held_until"] == (kept.start - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert (booked["booking_ref"], booked["version"]) == (first["booking_ref"], 2)
    assert (free["booking_ref"], free["reason"]) == (second["booking_ref"], "expired")


async def test_an_hour_that_was_missed_by_mistake_only_is_booked_again_under_its_reference(
    partners: Database,
) -> None:
    booking = a_booking()
    missed = became(booking, AppointmentNoShow)
    corrected = AppointmentCorrected(**missed.model_dump() | {"version": 3, "mistaken": "no_show"})
    await tell(partners, booking)
    await tell(partners, missed)
    await tell(partners, corrected)
    events = await told(partners)
    assert len({event["booking_ref"] for event in events}) == 1
    assert [(e["kind"].split(".")[1], e["version"], e["status"]) for e in events] == [
        ("booking_booked", 1, "booked"),
        ("booking_no_show", 2, "no_show"),
        ("booking_booked", 3, "booked"),
    ]


async def test_a_partner_hears_how_certain_an_hour_is_and_why(partners: Database) -> None:
    booking = a_booking()
    about = booking.model_dump() | {"certainty": "provisional"}
    marked = AppointmentCertaintyChanged(**about | {"version": 2, "certainty_reason": "may_be_holiday"})
    lost = AppointmentDisplaced(**about | {"version": 3, "certainty_reason": "holiday", "reason": "holiday"})
    await tell(partners, booking)
    await tell(partners, marked)
    await tell(partners, lost)
    assert [
        (e["kind"].split(".")[1], e["certainty"], e["certainty_reason"]) for e in await told(partners)
    ] == [
        ("booking_booked", "firm", None),
        ("booking_booked", "provisional", "may_be_holiday"),
        ("booking_booked", "provisional", "holiday"),
    ]


async def test_a_partner_hears_who_came_and_what_became_of_an_hour(partners: Database) -> None:
    kept, missed = a_booking(), a_booking()
    here = became(kept, AppointmentArrived)
    for event in (kept, missed, here, became(here, AppointmentFulfilled), became(missed, AppointmentNoShow)):
        await tell(partners, event)
    events = await told(partners)
    assert [(e["kind"].split(".")[1], e["version"], e["status"]) for e in events[2:]] == [
        ("booking_arrived", 2, "arrived"),
        ("booking_fulfilled", 3, "fulfilled"),
        ("booking_no_show", 2, "no_show"),
    ]
    assert events[2]["booking_ref"] == events[0]["booking_ref"] == events[3]["booking_ref"]


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
    here = became(change, AppointmentArrived)
    await tell(partners, held(booking.model_copy(update={"version": 0})))
    for event in (booking, change, here, became(here, AppointmentFulfilled)):
        await tell(partners, event)
    await tell(partners, cancelled(became(here, AppointmentNoShow)))
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
    await tell(partners, booking, a_booking("humqadam-network"))
    assert await partners.pool.fetchval("SELECT count(*) FROM journey") == 1
    row = await partners.pool.fetchrow("SELECT * FROM journey WHERE case_id = $1", booking.case_id)
    assert row is not None
    assert (row["step"], row["detail"], row["traceparent"]) == (
        "partner_told",
        "rehmat-hospital: booked",
        TRACE,
    )


@given(
    st.lists(st.sampled_from("abc")),
    st.fixed_dictionaries({name: st.builds(Reached, st.integers(0, 9), st.booleans()) for name in "abc"}),
)
def test_positions_count_on_per_organisation_that_listens(
    names: list[str], reached: dict[str, Reached]
) -> None:
    given_positions = positions([News(UUID(int=1), name, 1) for name in names], reached)
    for name in set(names):
        mine = [place for one, place in zip(names, given_positions, strict=True) if one == name]
        start = reached[name].position
        if reached[name].listens:
            assert mine == list(range(start + 1, start + 1 + len(mine)))
        else:
            assert not any(mine)


@given(st.binary(min_size=8, max_size=8))
def test_a_reference_is_twelve_letters_that_nobody_mistakes(randomness: bytes) -> None:
    made = reference(randomness)
    assert len(made) == 12
    assert set(made) <= set(ALPHABET)


@pytest.mark.parametrize("ambiguous", ["I", "L", "O", "U"])
def test_the_alphabet_has_no_look_alikes(ambiguous: str) -> None:
    assert ambiguous not in ALPHABET
