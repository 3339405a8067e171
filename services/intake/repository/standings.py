"""How cases stand: read for the person; locked, folded and saved for the worker; ended by the person or by staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain.alarms import Staff
from services.intake.domain.offers import KeptHour, OfferedOption
from services.intake.domain.states import (
    Alternative,
    Fact,
    Progress,
    Seen,
    Standing,
    Telling,
    standing,
)
from services.intake.repository.locking import lock_cases
from shared.messaging import Transaction

# All that a case's standing follows from.
PROGRESS = """c.case_id, c.person_id, c.gate, c.awaits, c.submitted_at, c.paused_for, c.gate_since, c.paused_until,
    c.resumed_after, w.at AS ended_at, w.reason AS ended_for, s.fact, s.attempt, s.revision, s.fact_at,
    s.fact_until, s.fact_reason, s.appointment_id, s.tellings, s.version, s.match_id, s.options, s.alternative,
    s.alternative_attempt, s.alternative_at, s.in_care_since, s.kept, s.seen_by, s.seen_attempt, s.seen_version
FROM cases c LEFT JOIN standings s USING (case_id) LEFT JOIN withdrawals w USING (case_id)"""

# Under the lock of the case: a case that nobody has spoken of yet has no standing that could be locked.
READ = f"SELECT {PROGRESS} WHERE c.case_id = ANY ($1) ORDER BY c.case_id"

SAVE = """
INSERT INTO standings (case_id, fact, attempt, revision, fact_at, fact_until, fact_reason, appointment_id, match_id,
    options, tellings, version, state, waiting_on, since, alternative, alternative_attempt, alternative_at,
    in_care_since, kept, seen_by, seen_attempt, seen_version)
SELECT case_id, fact, attempt, revision, fact_at, fact_until, fact_reason, appointment_id, match_id,
    options::jsonb, tellings::jsonb, version, state, waiting_on, since, alternative, alternative_attempt,
    alternative_at, in_care_since, kept::jsonb, seen_by, seen_attempt, seen_version
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::text[],
        $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::int[], $13::text[], $14::text[], $15::timestamptz[],
        $16::text[], $17::int[], $18::timestamptz[], $19::timestamptz[], $20::text[], $21::uuid[], $22::int[],
        $23::int[])
    AS n(case_id, fact, attempt, revision, fact_at, fact_until, fact_reason, appointment_id, match_id, options,
        tellings, version, state, waiting_on, since, alternative, alternative_attempt, alternative_at,
        in_care_since, kept, seen_by, seen_attempt, seen_version)
ON CONFLICT (case_id) DO UPDATE SET
    fact = excluded.fact, attempt = excluded.attempt, revision = excluded.revision, fact_at = excluded.fact_at,
    fact_until = excluded.fact_until, fact_reason = excluded.fact_reason,
    appointment_id = excluded.appointment_id, match_id = excluded.match_id, options = excluded.options,
    tellings = excluded.tellings, version = excluded.version, state = excluded.state, waiting_on = excluded.waiting_on, since = excluded.since,
    alternative = excluded.alternative, alternative_attempt = excluded.alternative_attempt,
    alternative_at = excluded.alternative_at, in_care_since = excluded.in_care_since,
    kept = excluded.kept,
    seen_by = excluded.seen_by, seen_attempt = excluded.seen_attempt, seen_version = excluded.seen_version
"""

END = """
INSERT INTO withdrawals (case_id, reason, role, staff_id, staff_name, at)
SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
"""

# It says the time itself where nobody knows it yet: whoever looks for all who watch needs no other round trip.
SHOWN = f"""
SELECT coalesce($2, now()) AS now, c.case_code, c.province, c.card_language, c.alarmed, c.request_version, {PROGRESS}
"""
VIEWS = f"{SHOWN} WHERE c.case_code = ANY ($1)"
OF_APPOINTMENTS = f"{SHOWN} WHERE s.appointment_id = ANY ($1)"


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a person is shown of a case, and what the crisis card beside it needs. `kept` is an hour that they may take."""

    case_id: UUID
    case_code: str
    province: str
    card_language: str
    alarmed: bool
    standing: Standing
    version: int
    appointment_id: UUID | None
    match_id: UUID | None
    options: tuple[OfferedOption, ...] = ()
    kept: KeptHour | None = None
    therapist_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a case ends, and the named staff who ended it; nobody where it was taken back."""

    reason: str
    role: Literal["therapist", "coordinator"] | None = None
    staff: Staff | None = None


async def lock_progress(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """The cases that are known, locked in the order of their ids."""
    await lock_cases(tx, case_ids)
    records = await tx.connection.fetch(READ, list(set(case_ids)))
    return {r["case_id"]: progress_of(r) for r in records}


async def save_progress(tx: Transaction, changed: Sequence[Progress]) -> None:
    """Of cases that `lock_progress` locked in this transaction, and of which something was said."""
    if changed:
        await tx.connection.execute(SAVE, *zip(*map(_row, changed), strict=True))


async def follow_gates(tx: Transaction, case_ids: Sequence[UUID]) -> None:
    """What operators see of a case that others have spoken of is kept, and follows from its gate too. Of cases under
    lock whose gate is saved as it is now."""
    stand = await lock_progress(tx, case_ids) if case_ids else {}
    await save_progress(tx, [one for one in stand.values() if one.fact])


async def save_endings(tx: Transaction, endings: Mapping[UUID, Ending]) -> None:
    """Of cases under lock that had not ended before."""
    if endings:
        rows = [
            (case_id, one.reason, one.role, one.staff and one.staff.id, one.staff and one.staff.name)
            for case_id, one in endings.items()
        ]
        await tx.connection.execute(END, *zip(*rows, strict=True), tx.now)


async def views(tx: Transaction, case_codes: Sequence[str]) -> dict[str, CaseView]:
    """What people see, by case code."""
    records = await tx.connection.fetch(VIEWS, list(set(case_codes)), tx.told)
    return {r["case_code"]: _view(r) for r in records}


async def views_of(tx: Transaction, appointment_ids: Sequence[UUID]) -> dict[UUID, CaseView]:
    """How the cases stand whose last hour these are, by that hour."""
    records = await tx.connection.fetch(OF_APPOINTMENTS, list(set(appointment_ids)), tx.told)
    return {r["appointment_id"]: _view(r) for r in records}


def _view(record: asyncpg.Record) -> CaseView:
    progress = progress_of(record)
    stands = standing(progress)
    return CaseView(
        progress.case_id,
        record["case_code"],
        record["province"],
        record["card_language"],
        record["alarmed"],
        stands,
        progress.version + record["request_version"] - 1 + (progress.ended_at is not None),
        record["appointment_id"] if stands.state == "booked" else None,
        record["match_id"] if stands.state == "offered" else None,
        progress.fact.options if progress.fact and stands.state == "offered" else (),
        stands.kept if stands.kept and stands.kept.may_be_taken(record["now"]) else None,
        progress.therapist_id,
    )


def progress_of(record: asyncpg.Record) -> Progress:
    """What the columns of PROGRESS say."""
    case_id = record["case_id"]
    tellings = record["tellings"] or {}
    return Progress(
        case_id,
        record["person_id"],
        record["gate"],
        record["submitted_at"],
        record["ended_at"],
        _fact(record) if record["fact"] else None,
        tuple(Telling(UUID(hour), case_id, *told) for hour, told in sorted(tellings.items())),
        record["version"] or 1,
        _alternative(record) if record["alternative"] else None,
        record["awaits"],
        record["paused_for"],
        record["gate_since"],
        record["ended_for"],
        record["in_care_since"],
        record["paused_until"],
        record["resumed_after"],
        _kept(case_id, record["kept"]) if record["kept"] else None,
        Seen(record["seen_attempt"], record["seen_version"], record["seen_by"])
        if record["seen_by"]
        else None,
    )


def _alternative(record: asyncpg.Record) -> Alternative:
    return Alternative(
        record["case_id"], record["alternative"], record["alternative_attempt"], record["alternative_at"]
    )


def _fact(record: asyncpg.Record) -> Fact:
    return Fact(
        record["case_id"],
        record["fact"],
        record["attempt"],
        record["revision"],
        record["fact_at"],
        record["fact_until"],
        record["fact_reason"],
        record["appointment_id"],
        record["match_id"],
        tuple(_option(one) for one in record["options"] or ()),
    )


def _written(kept: KeptHour) -> str:
    said = {"match_id": kept.match_id, "attempt": kept.attempt, "version": kept.version}
    hour = {"therapist_id": kept.therapist_id, "start": kept.start, "take_by": kept.take_by}
    return orjson.dumps(said | hour).decode()


def _kept(case_id: UUID, said: dict[str, Any]) -> KeptHour:
    start, take_by = (
        datetime.fromisoformat(said["start"]),
        said["take_by"] and datetime.fromisoformat(said["take_by"]),
    )
    match_id, who = UUID(said["match_id"]), UUID(said["therapist_id"])
    return KeptHour(case_id, match_id, said["attempt"], said["version"], who, start, take_by)


def _option(kept: dict[str, Any]) -> OfferedOption:
    known: dict[str, Any] = {"option_id": UUID(kept["option_id"]), "languages": tuple(kept["languages"])}
    if who := kept.get("therapist_id"):
        known["therapist_id"] = UUID(who)
    return OfferedOption(**kept | known)


def _row(progress: Progress) -> tuple[Any, ...]:
    tellings = {str(told.appointment_id): [told.version, told.told] for told in progress.tellings}
    stands, other, seen = standing(progress), progress.alternative, progress.seen_by
    return (
        progress.case_id,
        *_said(progress.fact),
        orjson.dumps(tellings).decode(),
        progress.version,
        stands.state,
        stands.waiting_on,
        stands.since,
        *((other.kind, other.attempt, other.at) if other else (None, None, None)),
        progress.in_care_since,
        _written(progress.kept) if progress.kept else None,
        *((seen.therapist_id, seen.attempt, seen.version) if seen else (None, None, None)),
    )


def _said(fact: Fact | None) -> tuple[Any, ...]:
    if fact is None:
        return (None,) * 9
    return (
        fact.kind,
        fact.attempt,
        fact.revision,
        fact.at,
        fact.until,
        fact.reason,
        fact.appointment_id,
        fact.match_id,
        orjson.dumps(fact.options).decode() if fact.options else None,
    )
