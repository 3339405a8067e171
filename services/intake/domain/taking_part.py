"""How a case stands for somebody who takes part in it: whether there is an hour for them, and when.

All else is the asker's, and whoever may be in danger from the other one decides how little it is. That a case is held may be an
alarm, that it is paused a wish, that it is offered a choice, that it waits an answer of somebody else: so all that is no
hour of theirs is one word, and why a case ended is not said.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake.domain.states import Standing
from services.intake.domain.vocabulary import AttendeeRole

Role = Literal["participant", "guardian"]
ROLES: tuple[Role, ...] = ("participant", "guardian")


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """What somebody who takes part is told; `until` is when their hour begins."""

    state: Literal["waiting", "booked", "closed"]
    until: datetime | None
    next_step: str
    appointment_id: UUID | None = None


def role_of(role: AttendeeRole) -> Role:
    """The role of a session, by what they are to whoever asked."""
    return "guardian" if role == "guardian" else "participant"


def own_standing(stands: Standing, hour: UUID | None, own_hour: UUID | None) -> OwnStanding:
    """`hour` is the one that the case has now, `own_hour` the last one that they are in."""
    if stands.state == "closed":
        return OwnStanding("closed", None, "ask_again_any_time")
    if stands.state == "booked" and hour is not None and hour == own_hour:
        return OwnStanding("booked", stands.until, "attend", hour)
    return OwnStanding("waiting", None, "wait")
