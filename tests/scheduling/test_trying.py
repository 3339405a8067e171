"""Dry runs: who would be booked outside by a change, told before it is made, with nothing written."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from services.scheduling.api.exceptions import LEAVE
from services.scheduling.api.requests import CALENDAR
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post, put
from tests.scheduling.store import Store

MORNINGS = CALENDAR | {
    "rules": [{"day": day, "start": "09:00", "end": "13:00", "lane": "online"} for day in (1, 2)]
}
TODAY = {"kind": "time_off", "first_day": "2026-11-23", "last_day": "2026-11-23"}


@pytest_asyncio.fixture(loop_scope="session")
async def therapist(store: Store) -> UUID:
    """Two hours are booked with her: Monday 12:00 and 13:15."""
    who = await world.add_therapist(store)
    for _ in range(2):
        await store.hear(world.match(who))
    return who


def starts(listed: Any) -> list[str]:
    return [one["start"][11:16] for one in listed]


async def test_an_exception_tells_whom_it_would_leave_outside_and_writes_nothing(
    http: httpx2.AsyncClient, store: Store, therapist: UUID
) -> None:
    before, path = await store.state(), f"/calendars/{therapist}/exceptions/{uuid4()}"
    tried = await post(http, f"/v1/changes{path}", TODAY | {"start": "13:00"})
    assert tried.status_code == 200
    assert (starts(tried.json()["would_be_outside"]), tried.json()["booked_outside"]) == (["13:15"], [])
    assert (await store.state(), await store.count("exceptions")) == (before, 0)
    written = await put(http, f"/v1{path}", TODAY | {"start": "13:00"})
    assert written.json()["booked_outside"] == tried.json()["would_be_outside"]
    wider = (await post(http, f"/v1/changes{path}", TODAY)).json()
    assert (starts(wider["would_be_outside"]), starts(wider["booked_outside"])) == (["12:00"], ["13:15"])
    # The same id again stands in place of what was written under it.
    other = (await post(http, f"/v1/changes{path}", TODAY | {"end": "09:00"})).json()
    assert other["would_be_outside"] == []


async def test_a_new_week_tells_whom_it_would_leave_outside(
    http: httpx2.AsyncClient, store: Store, therapist: UUID
) -> None:
    before = await store.state()
    tried = (await post(http, f"/v1/changes/calendars/{therapist}", MORNINGS)).json()
    assert starts(tried["would_be_outside"]) == ["13:15"]
    assert await store.state() == before
    wide = CALENDAR | {"rules": [{"day": 1, "start": "09:00", "end": "17:00", "lane": "online"}]}
    assert (await post(http, f"/v1/changes/calendars/{therapist}", wide)).json()["would_be_outside"] == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/exceptions/{id}", LEAVE | {"start": "09:10"}, ("/start", "off_grid")),
        (
            "/exceptions/{id}",
            LEAVE | {"lane": "in_person", "site_id": str(uuid4())},
            ("/site_id", "unknown_site"),
        ),
        ("/exceptions/{id}", LEAVE | {"reason": "ill"}, ("/reason", "unknown_field")),
        ("", MORNINGS | {"time_zone": "Asia/Lahore"}, ("/time_zone", "unknown_zone")),
        ("", MORNINGS | {"buffer_minutes": -1}, ("/buffer_minutes", "greater_than_equal")),
    ],
)
async def test_a_change_that_could_not_be_made_cannot_be_tried(
    http: httpx2.AsyncClient, therapist: UUID, path: str, body: Any, field: tuple[str, str]
) -> None:
    answer = await post(http, f"/v1/changes/calendars/{therapist}{path.format(id=uuid4())}", body)
    assert (answer.status_code, fields(answer)) == (422, [field])


async def test_who_may_change_a_calendar_may_try_it(
    http: httpx2.AsyncClient, keys: Path, therapist: UUID
) -> None:
    path = f"/v1/changes/calendars/{therapist}"
    for role, subject, status in (
        ("coordinator", "staff-1", 200), ("therapist", str(therapist), 200), ("therapist", str(uuid4()), 403),
        ("clinic_desk", "staff-1", 403), ("person", "somebody", 403),
    ):  # fmt: skip
        headers = as_(keys, role, subject)
        assert (await post(http, path, MORNINGS, **headers)).status_code == status
        assert (await post(http, f"{path}/exceptions/{uuid4()}", LEAVE, **headers)).status_code == status
    assert (await post(http, f"/v1/changes/calendars/{uuid4()}", MORNINGS)).status_code == 404
    assert (await post(http, path, MORNINGS, authorization="")).status_code == 401
