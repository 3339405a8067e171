"""The worklist is the same in whatever order the services' topics are heard, and when they are heard again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.contracts import matching, notifications
from shared.contracts.scheduling import SiteChanged
from tests.console.conftest import OUTCOMES, Worklist
from tests.interleaving import interleavings

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
KEPT = "task_id, opened_by, queue, state, outcome, done_by, done_at, priority"


def opened(module: Any, task: Any, **changes: Any) -> Any:
    said = {
        "task_id": task, "kind": "hour", "queue": "clinic", "outcomes": OUTCOMES, "due_by": NOW, "priority": 1,
        "opened_at": NOW,
    }  # fmt: skip
    return module.TaskOpened(**said | changes)


def a_site(site: Any, organisation: str) -> SiteChanged:
    return SiteChanged(
        site_id=site, organisation=organisation, city="Lahore", latitude=31.5, longitude=74.3,
        time_zone="Asia/Karachi", step_free=True, directions={}, status="open", changed_at=NOW,
    )  # fmt: skip


async def test_tasks_and_places_are_the_same_in_whatever_order_topics_are_heard(worklist: Worklist) -> None:
    ours, theirs, site = uuid4(), uuid4(), uuid4()
    later = NOW + timedelta(hours=1)
    topics: list[list[Any]] = [
        [
            opened(matching, ours, site_id=site),
            matching.TaskClosed(task_id=ours, outcome="not_needed", closed_by="system", closed_at=NOW),
            opened(matching, ours, site_id=site, priority=2, due_by=later),
        ],
        [opened(notifications, theirs), notifications.TaskClosed(
            task_id=theirs, outcome="told", closed_by="system", closed_at=later
        )],
        [a_site(site, "rehmat-hospital"), a_site(site, "other-hospital")],
    ]  # fmt: skip
    found = set()
    for order in interleavings(*topics):
        await worklist.admin.execute("DELETE FROM console.tasks; DELETE FROM console.sites")
        await worklist.hear(*order)
        tasks = await worklist.admin.fetch(f"SELECT {KEPT} FROM console.tasks ORDER BY queue, task_id")
        sites = await worklist.admin.fetch("SELECT site_id, organisation FROM console.sites")
        found.add(tuple(tuple(row.values()) for row in (*tasks, *sites)))
    assert len(found) == 1, found
    assert {row[3] for row in next(iter(found)) if len(row) > 2} == {"open", "done"}
