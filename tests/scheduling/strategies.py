"""Random calendars, diaries and wishes for property tests, small enough to be checked minute by minute."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from hypothesis import strategies as st

from services.scheduling.domain.availability import Board, Busy, Need, Therapist
from services.scheduling.domain.booking import Candidate, Wish
from services.scheduling.domain.calendars import Calendar, Closure, ExceptionKind, Lane, OtherHours, Rule
from services.scheduling.domain.wall_time import merged
from services.scheduling.domain.weeks import week_of
from tests.scheduling.reference import minute

THERAPISTS = [UUID(int=0x100 + n) for n in range(3)]
ROOMS = [UUID(int=0x200 + n) for n in range(3)]
PEOPLE = [UUID(int=0x300 + n) for n in range(4)]
SITES = [UUID(int=0x400 + n) for n in range(2)]
ZONES = (
    "Asia/Karachi",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Europe/London",
    "Australia/Lord_Howe",
)
# Some days before a clock changes somewhere, and an ordinary week.
NOWS = [
    minute(2008, 5, 29), minute(2008, 10, 29), minute(2009, 4, 13), minute(2009, 10, 30), minute(2002, 4, 5),
    minute(2026, 3, 27), minute(2026, 10, 23), minute(2026, 4, 3), minute(2026, 11, 23),
]  # fmt: skip
LENGTHS = st.sampled_from([50, 30, 45, 90, 25])
HORIZON = 6

nows = st.builds(lambda day, at: day + at, st.sampled_from(NOWS), st.integers(0, 1439))


@st.composite
def windows(draw: st.DrawFn, step: int = 15) -> tuple[int, int, int]:
    """ISO day, start and end on a grid of `step` minutes; long ones and whole days, so that they touch."""
    start = draw(st.sampled_from([0, 0, 60, 135, 540, 600, 1200])) // step * step
    length = draw(st.sampled_from([60, 75, 240, 480, 1440])) + draw(st.integers(0, 10)) * step
    return draw(st.integers(1, 7)), start, min(start + length, 1440)


@st.composite
def other_hours(draw: st.DrawFn, around: int) -> OtherHours:
    """Time off or extra hours near a day (numbered from 1970), of one lane and site or of more."""
    kind: ExceptionKind = draw(st.sampled_from(["time_off", "extra_hours"]))
    lanes = [None, "online", "in_person"] if kind == "time_off" else ["online", "in_person"]
    lane = draw(st.sampled_from(lanes))
    sites = [] if lane != "in_person" else [*SITES, None] if kind == "time_off" else SITES
    _, start, end = draw(windows())
    first = around + draw(st.integers(-3, HORIZON + 2))
    return OtherHours(
        id=draw(st.uuids(version=4)),
        version=1,
        kind=kind,
        first_day=first,
        last_day=first + draw(st.sampled_from([0, 0, 1, 4])),
        start=start,
        end=end,
        lane=lane,
        site_id=draw(st.sampled_from(sites)) if sites else None,
    )


def holidays(around: int) -> st.SearchStrategy[tuple[int, int]]:
    """First and last day of a holiday near a day."""
    return st.builds(
        lambda first, more: (around + first, around + first + more),
        st.integers(-1, HORIZON),
        st.integers(0, 2),
    )


@st.composite
def closures(draw: st.DrawFn, around: int) -> Closure:
    """A site that is closed near a day, by a clock of its own."""
    hours = draw(other_hours(around))
    closed = replace(hours, kind="time_off", lane="in_person", site_id=draw(st.sampled_from(SITES)))
    return Closure(draw(st.sampled_from(ZONES)), closed)


@st.composite
def calendars(draw: st.DrawFn, therapist_id: UUID, now: int) -> Calendar:
    """A calendar with eight to twenty-four rules, online and at two sites, up to four exceptions, a
    holiday and a closure."""
    rules = [
        Rule(*draw(windows()), "in_person" if site else "online", site)
        for site in draw(st.lists(st.sampled_from([None, None, *SITES]), min_size=8, max_size=24))
    ]
    return Calendar(
        therapist_id=therapist_id,
        version=1,
        time_zone=draw(st.sampled_from(ZONES)),
        buffer=draw(st.sampled_from([0, 5, 10, 20])),
        notice=draw(st.sampled_from([0, 120, 1440])),
        horizon=HORIZON,
        rules=tuple(rules),
        other_hours=tuple(draw(st.lists(other_hours(now // 1440), max_size=4))),
        holidays=tuple(draw(st.lists(holidays(now // 1440), max_size=1))),
        closures=tuple(draw(st.lists(closures(now // 1440), max_size=1))),
    )


def busy(around: int) -> st.SearchStrategy[Busy]:
    """What is reserved already: spans that do not overlap, some of them before now."""
    span = st.builds(
        lambda at, length: (around + at, around + at + length), st.integers(-300, 8000), st.integers(1, 300)
    )
    return st.lists(span, max_size=8).map(merged).map(lambda s: ([a for a, _ in s], [b for _, b in s]))


@st.composite
def boards(draw: st.DrawFn) -> Board:
    """A board with three therapists, three rooms at two sites and four people."""
    now = draw(nows)
    therapists = {
        one: Therapist(
            one,
            "network",
            draw(st.sampled_from([True] * 7 + [False])),
            draw(st.integers(0, 9)),
            draw(calendars(one, now)),
        )
        for one in THERAPISTS
    }
    taken = {one: draw(busy(now)) for one in (*THERAPISTS, *ROOMS, *PEOPLE) if draw(st.booleans())}
    used = {
        (one.id, week_of(one.calendar.time_zone, now) + ahead): draw(st.integers(0, 4))
        for one in therapists.values()
        for ahead in range(2)
        if one.calendar
    }
    rooms = {SITES[0]: ROOMS[:2], SITES[1]: ROOMS[2 : draw(st.integers(2, 3))]}
    return Board(now, therapists, rooms, taken, used)


@st.composite
def needs(draw: st.DrawFn, now: int, lane: Lane | None = None) -> Need:
    """What a case may want, at any minute: people do not think in quarter hours."""
    first = now + draw(st.integers(-100, 1500))
    return Need(
        lane=lane or draw(st.sampled_from(["online", "in_person"])),
        length=draw(LENGTHS),
        people=tuple(draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True))),
        first=first,
        last=first + draw(st.integers(2000, 9000)),
        wanted=tuple(draw(st.one_of(st.just([]), st.lists(windows(step=5), min_size=4, max_size=9)))),
        time_zone=draw(st.sampled_from(ZONES)),
    )


@st.composite
def wishes(draw: st.DrawFn, now: int, lane: Lane | None = None) -> Wish:
    """A match of one to three candidates."""
    chosen = draw(st.lists(st.sampled_from(THERAPISTS), min_size=1, max_size=3, unique=True))
    sites = tuple(draw(st.permutations(SITES)))
    return Wish(
        case_id=draw(st.uuids(version=4)),
        candidates=tuple(Candidate(one, sites) for one in chosen),
        need=draw(needs(now, lane)),
        priority=draw(st.integers(0, 3)),
    )


@st.composite
def batches(draw: st.DrawFn, now: int) -> list[Wish]:
    """Matches of one lane, as one batch of a consumer has them."""
    lane: Lane = draw(st.sampled_from(["online", "in_person"]))
    return draw(st.lists(wishes(now, lane), min_size=3, max_size=7))


def boards_with(part: Callable[[int], st.SearchStrategy[object]]) -> st.SearchStrategy[tuple[Board, object]]:
    """A board and something drawn for its time."""
    return boards().flatmap(lambda board: st.tuples(st.just(board), part(board.now)))
