"""How long whoever asks now would wait is known, and told by who is let in: files give way first, then looking, then people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
import uuid_utils

from services.intake.api import backlog as measured
from services.intake.api.backlog import Backlog, Limits
from services.intake.domain.pace import RECENT, come_to
from services.intake.domain.states import Fact, FactKind, Progress
from services.intake.handlers.progress import HANDLERS
from services.intake.repository import pace
from shared.web import Problem
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_over_http import Token, come_back
from tests.intake.test_progress import T0, waitlisted
from tests.intake.test_shedding import cards_of, hand_in

CROWD, MOST_WAIT = 5, 60.0


def progress(case_id: UUID, at: datetime, kind: FactKind | None = None) -> Progress:
    fact = Fact(case_id, kind, 1, 0, at) if kind else None
    return Progress(case_id, uuid4(), "open", at, None, fact)


def test_the_case_in_the_middle_of_those_first_answered_tells_how_far_the_system_has_come() -> None:
    ids = sorted(uuid4() for _ in range(5))
    kinds: tuple[FactKind, ...] = (
        "appointment_booked",
        "case_waitlisted",
        "match_offered",
        "appointment_booked",
        "match_made",
    )
    advanced = [(progress(one, T0), progress(one, T0, kind)) for one, kind in zip(ids, kinds, strict=True)]
    assert come_to(advanced, T0) == ids[1]  # the lower of the middle two; the fifth has no answer yet


def test_whoever_chose_came_back_or_asked_long_ago_tells_nothing_of_the_pace() -> None:
    one, long_ago = uuid4(), T0 - RECENT
    for before, after in (
        (progress(one, T0, "match_accepted"), progress(one, T0, "appointment_booked")),
        (progress(one, T0, "appointment_booked"), progress(one, T0, "case_waitlisted")),
        (progress(one, long_ago), progress(one, long_ago, "appointment_booked")),
        (progress(one, T0), progress(one, T0)),
    ):
        assert come_to([(before, after)], T0) is None


async def test_what_the_others_answer_is_noted_as_how_far_they_have_come(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    code = (await ask(people, asking())).json()["case_code"]
    case_id = await store.admin.fetchval("SELECT case_id FROM intake.cases WHERE case_code = $1", code)
    event = waitlisted(case_id, 1)
    async with store.intake.transaction() as tx:
        await HANDLERS[type(event)]([event], tx)
    assert await store.admin.fetchval("SELECT answered FROM intake.pace") == case_id


async def test_whoever_notes_the_pace_waits_for_nobody_who_notes_it_too(store: IntakeDatabase) -> None:
    """Two workers hold cases that the other wants next; a note that waited for a note would close the circle."""
    first, second = await crowd(store, 2)
    async with asyncio.timeout(2), store.intake.transaction() as one, store.intake.transaction() as other:
        await pace.save(one, first)
        await pace.save(other, second)
    assert await store.admin.fetchval("SELECT answered FROM intake.pace") == first


async def test_the_first_look_reads_nothing_of_what_was_answered_before(store: IntakeDatabase) -> None:
    """However many cases there have been: nothing is known yet to which the answered could be compared."""
    *_, last = await crowd(store, 50)
    await come_to_case(store, last)
    found = await pace.look(store.intake.pool, None, timedelta(seconds=15))
    assert found == pace.Pace(last, 0, 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that go on when a test says so."""
    monkeypatch.setattr(measured, "CROWD", CROWD)
    return [100.0]


async def crowd(store: IntakeDatabase, count: int) -> list[UUID]:
    """So many more cases that wait, in the order in which they were asked."""
    ids = [UUID(str(uuid_utils.uuid7())) for _ in range(count)]
    await store.admin.executemany(
        "INSERT INTO intake.cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed, needs,"
        " triage, submitted_at) VALUES ($1, $1::uuid::text, $1, $1, 'open', 'PK-PB', 'en', false, '{}', '{}', now())",
        [(one,) for one in ids],
    )
    return ids


async def come_to_case(store: IntakeDatabase, answered: UUID, ago: timedelta = timedelta(0)) -> None:
    async with store.intake.transaction() as tx:
        await pace.save(tx, answered)
    await store.admin.execute("UPDATE intake.pace SET at = now() - $1::interval", ago)


async def let_in(backlog: Backlog) -> list[str]:
    """Who is, of the three."""
    able = {"file": backlog.let_file_in, "read": _read(backlog), "post": backlog.let_post_in}
    return [name for name, enter in able.items() if await _enters(enter)]


def _read(backlog: Backlog) -> Callable[[], Awaitable[None]]:
    async def read() -> None:
        backlog.admit_read()

    return read


async def _enters(enter: Callable[[], Awaitable[None]]) -> bool:
    try:
        await enter()
    except Problem:
        return False
    return True


@pytest_asyncio.fixture(loop_scope="session")
async def own(store: IntakeDatabase, clock: list[float]) -> Backlog:
    """As in a process that has just started, ten seconds after the first of its looks, when twenty more have been answered."""
    backlog = Backlog(store.intake, Limits(1_000_000, MOST_WAIT), clock=lambda: clock[0])
    first, *_, last = await crowd(store, 21)
    await come_to_case(store, first)
    await backlog.look()
    await come_to_case(store, last)
    clock[0] += 10.0
    return backlog


async def test_files_give_way_then_looking_then_single_posts_as_the_wait_grows(
    store: IntakeDatabase, own: Backlog
) -> None:
    for waiting, others in (
        (20, ["file", "read", "post"]),  # ten seconds at two a second
        (26, ["read", "post"]),
        (62, ["post"]),
        (122, []),
    ):
        already = await store.admin.fetchval(
            "SELECT count(*) FROM intake.cases, intake.pace WHERE case_id > answered"
        )
        await crowd(store, waiting - already)
        await own.look()
        assert (await let_in(own), waiting) == (others, waiting)


async def test_a_few_that_wait_are_no_crowd_however_slowly_they_are_answered(
    store: IntakeDatabase, own: Backlog, clock: list[float]
) -> None:
    await crowd(store, CROWD)
    clock[0] += 3600.0
    await own.look()
    assert await let_in(own) == ["file", "read", "post"]


async def test_a_burst_is_no_crowd_before_anybody_knows_how_fast_it_goes(
    store: IntakeDatabase, clock: list[float]
) -> None:
    backlog = Backlog(store.intake, Limits(1_000_000, MOST_WAIT), clock=lambda: clock[0])
    first, second, third, *_ = await crowd(store, 500)
    for answered in (first, second, third):
        await come_to_case(store, answered)
        await backlog.look()
        assert await let_in(backlog) == ["file", "read", "post"]
        clock[0] += 4.0
    clock[0] += 2.0
    await backlog.look()
    assert await let_in(backlog) == []


async def test_where_nobody_is_answered_it_is_an_outage_and_everybody_is_let_in(
    store: IntakeDatabase, own: Backlog
) -> None:
    *_, last = await crowd(store, 200)
    await own.look()
    assert await let_in(own) == []
    await store.admin.execute("UPDATE intake.pace SET at = now() - interval '16 seconds'")
    await own.look()
    assert await let_in(own) == ["file", "read", "post"]
    await come_to_case(store, last)
    await own.look()
    assert await let_in(own) == ["file", "read", "post"]


async def test_while_people_are_told_to_come_again_they_learn_whom_to_call_and_nobody_in_danger_is(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    backlog: Backlog,
    token: Token,
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, session = await come_back(people)
    monkeypatch.setattr(backlog, "limits", Limits(1_000_000, 0.0001))
    monkeypatch.setattr(measured, "ENOUGH_SECONDS", 0.0)
    before, answered, *_ = await crowd(store, CROWD + 3)
    await come_to_case(store, before)
    await backlog.look()
    await come_to_case(store, answered)
    await backlog.look()
    refused = [await ask(people, asking()), await people.get(path, headers=session)]
    in_danger = await ask(people, asking(item9=3))
    file = await hand_in(people, token)
    crisis = await duty.post(
        "/v1/crisis/cases", json=asking(item9=3), headers={"idempotency-key": uuid4().hex}
    )
    back = await people.post(f"{path}/withdraw", json={}, headers=session)
    await store.admin.execute("UPDATE intake.pace SET at = '-infinity'")
    await backlog.look()
    assert {(one.status_code, one.headers["retry-after"]) for one in (*refused, file)} == {(503, "10")}
    assert min(cards_of(refused)) >= 3
    assert (in_danger.status_code, crisis.status_code, back.status_code) == (202, 202, 200)
    assert (await ask(people, asking())).status_code == 202
