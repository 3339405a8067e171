"""Who may see and change an appointment, and whether it can still be changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.appointments import Appointment, By, Certainty, State
from services.scheduling.domain.attendance import UNDONE, check_state, possible_steps
from services.scheduling.domain.availability import Board, Need
from services.scheduling.domain.booking import Candidate, Hour, Wish, decide
from services.scheduling.domain.calendars import Fault
from services.scheduling.domain.refusals import Refused, check_seen, invalid
from services.scheduling.domain.wall_time import DAY

ALTERNATIVES = 3
FARTHEST_DAYS = 93

# Who is in an hour beside whoever asked for it: they see it, and change nothing.
TAKING_PART = ("participant", "guardian")
_BY: dict[str, By] = {"person": "person", "therapist": "therapist"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a person with a case, somebody who takes part in one, or staff. A clinic desk with a site is that of
    this site alone."""

    role: str
    subject: str
    case_id: UUID | None = None
    organisation: str | None = None
    site_id: UUID | None = None
    attendee_id: UUID | None = None

    @property
    def by(self) -> By:
        """The kind of people they are, as events name it."""
        return _BY.get(self.role, "clinic")


@dataclass(frozen=True, slots=True)
class Move:
    """Where an appointment is to go: whatever is not named stays as it is. `start` is a UTC minute."""

    start: int
    modality: str | None = None
    site_id: UUID | None = None
    certainty: Certainty | None = None
    by: By | None = None


def seen_by(caller: Caller, appointment: Appointment | None) -> Appointment:
    """The appointment, if it is there for this caller: what is not theirs does not exist. Raises Refused."""
    if appointment is None or not _concerns(caller, appointment):
        raise Refused("not_found")
    return appointment


def check_open(appointment: Appointment, seen: int | None, now: int, *allowed: State) -> None:
    """Whether it can be changed by somebody who has seen this version, in one of these states. Raises Refused."""
    check_seen(appointment.version, seen)
    check_state(appointment, *allowed)
    if appointment.start <= now:
        raise Refused("already_begun", "This appointment has begun or is over.")


def next_steps(appointment: Appointment, caller: Caller) -> list[str]:
    """What the caller may do with it as it stands, as the routes are called; whether it is time is seen there."""
    if caller.role in TAKING_PART:
        return []
    steps: list[str] = ["cancel"] if appointment.state in ("booked", "arrived") else []
    if appointment.state == "booked":
        steps.append("reschedule")
    if caller.by == "person":
        return steps
    return [*steps, *possible_steps(appointment), *(["undo"] if appointment.state in UNDONE else [])]


def changed_by(caller: Caller, said: By | None) -> By:
    """On whose wish something is changed: staff may say so, people wish it themselves. Raises Refused."""
    if said is None or said == caller.by:
        return caller.by
    if caller.by == "person":
        raise invalid([Fault("/by", "not_allowed", "people change what is theirs by themselves")])
    return said


def aimed(appointment: Appointment, move: Move, caller: Caller) -> Appointment:
    """The appointment with the place and the way to meet that the caller asks for; where and how it is held before
    an hour is found there. Raises Refused."""
    if caller.by == "person" and move.certainty is not None:
        raise invalid([Fault("/certainty", "not_allowed", "how certain an hour is, staff say")])
    modality = move.modality or appointment.modality
    there = replace(
        appointment,
        modality=modality,
        lane="in_person" if modality == "in_person" else "online",
        site_id=_site(appointment, move, modality),
    )
    if not _concerns(caller, there):
        raise invalid(
            [Fault("/site_id", "not_yours", "an hour of your site stays there; a coordinator moves it away")]
        )
    stays = move.start == appointment.start and there == appointment
    if stays and move.certainty not in (None, appointment.certainty):
        raise invalid([Fault("/certainty", "same_hour", "at the hour where it is use /confirm")])
    return there


def needs_another_place(appointment: Appointment, there: Appointment) -> bool:
    """Whether it has to be taken anew: in another lane, or at another site."""
    return (appointment.lane, appointment.site_id) != (there.lane, there.site_id)


def zone_there(there: Appointment, zones: Mapping[UUID, str]) -> str:
    """The zone its times are told in: the site's in person, else the people's as before. Raises Refused."""
    if there.site_id is None:
        return there.time_zone
    if there.site_id not in zones:
        raise invalid([Fault("/site_id", "unknown_site", "there is no such site")])
    return zones[there.site_id]


def _site(appointment: Appointment, move: Move, modality: str) -> UUID | None:
    if modality != "in_person":
        if move.site_id is not None:
            raise invalid([Fault("/site_id", "not_allowed", "only what is in person has a site")])
        return None
    site_id = move.site_id or appointment.site_id
    if site_id is None:
        raise invalid([Fault("/site_id", "missing", "where they are to meet")])
    return site_id


def ahead(hours: Iterable[Appointment], now: int) -> list[Appointment]:
    """Those of these hours that lie ahead."""
    return [one for one in hours if one.start > now]


def check_start(start: int, now: int, *, any_minute: bool = False) -> None:
    """Whether an appointment could ever begin then; on the quarter hour, if it may not be `any_minute`. Raises Refused."""
    if not any_minute and not grid.on_grid(start):
        raise invalid([Fault("/start", "off_grid", "appointments begin on the quarter hour")])
    if start < now:
        raise invalid([Fault("/start", "in_the_past", "this time is over")])
    if start > now + FARTHEST_DAYS * DAY:
        raise invalid([Fault("/start", "too_far", "nobody plans that far ahead")])


def move_to(appointment: Appointment, start: int) -> Wish:
    """The wish for exactly this start, with its therapist at its site."""
    length = appointment.end - appointment.start
    return wish_like(appointment, start, start + length)


def move_anywhere(appointment: Appointment, now: int) -> Wish:
    """The wish for any start, with its therapist at its site."""
    return wish_like(appointment, now, now + FARTHEST_DAYS * DAY)


def moved_hour(appointment: Appointment, there: Appointment, start: int, board: Board) -> list[Hour]:
    """The hour at this start, `there` being the appointment as it is to be held. Raises Refused slot_taken with the
    nearest starts that are open."""
    through = _keeping_its_place(appointment, board).through(start)
    outcome = decide([move_to(there, start)], through)[0]
    if not isinstance(outcome, Hour):
        others = nearest(there, start, board, but=appointment.start if there == appointment else None)
        raise Refused("slot_taken", "This time is not free.", alternatives=others)
    return [outcome]


def nearest(there: Appointment, start: int, board: Board, but: int | None = None) -> list[int]:
    """The open starts nearest to the one that was wished, in order of time; without the one where it is already."""
    wish = move_anywhere(there, board.now)
    mask = board.open_starts(there.therapist_id, there.site_id, wish.need)
    others = (one for one in grid.minutes(mask, board.origin) if one != but)
    return sorted(sorted(others, key=lambda one: (abs(one - start), one))[:ALTERNATIVES])


def without_own(appointment: Appointment, board: Board) -> Board:
    """The board as if the appointment were not counted in its week."""
    key = appointment.therapist_id, appointment.week
    board.used[key] = board.used.get(key, 1) - 1
    return board


def _keeping_its_place(appointment: Appointment, board: Board) -> Board:
    """The same board with room for the appointment in its own week: a limit that was lowered below what is booked
    lets nothing more in, and whoever moves within the week adds nothing."""
    therapist = board.therapists.get(appointment.therapist_id)
    if therapist is not None:
        key = appointment.therapist_id, appointment.week
        board.used[key] = min(board.used.get(key, 0), therapist.weekly_limit - 1)
    return board


def wish_like(appointment: Appointment, first: int, last: int) -> Wish:
    """The same people with the same therapist for as long, at a start between these minutes."""
    need = Need(
        lane=appointment.lane,
        length=appointment.end - appointment.start,
        people=tuple(dict.fromkeys(appointment.person_ids)),
        first=first,
        last=last,
    )
    sites = (appointment.site_id,) if appointment.site_id else ()
    return Wish(appointment.case_id, (Candidate(appointment.therapist_id, sites),), need)


def at_own_site(caller: Caller, site_id: UUID | None) -> bool:
    """Whether what is at this site, or at none, is for the caller as far as sites are concerned."""
    return caller.site_id is None or caller.site_id == site_id


def _concerns(caller: Caller, appointment: Appointment) -> bool:
    match caller.role:
        case "person":
            return caller.case_id == appointment.case_id
        case "participant" | "guardian":
            return caller.case_id == appointment.case_id and caller.attendee_id in appointment.attendee_ids
        case "therapist":
            return caller.subject == str(appointment.therapist_id)
        case "clinic_desk":
            return caller.organisation == appointment.organisation and at_own_site(
                caller, appointment.site_id
            )
        case role:
            return role == "coordinator"
