"""Somebody says that they want no messages: nothing that is planned for them is sent, from this transaction on."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.domain.sending import Channel
from services.notifications.handlers import by_hand
from services.notifications.handlers.taking_back import take_back
from services.notifications.repository import messages, projections, receiving
from shared.contracts.notifications import StopAsked
from shared.messaging import Transaction


async def stop_for_answers(tx: Transaction, answered: Sequence[str]) -> int:
    """Stops whoever got these messages (by what the gateway calls them), and says so, for the last gate to be closed;
    returns how many people that were. Whoever was stopped before is not told of again."""
    asked = await receiving.unstopped_readers(tx, answered)
    await stop_people(tx, asked)
    return len(asked)


async def stop_people(tx: Transaction, asked: Sequence[tuple[UUID, UUID, Channel]]) -> None:
    """(person, case, channel) of each who said so, and had not before."""
    people = [person_id for person_id, _, _ in asked]
    if not people:
        return
    await projections.save_stops(tx, [(person_id, True, tx.now) for person_id in people])
    await by_hand.close_unwanted(tx, people)
    await take_back(tx, await messages.stop(tx, people))
    tx.emit(
        StopAsked(person_id=person_id, case_id=case_id, channel=channel, asked_at=tx.now)
        for person_id, case_id, channel in asked
    )
