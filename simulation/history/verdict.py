"""All checks by name, and what each of them found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from simulation.history import bookings, effects, messages, outcomes, stops, streams, tasks
from simulation.history.facts import History

SAMPLE = 5

# The name is what is promised never to happen.
CHECKS: Mapping[str, Callable[[History], Iterator[str]]] = {
    "lost": outcomes.lost,
    "two_outcomes": outcomes.contradicted,
    "state_shown_wrongly": outcomes.misinformed,
    "request_repeated": outcomes.repeated_requests,
    "alarm_missing": outcomes.missing_alarms,
    "crisis_answer_without_lines": outcomes.silent_crisis_answers,
    "task_done_by_nobody": tasks.done_by_nobody,
    "task_not_heard": tasks.not_heard,
    "called_by_nobody": tasks.called_by_nobody,
    "reordered": streams.reordered,
    "not_on_topic": streams.unsaid,
    "not_read": streams.unread,
    "case_booked_twice": outcomes.booked_twice,
    "appointments_overlap": bookings.overlapping_appointments,
    "reservations_overlap": bookings.overlapping_reservations,
    "kept_hour_lost": bookings.lost_kept_hours,
    "appointment_incomplete": bookings.incomplete_appointments,
    "partner_differs": bookings.partner_differs,
    "partner_complains": bookings.partner_complains,
    "told_twice": messages.told_twice,
    "told_elsewhere": messages.arrived_elsewhere,
    "sent_never_arrived": messages.never_arrived,
    "nobody_told": messages.untold,
    "applied_twice": effects.said_twice,
    "weekly_limit_passed": effects.too_many_in_a_week,
    "told_after_a_stop": stops.told_after_a_stop,
    "told_while_parked": stops.told_while_parked,
    "told_after_a_cancellation": stops.told_after_a_cancellation,
    "told_after_the_end": stops.told_after_the_end,
    "held_after_the_end": outcomes.held_after_the_end,
    "alarm_held_up": stops.alarms_held_up,
    "missed_not_asked_after": messages.not_asked_after,
    "told_of_what_is_over": messages.about_what_is_over,
}


@dataclass(frozen=True, slots=True)
class Findings:
    """How often each promise was broken, and a few of the places."""

    counts: Mapping[str, int]
    samples: Mapping[str, tuple[str, ...]]

    @property
    def clean(self) -> bool:
        return not any(self.counts.values())

    def __str__(self) -> str:
        broken = [f"{name}: {n} ({', '.join(self.samples[name])})" for name, n in self.counts.items() if n]
        return "; ".join(broken) or "every promise was kept"


def judge(history: History) -> Findings:
    """Runs every check over the whole history."""
    counts, samples = {}, {}
    for name, check in CHECKS.items():
        found = check(history)
        samples[name] = tuple(islice(found, SAMPLE))
        counts[name] = len(samples[name]) + sum(1 for _ in found)
    return Findings(counts, samples)
