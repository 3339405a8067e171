"""Holds: an hour is kept for one case until a moment, and never a minute longer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing, holding, knowing
from services.scheduling.handlers.holding import ENDS
from services.scheduling.repository.turns import turns
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentHeld,
    AppointmentReleased,
    SlotNotFound,
)
from shared.messaging import Due
from shared.web.idempotency import KeyedRequest
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.rush import all_at_once
from tests.scheduling.store import NOW, Store

COORDINATOR = Caller("coordinator", "staff-1")
NOON, HALF_AN_HOUR = NOW + timedelta(hours=2), timedelta(minutes=30)
ONE_HOUR = [rule(1, "12:00", "13:00")]


async def given_back(store: Store, **changes: Any) -> MatchMade:
    """A case whose hour, with somebody else, was cancelled."""
    made = world.match(await world.add_therapist(store), **changes)
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked, case_id=made.case_id)
    async with store.transaction() as tx:
        await changing.cancel(tx, booked.appointment_id, COORDINATOR, "therapist_away", 1)
    return made


def wanted(case: MatchMade, therapist: UUID, start: datetime = NOON, **changes: Any) -> Wanted:
    usual: dict[str, Any] = {"modality": "video", "site_id": None, "minutes": 30}
    return Wanted(case.case_id, therapist, minute_of(start), **usual | changes)


def key() -> KeyedRequest:
    return KeyedRequest("POST /v1/holds", str(uuid4()), b"")


async def hold(store: Store, wanted: Wanted, keyed: KeyedRequest | None = None) -> Hold:
    """As a coordinator does, in a transaction that is tried again where the database asks for it."""
    in_turn = turns(store.database)
    return await in_turn(lambda tx: holding.hold(tx, wanted, COORDINATOR, keyed or key()))


async def confirm(store: Store, held: Hold) -> Appointment:
    return await turns(store.database)(lambda tx: holding.confirm(tx, held.id, COORDINATOR))


async def give_back(store: Store, held: Hold) -> Hold:
    return await turns(store.database)(lambda tx: holding.give_back(tx, held.id, COORDINATOR))


async def refused(work: Any) -> str:
    """Its code, with the field where one is named."""
    with pytest.raises(Refused) as refusal:
        await work
    faults: Sequence[Any] = refusal.value.faults
    return ", ".join(f"{one.pointer} {one.code}" for one in faults) or refusal.value.code


async def comes_due(store: Store, *held: Hold) -> None:
    """Their rows are worked off as the loop does."""
    dues = [Due(ENDS, str(one.id), one.held_until, {"case_id": str(one.case_id)}) for one in held]
    async with store.transaction() as tx:
        await holding.end_holds(dues, tx)


async def used(store: Store, therapist: UUID) -> int:
    rows = await store.rows("SELECT used FROM scheduling.weekly_load WHERE therapist_id = $1", therapist)
    return sum(row["used"] for row in rows)


async def test_a_live_hold_keeps_everybody_else_out_and_says_so(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, ONE_HOUR, horizon=5)
    held = await hold(store, wanted(case, therapist))
    await store.hear(world.match(therapist))
    assert len(await store.said(SlotNotFound)) == 1
    assert await refused(hold(store, wanted(await given_back(store), therapist))) == "slot_taken"
    (said,) = await store.said(AppointmentHeld)
    assert (said.appointment_id, said.case_id, said.by) == (held.id, case.case_id, "clinic")
    assert (said.held_until, said.start) == (NOW + HALF_AN_HOUR, NOON)
    assert [one.person_id for one in said.attendees] == [one.person_id for one in case.attendees]
    (row,) = await store.rows("SELECT at FROM scheduling.due WHERE kind = 'hold_ends'")
    assert row["at"] == said.held_until


async def test_an_expired_hold_is_free_for_everybody_though_nobody_has_ended_it(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, ONE_HOUR, notice=0, horizon=5)
    held = await hold(store, wanted(case, therapist))
    store.now = held.held_until
    await store.hear(world.match(therapist, earliest=store.now))
    assert [one.start for one in await store.said(AppointmentBooked)][-1] == NOON
    assert await refused(confirm(store, held)) == "hold_expired"
    await comes_due(store, held)
    (said,) = await store.said(AppointmentReleased)
    assert (said.appointment_id, said.reason, said.by) == (held.id, "expired", "system")
    assert await used(store, therapist) == 1


async def test_a_hold_counts_in_the_week_until_its_time_is_up_and_no_longer(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1, notice=0, horizon=4)
    held = await hold(store, wanted(await given_back(store), therapist))
    await store.hear(world.match(therapist))
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_capacity"]
    store.now = held.held_until
    await store.hear(world.match(therapist, earliest=store.now))
    assert len(await store.said(SlotNotFound)) == 1
    assert await used(store, therapist) == 1
    await comes_due(store, held)
    assert await used(store, therapist) == 1


async def test_a_full_week_has_no_hour_to_be_held(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1, horizon=4)
    await store.hear(world.match(therapist))
    later = NOON + timedelta(hours=3)
    assert await refused(hold(store, wanted(await given_back(store), therapist, later))) == "slot_taken"


async def test_a_hold_is_confirmed_once_and_is_an_appointment_like_any_other(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, weekly_limit=1)
    held = await hold(store, wanted(case, therapist))
    for _ in range(2):
        booked = await confirm(store, held)
        assert (booked.id, booked.case_id, booked.state) == (held.id, case.case_id, "booked")
    said = [one for one in await store.said(AppointmentBooked) if one.appointment_id == held.id]
    # Cancelled as version 2, held as 3: whoever follows a case by versions takes it for news.
    assert [(one.version, one.by, one.start, one.match_id) for one in said] == [
        (4, "clinic", NOON, case.match_id)
    ]
    assert await used(store, therapist) == 1
    rows = await store.rows("SELECT held_until FROM scheduling.reservations")
    assert [row["held_until"] for row in rows] == [None, None]
    store.now = held.held_until
    await comes_due(store, held)
    assert await store.said(AppointmentReleased) == []
    assert await refused(give_back(store, held)) == "already_confirmed"
    async with store.transaction() as tx:
        await changing.cancel(tx, held.id, COORDINATOR, "not_said", 4)
    assert await used(store, therapist) == 0


async def test_a_hold_that_is_given_back_frees_the_hour_at_once(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, ONE_HOUR, horizon=5)
    held = await hold(store, wanted(case, therapist))
    for _ in range(2):
        after = await give_back(store, held)
        assert (after.state, after.reason) == ("released", "given_back")
    assert [(one.reason, one.by) for one in await store.said(AppointmentReleased)] == [
        ("given_back", "clinic")
    ]
    assert await refused(confirm(store, held)) == "already_released"
    again = await hold(store, wanted(case, therapist))
    assert again.appointment.version > after.appointment.version


async def test_in_person_the_room_is_held_too(store: Store) -> None:
    site = await world.add_site(store)
    first, second = [
        await world.add_therapist(store, [rule(1, "12:00", "13:00", site)], horizon=5) for _ in range(2)
    ]
    at_the_site = {"modality": "in_person", "site_id": site}
    held = await hold(store, wanted(await given_back(store), first, **at_the_site))
    other = wanted(await given_back(store), second, **at_the_site)
    assert await refused(hold(store, other)) == "slot_taken"
    await give_back(store, held)
    assert (await hold(store, other)).appointment.room_id == held.appointment.room_id


async def test_a_person_is_not_held_for_two_hours_at_once(store: Store) -> None:
    case = await given_back(store)
    first, second = await world.add_therapist(store), await world.add_therapist(store)
    await hold(store, wanted(case, first))
    assert await refused(hold(store, wanted(case, second, NOON + timedelta(hours=2)))) == "already_held"


async def test_a_match_that_comes_meanwhile_takes_the_place_of_the_hold(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, ONE_HOUR, horizon=5)
    held = await hold(store, wanted(case, therapist))
    newer = world.match(therapist, case_id=case.case_id, attempt=2, attendees=case.attendees)
    await store.hear(newer)
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["superseded"]
    assert [one.start for one in await store.said(AppointmentBooked)][-1] == NOON
    assert await refused(confirm(store, held)) == "already_released"
    await store.hear(world.withdrawal(newer))
    assert await refused(hold(store, wanted(case, therapist))) == "case_moved_on"


async def test_a_withdrawn_case_holds_nothing(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store, ONE_HOUR)
    await hold(store, wanted(case, therapist))
    await store.hear(world.withdrawal(case))
    (said,) = await store.said(AppointmentReleased)
    assert (said.reason, said.by) == ("changed_mind", "system")
    assert await store.count("reservations") == 0
    assert await refused(hold(store, wanted(case, therapist))) == "case_moved_on"


async def test_without_consent_to_care_a_hold_is_not_confirmed(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store)
    held = await hold(store, wanted(case, therapist))
    person = case.attendees[0].person_id
    stopped = ConsentChanged(
        person_id=person, case_ids=(case.case_id,), purpose="care", state="withdrawn", text_version="1",
        changed_at=NOW,
    )  # fmt: skip
    await store.handle(knowing.follow_consent, [stopped])
    assert await refused(confirm(store, held)) == "case_moved_on"


async def test_who_has_an_hour_or_is_not_known_is_held_none(store: Store) -> None:
    therapist = await world.add_therapist(store)
    booked = world.match(therapist)
    await store.hear(booked)
    assert (
        await refused(hold(store, wanted(booked, therapist, NOON + timedelta(hours=2)))) == "already_booked"
    )
    before = await store.count("case_fences")
    assert await refused(hold(store, wanted(world.match(therapist), therapist))) == "/case_id unknown_case"
    assert await store.count("case_fences") == before
    case = await given_back(store)
    assert await refused(hold(store, wanted(case, uuid4()))) == "/therapist_id unknown_therapist"
    nowhere = {"modality": "in_person", "site_id": uuid4()}
    assert await refused(hold(store, wanted(case, therapist, **nowhere))) == "/site_id unknown_site"


async def test_a_hold_never_lasts_into_its_own_hour(store: Store) -> None:
    therapist = await world.add_therapist(store, notice=0)
    start = NOW + timedelta(minutes=45)
    held = await hold(store, wanted(await given_back(store), therapist, start, minutes=120))
    assert held.held_until == start


async def test_a_repeat_under_the_same_key_is_the_same_hold(store: Store) -> None:
    case, therapist, keyed = await given_back(store), await world.add_therapist(store), key()
    first = await hold(store, wanted(case, therapist), keyed)
    again = await hold(store, wanted(case, therapist), keyed)
    assert first.id == again.id
    assert await store.count("holds") == 1
    assert len(await store.said(AppointmentHeld)) == 1


async def test_of_ten_who_want_one_hour_exactly_one_gets_it(store: Store) -> None:
    therapist = await world.add_therapist(store, ONE_HOUR, horizon=5)
    cases = [await given_back(store) for _ in range(10)]

    async def try_to(case: MatchMade) -> str:
        try:
            return (await hold(store, wanted(case, therapist))).state
        except Refused as refusal:
            return refusal.code

    answers = await all_at_once([*(try_to(case) for case in cases), _book(store, therapist)])
    kept = await store.rows(
        "SELECT appointment_id FROM scheduling.reservations WHERE resource_id = $1", therapist
    )
    assert len(kept) == 1
    assert answers.count("held") + answers.count("booked") == 1
    assert answers.count("slot_taken") + answers.count("not_found") == 10


async def _book(store: Store, therapist: UUID) -> str:
    made = world.match(therapist)
    await store.hear(made)
    return "booked" if await store.said(AppointmentBooked, case_id=made.case_id) else "not_found"


async def test_of_two_at_the_end_of_the_time_one_wins_whoever_comes_first(store: Store) -> None:
    for _ in range(5):
        case, therapist = await given_back(store), await world.add_therapist(store)
        held = await hold(store, wanted(case, therapist))

        async def ask(work: Any) -> str:
            try:
                return str((await work).state)
            except Refused as refusal:
                return refusal.code

        ends = [ask(confirm(store, held)), ask(give_back(store, held)), ask(confirm(store, held))]
        answers = await all_at_once(ends)
        booked = [one for one in await store.said(AppointmentBooked) if one.appointment_id == held.id]
        released = [one for one in await store.said(AppointmentReleased) if one.appointment_id == held.id]
        assert len(booked) + len(released) == 1
        assert ("already_confirmed" in answers) == bool(booked)
        assert ("already_released" in answers) == bool(released)


async def test_holds_that_end_while_others_book_leave_every_week_right(store: Store) -> None:
    therapists = [await world.add_therapist(store, weekly_limit=6, notice=0) for _ in range(3)]
    held: list[Hold] = []
    for number in range(9):
        start = NOON + timedelta(hours=2 * (number // 3))
        held.append(await hold(store, wanted(await given_back(store), therapists[number % 3], start)))
    store.now = NOW + HALF_AN_HOUR
    matches = [world.match(*therapists, earliest=store.now) for _ in range(12)]
    book = [store.hear(*matches[place::3]) for place in range(3)]
    await all_at_once([*book, *(comes_due(store, *held[place::2]) for place in range(2))])
    assert len(await store.said(AppointmentReleased)) == 9
    assert sum([await used(store, one) for one in therapists]) == 12


async def test_the_story_of_a_hold_is_in_the_journey(store: Store) -> None:
    case, therapist = await given_back(store), await world.add_therapist(store)
    first = await hold(store, wanted(case, therapist))
    await give_back(store, first)
    await confirm(store, await hold(store, wanted(case, therapist)))
    rows = await store.rows("SELECT step FROM scheduling.journey WHERE case_id = $1", case.case_id)
    assert sorted(row["step"] for row in rows) == [
        "appointment_booked", "appointment_booked", "appointment_cancelled", "appointment_held",
        "appointment_held", "appointment_released",
    ]  # fmt: skip
