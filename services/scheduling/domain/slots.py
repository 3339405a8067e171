"""Open starts as a list: of many therapists, in order of time."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from heapq import merge
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.availability import Board, Need, Therapist


@dataclass(frozen=True, slots=True)
class Slot:
    """A start that is open; in person at this site. `time_zone` is the calendar's."""

    start: int
    end: int
    therapist_id: UUID
    site_id: UUID | None
    time_zone: str


def sites_of(therapist: Therapist) -> frozenset[UUID]:
    """Where a therapist sees people, every week or on some days."""
    if therapist.calendar is None:
        return frozenset()
    weekly = [rule.site_id for rule in therapist.calendar.rules]
    extra = [one.site_id for one in therapist.calendar.other_hours if one.kind == "extra_hours"]
    return frozenset(site for site in (*weekly, *extra) if site is not None)


def list_slots(board: Board, need: Need, most: int, sites: Set[UUID]) -> list[Slot]:
    """The first `most` open starts, in person at these sites, and whatever else begins when the last of them does: so a next page can
    begin right after it."""
    every = merge(*_open(board, need, sites), key=lambda slot: slot.start)
    listed: list[Slot] = []
    for slot in every:
        if len(listed) >= most and slot.start != listed[-1].start:
            break
        listed.append(slot)
    return listed


def _open(board: Board, need: Need, sites: Set[UUID]) -> Iterator[Iterator[Slot]]:
    for therapist in board.therapists.values():
        for site in [None] if need.lane == "online" else sorted(sites_of(therapist) & sites):
            yield _slots(therapist, site, board, need)


def _slots(therapist: Therapist, site: UUID | None, board: Board, need: Need) -> Iterator[Slot]:
    zone = therapist.calendar.time_zone if therapist.calendar else "UTC"
    for start in grid.minutes(board.open_starts(therapist.id, site, need), board.origin):
        yield Slot(start, start + need.length, therapist.id, site, zone)
