"""Nothing acknowledged is lost, and nobody gets two outcomes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from simulation.history.facts import Case, History

ACCEPTED = 202


def lost(history: History) -> Iterator[str]:
    """Case codes that were answered 202 and have no case, or a case without any outcome."""
    cases = {case.case_code: case for case in history.cases}
    hours = hours_of(history)
    for code in acknowledged(history):
        case = cases.get(code)
        if case is None or not outcomes(case, hours, history):
            yield code


def contradicted(history: History) -> Iterator[str]:
    """Cases with more than one outcome at once."""
    hours = hours_of(history)
    for case in history.cases:
        if len(outcomes(case, hours, history)) > 1:
            yield str(case.case_id)


def misinformed(history: History) -> Iterator[str]:
    """Cases whose person sees another state than the outcome that the other services have written down."""
    hours = hours_of(history)
    for case in history.cases:
        found = outcomes(case, hours, history)
        if len(found) == 1 and case.state not in SHOWN[next(iter(found))]:
            yield str(case.case_id)


def held_after_the_end(history: History) -> Iterator[str]:
    """Cases that staff closed and that count against a therapist still, or whose person does not see that they ended."""
    for case in history.cases:
        if case.closed_by and (case.case_id in history.holders or case.state != "closed"):
            yield str(case.case_id)


def repeated_requests(history: History) -> Iterator[str]:
    """Keys that were answered with two different cases, and cases that belong to two keys."""
    by_key: dict[str, set[str]] = defaultdict(set)
    by_code: dict[str, set[str]] = defaultdict(set)
    for told in history.told:
        if told.status == ACCEPTED and told.case_code:
            by_key[told.key].add(told.case_code)
            by_code[told.case_code].add(told.key)
    yield from (key for key, codes in by_key.items() if len(codes) > 1)
    yield from (code for code, keys in by_code.items() if len(keys) > 1)


def booked_twice(history: History) -> Iterator[str]:
    """Cases with more than one live appointment."""
    live = Counter(appointment.case_id for appointment in history.appointments if appointment.live)
    yield from (str(case_id) for case_id, number in live.items() if number > 1)


def missing_alarms(history: History) -> Iterator[str]:
    """Cases that must have raised an alarm and have no row, and alarms that are not on the topic."""
    raised = {alarm.case_id for alarm in history.alarms}
    yield from (str(case.case_id) for case in history.cases if case.alarmed and case.case_id not in raised)
    yield from (str(a.alarm_id) for a in history.alarms if a.alarm_id not in history.alarms_on_topic)


def silent_crisis_answers(history: History) -> Iterator[str]:
    """Answers that had to show whom to call, and showed nobody: a card without lines, a refusal without a card,
    or an alarming request that was accepted without one; for a line of a file, that its sender was told to call."""
    for told in history.told:
        if told.in_bulk:
            if told.case_code and told.person in history.expects_card and not told.attention:
                yield told.key
            continue
        needs_card = told.status >= 400 or told.person in history.expects_card or told.lines is not None
        if needs_card and not told.lines:
            yield told.key


def acknowledged(history: History) -> Iterable[str]:
    """Every case code a client was given, once."""
    return dict.fromkeys(t.case_code for t in history.told if t.status == ACCEPTED and t.case_code)


def booked_cases(history: History) -> frozenset[UUID]:
    """Cases with a live appointment."""
    return frozenset(appointment.case_id for appointment in history.own_appointments())


class Hours(NamedTuple):
    """Cases by what became of their last hour: it lies ahead or goes on, it took place, nobody came, or it was given
    back."""

    booked: frozenset[UUID]
    in_care: frozenset[UUID]
    missed: frozenset[UUID]
    given_back: frozenset[UUID]


def hours_of(history: History) -> Hours:
    """Who has an hour, and who had one. An hour that stands counts before one that is over, and care that has begun
    goes on after a missed one."""
    by_state: dict[str, set[UUID]] = defaultdict(set)
    for one in history.all_appointments():
        by_state[one.state].add(one.case_id)
    booked = by_state["booked"] | by_state["arrived"]
    in_care = by_state["fulfilled"] - booked
    missed = by_state["no_show"] - booked - in_care
    gone = by_state["cancelled"] - booked - in_care - missed
    return Hours(frozenset(booked), frozenset(in_care), frozenset(missed), frozenset(gone))


# What the person may see for each outcome.
SHOWN = {
    "booked": frozenset({"booked"}),
    "in_care": frozenset({"in_care"}),
    "waitlisted": frozenset({"waitlisted"}),  # with other help meanwhile or without
    "offered": frozenset({"offered"}),
    "held": frozenset({"held"}),
    "closed": frozenset({"closed", "paused"}),
}


def outcomes(case: Case, hours: Hours, history: History) -> set[str]:
    """Every outcome that somebody has written down for this case."""
    found = {
        "booked": case.case_id in hours.booked,
        "in_care": case.case_id in hours.in_care and not case.closed_by,
        "waitlisted": case.case_id in history.waitlisted,
        "offered": case.case_id in history.offered,
        "held": case.gate != "open" and not case.withdrawn,
        "closed": case.withdrawn or case.case_id in hours.given_back | hours.missed,
    }
    return {name for name, holds in found.items() if holds}
