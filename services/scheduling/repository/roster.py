"""The SQL of therapists as matching tells of them, and of their calendars."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.scheduling.domain.availability import Therapist
from services.scheduling.domain.calendars import Calendar, Closure, OtherHours, Rule
from shared.contracts.matching import TherapistChanged
from shared.messaging import Transaction

READ = """
SELECT t.therapist_id, t.organisation, t.status, t.weekly_limit, c.version || '/' || c.changed_by AS written
FROM therapists t LEFT JOIN calendars c USING (therapist_id) WHERE t.therapist_id = ANY ($1)
"""

READ_CALENDARS = """
SELECT c.therapist_id, c.version || '/' || c.changed_by AS written, c.version, c.time_zone, c.buffer_minutes, c.notice_minutes, c.horizon_days,
    coalesce(array_agg(ARRAY[r.day, r.starts, r.ends] ORDER BY r.position) FILTER (WHERE r.day IS NOT NULL), '{}')
        AS times,
    array_agg(r.lane ORDER BY r.position) AS lanes, array_agg(r.site_id ORDER BY r.position) AS sites
FROM calendars c LEFT JOIN rules r USING (therapist_id) WHERE c.therapist_id = ANY ($1) GROUP BY c.therapist_id
"""

# Those that are over change nothing; a day is left for zones that are behind.
READ_EXCEPTIONS = """
SELECT therapist_id, exception_id, version, kind, first_day - date '1970-01-01' AS first_day,
    last_day - date '1970-01-01' AS last_day, starts, ends, lane, site_id
FROM exceptions WHERE therapist_id = ANY ($1) AND NOT withdrawn AND last_day >= $2::date - 1
ORDER BY therapist_id, first_day, starts, exception_id
"""

# Only what somebody has verified is in force; what may come makes hours provisional and closes none.
READ_HOLIDAYS = """
SELECT time_zone, status, first_day - date '1970-01-01' AS first_day, last_day - date '1970-01-01' AS last_day
FROM holidays WHERE status IN ('confirmed', 'tentative') AND time_zone = ANY ($1) AND last_day >= $2::date - 1
ORDER BY time_zone, first_day, last_day
"""

READ_CLOSURES = """
SELECT c.site_id, s.time_zone, c.closure_id, c.version, c.first_day - date '1970-01-01' AS first_day,
    c.last_day - date '1970-01-01' AS last_day, c.starts, c.ends
FROM site_closures c JOIN sites s USING (site_id)
WHERE c.site_id = ANY ($1) AND NOT c.withdrawn AND c.last_day >= $2::date - 1
ORDER BY c.site_id, c.first_day, c.starts, c.closure_id
"""

SAVE = """
INSERT INTO therapists (therapist_id, organisation, status, weekly_limit, changed_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[]) ORDER BY 1
ON CONFLICT (therapist_id) DO UPDATE SET organisation = excluded.organisation, status = excluded.status,
    weekly_limit = excluded.weekly_limit, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
WHERE therapists.changed_at <= excluded.changed_at
"""

# A lower limit takes nothing back; it only lets nothing more in.
LIMIT = """
UPDATE weekly_load w SET most = greatest(t.weekly_limit, w.used)
FROM therapists t WHERE t.therapist_id = w.therapist_id AND w.therapist_id = ANY ($1)
    AND w.most <> greatest(t.weekly_limit, w.used)
"""

# Calendars this process has read, with how they were written: by version and transaction, of which none comes twice.
# What follows from one is cached by its identity; the one that counts is read under the therapist's lock.
_known: dict[UUID, tuple[str, Calendar]] = {}


async def read(
    tx: Transaction, therapist_ids: Collection[UUID], later: Set[UUID] = frozenset()
) -> dict[UUID, Therapist]:
    """Those of these therapists who are known, with the calendars that stand now; of those in `later` a calendar that this
    process would have to read first is left out."""
    rows = await tx.connection.fetch(READ, list(therapist_ids))
    # Taken out of the memory before anything is waited for: others read meanwhile, and write into it.
    known = {row["therapist_id"]: _known.get(row["therapist_id"]) for row in rows}
    written = {row["therapist_id"]: row["written"] for row in rows if row["written"]}
    calendars = {who: one[1] for who, one in known.items() if one and one[0] == written.get(who)}
    calendars |= await _learn(tx, [who for who in written if who not in calendars and who not in later])
    return {
        row["therapist_id"]: Therapist(
            row["therapist_id"],
            row["organisation"],
            row["status"] == "active",
            row["weekly_limit"],
            calendars.get(row["therapist_id"]),
        )
        for row in rows
    }


async def read_calendar(tx: Transaction, therapist_id: UUID) -> Calendar | None:
    """One calendar as it stands now."""
    return (await _learn(tx, [therapist_id])).get(therapist_id)


async def save_therapists(tx: Transaction, events: Sequence[TherapistChanged]) -> None:
    """Takes in what is newer; the limits of weeks that are open follow."""
    await tx.connection.execute(
        SAVE,
        [e.therapist_id for e in events],
        [e.organisation for e in events],
        [e.status for e in events],
        [e.weekly_limit for e in events],
        [e.changed_at for e in events],
    )
    await tx.connection.execute(LIMIT, [e.therapist_id for e in events])


async def _learn(tx: Transaction, therapist_ids: Collection[UUID]) -> dict[UUID, Calendar]:
    """Reads these and remembers them; who has no calendar is left out."""
    if not therapist_ids:
        return {}
    rows = await tx.connection.fetch(READ_CALENDARS, list(therapist_ids))
    # Read second, they are as new as what they are remembered by, or newer: then they are read once more.
    exceptions: dict[UUID, list[OtherHours]] = {}
    for row in await tx.connection.fetch(READ_EXCEPTIONS, list(therapist_ids), tx.now):
        exceptions.setdefault(row["therapist_id"], []).append(other_hours(row))
    holidays = await _holidays(tx, {row["time_zone"] for row in rows})
    closures = await _closures(tx, rows, exceptions)
    learned = {
        row["therapist_id"]: replace(
            _calendar(row),
            other_hours=tuple(exceptions.get(row["therapist_id"], ())),
            holidays=holidays.get((row["time_zone"], "confirmed"), ()),
            tentative=holidays.get((row["time_zone"], "tentative"), ()),
            closures=closures.get(row["therapist_id"], ()),
        )
        for row in rows
    }
    _known.update((row["therapist_id"], (row["written"], learned[row["therapist_id"]])) for row in rows)
    return learned


def other_hours(row: Any) -> OtherHours:
    """An exception from its row."""
    return OtherHours(
        row["exception_id"],
        row["version"],
        row["kind"],
        row["first_day"],
        row["last_day"],
        row["starts"],
        row["ends"],
        row["lane"],
        row["site_id"],
    )


async def _holidays(
    tx: Transaction, zones: Collection[str]
) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """Their days by zone and status."""
    found: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
    for row in await tx.connection.fetch(READ_HOLIDAYS, list(zones), tx.now):
        key, days = (row["time_zone"], row["status"]), (row["first_day"], row["last_day"])
        found[key] = (*found.get(key, ()), days)
    return found


async def _closures(
    tx: Transaction, rows: Sequence[Any], exceptions: Mapping[UUID, Sequence[OtherHours]]
) -> dict[UUID, tuple[Closure, ...]]:
    """By therapist, those of every site at which they ever are."""
    sites = {
        row["therapist_id"]: {site for site in row["sites"] if site}
        | {one.site_id for one in exceptions.get(row["therapist_id"], ()) if one.site_id}
        for row in rows
    }
    wanted = sorted({site for of_one in sites.values() for site in of_one})
    if not wanted:
        return {}
    found = [
        Closure(row["time_zone"], closure_hours(row))
        for row in await tx.connection.fetch(READ_CLOSURES, wanted, tx.now)
    ]
    return {who: tuple(one for one in found if one.hours.site_id in theirs) for who, theirs in sites.items()}


def closure_hours(row: Any) -> OtherHours:
    """A closure from its row: time off, of everybody, at one site."""
    return OtherHours(
        row["closure_id"],
        row["version"],
        "time_off",
        row["first_day"],
        row["last_day"],
        row["starts"],
        row["ends"],
        "in_person",
        row["site_id"],
    )


def _calendar(row: Any) -> Calendar:
    rules = zip(row["times"], row["lanes"], row["sites"], strict=False)
    return Calendar(
        row["therapist_id"],
        row["version"],
        row["time_zone"],
        row["buffer_minutes"],
        row["notice_minutes"],
        row["horizon_days"],
        tuple(Rule(day, start, end, lane, site) for (day, start, end), lane, site in rules),
    )
