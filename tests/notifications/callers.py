"""People who are to be called, and what those who call them say."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notifications.domain.sending import Channel
from services.notifications.handlers.sending import claim_due
from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.intake import WeeklyWindow
from tests.notifications.facts import NOW, Desk, a_booking
from tests.notifications.outside import OutsideWorld

NUMBER = "+923991234567"
SOON = NOW + timedelta(hours=30)
# NOW is a Tuesday, 13:00 in Karachi.
UNTIL_FIVE = tuple(WeeklyWindow(day=day, start=9 * 60, end=17 * 60) for day in range(1, 8))
FIVE = NOW + timedelta(hours=4)


async def due(desk: Desk, *offered: Channel) -> None:
    async with desk.database.transaction() as tx:
        await claim_due(tx, 100, timedelta(seconds=12), offered or ("sms",))


async def to_call(desk: Desk, outside: OutsideWorld, *more: Event, **contact: Any) -> UUID:
    """Somebody with an hour whose turn to be called has come."""
    person = uuid4()
    wishes = {"channels": ("call",), "safe_windows": UNTIL_FIVE} | contact
    await desk.tell(outside.a_contact(person, NUMBER, **wishes), a_booking(person, start=SOON), *more)
    await due(desk)
    return person


async def open_task(desk: Desk) -> UUID:
    [(task,)] = await desk.pool.fetch("SELECT task_id FROM calls WHERE closed_at IS NULL")
    return UUID(str(task))


async def done(desk: Desk, outcome: str, task: UUID | None = None, by: str = "coordinator-1") -> None:
    await desk.tell(
        TaskDone(
            task_id=task or await open_task(desk), opened_by="notifications", kind="call_person",
            outcome=outcome, done_by=by, done_at=desk.now,
        )
    )  # fmt: skip
