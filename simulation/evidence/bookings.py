"""Scheduling's appointments and reservations, and which reservations each appointment needs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from simulation.history.facts import Appointment, Reservation, Step

APPOINTMENTS = """
SELECT appointment_id, case_id, version, state, state <> 'cancelled' AS live, therapist_id, person_ids AS people,
    organisation, lane, site_id, room_id, starts_at AS start, ends_at AS "end", time_zone AS zone
FROM scheduling.appointments
"""
STEPS = """
SELECT appointment_id, case_id, version, step, changed_by FROM own JOIN scheduling.appointment_changes USING (case_id)
ORDER BY appointment_id, version
"""
BUFFERS = "SELECT appointment_id, buffer_minutes FROM scheduling.appointments WHERE state <> 'cancelled'"
LIMITS = "SELECT therapist_id, weekly_limit FROM scheduling.therapists"
RESERVATIONS = """
SELECT resource_id, appointment_id, lower(during), upper(during) FROM scheduling.reservations
WHERE held_until IS NULL
"""


async def appointments(connection: asyncpg.Connection) -> list[Appointment]:
    """Everybody's appointments."""
    rows = await connection.fetch(APPOINTMENTS)
    return [Appointment(**(dict(row) | {"people": tuple(row["people"])})) for row in rows]


async def steps(connection: asyncpg.Connection) -> list[Step]:
    """What was done with own appointments, of each in order."""
    return [Step(*row) for row in await connection.fetch(STEPS)]


async def reservations(connection: asyncpg.Connection) -> list[Reservation]:
    """Everybody's reservations, without holds that may still expire."""
    return [Reservation(*row) for row in await connection.fetch(RESERVATIONS)]


async def limits(connection: asyncpg.Connection) -> dict[UUID, int]:
    """How many hours a week each therapist takes."""
    return {row["therapist_id"]: row["weekly_limit"] for row in await connection.fetch(LIMITS)}


async def buffers(connection: asyncpg.Connection) -> dict[UUID, timedelta]:
    """The pause that each live appointment leaves its therapist on both sides."""
    rows = await connection.fetch(BUFFERS)
    return {row["appointment_id"]: timedelta(minutes=row["buffer_minutes"]) for row in rows}


def needed(booked: Sequence[Appointment], pauses: Mapping[UUID, timedelta]) -> dict[UUID, list[Reservation]]:
    """The therapist with the pause, the room and each person without: what a booking must have reserved."""
    return {one.appointment_id: _needs(one, pauses[one.appointment_id]) for one in booked if one.live}


def _needs(one: Appointment, pause: timedelta) -> list[Reservation]:
    others = [*one.people, *([one.room_id] if one.room_id else [])]
    return [
        Reservation(one.therapist_id, one.appointment_id, one.start - pause, one.end + pause),
        *(Reservation(other, one.appointment_id, one.start, one.end) for other in others),
    ]
