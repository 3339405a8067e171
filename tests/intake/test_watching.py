"""Watching a case: told at once, by one look for everybody, and sent away when there is nothing more to tell."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio

from services.intake import roles
from services.intake.api.backlog import Backlog, Limits
from services.intake.api.cards import CardDeck
from services.intake.api.events import Told
from services.intake.api.problems import with_card
from services.intake.api.watching import CaseWatcher, version_of, watch_cases
from services.intake.domain.policy import Policy
from services.intake.domain.states import Standing
from services.intake.handlers.progress import project
from services.intake.repository.standings import CaseView
from services.intake.settings import Settings
from shared.contracts.matching import CaseWaitlisted
from shared.web import Problem, create_app
from tests.browser.serving import serving
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_over_http import case_id_of, come_back
from tests.waiting import running, until

STANDING = Standing("matching", "system", datetime(2026, 11, 26, tzinfo=UTC), None, None, "wait")
VIEW = CaseView(uuid4(), "0123456789", "PK-PB", "en", False, STANDING, 1, None, None)
VIEW = CaseView(uuid4(), "0123456789", "PK-PB", "en", False, STANDING, 1, None, None)


@dataclass
class World:
    """What can be looked at, and how often it was."""

    views: dict[str, CaseView]
    looks: int = 0

    async def look(self, codes: Sequence[str]) -> Mapping[str, CaseView]:
        self.looks += 1
        return {code: self.views[code] for code in codes if code in self.views}


async def test_nobody_is_looked_for_while_nobody_watches() -> None:
    world, stop = World({VIEW.case_code: VIEW}), asyncio.Event()
    watch = watch_cases(world.look, every_seconds=0.001)
    async with running(stop, watch.run(stop)):
        await asyncio.sleep(0.05)
        assert world.looks == 0
        with watch.watching(VIEW.case_code, VIEW):
            await until(lambda: world.looks > 1, "a look")
        looks = world.looks
        await asyncio.sleep(0.05)
        assert world.looks <= looks + 1


async def test_a_thousand_watchers_cost_one_look() -> None:
    world, stop = World({VIEW.case_code: VIEW}), asyncio.Event()
    watch = watch_cases(world.look, every_seconds=0.05)

    async def one() -> CaseView | None:
        with watch.watching(VIEW.case_code, VIEW) as watcher:
            return await watcher.newer(1, 30)

    async with running(stop, watch.run(stop)):
        await until(lambda: watch._runs, "the loop")
        watchers = [asyncio.create_task(one()) for _ in range(1000)]
        await until(lambda: watch.metrics()["watchers"] == 1000, "all watch")
        before, world.views[VIEW.case_code] = world.looks, replace(VIEW, version=2)
        seen = await asyncio.gather(*watchers)
        assert {view.version for view in seen if view} == {2}
        assert world.looks - before <= 2
        assert watch.metrics()["watchers"] == 0


async def test_one_too_many_is_asked_to_come_later() -> None:
    watch = watch_cases(World({}).look, most=1)
    with watch.watching(VIEW.case_code, VIEW):
        with pytest.raises(Problem) as refused, watch.watching(VIEW.case_code, VIEW):
            pass
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "10")
    with watch.watching(VIEW.case_code, VIEW):
        pass


async def test_everybody_is_sent_away_at_once_when_the_process_stops() -> None:
    stop = asyncio.Event()
    watch = watch_cases(World({VIEW.case_code: VIEW}).look)
    async with running(stop, watch.run(stop)):
        await until(lambda: watch._runs, "the loop")
        with watch.watching(VIEW.case_code, VIEW) as watcher:
            waits = asyncio.create_task(watcher.newer(1, 30))
            await asyncio.sleep(0)
            began = time.monotonic()
            stop.set()
            assert await waits is None
            assert time.monotonic() - began < 2
            assert watcher.told_no_more


async def test_a_look_that_fails_is_made_again() -> None:
    world, stop = World({VIEW.case_code: replace(VIEW, version=2)}), asyncio.Event()
    answers: list[Exception] = [ConnectionError(), KeyError()]

    told: list[str | None] = []

    async def look(codes: Sequence[str]) -> Mapping[str, CaseView]:
        told.append(watch.ready())
        if answers:
            raise answers.pop()
        return await world.look(codes)

    watch = watch_cases(look, every_seconds=0.01)
    async with running(stop, watch.run(stop)):
        await until(lambda: watch._runs, "the loop")
        with watch.watching(VIEW.case_code, VIEW) as watcher:
            view = await watcher.newer(1, 30)
            assert view is not None
            assert view.version == 2
            assert told == [None, None, "database"]
            assert watch.ready() is None


async def test_a_process_is_ready_again_although_nobody_watches_since_a_look_failed() -> None:
    """Nobody comes to a process that is not ready: it would never look again."""
    stop = asyncio.Event()

    async def away(_codes: Sequence[str]) -> Mapping[str, CaseView]:
        raise ConnectionRefusedError

    watch = watch_cases(away, every_seconds=0.001)
    async with running(stop, watch.run(stop)):
        with watch.watching(VIEW.case_code, VIEW):
            await until(lambda: watch.ready() == "database", "a look that failed")
        await until(lambda: watch.ready() is None, "ready when nobody watches any more")


async def test_a_stream_ends_with_its_session(policy: Policy) -> None:
    watcher = CaseWatcher(VIEW, version_of, told_no_more=False)
    cards = CardDeck(policy.lines, policy.other_help)
    told = [part async for part in Told(cards, 0, time.time() + 0.2).to(watcher)]
    assert [_event(part) for part in told if not part.startswith(b":")] == ["status", "end"]
    assert b"session_ended" in told[-1]


async def test_a_stream_ends_with_its_case(policy: Policy) -> None:
    closed = replace(VIEW, standing=replace(STANDING, state="closed"), version=4)
    for seen, events in ((0, ["status", "end"]), (4, ["end"])):
        watcher = CaseWatcher(closed, version_of, told_no_more=False)
        cards = CardDeck(policy.lines, policy.other_help)
        told = [part async for part in Told(cards, seen, time.time() + 60).to(watcher)]
        assert [_event(part) for part in told] == events
        assert b'"closed"' in told[-1]


def _event(part: bytes) -> str:
    return next(line[7:] for line in part.decode().splitlines() if line.startswith("event: "))


@pytest_asyncio.fixture(loop_scope="session")
async def live(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[httpx2.AsyncClient]:
    """The api role's routes with their loop, on a port: a stream is only one on a real line."""
    app = create_app("intake", on_problem=with_card(CardDeck(policy.lines, policy.other_help)))
    stop, watch = (
        asyncio.Event(),
        roles.serve_people(app, secrets, policy, store.intake, Backlog(store.intake, Limits(1000, 60.0))),
    )
    async with serving(app) as address, running(stop, watch.run(stop)):
        async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
            yield client
        await until(lambda: watch.metrics()["watchers"] == 0, "nobody is kept")


async def waitlist(store: IntakeDatabase, case_id: UUID, attempt: int = 1) -> None:
    said = CaseWaitlisted(
        case_id=case_id,
        person_id=uuid4(),
        attempt=attempt,
        reason="no_capacity",
        next_review=datetime(2026, 12, 3, tzinfo=UTC),
        waitlisted_at=datetime.now(UTC),
    )
    async with store.intake.transaction() as tx:
        await project([said], tx)


async def test_whoever_waits_is_answered_when_the_case_moves(
    live: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(live)
    waits = asyncio.create_task(live.get(f"{path}?after_version=1&wait=30", headers=session))
    await asyncio.sleep(0.2)
    assert not waits.done()
    await waitlist(store, await case_id_of(store, path))
    answer = await waits
    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (200, "waitlisted", 2)
    at_once = await live.get(f"{path}?after_version=1&wait=30", headers=session)
    assert at_once.json()["version"] == 2


async def test_whoever_has_waited_long_enough_is_told_the_same_again(live: httpx2.AsyncClient) -> None:
    path, session = await come_back(live)
    before = await live.get(path, headers=session)
    same = await live.get(f"{path}?after_version=1&wait=1", headers=session)
    assert (same.status_code, same.json()) == (200, before.json())
    known = session | {"If-None-Match": before.headers["etag"]}
    assert (await live.get(f"{path}?after_version=1&wait=1", headers=known)).status_code == 304
    assert (await live.get(f"{path}?after_version=1&wait=31", headers=session)).status_code == 422


@asynccontextmanager
async def stream(
    live: httpx2.AsyncClient, path: str, headers: dict[str, str]
) -> AsyncIterator[Callable[[], Any]]:
    """The next event of a stream, as (name, id, document)."""
    async with live.stream("GET", f"{path}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.aiter_lines()

        async def following() -> tuple[str | None, str | None, Any]:
            fields: dict[str, str] = {}
            async for line in lines:
                if not line and fields:
                    break
                name, _, value = line.partition(": ")
                fields |= {name: value} if name else {}
            return fields.get("event"), fields.get("id"), orjson.loads(fields["data"])

        yield following


async def test_a_stream_tells_the_state_and_every_change_of_it(
    live: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(live, item9=1)
    async with stream(live, path, session) as following:
        document = (await live.get(path, headers=session)).json()
        assert await following() == ("status", "1", document)
        assert "crisis" in document
        await waitlist(store, await case_id_of(store, path))
        name, number, changed = await following()
        assert (name, number, changed["state"]) == ("status", "2", "waitlisted")
        await live.post(f"{path}/withdraw", json={}, headers=session)
        assert (await following())[2]["state"] == "closed"
        assert await following() == ("end", None, {"reason": "closed"})


async def test_a_stream_goes_on_after_what_was_seen_last(
    live: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(live)
    async with stream(live, path, session | {"Last-Event-ID": "1"}) as following:
        await waitlist(store, await case_id_of(store, path))
        assert (await following())[1] == "2"


async def test_nobody_watches_what_is_not_theirs(live: httpx2.AsyncClient) -> None:
    path, _ = await come_back(live)
    _, other = await come_back(live)
    for address in (f"{path}/events", f"{path}?after_version=1"):
        assert (await live.get(address, headers=other)).status_code == 404
        assert (await live.get(address)).status_code == 401
