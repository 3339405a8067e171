"""How long people waited: from the first byte of the request to the message in a sink."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any
from uuid import UUID

from simulation.history.facts import History, Message
from simulation.history.messages import OUTSIDE
from simulation.history.outcomes import booked_cases

WAITLISTED = "matching.case_waitlisted.v1"
WAITS_FOR_A_HUMAN = "R3"  # a clinician speaks with them before anybody is looked for


NEWS = frozenset({"booked", "changed", "waitlisted", "alternative"})


def figures(history: History) -> dict[str, Any]:
    """Seconds from the first post to the last outcome or first news, journeys (people who were booked and told by then),
    and percentiles of the waits.

    The end and the waits are of those who waited for nobody but us: how long somebody takes to choose or to change
    their mind, a guardian to agree, or a clinician or a coordinator to call, is no speed of ours. What somebody hears later, because their
    therapist goes on leave, is news of another day.
    """
    own = without_others_time(history)
    arrived = first_news(history)
    first = min((told.asked_at for told in own.told), default=0.0)
    seconds = _last_outcome(own, arrived, first) - first
    booked = booked_cases(history)
    journeys = sum(case in booked and at - first <= seconds for case, at in arrived.items())
    waits = latencies(own)
    return {
        "seconds": round(seconds, 3),
        "journeys": journeys,
        "journeys_per_second": round(journeys / seconds, 1) if seconds else 0.0,
        "p50_s": round(percentile(waits, 0.50), 3),
        "p99_s": round(percentile(waits, 0.99), 3),
    }


def without_others_time(history: History) -> History:
    """The same without the people who wished to choose, those who changed their hour, those for whom a guardian had to
    agree or a clinician spoke with them first, those who are told by telephone, and those who were on the list until somebody
    gave an hour back."""
    slower = history.choosers | history.changers | history.guarded
    codes = {one.case_code for one in history.told if one.person in slower}
    judged = {alarm.case_id for alarm in history.alarms if alarm.level == WAITS_FOR_A_HUMAN}
    called = {message.case_id for message in history.messages if message.channel == "call"}
    waited = {UUID(one.key) for one in history.streams.records if one.type == WAITLISTED}
    own = (
        judged
        | called
        | (waited & booked_cases(history))
        | {case.case_id for case in history.cases if case.case_code in codes}
    )
    return replace(
        history,
        told=[one for one in history.told if one.person not in slower],
        cases=[case for case in history.cases if case.case_id not in own],
        messages=[message for message in history.messages if message.case_id not in own],
    )


def latencies(history: History) -> list[float]:
    """Per person, seconds from the request to the news of the booked hour at a sink; sorted."""
    asked: dict[str, float] = {}
    for told in history.told:
        if told.case_code:
            asked.setdefault(told.case_code, told.asked_at)
    started = {case.case_id: asked[case.case_code] for case in history.cases if case.case_code in asked}
    arrived = first_arrivals(history)
    news = [m for m in history.messages if m.purpose == "booked" and str(m.message_id) in arrived]
    return sorted(arrived[str(m.message_id)] - started[m.case_id] for m in news if m.case_id in started)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; 0 for none."""
    return values[max(0, ceil(share * len(values)) - 1)] if values else 0.0


def first_arrivals(history: History) -> dict[str, float]:
    """When each message id first reached a sink."""
    arrived: dict[str, float] = {}
    for receipt in history.receipts:
        arrived.setdefault(receipt.message_id, receipt.received_at)
    return arrived


def first_news(history: History) -> dict[UUID, float]:
    """When somebody of each case first heard what became of it: at a sink, or in their own inbox. Unix seconds."""
    arrived, first = first_arrivals(history), dict[UUID, float]()
    for message in history.messages:
        at = _arrival(message, arrived) if message.purpose in NEWS else None
        if at is not None:
            first[message.case_id] = min(at, first.get(message.case_id, at))
    return first


def _arrival(message: Message, arrived: Mapping[str, float]) -> float | None:
    if message.state == "delivered" and message.channel not in OUTSIDE and message.settled_at:
        return message.settled_at.timestamp()
    return arrived.get(str(message.message_id))


def _last_outcome(history: History, news: Mapping[UUID, float], first: float) -> float:
    """When the last of these heard, or had an outcome of which nothing is told yet."""
    return max((news.get(case.case_id, case.stated_at.timestamp()) for case in history.cases), default=first)
