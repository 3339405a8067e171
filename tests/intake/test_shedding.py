"""When more comes than can be done: files give way first, then looking, and whoever asks for care is still let in."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import asyncpg
import httpx2
import orjson
import pytest
import pytest_asyncio

from services.intake.api import shedding
from services.intake.api.backlog import Backlog
from services.intake.api.bulk import turns
from services.intake.settings import Settings
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


@asynccontextmanager
async def held_up(
    people: httpx2.AsyncClient, lock: asyncpg.Connection
) -> AsyncIterator[list[asyncio.Task[httpx2.Response]]]:
    """A transaction of somebody's waits for a row of another's, and others wait for their turn."""
    key = uuid4().hex
    async with lock.transaction():
        await lock.execute(
            "INSERT INTO intake.idempotency_keys (scope, key, body_hash, status, response) VALUES ('POST /v1/cases', $1, '', 202, '')",
            key,
        )
        first = asyncio.create_task(ask(people, asking(), key))
        await until(lambda: _waits_for(lock), "a transaction that waits")
        yield [first, *(asyncio.create_task(ask(people, asking())) for _ in range(3))]
        await lock.execute("DELETE FROM intake.idempotency_keys WHERE key = $1", key)


async def _waits_for(lock: asyncpg.Connection) -> bool:
    return bool(
        await lock.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
    )


async def test_whoever_may_be_in_danger_does_not_wait_for_the_transaction_of_the_others(
    people: httpx2.AsyncClient, lock: asyncpg.Connection, store: IntakeDatabase
) -> None:
    async with held_up(people, lock) as others:
        async with asyncio.timeout(1.5):
            answer = await ask(people, asking(item9=3))
        assert answer.status_code == 202
        assert min(cards_of([answer])) >= 3
        assert not any(other.done() for other in others)
        code = answer.json()["case_code"]
        assert await store.admin.fetchval(
            "SELECT count(*) FROM intake.alarms JOIN intake.cases USING (case_id) WHERE case_code = $1", code
        )
    assert {(await other).status_code for other in others} == {202}


# ── what waits for the broker ──


@asynccontextmanager
async def waiting(store: IntakeDatabase, backlog: Backlog, events: int) -> AsyncIterator[None]:
    """So much has gathered: ids of which one has that distance to the last."""
    last = await store.admin.fetchval("SELECT coalesce(max(id), 0) FROM intake.outbox")
    row = (
        "INSERT INTO intake.outbox (id, lane, shard, topic, key, sequence, event_id, type, at, payload) OVERRIDING SYSTEM"
        " VALUE VALUES ($1, 'routine', 0, 'intake.cases', 'gathered', $1, gen_random_uuid(), 't', now(), '{}')"
    )
    await store.admin.executemany(row, [(last - events,), (0,)])
    await backlog.look()
    try:
        yield
    finally:
        await store.admin.execute("DELETE FROM intake.outbox WHERE key = 'gathered'")
        await backlog.look()


FILE = {"content-type": "application/x-ndjson"}


async def hand_in(people: httpx2.AsyncClient, token: Token) -> httpx2.Response:
    line = orjson.dumps(asking() | {"client_reference": uuid4().hex}) + b"\n"
    return await people.post("/v1/cases/bulk", content=line, headers=FILE | token("coordinator"))


async def test_without_the_broker_files_give_way_at_a_fifth_of_the_limit_and_people_do_not(
    people: httpx2.AsyncClient, store: IntakeDatabase, backlog: Backlog, secrets: Settings, token: Token
) -> None:
    async with waiting(store, backlog, secrets.outbox_limit // 5 + 10):
        refused = await hand_in(people, token)
        asked = await ask(people, asking())
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        503,
        "overloaded",
        "30",
    )
    assert asked.status_code == 202
    assert (await hand_in(people, token)).status_code == 200


async def test_at_the_limit_people_are_told_to_come_again_and_whom_to_call(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    backlog: Backlog,
    secrets: Settings,
) -> None:
    path, session = await come_back(people)
    cases = "SELECT count(*) FROM intake.cases"
    async with waiting(store, backlog, secrets.outbox_limit + 10):
        before = await store.admin.fetchval(cases)
        refused = await ask(people, asking())
        assert await store.admin.fetchval(cases) == before
        in_danger = await ask(people, asking(item9=3))
        assert (await people.get(path, headers=session)).status_code == 200
        crisis = await duty.post(
            "/v1/crisis/cases", json=asking(item9=3), headers={"idempotency-key": uuid4().hex}
        )
        back = await people.post(f"{path}/withdraw", json={}, headers=session)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert min(cards_of([refused])) >= 3
    assert (in_danger.status_code, crisis.status_code, back.status_code) == (202, 202, 200)
    assert (await ask(people, asking())).status_code == 202
