"""Safe windows: midnight, clock changes, and the property that a message never arrives outside one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.windows import Hours, Window, is_open, next_opening

KARACHI = "Asia/Karachi"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def opening_of(windows: Sequence[Window], zone_name: str, after: datetime) -> datetime | None:
    return next_opening([Hours(windows, zone_name)], after)


def test_without_windows_messages_come_between_nine_and_twenty_one() -> None:
    assert not is_open((), KARACHI, at("2027-01-04T08:59+05:00"))
    assert is_open((), KARACHI, at("2027-01-04T09:00+05:00"))
    assert is_open((), KARACHI, at("2027-01-04T20:59+05:00"))
    assert not is_open((), KARACHI, at("2027-01-04T21:00+05:00"))


def test_a_narrow_window_opens_only_in_its_hour_of_its_day() -> None:
    tuesday = (Window(2, 14 * 60, 15 * 60),)
    assert not is_open(tuesday, KARACHI, at("2027-01-04T14:30+05:00"))
    assert is_open(tuesday, KARACHI, at("2027-01-05T14:30+05:00"))
    assert opening_of(tuesday, KARACHI, at("2027-01-05T15:00+05:00")) == at("2027-01-12T14:00+05:00")


def test_a_window_across_midnight_is_open_on_both_sides() -> None:
    sunday_night = (Window(7, 22 * 60, 2 * 60),)
    assert is_open(sunday_night, KARACHI, at("2027-01-03T23:59+05:00"))
    assert is_open(sunday_night, KARACHI, at("2027-01-04T01:59+05:00"))
    assert not is_open(sunday_night, KARACHI, at("2027-01-04T02:00+05:00"))
    assert not is_open(sunday_night, KARACHI, at("2027-01-03T01:00+05:00"))
    assert opening_of(sunday_night, KARACHI, at("2027-01-04T02:00+05:00")) == at("2027-01-10T22:00+05:00")


def test_a_window_until_midnight_ends_there() -> None:
    assert is_open((Window(1, 1380, 1440),), KARACHI, at("2027-01-04T23:59+05:00"))
    assert not is_open((Window(1, 1380, 1440),), KARACHI, at("2027-01-05T00:00+05:00"))


EVENINGS, OFFICE = Hours((Window(1, 1080, 1380),), KARACHI), Hours((Window(1, 540, 1140),), KARACHI)


@pytest.mark.parametrize(
    ("after", "opening"),
    [
        ("2027-01-04T10:00+05:00", "2027-01-04T18:00+05:00"),  # the rule's hours, not yet the person's
        ("2027-01-04T18:30+05:00", "2027-01-04T18:30+05:00"),
        ("2027-01-04T19:00+05:00", "2027-01-11T18:00+05:00"),  # the person's hours, no more the rule's
    ],
)
def test_what_is_limited_by_a_rule_arrives_when_both_are_open(after: str, opening: str) -> None:
    for every in ([EVENINGS, OFFICE], [OFFICE, EVENINGS]):
        assert next_opening(every, at(after)) == at(opening)
    elsewhere = Hours(OFFICE.windows, "Pacific/Auckland")
    assert next_opening([EVENINGS, elsewhere], at(after)) is None


def test_an_empty_window_never_opens() -> None:
    assert opening_of((Window(1, 600, 600),), KARACHI, at("2027-01-04T10:00+05:00")) is None


@pytest.mark.parametrize(
    ("window", "after", "opening"),
    [
        # 2008-06-01: the clock goes from 00:00 to 01:00; what the clock skips opens right after the gap.
        (Window(7, 0, 120), "2008-05-31T23:30+05:00", "2008-06-01T01:00+06:00"),
        (Window(7, 30, 120), "2008-05-31T23:30+05:00", "2008-06-01T01:00+06:00"),
        (Window(7, 60, 120), "2008-05-31T23:30+05:00", "2008-06-01T01:00+06:00"),
        # A window inside the gap does not exist that day; it opens a week later.
        (Window(7, 10, 50), "2008-05-31T23:30+05:00", "2008-06-08T00:10+06:00"),
        # 2008-11-01: the hour from 23:00 to midnight comes twice; the window opens in both.
        (Window(5, 1410, 1430), "2008-10-31T22:00+06:00", "2008-10-31T23:30+06:00"),
        (Window(5, 1410, 1430), "2008-10-31T23:50+06:00", "2008-10-31T23:30+05:00"),
        # 2009-04-15 and 2002-04-07: wall time stays what the person said.
        (Window(3, 540, 600), "2009-04-14T12:00+05:00", "2009-04-15T09:00+06:00"),
        (Window(1, 540, 600), "2002-04-07T12:00+06:00", "2002-04-08T09:00+06:00"),
    ],
)
def test_windows_stay_in_wall_time_over_clock_changes(window: Window, after: str, opening: str) -> None:
    assert opening_of((window,), KARACHI, at(after)) == at(opening)


def test_an_unknown_zone_is_read_as_the_countrys_own() -> None:
    assert is_open((), "Nowhere/Land", at("2027-01-04T09:00+05:00"))


moments = st.datetimes(datetime(2002, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001  # naive bounds
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)
window_lists = st.lists(
    st.builds(Window, st.integers(1, 7), st.integers(0, 1439), st.integers(0, 1440)), min_size=1, max_size=4
)
zones = st.sampled_from([KARACHI, "UTC", "Europe/London", "America/St_Johns"])


@given(window_lists, moments, zones)
def test_the_next_opening_is_open_and_lies_ahead(
    windows: list[Window], after: datetime, zone_name: str
) -> None:
    opening = opening_of(windows, zone_name, after)
    if any(window.start != window.end for window in windows):
        assert opening is not None
    if opening is not None:
        assert opening >= after
        assert is_open(windows, zone_name, opening)


@given(window_lists, moments.filter(lambda m: m.month in (4, 5, 6, 10, 11)), zones)
def test_no_earlier_minute_was_open(windows: list[Window], after: datetime, zone_name: str) -> None:
    opening = opening_of(windows, zone_name, after)
    last = opening or after + timedelta(days=1)
    minutes = min(int((last - after).total_seconds()) // 60, 3000)
    assert not any(is_open(windows, zone_name, after + timedelta(minutes=m)) for m in range(minutes))


@given(moments)
def test_the_same_moment_with_seconds_is_judged_by_its_minute(moment: datetime) -> None:
    assert is_open((), KARACHI, moment) == is_open((), KARACHI, moment.replace(second=59))
