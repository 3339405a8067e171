"""When more comes than can be done: files give way first, then looking, and whoever asks for care is still let in."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from services.intake.api import shedding
from services.intake.api.bulk import turns
from services.intake.settings.page_words import read_words
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_over_http import Token, come_back
from tests.waiting import until

CROWD = 20
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def small_crowds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dozens where it would be thousands."""
    monkeypatch.setattr(shedding, "CROWD", CROWD)
    monkeypatch.setattr(turns, "CROWD", CROWD)


@pytest_asyncio.fixture(loop_scope="session")
async def lock(store: IntakeDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(store.intake_dsn)
    yield connection
    await connection.close()


@asynccontextmanager
async def crowded(
    people: httpx2.AsyncClient, lock: asyncpg.Connection
) -> AsyncIterator[list[asyncio.Task[httpx2.Response]]]:
    """More people ask than the database, which is held up, lets through; all of them are answered at the end."""
    async with lock.transaction():
        await lock.execute("LOCK TABLE intake.cases IN EXCLUSIVE MODE")
        first = asyncio.create_task(ask(people, asking()))
        await until(lambda: _blocked(lock), "a transaction that waits")
        posts = [first, *(asyncio.create_task(ask(people, asking())) for _ in range(CROWD + 5))]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*map(asyncio.shield, posts)), 0.3)
        yield posts
    await asyncio.gather(*posts)


async def _blocked(lock: asyncpg.Connection) -> bool:
    return bool(
        await lock.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'intake.cases'::regclass"
        )
    )


def cards_of(answers: Iterable[httpx2.Response]) -> list[int]:
    return [len(answer.json()["crisis"]["lines"]) for answer in answers]


async def test_looking_gives_way_to_asking_and_says_when_to_come_again_and_whom_to_call(
    people: httpx2.AsyncClient, lock: asyncpg.Connection, small_crowds: None, token: Token
) -> None:
    path, session = await come_back(people)
    async with crowded(people, lock) as posts:
        looks = [
            await people.get(path, headers=session),
            await people.get(f"{path}?after_version=1&wait=30", headers=session),
            await people.get(f"{path}/events", headers=session),
        ]
        page = await people.post("/ur/status", content="case_code=x&pin=1", headers=FORM)
        late = asyncio.create_task(ask(people, asking()))
        await asyncio.sleep(0.05)
        assert not late.done()
        assert not any(post.done() for post in posts)
    for answer in looks:
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "2"
    assert min(cards_of(looks)) >= 3
    assert (page.status_code, page.headers["retry-after"]) == (503, "2")
    assert read_words()["ur"].texts["problem"]["leads"]["overloaded"] in page.text
    assert "tel:1122" in page.text
    assert {post.result().status_code for post in posts} == {(await late).status_code} == {202}
    assert (await people.get(path, headers=session)).status_code == 200


async def test_taking_back_whom_to_call_and_coming_back_never_give_way(
    people: httpx2.AsyncClient, lock: asyncpg.Connection, small_crowds: None
) -> None:
    path, session = await come_back(people)
    async with crowded(people, lock):
        lines = await people.get("/v1/crisis/lines?province=PK-PB")
        reference = await people.get("/v1/reference")
        back = asyncio.create_task(people.post(f"{path}/withdraw", json={}, headers=session))
        await asyncio.sleep(0.05)
    assert (lines.status_code, reference.status_code) == (200, 200)
    assert (await back).json()["state"] == "closed"
