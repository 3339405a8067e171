"""The staff's pages over HTTP: forms do what the JSON routes do, and what no form of ours sends changes nothing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from shared.contracts.scheduling import SiteChanged
from tests.console.conftest import Headers, Worklist, tell_by_hand

CODE = "7K3M9Q2T4X"


def token_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


class Browser:
    """Somebody who has signed in; forms are sent as the page has them."""

    def __init__(self, client: httpx2.AsyncClient, token: str) -> None:
        self.client = client
        self.cookies = {"Cookie": f"console={token}"}

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path, headers=self.cookies)

    async def mark(self) -> str:
        found = re.search(r'name="form" value="([0-9a-f]+)"', (await self.get("/tasks")).text)
        assert found is not None
        return found[1]

    async def act(self, task: UUID, act: str, version: int, **fields: str) -> httpx2.Response:
        form = {"form": await self.mark(), "act": act, "task": str(task), "version": str(version)}
        return await self.client.post("/tasks/act", data=form | fields, headers=self.cookies)


@pytest_asyncio.fixture(loop_scope="session")
async def asma(worklist: Worklist, staff: Headers) -> Browser:
    return Browser(worklist.client, token_of(staff()))


async def test_signing_in_leads_to_where_somebody_wanted_to_go_and_only_there(
    worklist: Worklist, staff: Headers
) -> None:
    page = await worklist.client.get(f"/journeys/{CODE}")
    assert page.status_code == 401
    assert f'name="back" value="/journeys/{CODE}"' in page.text
    for back, leads_to in (
        (f"/journeys/{CODE}", f"/journeys/{CODE}"),
        ("//evil.example/tasks", "/tasks"),
        ("https://evil.example", "/tasks"),
        ("/journeys/\r\nx", "/tasks"),
        ("", "/tasks"),
    ):
        answer = await worklist.client.post("/tasks/sign-in", data={"token": token_of(staff()), "back": back})
        assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
        cookies = answer.headers.get_list("set-cookie")
        assert {re.search(r"Path=([^;]+)", one)[1] for one in cookies} == {"/tasks", "/journeys"}  # type: ignore[index]
        assert all("HttpOnly" in one and "SameSite=strict" in one for one in cookies)


async def test_what_is_to_be_done_is_taken_and_done_by_forms(worklist: Worklist, asma: Browser) -> None:
    case = await worklist.add_case(CODE)
    task = await worklist.opens(case_id=case, due_by=datetime.now(UTC) - timedelta(hours=1))
    page = (await asma.get("/tasks")).text
    assert "OVERDUE" in page
    assert f'href="/journeys/{CODE}"' in page
    taken = await asma.act(task, "claim", 1, queue="coordinator")
    assert (taken.status_code, taken.headers["location"]) == (303, "/tasks?queue=coordinator")
    assert "You have these (1)" in (await asma.get("/tasks")).text
    done = await asma.act(task, "done", 2, outcome="told")
    assert (done.status_code, done.headers["location"]) == (303, "/tasks")
    assert [one["outcome"] for one in await worklist.said()] == ["told"]
    assert "done by Asma: told" in (await asma.get("/tasks?state=done")).text


async def test_a_form_of_an_old_page_changes_nothing_and_the_list_is_shown_as_it_is(
    worklist: Worklist, asma: Browser, staff: Headers
) -> None:
    task = await worklist.opens()
    await worklist.client.post(f"/v1/tasks/{task}/claim", headers=staff(name="Bilal") | {"If-Match": '"1"'})
    stale = await asma.act(task, "claim", 1)
    assert stale.status_code == 412
    assert "It has changed since; look again." in stale.text
    assert "Take it over" in stale.text
    held = await asma.act(task, "done", 2, outcome="told")
    assert (held.status_code, "Somebody else has it" in held.text) == (409, True)
    wrong = await asma.act(task, "done", 2, outcome="Told!")
    assert wrong.status_code == 422
    unknown = await asma.act(uuid4(), "claim", 1)
    assert unknown.status_code == 404
    assert (await worklist.row(task))["claimed_name"] == "Bilal"


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "erase"},
        {"act": ""},
        {"task": "1"},
        {"version": "x"},
        {"more": "1"},
    ],
)
async def test_what_no_form_of_ours_sends_changes_nothing(
    worklist: Worklist, asma: Browser, fields: dict[str, str]
) -> None:
    task = await worklist.opens()
    form = {"form": await asma.mark(), "act": "claim", "task": str(task), "version": "1"}
    refused = await worklist.client.post("/tasks/act", data=form | fields, headers=asma.cookies)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert (await worklist.row(task))["state"] == "open"


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
async def test_a_form_on_another_site_changes_nothing(
    worklist: Worklist, asma: Browser, headers: dict[str, str]
) -> None:
    task = await worklist.opens()
    form = {"form": await asma.mark(), "act": "claim", "task": str(task), "version": "1"}
    for sent, more in ((form, headers), (form | {"form": "0" * 40}, {})):
        refused = await worklist.client.post("/tasks/act", data=sent, headers=asma.cookies | more)
        assert refused.status_code == 403
    assert (await worklist.row(task))["state"] == "open"


async def test_every_page_is_stored_nowhere_runs_no_script_and_says_its_language(
    worklist: Worklist, asma: Browser
) -> None:
    await worklist.add_case(CODE)
    for path in ("/tasks", "/journeys", f"/journeys/{CODE}", "/journeys/x", "/tasks/none", "/tasks/sign-in"):
        page = await asma.get(path)
        assert page.headers["cache-control"] == "no-store", path
        assert "default-src 'none'" in page.headers["content-security-policy"], path
        assert "script" not in page.headers["content-security-policy"]
        assert page.text.startswith('<!doctype html>\n<html lang="en">'), path
        assert "<script" not in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tasks?queue=duty", 403),
        ("/tasks?queue=nobody", 403),
        ("/tasks?state=lost", 422),
        ("/tasks?cursor=x", 422),
        (f"/tasks?queue={'x' * 41}", 422),
        ("/journeys?case=12", 422),
        ("/journeys/12", 422),
        ("/journeys/ZZZZZZZZZZ", 404),
        (f"/journeys?case={'x' * 61}", 422),
        ("/tasks/nothing", 404),
    ],
)
async def test_what_cannot_be_shown_is_said_on_a_page(asma: Browser, path: str, status: int) -> None:
    page = await asma.get(path)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in page.text


async def test_a_code_that_was_typed_leads_to_its_journey(asma: Browser) -> None:
    answer = await asma.get("/journeys?case=7k3m9-q2t4x")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/journeys/{CODE}")
    assert (await asma.get("/")).headers["location"] == "/tasks"


async def test_whatever_services_say_is_escaped(worklist: Worklist, asma: Browser) -> None:
    evil: Any = "<b>evil</b>"
    await worklist.hear(tell_by_hand(kind=evil, outcomes=(evil, "told")))
    page = (await asma.get("/tasks")).text
    assert "<b>evil" not in page
    assert "&lt;b&gt;evil" in page


async def test_a_clinic_desk_is_led_to_no_journey(worklist: Worklist, staff: Headers) -> None:
    case, site = await worklist.add_case(CODE), uuid4()
    await worklist.hear(
        SiteChanged(
            site_id=site, organisation="rehmat-hospital", city="Lahore", latitude=31.5, longitude=74.3,
            time_zone="Asia/Karachi", step_free=True, directions={}, status="open", changed_at=datetime.now(UTC),
        )
    )  # fmt: skip
    await worklist.opens(queue="clinic", site_id=site, case_id=case)
    desk = Browser(worklist.client, token_of(staff("clinic_desk", organisation="rehmat-hospital")))
    page = (await desk.get("/tasks")).text
    assert f"case {CODE}" in page
    assert "/journeys" not in page
    assert (await desk.get(f"/journeys/{CODE}")).status_code == 403


async def test_a_page_tells_moments_in_its_own_time(worklist: Worklist, asma: Browser) -> None:
    case = await worklist.add_case(CODE)
    await worklist.admin.execute(
        "INSERT INTO notifications.messages (id, subject_id, person_id, case_id, version, purpose, due_at, next_at, reason,"
        " planned_at) VALUES ($1, $1, $1, $2, 1, 'booked', now(), '2026-11-27 07:32+00', 'safe_window', now())",
        uuid4(), case,
    )  # fmt: skip
    page = (await asma.get(f"/journeys/{CODE}")).text
    assert "waits for safe window, next at 12:32, Fri 27 Nov" in page
