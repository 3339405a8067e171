"""Whoever has taken a call reads the number and the words on a page of the worklist, and says there what came of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.local import secrets
from deploy.local.postgres import PostgresServer
from services.notifications.main import serve
from services.notifications.settings import Settings
from shared import web
from shared.contracts.console import TaskDone
from shared.contracts.notifications import TaskClosed, TaskOpened
from shared.postgres import open_pool
from tests.browser.serving import serving
from tests.console.conftest import Headers, Worklist
from tests.console.test_pages import Browser, token_of
from tests.notifications.callers import FIVE, NUMBER, due, to_call
from tests.notifications.facts import NOW, Desk
from tests.notifications.outside import TOKEN, OutsideWorld, outside_world


@pytest_asyncio.fixture(loop_scope="session")
async def outside(tmp_path: Path) -> AsyncIterator[OutsideWorld]:
    async with outside_world(tmp_path) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def desk(postgres_server: PostgresServer, console_database: str) -> AsyncIterator[Desk]:
    dsn = postgres_server.dsn(console_database, "notifications")
    pool = await open_pool(dsn, schema="notifications", size=3, name="tests")
    yield Desk(pool, dsn)
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def notifications_url(
    desk: Desk, outside: OutsideWorld, signing: Path, tmp_path: Path
) -> AsyncIterator[str]:
    """notifications itself."""
    (tmp_path / "token").write_text(TOKEN)
    app = web.create_app("notifications")
    public = signing / secrets.TOKEN_PUBLIC_KEY
    told = Settings(
        vault_url=outside.url, service_token_file=tmp_path / "token", token_public_key_file=public
    )
    serve(app, told, desk.database)
    app.state.waits_for = None
    async with serving(app) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def asma(worklist: Worklist, staff: Headers) -> Browser:
    return Browser(worklist.client, token_of(staff()))


async def carry(desk: Desk, worklist: Worklist) -> UUID:
    """What notifications has said of tasks reaches the console; the last one that was opened."""
    opened = [event["task_id"] for kind, event in await desk.said() if kind == "task_opened"]
    for kind, event in await desk.said():
        if kind in ("task_opened", "task_closed"):
            model = TaskOpened if kind == "task_opened" else TaskClosed
            await worklist.hear(model.model_validate(event))
    return UUID(opened[-1])


async def test_who_has_taken_a_call_reads_number_and_words_and_says_what_came_of_it(
    worklist: Worklist, desk: Desk, outside: OutsideWorld, asma: Browser
) -> None:
    await to_call(desk, outside)
    task = await carry(desk, worklist)
    listed = (await asma.get("/tasks")).text
    assert "Call somebody" in listed
    assert f"/tasks/{task}/call" not in listed
    early = await asma.get(f"/tasks/{task}/call")
    assert (early.status_code, "Take the task first" in early.text) == (409, True)
    await asma.act(task, "claim", 1)
    listed = (await asma.get("/tasks")).text
    assert f'href="/tasks/{task}/call"' in listed
    assert NUMBER not in listed
    hour = await desk.pool.fetchval("SELECT appointment_id FROM messages LIMIT 1")
    assert f"hour {hour}" in listed
    page = await asma.get(f"/tasks/{task}/call")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert f'href="tel:{NUMBER}"' in page.text
    assert "Your appointment is on" in page.text
    assert '<option value="wrong_number">' in page.text
    [reading] = await desk.pool.fetch("SELECT task_id, staff_name FROM call_readings")
    assert tuple(reading) == (task, "Asma")
    await asma.act(task, "done", 2, outcome="reached")
    [said] = [one for one in await worklist.said() if one.pop("type") == TaskDone.type_name]
    await desk.tell(TaskDone.model_validate(said))
    assert await desk.messages("state", "channel", "purpose") == [
        ("delivered", "call", "booked"),
        ("planned", None, "reminder"),
    ]
    over = await asma.get(f"/tasks/{task}/call")
    assert (over.status_code, "has been done" in over.text) == (409, True)


async def test_whoever_was_reached_as_their_hours_ended_is_not_called_again(
    worklist: Worklist, desk: Desk, outside: OutsideWorld, asma: Browser
) -> None:
    await to_call(desk, outside)
    task = await carry(desk, worklist)
    await asma.act(task, "claim", 1)
    desk.now = FIVE
    await due(desk)
    await worklist.closes(task)
    await asma.act(task, "done", 2, outcome="reached")
    [said] = [one for one in await worklist.said() if one.pop("type") == TaskDone.type_name]
    await desk.tell(TaskDone.model_validate(said))
    assert ("delivered", "call", "booked") in await desk.messages("state", "channel", "purpose")
    assert await desk.pool.fetchval("SELECT outcome FROM calls WHERE task_id = $1", task) == "reached"
    desk.now = NOW


async def test_why_somebody_may_not_be_called_is_said_on_the_page(
    worklist: Worklist, desk: Desk, outside: OutsideWorld, asma: Browser
) -> None:
    person = await to_call(desk, outside)
    task = await carry(desk, worklist)
    await asma.act(task, "claim", 1)
    outside.refused[person] = "stopped"
    assert "Do not call." in (await asma.get(f"/tasks/{task}/call")).text
    desk.now = NOW.replace(hour=18)
    late = await asma.get(f"/tasks/{task}/call")
    assert (late.status_code, "may not be called now" in late.text) == (409, True)
    desk.now = NOW


async def test_a_task_in_which_nobody_is_spoken_to_has_no_number(
    worklist: Worklist, asma: Browser, staff: Headers
) -> None:
    task = await worklist.opens()
    await asma.act(task, "claim", 1)
    assert (await asma.get(f"/tasks/{task}/call")).status_code == 404
    operator = Browser(worklist.client, token_of(staff("operator")))
    assert (await operator.get(f"/tasks/{task}/call")).status_code == 403
    nobody = await worklist.client.get(f"/tasks/{task}/call")
    assert (nobody.status_code, "Sign in" in nobody.text) == (401, True)
    assert (await asma.get("/tasks/1/call")).status_code == 422


class TestWithoutNotifications:
    """While it is away nothing is lost but the moment."""

    @pytest.fixture
    def notifications_url(self) -> str:
        return "http://127.0.0.1:1"

    async def test_a_number_that_cannot_be_read_now_is_asked_for_again(
        self, worklist: Worklist, desk: Desk, outside: OutsideWorld, asma: Browser
    ) -> None:
        await to_call(desk, outside)
        task = await carry(desk, worklist)
        await asma.act(task, "claim", 1)
        away = await asma.get(f"/tasks/{task}/call")
        assert (away.status_code, "look again" in away.text) == (503, True)
