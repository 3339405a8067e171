"""Whoever is booked with a therapist who is out then is looked after by a human, by name, in time."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.standing import count_hours, withdraw_matches
from services.matching.handlers.suspensions import Order, resume_therapist, suspend_therapist
from shared.contracts.scheduling import AppointmentBooked
from tests.matching.coming_due import come_due
from tests.matching.conftest import Office
from tests.matching.events import a_case, booked, cancelled, moved, withdrawal
from tests.matching.examples import NOW, POLICY
from tests.matching.test_changes import changed

ONE = UUID(int=1)
DAY = timedelta(days=1)
VALIDITY = POLICY.credentials.validity


async def suspend(office: Office, first: int = 0, last: int | None = 7) -> None:
    """From so many days on until so many days on."""
    order = Order(ONE, "illness", NOW + first * DAY, None if last is None else NOW + last * DAY)
    async with office.database.transaction() as tx:
        await suspend_therapist(order, tx, VALIDITY)
    await come_due(office)


async def an_hour(office: Office, days: float = 2, **changes: Any) -> AppointmentBooked:
    await office.hear(office.matchmaker.match_cases, a_case(**changes))
    hour = booked((await office.made())[-1], start=NOW + days * DAY)
    await office.hear(count_hours, hour)
    return hour


async def open_tasks(office: Office) -> list[UUID]:
    """The cases of those that are open, due first."""
    rows = await office.database.pool.fetch(
        "SELECT case_id FROM continuity WHERE closed_at IS NULL ORDER BY due_by"
    )
    return [row["case_id"] for row in rows]


async def test_every_hour_inside_a_suspension_needs_somebody_the_nearest_first(office: Office) -> None:
    await office.describe(1)
    far, near, after = [await an_hour(office, days) for days in (6.9, 1.5, 7)]
    assert await open_tasks(office) == []
    await suspend(office)
    assert await open_tasks(office) == [near.case_id, far.case_id]
    rows = await office.database.pool.fetch("SELECT * FROM continuity ORDER BY due_by")
    assert [row["due_by"] - NOW for row in rows] == [DAY / 2, DAY]  # a day before the hour, or within a day
    assert after.case_id not in await open_tasks(office)
    await suspend(office, last=None)
    assert set(await open_tasks(office)) == {far.case_id, near.case_id, after.case_id}


@pytest.mark.parametrize("status", ["suspended", "left"])
async def test_who_is_written_down_as_out_leaves_people_behind_too(office: Office, status: str) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await office.describe(1, status=status)
    await come_due(office)
    assert await open_tasks(office) == [hour.case_id]


async def test_an_hour_that_comes_later_into_a_suspension_needs_somebody(office: Office) -> None:
    await office.describe(1)
    await suspend(office, 3)
    inside, before = await an_hour(office, 4), await an_hour(office, 2)
    await come_due(office)
    assert await open_tasks(office) == [inside.case_id]
    await office.hear(count_hours, moved(before, 2))
    await come_due(office)
    assert set(await open_tasks(office)) == {inside.case_id, before.case_id}


@pytest.mark.parametrize("how", ["moved out", "cancelled", "withdrawn", "resumed"])
async def test_what_nobody_needs_any_more_closes_itself(office: Office, how: str) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await suspend(office)
    if how == "moved out":
        await office.hear(count_hours, moved(hour, 9))
    elif how == "cancelled":
        await office.hear(count_hours, cancelled(hour))
    elif how == "withdrawn":
        await office.hear(withdraw_matches, withdrawal(hour.case_id))
    else:
        async with office.database.transaction() as tx:
            await resume_therapist(Order(ONE, None), tx, VALIDITY)
    await come_due(office)
    assert await open_tasks(office) == []
    row = await office.database.pool.fetchrow("SELECT outcome, closed_by FROM continuity")
    assert tuple(row) == ("not_needed", "system")
    if how == "resumed":
        await suspend(office)
        assert await open_tasks(office) == [hour.case_id]


async def test_a_task_closes_with_its_hour_though_its_person_goes_on_before_the_cancellation_is_heard(
    office: Office,
) -> None:
    await office.describe(1)
    case = a_case()
    hour = await an_hour(office, **case.model_dump())
    await suspend(office)
    await office.hear(ChangeDesk(office.matchmaker).follow_changes, changed(case, resumed_after=1))
    await office.hear(count_hours, cancelled(hour))
    await come_due(office)
    assert await open_tasks(office) == []
    assert (await office.said("task_closed"))[-1]["outcome"] == "not_needed"


async def test_an_hour_booked_while_its_therapist_is_being_suspended_is_not_missed(office: Office) -> None:
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, a_case())
    hour = booked((await office.made())[-1])
    async with office.database.transaction() as tx:
        await count_hours([hour], tx)
        await asyncio.wait_for(suspend(office), 5)
        assert await open_tasks(office) == []  # neither saw the other
    await come_due(office, NOW + timedelta(minutes=1))
    assert await open_tasks(office) == [hour.case_id]


async def test_a_coordinator_closes_it_by_name_once_and_it_stays_closed(
    office: Office, frontend: httpx2.AsyncClient, coordinator: dict[str, str], other: dict[str, str]
) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await suspend(office)
    listed = (await frontend.get("/v1/continuity", headers=coordinator)).json()
    [task] = listed["tasks"]
    assert listed["next"] is None
    assert task == {
        "task_id": task["task_id"], "kind": "hour", "therapist_id": str(ONE), "case_id": str(hour.case_id),
        "until": "2027-01-07T08:50:00+00:00", "due_by": "2027-01-06T08:00:00+00:00",
        "opened_at": "2027-01-05T08:00:00+00:00", "closed_at": None, "closed_by": None, "closed_by_name": None,
        "outcome": None,
    }  # fmt: skip
    path = f"/v1/continuity/{task['task_id']}/close"
    for _ in range(2):
        closed = await frontend.post(path, json={"outcome": "stays"}, headers=coordinator)
        assert (closed.status_code, closed.json()["outcome"]) == (200, "stays")
        assert closed.json()["closed_by_name"] == "Asma"
    for headers, outcome in ((coordinator, "told"), (other, "stays")):
        again = await frontend.post(path, json={"outcome": outcome}, headers=headers)
        assert (again.status_code, again.json()["code"]) == (409, "already_closed")
    await suspend(office, last=8)
    assert await open_tasks(office) == []
    await office.hear(count_hours, moved(hour, 1))  # another hour is another question
    await come_due(office)
    assert await open_tasks(office) == [hour.case_id]


async def test_the_list_comes_in_pages_by_due_time(
    office: Office, frontend: httpx2.AsyncClient, coordinator: dict[str, str]
) -> None:
    await office.describe(1)
    hours = [await an_hour(office, days) for days in (1.9, 1.2, 1.6, 1.4, 1.8)]
    await suspend(office)
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await frontend.get(f"/v1/continuity?limit=2{cursor}", headers=coordinator)).json()
        seen += [one["case_id"] for one in page["tasks"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [str(one.case_id) for one in sorted(hours, key=lambda hour: hour.start)]


async def test_nothing_of_what_a_case_is_about_stands_in_it(
    office: Office, frontend: httpx2.AsyncClient, coordinator: dict[str, str]
) -> None:
    await office.describe(1)
    await an_hour(office, problem_areas=("trauma",), city="Lahore")
    await suspend(office)
    text = (await frontend.get("/v1/continuity", headers=coordinator)).text
    for hidden in ("trauma", "Lahore", "illness", "step", "ur", "person_id"):
        assert f'"{hidden}"' not in text


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ({}, "/outcome", "missing"),
        ({"outcome": "done"}, "/outcome", "literal_error"),
        ({"outcome": "renewed"}, "/outcome", "not_for_this"),
        ({"outcome": "told", "note": "rang twice"}, "/note", "unknown_field"),
    ],
)
async def test_an_outcome_that_cannot_be_names_the_field_and_closes_nothing(
    office: Office,
    frontend: httpx2.AsyncClient,
    coordinator: dict[str, str],
    sent: dict[str, Any],
    pointer: str,
    code: str,
) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await suspend(office)
    task = await office.database.pool.fetchval("SELECT task_id FROM continuity")
    refused = await frontend.post(f"/v1/continuity/{task}/close", json=sent, headers=coordinator)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(pointer, code)]
    assert await open_tasks(office) == [hour.case_id]


async def test_strangers_nameless_staff_and_broken_cursors_are_refused(
    office: Office, frontend: httpx2.AsyncClient, coordinator: dict[str, str], session: Any
) -> None:
    path = f"/v1/continuity/{uuid4()}/close"
    unknown = await frontend.post(path, json={"outcome": "told"}, headers=coordinator)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "task_not_found")
    nameless = await frontend.post(path, json={"outcome": "told"}, headers=session(role="coordinator"))
    assert (nameless.status_code, nameless.json()["code"]) == (403, "name_needed")
    for cursor in ("x", "W10", "WzEsMl0"):
        broken = await frontend.get(f"/v1/continuity?cursor={cursor}", headers=coordinator)
        assert (broken.status_code, broken.json()["errors"][0]["code"]) == (422, "not_a_cursor")
    many = await frontend.get("/v1/continuity?limit=201", headers=coordinator)
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "limit")
