"""Mail: what stands in it, and what a server's word at each step means."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP

from deploy.local.ports import free_port
from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, Rejected, Unclear
from services.notifications.gateways.mail import MailGateway, MailSettings
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.templates import load_reserved
from tests.waiting import PATIENCE

# As long as a slow machine may need for any step; what is waited out is the silence that a test asked for.
SILENCE = 1.5


def gateway(port: int, timeout: float = PATIENCE) -> MailGateway:
    settings = MailSettings(
        "127.0.0.1",
        port,
        "desk@humqadam.example",
        "Appointment desk",
        "humqadam.example",
        timeout_seconds=timeout,
    )
    return MailGateway(settings, load_reserved())


def a_mail(
    text: str = "Your appointment is on Tue.", to: str = "a@example.org", subject: str = "Your appointment"
) -> Outgoing:
    return Outgoing(uuid4(), to, subject, text, "en")


@pytest.mark.parametrize(
    "text", ["Plain.\nTwo lines.", ".a dot first", "آپ کی ملاقات منگل 5 جنوری، شام 4 بجے طے ہے۔"]
)
def test_a_mail_is_plain_text_with_its_id_and_nothing_to_load(text: str) -> None:
    out = a_mail(text, subject="ملاقات")
    raw = gateway(1).compose(out)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == text
    assert mail["message-id"] == f"<{out.id}@humqadam.example>"
    assert (mail["subject"], mail["to"]) == ("ملاقات", "a@example.org")
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert raw.isascii()


def test_neither_address_nor_text_stands_in_a_log_of_it() -> None:
    assert "example" not in repr(a_mail())


class Scripted:
    """A mail server that answers, or does not, as the test wants."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.received: list[bytes] = []
        self.over = asyncio.Event()

    async def handle_MAIL(self, _s: object, _x: object, envelope: object, address: str, _o: object) -> str:
        envelope.mail_from = address  # type: ignore[attr-defined]
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, _s: object, _x: object, envelope: object, address: str, _o: object) -> str:
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, server: SMTP, _x: object, envelope: object) -> str:
        self.received.append(envelope.content)  # type: ignore[attr-defined]
        if self.answers.get("data") == "hang up":
            assert server.transport is not None
            server.transport.abort()
        if self.answers.get("data") == "silence":
            await self.over.wait()
        return self.answers.get("data", "250 OK")


@asynccontextmanager
async def serving(server: Scripted) -> AsyncIterator[int]:
    port = free_port()
    make: Callable[[], SMTP] = lambda: SMTP(server, hostname="test.example")  # noqa: E731
    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port)
    try:
        yield port
    finally:
        server.over.set()
        listening.close()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, Accepted),
        ({"mail": "451 later"}, NotTaken("mail_deferred")),
        ({"rcpt": "450 later"}, NotTaken("mail_deferred")),
        ({"rcpt": "550 nobody"}, Rejected("mail_rejected")),
        ({"data": "452 full"}, NotTaken("mail_deferred")),
        ({"data": "554 no"}, Rejected("mail_rejected")),
        ({"data": "hang up"}, Unclear("mail_silent")),
        ({"data": "silence"}, Unclear("mail_silent")),
    ],
)
async def test_the_servers_word_decides(answers: dict[str, str], outcome: Outcome | type[Outcome]) -> None:
    server = Scripted(**answers)
    async with serving(server) as port:
        silent = answers.get("data") == "silence"
        out, mails = a_mail(), gateway(port, timeout=SILENCE if silent else PATIENCE)
        found = (await mails.send([out]))[out.id]
        await mails.close()
    assert found == outcome or (isinstance(outcome, type) and isinstance(found, outcome))


async def test_a_server_that_is_not_there_has_taken_nothing() -> None:
    out = a_mail()
    assert await gateway(free_port()).send([out]) == {out.id: NotTaken("mail_away")}


async def test_one_connection_carries_many_and_a_closed_one_is_replaced() -> None:
    server = Scripted()
    async with serving(server) as port:
        mails = gateway(port)
        first = [a_mail() for _ in range(5)]
        assert all(isinstance(o, Accepted) for o in (await mails.send(first)).values())
        [client] = mails._free
        client.close()
        more = [a_mail(), a_mail("bad", to="real@gmail.com"), a_mail()]
        outcomes = await mails.send(more)
        await mails.close()
    assert [type(outcomes[m.id]) for m in more] == [Accepted, Rejected, Accepted]
    assert len(server.received) == 7


async def test_a_server_that_falls_silent_is_not_asked_again_for_the_rest() -> None:
    server = Scripted(data="silence")
    async with serving(server) as port:
        mails = [a_mail(), a_mail(), a_mail()]
        outcomes = await gateway(port, timeout=SILENCE).send(mails)
    assert [outcomes[m.id] for m in mails] == [
        Unclear("mail_silent"),
        NotTaken("mail_away"),
        NotTaken("mail_away"),
    ]
    assert len(server.received) == 1
