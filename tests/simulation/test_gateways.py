"""The simulated outside world: what it acknowledged is on disk, and one SMS id is received once."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import aiosmtplib
import orjson
import pytest
from aiohttp import web

from services.notifications.domain.outcomes import Accepted, Outcome
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.gateways.whatsapp import WhatsAppGateway
from shared.web.signatures import read_secrets, verify
from simulation.gateways.sink import Sink
from tests.waiting import until

pytestmark = pytest.mark.processes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateways:
    """The real process and a client of it."""

    def __init__(
        self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession, ports: tuple[int, int]
    ) -> None:
        self.process, self.session = process, session
        self.http_port, self.smtp_port = ports

    async def post(self, *messages: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.http_port}/v1/messages"
        async with self.session.post(url, data=orjson.dumps({"messages": messages})) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def stats(self) -> dict[str, int]:
        async with self.session.get(f"http://127.0.0.1:{self.http_port}/v1/stats") as answer:
            counts: dict[str, int] = orjson.loads(await answer.read())
            return counts

    async def up(self) -> None:
        for _ in range(200):
            try:
                await self.stats()
                return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
        raise TimeoutError


@asynccontextmanager
async def gateways(folder: Path, **environment: str) -> AsyncIterator[Gateways]:
    ports = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulation.gateways",
        env=os.environ | {"HTTP_PORT": str(ports[0]), "SMTP_PORT": str(ports[1]), "SINK_DIR": str(folder)} | environment,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            running = Gateways(process, session, ports)
            await running.up()
            yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 5)


def lines(file: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def an_sms(message_id: str, to: str = "+923991234567") -> dict[str, str]:
    return {"id": message_id, "to": to, "text": "Hello"}


async def test_one_id_is_received_once_and_answered_alike_even_after_a_kill(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        _, first = await running.post(an_sms("a"), an_sms("b"))
        _, second = await running.post(an_sms("b"), an_sms("c"))
        assert first["results"][1] == second["results"][0]
        assert (await running.stats())["repeated"] == 1
        running.process.kill()
        await running.process.wait()
    with (tmp_path / "sms.jsonl").open("ab") as torn:
        torn.write(b'{"id": "torn')
    async with gateways(tmp_path) as running:
        _, third = await running.post(an_sms("b"), an_sms("d"))
        assert third["results"][0] == second["results"][0]
    assert [line["id"] for line in lines(tmp_path / "sms.jsonl")] == ["a", "b", "c", "d"]


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, list[tuple[Mapping[str, str], bytes]]]]:
    """Whoever is told of receipts; what it was told, with the headers."""
    told: list[tuple[Mapping[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        told.append((request.headers, await request.read()))
        return web.Response(status=200 if len(told) > 1 else 503)

    app = web.Application()
    app.add_routes([web.post("/v1/receipts", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}", told
    finally:
        await runner.cleanup()


async def test_every_sms_is_told_to_have_arrived_signed_and_again_until_it_was_heard(tmp_path: Path) -> None:
    first, second = str(uuid4()), str(uuid4())
    (tmp_path / "secret").write_text("whsec_" + "b3Vyc0" * 6)
    known = read_secrets((tmp_path / "secret").read_text())
    async with receiver() as (url, told):
        settings = {"NOTIFICATIONS_URL": url, "RECEIPTS_SECRET_FILE": str(tmp_path / "secret")}
        async with gateways(tmp_path, **settings) as running:
            await running.post(an_sms(first), an_sms("by hand"))
            await until(lambda: len(told) == 2, "the receipt that was not taken, again")
            running.process.kill()
        async with gateways(tmp_path, **settings) as running:
            await running.post(an_sms(second))
            await until(lambda: second in str(told), "a receipt after the crash")
    for headers, body in told:
        verify(known, headers, body, now=time.time())
    ids = [[one["id"] for one in orjson.loads(body)["receipts"]] for _, body in told]
    assert ids[:2] == [[first], [first]]
    assert ids[-1][-1] == second


async def test_concurrent_calls_with_one_id_are_one_message(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        answers = await asyncio.gather(*(running.post(an_sms("same"), an_sms(f"own-{n}")) for n in range(20)))
        assert {answer["results"][0]["status"] for _, answer in answers} == {"accepted"}
    assert sorted(line["id"] for line in lines(tmp_path / "sms.jsonl")).count("same") == 1


async def test_a_real_number_is_rejected_and_others_go_on(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        _, answer = await running.post(an_sms("x", "+923001234567"), an_sms("y"))
        assert [one["status"] for one in answer["results"]] == ["rejected", "accepted"]


async def test_a_bad_call_is_refused(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        url = f"http://127.0.0.1:{running.http_port}/v1/messages"
        for body in (b"{", b"[]", b'{"messages": [{"id": 1}]}', b'{"messages": {}}'):
            async with running.session.post(url, data=body) as answer:
                assert answer.status == 400


async def test_a_call_of_more_than_a_hundred_is_refused(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        status, _ = await running.post(*(an_sms(str(n)) for n in range(101)))
        assert status == 413
        assert (await running.stats())["accepted"] == 0


@pytest.mark.parametrize("token", ["", "of-a-test-account"])
async def test_whatsapp_takes_what_a_stack_without_a_token_sends_too(tmp_path: Path, token: str) -> None:
    message = Outgoing(uuid4(), "+923991234567", "", "Hello", "ur-Latn", "booked", ("Fri 8 Jan", "4:00 pm"))
    async with gateways(tmp_path) as running:
        url = f"http://127.0.0.1:{running.http_port}/whatsapp/v1/1"
        answered = await WhatsAppGateway(running.session, url, token, None).send([message])
    outcome: Outcome = answered[message.id]
    assert isinstance(outcome, Accepted)
    [line] = lines(tmp_path / "whatsapp.jsonl")
    assert (line["id"], line["to"], line["language"]) == (str(message.id), message.to, "ur")
    assert line["text"] == "booked_latn | Fri 8 Jan | 4:00 pm"


async def test_mail_arrives_by_real_smtp(tmp_path: Path) -> None:
    mail = (
        b"From: desk@example.org\r\nTo: a@example.org\r\nSubject: Your appointment\r\n"
        b"Message-ID: <m-1@humqadam.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    )
    async with gateways(tmp_path) as running:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.smtp_port)
        async with client:
            await client.sendmail("desk@example.org", ["a@example.org"], mail)
    [line] = lines(tmp_path / "mail.jsonl")
    assert (line["id"], line["to"], line["subject"], line["text"]) == (
        "m-1", "a@example.org", "Your appointment", "Hello",
    )  # fmt: skip


async def test_what_is_appended_together_is_written_together(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "s.jsonl")
    await asyncio.gather(*(sink.append([{"id": str(n)}]) for n in range(100)))
    assert {line["id"] for line in lines(tmp_path / "s.jsonl")} == {str(n) for n in range(100)}
    sink.close()
