"""Which hour every match of a batch gets: urgent ones first, each seeing what the ones before it took."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.calendars import Calendar, may_close
from services.scheduling.domain.spare import spare_start

NoSlotReason = Literal["no_hour", "no_capacity"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A therapist who fits; in person at one of these sites, the preferred one first."""

    therapist_id: UUID
    site_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A match that wants an hour with the first candidate who has one; `offered`, one to spare, while somebody chooses, or
    with `last_too` any."""

    case_id: UUID
    candidates: tuple[Candidate, ...]
    need: Need
    priority: int = 0
    offered: bool = False
    last_too: bool = False


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour that is taken for a case. Minutes; `week` is the one it counts in. `may_close`: its day may become a holiday."""

    case_id: UUID
    therapist_id: UUID
    organisation: str
    site_id: UUID | None
    room_id: UUID | None
    people: tuple[UUID, ...]
    start: int
    end: int
    buffer: int
    week: int
    weekly_limit: int
    may_close: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """One resource for one span. The therapist's holds the buffers; a room's and a person's does not: a room
    needs no rest, and a person's way to it is not ours to plan."""

    resource_id: UUID
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """All that some wishes may take, and until when. `later` are those therapists and sites that nobody names first."""

    therapists: frozenset[UUID]
    sites: frozenset[UUID]
    people: frozenset[UUID]
    until: int
    later: frozenset[UUID] = frozenset()


def asked_for(wishes: Iterable[Wish]) -> Asked:
    """What must be locked before these can be decided, and read, but for what is only asked for when it comes to that."""
    every = list(wishes)
    candidates = [one for wish in every for one in wish.candidates]
    therapists = frozenset(one.therapist_id for one in candidates)
    sites = frozenset(site for one in candidates for site in one.site_ids)
    first = {one for wish in every for place in islice(_places(wish), 1) for one in place}
    return Asked(
        therapists,
        sites,
        frozenset(person for wish in every for person in wish.need.people),
        max((wish.need.last for wish in every), default=0),
        (therapists | sites) - first,
    )


def decide(
    wishes: Sequence[Wish], board: Board, kept: Mapping[UUID, int] | None = None
) -> list[Hour | NoSlotReason]:
    """The earliest open hour of each wish's first candidate who has one, in the order of the wishes.

    Whoever is booked chooses before whoever is offered, then by priority, then by arrival. Nothing overlaps, whatever is on
    the board. `kept` are the hours by therapist that are kept for offers already. Where the board wants more afterwards,
    nothing is decided: it is to be read, and all are decided again.
    """
    outcomes: dict[int, Hour | NoSlotReason] = {}
    now_kept = Counter(kept or {})
    for place in sorted(
        range(len(wishes)), key=lambda one: (wishes[one].offered, -wishes[one].priority, one)
    ):
        outcomes[place] = outcome = _seek(wishes[place], board, now_kept)
        if wishes[place].offered and isinstance(outcome, Hour):
            now_kept[outcome.therapist_id] += 1
    return [outcomes[place] for place in range(len(wishes))]


def reservations(hour: Hour) -> list[Reservation]:
    """Exactly what an appointment at this hour reserves."""
    needed = [Reservation(hour.therapist_id, hour.start - hour.buffer, hour.end + hour.buffer)]
    if hour.room_id is not None:
        needed.append(Reservation(hour.room_id, hour.start, hour.end))
    needed += [Reservation(person, hour.start, hour.end) for person in hour.people]
    return needed


def _seek(wish: Wish, board: Board, kept: Mapping[UUID, int]) -> Hour | NoSlotReason:
    places = list(_places(wish))
    for looked_at, (therapist_id, site_id) in enumerate(places):
        if board.unread_at(therapist_id, site_id):
            # As many more as were in vain, and one: so few diaries are read, and seldom more than three times.
            further = places[looked_at : 2 * looked_at + 1]
            board.wanting.update(one for place in further for one in board.unread_at(*place))
            return "no_hour"
        if wish.offered:
            already = kept.get(therapist_id, 0)
            start = spare_start(board, therapist_id, site_id, wish.need, already, last_too=wish.last_too)
        else:
            start = grid.earliest(board.open_starts(therapist_id, site_id, wish.need), board.origin)
        if start is not None:
            return _take(wish, board, therapist_id, site_id, start)
    for therapist_id, site_id in places:
        if board.open_starts(therapist_id, site_id, wish.need, limited=False):
            return "no_capacity"
    return "no_hour"


def _places(wish: Wish) -> Iterator[tuple[UUID, UUID | None]]:
    for candidate in wish.candidates:
        if wish.need.lane == "online":
            yield candidate.therapist_id, None
        else:
            for site_id in candidate.site_ids:
                yield candidate.therapist_id, site_id


def _take(wish: Wish, board: Board, therapist_id: UUID, site_id: UUID | None, start: int) -> Hour:
    therapist, calendar = _known(board, therapist_id)
    end = start + wish.need.length
    hour = Hour(
        case_id=wish.case_id,
        therapist_id=therapist_id,
        organisation=therapist.organisation,
        site_id=site_id,
        room_id=board.free_room(site_id, start, wish.need.length) if site_id else None,
        people=wish.need.people,
        start=start,
        end=end,
        buffer=calendar.buffer,
        week=board.count(therapist, calendar, start),
        weekly_limit=therapist.weekly_limit,
        may_close=may_close(calendar, wish.need.lane, site_id, start, end),
    )
    for one in reservations(hour):
        board.take(one.resource_id, one.start, one.end)
    return hour


def _known(board: Board, therapist_id: UUID) -> tuple[Therapist, Calendar]:
    therapist = board.therapists[therapist_id]
    assert therapist.calendar is not None  # it has open starts
    return therapist, therapist.calendar
