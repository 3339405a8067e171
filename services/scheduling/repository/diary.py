"""The SQL of reservations, and the second half of the protocol: read under the locks, decide, insert once."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.availability import Board, Busy, Therapist
from services.scheduling.domain.booking import Asked, Hour, NoSlotReason, Reservation, reservations
from services.scheduling.domain.calendars import LONGEST_BUFFER
from services.scheduling.domain.wall_time import DAY, minute_after, moment_of
from services.scheduling.domain.weeks import first_monday
from services.scheduling.repository import places, resources, roster
from shared.messaging import Transaction

ROUNDS = 3
# What begins now reserves its buffer before, where an hour that is over may have one behind it.
BEHIND = timedelta(minutes=LONGEST_BUFFER)

# Holds that have run out never count; who has the locks deletes what they reserve and takes them out of the weeks.
SWEEP = """
WITH ended AS (DELETE FROM reservations WHERE held_until <= $4 AND resource_id = ANY ($1)),
over AS (
    UPDATE holds SET counted = false WHERE counted AND held_until <= $4 AND therapist_id = ANY ($5)
    RETURNING therapist_id, week
),
uncounted AS (
    UPDATE weekly_load w SET used = w.used - o.count, changed_by = pg_current_xact_id()
    FROM (SELECT therapist_id, week, count(*)::int FROM over GROUP BY 1, 2) AS o
    WHERE o.therapist_id = w.therapist_id AND o.week = w.week
)
"""

# Three kinds of row in one answer: what is reserved (minutes are whole, nothing is rounded), what of it counts for nothing, and
# how full the weeks are (numbered from the one that held 1970-01-01). OFFSET 0 keeps the look-ups look-ups: the longer the
# history, the more seldom it is analysed, and of days after that the planner believes that nothing is reserved then and reads
# everybody's. They ask for nothing that is not in the index: the rows of one diary are strewn over the table.
READ = """
SELECT 'reserved' AS kind, w.id, array_agg((date_part('epoch', lower(r.during)) / 60)::int) AS one,
    array_agg((date_part('epoch', upper(r.during)) / 60)::int) AS other
FROM unnest($1::uuid[]) AS w(id) CROSS JOIN LATERAL (
    SELECT during FROM reservations WHERE resource_id = w.id AND during && tstzrange($2, $3) OFFSET 0
) AS r GROUP BY w.id
UNION ALL
SELECT 'void', resource_id, array_agg((date_part('epoch', lower(during)) / 60)::int), NULL
FROM (
    SELECT resource_id, during FROM reservations WHERE held_until <= $4 AND resource_id = ANY ($1)
    UNION SELECT resource_id, during FROM reservations WHERE appointment_id = $7
) AS v GROUP BY resource_id
UNION ALL
SELECT 'week', w.therapist_id, array_agg((w.week - date '1969-12-29') / 7), array_agg(w.used - coalesce(o.count, 0))
FROM weekly_load w LEFT JOIN (
    SELECT therapist_id, week, count(*)::int FROM holds
    WHERE counted AND held_until <= $4 AND therapist_id = ANY ($5) GROUP BY 1, 2
) AS o ON o.therapist_id = w.therapist_id AND o.week = w.week
WHERE w.therapist_id = ANY ($5) AND w.week >= $6 GROUP BY w.therapist_id
"""

# A row that is missing was taken by somebody without the protocol.
INSERT = """
INSERT INTO reservations (appointment_id, resource_id, during, held_until)
SELECT appointment_id, resource_id, tstzrange(starts, ends), held_until
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
    AS r(appointment_id, resource_id, starts, ends, held_until)
ORDER BY resource_id, starts
ON CONFLICT DO NOTHING
"""

# OFFSET 0 as above: a look-up for each, and not all that anybody has.
LEFT_FREE = """
SELECT h.id FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS h(id, therapist_id, starts_at, ends_at)
WHERE NOT EXISTS (
    SELECT FROM reservations r WHERE r.resource_id = h.therapist_id AND r.during && tstzrange(h.starts_at, h.ends_at)
        AND (r.held_until IS NULL OR r.held_until > $5) OFFSET 0
)
"""

Outcome = TypeVar("Outcome", bound=Hour | NoSlotReason)


class Contended(TimeoutError):
    """Somebody keeps taking hours without the protocol: try the whole transaction again."""


@dataclass(frozen=True, slots=True)
class Floor:
    """All that may be taken for some wishes: what is known of the therapists, the open rooms and the people. The therapists
    and rooms in `later` are read when a decision asks for them."""

    therapists: Mapping[UUID, Therapist]
    rooms: Mapping[UUID, Sequence[UUID]]
    people: frozenset[UUID]
    until: int
    later: frozenset[UUID] = frozenset()

    @property
    def resources(self) -> set[UUID]:
        """Everything that can be reserved."""
        return {*self.therapists, *(room for site in self.rooms.values() for room in site), *self.people}


async def look(tx: Transaction, asked: Asked) -> Floor:
    """What is known now. Without a lock it is only good for lists and for a refusal at once."""
    rooms = await places.open_rooms(tx, asked.sites)
    later = asked.later.union(*(rooms.get(site, ()) for site in asked.later))
    therapists = await roster.read(tx, asked.therapists, asked.later)
    return Floor(therapists, rooms, asked.people, asked.until, later)


async def lock(tx: Transaction, asked: Asked, also: Set[UUID] = frozenset()) -> Floor:
    """Locks all that is asked for, and `also` what somebody has already, at once and in order; then looks.

    The cases must be locked before. A room that is opened meanwhile is left for the next one.
    """
    seen = await places.open_rooms(tx, asked.sites)
    named = resources.named(asked.therapists, [room for site in seen.values() for room in site], asked.people)
    await resources.lock(tx, named, also)
    floor = await look(tx, asked)
    return replace(
        floor, rooms={site: [r for r in rooms if r in named] for site, rooms in floor.rooms.items()}
    )


async def read_board(
    tx: Transaction, floor: Floor, *, locked: bool = True, without: UUID | None = None
) -> Board:
    """What is reserved of these, and how full the weeks are, but for those that are left for later; to be decided on only
    when they are locked.

    `without` leaves an appointment's own reservations out, to look whether it could move.
    """
    busy, used = await _read(tx, floor, floor.resources - floor.later, locked=locked, without=without)
    return Board(minute_after(tx.now), floor.therapists, floor.rooms, busy, used, floor.later)


async def reserve(
    tx: Transaction,
    floor: Floor,
    decide: Callable[[Board], Sequence[Outcome]],
    ids: Mapping[UUID, UUID],
    held_until: Mapping[UUID, datetime] | None = None,
) -> Sequence[Outcome]:
    """Reads, decides and inserts everything at once; if somebody was there first, reads and decides again.

    `ids` are the appointments by case; those of a case with a `held_until` are holds. Raises Contended after three rounds.
    """
    ends = held_until or {}
    for _ in range(ROUNDS):
        outcomes = await _decide(tx, floor, decide)
        hours = [hour for hour in outcomes if isinstance(hour, Hour)]
        rows = [
            (ids[hour.case_id], one, ends.get(hour.case_id)) for hour in hours for one in reservations(hour)
        ]
        if await _insert(tx, rows):
            return outcomes
    raise Contended


async def left_free(tx: Transaction, hours: Sequence[Appointment]) -> list[Appointment]:
    """Those of these hours of which nobody has their therapist's time, nor of the pauses around them. They must be locked."""
    if not hours:
        return []
    rows = await tx.connection.fetch(
        LEFT_FREE,
        [one.id for one in hours],
        [one.therapist_id for one in hours],
        [moment_of(one.start - one.buffer) for one in hours],
        [moment_of(one.end + one.buffer) for one in hours],
        tx.now,
    )
    free = {row["id"] for row in rows}
    return [one for one in hours if one.id in free]


async def _decide(
    tx: Transaction, floor: Floor, decide: Callable[[Board], Sequence[Outcome]]
) -> Sequence[Outcome]:
    """What is decided once all is known that it takes: most find an hour with whom they name first, and the diaries of the
    others, of whom there are several to each, need not be read."""
    known = await read_board(tx, floor)
    while True:
        outcomes = decide(board := known.again())
        if not board.wanting:
            return outcomes
        therapists = await roster.read(tx, board.wanting & floor.therapists.keys())
        busy, used = await _read(tx, floor, board.wanting)
        known = replace(
            known,
            therapists={**known.therapists, **therapists},
            busy={**known.busy, **busy},
            used=known.used | used,
            unread=known.unread - board.wanting,
        )


async def _read(
    tx: Transaction, floor: Floor, which: Set[UUID], *, locked: bool = True, without: UUID | None = None
) -> tuple[dict[UUID, Busy], dict[tuple[UUID, int], int]]:
    """Of these resources of the floor, what is reserved; and how full the weeks of the therapists among them are."""
    now = minute_after(tx.now)
    rows = await tx.connection.fetch(
        SWEEP + READ if locked else READ,
        list(which),
        tx.now - BEHIND,
        moment_of(max(floor.until, now) + DAY),  # a match may come when its time is over
        tx.now,
        list(which & floor.therapists.keys()),
        first_monday(now),
        without,
    )
    of: dict[str, dict[UUID, Busy]] = {"reserved": {}, "void": {}, "week": {}}
    for row in rows:
        of[row["kind"]][row["id"]] = row["one"], row["other"]
    # Nothing of one resource overlaps, so that what counts for nothing is known by where it begins.
    busy = of["reserved"] | {
        who: _but(of["reserved"][who], set(starts))
        for who, (starts, _) in of["void"].items()
        if who in of["reserved"]
    }
    used = {
        (who, week): count
        for who, (weeks, counts) in of["week"].items()
        for week, count in zip(weeks, counts, strict=True)
    }
    return busy, used


def _but(reserved: Busy, starts: Set[int]) -> Busy:
    kept = [span for span in zip(*reserved, strict=True) if span[0] not in starts]
    return [start for start, _ in kept], [end for _, end in kept]


async def _insert(tx: Transaction, rows: Sequence[tuple[UUID, Reservation, datetime | None]]) -> bool:
    if not rows:
        return True
    savepoint = tx.connection.transaction()
    await savepoint.start()
    tag = await tx.connection.execute(
        INSERT,
        [appointment_id for appointment_id, _, _ in rows],
        [one.resource_id for _, one, _ in rows],
        [moment_of(one.start) for _, one, _ in rows],
        [moment_of(one.end) for _, one, _ in rows],
        [held_until for _, _, held_until in rows],
    )
    if tag == f"INSERT 0 {len(rows)}":
        await savepoint.commit()
        return True
    await savepoint.rollback()
    return False
