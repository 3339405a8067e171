"""Somebody is on duty: alarms that are due first are taken, called about and closed, in this order and by name."""

import asyncio
from dataclasses import replace

import orjson

from simulation import timing
from simulation.history.facts import Alarm
from simulation.on_duty import meanwhile, take_alarms
from tests.simulation.answering import server
from tests.simulation.right_history import BOOKED, right, uid
from tests.waiting import until


def answered(content: object, status: int = 200) -> bytes:
    body = orjson.dumps(content)
    return b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def listed(*alarms: str) -> bytes:
    return answered({"alarms": [{"alarm_id": one} for one in alarms], "next": None})


def lines(seen: list[bytes]) -> list[str]:
    return [one.split(b"\r\n")[0].decode().removesuffix(" HTTP/1.1") for one in seen]


LOOK = "GET /v1/alarms?state=unacknowledged&limit=1"


async def test_an_alarm_is_taken_called_about_and_closed_with_a_reason() -> None:
    replies = [listed("a"), answered({}), answered({}, 201), answered({}, 201), answered({})]
    over = asyncio.Event()
    async with server(lambda n: replies[n - 1] if n <= len(replies) else listed()) as (address, seen):
        working = asyncio.create_task(take_alarms(address, "t", over))

        async def closed() -> bool:
            return len(seen) >= 5

        await until(closed, "a closed alarm")
        over.set()
        await working
    path = "POST /v1/alarms/a"
    assert lines(seen)[:5] == [
        LOOK,
        f"{path}/acknowledge",
        f"{path}/attempts",
        f"{path}/attempts",
        f"{path}/close",
    ]
    assert orjson.loads(seen[4].partition(b"\r\n\r\n")[2])["outcome"] == "reached_and_safe"
    assert all(b"authorization: Bearer t" in one for one in seen)
    assert len({one for one in seen[2:4] if b"idempotency-key" in one}) == 2


async def test_what_a_colleague_has_taken_meanwhile_is_left_to_them() -> None:
    replies = [listed("a"), answered({"code": "taken_by_another"}, 409)]
    async with (
        server(lambda n: replies[n - 1] if n <= len(replies) else listed()) as (address, seen),
        meanwhile(address, "t"),
    ):

        async def looked_again() -> bool:
            return len(seen) >= 3

        await until(looked_again, "another look")
    assert lines(seen)[:3] == [LOOK, "POST /v1/alarms/a/acknowledge", LOOK]


def test_how_long_a_clinician_takes_to_call_is_no_speed_of_ours() -> None:
    history = right()
    alone = timing.figures(history)
    spoken_with = replace(history, alarms=[Alarm(uid(501), BOOKED, "closed", "R3")])
    assert timing.figures(spoken_with)["journeys"] == alone["journeys"]  # told while we were at it
    late = {str(message.message_id) for message in history.messages if message.case_id == BOOKED}
    spoken_with.receipts = [
        one._replace(received_at=one.received_at + 100 * (one.message_id in late)) for one in history.receipts
    ]
    assert timing.figures(spoken_with)["seconds"] <= alone["seconds"]
    assert timing.figures(spoken_with)["journeys"] == alone["journeys"] - 1
