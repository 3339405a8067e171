"""What was planned and is not told after all: said of each message, and nobody has to call about it any more."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.notifications.domain.calling import CALL
from services.notifications.handlers.announcing import announce, skipped
from services.notifications.repository import calls
from services.notifications.repository.messages import Message
from shared.contracts.notifications import TaskClosed
from shared.messaging import Transaction


async def take_back(tx: Transaction, untrue: Sequence[tuple[Message, str]]) -> None:
    """These messages, each with its reason."""
    announce(tx, [(message, skipped(message, reason, tx.now)) for message, reason in untrue])
    await call_off(tx, [message.id for message, _ in untrue])


async def call_off(tx: Transaction, message_ids: Sequence[UUID]) -> None:
    """Nobody is to call about these now; asked for again, it is the same task."""
    if message_ids:
        say_closed(tx, await calls.close(tx, CALL, message_ids))


def say_closed(tx: Transaction, closed: Iterable[UUID]) -> None:
    """Nobody has to do these tasks any more."""
    tx.emit(
        TaskClosed(task_id=one, outcome="not_needed", closed_by="system", closed_at=tx.now) for one in closed
    )
