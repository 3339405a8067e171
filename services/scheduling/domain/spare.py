"""Which hours may be kept while somebody chooses: those that nobody else may need more this week.

Whoever is booked comes before whoever is still choosing, in a batch and over time: an offer never keeps the last place of
a therapist's week, nor the last hour that is open in it, and at most a share of their places at once. So whoever is
urgent finds at least one hour a week with everybody who had two. What is offered to somebody on the waiting list may be the
last: it would have been booked for them, had they not wished to choose.
"""

from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.weeks import week_of, week_span

# Of a week's places, kept at once by all the offers of a therapist; of fewer, one. Design, as all of these numbers.
SHARE = 4


def spare_start(
    board: Board, therapist_id: UUID, site_id: UUID | None, need: Need, kept: int, *, last_too: bool = False
) -> int | None:
    """The first hour that may be kept for somebody who chooses; `kept` are those of the therapist that are already."""
    therapist = board.therapists.get(therapist_id)
    if therapist is None or therapist.calendar is None or kept >= most_kept(therapist):
        return None
    starts = board.open_starts(therapist_id, site_id, need)
    if last_too:
        return grid.earliest(starts, board.origin)
    zone = therapist.calendar.time_zone
    full: set[int] = set()
    for start in grid.minutes(starts, board.origin):
        week = week_of(zone, start)
        if week in full:
            continue
        if board.used.get((therapist_id, week), 0) + 1 >= therapist.weekly_limit:
            full.add(week)
        elif _leaves_another(board, therapist, site_id, need, start):
            return start
    return None


def most_kept(therapist: Therapist) -> int:
    """How many of their hours may be kept at once."""
    return max(1, therapist.weekly_limit // SHARE)


def _leaves_another(board: Board, therapist: Therapist, site_id: UUID | None, need: Need, start: int) -> bool:
    """Whether somebody else would still find an hour of this length in the same week."""
    assert therapist.calendar is not None  # it has open starts
    buffer = therapist.calendar.buffer
    anybody = Need(need.lane, need.length, (), board.now, need.last)
    first, last = week_span(therapist.calendar.time_zone, week_of(therapist.calendar.time_zone, start))
    others = board.open_starts(therapist.id, site_id, anybody) & grid.between(first, last - 1, board.origin)
    taken = grid.starts_touching(
        (start - buffer,), (start + need.length + buffer,), need.length, buffer, board.origin
    )
    return bool(others & ~taken)
