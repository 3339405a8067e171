"""A batch of matches: nothing overlaps, limits hold, and everybody gets the earliest hour there is."""

from collections import Counter
from typing import Any

from hypothesis import event, given

from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.booking import Candidate, Hour, Wish, decide, reservations
from services.scheduling.domain.calendars import Calendar
from tests.scheduling import reference, strategies

BATCHES = strategies.boards_with(strategies.batches)


@given(BATCHES)
def test_no_resource_is_taken_twice_whatever_is_wished(given_: tuple[Board, Any]) -> None:
    board, wishes = given_
    taken = [(w, h) for w, h in zip(wishes, decide(wishes, board), strict=True) if isinstance(h, Hour)]
    event(f"{len(taken)} taken")
    assert reference.overlaps(taken) == []
    for _, hour in taken:
        for one in reservations(hour):
            starts, ends = board.busy.get(one.resource_id, ((), ()))
            assert not any(a < one.end and one.start < b for a, b in zip(starts, ends, strict=True))


@given(BATCHES)
def test_no_week_goes_beyond_its_limit(given_: tuple[Board, Any]) -> None:
    board, wishes = given_
    before = dict(board.used)
    taken = [hour for hour in decide(wishes, board) if isinstance(hour, Hour)]
    added = Counter((hour.therapist_id, hour.week) for hour in taken)
    for (therapist, week), count in added.items():
        assert before.get((therapist, week), 0) + count <= board.therapists[therapist].weekly_limit
        assert board.used[therapist, week] == before.get((therapist, week), 0) + count


@given(BATCHES)
def test_each_gets_the_earliest_hour_of_the_first_candidate_who_has_one(given_: tuple[Board, Any]) -> None:
    board, wishes = given_
    outcomes = decide(wishes, Board(board.now, board.therapists, board.rooms, board.busy, dict(board.used)))
    order = sorted(range(len(wishes)), key=lambda place: (-wishes[place].priority, place))
    for place in order:  # the slow way, one after the other, on a board of its own
        expected = _by_hand(board, wishes[place])
        outcome = outcomes[place]
        if not isinstance(outcome, Hour):
            assert expected is None
            continue
        assert (outcome.therapist_id, outcome.site_id, outcome.start) == expected
        assert (outcome.room_id is None) == (outcome.site_id is None)
        assert outcome.end - outcome.start == wishes[place].need.length
        board = _with(board, outcome)


@given(BATCHES)
def test_a_full_week_is_told_from_a_full_diary(given_: tuple[Board, Any]) -> None:
    board, wishes = given_
    outcomes = decide(wishes[:1], board)
    generous = {
        one.id: type(one)(one.id, one.organisation, one.active, 99, one.calendar)
        for one in board.therapists.values()
    }
    unlimited = decide(wishes[:1], Board(board.now, generous, board.rooms, board.busy, dict(board.used)))
    if not isinstance(outcomes[0], Hour):
        assert (outcomes[0] == "no_capacity") == isinstance(unlimited[0], Hour)


def test_the_urgent_choose_first_and_then_those_who_came_first() -> None:
    board, wish = _one_morning()
    first, second, urgent = (
        Wish(strategies.PEOPLE[n], wish.candidates, wish.need, priority)
        for n, priority in ((0, 0), (1, 0), (2, 3))
    )
    hours = decide([first, second, urgent], board)
    assert [isinstance(hour, Hour) and hour.start % 1440 for hour in hours] == [315, 390, 240]


def test_a_person_is_not_in_two_places_at_once() -> None:
    board, wish = _one_morning()
    other = Wish(strategies.PEOPLE[3], (Candidate(strategies.THERAPISTS[1]),), wish.need)
    hours = [hour for hour in decide([wish, other], board) if isinstance(hour, Hour)]
    assert [hour.start % 1440 for hour in hours] == [240, 300]


def _one_morning() -> tuple[Board, Wish]:
    now = reference.minute(2026, 11, 23)
    rules = (reference.rule(1, "09:00", "13:00"),)
    therapists = {
        one: Therapist(one, "network", True, 9, Calendar(one, 1, "Asia/Karachi", 10, 0, 28, rules))
        for one in strategies.THERAPISTS
    }
    need = Need("online", 50, (strategies.PEOPLE[0],), now, now + 4 * 1440)
    wish = Wish(strategies.PEOPLE[0], (Candidate(strategies.THERAPISTS[0]),), need)
    return Board(now, therapists, {}, {}, {}), wish


def _by_hand(board: Board, wish: Wish) -> tuple[Any, Any, int] | None:
    for candidate in wish.candidates:
        for site in (None,) if wish.need.lane == "online" else candidate.site_ids:
            found = reference.open_starts(board, board.therapists[candidate.therapist_id], site, wish.need)
            if found:
                return candidate.therapist_id, site, found[0]
    return None


def _with(board: Board, hour: Hour) -> Board:
    busy = dict(board.busy)
    for one in reservations(hour):
        starts, ends = busy.get(one.resource_id, ((), ()))
        busy[one.resource_id] = ([*starts, one.start], [*ends, one.end])
    used = dict(board.used)
    used[hour.therapist_id, hour.week] = used.get((hour.therapist_id, hour.week), 0) + 1
    return Board(board.now, board.therapists, board.rooms, busy, used)
