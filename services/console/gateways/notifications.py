"""Asking notifications how somebody is reached, with the token of whoever asks here: it decides, and writes down who it was."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import orjson

PATIENCE = aiohttp.ClientTimeout(total=6.0)


class NotificationsAway(Exception):
    """No answer that can be shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`detail` says why where the status is none of success."""

    status: int
    contact: dict[str, Any] | None
    reason: str | None
    detail: str


async def how_to_reach(url: str, task_id: UUID, token: str) -> Answer:
    """Kept nowhere. Raises NotificationsAway."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.get(f"{url}/v1/calls/{task_id}", headers=headers) as answer,
        ):
            told = orjson.loads(await answer.read())
            detail = str(told.get("detail", ""))
            return Answer(answer.status, told.get("contact"), told.get("reason"), detail)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as failure:
        raise NotificationsAway(type(failure).__name__) from failure
