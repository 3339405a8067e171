"""Asking the running process that can do it, and what it answered."""

from typing import Any

from services.console.repository import requests
from services.console.repository.catalog import opened
from services.console.repository.requests import Wish
from services.console.settings import ConsoleSettings


async def asked(settings: ConsoleSettings, wish: Wish) -> dict[str, Any]:
    """The request as a row: its state is `done`, `failed`, or still `asked` when nobody served it in time."""
    async with opened(settings.database_url) as connection:
        request = await requests.ask(connection, wish)
        state, result = await requests.answered(connection, wish.service, request, settings.answer_seconds)
    if state == "asked":
        result = "no running process has served it yet; it stays asked"
    return {"request": request, "action": wish.action, "service": wish.service, "group": wish.group,
            "state": state, "result": result}  # fmt: skip
