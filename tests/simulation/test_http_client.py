"""The frontend's end of HTTP: it reads every framing, never gives up a person's request, and costs little."""

import time
from pathlib import Path

import pytest

from simulation import http_client
from simulation.client_log import ClientLog, read_client_log
from simulation.http_client import Address, Connection, connection, pour
from simulation.http_wire import Unanswered, prepare, read
from tests.simulation.answering import BUSY, OK, server


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\nabc", b"abc"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: t\r\n\r\n", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", b"a"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_every_framing_is_read_and_no_byte_too_early(data: bytes, body: bytes) -> None:
    found = read(data)
    assert found is not None
    assert found[0].body == body
    assert found[1]
    assert all(read(data[:length]) is None for length in range(len(data)))


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert read(data) is None
    found = read(data, closed=True)
    assert found is not None
    assert found[0].body == b"abc"
    assert not found[1]


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(ValueError, match="not an HTTP answer"):
        read(b"SSH-2.0-x\r\n\r\n")


async def test_one_connection_serves_many_requests() -> None:
    async with server(lambda _: OK) as (address, seen), connection(address) as own:
        request = prepare("POST", "/v1/cases", address.name, b"{}", {"idempotency-key": "k"})
        answers = [await own.ask(request) for _ in range(3)]
    assert [answer.status for answer in answers] == [202] * 3
    assert answers[0].header("content-length") == "2"
    assert seen == [request] * 3


@pytest.mark.parametrize("first", [None, BUSY])
async def test_the_same_bytes_go_out_again_until_there_is_an_answer(first: bytes | None) -> None:
    failures: list[str] = []
    async with server(lambda n: first if n < 3 else OK) as (address, seen), connection(address) as own:
        request = prepare("POST", "/", address.name, b"{}", {"idempotency-key": "k"})
        answer = await own.insist(request, failed=failures.append)
    assert answer.status == 202
    assert seen == [request] * 3
    assert len(failures) == 2


async def test_a_conflict_is_asked_again_only_while_the_first_try_runs() -> None:
    def conflict(code: bytes) -> bytes:
        return b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n%s" % (len(code), code)

    async with (
        server(lambda n: conflict(b"in_flight") if n == 1 else OK) as (address, _),
        connection(address) as own,
    ):
        assert (await own.insist(b"GET / HTTP/1.1\r\n\r\n")).status == 202
    async with server(lambda _: conflict(b"taken")) as (address, _), connection(address) as own:
        assert (await own.insist(b"GET / HTTP/1.1\r\n\r\n")).status == 409


async def test_silence_ends_in_time_and_a_late_answer_is_not_taken_for_the_next() -> None:
    async with server(lambda n: b"" if n == 1 else OK) as (address, seen):
        own = Connection(address, seconds=0.05)
        with pytest.raises(Unanswered, match="no answer in time"):
            await own.ask(b"GET /1 HTTP/1.1\r\n\r\n")
        assert (await own.ask(b"GET /2 HTTP/1.1\r\n\r\n")).status == 202
        own.close()
    assert len(seen) == 2


async def test_nobody_there_is_told_after_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "PATIENCE", 0.1)
    async with connection(Address("127.0.0.1", 9)) as own:
        with pytest.raises(Unanswered, match="no connection"):
            await own.insist(b"GET / HTTP/1.1\r\n\r\n")


async def test_a_request_costs_less_than_200_microseconds(tmp_path: Path) -> None:
    log = ClientLog(tmp_path / "client.jsonl")

    async def ask(own: Connection, number: int) -> None:
        log.invoke(f"k{number}", number)
        answer = await own.insist(request)
        log.ok(f"k{number}", answer.status, "CODE", None)

    async with server(lambda _: OK) as (address, _):
        request = prepare("POST", "/v1/cases", address.name, b"x" * 900, {"idempotency-key": "k"})
        before = time.process_time()
        await pour(address, range(4000), ask, connections=64)
        cost = (time.process_time() - before) / 4000
    log.close()
    assert cost < 200e-6  # with the server's share in it, which runs in this process
    assert sum(told.status == 202 for told in read_client_log(tmp_path / "client.jsonl")) == 4000


def test_the_clients_file_gives_back_every_final_answer(tmp_path: Path) -> None:
    log = ClientLog(tmp_path / "client.jsonl")
    log.invoke("a", 1)
    log.fail("a", "status 503")
    log.ok("a", 202, "CODE", 3)
    log.invoke("b", 2)
    log.close()
    (told,) = read_client_log(tmp_path / "client.jsonl")
    assert (told.key, told.person, told.status, told.case_code, told.lines) == ("a", 1, 202, "CODE", 3)
    assert told.answered_at >= told.asked_at
