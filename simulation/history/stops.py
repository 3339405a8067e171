"""Silence where it is owed: after a stop, while something about a person is unclear, after an hour was given back or a case ended;
and alarms, which nothing may hold up."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from simulation.history.facts import History, Message, Receipt

STOPPED_WITHIN = 5.0  # seconds from the answer to a stop
# A message that was claimed before goes out as long as its claim lasts.
CLAIM_SECONDS = 12.0
ABOUT_AN_HOUR = frozenset({"booked", "changed", "reminder"})


def told_after_a_stop(history: History) -> Iterator[str]:
    """Messages that reached somebody later than five seconds after they were told that nothing more would come."""
    for message, receipt in _arrivals(history):
        at = history.stops.get(message.person_id)
        if at is not None and receipt.received_at > at + STOPPED_WITHIN:
            yield receipt.message_id


def told_while_parked(history: History) -> Iterator[str]:
    """Messages that went out while an event about their case or person was parked at notifications."""
    parked = _by_key(history)
    for message, receipt in _arrivals(history):
        for key in (str(message.case_id), str(message.person_id)):
            for since, until in parked.get(key, ()):
                if since + CLAIM_SECONDS < receipt.received_at < until:
                    yield receipt.message_id


def told_after_a_cancellation(history: History) -> Iterator[str]:
    """Messages about an hour that went out although notifications had applied before that it was given back."""
    for message, receipt in _arrivals(history):
        at = history.cancelled.get(message.subject_id)
        if at is not None and message.purpose in ABOUT_AN_HOUR and receipt.received_at > at + CLAIM_SECONDS:
            yield receipt.message_id


def told_after_the_end(history: History) -> Iterator[str]:
    """Messages about a case that went out although notifications had applied before that it ended, but that an hour of it
    is given back."""
    for message, receipt in _arrivals(history):
        at = history.ended.get(message.case_id)
        if at is not None and message.purpose != "cancelled" and receipt.received_at > at + CLAIM_SECONDS:
            yield receipt.message_id


def alarms_held_up(history: History) -> Iterator[str]:
    """Alarms that the pager does not know of, and events about alarms that wait behind others."""
    yield from (str(a.alarm_id) for a in history.alarms if a.alarm_id not in history.paged)
    yield from (f"parked: {key}" for key in history.parked_alarms)


def _arrivals(history: History) -> Iterator[tuple[Message, Receipt]]:
    messages = {str(message.message_id): message for message in history.messages}
    for receipt in history.receipts:
        if receipt.message_id in messages:
            yield messages[receipt.message_id], receipt


def _by_key(history: History) -> Mapping[str, Sequence[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in history.parkings:
        found[one.key].append((one.since, one.until))
    return found
