"""Who may see and change an appointment, and whether it can still be changed."""

from dataclasses import dataclass
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.appointments import Appointment, By, Certainty, State
from services.scheduling.domain.attendance import check_state, possible_steps
from services.scheduling.domain.availability import Board, Need
from services.scheduling.domain.booking import Candidate, Hour, Wish, decide
from services.scheduling.domain.calendars import Fault
from services.scheduling.domain.refusals import Refused, check_seen, invalid
from services.scheduling.domain.wall_time import DAY

ALTERNATIVES = 3
FARTHEST_DAYS = 93

_BY: dict[str, By] = {"person": "person", "therapist": "therapist"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a person with a case, or staff."""

    role: str
    subject: str
    case_id: UUID | None = None
    organisation: str | None = None

    @property
    def by(self) -> By:
        """The kind of people they are, as events name it."""
        return _BY.get(self.role, "clinic")


@dataclass(frozen=True, slots=True)
class Move:
    """Where an appointment is to go. `start` is a UTC minute; without a certainty it stays as certain as it was."""

    start: int
    certainty: Certainty | None = None


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
    steps: list[str] = ["cancel"] if appointment.state in ("booked", "arrived") else []
    if appointment.state == "booked":
        steps.append("reschedule")
    return steps if caller.by == "person" else [*steps, *possible_steps(appointment)]


def check_move(appointment: Appointment, move: Move, caller: Caller) -> None:
    """Whether the caller may ask for it at all. Raises Refused."""
    if move.certainty is None:
        return
    if caller.by == "person":
        raise invalid([Fault("/certainty", "not_allowed", "how certain an hour is, staff say")])
    if move.start == appointment.start and move.certainty != appointment.certainty:
        raise invalid([Fault("/certainty", "same_hour", "at the hour where it is use /confirm")])


def check_start(start: int, now: int) -> None:
    """Whether an appointment could ever begin then. Raises Refused."""
    if not grid.on_grid(start):
        raise invalid([Fault("/start", "off_grid", "appointments begin on the quarter hour")])
    if start <= now:
        raise invalid([Fault("/start", "in_the_past", "this time is over")])
    if start > now + FARTHEST_DAYS * DAY:
        raise invalid([Fault("/start", "too_far", "nobody plans that far ahead")])


def move_to(appointment: Appointment, start: int) -> Wish:
    """The wish for exactly this start, with the same therapist at the same site."""
    length = appointment.end - appointment.start
    return _wish(appointment, start, start + length)


def move_anywhere(appointment: Appointment, now: int) -> Wish:
    """The wish for any start, with the same therapist at the same site."""
    return _wish(appointment, now, now + FARTHEST_DAYS * DAY)


def moved_hour(appointment: Appointment, start: int, board: Board) -> list[Hour]:
    """The hour at this start. Raises Refused slot_taken with the nearest starts that are open."""
    outcome = decide([move_to(appointment, start)], _keeping_its_place(appointment, board))[0]
    if not isinstance(outcome, Hour):
        raise Refused("slot_taken", "This time is not free.", alternatives=nearest(appointment, start, board))
    return [outcome]


def nearest(appointment: Appointment, start: int, board: Board) -> list[int]:
    """The open starts nearest to the one that was wished, in order of time."""
    wish = move_anywhere(appointment, board.now)
    mask = board.open_starts(appointment.therapist_id, appointment.site_id, wish.need)
    others = (one for one in grid.minutes(mask, board.origin) if one != appointment.start)
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


def _wish(appointment: Appointment, first: int, last: int) -> Wish:
    need = Need(
        lane=appointment.lane,
        length=appointment.end - appointment.start,
        people=tuple(dict.fromkeys(appointment.person_ids)),
        first=first,
        last=last,
    )
    sites = (appointment.site_id,) if appointment.site_id else ()
    return Wish(appointment.case_id, (Candidate(appointment.therapist_id, sites),), need)


def _concerns(caller: Caller, appointment: Appointment) -> bool:
    match caller.role:
        case "person":
            return caller.case_id == appointment.case_id
        case "therapist":
            return caller.subject == str(appointment.therapist_id)
        case "clinic_desk":
            return caller.organisation == appointment.organisation
        case role:
            return role == "coordinator"
