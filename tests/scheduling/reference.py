"""Slow and obvious versions of what the domain does: minute by minute, with the wall clock asked each time."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.booking import Hour, Wish
from services.scheduling.domain.calendars import Calendar, Lane, OtherHours, Rule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall(zone: str, minute: int) -> datetime:
    """What the clock on the wall shows."""
    return (EPOCH + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))


def minute(year: int, month: int, day: int, hour: int = 0, minutes: int = 0) -> int:
    """A UTC moment as whole minutes since 1970."""
    return int((datetime(year, month, day, hour, minutes, tzinfo=UTC) - EPOCH).total_seconds() // 60)


def shown_in(zone: str, windows: Iterable[tuple[int, int, int]]) -> Callable[[int], bool]:
    """Whether the clock shows a time inside one of these weekly windows."""
    kept = list(windows)
    seen: dict[int, bool] = {}

    def inside(at: int) -> bool:
        if at not in seen:
            clock = wall(zone, at)
            time = clock.hour * 60 + clock.minute
            seen[at] = any(day == clock.isoweekday() and start <= time < end for day, start, end in kept)
        return seen[at]

    return inside


def open_starts(board: Board, therapist: Therapist, site: UUID | None, need: Need) -> list[int]:
    """Every start that keeps every promise, found by trying each."""
    calendar = therapist.calendar
    if calendar is None or not therapist.active:
        return []
    opened = opened_at(calendar, need.lane, site)
    wanted = shown_in(need.time_zone, need.wanted)

    def good(start: int) -> bool:
        end = start + need.length
        return (
            need.first <= start
            and end <= need.last
            and board.now + calendar.notice <= start <= board.now + calendar.horizon * 1440
            and all(opened(at) for at in range(start, end))
            and (not need.wanted or all(wanted(at) for at in range(start, end)))
            and free(board, therapist.id, start - calendar.buffer, end + calendar.buffer)
            and all(free(board, person, start, end) for person in need.people)
            and (site is None or any(free(board, room, start, end) for room in board.rooms.get(site, ())))
            and used_in_week_of(board, therapist, start) < therapist.weekly_limit
        )

    first = -(-board.now // 15) * 15
    return [start for start in range(first, board.now + calendar.horizon * 1440 + 1, 15) if good(start)]


def includes(hours: OtherHours, zone: str, at: int) -> bool:
    """Whether the clock of this zone shows a day and a time of theirs."""
    clock = wall(zone, at)
    day, time = (clock.date() - date(1970, 1, 1)).days, clock.hour * 60 + clock.minute
    return hours.first_day <= day <= hours.last_day and hours.start <= time < hours.end


def opened_at(calendar: Calendar, lane: Lane, site: UUID | None) -> Callable[[int], bool]:
    """Whether somebody with this calendar in the hand would say that they are there at this minute."""
    rules = [r for r in calendar.rules if r.lane == lane and r.site_id == site]
    weekly = shown_in(calendar.time_zone, [(r.day, r.start, r.end) for r in rules])
    seen: dict[int, bool] = {}

    def opened(at: int) -> bool:
        day = (wall(calendar.time_zone, at).date() - date(1970, 1, 1)).days
        on = [one for one in calendar.other_hours if includes(one, calendar.time_zone, at)]
        off = [one for one in on if one.kind == "time_off" and one.lane in (None, lane)]
        closed = [one for one in calendar.closures if lane == "in_person" and one.hours.site_id == site]
        if any(one.site_id in (None, site) for one in off):
            return False
        if any(includes(one.hours, one.time_zone, at) for one in closed):
            return False
        extra = [one.site_id for one in on if one.kind == "extra_hours" and one.lane == lane]
        if extra:
            return site in extra
        return weekly(at) and not any(first <= day <= last for first, last in calendar.holidays)

    def remembered(at: int) -> bool:
        if at not in seen:
            seen[at] = opened(at)
        return seen[at]

    return remembered


def free(board: Board, resource: UUID, start: int, end: int) -> bool:
    """Whether nothing of this resource overlaps."""
    starts, ends = board.busy.get(resource, ((), ()))
    return not any(a < end and start < b for a, b in zip(starts, ends, strict=True))


def used_in_week_of(board: Board, therapist: Therapist, start: int) -> int:
    """How many are counted in the ISO week that the clock shows."""
    assert therapist.calendar is not None
    day = wall(therapist.calendar.time_zone, start).date()
    monday = day - timedelta(days=day.weekday())
    return next(
        (
            used
            for (who, week), used in board.used.items()
            if who == therapist.id and monday_of(week) == monday
        ),
        0,
    )


def monday_of(week: int) -> object:
    """The Monday of a week number."""
    return (datetime(1969, 12, 29, tzinfo=UTC) + timedelta(weeks=week)).date()


def overlaps(hours: Iterable[tuple[Wish, Hour]]) -> list[tuple[UUID, int]]:
    """Every (resource, minute) that is taken twice, buffers included."""
    taken: set[tuple[UUID, int]] = set()
    twice = []
    for _, hour in hours:
        held = [(hour.therapist_id, range(hour.start - hour.buffer, hour.end + hour.buffer))]
        held += [(one, range(hour.start, hour.end)) for one in hour.people]
        held += [(hour.room_id, range(hour.start, hour.end))] if hour.room_id else []
        for resource, span in held:
            twice += [(resource, at) for at in span if (resource, at) in taken]
            taken |= {(resource, at) for at in span}
    return twice


def rule(day: int, start: str, end: str, site: UUID | None = None) -> Rule:
    """A rule from wall times such as 09:00."""
    return Rule(day, clock(start), clock(end), "in_person" if site else "online", site)


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
