"""The one predicate of the service: from which starts an appointment could begin. Listing, booking and
rescheduling ask it alike, so what is shown as free is what can be taken."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.calendars import Calendar, Lane, offered_starts
from services.scheduling.domain.wall_time import DAY, Span, local_day, merged, spans, weekday
from services.scheduling.domain.weeks import week_of, week_span

Weekly = tuple[int, int, int]  # ISO day, start and end in minutes after local midnight
Busy = tuple[Sequence[int], Sequence[int]]  # starts and ends of what is reserved, in UTC minutes

NOTHING: Busy = ((), ())


@dataclass(frozen=True, slots=True)
class Therapist:
    """What may be taken of a therapist; without a calendar there are no hours."""

    id: UUID
    organisation: str
    active: bool
    weekly_limit: int
    calendar: Calendar | None


@dataclass(frozen=True, slots=True)
class Need:
    """What an appointment needs beside a therapist. Minutes; no wanted windows means that any time will do."""

    lane: Lane
    length: int
    people: tuple[UUID, ...]
    first: int
    last: int
    wanted: tuple[Weekly, ...] = ()
    time_zone: str = "UTC"


@dataclass(slots=True)
class Board:
    """What is taken, as it was read under the locks; whatever a decision takes is written here at once.

    `now` is a UTC minute, rounded up; `rooms` are the open rooms by site in the order in which they are tried;
    `used` counts a therapist's appointments by week. Of those in `unread` nothing is known yet: whoever would have to know
    adds them to `wanting`, and what was decided so counts for nothing.
    """

    now: int
    therapists: Mapping[UUID, Therapist]
    rooms: Mapping[UUID, Sequence[UUID]]
    busy: Mapping[UUID, Busy]
    used: dict[tuple[UUID, int], int]
    unread: Set[UUID] = frozenset()
    wanting: set[UUID] = field(init=False, default_factory=set)
    origin: int = field(init=False)
    _blocked: dict[UUID, dict[tuple[int, int], int]] = field(init=False, default_factory=dict)
    _taken: dict[UUID, list[Span]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.origin = self.now // DAY * DAY

    def again(self) -> "Board":
        """The same board, for a decision of its own: what that takes is not written here."""
        return replace(self, used=dict(self.used))

    def through(self, minute: int) -> "Board":
        """The same board for starts that lie as far beside the quarter hour as this minute."""
        beside = replace(self)
        beside.origin += (minute - self.origin) % grid.QUARTER
        return beside

    def unread_at(self, therapist_id: UUID, site_id: UUID | None) -> set[UUID]:
        """What nothing is known of yet, of the therapist and the rooms of the site."""
        rooms = self.rooms.get(site_id, ()) if site_id else ()
        return {one for one in (therapist_id, *rooms) if one in self.unread}

    def open_starts(
        self, therapist_id: UUID, site_id: UUID | None, need: Need, *, limited: bool = True
    ) -> int:
        """The starts (grid bits from `origin`) that the therapist, a room and every person have free.

        `limited=False` leaves the weekly limit out, to tell a full week from a full diary.
        """
        therapist = self.therapists.get(therapist_id)
        if therapist is None or therapist.calendar is None or not therapist.active:
            return 0
        calendar, length = therapist.calendar, need.length
        mask = offered_starts(calendar, need.lane, site_id, length, self.origin)
        mask &= self._window(calendar, need)
        if mask and need.wanted:
            mask &= wanted_starts(need.wanted, need.time_zone, length, self.origin, _day_after(need.last))
        if mask:
            mask &= ~self.blocked(therapist_id, length, calendar.buffer)
            for person in need.people:
                mask &= ~self.blocked(person, length, 0)
        if mask and site_id is not None:
            mask &= ~self._every_room_blocked(site_id, length)
        if mask and limited:
            mask &= ~self._full_weeks(therapist, calendar)
        return mask

    def blocked(self, resource_id: UUID, length: int, buffer: int) -> int:
        """The starts at which this resource is taken already, buffers counted."""
        masks = self._blocked.setdefault(resource_id, {})
        mask = masks.get((length, buffer))
        if mask is None:
            starts, ends = self.busy.get(resource_id, NOTHING)
            mask = grid.starts_touching(starts, ends, length, buffer, self.origin)
            for start, end in self._taken.get(resource_id, ()):
                mask |= grid.starts_touching((start,), (end,), length, buffer, self.origin)
            masks[length, buffer] = mask
        return mask

    def free_room(self, site_id: UUID, start: int, length: int) -> UUID | None:
        """The first room of the site that is free."""
        wished = grid.bit(start, self.origin)
        for room in self.rooms.get(site_id, ()):
            if not self.blocked(room, length, 0) & wished:
                return room
        return None

    def take(self, resource_id: UUID, start: int, end: int) -> None:
        """Writes a reservation in."""
        self._taken.setdefault(resource_id, []).append((start, end))
        masks = self._blocked.get(resource_id, {})
        for length, buffer in masks:
            masks[length, buffer] |= grid.starts_touching((start,), (end,), length, buffer, self.origin)

    def count(self, therapist: Therapist, calendar: Calendar, start: int) -> int:
        """Counts an appointment in its week, which is returned."""
        week = week_of(calendar.time_zone, start)
        self.used[therapist.id, week] = self.used.get((therapist.id, week), 0) + 1
        return week

    def _window(self, calendar: Calendar, need: Need) -> int:
        first = max(need.first, self.now + calendar.notice)
        last = min(need.last - need.length, self.now + calendar.horizon * DAY)
        return grid.between(first, last, self.origin)

    def _every_room_blocked(self, site_id: UUID, length: int) -> int:
        every = -1
        for room in self.rooms.get(site_id, ()):
            every &= self.blocked(room, length, 0)
        return every

    def _full_weeks(self, therapist: Therapist, calendar: Calendar) -> int:
        mask = 0
        week = week_of(calendar.time_zone, self.origin)
        for ahead in range(week, week + (calendar.horizon + 8) // 7 + 1):
            if self.used.get((therapist.id, ahead), 0) >= therapist.weekly_limit:
                start, end = week_span(calendar.time_zone, ahead)
                mask |= grid.between(start, end - 1, self.origin)
        return mask


@lru_cache(maxsize=8192)
def wanted_starts(wanted: tuple[Weekly, ...], time_zone: str, length: int, origin: int, until: int) -> int:
    """Starts from which `length` minutes lie inside the wanted weekly windows."""
    days = range(local_day(time_zone, origin), local_day(time_zone, until) + 1)
    windows = (
        span
        for day in days
        for on, start, end in wanted
        if on == weekday(day)
        for span in spans(time_zone, day, start, end)
    )
    return grid.starts_inside(merged(windows), length, origin)


def _day_after(minute: int) -> int:
    # Cut to days, so that people who want the same times share one mask.
    return (minute // DAY + 1) * DAY
