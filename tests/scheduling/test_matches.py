"""Matches come in: hours are taken for whole batches, and never twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from services.scheduling.handlers.matches import book_matches
from shared.contracts.scheduling import AppointmentBooked, SlotNotFound
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

MORNING = [rule(1, "12:00", "13:00")]  # one hour a week
MONDAY = NOW + timedelta(days=4)  # before the next week's hour


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
        "online, attempt 1",
    )
    assert step["traceparent"].startswith("00-1111")


async def starts(store: Store) -> dict[Any, str]:
    """Where each case is booked now: day and time in Karachi."""
    return {
        row["case_id"]: world.local(row["starts_at"])
        for row in await store.rows("SELECT * FROM scheduling.appointments WHERE state = 'booked'")
    }


async def test_the_second_candidate_is_taken_when_the_first_has_nothing(store: Store) -> None:
    first, second = await world.add_therapist(store, MORNING), await world.add_therapist(store)
    await store.hear(world.match(first, latest=MONDAY))
    late = world.match(first, second, latest=MONDAY)
    await store.hear(late)
    (booked,) = await store.said(AppointmentBooked, case_id=late.case_id)
    assert (booked.therapist_id, world.local(booked.start)) == (second, "Mon 12:00")


async def test_in_person_the_therapist_the_room_and_the_person_are_taken_together(store: Store) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    made = world.match((therapist, site))
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked)
    rows = await store.rows("SELECT resource_id, during FROM scheduling.reservations")
    taken = {row["resource_id"]: (row["during"].lower, row["during"].upper) for row in rows}
    ten = timedelta(minutes=10)
    assert taken == {
        therapist: (booked.start - ten, booked.end + ten),
        booked.room_id: (booked.start, booked.end),
        made.attendees[0].person_id: (booked.start, booked.end),
    }
    assert (booked.site_id, booked.time_zone) == (site, "Asia/Karachi")


async def test_the_hours_of_a_case_in_person_are_told_in_the_time_of_the_place(store: Store) -> None:
    site = await world.add_site(store, site=replace(world.SITE, time_zone="Asia/Kathmandu"))
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    await store.hear(world.match((therapist, site)))
    (booked,) = await store.said(AppointmentBooked)
    assert booked.time_zone == "Asia/Kathmandu"


async def test_without_a_free_room_there_is_no_hour_in_person(store: Store) -> None:
    site = await world.add_site(store, rooms=1)
    rules = [rule(1, "12:00", "13:00", site)]
    one, other = await world.add_therapist(store, rules), await world.add_therapist(store, rules)
    matches = [world.match((who, site), latest=MONDAY) for who in (one, other)]
    await store.hear(*matches)
    assert await starts(store) == {matches[0].case_id: "Mon 12:00"}
    (missed,) = await store.said(SlotNotFound)
    assert (missed.case_id, missed.reason) == (matches[1].case_id, "no_hour")


async def test_another_site_of_the_candidate_is_taken_when_the_preferred_one_is_full(store: Store) -> None:
    full, other = await world.add_site(store, rooms=0), await world.add_site(store)
    rules = [rule(1, "12:00", "13:00", full), rule(2, "12:00", "13:00", other)]
    therapist = await world.add_therapist(store, rules)
    made = world.match((therapist, full))
    both = made.candidates[0].model_copy(update={"site_ids": (full, other)})
    await store.hear(made.model_copy(update={"candidates": (both,)}))
    (booked,) = await store.said(AppointmentBooked)
    assert (booked.site_id, world.local(booked.start)) == (other, "Tue 12:00")


async def test_cases_of_one_batch_never_share_an_hour_and_the_buffers_are_kept(store: Store) -> None:
    therapist = await world.add_therapist(store)
    matches = [world.match(therapist) for _ in range(4)]
    await store.hear(*matches)
    times = (
        "Mon 12:00",
        "Mon 13:15",
        "Mon 14:30",
        "Mon 15:45",
    )  # 50 minutes, 10 of each one's own on both sides
    assert await starts(store) == dict(zip([made.case_id for made in matches], times, strict=True))


async def test_the_buffers_of_two_appointments_do_not_share_minutes(store: Store) -> None:
    therapist = await world.add_therapist(store, buffer=5, notice=0)
    await store.hear(*(world.match(therapist) for _ in range(2)))
    assert sorted((await starts(store)).values()) == ["Mon 12:00", "Mon 13:00"]


async def test_the_pause_after_an_hour_that_is_just_over_is_kept(store: Store) -> None:
    therapist = await world.add_therapist(store, buffer=20, notice=0)
    await store.hear(world.match(therapist))  # 12:00 to 12:50, with twenty minutes on both sides
    store.now = NOW + timedelta(hours=3, minutes=11)
    await store.hear(late := world.match(therapist, earliest=store.now))
    (booked,) = await store.said(AppointmentBooked, case_id=late.case_id)
    assert world.local(booked.start) == "Mon 13:30"


async def test_the_urgent_choose_first_then_those_who_came_first(store: Store) -> None:
    therapist = await world.add_therapist(store)
    matches = [world.match(therapist, priority=priority) for priority in (0, 0, 2)]
    await store.hear(*matches)
    assert [(await starts(store))[made.case_id] for made in matches] == [
        "Mon 13:15",
        "Mon 14:30",
        "Mon 12:00",
    ]


async def test_a_full_week_lets_nobody_in_and_the_next_one_does(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=2)
    matches = [world.match(therapist) for _ in range(3)]
    await store.hear(*matches)
    days = [(await starts(store))[made.case_id] for made in matches]
    assert days == ["Mon 12:00", "Mon 13:15", "Mon 09:00"]  # the last one a week later
    load = await store.rows("SELECT week, used, most FROM scheduling.weekly_load ORDER BY week")
    assert [(str(row["week"]), row["used"], row["most"]) for row in load] == [
        ("2026-11-23", 2, 2),
        ("2026-11-30", 1, 2),
    ]


async def test_a_limit_is_kept_over_batches_and_its_reason_is_told(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1)
    for _ in range(2):
        await store.hear(world.match(therapist, latest=MONDAY))
    (missed,) = await store.said(SlotNotFound)
    assert missed.reason == "no_capacity"
    assert len(await store.said(AppointmentBooked)) == 1


async def test_a_lowered_limit_takes_nothing_back_and_lets_nobody_in(store: Store) -> None:
    therapist = await world.add_therapist(store)
    await store.hear(*(world.match(therapist) for _ in range(3)))
    await store.hear(world.therapist(therapist, weekly_limit=1, changed_at=NOW))
    await store.hear(world.match(therapist, latest=MONDAY))
    assert len(await starts(store)) == 3
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_capacity"]


async def test_nobody_is_booked_sooner_than_the_notice_or_beyond_the_horizon(store: Store) -> None:
    careful = await world.add_therapist(store, notice=1440, horizon=2)
    matches = [world.match(careful) for _ in range(9)]
    await store.hear(*matches)
    booked = sorted(one.start for one in await store.said(AppointmentBooked))
    assert [world.local(one) for one in (booked[0], booked[-1])] == ["Tue 10:00", "Wed 09:00"]
    assert {one.reason for one in await store.said(SlotNotFound)} == {"no_hour"}


async def test_only_the_wanted_times_are_taken_in_the_zone_of_those_who_want_them(store: Store) -> None:
    therapist = await world.add_therapist(store)
    wanted = (world.window(3, "10:05", "11:00"), world.window(4, "10:05", "11:05"))
    karachi = world.match(therapist, wanted_times=wanted)
    london = world.match(therapist, wanted_times=wanted, time_zone="Europe/London")
    await store.hear(karachi, london)
    assert await starts(store) == {karachi.case_id: "Thu 10:15", london.case_id: "Thu 15:15"}


async def test_earliest_and_latest_bound_the_whole_appointment(store: Store) -> None:
    therapist = await world.add_therapist(store)
    at = NOW + timedelta(days=1)  # Tuesday, 10:00 in Karachi
    exact = world.match(therapist, earliest=at, latest=at + timedelta(minutes=50))
    tight = world.match(
        therapist, earliest=at + timedelta(hours=3), latest=at + timedelta(hours=3, minutes=49)
    )
    await store.hear(exact, tight)
    assert await starts(store) == {exact.case_id: "Tue 10:00"}
    assert [one.case_id for one in await store.said(SlotNotFound)] == [tight.case_id]


async def test_an_hour_that_is_missing_is_told_with_its_attempt_and_stays_decided(store: Store) -> None:
    therapist = await world.add_therapist(store, MORNING)
    made = world.match(therapist, attempt=3, wanted_times=(world.window(2, "09:00", "17:00"),))
    await store.handle(book_matches, [made], {str(made.case_id): "00-" + "3" * 32 + "-" + "4" * 16 + "-01"})
    (missed,) = await store.said(SlotNotFound)
    assert (missed.match_id, missed.attempt, missed.lane, missed.reason) == (
        made.match_id,
        3,
        "online",
        "no_hour",
    )
    assert missed.sought_at == NOW
    (step,) = await store.rows("SELECT step, detail, waits_for, traceparent FROM scheduling.journey")
    assert (step["step"], step["detail"], step["waits_for"]) == (
        "slot_not_found",
        "no_hour, attempt 3",
        "matching",
    )
    assert step["traceparent"].startswith("00-3333")


async def test_a_match_whose_time_is_over_is_answered_like_any_other(store: Store) -> None:
    therapist = await world.add_therapist(store)
    over = world.match(therapist, earliest=NOW - timedelta(days=30), latest=NOW - timedelta(days=3))
    await store.hear(over)
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]


async def test_therapists_without_a_calendar_or_on_leave_are_passed_over(store: Store) -> None:
    bare, away, there = (
        uuid4(),
        await world.add_therapist(store, status="suspended"),
        await world.add_therapist(store),
    )
    await store.hear(world.therapist(bare))
    made = world.match(bare, away, there)
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked)
    assert booked.therapist_id == there


async def test_everybody_of_a_case_must_be_free_and_is_taken(store: Store) -> None:
    therapist, other = await world.add_therapist(store), await world.add_therapist(store)
    couple = [world.match(other).attendees[0] for _ in range(2)]
    alone = world.match(other, attendees=(couple[1],))
    both = world.match(therapist, attendees=tuple(couple))
    await store.hear(alone, both)
    assert await starts(store) == {alone.case_id: "Mon 12:00", both.case_id: "Mon 13:00"}
    (booked,) = await store.said(AppointmentBooked, case_id=both.case_id)
    assert booked.attendees == both.attendees
    assert await store.count("reservations") == 2 + 3


async def test_one_person_who_attends_twice_is_reserved_once(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    twice = made.attendees[0].model_copy(update={"attendee_id": uuid4()})
    await store.hear(made.model_copy(update={"attendees": (*made.attendees, twice)}))
    assert await store.count("reservations") == 2


async def test_an_expired_hold_takes_nobodys_hour_and_a_standing_one_does(store: Store) -> None:
    therapist = await world.add_therapist(store)
    noon = NOW + timedelta(hours=2)
    for hours, until in ((0, NOW), (1, NOW + timedelta(minutes=5))):
        await store.admin.execute(
            "INSERT INTO scheduling.reservations VALUES ($1, $2, tstzrange($3, $4), $5)",
            uuid4(), therapist, noon + timedelta(hours=hours), noon + timedelta(hours=hours, minutes=50), until,
        )  # fmt: skip
    matches = [world.match(therapist, minutes=25) for _ in range(2)]
    await store.hear(*matches)
    assert [(await starts(store))[made.case_id] for made in matches] == ["Mon 12:00", "Mon 14:00"]
    held = await store.rows("SELECT held_until FROM scheduling.reservations WHERE held_until IS NOT NULL")
    assert [row["held_until"] for row in held] == [NOW + timedelta(minutes=5)]
