"""What is kept while somebody chooses leaves others an hour, whatever the diary looks like."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.booking import Candidate, Hour, Wish, decide
from services.scheduling.domain.spare import most_kept, spare_start
from services.scheduling.domain.wall_time import DAY
from services.scheduling.domain.weeks import week_of, week_span
from tests.scheduling import world
from tests.scheduling.diary_model import MIDNIGHT, NOW_MINUTE
from tests.scheduling.reference import rule

ZONE = "Asia/Karachi"
quarters = st.integers(36, 67)
busy = st.lists(st.tuples(st.integers(0, 13), quarters, st.integers(1, 12)), max_size=25)


def board(therapist_id: UUID, taken: list[tuple[int, int, int]], limit: int, used: int, buffer: int) -> Board:
    calendar = world.calendar(
        therapist_id, [rule(day, "09:00", "13:00") for day in (1, 3)], notice=0, horizon=13, buffer=buffer
    )
    spans = [(MIDNIGHT + day * DAY + start * 15, length * 15) for day, start, length in taken]
    starts, ends = [start for start, _ in spans], [start + length for start, length in spans]
    weeks = {(therapist_id, week_of(ZONE, NOW_MINUTE)): used}
    of = Therapist(therapist_id, "rehmat-hospital", True, limit, calendar)
    return Board(NOW_MINUTE, {therapist_id: of}, {}, {therapist_id: (starts, ends)}, weeks)


@given(busy, st.integers(1, 12), st.integers(0, 12), st.integers(0, 3), st.sampled_from([0, 10]))
def test_whatever_is_kept_another_hour_of_that_week_can_still_be_booked(
    taken: list[tuple[int, int, int]], limit: int, used: int, kept: int, buffer: int
) -> None:
    therapist_id, need = uuid4(), Need("online", 50, (uuid4(),), NOW_MINUTE, NOW_MINUTE + 14 * DAY)
    there = board(therapist_id, taken, limit, used, buffer)
    [outcome] = decide(
        [Wish(uuid4(), (Candidate(therapist_id),), need, offered=True)], there, {therapist_id: kept}
    )
    if not isinstance(outcome, Hour):
        return
    assert kept < most_kept(there.therapists[therapist_id])
    first, last = week_span(ZONE, outcome.week)
    urgent = Wish(uuid4(), (Candidate(therapist_id),), Need("online", 50, (uuid4(),), first, last))
    [booked] = decide([urgent], there)
    assert isinstance(booked, Hour)
    assert booked.week == outcome.week


@given(busy, st.integers(1, 12))
def test_the_hour_is_one_that_is_listed_as_free(taken: list[tuple[int, int, int]], limit: int) -> None:
    therapist_id, need = uuid4(), Need("online", 50, (uuid4(),), NOW_MINUTE, NOW_MINUTE + 14 * DAY)
    there = board(therapist_id, taken, limit, 0, 10)
    start = spare_start(there, therapist_id, None, need, 0)
    if start is not None:
        assert there.open_starts(therapist_id, None, need) >> (start - there.origin) // 15 & 1


def test_whoever_has_few_places_has_one_kept_at_once_and_others_a_quarter() -> None:
    assert [most_kept(Therapist(uuid4(), "", True, limit, None)) for limit in (1, 3, 4, 8, 18, 40)] == [
        1, 1, 1, 2, 4, 10,
    ]  # fmt: skip


def test_one_who_is_not_known_or_has_no_calendar_has_nothing_to_spare() -> None:
    need, nobody = Need("online", 50, (), NOW_MINUTE, NOW_MINUTE + DAY), uuid4()
    without = Board(NOW_MINUTE, {nobody: Therapist(nobody, "", True, 9, None)}, {}, {}, {})
    assert spare_start(without, nobody, None, need, 0) is None
    assert spare_start(without, uuid4(), None, need, 0) is None
