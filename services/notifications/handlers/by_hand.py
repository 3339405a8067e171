"""When the last way has failed a human is asked: opened, and closed when nobody has to do it."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from services.notifications.domain.by_hand import KIND, OUTCOMES, due_by, due_by_of_offer
from services.notifications.domain.calling import RECONFIRM
from services.notifications.domain.planning import Void
from services.notifications.handlers.taking_back import say_closed
from services.notifications.repository import by_hand as repository
from services.notifications.repository import calls
from services.notifications.repository.by_hand import ByHand
from services.notifications.repository.messages import Message
from shared.contracts.base import Event
from shared.contracts.notifications import MessageFailed, TaskOpened
from shared.messaging import Transaction


async def ask_humans(tx: Transaction, told: Iterable[tuple[Message, Event]]) -> None:
    """A task for each last chance that was missed, of an hour that is near or of a choice; `told` is what was just announced."""
    missed = [message for message, event in told if isinstance(event, MessageFailed) and event.last_chance]
    if not missed:
        return
    wanted = await _about_hours(tx, missed) + await _about_offers(tx, missed)
    opened = await repository.open_tasks(tx, wanted) if wanted else set()
    fresh = [one for one in wanted if one.task_id in opened]
    tx.emit((_opened(tx, one) for one in fresh), causes=[str(one.message.id) for one in fresh])


async def _about_hours(tx: Transaction, missed: Sequence[Message]) -> list[ByHand]:
    known = {message.appointment_id for message in missed if message.appointment_id}
    hours = await repository.hours(tx, known) if known else {}
    return [
        ByHand(tx.new_id(), message, at)
        for message in missed
        if message.appointment_id
        and (at := due_by(message.purpose, message.version, hours.get(message.appointment_id), tx.now))
    ]


async def _about_offers(tx: Transaction, missed: Sequence[Message]) -> list[ByHand]:
    about = [message for message in missed if message.purpose == "offer"]
    offered = await repository.offered(tx, about) if about else {}
    return [
        ByHand(tx.new_id(), message, at, offer.match_id)
        for message in about
        if (offer := offered.get(message.case_id)) and (at := due_by_of_offer(offer.expires_at, tx.now))
    ]


async def close_outdated(tx: Transaction, voids: Sequence[Void]) -> None:
    """An hour that has moved or was taken back is told of anew; nobody has to tell the old one."""
    below = [(void.subject_id, void.below) for void in voids if void.subject_id != void.case_id]
    if below:
        say_closed(tx, await repository.close_outdated(tx, below))


async def close_decided(tx: Transaction, case_ids: Collection[UUID]) -> None:
    """What was chosen, declined, offered anew or has ended is not to be told of by hand either."""
    if case_ids:
        say_closed(tx, await repository.close_decided(tx, case_ids))


async def close_unwanted(tx: Transaction, people: Collection[UUID]) -> None:
    """Whoever has said that they want no messages is not to be called, nor looked for."""
    if people:
        say_closed(tx, await repository.close_unwanted(tx, people))
        say_closed(tx, await calls.close_of_people(tx, RECONFIRM, people))
        await calls.ask_no_more(tx, people)


def _opened(tx: Transaction, one: ByHand) -> TaskOpened:
    return TaskOpened(
        task_id=one.task_id,
        kind=KIND,
        queue="coordinator",
        outcomes=OUTCOMES,
        due_by=one.due_by,
        priority=1,
        case_id=one.message.case_id,
        appointment_id=one.message.appointment_id,
        opened_at=tx.now,
    )
