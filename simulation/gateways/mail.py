"""The mail server: real SMTP by aiosmtpd, into a sink; it takes every message, as a mail server would."""

import asyncio
import email
import time
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulation.gateways.sink import Sink
from simulation.gateways.trouble import Trouble


class MailServer:
    """Does not drop a second mail with the same Message-ID: RFC 5321 promises nothing of the kind."""

    def __init__(self, folder: Path) -> None:
        self.sink = Sink(folder / "mail.jsonl")
        self.received = len(self.sink.ids)
        self.trouble = Trouble()
        self._take = self.trouble.around(self._keep, lambda: "451 out of order, try again")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each mail; the answer goes out when the mail is on disk."""
        return await self._take(envelope)

    async def _keep(self, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.original_content or b"")
        message_id = str(message["message-id"] or "").strip("<>").partition("@")[0]
        await self.sink.append(
            [
                {
                    "id": message_id,
                    "to": ",".join(envelope.rcpt_tos),
                    "subject": _plain(str(message["subject"] or "")),
                    "text": _text(message),
                    "received_at": time.time(),
                }
            ]
        )
        self.sink.remember(message_id)
        self.received += 1
        return "250 OK"

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listens; one protocol object per connection."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._protocol, host, port)

    def _protocol(self) -> SMTP:
        return SMTP(self, hostname="simulation.example", enable_SMTPUTF8=True, decode_data=False)


def _plain(subject: str) -> str:
    """The words of a header (RFC 2047)."""
    return str(make_header(decode_header(subject))) if "=?" in subject else subject


def _text(message: Message) -> str:
    """The text of a mail of one plain part: all that we are ever sent."""
    payload = message.get_payload(decode=True)
    return (
        payload.decode("utf-8", "replace").replace("\r\n", "\n").strip() if isinstance(payload, bytes) else ""
    )
