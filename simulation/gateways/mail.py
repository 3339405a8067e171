"""The mail server: real SMTP by aiosmtpd, into a sink; it takes every message, as a mail server would."""

import asyncio
import email
import email.policy
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulation.gateways.sink import Sink


class MailServer:
    """Does not drop a second mail with the same Message-ID: RFC 5321 promises nothing of the kind."""

    def __init__(self, folder: Path) -> None:
        self.sink = Sink(folder / "mail.jsonl")
        self.received = len(self.sink.ids)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each mail; the answer goes out when the mail is on disk."""
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        body = message.get_body(("plain",))
        message_id = str(message["message-id"] or "").strip("<>").partition("@")[0]
        await self.sink.append(
            [
                {
                    "id": message_id,
                    "to": ",".join(envelope.rcpt_tos),
                    "subject": str(message["subject"] or ""),
                    "text": body.get_content().strip() if body else "",
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
