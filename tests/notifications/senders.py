"""A running sender with the real gateways, and what tests wait for while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from services.notifications.domain.sending import Channel
from services.notifications.gateways.mail import MailGateway, MailSettings
from services.notifications.gateways.sms import SmsGateway
from services.notifications.gateways.vault import Vault
from services.notifications.gateways.whatsapp import WhatsAppGateway
from services.notifications.sender.messages import Gateway, Sender
from services.notifications.settings import SenderSettings
from services.notifications.templates import load_languages, load_reserved
from tests.notifications.facts import Desk
from tests.notifications.outside import TOKEN, OutsideWorld
from tests.waiting import PATIENCE, running, until


@asynccontextmanager
async def sending(desk: Desk, outside: OutsideWorld, **changes: Any) -> AsyncIterator[Sender]:
    """A running sender; when left, it has finished what was under way."""
    urls = {"vault": outside.url, "sms": outside.url, "whatsapp": outside.url} | changes.pop("urls", {})
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    mail = MailGateway(
        MailSettings(
            "127.0.0.1",
            outside.smtp_port,
            "desk@humqadam.example",
            "Appointment desk",
            "humqadam.example",
            timeout_seconds=PATIENCE,
        ),
        load_reserved(),
    )
    stop = asyncio.Event()
    async with aiohttp.ClientSession(timeout=timeout) as session:
        vault = Vault(session, urls["vault"], changes.pop("token", TOKEN))
        gateways: dict[Channel, Gateway] = {
            "sms": SmsGateway(session, urls["sms"], load_reserved()),
            "email": mail,
            "whatsapp": WhatsAppGateway(
                session, f"{urls['whatsapp']}/whatsapp/v1/1", "token", load_reserved()
            ),
        }
        for left_out in changes.pop("without", ()):
            del gateways[left_out]
        limits = changes.pop("limits", ())
        settings = SenderSettings(poll_seconds=0.02, **changes)
        sender = Sender(desk.database, vault, gateways, load_languages(), settings, limits)
        try:
            async with running(stop, sender.run(stop)):
                yield sender
        finally:
            await mail.close()


async def settled(desk: Desk, *states: str) -> list[tuple[Any, ...]]:
    """(purpose, state, reason) of all messages once none that is due is in another state."""
    due: list[tuple[Any, ...]] = []

    async def all_settled() -> bool:
        query = "SELECT purpose, state, reason FROM messages WHERE due_at <= $1"
        due[:] = [tuple(row) for row in await desk.pool.fetch(query, desk.now)]
        return bool(due) and all(state in states for _, state, _ in due)

    await until(all_settled, f"every message {' or '.join(states)}")
    return due


async def seen(desk: Desk, columns: str, *values: Any) -> None:
    """Until a message has these values."""

    async def there() -> bool:
        return values in await desk.messages(*columns.split())

    await until(there, f"a message with {columns} = {values}")
