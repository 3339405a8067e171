"""How a case stands: a fold over what other services said, ordered by (attempt, rank), never by arrival."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake.domain.vocabulary import Gate

FactKind = Literal[
    "match_made", "appointment_booked", "appointment_cancelled", "match_withdrawn", "case_waitlisted"
]
# Within one attempt: a match leads to an appointment (whose own version orders its changes); a withdrawn
# match ends it; the waitlist comes when the attempt has failed for good.
RANKS: dict[FactKind, int] = {
    "match_made": 1,
    "appointment_booked": 2,
    "appointment_cancelled": 2,
    "match_withdrawn": 3,
    "case_waitlisted": 4,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said about a case. `revision` is the appointment's version, 0 elsewhere."""

    case_id: UUID
    kind: FactKind
    attempt: int
    revision: int
    at: datetime
    until: datetime | None = None
    reason: str | None = None
    appointment_id: UUID | None = None

    @property
    def order(self) -> tuple[int, int, int]:
        return (self.attempt, RANKS[self.kind], self.revision)


def latest(facts: list[Fact]) -> Fact:
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


def furthest(tellings: list[Telling]) -> Telling:
    """The newest version that messages speak of; told once is told."""
    return max(tellings, key=lambda telling: telling.order)


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What intake itself knows of a case."""

    case_id: UUID
    gate: Gate
    submitted_at: datetime
    withdrawn_at: datetime | None
    withdraw_reason: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the person is told: state, who has to move, since and until when, why, and what to do next."""

    state: str
    waiting_on: str
    since: datetime
    until: datetime | None
    reason: str | None
    next_step: str


def standing(case: CaseRecord, fact: Fact | None, telling: Telling | None) -> Standing:
    """The state by precedence: withdrawn, then a booked hour, then the gate, then the latest fact."""
    if case.withdrawn_at is not None:
        return Standing("closed", "nobody", case.withdrawn_at, None, "withdrawn", "ask_again_any_time")
    if fact is not None and fact.kind == "appointment_booked":
        return _booked(fact, telling)
    if case.gate != "open":
        return _held(case)
    if fact is None:
        return Standing("matching", "system", case.submitted_at, None, None, "wait")
    return _searching(fact)


def _booked(fact: Fact, telling: Telling | None) -> Standing:
    told = telling is not None and telling.told and telling.version >= fact.revision
    return Standing("booked", "nobody", fact.at, fact.until, None, "attend" if told else "look_up_the_hour")


def _held(case: CaseRecord) -> Standing:
    if case.gate == "waits_for_consent":
        return Standing("held", "guardian", case.submitted_at, None, "consent_needed", "ask_guardian")
    return Standing("held", "clinician", case.submitted_at, None, "conversation_first", "expect_a_call")


def _searching(fact: Fact) -> Standing:
    if fact.kind == "case_waitlisted":
        return Standing("waitlisted", "capacity", fact.at, fact.until, fact.reason, "wait")
    if fact.kind == "appointment_cancelled" and fact.reason == "cancelled_by_person":
        return Standing("paused", "person", fact.at, None, "appointment_cancelled", "ask_again_any_time")
    reason = None if fact.kind == "match_made" else "looking_again"
    return Standing("matching", "system", fact.at, None, reason, "wait")
