"""Nobody has confirmed for too long how somebody is reached: what is due waits for it, and a human is asked, once a person."""

from collections.abc import Sequence

from services.notifications.domain.calling import reconfirm_by
from services.notifications.domain.sending import (
    HELD_WAIT,
    UNCONFIRMED,
    Decision,
    Later,
    Skip,
    last_moment,
)
from services.notifications.handlers.calling import ask_for_contacts
from services.notifications.repository import calls
from services.notifications.repository.sending import Claimed
from shared.messaging import Transaction

Decided = list[tuple[Claimed, Decision]]


async def hold_unconfirmed(tx: Transaction, decided: Decided) -> Decided:
    """The same decisions; but what waits for somebody whose contact is just changing is looked at again in a moment, or it
    would not be found by what comes. Of the others somebody is asked."""
    waiting = [one for one, decision in decided if _waits(decision)]
    if not waiting:
        return decided
    silent = await calls.unconfirmed(tx, {one.message.person_id for one in waiting})
    await _ask(tx, [one for one in waiting if one.message.person_id in silent])
    soon = Later(tx.now + HELD_WAIT, UNCONFIRMED)
    return [
        (one, soon if _waits(decision) and one.message.person_id not in silent else decision)
        for one, decision in decided
    ]


async def _ask(tx: Transaction, waiting: Sequence[Claimed]) -> None:
    await ask_for_contacts(tx, [(one.message, reconfirm_by(last_moment(one.due), tx.now)) for one in waiting])


def _waits(decision: Decision) -> bool:
    return isinstance(decision, Later | Skip) and decision.reason == UNCONFIRMED
