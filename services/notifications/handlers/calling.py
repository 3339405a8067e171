"""A call is a way like others, but a human makes it: asked for in the person's hours, taken back outside them, and what came
of it is the fate of the message."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

from services.notifications.domain.calling import (
    ASKED_TO_STOP,
    CALL,
    IN_VAIN,
    OUTCOMES,
    RECONFIRM,
    RECONFIRM_OUTCOMES,
    RECONFIRMED,
    WRONG_NUMBER,
    after_call,
    gone,
    reconfirm_by,
)
from services.notifications.domain.outcomes import Settled
from services.notifications.domain.sending import Channel, last_moment
from services.notifications.handlers.announcing import announce, delivered, failed, skipped
from services.notifications.handlers.by_hand import ask_humans
from services.notifications.handlers.stopping import stop_people
from services.notifications.repository import by_hand, calls, sending
from services.notifications.repository.by_hand import Done
from services.notifications.repository.calls import Call, Made
from services.notifications.repository.messages import Message
from services.notifications.repository.sending import Claimed, Fate
from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.notifications import ContactReconfirmed, TaskOpened
from shared.messaging import Transaction

# Whose fate is still open when a human says what came of a call.
OPEN = frozenset({"planned", "calling"})


async def ask_to_call(tx: Transaction, wanted: Sequence[tuple[Message, datetime]]) -> None:
    """A task for each of these, once, until that moment."""
    await _open(tx, CALL, OUTCOMES, wanted)


async def hear_what_was_done(events: Sequence[TaskDone], tx: Transaction) -> None:
    """What somebody did at the worklist. Of what was told by hand nothing follows; what came of a call becomes the fate
    of its message; that a contact holds still is passed on to intake."""
    done = [
        Done(e.task_id, e.outcome, e.done_by, e.done_at) for e in events if e.opened_by == "notifications"
    ]
    if not done:
        return
    await by_hand.close_done(tx, done)
    closed = await calls.close_done(tx, done)
    if made := [one for one in closed if one.kind == CALL]:
        await _end(tx, made)
    if found := [one for one in closed if one.kind == RECONFIRM and one.outcome == RECONFIRMED]:
        await _pass_on(tx, found)


async def _pass_on(tx: Transaction, found: Sequence[Made]) -> None:
    """Contacts are intake's: it says how long these hold now, and what waits for them goes."""
    about = await sending.lock(tx, [one.message_id for one in found], get_args(Channel))
    messages = [one.message for one in about.values()]
    for one in messages:
        tx.trace(str(one.id), one.traceparent)
    tx.emit(
        [
            ContactReconfirmed(case_id=one.case_id, person_id=one.person_id, reconfirmed_at=tx.now)
            for one in messages
        ],
        causes=[str(one.id) for one in messages],
    )


async def _end(tx: Transaction, made: Sequence[Made]) -> None:
    about = await sending.lock(tx, [one.message_id for one in made], get_args(Channel))
    told = [(about[one.message_id], one) for one in made]
    going = [(message, one) for message, one in told if message.state in OPEN]
    endings = [(message, one, _settled(message, one, tx.now)) for message, one in going]
    await sending.save(tx, [_fate(*ending) for ending in endings], ours=None, claim=None)
    await _say(tx, endings)
    await _stop_whoever_asked(tx, told)


async def _say(tx: Transaction, endings: Sequence[tuple[Claimed, Made, Settled]]) -> None:
    vain = [(m.message.id, "call", made.outcome) for m, made, _ in endings if made.outcome in IN_VAIN]
    await sending.keep_tries(tx, vain)
    said = [
        (message.message, event)
        for message, _, settled in endings
        if (event := _event(message.message, settled, tx.now))
    ]
    announce(tx, said)
    lost = {m.message.id for m, made, settled in endings if made.outcome == WRONG_NUMBER and _over(settled)}
    await ask_humans(tx, [(message, event) for message, event in said if message.id not in lost])
    by = reconfirm_by(None, tx.now)
    await ask_for_contacts(tx, [(m.message, by) for m, _, _ in endings if m.message.id in lost])


async def ask_for_contacts(tx: Transaction, about: Sequence[tuple[Message, datetime]]) -> None:
    """Once a person, until their contact comes anew: somebody has to find out how they are reached now, for the message
    that is needed first."""
    of_person: dict[UUID, tuple[Message, datetime]] = {}
    for message, by in sorted(about, key=lambda one: one[1]):
        of_person.setdefault(message.person_id, (message, by))
    unasked = await calls.ask_for_contacts(tx, of_person) if of_person else set()
    wanted = [one for person, one in of_person.items() if person in unasked]
    await _open(tx, RECONFIRM, RECONFIRM_OUTCOMES, wanted)


async def _stop_whoever_asked(tx: Transaction, told: Sequence[tuple[Claimed, Made]]) -> None:
    asked: dict[UUID, tuple[UUID, UUID, Channel]] = {
        one.message.person_id: (one.message.person_id, one.message.case_id, "call")
        for one, made in told
        if made.outcome == ASKED_TO_STOP and not one.due.stopped
    }
    await stop_people(tx, list(asked.values()))


async def _open(
    tx: Transaction, kind: str, outcomes: tuple[str, ...], wanted: Sequence[tuple[Message, datetime]]
) -> None:
    if not wanted:
        return
    messages: Mapping[UUID, Message] = {message.id: message for message, _ in wanted}
    opened = await calls.open_calls(
        tx, kind, [Call(tx.new_id(), message.id, until) for message, until in wanted]
    )
    for one in opened:
        tx.trace(str(one.message_id), messages[one.message_id].traceparent)
    tx.emit(
        [
            TaskOpened(
                task_id=one.task_id,
                kind=kind,
                queue="coordinator",
                outcomes=outcomes,
                due_by=one.due_by,
                case_id=messages[one.message_id].case_id,
                appointment_id=messages[one.message_id].appointment_id,
                opened_at=tx.now,
            )
            for one in opened
        ],
        causes=[str(one.message_id) for one in opened],
    )


def _settled(one: Claimed, made: Made, now: datetime) -> Settled:
    due = one.due
    return after_call(made.outcome, made.number, due.contact, due.given_up, last_moment(due), now)


def _fate(one: Claimed, made: Made, settled: Settled) -> Fate:
    given_up = tuple(one.due.given_up)
    if settled.given_up:
        given_up += tuple(way for way in gone(made.outcome) if way not in given_up)
    return Fate(
        one.message.id, settled.state, 0 if settled.given_up else made.number, settled.due_at, channel="call", reason=settled.reason,
        given_up=given_up,
    )  # fmt: skip


def _event(message: Message, settled: Settled, now: datetime) -> Event | None:
    if settled.state == "delivered":
        return delivered(message, "call", now)
    if settled.state == "skipped":
        return skipped(message, settled.reason or "stopped", now)
    return failed(message, "call", settled, now) if _over(settled) or settled.given_up else None


def _over(settled: Settled) -> bool:
    return settled.state == "failed"
