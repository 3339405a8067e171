"""Alarms: when a human must have answered, and what only a named human may do with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.intake.domain.vocabulary import Level

AlarmState = Literal["open", "acknowledged", "closed"]
Outcome = Literal["reached_and_safe", "handed_over_and_confirmed", "already_in_care", "raised_in_error"]


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """How soon a human has to be on it, by level."""

    version: str
    within: Mapping[Level, timedelta]

    def due_by(self, level: Level, raised_at: datetime) -> datetime:
        return raised_at + self.within[level]


@dataclass(frozen=True, slots=True)
class Staff:
    """The named human who acts; both come from the token."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AlarmStanding:
    """What is known of an alarm before somebody acts on it."""

    alarm_id: UUID
    case_id: UUID
    state: AlarmState
    acknowledged_by: str | None
    closed_by: str | None


Verdict = Literal["do", "done_already", "taken_by_another", "not_acknowledged", "closed_already"]


def may_acknowledge(alarm: AlarmStanding, staff: Staff) -> Verdict:
    """The first one takes it; saying so twice changes nothing."""
    if alarm.state == "open":
        return "do"
    if alarm.acknowledged_by == staff.id and alarm.state == "acknowledged":
        return "done_already"
    return "closed_already" if alarm.state == "closed" else "taken_by_another"


def may_close(alarm: AlarmStanding, staff: Staff) -> Verdict:
    """Somebody must have taken it before; whoever closes it answers for it by name."""
    if alarm.state == "acknowledged":
        return "do"
    if alarm.state == "open":
        return "not_acknowledged"
    return "done_already" if alarm.closed_by == staff.id else "closed_already"
