"""The waiting list as coordinators see it: in order, in pages, without a need; and searched when they ask."""

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from tests.matching.conftest import Office
from tests.matching.examples import NOW
from tests.matching.test_waiting import waits


@pytest_asyncio.fixture(loop_scope="session")
async def coordinator(frontend: httpx2.AsyncClient, session: Any) -> httpx2.AsyncClient:
    frontend.headers.update(session(role="coordinator"))
    return frontend


async def test_coordinators_see_who_waits_in_order_and_page_by_page(
    coordinator: httpx2.AsyncClient,
    office: Office,
) -> None:
    usual = await waits(office, submitted_at=NOW - timedelta(days=2, hours=5))
    urgent = await waits(office, priority=2, province="PK-SD", languages=("ur",))
    old = await waits(office, submitted_at=NOW - timedelta(days=30))
    first = (await coordinator.get("/v1/waitlist?limit=2")).json()
    assert [one["case_id"] for one in first["waiting"]] == [str(urgent.case_id), str(old.case_id)]
    top, second = first["waiting"]
    assert top == {
        "case_id": str(urgent.case_id),
        "reason": "no_capacity",
        "priority": 2,
        "waited_days": 0,
        "effective_priority": 2,
        "next_review": (NOW + timedelta(days=3)).isoformat(),
        "attempt": 1,
        "province": "PK-SD",
        "alternatives": top["alternatives"],
    }
    assert (second["priority"], second["effective_priority"], second["waited_days"]) == (0, 1, 30)
    rest = (await coordinator.get(f"/v1/waitlist?limit=2&cursor={first['next']}")).json()
    assert ([one["case_id"] for one in rest["waiting"]], rest["next"]) == ([str(usual.case_id)], None)
    only = (await coordinator.get("/v1/waitlist?province=PK-SD")).json()["waiting"]
    assert [one["case_id"] for one in only] == [str(urgent.case_id)]
    assert (await coordinator.get("/v1/waitlist?reason=no_fee")).json() == {"waiting": [], "next": None}
    assert "anxiety" not in (await coordinator.get("/v1/waitlist")).text


async def test_a_coordinator_may_have_somebody_searched_at_once(
    coordinator: httpx2.AsyncClient,
    office: Office,
) -> None:
    case = await waits(office)
    path = f"/v1/waitlist/{case.case_id}/review"
    again = (await coordinator.post(path)).json()
    assert (again["state"], again["attempt"]) == ("waitlisted", 2)
    await office.describe(1, languages=("bal",))
    found = await coordinator.post(path)
    assert (found.status_code, found.json()["state"], found.json()["attempt"]) == (200, "matched", 3)
    late = await coordinator.post(path)
    assert (late.status_code, late.json()["code"]) == (409, "not_waiting")
    assert (await coordinator.post(f"/v1/waitlist/{uuid4()}/review")).status_code == 404
    assert len(await office.made()) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("cursor=x", "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"[1,2,3,4]").decode(), "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b'["2027-01-05T08:00:00",1,"2027-01-05T08:00:00","x"]').decode(), "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("reason=because", "reason"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_named(
    coordinator: httpx2.AsyncClient, query: str, pointer: str
) -> None:
    answer = await coordinator.get(f"/v1/waitlist?{query}")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("role", ["person", "therapist", "partner", "operator", "clinic_desk"])
async def test_the_list_is_for_coordinators_alone(
    frontend: httpx2.AsyncClient, session: Any, role: str
) -> None:
    headers = session(role=role)
    assert (await frontend.get("/v1/waitlist", headers=headers)).status_code == 403
    assert (await frontend.post(f"/v1/waitlist/{uuid4()}/review", headers=headers)).status_code == 403
