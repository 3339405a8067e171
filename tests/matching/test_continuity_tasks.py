"""What coordinators have to see to stands on the worklist of all services, and what is done there is done here."""

from typing import Any
from uuid import UUID, uuid4

import httpx2

from services.matching.handlers.continuity import close_what_was_done
from services.matching.handlers.standing import count_hours
from services.matching.handlers.suspensions import Order, resume_therapist
from shared.contracts.console import TaskDone
from tests.matching.coming_due import come_due
from tests.matching.conftest import Office
from tests.matching.events import cancelled
from tests.matching.examples import NOW
from tests.matching.test_continuity import DAY, ONE, VALIDITY, an_hour, open_tasks, suspend


def done(task: UUID, outcome: str = "told", **changes: Any) -> TaskDone:
    of = {"opened_by": "matching", "kind": "hour", "done_by": "coordinator-1", "done_at": NOW}
    return TaskDone(**{"task_id": task, "outcome": outcome, **of, **changes})


async def said(office: Office) -> list[dict[str, Any]]:
    return await office.said("matching.task_")


async def test_an_hour_that_needs_somebody_is_said_when_it_is_opened(office: Office) -> None:
    await office.describe(1)
    hour = await an_hour(office, problem_areas=("trauma",))
    await suspend(office)
    [opened] = await said(office)
    task = await office.database.pool.fetchval("SELECT task_id FROM continuity")
    assert opened == {
        "type": "matching.task_opened.v1", "topic": "matching.tasks", "outbox_lane": "routine",
        "task_id": str(task), "kind": "hour", "queue": "coordinator", "priority": 1,
        "outcomes": ["rebooked", "told", "stays", "not_reached"], "due_by": "2027-01-06T08:00:00Z",
        "case_id": str(hour.case_id), "therapist_id": str(ONE), "site_id": None, "opened_at": "2027-01-05T08:00:00Z",
            "appointment_id": None,  # matching knows the hour by its case alone
    }  # fmt: skip
    await suspend(office)
    assert len(await said(office)) == 1  # nothing has changed


async def test_what_nobody_needs_any_more_is_said_and_said_again_when_it_is_needed(office: Office) -> None:
    await office.describe(1)
    await an_hour(office)
    await suspend(office)
    async with office.database.transaction() as tx:
        await resume_therapist(Order(ONE, None), tx, VALIDITY)
    await come_due(office)
    await suspend(office)
    opened, closed, again = await said(office)
    assert (closed["type"], closed["outcome"], closed["closed_by"]) == (
        "matching.task_closed.v1",
        "not_needed",
        "system",
    )
    assert opened["task_id"] == closed["task_id"] == again["task_id"]
    assert again["type"] == opened["type"]


async def test_what_is_closed_at_matching_is_said_once(
    office: Office, frontend: httpx2.AsyncClient, coordinator: dict[str, str]
) -> None:
    await office.describe(1)
    await an_hour(office)
    await suspend(office)
    task = await office.database.pool.fetchval("SELECT task_id FROM continuity")
    for _ in range(2):
        path = f"/v1/continuity/{task}/close"
        assert (await frontend.post(path, json={"outcome": "stays"}, headers=coordinator)).status_code == 200
    [_, closed] = await said(office)
    assert (closed["task_id"], closed["outcome"], closed["closed_by"]) == (str(task), "stays", "staff-Asma")


async def test_what_is_done_at_the_worklist_is_closed_here_and_nothing_is_said_of_it(office: Office) -> None:
    await office.describe(1)
    await an_hour(office)
    await suspend(office)
    task = await office.database.pool.fetchval("SELECT task_id FROM continuity")
    await office.hear(close_what_was_done, done(task, opened_by="notifications"), done(uuid4()))
    assert len(await open_tasks(office)) == 1
    await office.hear(close_what_was_done, done(task))
    row = await office.database.pool.fetchrow("SELECT outcome, closed_by, closed_at FROM continuity")
    assert tuple(row) == ("told", "coordinator-1", NOW)
    await office.hear(close_what_was_done, done(task, "stays", done_by="coordinator-2"))
    await suspend(office, last=8)
    assert await office.database.pool.fetchval("SELECT outcome FROM continuity") == "told"
    assert len(await said(office)) == 1


async def test_what_somebody_has_done_counts_although_nobody_needed_it_by_then(office: Office) -> None:
    await office.describe(1)
    hour = await an_hour(office)
    await suspend(office)
    await office.hear(count_hours, cancelled(hour))
    await come_due(office)
    task = await office.database.pool.fetchval("SELECT task_id FROM continuity WHERE closed_by = 'system'")
    await office.hear(close_what_was_done, done(task))
    assert await office.database.pool.fetchval("SELECT closed_by FROM continuity") == "coordinator-1"


async def test_a_credential_that_runs_out_is_said_with_its_own_outcomes(office: Office) -> None:
    await office.describe(1, valid_until=(NOW + 20 * DAY).date())
    await come_due(office)
    [opened] = await said(office)
    assert (opened["kind"], opened["outcomes"], opened["priority"]) == (
        "credential",
        ["renewed", "not_renewed"],
        0,
    )
    assert (opened["case_id"], opened["therapist_id"]) == (None, str(ONE))
