"""Time passes in matching's tests: due rows are worked off as the kernel's loop would call their handlers."""

from datetime import datetime
from typing import Any

from services.matching.handlers.hearing import due_handlers
from shared.messaging import Due
from tests.matching.conftest import Office

TAKE = "DELETE FROM due WHERE kind = $1 AND at <= $2 RETURNING key, at, body"


async def come_due(office: Office, now: datetime | None = None) -> None:
    """Everything about therapists that is due by then, and what follows from it at once."""
    office.now["now"] = now = now or office.now["now"]
    handlers: dict[str, Any] = dict(due_handlers(office.matchmaker))
    for kind in ("suspension", "continuity"):
        rows = await office.database.pool.fetch(TAKE, kind, now)
        if rows:
            await office.hear(handlers[kind], *(Due(kind, r["key"], r["at"], r["body"]) for r in rows))
