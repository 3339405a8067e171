"""What staff are told, decided: when, whom, and in which words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.domain.staff import Fact, Hour, compose, due_at, note, untrue
from services.notifications.templates import load_language, load_staff_rules
from tests.notifications.facts import NOW

RULES = load_staff_rules()
THERAPIST, SITE = uuid4(), uuid4()
NUMBERS = {THERAPIST, SITE}


def karachi(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC) - timedelta(hours=5)


def a_fact(**changes: Any) -> Fact:
    said: dict[str, Any] = {
        "purpose": "new_booking",
        "case_id": uuid4(),
        "appointment_id": uuid4(),
        "version": 1,
        "therapist_id": THERAPIST,
        "site_id": None,
        "start": NOW + timedelta(days=3),
        "by": "system",
    }
    return Fact(**said | changes)


def an_hour(**changes: Any) -> Hour:
    said: dict[str, Any] = {
        "case_id": uuid4(),
        "appointment_id": uuid4(),
        "version": 1,
        "state": "booked",
        "start": karachi(8, 16),
        "time_zone": "Asia/Karachi",
        "modality": "video",
        "city": None,
    }
    return Hour(**said | changes)


@pytest.mark.parametrize(
    ("start", "now", "due"),
    [
        (karachi(8, 13), karachi(5, 13, 1), karachi(5, 13, 15)),
        (karachi(8, 13), karachi(5, 13, 15), karachi(5, 13, 30)),
        (karachi(8, 13), karachi(5, 20, 40), karachi(5, 20, 45)),
        (karachi(8, 13), karachi(5, 20, 50), karachi(6, 8)),
        (karachi(8, 13), karachi(6, 7, 50), karachi(6, 8)),
        (karachi(8, 13), karachi(6, 2), karachi(6, 8)),
        (karachi(6, 23), karachi(5, 22, 50), karachi(5, 23)),
        (karachi(6, 23, 1), karachi(5, 22, 50), karachi(6, 8)),
        (karachi(5, 14), karachi(5, 13, 1), karachi(5, 13, 1)),
        (karachi(5, 14, 2), karachi(5, 13, 1), karachi(5, 13, 15)),
    ],
)
def test_news_comes_at_the_end_of_its_quarter_in_the_day_unless_the_hour_is_near(
    start: datetime, now: datetime, due: datetime
) -> None:
    assert due_at(start, now, RULES) == due


def test_a_move_is_as_urgent_as_the_nearer_of_its_two_times() -> None:
    night = karachi(5, 23)
    away = a_fact(start=karachi(9, 10), previous_start=karachi(6, 10))
    [news] = note([away], NUMBERS, RULES, night)
    assert news.due_at == karachi(5, 23, 15)


def test_a_therapist_without_a_number_is_told_nothing_for_that_reason() -> None:
    [news] = note([a_fact(therapist_id=uuid4())], NUMBERS, RULES, NOW)
    assert news.reason == "no_number"


def test_the_desk_of_a_site_is_told_where_it_has_a_number() -> None:
    told = note([a_fact(site_id=SITE), a_fact(site_id=uuid4())], NUMBERS, RULES, NOW)
    assert [(one.recipient_id, one.reason) for one in told] == [
        (THERAPIST, None),
        (SITE, None),
        (THERAPIST, None),
    ]


def test_a_therapist_is_not_told_what_they_did_themselves() -> None:
    told = note([a_fact(site_id=SITE, by="therapist")], NUMBERS, RULES, NOW)
    assert {one.recipient_id for one in told if one.reason == "own_doing"} == {THERAPIST}


def test_a_desk_is_told_what_staff_did_who_may_have_been_a_coordinator() -> None:
    told = note([a_fact(site_id=SITE, by="clinic")], NUMBERS, RULES, NOW)
    assert [(one.recipient_id, one.reason) for one in told] == [(THERAPIST, None), (SITE, None)]


def test_an_hour_that_has_begun_is_news_to_nobody() -> None:
    assert note([a_fact(start=NOW)], NUMBERS, RULES, NOW) == []
    assert len(note([a_fact(start=NOW, previous_start=NOW + timedelta(days=1))], NUMBERS, RULES, NOW)) == 1


@pytest.mark.parametrize(
    ("purpose", "changes", "reason"),
    [
        ("new_booking", {}, None),
        ("new_booking", {"superseded": True}, None),
        ("new_booking", {"state": "cancelled"}, "cancelled"),
        ("new_booking", {"state": "arrived"}, "hour_over"),
        ("new_booking", {"start": NOW}, "hour_over"),
        ("changed_booking", {}, None),
        ("changed_booking", {"state": "cancelled"}, None),
        ("changed_booking", {"state": "cancelled", "start": NOW}, "hour_over"),
        ("changed_booking", {"state": "cancelled", "unheard": True}, "cancelled"),
        ("changed_booking", {"superseded": True}, "superseded"),
        ("new_booking", {"state": "gone"}, "moved_away"),
        ("changed_booking", {"state": "gone"}, None),
        ("changed_booking", {"state": "gone", "unheard": True}, "moved_away"),
        ("changed_booking", {"state": "no_show"}, "hour_over"),
    ],
)
def test_what_is_told_is_true_when_it_is_told(
    purpose: str, changes: dict[str, Any], reason: str | None
) -> None:
    assert untrue(purpose, an_hour(**changes), NOW) == reason


def test_an_hour_that_may_have_been_told_is_not_taken_for_one_that_nobody_heard_of() -> None:
    assert untrue("new_booking", an_hour(state="cancelled"), NOW, may_have_left=True) == "superseded"


def test_an_hour_that_is_over_is_not_told_to_have_left() -> None:
    away = a_fact(site_id=None, previous_start=NOW)
    told = note([away], NUMBERS, RULES, NOW, {away.appointment_id: {SITE: True}})
    assert [(one.recipient_id, one.reason) for one in told] == [(THERAPIST, None), (SITE, "hour_over")]


LATER = {"start": karachi(9, 9), "modality": "in_person", "city": "Lahore"}


@pytest.mark.parametrize(
    ("tag", "purpose", "hours", "text"),
    [
        ("en", "new_booking", [{}], "A new appointment: Fri 8 Jan at 4:00 pm, online, by video."),
        ("en", "new_booking", [LATER], "A new appointment: Sat 9 Jan at 9:00 am, in Lahore."),
        (
            "en",
            "new_booking",
            [LATER, {}],
            "2 new appointments, the first on Fri 8 Jan at 4:00 pm, online, by video. Please look at your calendar.",
        ),
        (
            "en",
            "changed_booking",
            [LATER],
            "An appointment has changed. It is now on Sat 9 Jan at 9:00 am, in Lahore.",
        ),
        (
            "en",
            "changed_booking",
            [{"state": "cancelled"}],
            "The appointment on Fri 8 Jan at 4:00 pm, online, by video, is cancelled.",
        ),
        (
            "en",
            "changed_booking",
            [{"state": "cancelled"}, LATER, LATER],
            "3 appointments have changed, the first of them on Fri 8 Jan at 4:00 pm. Please look at your calendar.",
        ),
        (
            "ur-Latn",
            "new_booking",
            [{}],
            "Ek nai mulaqat: Juma 8 January, shaam 4:00 baje, online, video par.",
        ),
    ],
)
def test_staff_read_a_day_a_time_and_a_place(
    tag: str, purpose: str, hours: list[dict[str, Any]], text: str
) -> None:
    assert compose(load_language(tag), purpose, [an_hour(**one) for one in hours]).body == text


def test_a_language_that_is_not_on_stops_the_start() -> None:
    with pytest.raises(ValueError, match="STAFF_LANGUAGE: one of en, ur, ur-Latn"):
        load_language("ps")
