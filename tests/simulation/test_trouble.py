"""The outside world's ends on a bad day: each kind of trouble does what it is named for, and is over when it is ended."""

import asyncio
from pathlib import Path
from typing import Any

import aiosmtplib
import orjson
import pytest

from tests.simulation.test_gateways import Gateways, an_sms, gateways, lines
from tests.waiting import until

pytestmark = pytest.mark.processes
MAIL = b"Subject: Your appointment\r\nMessage-ID: <m-1@humqadam.example>\r\n\r\nHello\r\n"


async def begin(running: Gateways, end: str, kind: str, seconds: float = 60) -> int:
    url = f"http://127.0.0.1:{running.http_port}/v1/trouble/{end}"
    async with running.session.post(url, data=orjson.dumps({"kind": kind, "seconds": seconds})) as answer:
        return answer.status


async def met(running: Gateways) -> Any:
    async with running.session.get(f"http://127.0.0.1:{running.http_port}/v1/trouble") as answer:
        return orjson.loads(await answer.read())


async def send_mail(running: Gateways) -> Any:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.smtp_port)
    await client.connect()
    try:
        return await client.sendmail("desk@example.org", ["a@example.org"], MAIL)
    finally:
        client.close()  # without a word: a silent end would not answer that either


async def test_an_end_that_fails_takes_nothing_and_takes_it_when_it_is_well_again(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        assert await begin(running, "sms", "fails") == 200
        status, _ = await running.post(an_sms("a"))
        assert status == 500
        assert lines(tmp_path / "sms.jsonl") == []
        await begin(running, "sms", "fails", 0)
        _, answer = await running.post(an_sms("a"))
        assert answer["results"][0]["status"] == "accepted"
        assert (await met(running))["sms"]["fails"] == 1


async def test_a_silent_end_has_taken_what_it_does_not_answer_for(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        await begin(running, "sms", "silent")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running.post(an_sms("a")), 1)
        await until(lambda: [line["id"] for line in lines(tmp_path / "sms.jsonl")] == ["a"], "the message")


async def test_a_slow_end_answers_in_the_end(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        await begin(running, "sms", "slow")
        _, answer = await running.post(an_sms("a"))
        assert answer["results"][0]["status"] == "accepted"
        assert (await met(running))["sms"]["slow"] == 1


async def test_mail_that_is_put_off_is_not_kept_and_mail_without_an_answer_is(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        await begin(running, "smtp", "fails")
        with pytest.raises(aiosmtplib.SMTPResponseException, match="451"):
            await send_mail(running)
        assert lines(tmp_path / "mail.jsonl") == []
        await begin(running, "smtp", "silent")
        sending = asyncio.create_task(send_mail(running))
        await until(lambda: len(lines(tmp_path / "mail.jsonl")) == 1, "the mail")
        sending.cancel()
        await asyncio.wait([sending])


async def test_trouble_that_nobody_knows_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with gateways(tmp_path) as running:
        answers = [
            await begin(running, end, kind, seconds)
            for end, kind, seconds in [("fax", "slow", 1), ("sms", "sulks", 1), ("sms", "slow", -1)]
        ]
        assert answers == [422, 422, 422]
        _, answer = await running.post(an_sms("a"))
        assert answer["results"][0]["status"] == "accepted"
