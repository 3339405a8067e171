"""Alarms: when a human must have answered, and what only a named human may do with one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.intake.domain.vocabulary import Level

AlarmState = Literal["open", "acknowledged", "closed"]
Outcome = Literal["reached_and_safe", "handed_over_and_confirmed", "already_in_care", "raised_in_error"]
Verdict = Literal[
    "done", "done_already", "taken_by_another", "not_acknowledged", "closed_already", "reason_needed"
]
# How a call to the person ended. Phones are shared and often off, so who answered may be somebody else.
AttemptOutcome = Literal[
    "reached",
    "call_back_agreed",
    "no_answer",
    "line_busy",
    "switched_off",
    "answered_by_another",
    "wrong_number",
    "refused",
]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that follows from what somebody said: its level, the rule, and the version of the rule's file."""

    level: Level
    rule: str
    version: str


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """How soon a human has to be on it, by level, how soon whoever was asked for one has to say that they have it before
    the next is asked, and the level of a call for help."""

    version: str
    within: Mapping[Level, timedelta]
    confirm_within: Mapping[Level, timedelta]
    help_level: Level  # of who asks for help and says nothing else

    def due_by(self, level: Level, raised_at: datetime) -> datetime:
        """The moment after which nobody may say that it was in time."""
        return raised_at + self.within[level]


@dataclass(frozen=True, slots=True)
class Staff:
    """The named human who acts; both come from the token."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AlarmStanding:
    """Where an alarm stands, and by whom; `unconfirmed_handover` is one of which the colleague has not said yet that they
    have the alarm."""

    alarm_id: UUID
    case_id: UUID
    state: AlarmState
    level: Level
    due_by: datetime
    acknowledged_by: str | None
    closed_by: str | None
    unconfirmed_handover: UUID | None = None


@dataclass(frozen=True, slots=True)
class AlarmOnCase:
    """One of a case's alarms, as far as its gate is concerned; `closed_at` and `outcome` once somebody closed it."""

    alarm_id: UUID
    case_id: UUID
    level: Level
    state: AlarmState
    outcome: Outcome | None = None
    closed_at: datetime | None = None


def acknowledge(alarm: AlarmStanding, staff: Staff) -> tuple[Verdict, AlarmStanding]:
    """The first one takes it; saying so twice changes nothing. One that was handed over may be confirmed by the
    colleague or taken by whoever was asked after them."""
    if alarm.state == "open" or alarm.unconfirmed_handover:
        return "done", replace(
            alarm, state="acknowledged", acknowledged_by=staff.id, unconfirmed_handover=None
        )
    if alarm.state == "closed":
        return "closed_already", alarm
    return ("done_already" if alarm.acknowledged_by == staff.id else "taken_by_another"), alarm


def close(alarm: AlarmStanding, staff: Staff) -> tuple[Verdict, AlarmStanding]:
    """Somebody must have taken it before; whoever closes it answers for it by name."""
    if alarm.state == "acknowledged":
        return "done", replace(alarm, state="closed", closed_by=staff.id, unconfirmed_handover=None)
    if alarm.state == "open":
        return "not_acknowledged", alarm
    return ("done_already" if alarm.closed_by == staff.id else "closed_already"), alarm


def hand_over(alarm: AlarmStanding, by: Staff, to: Staff, handover_id: UUID) -> tuple[Verdict, AlarmStanding]:
    """To a colleague, by whoever says so: who has it may have fallen ill. What nobody has is taken, not handed over.
    Whoever takes it over from a colleague says so themselves; everybody else has to confirm it."""
    if alarm.state == "closed":
        return "closed_already", alarm
    if alarm.state == "open":
        return "not_acknowledged", alarm
    if alarm.acknowledged_by == to.id:
        return "done_already", alarm
    unconfirmed = None if confirmed(by, to) else handover_id
    return "done", replace(alarm, acknowledged_by=to.id, unconfirmed_handover=unconfirmed)


def confirmed(by: Staff, to: Staff) -> bool:
    """Whether a handover waits for nobody's word: whoever has the alarm by it said so themselves."""
    return by.id == to.id


def attempt(alarm: AlarmStanding) -> Verdict:
    """Whoever tried may say so, whether or not the alarm is theirs; it changes nothing about who has it."""
    return "closed_already" if alarm.state == "closed" else "done"


def read_contact(alarm: AlarmStanding, staff: Staff) -> Verdict:
    """Whoever has taken it reads how to reach the person, until it is closed."""
    if alarm.state == "closed":
        return "closed_already"
    if alarm.state == "open":
        return "not_acknowledged"
    return "done" if alarm.acknowledged_by == staff.id else "taken_by_another"


def change_level(
    alarm: AlarmStanding, level: Level, reason: str | None, policy: AlarmPolicy, now: datetime
) -> tuple[Verdict, AlarmStanding]:
    """Raised freely, lowered only for a reason. The time runs anew from `now`, but a raise never gives more of it."""
    if alarm.state == "closed":
        return "closed_already", alarm
    if level == alarm.level:
        return "done_already", alarm
    due_by = policy.due_by(level, now)
    if level > alarm.level:
        return "done", replace(alarm, level=level, due_by=min(alarm.due_by, due_by))
    if reason is None or not reason.strip():
        return "reason_needed", alarm
    return "done", replace(alarm, level=level, due_by=due_by)


def reference(alarm_id: UUID) -> str:
    """What a page to the desk calls the alarm by: the id's last six characters, which are random bits and tell nothing."""
    return alarm_id.hex[-6:].upper()


def escalates(alarm: AlarmStanding, now: datetime) -> bool:
    """Whether nobody has taken it by its time, so that the next on the rota is asked."""
    return alarm.state == "open" and alarm.due_by <= now


def is_overdue(state: AlarmState, due_by: datetime, now: datetime) -> bool:
    """Whether nobody was on it in time and nobody is."""
    return state == "open" and now > due_by
