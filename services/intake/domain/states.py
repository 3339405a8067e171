"""How a case stands: a fold over what other services said, ordered by (attempt, rank), never by arrival."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from services.intake.domain.attendees import Awaited
from services.intake.domain.offers import KeptHour, OfferedOption
from services.intake.domain.vocabulary import CloseReason, Gate, Pause

FactKind = Literal[
    "match_offered",
    "match_accepted",
    "match_declined",
    "offer_expired",
    "match_made",
    "appointment_booked",
    "appointment_arrived",
    "appointment_fulfilled",
    "appointment_no_show",
    "appointment_cancelled",
    "match_withdrawn",
    "case_waitlisted",
]
# Within one attempt: an offer is decided or not; the match that follows from it, or that nobody had to choose, leads
# to an appointment (whose own version orders its changes); a withdrawn match ends it; the waitlist comes when the
# attempt has failed for good.
RANKS: dict[FactKind, int] = {
    "match_offered": 1,
    "match_declined": 2,
    "offer_expired": 3,
    "match_accepted": 4,
    "match_made": 5,
    "appointment_booked": 6,
    "appointment_arrived": 6,
    "appointment_fulfilled": 6,
    "appointment_no_show": 6,
    "appointment_cancelled": 6,
    "match_withdrawn": 7,
    "case_waitlisted": 8,
}

# Why an hour is there no more, as the person is told.
ENDED_HOURS: dict[FactKind, str] = {
    "appointment_cancelled": "appointment_cancelled",
    "appointment_no_show": "appointment_missed",
}
# Why a case ended, where its person is told more than that they took it back: why they did stays theirs.
SAID_OF_ENDS: frozenset[str | None] = frozenset({"consent_refused", *get_args(CloseReason)})
# After which care that has begun goes on: what is said of an hour, or that its match is over, ends none.
GOES_ON: tuple[FactKind, ...] = ("appointment_fulfilled", "match_withdrawn", *ENDED_HOURS)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said about a case. `revision` is the appointment's version, 0 elsewhere; `match_id` is that
    of an offer, `options` what may be chosen from; `therapist_id` is whose hour it is."""

    case_id: UUID
    kind: FactKind
    attempt: int
    revision: int
    at: datetime
    until: datetime | None = None
    reason: str | None = None
    appointment_id: UUID | None = None
    match_id: UUID | None = None
    options: tuple[OfferedOption, ...] = ()
    therapist_id: UUID | None = None

    @property
    def order(self) -> tuple[int, int, int]:
        return (self.attempt, RANKS[self.kind], self.revision)


def latest(facts: Sequence[Fact]) -> Fact:
    """The fact that counts. Commutative, associative, idempotent: the topics may be read in any order."""
    return max(facts, key=lambda fact: fact.order)


@dataclass(frozen=True, slots=True)
class Telling:
    """How far the person has been told of one version of one appointment."""

    appointment_id: UUID
    case_id: UUID
    version: int
    told: bool

    @property
    def order(self) -> tuple[int, bool]:
        return (self.version, self.told)


def furthest(tellings: Sequence[Telling]) -> Telling:
    """The newest version that messages speak of; told once is told."""
    return max(tellings, key=lambda telling: telling.order)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Other help by humans, offered while a case waits. Only a kind: no place and no need is in it."""

    case_id: UUID
    kind: str
    attempt: int
    at: datetime

    @property
    def order(self) -> tuple[int, datetime, str]:
        return (self.attempt, self.at, self.kind)


@dataclass(frozen=True, slots=True)
class Seen:
    """With whom the last hour of a case is or was, by the attempt and the appointment's version."""

    attempt: int
    version: int
    therapist_id: UUID

    @property
    def order(self) -> tuple[int, int, UUID]:
        return (self.attempt, self.version, self.therapist_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the person is told: state, who has to move, since and until when, why, and what to do next.

    A case with an alternative is `waitlisted` still, and waits on capacity: the person may try other help meanwhile,
    but their place and the date they were promised are what they wait for, and `waiting_on` is what operators read to
    see where capacity is missing. Were it the person's turn, a case would leave the list by being offered something.
    """

    state: str
    waiting_on: str
    since: datetime
    until: datetime | None
    reason: str | None
    next_step: str
    alternative: str | None = None
    kept: KeptHour | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """All that a case's standing follows from; `version` rises with every change the person would see.
    `in_care_since` is when the first session took place."""

    case_id: UUID
    person_id: UUID
    gate: Gate
    submitted_at: datetime
    ended_at: datetime | None
    fact: Fact | None = None
    tellings: tuple[Telling, ...] = ()
    version: int = 1
    alternative: Alternative | None = None
    awaits: Awaited | None = "guardian"
    paused_for: Pause | None = None
    gate_since: datetime | None = None
    ended_for: str | None = None
    in_care_since: datetime | None = None
    paused_until: datetime | None = None
    resumed_after: int | None = None
    kept: KeptHour | None = None
    seen_by: Seen | None = None

    @property
    def stands_since(self) -> datetime:
        """Since when the gate is what it is."""
        return self.gate_since or self.submitted_at

    @property
    def therapist_id(self) -> UUID | None:
        """Whose case it is: whoever has or had its last hour, as long as nobody else was looked for since."""
        if self.seen_by is None or (self.fact and self.fact.attempt > self.seen_by.attempt):
            return None
        return self.seen_by.therapist_id


def advance(
    progress: Progress,
    facts: Sequence[Fact],
    tellings: Sequence[Telling],
    alternatives: Sequence[Alternative] = (),
    kept: Sequence[KeptHour] = (),
) -> Progress:
    """The same case after more was said; equal to `progress` if nothing of it counts."""
    known = [progress.fact] if progress.fact else []
    by_hour = {
        hour: furthest([told for told in (*progress.tellings, *tellings) if told.appointment_id == hour])
        for hour in {told.appointment_id for told in (*progress.tellings, *tellings)}
    }
    after = replace(
        progress,
        fact=latest([*known, *facts]) if known or facts else None,
        tellings=tuple(sorted(by_hour.values(), key=lambda told: told.appointment_id)),
        alternative=_newest([progress.alternative, *alternatives]),
        in_care_since=_first_session(progress, facts),
        kept=max(
            [*kept, *([progress.kept] if progress.kept else [])], key=lambda one: one.order, default=None
        ),
        seen_by=_last_seen(progress, facts),
    )
    return replace(after, version=progress.version + (standing(after) != standing(progress)))


def standing(progress: Progress) -> Standing:
    """By precedence: ended, then an hour that is booked or took place, then the gate, then the latest fact."""
    fact = progress.fact
    if progress.ended_at is not None:
        reason = progress.ended_for if progress.ended_for in SAID_OF_ENDS else "withdrawn"
        return Standing("closed", "nobody", progress.ended_at, None, reason, "ask_again_any_time")
    if fact is not None and fact.kind in ("appointment_booked", "appointment_arrived"):
        return _booked(fact, progress.tellings)
    if fact is not None and progress.in_care_since and fact.kind in GOES_ON:
        missed = ENDED_HOURS.get(fact.kind)
        step = "ask_again_any_time" if missed else "wait"
        return Standing("in_care", "nobody", fact.at, None, missed, step)
    if progress.gate != "open":
        return _held(progress)
    if fact is None:
        return Standing("matching", "system", progress.stands_since, None, None, "wait")
    if fact.kind in ENDED_HOURS and fact.attempt <= (progress.resumed_after or 0):
        return Standing("matching", "system", progress.stands_since, None, "looking_again", "wait")
    if fact.kind == "match_offered":
        return _offered(fact, progress.kept)
    return _searching(fact, progress.alternative)


def _first_session(progress: Progress, facts: Sequence[Fact]) -> datetime | None:
    sessions = [fact.at for fact in facts if fact.kind == "appointment_fulfilled"]
    return min([*sessions, *([progress.in_care_since] if progress.in_care_since else [])], default=None)


def _last_seen(progress: Progress, facts: Sequence[Fact]) -> Seen | None:
    hours = [Seen(one.attempt, one.revision, one.therapist_id) for one in facts if one.therapist_id]
    known = [progress.seen_by] if progress.seen_by else []
    return max([*known, *hours], key=lambda one: one.order, default=None)


def _newest(alternatives: Sequence[Alternative | None]) -> Alternative | None:
    return max((one for one in alternatives if one), key=lambda one: one.order, default=None)


def _held(progress: Progress) -> Standing:
    since = progress.stands_since
    if progress.gate == "waits_for_consent" and progress.awaits == "participant":
        return Standing("held", "participant", since, None, "consent_needed", "ask_participant")
    if progress.gate == "waits_for_consent":
        return Standing("held", "guardian", since, None, "consent_needed", "ask_guardian")
    if progress.paused_for:
        # Nobody calls any more: to say that a human is waited for would be waiting for nothing.
        return Standing("paused", "person", since, progress.paused_until, progress.paused_for, "let_us_go_on")
    return Standing("held", "clinician", since, None, "conversation_first", "expect_a_call")


def _booked(fact: Fact, tellings: Sequence[Telling]) -> Standing:
    if fact.kind == "appointment_arrived":
        return Standing("booked", "nobody", fact.at, fact.until, None, "attend")
    told = any(
        telling.told and telling.version >= fact.revision
        for telling in tellings
        if telling.appointment_id == fact.appointment_id
    )
    return Standing("booked", "nobody", fact.at, fact.until, None, "attend" if told else "look_up_the_hour")


def _offered(fact: Fact, kept: KeptHour | None) -> Standing:
    hour = kept if kept and kept.take_by and kept.match_id == fact.match_id else None
    return Standing("offered", "person", fact.at, fact.until, None, "choose_therapist", kept=hour)


def _searching(fact: Fact, alternative: Alternative | None) -> Standing:
    if fact.kind == "case_waitlisted":
        return _waitlisted(fact, alternative)
    if fact.kind in ENDED_HOURS:
        # Nobody looks again by itself, whoever cancelled: to say otherwise would be waiting for nothing.
        return Standing("paused", "person", fact.at, None, ENDED_HOURS[fact.kind], "let_us_go_on")
    reason = None if fact.kind in ("match_made", "match_accepted") else "looking_again"
    return Standing("matching", "system", fact.at, None, reason, "wait")


def _waitlisted(fact: Fact, alternative: Alternative | None) -> Standing:
    """One that was offered for an earlier wait still stands: it is offered once for each reason."""
    kind = alternative.kind if alternative and alternative.attempt <= fact.attempt else None
    step = "try_alternative" if kind else "wait"
    return Standing("waitlisted", "capacity", fact.at, fact.until, fact.reason, step, kind)
