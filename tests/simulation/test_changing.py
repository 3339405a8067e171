"""People who cannot come give the hour back or take another one as a frontend would, and are told what stands."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from simulation import timing
from simulation.changing import Changer, change
from simulation.history import History, judge
from simulation.history.facts import Message
from simulation.population import Change, people
from simulation.returning import Desks, Returning
from tests.simulation.answering import server
from tests.simulation.right_history import BOOKED, HOUR_1, right

HOUR = {
    "state": "booked",
    "start": "2026-03-02T10:00:00+05:00",
    "links": {"cancel": "/v1/appointments/a/cancel", "reschedule": "/v1/appointments/a/reschedule"},
}


def answered(content: dict[str, Any], status: int = 200, etag: str = "") -> bytes:
    body = orjson.dumps(content)
    version = f"ETag: {etag}\r\n" if etag else ""
    return b"HTTP/1.1 %d Told\r\n%sContent-Length: %d\r\n\r\n%s" % (status, version.encode(), len(body), body)


def case(state: str, version: int = 1, **links: str) -> bytes:
    return answered({"state": state, "version": version, "links": links})


IN_PERSON = HOUR | {"lane": "in_person", "therapist_id": "t1"}
ONLINE = HOUR | {"lane": "online", "therapist_id": "t1"}
HERE = [answered({"token": "t"}), case("matching", 1), case("booked", 2, appointment="/v1/appointments/a")]
SHOWN = answered(HOUR, etag='"1"')


async def visited(what: Change, replies: list[bytes]) -> list[bytes]:
    """The requests of one person who cannot come."""
    async with server(lambda n: replies[min(n, len(replies)) - 1]) as (address, seen):
        changer = Changer(Returning("0123456789", "123456"), what)
        await change(Desks(address, address, address), [changer], [], more=lambda: False)
    return seen


def lines(seen: list[bytes]) -> list[str]:
    return [one.split(b"\r\n")[0].decode().removesuffix(" HTTP/1.1") for one in seen]


async def test_an_hour_is_given_back_as_it_was_seen() -> None:
    seen = await visited("cancel", [*HERE, SHOWN, answered(HOUR | {"state": "cancelled"})])
    assert lines(seen) == [
        "POST /v1/sessions",
        "GET /v1/cases/0123456789",
        "GET /v1/cases/0123456789?after_version=1&wait=5",
        "GET /v1/appointments/a",
        "POST /v1/appointments/a/cancel",
    ]
    assert b'if-match: "1"' in seen[4]
    assert b"authorization: Bearer t" in seen[4]


async def test_whoever_moves_takes_what_is_offered_where_the_next_day_is_taken() -> None:
    taken = answered({"code": "slot_taken", "alternatives": ["2026-03-04T05:00:00+00:00"]}, 409)
    seen = await visited("move", [*HERE, SHOWN, taken, answered(HOUR)])
    assert lines(seen)[4:] == ["POST /v1/appointments/a/reschedule"] * 2
    assert seen[4].endswith(b'{"start":"2026-03-03T10:00:00+05:00"}')
    assert seen[5].endswith(b'{"start":"2026-03-04T05:00:00+00:00"}')


async def test_whoever_would_rather_call_keeps_the_time_where_it_is_open_and_takes_one_near_it_where_not() -> (
    None
):
    taken = answered({"code": "slot_taken", "alternatives": ["2026-03-02T09:00:00+05:00"]}, 409)
    seen = await visited("switch", [*HERE, answered(IN_PERSON, etag='"1"'), taken, answered(HOUR)])
    assert lines(seen)[4:] == ["POST /v1/appointments/a/reschedule"] * 2
    assert seen[4].endswith(b'{"start":"2026-03-02T10:00:00+05:00","modality":"video"}')
    assert seen[5].endswith(b'{"start":"2026-03-02T09:00:00+05:00","modality":"video"}')


async def test_whoever_would_rather_come_takes_the_first_hour_at_a_site_of_the_therapist() -> None:
    slots = [{"start": f"2026-03-03T{hour}:00:00+05:00", "site_id": "s1"} for hour in ("09", "10", "11")]
    open_hours = answered({"therapists": [{"slots": slots}]})
    taken = answered({"code": "slot_taken", "alternatives": []}, 409)
    seen = await visited(
        "switch", [*HERE, answered(ONLINE, etag='"1"'), open_hours, taken, answered(IN_PERSON)]
    )
    assert lines(seen)[4:] == [
        "GET /v1/slots?therapist_id=t1&modality=in_person&limit=3",
        "POST /v1/appointments/a/reschedule",
        "POST /v1/appointments/a/reschedule",
    ]
    assert seen[6].endswith(b'{"start":"2026-03-03T10:00:00+05:00","modality":"in_person","site_id":"s1"}')


async def test_whoever_would_rather_come_stays_online_with_a_therapist_who_has_no_site() -> None:
    nothing = answered({"therapists": [{"slots": []}]})
    seen = await visited("switch", [*HERE, answered(ONLINE, etag='"1"'), nothing])
    assert lines(seen)[4:] == ["GET /v1/slots?therapist_id=t1&modality=in_person&limit=3"]


async def test_whoever_would_only_come_and_has_to_wait_for_it_wishes_to_call_and_looks_what_comes_of_it() -> (
    None
):
    waits = [answered({"token": "t"}), case("waitlisted", 4)]
    seen = await visited("call_instead", [*waits, answered({}, etag='"4"'), answered({}), case("booked", 6)])
    path = "/v1/cases/0123456789"
    assert lines(seen)[2:] == [
        f"GET {path}/wishes",
        f"PATCH {path}",
        f"GET {path}?after_version=4&wait=5",
    ]
    assert b'if-match: "4"' in seen[3]
    assert seen[3].endswith(b'{"modalities":["video","audio","in_person"]}')


async def test_whoever_would_only_come_and_has_an_hour_wishes_nothing_else() -> None:
    seen = await visited("call_instead", [*HERE, SHOWN])
    assert [line.split("?")[0] for line in lines(seen)] == [
        "POST /v1/sessions",
        *["GET /v1/cases/0123456789"] * 2,
    ]


async def test_whoever_was_given_no_hour_changes_none() -> None:
    seen = await visited("cancel", [answered({"token": "t"}), case("waitlisted")])
    assert lines(seen) == ["POST /v1/sessions", "GET /v1/cases/0123456789"]


def test_a_few_of_a_hundred_cannot_come_and_a_few_more_move() -> None:
    everybody = list(people(1, 4000, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))
    for what, least, most in (("cancel", 0.01, 0.025), ("move", 0.015, 0.035), ("switch", 0.008, 0.025)):
        assert least <= sum(person.change == what for person in everybody) / len(everybody) <= most
    assert not [one for one in everybody if one.change and (one.chooses or one.guarded or one.others)]


def given_back() -> History:
    """The first hour was given back, and its person told so."""
    history = right()
    gone = [
        one._replace(state="cancelled", live=False, version=2) if one.appointment_id == HOUR_1 else one
        for one in history.appointments
    ]
    news = next(message for message in history.messages if message.subject_id == HOUR_1)
    told = news._replace(message_id=UUID(int=9), purpose="cancelled", version=2, state="planned")
    return replace(
        history,
        appointments=gone,
        reservations=[one for one in history.reservations if one.appointment_id != HOUR_1],
        cases=[one._replace(state="paused") if one.case_id == BOOKED else one for one in history.cases],
        messages=[*map(_taken_back, history.messages), told],
        bookings=[one for one in history.bookings if history.references[one.booking_ref] != HOUR_1],
    )


def test_an_hour_that_was_given_back_is_an_outcome_that_its_person_sees() -> None:
    assert judge(given_back()).clean


def test_who_gave_an_hour_back_and_still_sees_it_is_shown_wrongly() -> None:
    history = given_back()
    history.cases = [one._replace(state="booked") if one.case_id == BOOKED else one for one in history.cases]
    assert judge(history).counts["state_shown_wrongly"] == 1


def test_who_gave_an_hour_back_and_is_not_told_so_is_seen() -> None:
    history = given_back()
    history.messages = [message for message in history.messages if not _says_cancelled(message)]
    assert judge(history).counts["nobody_told"] == 1


def test_when_somebody_changes_their_mind_is_no_speed_of_ours() -> None:
    history, alone = right(), timing.figures(right())
    history.changers = frozenset({0})
    late = {str(message.message_id) for message in history.messages if message.case_id == BOOKED}
    history.receipts = [
        one._replace(received_at=one.received_at + 100 * (one.message_id in late)) for one in history.receipts
    ]
    assert timing.figures(history)["seconds"] <= alone["seconds"]
    assert timing.figures(history)["journeys"] == alone["journeys"] - 1


def test_when_somebody_gives_an_hour_back_is_no_speed_of_ours() -> None:
    history, alone = right(), timing.figures(right())
    late = {str(message.message_id) for message in history.messages if message.case_id == BOOKED}
    history.receipts = [
        one._replace(received_at=one.received_at + 100 * (one.message_id in late)) for one in history.receipts
    ]
    assert timing.figures(history)["seconds"] > 100
    waited = history.streams.records[0]._replace(key=str(BOOKED), type="matching.case_waitlisted.v1")
    history.streams = replace(history.streams, records=[*history.streams.records, waited])
    assert timing.figures(history)["seconds"] <= alone["seconds"]


def test_what_somebody_hears_of_their_hour_later_is_news_of_another_day() -> None:
    history, alone = right(), timing.figures(right())
    told = next(message for message in history.messages if message.purpose == "booked")
    later = told._replace(message_id=UUID(int=901), purpose="changed", version=2)
    history.messages = [*history.messages, later]
    sent = next(one for one in history.receipts if one.message_id == str(told.message_id))
    again = sent._replace(message_id=str(later.message_id), received_at=sent.received_at + 100)
    history.receipts = [*history.receipts, again]
    assert timing.figures(history) == alone


def _says_cancelled(message: Message) -> bool:
    return message.purpose == "cancelled"


def _taken_back(message: Message) -> Message:
    """What was planned about the hour goes out no more."""
    over = message.subject_id == HOUR_1 and message.state == "planned"
    return message._replace(state="skipped", reason="cancelled") if over else message
