"""Wall clocks: windows mean what the clock shows, through every change of it."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.scheduling.domain import wall_time, weeks
from tests.scheduling.reference import minute, wall

ZONES = (
    "Asia/Karachi", "Asia/Kabul", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Europe/London",
    "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "UTC",
)  # fmt: skip
# Around every change of Pakistan's clock, and of some others, and ordinary days.
DAYS = st.one_of(
    st.sampled_from([
        (2002, 4, 7), (2002, 10, 6), (2008, 6, 1), (2008, 11, 1), (2009, 4, 15), (2009, 11, 1),
        (2011, 12, 30), (2026, 3, 29), (2026, 4, 5), (2026, 10, 4), (2026, 10, 25), (2026, 11, 1),
    ]).flatmap(lambda day: st.integers(-1, 1).map(lambda by: minute(*day) // 1440 + by)),
    st.integers(minute(2001, 1, 1) // 1440, minute(2030, 1, 1) // 1440),
)  # fmt: skip


@given(zone=st.sampled_from(ZONES), day=DAYS, start=st.integers(0, 1439), length=st.integers(1, 1440))
@example(
    zone="America/St_Johns", day=14184, start=0, length=1386
)  # went back from 00:01 to 23:01 of this day
def test_a_window_is_exactly_the_minutes_in_which_the_clock_shows_it(
    zone: str, day: int, start: int, length: int
) -> None:
    end = min(start + length, 1440)
    covered = {at for a, b in wall_time.spans(zone, day, start, end) for at in range(a, b)}
    around = range((day - 2) * 1440, (day + 3) * 1440, 5)
    for at in around:
        clock = wall(zone, at)
        shown = (
            clock.toordinal() - wall_time.EPOCH_ORDINAL == day
            and start <= clock.hour * 60 + clock.minute < end
        )
        assert (at in covered) == shown


def test_an_evening_when_pakistan_puts_its_clocks_back_is_an_hour_longer() -> None:
    day = minute(2008, 10, 31) // 1440
    assert [b - a for a, b in wall_time.merged(wall_time.spans("Asia/Karachi", day, 22 * 60, 1440))] == [180]
    # 23:00 to 23:30 comes twice, with half an hour between that the window does not name.
    assert [b - a for a, b in wall_time.spans("Asia/Karachi", day, 23 * 60, 23 * 60 + 30)] == [30, 30]


def test_an_hour_that_the_clocks_leave_out_does_not_exist() -> None:
    day = minute(2008, 6, 1) // 1440
    assert wall_time.spans("Asia/Karachi", day, 0, 60) == []
    assert [b - a for a, b in wall_time.spans("Asia/Karachi", day, 30, 120)] == [60]


def test_a_date_that_a_place_left_out_has_no_minutes() -> None:
    assert wall_time.pieces("Pacific/Apia", minute(2011, 12, 30) // 1440) == ()


def test_nine_in_the_morning_stays_nine_through_summer_time() -> None:
    for month in (5, 7, 12):
        day = minute(2008, month, 5) // 1440
        ((start, _),) = wall_time.spans("Asia/Karachi", day, 9 * 60, 10 * 60)
        assert wall("Asia/Karachi", start).hour == 9


@given(zone=st.sampled_from(ZONES[:8]), day=DAYS, at=st.integers(0, 1439))
def test_a_week_is_the_iso_week_on_the_wall(zone: str, day: int, at: int) -> None:
    moment = day * 1440 + at
    week = weeks.week_of(zone, moment)
    clock = wall(zone, moment)
    monday = weeks.monday_of(week)
    assert monday.isocalendar()[:2] == clock.isocalendar()[:2]
    assert monday.isoweekday() == 1
    assert weeks.week_from(monday) == week
    start, end = weeks.week_span(zone, week)
    assert start <= moment < end
    assert weeks.week_of(zone, start) == weeks.week_of(zone, end - 1) == week
    assert weeks.week_of(zone, start - 1) == week - 1


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)).map(lambda s: (s[0], s[0] + s[1])), max_size=8)
)
def test_merging_loses_and_adds_no_minute(spans: list[tuple[int, int]]) -> None:
    joined = wall_time.merged(spans)
    assert {at for a, b in joined for at in range(a, b)} == {at for a, b in spans for at in range(a, b)}
    assert all(one[1] < other[0] for one, other in pairwise(joined))


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Lahore", "../etc/passwd", "utc+5", "Asia/Karachi\n"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(wall_time.UnknownZone):
        wall_time.zone(name)


def test_minutes_are_cut_off_or_rounded_up() -> None:
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Karachi"))
    late = noon.replace(second=1)
    assert wall_time.minute_of(noon) == wall_time.minute_after(noon) == minute(2026, 11, 23, 7)
    assert (wall_time.minute_of(late), wall_time.minute_after(late)) == (
        minute(2026, 11, 23, 7),
        minute(2026, 11, 23, 7, 1),
    )
    assert wall_time.moment_of(wall_time.minute_of(noon)) == noon
