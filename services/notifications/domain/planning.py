"""Which messages follow from a fact, and which older ones it makes untrue."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

REMINDER_AHEAD = timedelta(hours=24)
# Long enough for a slip of whoever wrote it down to be put right.
CHECKIN_AFTER = timedelta(hours=1)
# Design, no source: whoever pauses and goes on within a day is on the list as they were told; later it is news again.
WAITING_IS_KNOWN_FOR = timedelta(hours=24)
# Design, no source: whoever is at the page has answered by then, and an hour that is kept is kept for twelve hours.
OFFER_AFTER = timedelta(minutes=5)
Change = Literal[
    "booked",
    "changed",
    "cancelled",
    "over",
    "checkin",
    "corrected",
    "displaced",
    "waitlisted",
    "alternative",
    "offer",
    "consent_request",
    "invitation",
]
OF_AN_HOUR: frozenset[Change] = frozenset(
    {"booked", "changed", "cancelled", "over", "checkin", "corrected", "displaced"}
)
LATER: Mapping[Change, timedelta] = {"checkin": CHECKIN_AFTER, "offer": OFFER_AFTER}
NOW = timedelta(0)
SILENT: frozenset[Change] = frozenset({"over", "corrected"})
# Why what was planned before is not told any more.
VOIDED: Mapping[Change, str] = {
    "cancelled": "cancelled",
    "over": "hour_over",
    "checkin": "hour_over",
    "corrected": "corrected",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """An appointment's change (`over`: people came; `checkin`: nobody did; `corrected`: neither was said rightly; `displaced`: its day was lost); a case
    put on the waiting list, or offered other help meanwhile (`alternative`; then `subject_id` is the case); a proposal
    that waits for an answer (then it is the match); somebody who is invited (then it is the attendee)."""

    change: Change
    subject_id: UUID
    version: int
    attempt: int
    case_id: UUID
    people: tuple[UUID, ...]
    start: datetime | None = None
    site_id: UUID | None = None

    @property
    def appointment_id(self) -> UUID | None:
        return self.subject_id if self.change in OF_AN_HOUR else None


@dataclass(frozen=True, slots=True)
class Plan:
    """One message to one person. (subject, person, purpose, version) is told at most once."""

    fact: Fact
    person_id: UUID
    purpose: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Void:
    """Messages of this case about this subject below this version are no longer true."""

    case_id: UUID
    subject_id: UUID
    below: int
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What follows from a batch of facts; `waiting` names, per fact, one thing that is not known yet."""

    messages: Sequence[Plan]
    voids: Sequence[Void]
    waiting: Sequence[tuple[Fact, str]]


def plan(
    facts: Iterable[Fact],
    standing: Mapping[UUID, int],
    known: Collection[UUID],
    now: datetime,
) -> Planned:
    """`standing` = the version each subject has now: an older fact is history and says nothing.

    `known` = the people whose contact and the sites whose place we know. A person not known yet never holds
    up another: the fact comes again for that person alone. A place not known yet holds up the message.
    """
    messages: list[Plan] = []
    voids: list[Void] = []
    waiting: list[tuple[Fact, str]] = []
    for fact in facts:
        if fact.version < standing.get(fact.subject_id, fact.version):
            continue
        voids += _voids(fact)
        place = needed_site(fact)
        if place is not None and place not in known:
            waiting.append((fact, site_fact(place)))
            continue
        missing = [person for person in fact.people if person not in known]
        waiting += [(fact, contact_fact(person)) for person in missing[:1]]
        messages += [one for one in _messages(fact, now) if one.person_id in known]
    return Planned(messages, voids, waiting)


def needed_site(fact: Fact) -> UUID | None:
    """The place a message about this fact has to name."""
    return fact.site_id if fact.change in ("booked", "changed") else None


def contact_fact(person_id: UUID) -> str:
    """The name under which events wait for a person's contact."""
    return f"contact:{person_id}"


def site_fact(site_id: UUID) -> str:
    """The name under which events wait for a place."""
    return f"site:{site_id}"


def _messages(fact: Fact, now: datetime) -> Iterator[Plan]:
    if fact.change in SILENT:
        return
    due = now + LATER.get(fact.change, NOW)
    for person in fact.people:
        yield Plan(fact, person, fact.change, due)
        if fact.start is not None and fact.change in ("booked", "changed"):
            reminder = fact.start - REMINDER_AHEAD
            if reminder > now:
                yield Plan(fact, person, "reminder", reminder)


def _voids(fact: Fact) -> Iterator[Void]:
    if fact.change == "booked":
        yield Void(fact.case_id, fact.case_id, fact.attempt + 1, "superseded")
    if fact.change == "offer":
        # Whoever has somebody to choose from waits no more; they may wait again after this very attempt.
        yield Void(fact.case_id, fact.case_id, fact.attempt, "superseded")
    if fact.version > 1 or fact.change == "cancelled":
        yield Void(fact.case_id, fact.subject_id, fact.version, VOIDED.get(fact.change, "superseded"))
