"""Whoever waits is told that there is another way, in one message with their place on the list, and never when it is untrue."""

from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.templates import PURPOSES
from services.notifications.templates import load_languages
from shared.contracts.base import Event
from shared.contracts.intake import CaseEnded, ContactStopped, WeeklyWindow
from shared.contracts.matching import AlternativeOffered
from shared.contracts.told import AlternativeKind
from tests.notifications.facts import NOW, Desk, a_booking, a_contact, cancelled, waitlisted
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled
from tests.notifications.test_offers import offered

EVENINGS = tuple(WeeklyWindow(day=day, start=1080, end=1140) for day in range(1, 8))


def other_help(
    person_id: UUID, case_id: UUID, attempt: int = 1, kind: AlternativeKind = "family_doctor"
) -> AlternativeOffered:
    return AlternativeOffered(
        case_id=case_id, person_id=person_id, attempt=attempt, kind=kind, offered_at=NOW
    )


async def fates(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.messages("purpose", "version", "state", "reason")


async def leaves(desk: Desk, state: str, person: UUID | None = None) -> None:
    """What is planned, for this person or anybody, is in this state now."""
    query = """
    UPDATE messages SET state = $1, channel = 'sms', sent_at = $2,
        settled_at = CASE WHEN $1 IN ('delivered', 'failed') THEN $2::timestamptz END
    WHERE state = 'planned' AND person_id = coalesce($3, person_id)
    """
    await desk.pool.execute(query, state, desk.now, person)


@pytest.mark.parametrize(
    ("language", "script", "text"),
    [
        (
            "en",
            "Latn",
            "You are on the list and will hear from us. Until then there is another way we can help you: "
            "please look at your page, with your code and PIN.",
        ),
        (
            "ur",
            "Latn",
            "Aap list mein hain, hum khabar karenge. Tab tak madad ka ek aur tareeqa hai: "
            "code aur PIN ke saath apna page dekhein.",
        ),
        (
            "ur",
            "Arab",
            "آپ فہرست میں ہیں، ہم خبر کریں گے۔ تب تک مدد کا ایک اور طریقہ ہے: کوڈ اور پن کے ساتھ اپنا صفحہ دیکھیں۔",
        ),
    ],
)
async def test_whoever_waits_is_told_in_one_message_that_they_do_and_that_there_is_another_way(
    desk: Desk, outside: OutsideWorld, language: str, script: str, text: str
) -> None:
    person, case = uuid4(), uuid4()
    contact = outside.a_contact(person, language=language, script=script)
    await desk.tell(contact, waitlisted(person, case), other_help(person, case))
    async with sending(desk, outside):
        assert await settled(desk, "sent") == [("alternative", "sent", None)]
    [sms] = outside.received("sms")
    assert sms["text"] == text
    assert [kind for kind in await desk.said_types() if kind != "message_sent"] == []


@pytest.mark.parametrize("kind", get_args(AlternativeKind))
async def test_no_message_tells_which_help_it_is(
    desk: Desk, outside: OutsideWorld, kind: AlternativeKind
) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(outside.a_contact(person), other_help(person, case, kind=kind))
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["text"] == load_languages()["en"].texts["alternative"].body
    assert {text.variables for one in load_languages().values() for text in [one.texts["alternative"]]} == {
        ()
    }
    assert "alternative" in PURPOSES


async def test_what_has_left_already_is_followed_by_the_news_that_there_is_another_way(
    desk: Desk, outside: OutsideWorld
) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(outside.a_contact(person), waitlisted(person, case))
    async with sending(desk, outside):
        await settled(desk, "sent")
        await desk.tell(other_help(person, case))
        await settled(desk, "sent")
    assert [one[:3] for one in await fates(desk)] == [("alternative", 1, "sent"), ("waitlisted", 1, "sent")]


async def test_other_help_that_is_heard_twice_is_told_once(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    said = other_help(person, case)
    await desk.tell(a_contact(person), waitlisted(person, case), said, said)
    assert await fates(desk) == [("alternative", 1, "planned", None)]


async def test_whoever_cannot_be_reached_yet_is_told_in_one_message_once_they_can(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(waitlisted(person, case), other_help(person, case), a_contact(person))
    assert await fates(desk) == [("alternative", 1, "planned", None)]


async def test_who_knows_of_another_way_is_not_told_a_moment_later_that_they_wait(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case), other_help(person, case))
    desk.now = NOW + timedelta(minutes=10)
    await desk.tell(waitlisted(person, case, attempt=2))
    assert await fates(desk) == [("alternative", 1, "planned", None)]


@pytest.mark.parametrize("under_way", ["sending", "sent", "delivered"])
async def test_who_was_told_today_that_there_is_another_way_is_not_told_the_same_again(
    desk: Desk, under_way: str
) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case), other_help(person, case))
    await leaves(desk, under_way)
    desk.now = NOW + timedelta(minutes=10)
    await desk.tell(waitlisted(person, case, attempt=2), other_help(person, case, 2, "helpline"))
    assert await fates(desk) == [("alternative", 1, under_way, None)]


async def test_another_way_is_news_again_another_day(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case), other_help(person, case))
    await leaves(desk, "delivered")
    desk.now = NOW + timedelta(hours=25)
    await desk.tell(waitlisted(person, case, attempt=2), other_help(person, case, 2))
    assert [one[:3] for one in await fates(desk)] == [
        ("alternative", 1, "delivered"),
        ("alternative", 2, "planned"),
    ]


async def test_another_way_is_told_again_to_whoever_had_an_hour_in_between_or_was_not_reached(
    desk: Desk,
) -> None:
    person, other, case, others = uuid4(), uuid4(), uuid4(), uuid4()
    booking = a_booking(person, case_id=case, attempt=2)
    for who, what in ((person, case), (other, others)):
        await desk.tell(a_contact(who), waitlisted(who, what), other_help(who, what))
    await leaves(desk, "delivered", person)
    await leaves(desk, "failed", other)
    for minutes, news in enumerate((booking, cancelled(booking), waitlisted(person, case, attempt=3)), 1):
        desk.now = NOW + timedelta(minutes=minutes)
        await desk.tell(news)
    await desk.tell(other_help(person, case, 3), other_help(other, others, 2))
    told = [(version, state) for purpose, version, state, _ in await fates(desk) if purpose == "alternative"]
    assert sorted(told) == [(1, "delivered"), (1, "failed"), (2, "planned"), (3, "planned")]


async def test_help_that_is_offered_for_another_reason_takes_the_place_of_what_was_not_told_yet(
    desk: Desk,
) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case), other_help(person, case))
    desk.now = NOW + timedelta(minutes=10)
    await desk.tell(waitlisted(person, case, attempt=2), other_help(person, case, 2, "helpline"))
    assert await fates(desk) == [
        ("alternative", 1, "skipped", "superseded"),
        ("alternative", 2, "planned", None),
    ]


def ends(person: UUID, case: UUID) -> dict[str, tuple[Event, str]]:
    """Everything after which nobody needs another way, with why nothing is told any more."""
    return {
        "booked": (a_booking(person, case_id=case, attempt=2), "superseded"),
        "offered anew": (offered(person, case, attempt=2), "superseded"),
        "withdrawn or closed": (CaseEnded(person_id=person, case_ids=(case,), ended_at=NOW), "case_ended"),
        "stopped": (ContactStopped(person_id=person, case_ids=(case,), stopped_at=NOW), "stopped"),
    }


@pytest.mark.parametrize("end", sorted(ends(uuid4(), uuid4())))
async def test_another_way_is_not_told_after_the_end_of_the_wait(
    desk: Desk, outside: OutsideWorld, end: str
) -> None:
    person, case = uuid4(), uuid4()
    event, reason = ends(person, case)[end]
    await desk.tell(
        outside.a_contact(person, safe_windows=EVENINGS),
        waitlisted(person, case),
        other_help(person, case),
        event,
    )
    # Taken back as it is heard, so that nobody is asked to call about it either.
    assert ("alternative", 1, "skipped", reason) in await fates(desk)


@pytest.mark.parametrize("end", ["booked", "offered anew"])
async def test_another_way_that_is_heard_after_the_end_of_the_wait_is_not_told(
    desk: Desk, outside: OutsideWorld, end: str
) -> None:
    person, case = uuid4(), uuid4()
    event, reason = ends(person, case)[end]
    await desk.tell(outside.a_contact(person), event, other_help(person, case))
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert ("alternative", 1, "skipped", reason) in await fates(desk)


async def test_another_way_is_told_at_a_safe_hour(desk: Desk, outside: OutsideWorld) -> None:
    person, case = uuid4(), uuid4()
    contact = outside.a_contact(person, safe_windows=EVENINGS)
    await desk.tell(contact, waitlisted(person, case), other_help(person, case))
    async with sending(desk, outside):
        await settled(desk, "planned")
        desk.now = NOW + timedelta(hours=5, minutes=1)  # 18:01 in Karachi
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1
