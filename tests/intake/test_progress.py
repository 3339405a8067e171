"""What the others say reaches the person, in whatever order and batches it comes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.states import Progress, advance, standing
from services.intake.handlers.progress import HANDLERS, OfACase, facts_of, project, tellings_of
from services.intake.handlers.submission import Asked, Desk, submit_cases
from services.intake.repository import standings
from services.intake.repository.standings import CaseView
from shared.contracts.matching import Candidate, CaseWaitlisted, MatchMade, MatchWithdrawn
from shared.contracts.notifications import MessageDelivered, MessageSent
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentFulfilled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import somebody

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
MATCH, HOUR, THERAPIST = uuid4(), uuid4(), uuid4()


def match_made(case_id: UUID, attempt: int) -> MatchMade:
    return MatchMade(
        case_id=case_id,
        match_id=MATCH,
        attempt=attempt,
        lane="online",
        candidates=(Candidate(therapist_id=THERAPIST),),
        attendees=(),
        modality="video",
        minutes=50,
        wanted_times=(),
        time_zone="Asia/Karachi",
        earliest=T0,
        latest=T0,
        priority=0,
        rule_version="1",
    )


def match_withdrawn(case_id: UUID, attempt: int) -> MatchWithdrawn:
    return MatchWithdrawn(
        case_id=case_id, match_id=MATCH, attempt=attempt, lane="online", reason="x", withdrawn_at=T0
    )


def waitlisted(case_id: UUID, attempt: int) -> CaseWaitlisted:
    return CaseWaitlisted(
        case_id=case_id,
        person_id=uuid4(),
        attempt=attempt,
        reason="no_language",
        next_review=T0 + timedelta(days=7),
        waitlisted_at=T0,
    )


def appointment(kind: type[Any], case_id: UUID, attempt: int, version: int, **more: Any) -> Any:
    start = T0 + timedelta(days=version)
    fields = {
        "case_id": case_id,
        "appointment_id": HOUR,
        "version": version,
        "match_id": MATCH,
        "attempt": attempt,
        "attendees": (),
        "therapist_id": THERAPIST,
        "organisation": "humqadam-network",
        "lane": "online",
        "modality": "video",
        "site_id": None,
        "room_id": None,
        "start": start,
        "end": start + timedelta(minutes=50),
        "time_zone": "Asia/Karachi",
        "by": "system",
        "changed_at": T0,
    }
    return kind(**fields | more)


def message(kind: type[Any], case_id: UUID, version: int, purpose: str = "booked") -> Any:
    fields = {
        "case_id": case_id,
        "message_id": uuid4(),
        "appointment_id": HOUR,
        "appointment_version": version,
        "person_id": uuid4(),
        "purpose": purpose,
        "at": T0,
        "channel": "sms",
    }
    if kind is MessageSent:
        fields |= {"language": "en", "template": "booked", "template_version": "1", "parts": 1}
    return kind(**fields)


def story(case_id: UUID) -> list[OfACase]:
    """Waitlisted, matched, booked, told, moved, told again."""
    return [
        match_made(case_id, 1),
        waitlisted(case_id, 1),
        match_made(case_id, 2),
        appointment(AppointmentBooked, case_id, 2, 1),
        message(MessageSent, case_id, 1),
        message(MessageDelivered, case_id, 1),
        appointment(AppointmentRescheduled, case_id, 2, 2, previous_start=T0),
        message(MessageSent, case_id, 2, "changed"),
    ]


@given(st.permutations(range(8)), st.integers(1, 8))
def test_every_order_of_the_topics_gives_the_same_standing(order: Sequence[int], batch: int) -> None:
    case_id = UUID(int=7)
    events = story(case_id)
    progress = Progress(case_id, case_id, "open", T0, None)
    for start in range(0, 8, batch):
        part = [events[place] for place in order[start : start + batch]]
        facts = [fact for event in part for fact in facts_of(event, T0)]
        progress = advance(progress, facts, [told for event in part for told in tellings_of(event)])
    stands = standing(progress)
    assert (stands.state, stands.next_step) == ("booked", "attend")
    assert stands.until == T0 + timedelta(days=2)


async def opened(store: IntakeDatabase, desk: Desk) -> tuple[UUID, str]:
    async with store.intake.transaction() as tx:
        [accepted] = await submit_cases([Asked(somebody(), None)], tx, desk)
    return accepted.case_id, accepted.case_code


async def hear(store: IntakeDatabase, *events: OfACase) -> None:
    async with store.intake.transaction() as tx:
        for event in events:
            await HANDLERS[type(event)]([event], tx)


async def seen(store: IntakeDatabase, code: str) -> CaseView:
    async with store.intake.transaction() as tx:
        return (await standings.views(tx, [code]))[code]


async def test_a_booked_hour_is_shown_with_its_start_and_its_link(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, match_made(case_id, 1), appointment(AppointmentBooked, case_id, 1, 1))
    view = await seen(store, code)
    stands = view.standing
    assert (stands.state, stands.waiting_on, stands.next_step) == ("booked", "nobody", "look_up_the_hour")
    assert (stands.until, view.appointment_id) == (T0 + timedelta(days=1), HOUR)
    await hear(store, message(MessageSent, case_id, 1))
    assert (await seen(store, code)).standing.next_step == "attend"


async def test_the_topics_may_be_read_backwards_on_the_real_tables(store: IntakeDatabase, desk: Desk) -> None:
    forwards, code = await opened(store, desk)
    backwards, other_code = await opened(store, desk)
    await hear(store, *story(forwards))
    for event in reversed(story(backwards)):
        await hear(store, event)
    one, other = await seen(store, code), await seen(store, other_code)
    assert one.standing == other.standing


async def test_both_lanes_may_speak_of_one_case_in_one_batch(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    in_person = match_made(case_id, 2).model_copy(update={"lane": "in_person", "mode": "book"})
    async with store.intake.transaction() as tx:
        await project([match_made(case_id, 1), in_person], tx)
    await hear(store, match_withdrawn(case_id, 1))
    assert (await seen(store, code)).standing.state == "matching"
    async with store.intake.transaction() as tx:
        known = await standings.lock_progress(tx, [case_id])
    assert (fact := known[case_id].fact)
    assert (fact.kind, fact.attempt) == ("match_made", 2)


async def test_a_reminder_says_nothing_new_about_the_case(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, appointment(AppointmentBooked, case_id, 1, 1))
    before = await seen(store, code)
    await hear(store, message(MessageSent, case_id, 1, "reminder"))
    assert await seen(store, code) == before


async def test_a_wait_shows_its_reason_and_its_review(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, waitlisted(case_id, 1))
    view = await seen(store, code)
    stands = view.standing
    assert (stands.state, stands.waiting_on, stands.reason) == ("waitlisted", "capacity", "no_language")
    assert stands.until == T0 + timedelta(days=7)


async def test_a_cancelled_hour_is_no_longer_shown(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    lost = appointment(AppointmentCancelled, case_id, 1, 2, reason="therapist_ill", by="therapist")
    await hear(store, appointment(AppointmentBooked, case_id, 1, 1), lost)
    view = await seen(store, code)
    assert (view.standing.state, view.standing.reason, view.appointment_id) == (
        "paused",
        "appointment_cancelled",
        None,
    )
    await hear(store, match_withdrawn(case_id, 1))
    assert (await seen(store, code)).standing.reason == "looking_again"


async def test_a_session_that_took_place_is_care_and_a_missed_hour_takes_none_of_it_back(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    later = uuid4()
    for told, state in (
        (appointment(AppointmentBooked, case_id, 1, 1), "booked"),
        (appointment(AppointmentArrived, case_id, 1, 2), "booked"),
        (appointment(AppointmentFulfilled, case_id, 1, 3), "in_care"),
        (appointment(AppointmentBooked, case_id, 2, 1, appointment_id=later), "booked"),
        (appointment(AppointmentNoShow, case_id, 2, 2, appointment_id=later), "in_care"),
    ):
        await hear(store, told)
        view = await seen(store, code)
        assert (view.standing.state, view.appointment_id is not None) == (state, state == "booked")
    assert view.standing.reason == "appointment_missed"


async def test_an_hour_that_was_missed_by_mistake_only_is_booked_still(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, appointment(AppointmentBooked, case_id, 1, 1))
    await hear(store, appointment(AppointmentNoShow, case_id, 1, 2))
    assert (await seen(store, code)).standing.state == "paused"
    await hear(store, appointment(AppointmentCorrected, case_id, 1, 3, mistaken="no_show"))
    view = await seen(store, code)
    assert (view.standing.state, view.standing.reason, view.appointment_id) == ("booked", None, HOUR)
    marked = appointment(AppointmentCertaintyChanged, case_id, 1, 4, certainty="provisional")
    await hear(store, marked, message(MessageSent, case_id, 3))
    view = await seen(store, code)
    assert (view.standing.state, view.standing.next_step) == ("booked", "look_up_the_hour")


async def test_an_event_about_a_case_that_is_not_here_is_kept_and_not_poison(store: IntakeDatabase) -> None:
    unknown = uuid4()
    await hear(store, match_made(unknown, 1), message(MessageSent, unknown, 1))
    waiting = await store.admin.fetch("SELECT type FROM intake.waiting WHERE fact = $1", f"case:{unknown}")
    assert {row["type"] for row in waiting} == {"matching.match_made.v1", "notifications.message_sent.v1"}


async def test_the_version_moves_only_when_the_person_would_see_a_difference(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    assert (await seen(store, code)).version == 1
    await hear(store, appointment(AppointmentBooked, case_id, 1, 1))
    await hear(store, appointment(AppointmentBooked, case_id, 1, 1))
    assert (await seen(store, code)).version == 2


async def test_operators_see_what_a_case_waits_for_and_no_need(store: IntakeDatabase, desk: Desk) -> None:
    case_id, _ = await opened(store, desk)
    await hear(store, waitlisted(case_id, 1))
    rows = await store.admin.fetch("SELECT * FROM intake.journey WHERE case_id = $1 ORDER BY at", case_id)
    assert {row["step"] for row in rows} == {"asked for care", "stands as waitlisted"}
    assert [row["waits_for"] for row in rows if row["step"] == "stands as waitlisted"] == ["capacity"]
    assert "anxiety" not in str([dict(row) for row in rows])


async def test_the_projection_can_be_emptied_and_read_again(store: IntakeDatabase, desk: Desk) -> None:
    case_id, code = await opened(store, desk)
    await hear(store, *story(case_id))
    before = await seen(store, code)
    await store.admin.execute("DELETE FROM intake.standings WHERE case_id = $1", case_id)
    assert (await seen(store, code)).standing.state == "matching"
    await hear(store, *story(case_id))
    assert await seen(store, code) == before
