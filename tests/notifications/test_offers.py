"""Whoever may choose is told so once, not while they are choosing, and never of what they have chosen or what is gone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.planning import OFFER_AFTER
from shared.contracts.base import Event
from shared.contracts.intake import CaseEnded, WeeklyWindow
from shared.contracts.matching import MatchAccepted, MatchDeclined, MatchOffered, OfferExpired
from tests.notifications.callers import due
from tests.notifications.facts import NOW, Desk, a_booking, a_contact, waitlisted
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled

UNTIL = NOW + timedelta(days=3)


def offered(person_id: UUID, case_id: UUID, attempt: int = 1, until: datetime = UNTIL) -> MatchOffered:
    return MatchOffered(
        case_id=case_id,
        person_id=person_id,
        attempt=attempt,
        match_id=uuid4(),
        options=(),
        expires_at=until,
        offered_at=NOW,
    )


def about(offer: MatchOffered) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in ("case_id", "person_id", "attempt", "match_id")}


def ends(offer: MatchOffered) -> dict[str, Event]:
    """Everything after which there is nothing to choose any more."""
    of_it = about(offer)
    case, person = offer.case_id, offer.person_id
    return {
        "accepted": MatchAccepted(**of_it, option_id=uuid4(), accepted_at=NOW),
        "declined": MatchDeclined(**of_it, reason="other_time", declined_at=NOW),
        "expired": OfferExpired(**of_it, expired_at=NOW),
        "waits again": waitlisted(person, case, attempt=2),
        "another offer": offered(person, case, attempt=2),
        "booked": a_booking(person, case_id=case, attempt=offer.attempt),
        "ended": CaseEnded(person_id=person, case_ids=(case,), ended_at=NOW),
    }


async def fate(desk: Desk) -> tuple[Any, ...]:
    [found] = [
        (state, reason)
        for purpose, state, reason, version in await desk.messages("purpose", "state", "reason", "version")
        if purpose == "offer" and version == 1
    ]
    return found


async def test_whoever_may_choose_is_told_until_when(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), offered(person, uuid4()))
    desk.now = NOW + OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["text"] == (
        "There is a proposal for you. Please look and answer by Fri 8 Jan, 1:00 pm. "
        "If you answer soon, an hour may be kept for you."
    )


async def test_nobody_is_told_while_they_may_still_be_at_the_page(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), offered(person, uuid4()))
    assert await desk.messages("due_at") == [(NOW + OFFER_AFTER,)]


@pytest.mark.parametrize("end", sorted(ends(offered(uuid4(), uuid4()))))
async def test_what_is_over_is_not_told_any_more(desk: Desk, outside: OutsideWorld, end: str) -> None:
    person, case = uuid4(), uuid4()
    offer = offered(person, case)
    await desk.tell(outside.a_contact(person), offer, ends(offer)[end])
    desk.now = NOW + OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert await fate(desk) == ("skipped", "case_ended" if end == "ended" else "superseded")
    texts = [sms["text"] for sms in outside.received("sms") if "proposal" in sms["text"]]
    assert len(texts) == (end == "another offer")


@pytest.mark.parametrize("end", [end for end in sorted(ends(offered(uuid4(), uuid4()))) if end != "booked"])
async def test_nobody_is_called_about_what_is_over(desk: Desk, outside: OutsideWorld, end: str) -> None:
    person, case = uuid4(), uuid4()
    offer = offered(person, case)
    await desk.tell(outside.a_contact(person, channels=("call",)), offer)
    desk.now = NOW + OFFER_AFTER
    await due(desk)
    await desk.tell(ends(offer)[end])
    assert await fate(desk) == ("skipped", "case_ended" if end == "ended" else "superseded")
    desk.now += OFFER_AFTER
    await due(desk)
    calls = await desk.pool.fetch("SELECT outcome FROM calls ORDER BY opened_at")
    news = end in ("another offer", "waits again")
    assert [call["outcome"] for call in calls] == ["not_needed", *[None] * news]


async def test_whoever_waits_is_told_of_a_proposal_that_comes_later(
    desk: Desk, outside: OutsideWorld
) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(outside.a_contact(person), waitlisted(person, case), offered(person, case, attempt=2))
    desk.now = NOW + OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert await desk.messages("purpose", "state", "reason") == [
        ("offer", "sent", None),
        ("waitlisted", "skipped", "superseded"),
    ]


async def test_a_proposal_that_ends_before_the_next_safe_hour_is_not_told(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    mornings = (WeeklyWindow(day=5, start=600, end=660),)
    short = offered(person, uuid4(), until=NOW + timedelta(hours=12))
    await desk.tell(outside.a_contact(person, safe_windows=mornings), short)
    desk.now = NOW + OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "skipped")
    assert await fate(desk) == ("skipped", "no_safe_window")


async def test_a_choice_that_is_heard_twice_changes_nothing(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    offer = offered(person, case)
    await desk.tell(a_contact(person), offer, ends(offer)["accepted"], ends(offer)["accepted"])
    assert await fate(desk) == ("skipped", "superseded")
    assert await desk.said_types() == ["message_skipped"]


async def test_a_contact_that_comes_after_the_choice_opens_nothing_again(
    desk: Desk, outside: OutsideWorld
) -> None:
    person, case = uuid4(), uuid4()
    offer = offered(person, case)
    await desk.tell(offer, ends(offer)["declined"], outside.a_contact(person))
    desk.now = NOW + OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "skipped")
    assert await fate(desk) == ("skipped", "superseded")
