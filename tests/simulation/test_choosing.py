"""People who choose do so as a frontend would, and a case that is offered is an outcome like any other."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from simulation import timing
from simulation.choosing import choose
from simulation.counting import count
from simulation.figures import Leftovers
from simulation.history import judge
from simulation.history.facts import KeptHour
from simulation.population import people
from simulation.returning import Desks, Returning
from tests.simulation.answering import server
from tests.simulation.right_history import T0, WAITING, right, uid

OFFER = {
    "match_id": "m-1",
    "state": "open",
    "options": [{"option_id": "o-1", "available": False}, {"option_id": "o-2", "available": True}],
    "links": {"accept": "/v1/matches/m-1/accept", "decline": "/v1/matches/m-1/decline"},
}


def answered(content: dict[str, Any], status: int = 200) -> bytes:
    body = orjson.dumps(content)
    return b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def case(state: str, version: int = 1, **links: str) -> bytes:
    return answered({"state": state, "version": version, "links": links})


async def visited(replies: list[bytes], code: str = "0123456789") -> list[bytes]:
    """The requests of one person who chooses."""
    async with server(lambda n: replies[min(n, len(replies)) - 1]) as (address, seen):
        await choose(Desks(address, address, address), [Returning(code, "123456")], more=lambda: False)
    return seen


async def test_the_first_who_has_a_place_is_taken_with_a_session_and_a_key() -> None:
    offered = case("offered", 2, choose="/v1/matches/m-1")
    seen = await visited(
        [answered({"token": "t"}), case("matching"), offered, answered(OFFER), answered({}), case("booked")]
    )
    lines = [one.split(b"\r\n")[0].decode() for one in seen]
    assert lines == [
        "POST /v1/sessions HTTP/1.1",
        "GET /v1/cases/0123456789 HTTP/1.1",
        "GET /v1/cases/0123456789?after_version=1&wait=5 HTTP/1.1",
        "GET /v1/matches/m-1 HTTP/1.1",
        "POST /v1/matches/m-1/accept HTTP/1.1",
        "GET /v1/cases/0123456789?after_version=2&wait=5 HTTP/1.1",
    ]
    assert seen[4].endswith(b'{"option_id":"o-2"}')
    assert b"authorization: Bearer t" in seen[4]
    assert b"idempotency-key: take-o-2" in seen[4]


async def test_the_one_with_an_hour_is_taken_with_it_and_where_it_has_gone_without() -> None:
    hour = {"start": "2026-01-06T09:00:00Z", "end": "2026-01-06T09:50:00Z", "take_by": "2026-01-05T21:00:00Z"}
    second = {"option_id": "o-2", "available": True, "hour": hour}
    offer = answered(OFFER | {"options": [{"option_id": "o-1", "available": True, "hour": None}, second]})
    offered = case("offered", choose="/v1/matches/m-1")
    seen = await visited([answered({"token": "t"}), offered, offer, answered({}), case("booked")])
    assert seen[3].endswith(b'{"option_id":"o-2","start":"2026-01-06T09:00:00Z"}')
    gone = answered({"code": "hour_gone"}, 409)
    seen = await visited([answered({"token": "t"}), offered, offer, gone, answered({}), case("booked")])
    assert seen[4].endswith(b'{"option_id":"o-1"}')
    assert b"idempotency-key: take-o-1" in seen[4]


async def test_one_in_four_takes_the_last_whatever_hour_is_kept() -> None:
    hour = {"start": "2026-01-06T09:00:00Z", "end": "2026-01-06T09:50:00Z", "take_by": "2026-01-05T21:00:00Z"}
    options = [
        {"option_id": f"o-{n}", "available": True, "hour": hour if n == 1 else None} for n in (1, 2, 3)
    ]
    offered = case("offered", choose="/v1/matches/m-1")
    replies = [
        answered({"token": "t"}),
        offered,
        answered(OFFER | {"options": options}),
        answered({}),
        case("booked"),
    ]
    taken = [(await visited(replies, code))[3].rsplit(b"\r\n", 1)[1] for code in ("0123456789", "0123456788")]
    assert taken == [b'{"option_id":"o-1","start":"2026-01-06T09:00:00Z"}', b'{"option_id":"o-3"}']


async def test_where_nobody_has_a_place_any_more_others_are_asked_for() -> None:
    gone = answered({"code": "option_gone"}, 409)
    offered = case("offered", choose="/v1/matches/m-1")
    seen = await visited(
        [answered({"token": "t"}), offered, answered(OFFER), gone, answered({}), case("waitlisted")]
    )
    assert seen[4].startswith(b"POST /v1/matches/m-1/decline")
    assert seen[4].endswith(b'{"reason":"none_suits"}')


def test_a_few_of_a_hundred_wish_to_choose() -> None:
    everybody = list(people(1, 4000, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))
    share = sum(person.chooses for person in everybody) / len(everybody)
    assert 0.015 <= share <= 0.035


def test_who_has_still_to_choose_is_not_lost_and_sees_it() -> None:
    history = right()
    history.waitlisted, history.offered = frozenset(), frozenset({WAITING})
    assert judge(history).counts["lost"] == 0
    assert judge(history).counts["state_shown_wrongly"] == 1
    history.cases = [
        case._replace(state="offered") if case.case_id == WAITING else case for case in history.cases
    ]
    figures, findings = count(history, Leftovers(), people=4, now=T0)
    assert (figures.offered, findings.counts["state_shown_wrongly"]) == (1, 0)


def test_hours_that_were_kept_are_counted_by_what_became_of_them() -> None:
    history = right()
    states = ("held", "confirmed", "confirmed", "released")
    history.kept_hours = [
        KeptHour(uid(290 + n), WAITING, state, None, False) for n, state in enumerate(states)
    ]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert (figures.hours_kept, figures.hours_taken, figures.hours_let_go) == (4, 2, 1)


def test_an_offer_beside_another_outcome_is_two_outcomes() -> None:
    history = right()
    history.offered = frozenset({WAITING})
    assert judge(history).counts["two_outcomes"] == 1


def test_a_case_that_is_neither_offered_nor_anything_else_is_lost() -> None:
    history = right()
    history.waitlisted = frozenset()
    assert judge(history).counts["lost"] == 1


def test_the_time_somebody_takes_to_choose_is_no_speed_of_ours() -> None:
    history = right()
    alone = timing.figures(history)
    slow = replace(
        history,
        choosers=frozenset({2}),
        receipts=[
            receipt._replace(received_at=receipt.received_at + 100 * (receipt.to == history.addresses[2]))
            for receipt in history.receipts
        ],
    )
    assert timing.figures(slow)["p99_s"] == alone["p99_s"]
    assert timing.figures(slow)["seconds"] <= alone["seconds"]
