"""A file as it comes: results while it is sent, nothing half when it breaks off, and few files at a time."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import orjson
import pytest
from fastapi import FastAPI

from services.intake import roles
from services.intake.api.backlog import Backlog
from services.intake.api.bulk import BODIES, PATH, BulkTurns, streams, turns
from services.intake.api.cards import CardDeck
from services.intake.domain.policy import Policy
from services.intake.handlers.bulk import BulkLine, Settled
from services.intake.settings import Settings
from shared.messaging import Database, Transaction
from shared.web import Problem
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_bulk import NDJSON, cases, hand_over, line, practice, references
from tests.waiting import until

__all__ = ["practice"]


class Client:
    """The other end of one request, message by message."""

    def __init__(self, people: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.status = 0
        self.answer = b""
        self.ended = False
        sent = headers | {"Content-Type": NDJSON}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()]
            + [(b"transfer-encoding", b"chunked")],
            "server": ("intake", 80),
            "client": ("tests", 1),
        }
        app: FastAPI = people._transport.app  # type: ignore[attr-defined]
        self.served = asyncio.create_task(app(scope, self.coming.get, self._send))

    def sends(self, content: bytes, *, more: bool = True) -> None:
        self.coming.put_nowait({"type": "http.request", "body": content, "more_body": more})

    def goes_away(self) -> None:
        self.coming.put_nowait({"type": "http.disconnect"})

    @property
    def results(self) -> list[dict[str, Any]]:
        return [orjson.loads(one) for one in self.answer.splitlines()]

    async def _send(self, message: Any) -> None:
        await self.reading.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.answer += message["body"]
            self.ended = not message.get("more_body", False)


async def test_who_sends_line_by_line_has_each_result_before_the_next(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    client = Client(people, practice)
    for place, own in enumerate(references(3)):
        client.sends(line(own))
        await until(lambda: len(client.results) == place + 1, "the result")  # noqa: B023 - awaited here
    client.sends(b"", more=False)
    await client.served
    assert client.ended
    assert [one["outcome"] for one in client.results] == ["accepted"] * 3


async def test_who_goes_away_leaves_whole_lines_behind_and_half_a_line_is_none(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    before, own = await cases(store), references(2)
    client = Client(people, practice)
    client.sends(line(own[0]) + line(own[1])[:-2])
    await until(lambda: len(client.results) == 1, "the result")
    client.goes_away()
    await client.served
    assert not client.ended
    assert await cases(store) == before + 1
    again = await hand_over(people, practice, b"".join(map(line, own)))
    assert [one["outcome"] for one in again] == ["already_accepted", "accepted"]


async def test_who_reads_only_when_all_is_sent_is_not_waited_for(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    before = await cases(store)
    client = Client(people, practice)
    client.reading.clear()
    client.sends(b"".join(map(line, references(250))))
    client.sends(b"".join(map(line, references(250))), more=False)
    await until(lambda: _counted(store, before + 500), "500 cases")
    assert client.answer == b""
    client.reading.set()
    await client.served
    assert len(client.results) == 500


async def _counted(store: IntakeDatabase, expected: int) -> bool:
    return await cases(store) == expected


async def test_who_never_reads_is_left_and_the_place_is_free(
    people: httpx2.AsyncClient, practice: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STALLED_SECONDS", 0.1)
    clients = [Client(people, practice) for _ in range(turns.UPLOADS)]
    for client in clients:
        client.reading.clear()
        client.sends(line(uuid4().hex), more=False)
    await asyncio.gather(*(client.served for client in clients))
    assert len(await hand_over(people, practice, line("a"))) == 1


async def test_who_sends_nothing_any_more_is_left(
    people: httpx2.AsyncClient, practice: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "IDLE_SECONDS", 0.1)
    client = Client(people, practice)
    client.sends(line("a"))
    await client.served
    assert len(client.results) == 1


async def test_results_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RESULTS_WAITING", 100)
    monkeypatch.setattr(streams, "STALLED_SECONDS", 0.2)
    gate = asyncio.Event()

    async def send(message: object) -> None:
        await gate.wait()

    results = streams.Results(send, [])
    await results.put(b"x" * 100)
    with pytest.raises(streams.Gone):
        await results.put(b"x")
    gate.set()
    await results.put(b"x")
    await results.end()


async def test_no_more_than_a_batch_is_read_before_it_is_durable() -> None:
    given = 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": b"{}\n" * streams.BATCH, "more_body": given < 50}

    from services.intake.domain.bulk_lines import LineSplitter

    batches = streams.batches_of(receive, LineSplitter())
    for taken in range(1, 51):
        assert len(await anext(batches)) == streams.BATCH
        assert given <= taken + 1
    assert await anext(batches, None) is None


async def test_one_file_too_many_is_told_to_come_again_before_it_is_read(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    clients = [Client(people, practice) for _ in range(turns.UPLOADS)]
    for client in clients:
        client.sends(line(uuid4().hex))
    await until(lambda: all(client.results for client in clients), "a result for each")
    late = Client(people, practice)
    await late.served
    assert (late.status, orjson.loads(late.answer)["code"]) == (503, "overloaded")
    for client in clients:
        client.sends(b"", more=False)
        await client.served
    assert len(await hand_over(people, practice, line("a"))) == 1


async def test_single_posts_go_on_while_files_are_read(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    from tests.intake.test_asking import ask, asking

    clients = [Client(people, practice) for _ in range(turns.UPLOADS)]
    for client in clients:
        client.sends(b"".join(map(line, references(600))), more=False)
    answers = await asyncio.gather(*(ask(people, asking()) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert not all(client.ended for client in clients)
    await asyncio.gather(*(client.served for client in clients))


async def test_a_file_that_is_announced_as_too_large_is_not_read(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    headers = practice | {"Content-Type": NDJSON, "Content-Length": str(BODIES.limit + 1)}
    answer = await people.post(PATH, content=b"", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_file_that_turns_out_too_large_keeps_what_it_had_and_says_where_it_ended(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    client = Client(people, practice)
    client.sends(line("a") + line("b"))
    client.sends(b" " * BODIES.limit)
    await client.served
    assert client.ended
    assert [(one["line"], one["outcome"]) for one in client.results] == [
        (1, "accepted"),
        (2, "accepted"),
        (3, "rejected"),
    ]
    assert client.results[2]["problem"]["code"] == "too_large"
    nothing_but_one_line = Client(people, practice)
    nothing_but_one_line.sends(b" " * (BODIES.limit + 1))
    await nothing_but_one_line.served
    assert nothing_but_one_line.status == 413


async def test_the_same_file_twice_at_once_makes_one_case_a_line(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    before, file = await cases(store), b"".join(map(line, references(300)))
    both = await asyncio.gather(*(hand_over(people, practice, file) for _ in range(3)))
    codes = [[one["case_code"] for one in results] for results in both]
    assert codes[0] == codes[1] == codes[2]
    assert await cases(store) == before + 300


async def test_two_processes_that_take_the_same_lines_at_once_make_one_case_a_line(
    store: IntakeDatabase, secrets: Settings, policy: Policy, backlog: Backlog
) -> None:
    before, sender = await cases(store), uuid4().hex
    cases_counter = roles._case_counter(
        secrets, policy, CardDeck(policy.lines, policy.other_help), store.intake, backlog.let_post_in
    )
    counters = [roles._bulk_counter(secrets, cases_counter, store.intake, backlog) for _ in range(2)]
    from services.intake.handlers.submission import Asked
    from tests.intake.people import somebody

    lines = [BulkLine(uuid4().bytes, b"same", Asked(somebody(), None)) for _ in range(100)]
    orders = (lines, lines[::-1])
    answers = await asyncio.gather(
        *(one.turns.settle(order, sender) for one, order in zip(counters, orders, strict=True))
    )
    outcomes = [one.outcome for answer in answers for one in answer if isinstance(one, Settled)]
    assert sorted(outcomes) == ["accepted"] * 100 + ["already_accepted"] * 100
    assert await cases(store) == before + 100


def breaking(database: Database, work: Callable[[int], None]) -> BulkTurns:
    """Turns whose n-th transaction meets what `work(n)` raises, after its rows were written."""
    tries = 0

    async def accept(lines: Any, tx: Transaction, sender: str) -> list[Settled]:
        nonlocal tries
        tries += 1
        await tx.connection.execute("CREATE TEMP TABLE IF NOT EXISTS half (x int) ON COMMIT DROP")
        work(tries)
        return [Settled("accepted") for _ in lines]

    return BulkTurns(database, accept, lambda: 0)


LINES: Any = [BulkLine(bytes([n]), b"", None) for n in range(8)]  # type: ignore[arg-type]


async def test_a_batch_is_tried_again_after_a_failure_that_passes(store: IntakeDatabase) -> None:
    def deadlock_once(tries: int) -> None:
        if tries == 1:
            raise asyncpg.DeadlockDetectedError

    settled = await breaking(store.intake, deadlock_once).settle(LINES, "x")
    assert settled == [Settled("accepted")] * 8


async def test_while_the_database_is_away_every_line_is_told_to_come_again(
    store: IntakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PAUSES", (0.01,))

    def away(tries: int) -> None:
        raise ConnectionResetError

    settled = await breaking(store.intake, away).settle(LINES, "x")
    assert [one.code for one in settled if isinstance(one, Problem)] == ["try_again"] * 8


async def test_a_line_that_breaks_its_batch_stands_alone(store: IntakeDatabase) -> None:
    async def accept(lines: Any, tx: Transaction, sender: str) -> list[Settled]:
        if LINES[5] in lines:
            raise RuntimeError("a value that must not be told")
        return [Settled("accepted") for _ in lines]

    settled = await BulkTurns(store.intake, accept, lambda: 0).settle(LINES, "x")
    assert [isinstance(one, Problem) for one in settled] == [place == 5 for place in range(8)]
    assert settled[5].document()["code"] == "internal"  # type: ignore[union-attr]


async def test_while_people_wait_files_are_not_begun_and_those_begun_give_way(store: IntakeDatabase) -> None:
    waiting, taken = turns.CROWD, 0

    async def accept(lines: Any, tx: Transaction, sender: str) -> list[Settled]:
        nonlocal taken
        taken += 1
        return [Settled("accepted") for _ in lines]

    some = BulkTurns(store.intake, accept, lambda: waiting)
    async with some.upload():
        waiting += 1
        with pytest.raises(Problem) as refused:
            async with some.upload():
                raise AssertionError("begun")
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "2")
        settling = asyncio.create_task(some.settle(LINES, "x"))
        await asyncio.sleep(turns.LOOK_SECONDS * 3)
        assert taken == 0
        waiting -= 1
        await settling
        assert taken == 1


async def test_a_file_that_was_begun_is_finished_although_people_never_stop_coming(
    store: IntakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "GIVE_WAY_SECONDS", 0.05)

    async def accept(lines: Any, tx: Transaction, sender: str) -> list[Settled]:
        return [Settled("accepted") for _ in lines]

    assert len(await BulkTurns(store.intake, accept, lambda: turns.CROWD + 1).settle(LINES, "x")) == 8
