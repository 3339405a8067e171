"""Requests as they stand: read for their person, locked and saved when something in them changes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain.alarms import AlarmOnCase
from services.intake.domain.attendees import KeptAttendee
from services.intake.domain.contacts import Window
from services.intake.domain.requests import GenderWish, KnownTherapist, Needs
from services.intake.domain.triage import Triage
from services.intake.domain.wishes import KeptRequest
from services.intake.repository.locking import lock_cases
from shared.messaging import Transaction

NEEDS = "SELECT case_code, needs FROM cases WHERE case_code = ANY ($1)"

# The version is that of the view (see `standings`): what it was, and one for each change and for the end.
READ = """
SELECT c.case_id, c.person_id, c.attendee_id, c.gate, c.awaits, c.needs, c.triage, c.step_table_version, c.continues,
    c.submitted_at, c.request_version, c.paused_for, c.gate_since, c.paused_until, c.resumed_at, c.resumed_after,
    w.case_id IS NOT NULL AS closed,
    coalesce(s.version, 1) + c.request_version - 1 + (w.case_id IS NOT NULL)::int AS version
FROM cases c LEFT JOIN standings s USING (case_id) LEFT JOIN withdrawals w USING (case_id)
WHERE c.case_id = ANY ($1)
ORDER BY c.case_id
"""

ATTENDEES = """
SELECT attendee_id, case_id, person_id, role, consent, expires_at FROM attendees WHERE case_id = ANY ($1)
ORDER BY attendee_id
"""

# Read under the lock, as the attendees are.
ALARMS = "SELECT alarm_id, case_id, level, state, outcome, closed_at FROM alarms WHERE case_id = ANY ($1)"

SAVE = """
UPDATE cases c SET needs = n.needs::jsonb, request_version = n.request_version, gate = n.gate, awaits = n.awaits,
    paused_for = n.paused_for, gate_since = n.gate_since, paused_until = n.paused_until, resumed_at = n.resumed_at,
    resumed_after = n.resumed_after, updated_at = $8
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
        $9::timestamptz[], $10::timestamptz[], $11::int[])
    AS n(case_id, needs, request_version, gate, awaits, paused_for, gate_since, paused_until, resumed_at, resumed_after)
WHERE c.case_id = n.case_id
"""


async def needs_by_code(tx: Transaction, case_codes: Sequence[str]) -> dict[str, Needs]:
    """What is wished for now, by case code."""
    records = await tx.connection.fetch(NEEDS, list(set(case_codes)))
    return {r["case_code"]: _needs(r["needs"]) for r in records}


async def lock_requests(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, KeptRequest]:
    """The cases that are known, locked in the order of their ids, as whoever folds their standing locks them."""
    await lock_cases(tx, case_ids)
    records = await tx.connection.fetch(READ, list(set(case_ids)))
    others: dict[UUID, list[KeptAttendee]] = {r["case_id"]: [] for r in records}
    for record in await tx.connection.fetch(ATTENDEES, list(others)):
        others[record["case_id"]].append(KeptAttendee(*record))
    raised: dict[UUID, list[AlarmOnCase]] = {case_id: [] for case_id in others}
    for record in await tx.connection.fetch(ALARMS, list(others)):
        raised[record["case_id"]].append(AlarmOnCase(*record))
    return {r["case_id"]: _request(r, others[r["case_id"]], raised[r["case_id"]]) for r in records}


async def save_requests(tx: Transaction, changed: Sequence[KeptRequest]) -> None:
    """Of cases that `lock_requests` locked in this transaction."""
    if changed:
        await tx.connection.execute(
            SAVE,
            [one.case_id for one in changed],
            [orjson.dumps(one.needs).decode() for one in changed],
            [one.request_version for one in changed],
            [one.gate for one in changed],
            [one.awaits for one in changed],
            [one.paused_for for one in changed],
            [one.gate_since for one in changed],
            tx.now,
            [one.paused_until for one in changed],
            [one.resumed_at for one in changed],
            [one.resumed_after for one in changed],
        )


def _request(
    record: asyncpg.Record, others: Sequence[KeptAttendee], alarms: Sequence[AlarmOnCase]
) -> KeptRequest:
    triage = record["triage"]
    return KeptRequest(
        case_id=record["case_id"],
        person_id=record["person_id"],
        attendee_id=record["attendee_id"],
        gate=record["gate"],
        needs=_needs(record["needs"]),
        triage=Triage(**triage | {"reasons": tuple(triage["reasons"])}),
        step_table_version=record["step_table_version"],
        continues=record["continues"],
        submitted_at=record["submitted_at"],
        closed=record["closed"],
        version=record["version"],
        request_version=record["request_version"],
        attendees=tuple(others),
        awaits=record["awaits"],
        alarms=tuple(alarms),
        paused_for=record["paused_for"],
        gate_since=record["gate_since"],
        paused_until=record["paused_until"],
        resumed_at=record["resumed_at"],
        resumed_after=record["resumed_after"],
    )


def _needs(kept: Mapping[str, Any]) -> Needs:
    """A request made before a member existed has it as not said."""
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    known["wanted_times"] = tuple(Window(**window) for window in kept["wanted_times"])
    if gender := kept.get("therapist_gender"):
        known["therapist_gender"] = GenderWish(**gender)
    if earlier := kept.get("previous_therapist"):
        known["previous_therapist"] = KnownTherapist(UUID(earlier["therapist_id"]), earlier["wish"])
    return Needs(**known)
