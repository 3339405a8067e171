"""Whoever can come at once is given the next minute by their therapist; what became of it is said once it has begun."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import secrets
from simulation import sessions, timing
from simulation.counting import count
from simulation.figures import Leftovers
from simulation.history import History, judge
from simulation.history.facts import Message
from simulation.returning import Desks
from simulation.seeding import Badges
from simulation.sessions import Coming, extra_hours, next_minute, see
from tests.simulation.answering import server
from tests.simulation.right_history import BOOKED, HOUR_1, T0, right, uid
from tests.simulation.test_changing import answered

THERAPIST = "018f3c1e-7b1a-7000-8000-000000000002"
SHOWN = {
    "therapist_id": THERAPIST,
    "organisation": "rehmat-hospital",
    "lane": "online",
    "site_id": None,
    "version": 4,
    "state": "booked",
    "start": "2026-03-02T10:00:00+05:00",
    "end": "2026-03-02T10:50:00+05:00",
    "time_zone": "Asia/Karachi",
    "links": {"self": "/v1/appointments/a"},
}
IN_PERSON = SHOWN | {"lane": "in_person", "site_id": "018f3c1e-7b1a-7000-8000-000000000003"}
BEGINS = datetime.now(UTC).replace(second=0, microsecond=0)  # has begun: nobody waits here
MOVED = {"start": BEGINS.isoformat(), "version": 5}


@pytest.fixture
def badges(tmp_path: Path) -> Badges:
    secrets.prepare(tmp_path, ("simulation",))
    return Badges.of(tmp_path, now=datetime.now(UTC).timestamp())


async def asked_of(
    monkeypatch: pytest.MonkeyPatch, badges: Badges, who: Coming, replies: list[bytes]
) -> list[bytes]:
    """The requests of the staff for somebody who can come in the minute that has just begun."""
    monkeypatch.setattr(sessions, "next_minute", lambda now: BEGINS)
    async with server(lambda n: replies[min(n, len(replies)) - 1]) as (address, seen):
        await see(Desks(address, address, address), badges, [who], more=lambda: False)
    return seen


def lines(seen: list[bytes]) -> list[str]:
    return [one.split(b"\r\n")[0].decode().removesuffix(" HTTP/1.1") for one in seen]


def who_asks(request: bytes) -> tuple[str, str]:
    """Role and subject of the token."""
    token = next(line for line in request.split(b"\r\n") if line.startswith(b"authorization: Bearer "))
    claims = json.loads(urlsafe_b64decode(token.split(b".")[1] + b"=="))
    return claims["role"], claims["sub"]


def seen_version(request: bytes) -> str:
    return request.partition(b"if-match: ")[2].partition(b"\r\n")[0].decode()


async def test_a_therapist_opens_an_hour_moves_who_can_come_there_and_says_that_they_were_seen(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    replies = [
        *[answered({})] * len(list(extra_hours(BEGINS, timedelta(minutes=50), "Asia/Karachi"))),
        answered(SHOWN | MOVED, etag='"5"'),
        answered({}, etag='"6"'),
        answered({}, etag='"7"'),
    ]
    seen = await asked_of(monkeypatch, badges, Coming(SHOWN, comes=True), replies)
    assert lines(seen)[0].startswith(f"PUT /v1/calendars/{THERAPIST}/exceptions/")
    assert lines(seen)[-3:] == [
        "POST /v1/appointments/a/reschedule",
        "POST /v1/appointments/a/arrive",
        "POST /v1/appointments/a/fulfil",
    ]
    assert {who_asks(one) for one in seen} == {("therapist", THERAPIST)}
    assert [seen_version(one) for one in seen[-3:]] == ['"4"', '"5"', '"6"']


async def test_whoever_needs_no_more_after_it_is_discharged_by_their_therapist_as_the_case_stands_then(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    replies = [
        *[answered({})] * len(list(extra_hours(BEGINS, timedelta(minutes=50), "Asia/Karachi"))),
        answered(SHOWN | MOVED, etag='"5"'),
        answered({}, etag='"6"'),
        answered({}, etag='"7"'),
        answered({"state": "booked"}, etag='"booked"'),
        answered({"code": "changed_meanwhile"}, 412),
        answered({"state": "in_care"}, etag='"in care"'),
        answered({"state": "closed"}),
    ]
    who = Coming(SHOWN, comes=True, code="0123456789", ends="completed")
    seen = await asked_of(monkeypatch, badges, who, replies)
    assert lines(seen)[-4:] == ["GET /v1/cases/0123456789", "POST /v1/cases/0123456789/close"] * 2
    assert {who_asks(one) for one in seen} == {("therapist", THERAPIST)}
    assert [seen_version(seen[-3]), seen_version(seen[-1])] == ['"booked"', '"in care"']
    assert seen[-1].endswith(b'{"reason":"completed"}')


async def test_whoever_goes_elsewhere_is_discharged_while_their_hour_lies_ahead(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    who = Coming(SHOWN, comes=False, code="0123456789", ends="referred_out")
    seen = await asked_of(monkeypatch, badges, who, [answered({}, etag='"3"'), answered({})])
    assert lines(seen) == ["GET /v1/cases/0123456789", "POST /v1/cases/0123456789/close"]


@pytest.mark.parametrize(("shown", "role"), [(SHOWN, "therapist"), (IN_PERSON, "clinic_desk")])
async def test_who_does_not_come_is_noted_by_the_therapist_or_at_the_desk_where_they_should_be(
    monkeypatch: pytest.MonkeyPatch, badges: Badges, shown: dict[str, Any], role: str
) -> None:
    replies = [answered(shown | MOVED, etag='"5"')]
    seen = await asked_of(monkeypatch, badges, Coming(shown, comes=False), replies)
    assert lines(seen)[-1] == "POST /v1/appointments/a/no-show"
    assert who_asks(seen[-1])[0] == role
    assert not [one for one in lines(seen) if one.endswith(("arrive", "fulfil"))]


async def test_where_the_therapist_has_somebody_else_the_hour_stays_and_nothing_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    opens = len(list(extra_hours(BEGINS, timedelta(minutes=50), "Asia/Karachi")))
    once = [*[answered({})] * opens, answered({"code": "slot_taken"}, 409), answered(SHOWN, etag='"4"')]
    seen = await asked_of(monkeypatch, badges, Coming(SHOWN, comes=True), once * sessions.TRIES)
    assert len(seen) == len(once) * sessions.TRIES
    assert lines(seen)[-1] == "GET /v1/appointments/a"


async def test_an_hour_that_was_moved_although_the_answer_was_lost_is_seen(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    opens = len(list(extra_hours(BEGINS, timedelta(minutes=50), "Asia/Karachi")))
    replies = [
        *[answered({})] * opens,
        answered({"code": "stale_version"}, 412),
        answered(SHOWN | MOVED, etag='"5"'),
        answered({}, etag='"6"'),
    ]
    seen = await asked_of(monkeypatch, badges, Coming(SHOWN, comes=True), replies)
    assert lines(seen)[-2:] == ["POST /v1/appointments/a/arrive", "POST /v1/appointments/a/fulfil"]
    assert seen_version(seen[-2]) == '"5"'


async def test_while_others_are_seen_nobody_waits_for_a_minute_that_is_far_away(
    monkeypatch: pytest.MonkeyPatch, badges: Badges
) -> None:
    far_away = datetime.now(UTC) + timedelta(minutes=9)
    minutes = iter([BEGINS, BEGINS, far_away])  # the first is looked at twice
    monkeypatch.setattr(sessions, "next_minute", lambda now: next(minutes))
    late = SHOWN | {"links": {"self": "/v1/appointments/late"}}
    coming = [Coming(SHOWN, comes=False), Coming(late, comes=True)]
    async with server(lambda n: answered(SHOWN | MOVED, etag='"5"')) as (address, seen):
        await see(Desks(address, address, address), badges, coming, more=lambda: False)
    assert lines(seen)[-1] == "POST /v1/appointments/a/no-show"
    assert not [line for line in lines(seen) if "late" in line]


@given(st.floats(0, 4e9))
def test_a_minute_that_is_given_begins_soon_and_leaves_time_to_write_it_down(now: float) -> None:
    start = next_minute(now)
    assert (start.second, start.microsecond) == (0, 0)
    assert sessions.AHEAD_SECONDS - 1e-3 <= start.timestamp() - now <= 60 + sessions.AHEAD_SECONDS


@given(st.integers(0, 3 * 1440), st.sampled_from(["Asia/Karachi", "Asia/Kathmandu", "UTC"]))
def test_extra_hours_are_whole_quarters_around_the_hour_on_every_day_that_it_touches(
    minute: int, time_zone: str
) -> None:
    start, length = datetime(2026, 11, 27, tzinfo=UTC) + timedelta(minutes=minute), timedelta(minutes=50)
    opened = []
    for hours in extra_hours(start, length, time_zone):
        assert hours["first_day"] == hours["last_day"]
        midnight = datetime.fromisoformat(hours["first_day"]).replace(tzinfo=ZoneInfo(time_zone))
        minutes = [int(at[:2]) * 60 + int(at[3:]) for at in (hours["start"], hours["end"])]
        assert not any(one % 15 for one in minutes)
        opened.append(tuple(midnight + timedelta(minutes=one) for one in minutes))
    assert all(one[1] == other[0] for one, other in pairwise(opened))
    assert opened[0][0] <= start < opened[0][0] + timedelta(minutes=15)
    assert opened[-1][1] - timedelta(minutes=15) < start + length <= opened[-1][1]


def over(state: str, version: int, case_state: str) -> History:
    """The first hour has begun, and its person sees what became of it."""
    history = right()
    history.appointments = [
        one._replace(state=state, version=version) if one.appointment_id == HOUR_1 else one
        for one in history.appointments
    ]
    history.bookings = [
        one._replace(version=version) if history.references[one.booking_ref] == HOUR_1 else one
        for one in history.bookings
    ]
    history.cases = [
        one._replace(state=case_state) if one.case_id == BOOKED else one for one in history.cases
    ]
    history.messages = list(map(_over, history.messages))
    return history


def missed() -> History:
    history = over("no_show", 2, "paused")
    news = history.messages[0]
    asked = news._replace(message_id=uid(650), purpose="checkin", version=2, state="planned", channel=None)
    history.messages = [*history.messages, asked]
    return history


def _over(message: Message) -> Message:
    planned = message.subject_id == HOUR_1 and message.state == "planned"
    return message._replace(state="skipped", reason="hour_over") if planned else message


def test_whoever_was_seen_is_in_care_and_counted() -> None:
    history = over("fulfilled", 3, "in_care")
    figures, findings = count(history, Leftovers(), people=4, now=T0)
    assert findings.clean, findings
    assert (figures.came, figures.missed) == (1, 0)


def discharged(history: History) -> History:
    """Its person's therapist has closed the case of the first hour."""
    history.cases = [
        one._replace(state="closed", withdrawn=True, closed_by="therapist") if one.case_id == BOOKED else one
        for one in history.cases
    ]
    history.ended = {BOOKED: T0.timestamp() + 60}
    return history


def test_whoever_was_discharged_is_counted_once_and_refused_by_nobody() -> None:
    history = discharged(over("fulfilled", 3, "in_care"))
    figures, findings = count(history, Leftovers(), people=4, now=T0)
    assert findings.clean, findings
    assert (figures.discharged, figures.came, figures.refused, figures.given_back) == (1, 1, 0, 0)


def test_an_hour_that_was_kept_for_a_case_that_is_closed_is_found() -> None:
    assert judge(discharged(over("booked", 1, "booked"))).counts["two_outcomes"] == 1


def test_whoever_missed_their_hour_is_counted_and_asked_after() -> None:
    figures, findings = count(missed(), Leftovers(), people=4, now=T0)
    assert findings.clean, findings
    assert (figures.came, figures.missed) == (0, 1)


def test_whoever_was_seen_and_is_told_that_the_hour_lies_ahead_is_shown_wrongly() -> None:
    assert judge(over("fulfilled", 3, "booked")).counts["state_shown_wrongly"] == 1


def test_whoever_missed_their_hour_and_is_told_that_it_lies_ahead_is_shown_wrongly() -> None:
    history = missed()
    history.cases = [one._replace(state="booked") if one.case_id == BOOKED else one for one in history.cases]
    assert judge(history).counts["state_shown_wrongly"] == 1


def test_a_reminder_of_an_hour_that_took_place_is_seen_before_it_is_sent() -> None:
    history = over("fulfilled", 3, "in_care")
    history.messages = list(right().messages)
    assert judge(history).counts["told_of_what_is_over"] == 1


def test_the_wait_for_the_clock_is_no_speed_of_ours() -> None:
    history = replace(missed(), changers=frozenset({0}))
    late = [
        one._replace(stated_at=T0 + timedelta(seconds=60)) if one.case_id == BOOKED else one
        for one in history.cases
    ]
    assert timing.figures(replace(history, cases=late))["seconds"] < 60


@pytest.mark.parametrize(("planned", "owed"), [(True, 1), (False, 0)])
def test_whoever_came_was_owed_what_could_be_planned_before(planned: bool, owed: int) -> None:
    """Their hour was moved before they came: of that nothing was planned, or of anything at all."""
    history = over("fulfilled", 4, "in_care")
    assert judge(history).counts["nobody_told"] == 1
    if not planned:
        history.messages = [one for one in history.messages if one.case_id != BOOKED]
    assert judge(history).counts["nobody_told"] == owed
