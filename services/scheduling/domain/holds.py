"""Holds: an hour that is kept for a case, by staff while they ask or while its person chooses, until it is confirmed,
given back, or the time is up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.availability import Board, Therapist
from services.scheduling.domain.booking import Hour, Wish, decide
from services.scheduling.domain.calendars import Fault, Lane, is_open
from services.scheduling.domain.certainty import reconsidered
from services.scheduling.domain.changes import (
    ALTERNATIVES,
    FARTHEST_DAYS,
    Caller,
    at_own_site,
    check_start,
    wish_like,
)
from services.scheduling.domain.fencing import Fence
from services.scheduling.domain.refusals import Refused, invalid
from services.scheduling.domain.wall_time import DAY, moment_of

HoldState = Literal["held", "confirmed", "released"]

LIVE = ("booked", "arrived")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The hour that somebody wants held. `start` is a UTC minute; `minutes` is how long it is to be held."""

    case_id: UUID
    therapist_id: UUID
    start: int
    modality: str
    site_id: UUID | None
    minutes: int

    @property
    def lane(self) -> Lane:
        """Where the modality is booked."""
        return "in_person" if self.modality == "in_person" else "online"


@dataclass(frozen=True, slots=True)
class Hold:
    """The appointment that it would become, under the same id, and until when it is kept. One with `take_by` is part of
    an offer: until then it is its person's to take. `whole`: all that it reserves and counts is still there; whoever locks
    part of it after its time takes that away, which is told for sure only when all of it is locked."""

    appointment: Appointment
    held_until: datetime
    state: HoldState = "held"
    reason: str | None = None
    take_by: datetime | None = None
    whole: bool = True

    @property
    def id(self) -> UUID:
        return self.appointment.id

    @property
    def case_id(self) -> UUID:
        return self.appointment.case_id

    @property
    def attempt(self) -> int:
        return self.appointment.attempt

    def at(self, now: datetime) -> "Hold":
        """How it stands now: one whose time is up is released, whether or not somebody has said so yet. It is up, too, where
        somebody who came later was here first."""
        if self.state == "held" and (self.held_until <= now or not self.whole):
            return replace(self, state="released", reason="expired")
        return self


def check_wanted(wanted: Wanted, now: int) -> None:
    """Whether such an hour could be held for anybody. Raises Refused."""
    check_start(wanted.start, now)
    if wanted.lane == "online" and wanted.site_id is not None:
        raise invalid([Fault("/site_id", "not_allowed", "online hours have no site")])
    if wanted.lane == "in_person" and wanted.site_id is None:
        raise invalid([Fault("/site_id", "missing", "hours in person are at a site")])


def check_case(
    last: Appointment | None, fence: Fence, held: Sequence[Hold], caller: Caller, now: datetime
) -> Appointment:
    """The last appointment of the case, if another hour may be held after it. Raises Refused.

    Who takes part, and that their search has ended, is known from there: whoever is still searched for is left to
    matching, and whoever has an hour moves it.
    """
    theirs = last and _of_their_own(caller, last.therapist_id, last.organisation)
    if last is None or not theirs or not at_own_site(caller, last.site_id):
        raise invalid([Fault("/case_id", "unknown_case", "no appointment of this case is known here")])
    if last.state in LIVE:
        raise Refused("already_booked", "This case has an hour, which can be moved.")
    check_fence(last, fence)
    if any(one.at(now).state == "held" for one in held):
        raise Refused("already_held", "An hour is held for this case; confirm it or release it first.")
    return last


def check_site(caller: Caller, wanted: Wanted) -> None:
    """Whether the hour would be at the site of the desk that asks for it. Raises Refused."""
    if not at_own_site(caller, wanted.site_id):
        raise invalid([Fault("/site_id", "not_yours", "your desk holds hours at its own site")])


def check_fence(appointment: Appointment, fence: Fence) -> None:
    """Whether the case may still have it: consent stands, nothing newer was decided. Raises Refused."""
    newer = fence.attempt > appointment.attempt or fence.withdrawn >= appointment.attempt
    if newer or fence.care_stopped:
        raise Refused("case_moved_on", "This case was taken back, or is looked after otherwise.")


def check_alone(
    appointment: Appointment,
    fence: Fence,
    others: Sequence[Appointment],
    held: Sequence[Hold],
    now: datetime,
) -> None:
    """Whether it may stand booked again: its case has nothing else by now, and goes on. Raises Refused."""
    check_fence(appointment, fence)
    if others or any(one.at(now).state == "held" for one in held):
        raise Refused("already_booked", "This case has another hour by now.")


def check_therapist(caller: Caller, therapist: Therapist | None) -> Therapist:
    """The therapist, if it is for the caller to give their hours away. Raises Refused."""
    if therapist is None or not _of_their_own(caller, therapist.id, therapist.organisation):
        raise invalid([Fault("/therapist_id", "unknown_therapist", "there is no such therapist for you")])
    return therapist


def check_confirmable(hold: Hold, fence: Fence, now: datetime) -> None:
    """Whether it can become an appointment. Raises Refused."""
    if hold.at(now).state == "released":
        code = "hold_expired" if hold.at(now).reason == "expired" else "already_released"
        raise Refused(code, "This hour is not held any more.")
    if hold.take_by is not None:
        raise Refused("offered_to_person", "This hour is its person's to take; it can be given back.")
    check_fence(hold.appointment, fence)


def still_open(
    hold: Hold, therapists: Mapping[UUID, Therapist], rooms: Mapping[UUID, Sequence[UUID]]
) -> Hold | None:
    """The hold as certain as its hour is by now; None where it `is_closed`."""
    hour = hold.appointment
    if is_closed(hour, therapists, rooms):
        return None
    calendar = therapists[hour.therapist_id].calendar
    assert calendar is not None  # it has the hour open
    return replace(hold, appointment=replace(reconsidered(hour, calendar), version=hour.version))


def is_closed(
    hour: Appointment, therapists: Mapping[UUID, Therapist], rooms: Mapping[UUID, Sequence[UUID]]
) -> bool:
    """Whether its therapist's calendar, or its site, has closed an hour since it was taken, or its therapist takes nobody any
    more. `rooms` are the open ones by site."""
    therapist = therapists.get(hour.therapist_id)
    if therapist is None or therapist.calendar is None or not therapist.active:
        return True
    if hour.site_id is not None and hour.room_id not in rooms.get(hour.site_id, ()):
        return True
    return not is_open(therapist.calendar, hour.lane, hour.site_id, hour.start, hour.end)


def wish_for(wanted: Wanted, last: Appointment, first: int, until: int) -> Wish:
    """What the case needs of this therapist, at a start between these minutes: as long as last time."""
    asked = replace(
        last,
        case_id=wanted.case_id,
        therapist_id=wanted.therapist_id,
        lane=wanted.lane,
        site_id=wanted.site_id,
    )
    return wish_like(asked, first, until)


def wish_anywhere(wanted: Wanted, last: Appointment, now: int) -> Wish:
    """The wish for any start."""
    return wish_for(wanted, last, now, now + FARTHEST_DAYS * DAY)


def held_hour(wanted: Wanted, last: Appointment, board: Board) -> list[Hour]:
    """The hour that is wanted. Raises Refused slot_taken with the nearest starts that are open."""
    length = last.end - last.start
    exact = wish_for(wanted, last, wanted.start, wanted.start + length)
    outcome = decide([exact], board)[0]
    if isinstance(outcome, Hour):
        return [outcome]
    anywhere = wish_anywhere(wanted, last, board.now).need
    mask = board.open_starts(wanted.therapist_id, wanted.site_id, anywhere)
    near = sorted(grid.minutes(mask, board.origin), key=lambda one: (abs(one - wanted.start), one))
    raise Refused("slot_taken", "This time is not free.", alternatives=sorted(near[:ALTERNATIVES]))


def until(wanted: Wanted, now: datetime) -> datetime:
    """Until when it is kept: never beyond its own beginning."""
    return min(now + timedelta(minutes=wanted.minutes), moment_of(wanted.start))


def zone_of(wanted: Wanted, last: Appointment, zones: Mapping[UUID, str]) -> str:
    """The zone in which it is told: the site's in person, else the one of before. Raises Refused."""
    if wanted.site_id is None:
        return last.time_zone
    if wanted.site_id not in zones:
        raise invalid([Fault("/site_id", "unknown_site", "there is no such site")])
    return zones[wanted.site_id]


def held(
    wanted: Wanted, last: Appointment, hour: Hour, hold_id: UUID, zone: str, held_until: datetime
) -> Hold:
    """The hour as it is kept. Its versions go on from the last appointment's, for
    whoever follows a case by them."""
    appointment = replace(
        last,
        id=hold_id,
        version=last.version + 1,
        state="booked",
        lane=wanted.lane,
        modality=wanted.modality,
        therapist_id=hour.therapist_id,
        organisation=hour.organisation,
        site_id=hour.site_id,
        room_id=hour.room_id,
        start=hour.start,
        end=hour.end,
        buffer=hour.buffer,
        week=hour.week,
        time_zone=zone,
        why="may_be_holiday" if hour.may_close else None,
    )
    return Hold(appointment, held_until)


def ended(hold: Hold, state: HoldState, reason: str | None = None) -> Hold:
    """The same hold, confirmed or released; the version after it."""
    after = replace(hold.appointment, version=hold.appointment.version + 1)
    return replace(hold, appointment=after, state=state, reason=reason)


def _of_their_own(caller: Caller, therapist_id: UUID, organisation: str) -> bool:
    by_role = {
        "coordinator": True,
        "clinic_desk": caller.organisation == organisation,
        "therapist": caller.subject == str(therapist_id),
    }
    return by_role.get(caller.role, False)
