"""A coordinator sees to the worklist: due first, taken with the version that was seen, done by name; nobody's else."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from simulation.counting import count
from simulation.figures import Leftovers
from simulation.history.facts import Task
from simulation.worklist import meanwhile, see_to_tasks, send_on_leave
from tests.simulation.answering import server
from tests.simulation.right_history import BOOKED, T0, right, uid
from tests.simulation.test_changing import answered, lines
from tests.waiting import until

LOOK = "GET /v1/tasks?queue=coordinator&state=open&limit=3"


def listed(*tasks: dict[str, Any]) -> bytes:
    return answered({"tasks": tasks, "next": None})


def task(task_id: str, kind: str = "hour", outcomes: tuple[str, ...] = ("told",)) -> dict[str, Any]:
    return {"task_id": task_id, "kind": kind, "outcomes": outcomes, "version": 3}


async def test_a_task_is_taken_as_it_was_seen_and_done_with_what_came_of_it() -> None:
    replies = [listed(task("a")), answered({}, etag='"4"'), answered({}, etag='"5"')]
    over = asyncio.Event()
    async with server(lambda n: replies[n - 1] if n <= len(replies) else listed()) as (address, seen):
        working = asyncio.create_task(see_to_tasks(address, address, "t", over))

        async def done() -> bool:
            return len(seen) >= 3

        await until(done, "a task that is done")
        over.set()
        await working
    assert lines(seen)[:3] == [LOOK, "POST /v1/tasks/a/claim", "POST /v1/tasks/a/done"]
    assert [b'if-match: "3"' in seen[1], b'if-match: "4"' in seen[2]] == [True, True]
    assert orjson.loads(seen[2].partition(b"\r\n\r\n")[2]) == {"outcome": "told"}
    assert all(b"authorization: Bearer t" in one for one in seen)


@pytest.mark.parametrize(("contact", "says"), [({"address": "+923991234567"}, "done"), (None, "")])
async def test_whoever_is_to_be_called_is_rung_at_their_number_if_there_is_one(
    contact: dict[str, str] | None, says: str
) -> None:
    told = {"contact": contact, "reason": None if contact else "stopped"}
    replies = [listed(task("a", "call_person")), answered({}, etag='"4"'), answered(told)]
    over = asyncio.Event()
    async with server(lambda n: replies[n - 1] if n <= len(replies) else listed()) as (address, seen):
        working = asyncio.create_task(see_to_tasks(address, address, "t", over))

        async def done() -> bool:
            return len(seen) >= 4

        await until(done, "what comes after the number")
        over.set()
        await working
    after = f"POST /v1/tasks/a/{says}" if says else LOOK
    assert lines(seen)[:4] == [LOOK, "POST /v1/tasks/a/claim", "GET /v1/calls/a", after]


async def test_what_a_colleague_has_taken_or_is_for_others_is_left_to_them() -> None:
    others = [task("b", "credential"), task("c", outcomes=()), task("a")]
    replies = [listed(*others), answered({"code": "stale_version"}, 412)]
    async with (
        server(lambda n: replies[n - 1] if n <= len(replies) else listed()) as (address, seen),
        meanwhile(address, address, "t"),
    ):

        async def looked_again() -> bool:
            return len(seen) >= 3

        await until(looked_again, "another look")
    assert lines(seen)[:3] == [LOOK, "POST /v1/tasks/a/claim", LOOK]


async def test_therapists_go_on_leave_from_the_next_midnight_on() -> None:
    today = datetime(2026, 11, 27, 14, 5, 6, tzinfo=ZoneInfo("Asia/Karachi"))
    async with server(lambda n: answered({})) as (address, seen):
        await send_on_leave(address, "t", ["t1", "t2"], today)
    assert lines(seen) == ["POST /v1/therapists/t1/suspend", "POST /v1/therapists/t2/suspend"]
    assert orjson.loads(seen[0].partition(b"\r\n\r\n")[2]) == {
        "from": "2026-11-28T00:00:00+05:00",
        "until": "2026-12-03T00:00:00+05:00",
        "reason": "leave",
    }


def test_tasks_are_counted_as_done_only_where_a_human_has_done_them() -> None:
    history = right()
    history.tasks = [
        *history.tasks,
        Task(uid(552), BOOKED, "hour", "done", "not_needed", "system", None, "not_needed"),
        Task(uid(553), BOOKED, "hour", "claimed", None, None, None, None),
    ]
    figures, findings = count(history, Leftovers(), people=4, now=T0)
    assert findings.clean, findings
    assert (figures.tasks, figures.tasks_done) == (3, 1)
