"""A diary on paper: what every case should have, found by trying each quarter hour against every appointment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.scheduling.domain.wall_time import minute_of
from shared.contracts.matching import MatchMade, MatchWithdrawn
from tests.scheduling.store import NOW

NOW_MINUTE = minute_of(NOW)
MIDNIGHT = NOW_MINUTE - 600  # of this Monday in Karachi, where clocks never change
NOTICE = 120
HORIZON = 9


@dataclass(frozen=True, slots=True)
class Kept:
    """An appointment that stands."""

    attempt: int
    version: int
    therapist: UUID
    site: UUID | None
    room: UUID | None
    people: tuple[UUID, ...]
    start: int
    end: int
    buffer: int

    @property
    def week(self) -> int:
        return (self.start - MIDNIGHT) // (7 * 1440)


@dataclass(slots=True)
class Hours:
    """A therapist, open from Monday to Friday between two local minutes, on both lanes."""

    opens: int = 540
    closes: int = 720
    buffer: int = 10
    limit: int = 3
    active: bool = True


@dataclass(slots=True)
class DiaryModel:
    """`rooms` are those of the one site, in order, and whether they are open; the rest is by case."""

    site: UUID
    rooms: dict[UUID, bool]
    therapists: dict[UUID, Hours]
    kept: dict[UUID, Kept] = field(default_factory=dict)
    decided: dict[UUID, int] = field(default_factory=dict)
    withdrawn: dict[UUID, int] = field(default_factory=dict)
    stopped: set[UUID] = field(default_factory=set)
    waiting: dict[UUID, list[MatchMade]] = field(default_factory=dict)

    def book(self, matches: Sequence[MatchMade]) -> None:
        """One batch, at most one match of a case: first all that is superseded goes, then the urgent choose."""
        current = []
        for match in matches:
            if match.attempt <= max(self.decided.get(match.case_id, 0), self.withdrawn.get(match.case_id, 0)):
                continue
            if match.case_id in self.stopped:
                self.waiting.setdefault(match.case_id, []).append(match)
                continue
            self.kept.pop(match.case_id, None)
            current.append(match)
        for match in sorted(current, key=lambda one: -one.priority):
            self.decided[match.case_id] = match.attempt
            if found := next(self._found(match), None):
                self.kept[match.case_id] = found

    def withdraw(self, withdrawal: MatchWithdrawn) -> None:
        """Nothing stands or comes of this attempt or a lower one."""
        case, attempt = withdrawal.case_id, withdrawal.attempt
        self.withdrawn[case] = max(self.withdrawn.get(case, 0), attempt)
        if case in self.kept and self.kept[case].attempt <= attempt:
            del self.kept[case]

    def resume(self, case: UUID) -> None:
        """Care may go on: what waited is decided."""
        self.stopped.discard(case)
        for match in self.waiting.pop(case, []):
            self.book([match])

    def move(self, case: UUID, start: int) -> bool:
        """Whether it could be moved there; where it is already it stays as it is."""
        before = self.kept[case]
        if start == before.start:
            return True
        if start not in self.other_starts(case):
            return False
        length = start + before.end - before.start
        room = self._room(start, length, case) if before.site else None
        buffer = self.therapists[before.therapist].buffer
        self.kept[case] = replace(
            before, version=before.version + 1, room=room, start=start, end=length, buffer=buffer
        )
        return True

    def other_starts(self, case: UUID) -> list[int]:
        """Where an appointment could be moved."""
        one = self.kept[case]
        return list(self.starts(one.therapist, one.site, one.people, one.end - one.start, case))

    def starts(
        self,
        therapist: UUID,
        site: UUID | None,
        people: tuple[UUID, ...],
        length: int,
        case: UUID | None = None,
    ) -> Iterator[int]:
        """Every start that is open; what `case` has itself is not in its way."""
        hours = self.therapists[therapist]
        for start in range(MIDNIGHT, NOW_MINUTE + HORIZON * 1440 + 1, 15):
            day, minute = divmod(start - MIDNIGHT, 1440)
            if (
                hours.active
                and start >= NOW_MINUTE + NOTICE
                and day % 7 < 5
                and hours.opens <= minute <= hours.closes - length
                and self._free(therapist, people, start, start + length, case)
                and (site is None or self._room(start, start + length, case))
            ):
                yield start

    def _found(self, match: MatchMade) -> Iterator[Kept]:
        people = tuple(one.person_id for one in match.attendees)
        for candidate in match.candidates:
            for site in candidate.site_ids or (None,):
                for start in self.starts(candidate.therapist_id, site, people, match.minutes):
                    end = start + match.minutes
                    if start < minute_of(match.earliest) or end > minute_of(match.latest):
                        continue
                    room = self._room(start, end, None) if site else None
                    buffer = self.therapists[candidate.therapist_id].buffer
                    yield Kept(
                        match.attempt, 1, candidate.therapist_id, site, room, people, start, end, buffer
                    )

    def _others(self, case: UUID | None) -> list[Kept]:
        return [one for of, one in self.kept.items() if of != case]

    def _free(
        self, therapist: UUID, people: tuple[UUID, ...], start: int, end: int, case: UUID | None
    ) -> bool:
        hours = self.therapists[therapist]
        week = (start - MIDNIGHT) // (7 * 1440)
        others = self._others(case)
        own = [one for one in others if one.therapist == therapist]
        theirs = [one for one in others if set(one.people) & set(people)]
        stays = case in self.kept and self.kept[case].week == week  # it adds nothing to the week
        return (
            (stays or sum(one.week == week for one in own) < hours.limit)
            and all(
                end + hours.buffer <= one.start - one.buffer or one.end + one.buffer <= start - hours.buffer
                for one in own
            )
            and all(end <= one.start or one.end <= start for one in theirs)
        )

    def _room(self, start: int, end: int, case: UUID | None) -> UUID | None:
        taken = {one.room for one in self._others(case) if one.start < end and start < one.end}
        return next((room for room, is_open in self.rooms.items() if is_open and room not in taken), None)
