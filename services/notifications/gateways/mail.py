"""Mail by SMTP over a few connections that stay open. A mail that may have arrived is never sent again."""

import contextlib
from base64 import encodebytes
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from uuid import UUID

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from services.notifications.domain.addresses import Reserved, refusal
from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, Rejected, Unclear
from services.notifications.gateways.outgoing import Outgoing

AWAY = "mail_away"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail goes and whom it is from; a sender's name is neutral too."""

    host: str
    port: int
    sender: str
    sender_name: str
    message_id_domain: str
    username: str | None = None
    password: str | None = None
    start_tls: bool | None = None
    timeout_seconds: float = 4.0


class MailGateway:
    """`reserved` is None in production only."""

    def __init__(self, settings: MailSettings, reserved: Reserved | None) -> None:
        self._settings = settings
        self._reserved = reserved
        self._free: list[aiosmtplib.SMTP] = []

    async def send(self, messages: Sequence[Outgoing]) -> dict[UUID, Outcome]:
        """An outcome for every message, sent one after the other over one connection; never raises for one.
        When the server is away or silent the rest is not even tried: each would wait for its own timeout."""
        outcomes: dict[UUID, Outcome] = {}
        away = False
        for message in messages:
            reason = refusal("email", message.to, self._reserved)
            if reason:
                outcomes[message.id] = Rejected(reason)
            elif away:
                outcomes[message.id] = NotTaken(AWAY)
            else:
                outcomes[message.id] = outcome = await self._send_one(message)
                away = isinstance(outcome, Unclear) or outcome == NotTaken(AWAY)
        return outcomes

    async def close(self) -> None:
        """Says goodbye on every open connection."""
        for client in self._free:
            with contextlib.suppress(SMTPException, OSError, TimeoutError):
                await client.quit()
        self._free.clear()

    async def _send_one(self, message: Outgoing) -> Outcome:
        """The server's word at each step decides; silence is only unclear once the content is on its way."""
        given = False
        try:
            async with self._connection(message.to) as client:
                given = True
                await client.data(self.compose(message))
            return Accepted(str(message.id))
        except SMTPResponseException as answer:
            return Rejected("mail_rejected") if answer.code >= 500 else NotTaken("mail_deferred")
        except (SMTPException, OSError, TimeoutError):
            return Unclear("mail_silent") if given else NotTaken(AWAY)

    @asynccontextmanager
    async def _connection(self, to: str) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection on which sender and recipient are accepted; kept only when all went well."""
        client = await self._addressed(to)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._free.append(client)

    async def _addressed(self, to: str) -> aiosmtplib.SMTP:
        """An idle connection may have been closed by the server: then a new one, before anything has left."""
        while self._free:
            client = self._free.pop()
            with contextlib.suppress(aiosmtplib.SMTPServerDisconnected, OSError, TimeoutError):
                return await self._envelope(client, to)
            client.close()
        return await self._envelope(await self._connect(), to)

    async def _envelope(self, client: aiosmtplib.SMTP, to: str) -> aiosmtplib.SMTP:
        try:
            await client.mail(self._settings.sender)
            await client.rcpt(to)
        except SMTPResponseException:
            client.close()
            raise
        return client

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            start_tls=settings.start_tls,
            timeout=settings.timeout_seconds,
        )
        await client.connect()
        return client

    def compose(self, message: Outgoing) -> bytes:
        """A plain text mail (RFC 5322). No link, no picture, nothing that is loaded from anywhere;
        built by hand because the standard library's message takes 300 µs, a fifth of the whole sending."""
        settings = self._settings
        plain = message.text.isascii()
        lines = (
            f"From: {settings.sender_name} <{settings.sender}>",
            f"To: {message.to}",
            f"Subject: {_header(message.subject)}",
            f"Date: {format_datetime(datetime.now(UTC))}",
            f"Message-ID: <{message.id}@{settings.message_id_domain}>",
            f"Content-Language: {message.language}",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Transfer-Encoding: {'7bit' if plain else 'base64'}",
            "",
            *(message.text if plain else encodebytes(message.text.encode()).decode()).splitlines(),
            "",
        )
        return "\r\n".join(lines).encode()


def _header(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8").encode()
