"""Applied once by each consumer: what an event brings about is said once, and no limit is passed.

A consumer's own list of what it has read cannot tell: it is what is to be proven. What tells is what followed: a match
made twice for one attempt, an hour booked twice for one match, a version of a booking told twice, each under another id.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from simulation.history.facts import History

# By what a fact that can happen once is known.
ONCE: Mapping[str, tuple[str, ...]] = {
    "intake.case_submitted.v1": ("case_id",),
    "intake.case_closed.v1": ("case_id",),
    "intake.alarm_raised.v1": ("alarm_id",),
    "matching.match_made.v1": ("case_id", "attempt", "mode"),
    "scheduling.appointment_booked.v1": ("match_id",),
    "scheduling.appointment_rescheduled.v1": ("appointment_id", "version"),
    "scheduling.appointment_cancelled.v1": ("appointment_id", "version"),
    "scheduling.slot_not_found.v1": ("match_id",),
    "notifications.message_delivered.v1": ("message_id",),
    "partners.booking_booked.v1": ("booking_ref", "version"),
    "partners.booking_rescheduled.v1": ("booking_ref", "version"),
    "partners.booking_cancelled.v1": ("booking_ref", "version"),
}


def said_twice(history: History) -> Iterator[str]:
    """Facts that can happen once and were said under two event ids: the event before them was applied twice."""
    ids: dict[tuple[str, str], UUID] = {}
    for record in history.streams.records:
        if record.fact and ids.setdefault((record.type, record.fact), record.event_id) != record.event_id:
            yield f"{record.type} {record.fact}"


def too_many_in_a_week(history: History) -> Iterator[str]:
    """Therapists with more live appointments in one of their local weeks than they take."""
    taken: Counter[tuple[UUID, int, int]] = Counter()
    for one in history.appointments:
        if one.live:
            year, week, _ = one.start.astimezone(ZoneInfo(one.zone)).isocalendar()
            taken[one.therapist_id, year, week] += 1
    for (therapist, year, week), number in taken.items():
        if number > history.limits.get(therapist, number):
            yield f"{therapist} {year}-W{week}: {number}"
