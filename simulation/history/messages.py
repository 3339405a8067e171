"""Everybody is told, once: what reached the sinks against what notifications says it sent."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID

from simulation.history.facts import History, Message
from simulation.history.outcomes import booked_cases

OUTSIDE = frozenset({"sms", "email", "whatsapp"})
CAME = frozenset({"arrived", "fulfilled"})
# How many versions after the last news people are told nothing of: they were there, or are asked after.
UNTOLD_STEPS = {"arrived": 1, "fulfilled": 2, "no_show": 1}
# What may still be said of an hour that is over.
AFTERWARDS = {"arrived": "", "fulfilled": "", "no_show": "checkin", "cancelled": "cancelled"}
OPEN = frozenset({"planned", "sending", "calling"})
# What tells how a case stands; whoever waits is told so alone, or with the other help that there is meanwhile.
NEWS_OF_A_CASE = frozenset({"booked", "changed", "cancelled", "waitlisted", "alternative"})


def told_twice(history: History) -> Iterator[str]:
    """(person, purpose, subject, version) that reached a sink more than once, by one id or by several; and
    what reached one of our people without being any message of ours."""
    messages = {str(message.message_id): message for message in history.messages}
    ours = frozenset(address for address in history.addresses.values() if address)
    arrived: Counter[tuple[UUID, str, UUID, int]] = Counter()
    for receipt in history.receipts:
        message = messages.get(receipt.message_id)
        if message is not None:
            arrived[promise(message)] += 1
        elif receipt.to in ours and receipt.message_id not in history.earlier:
            yield f"unknown message {receipt.message_id}"
    yield from (
        f"{purpose} {subject} {version}" for (_, purpose, subject, version), n in arrived.items() if n > 1
    )


def never_arrived(history: History) -> Iterator[str]:
    """Messages that count as taken by the outside, or as delivered, and are in no sink."""
    arrived = {receipt.message_id for receipt in history.receipts}
    for message in history.messages:
        if (
            message.state in ("sent", "delivered")
            and message.channel in OUTSIDE
            and str(message.message_id) not in arrived
        ):
            yield str(message.message_id)


def arrived_elsewhere(history: History) -> Iterator[str]:
    """Messages that reached another address than the one that was given for their person, be it the asker or somebody
    who takes part."""
    asked = {told.case_code: told.person for told in history.told if told.person in history.addresses}
    asker_of = {
        case.case_id: (case.person_id, asked[case.case_code])
        for case in history.cases
        if case.case_code in asked
    }
    messages = {str(message.message_id): message for message in history.messages}
    for receipt in history.receipts:
        message = messages.get(receipt.message_id)
        if message is None or message.case_id not in asker_of:
            continue
        person_id, number = asker_of[message.case_id]
        own = {history.addresses[number]}
        if receipt.to not in (own if message.person_id == person_id else history.others.get(number, ())):
            yield receipt.message_id


def untold(history: History) -> Iterator[str]:
    """Cases that were booked, moved, given back or waitlisted, for which no message was ever planned about what stands
    now. Whoever came knew of it: where no news at all could be planned until they were there, none is owed."""
    planned: dict[UUID, set[tuple[UUID, int]]] = defaultdict(set)
    for message in history.messages:
        if message.purpose in NEWS_OF_A_CASE:
            planned[message.case_id].add((message.subject_id, message.version))
    for own in history.all_appointments():
        if own.state in CAME and not planned[own.case_id]:
            continue
        if (own.appointment_id, own.version - UNTOLD_STEPS.get(own.state, 0)) not in planned[own.case_id]:
            yield str(own.case_id)
    booked = booked_cases(history)
    yield from (str(case_id) for case_id in history.waitlisted - booked if not planned[case_id])


def not_asked_after(history: History) -> Iterator[str]:
    """Cases that missed their hour and for which nothing was planned to ask how they are."""
    asked = {(one.subject_id, one.version) for one in history.messages if one.purpose == "checkin"}
    for own in history.all_appointments():
        if own.state == "no_show" and (own.appointment_id, own.version) not in asked:
            yield str(own.case_id)


def about_what_is_over(history: History) -> Iterator[str]:
    """Messages that would still go out about an hour that took place, was missed or given back, or about a case that has
    ended, and are not the last word about it."""
    last = {
        own.appointment_id: AFTERWARDS[own.state]
        for own in history.all_appointments()
        if own.state in AFTERWARDS
    }
    for message in history.messages:
        over = message.case_id in history.ended and message.purpose != "cancelled"
        if message.state in OPEN and (
            over or message.purpose != last.get(message.subject_id, message.purpose)
        ):
            yield str(message.message_id)


def promise(message: Message) -> tuple[UUID, str, UUID, int]:
    """What may be told to one person once."""
    return (message.person_id, message.purpose, message.subject_id, message.version)
