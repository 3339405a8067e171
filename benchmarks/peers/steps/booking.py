"""The third step: an hour for one match, with the first candidate who has one, under the same locks and the same constraint.

One candidate is locked, read and decided at a time, for most have an hour with the first: that is less than a batch has to do.
Left out: the fence against older attempts, holds, hours given back, what to tell when nobody has an hour (then nothing follows).
"""

from dataclasses import replace
from functools import partial
from uuid import UUID

import asyncpg

from benchmarks.peers.steps.opening import transaction
from services.scheduling.domain import booking
from services.scheduling.domain.booking import Hour, Wish, asked_for
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.domain.weeks import monday_of
from services.scheduling.handlers import announcing
from services.scheduling.handlers.wishes import appointment_of, wish_of
from services.scheduling.repository import diary, roster
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked
from shared.messaging import Transaction

APPOINTMENT = """
INSERT INTO appointments (appointment_id, case_id, match_id, attempt, version, state, lane, modality, therapist_id,
    organisation, site_id, room_id, attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone,
    booked_at, changed_at, changed_by, certainty, certainty_reason)
VALUES ($1, $2, $3, $4, 1, 'booked', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, 'system', $19, $20)
"""
# The row that an appointment refers to; here it fences nothing.
CASE = "INSERT INTO case_fences (case_id, attempt) VALUES ($1, $2) ON CONFLICT DO NOTHING"
WEEK = """
INSERT INTO weekly_load (therapist_id, week, used, most) VALUES ($1, $2, 1, $3)
ON CONFLICT (therapist_id, week) DO UPDATE
SET used = weekly_load.used + 1, most = excluded.most, changed_by = excluded.changed_by
"""


class Diary:
    """Books hours."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._zones: dict[UUID, str] = {}

    async def open(self) -> None:
        """Reads the zones of all sites once, and every calendar, which is read again only when it has changed."""
        rows = await self._pool.fetch("SELECT site_id, time_zone FROM sites")
        self._zones = {row["site_id"]: row["time_zone"] for row in rows}
        rows = await self._pool.fetch("SELECT therapist_id FROM therapists")
        async with transaction(self._pool) as tx:
            await roster.read(tx, [row["therapist_id"] for row in rows])

    async def book(self, match: MatchMade) -> AppointmentBooked | None:
        """A transaction for each candidate who is asked; None when nobody has an hour."""
        wish = wish_of(match)
        for one in wish.candidates:
            async with transaction(self._pool) as tx:
                booked = await self._book(tx, match, replace(wish, candidates=(one,)))
                if booked:
                    return booked
        return None

    async def _book(self, tx: Transaction, match: MatchMade, wish: Wish) -> AppointmentBooked | None:
        appointment_id = tx.new_id()
        floor = await diary.lock(tx, asked_for([wish]))
        decide = partial(booking.decide, [wish])
        [hour] = await diary.reserve(tx, floor, decide, {match.case_id: appointment_id})
        if not isinstance(hour, Hour):
            return None
        return await self._save(tx, match, hour, appointment_id)

    async def _save(
        self, tx: Transaction, match: MatchMade, hour: Hour, appointment_id: UUID
    ) -> AppointmentBooked:
        zone = self._zones[hour.site_id] if hour.site_id else match.time_zone
        one = appointment_of(match, hour, appointment_id, zone)
        await tx.connection.execute(CASE, one.case_id, one.attempt)
        await tx.connection.execute(
            APPOINTMENT, one.id, one.case_id, one.match_id, one.attempt, one.lane, one.modality, one.therapist_id,
            one.organisation, one.site_id, one.room_id, one.attendee_ids, one.person_ids, moment_of(one.start),
            moment_of(one.end), one.buffer, monday_of(one.week), one.time_zone, tx.now, one.certainty, one.why,
        )  # fmt: skip
        await tx.connection.execute(WEEK, one.therapist_id, monday_of(one.week), hour.weekly_limit)
        return announcing.booked(one, tx)
