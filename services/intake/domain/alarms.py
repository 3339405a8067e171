"""Alarms: when a human must have answered, and what only a named human may do with one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.intake.domain.vocabulary import Level

AlarmState = Literal["open", "acknowledged", "closed"]
Outcome = Literal["reached_and_safe", "handed_over_and_confirmed", "already_in_care", "raised_in_error"]
Verdict = Literal["done", "done_already", "taken_by_another", "not_acknowledged", "closed_already"]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that follows from what somebody said: its level, the rule, and the version of the rule's file."""

    level: Level
    rule: str
    version: str


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """How soon a human has to be on it, by level."""

    version: str
    within: Mapping[Level, timedelta]

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
    """Where an alarm stands, and by whom."""

    alarm_id: UUID
    case_id: UUID
    state: AlarmState
    acknowledged_by: str | None
    closed_by: str | None


def acknowledge(alarm: AlarmStanding, staff: Staff) -> tuple[Verdict, AlarmStanding]:
    """The first one takes it; saying so twice changes nothing."""
    if alarm.state == "open":
        return "done", replace(alarm, state="acknowledged", acknowledged_by=staff.id)
    if alarm.state == "closed":
        return "closed_already", alarm
    return ("done_already" if alarm.acknowledged_by == staff.id else "taken_by_another"), alarm


def close(alarm: AlarmStanding, staff: Staff) -> tuple[Verdict, AlarmStanding]:
    """Somebody must have taken it before; whoever closes it answers for it by name."""
    if alarm.state == "acknowledged":
        return "done", replace(alarm, state="closed", closed_by=staff.id)
    if alarm.state == "open":
        return "not_acknowledged", alarm
    return ("done_already" if alarm.closed_by == staff.id else "closed_already"), alarm
