"""Which hours are open: exactly those a patient person would find with a clock, a diary and a calendar."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from services.scheduling.domain import grid
from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.calendars import Calendar, faults
from tests.scheduling import reference, strategies
from tests.scheduling.reference import minute, rule

A, (SITE, OTHER_SITE), ROOM = strategies.THERAPISTS[0], strategies.SITES, strategies.ROOMS[0]
MONDAY = minute(2026, 11, 23)  # 05:00 in Karachi


@given(strategies.boards_with(strategies.needs), st.sampled_from(strategies.SITES))
def test_open_starts_are_those_found_by_trying_every_minute(given_: tuple[Board, Any], site: Any) -> None:
    board, need = given_
    place = site if need.lane == "in_person" else None
    for therapist in board.therapists.values():
        mask = board.open_starts(therapist.id, place, need)
        found = list(grid.minutes(mask, board.origin))
        event("some" if found else "none")
        assert found == reference.open_starts(board, therapist, place, need)
        assert grid.earliest(mask, board.origin) == (found[0] if found else None)


@given(strategies.boards_with(strategies.needs), st.data())
def test_what_is_taken_later_counts_like_what_was_read(given_: tuple[Board, Any], data: Any) -> None:
    board, need = given_
    spans = data.draw(strategies.busy(board.now))
    asked_first = data.draw(st.booleans())
    if asked_first:
        board.open_starts(A, None, need)
    known = board.busy.get(A, ([], []))
    for start, end in zip(*spans, strict=True):
        board.take(A, start, end)
    both = dict(board.busy) | {A: ([*known[0], *spans[0]], [*known[1], *spans[1]])}
    afresh = Board(board.now, board.therapists, board.rooms, both, dict(board.used))
    assert board.open_starts(A, None, need) == afresh.open_starts(A, None, need)


def board_of(*rules: Any, buffer: int = 10, limit: int = 18, **changes: Any) -> Board:
    calendar = Calendar(A, 1, "Asia/Karachi", buffer, 120, 28, tuple(rules))
    therapists = {A: Therapist(A, "network", True, limit, calendar)}
    return Board(
        **{"now": MONDAY, "therapists": therapists, "rooms": {SITE: [ROOM]}, "busy": {}, "used": {}} | changes
    )


def need(lane: Any = "online", *, days: int = 28, **changes: Any) -> Need:
    return Need(
        **{"lane": lane, "length": 50, "people": (), "first": MONDAY, "last": MONDAY + days * 1440} | changes
    )


def shown(board: Board, mask: int) -> list[str]:
    return [
        reference.wall("Asia/Karachi", at).strftime("%a %H:%M") for at in grid.minutes(mask, board.origin)
    ]


def test_an_hour_fits_to_the_end_of_a_rule_and_not_beyond() -> None:
    board = board_of(rule(1, "09:00", "10:00"), rule(2, "09:00", "10:05"), rule(3, "09:00", "10:15"))
    assert shown(board, board.open_starts(A, None, need(days=6))) == [
        "Mon 09:00", "Tue 09:00", "Tue 09:15", "Wed 09:00", "Wed 09:15",
    ]  # fmt: skip


def test_five_minutes_on_both_sides_make_an_hour_of_fifty_minutes() -> None:
    nine = minute(2026, 11, 23, 4)  # 09:00 in Karachi
    board = board_of(rule(1, "09:00", "11:00"), buffer=5, busy={A: ([nine - 5], [nine + 55])})
    assert shown(board, board.open_starts(A, None, need(days=6))) == ["Mon 10:00"]


def test_rules_that_touch_at_midnight_are_one_evening() -> None:
    board = board_of(rule(1, "23:30", "24:00"), rule(2, "00:00", "00:30"))
    assert shown(board, board.open_starts(A, None, need(days=6))) == ["Mon 23:30"]


def test_nothing_is_offered_sooner_than_the_notice_or_beyond_the_horizon() -> None:
    every_day = [rule(day, "00:00", "24:00") for day in range(1, 8)]
    board = board_of(*every_day, now=MONDAY + 7)
    found = list(grid.minutes(board.open_starts(A, None, need(days=90)), board.origin))
    assert found[0] == MONDAY + 135
    assert found[-1] == MONDAY + 28 * 1440


def test_a_full_week_is_closed_and_the_next_one_open() -> None:
    board = board_of(rule(1, "09:00", "10:00"), limit=2, used={(A, 2969): 2})
    assert (minute(2026, 11, 23) // 1440 + 3) // 7 == 2969
    assert shown(board, board.open_starts(A, None, need(days=10))) == ["Mon 09:00"]
    assert grid.earliest(board.open_starts(A, None, need(days=10)), board.origin) == minute(2026, 11, 30, 4)


@pytest.mark.parametrize("change", [{"active": False}, {"weekly_limit": 0}, {"calendar": None}])
def test_who_is_away_has_no_hours(change: dict[str, Any]) -> None:
    usual = board_of(rule(1, "09:00", "10:00"))
    about = {name: getattr(usual.therapists[A], name) for name in Therapist.__slots__} | change
    board = board_of(therapists={A: Therapist(**about)})
    assert usual.open_starts(A, None, need()) != 0
    assert board.open_starts(A, None, need()) == 0


def test_in_person_needs_a_room_of_that_very_site() -> None:
    board = board_of(rule(1, "09:00", "10:00", SITE), rule(2, "09:00", "10:00", OTHER_SITE))
    assert shown(board, board.open_starts(A, SITE, need("in_person", days=6))) == ["Mon 09:00"]
    assert board.open_starts(A, OTHER_SITE, need("in_person", days=6)) == 0
    assert board.open_starts(A, None, need("online", days=6)) == 0


@pytest.mark.parametrize(
    ("zone", "rules", "pointer", "code"),
    [
        ("Asia/Lahore", [], "/time_zone", "unknown_zone"),
        ("UTC", [rule(1, "09:05", "10:00")], "/rules/0/start", "off_grid"),
        ("UTC", [rule(1, "09:00", "10:20")], "/rules/0/end", "off_grid"),
        ("UTC", [rule(1, "10:00", "09:00")], "/rules/0/end", "end_before_start"),
        ("UTC", [rule(1, "10:00", "10:00")], "/rules/0/end", "end_before_start"),
        ("UTC", [rule(1, "09:00", "10:00", OTHER_SITE)], "/rules/0/site_id", "unknown_site"),
        ("UTC", [rule(1, "09:00", "12:00"), rule(1, "11:45", "13:00")], "/rules/1", "overlapping_rules"),
        ("UTC", [rule(1, "11:45", "13:00"), rule(1, "09:00", "12:00")], "/rules/0", "overlapping_rules"),
        (
            "UTC",
            [rule(1, "09:00", "12:00", SITE), rule(1, "09:00", "12:00", SITE)],
            "/rules/1",
            "overlapping_rules",
        ),
    ],
)
def test_what_is_wrong_with_a_calendar_is_named(zone: str, rules: list[Any], pointer: str, code: str) -> None:
    assert [(one.pointer, one.code) for one in faults(zone, rules, frozenset({SITE}))] == [(pointer, code)]


def test_the_same_hours_may_be_open_online_and_in_person() -> None:
    both = [rule(1, "09:00", "12:00"), rule(1, "09:00", "12:00", SITE), rule(1, "12:00", "13:00")]
    assert faults("Asia/Karachi", both, frozenset({SITE})) == []
