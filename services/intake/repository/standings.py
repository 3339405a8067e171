"""How cases stand: read for the person, and locked, folded and saved for the worker and for withdrawals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain.states import Fact, Progress, Standing, Telling
from shared.messaging import Transaction

LOCK = """
SELECT s.*, c.gate, c.submitted_at, c.person_id
FROM standings s JOIN cases c USING (case_id)
WHERE s.case_id = ANY ($1)
ORDER BY s.case_id
FOR NO KEY UPDATE OF s
"""

SAVE = """
UPDATE standings s SET
    fact = n.fact, attempt = n.attempt, revision = n.revision, fact_at = n.fact_at, fact_until = n.fact_until,
    fact_reason = n.fact_reason, appointment_id = n.appointment_id, by_person = n.by_person,
    tellings = n.tellings::jsonb, withdrawn_at = n.withdrawn_at, state = n.state, waiting_on = n.waiting_on,
    since = n.since, until = n.until, reason = n.reason, next_step = n.next_step, version = n.version
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::text[],
        $8::uuid[], $9::boolean[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::timestamptz[],
        $15::timestamptz[], $16::text[], $17::text[], $18::int[])
    AS n(case_id, fact, attempt, revision, fact_at, fact_until, fact_reason, appointment_id, by_person, tellings,
        withdrawn_at, state, waiting_on, since, until, reason, next_step, version)
WHERE s.case_id = n.case_id
"""

SAVE_REASONS = """
UPDATE standings s SET withdraw_reason = n.reason
FROM unnest($1::uuid[], $2::text[]) AS n(case_id, reason)
WHERE s.case_id = n.case_id
"""

VIEWS = """
SELECT c.case_id, c.case_code, c.province, c.card_language, c.alarmed, s.state, s.waiting_on, s.since, s.until,
    s.reason, s.next_step, s.version, CASE WHEN s.state = 'booked' THEN s.appointment_id END AS appointment_id
FROM cases c JOIN standings s USING (case_id)
WHERE c.case_code = ANY ($1)
"""


@dataclass(frozen=True, slots=True)
class Progressing:
    """A case under lock, and whose it is."""

    progress: Progress
    person_id: UUID


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a person is shown of a case, and what the crisis card beside it needs."""

    case_id: UUID
    case_code: str
    province: str
    card_language: str
    alarmed: bool
    state: str
    waiting_on: str
    since: datetime
    until: datetime | None
    reason: str | None
    next_step: str
    version: int
    appointment_id: UUID | None


async def lock_progress(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, Progressing]:
    """The cases that are known, locked in the order of their ids."""
    records = await tx.connection.fetch(LOCK, list(set(case_ids)))
    return {r["case_id"]: Progressing(_progress(r), r["person_id"]) for r in records}


async def save_progress(tx: Transaction, changed: Sequence[Progress]) -> None:
    """Overwrites rows that `lock_progress` locked in this transaction."""
    if changed:
        await tx.connection.execute(SAVE, *zip(*map(_row, changed), strict=True))


async def save_withdraw_reasons(tx: Transaction, reasons: Mapping[UUID, str]) -> None:
    """Why each case was taken back; kept here, not shown again."""
    if reasons:
        await tx.connection.execute(SAVE_REASONS, list(reasons), list(reasons.values()))


async def views(tx: Transaction, case_codes: Sequence[str]) -> dict[str, CaseView]:
    """What people see, by case code."""
    records = await tx.connection.fetch(VIEWS, list(set(case_codes)))
    return {r["case_code"]: CaseView(*r.values()) for r in records}


def _progress(record: asyncpg.Record) -> Progress:
    case_id = record["case_id"]
    return Progress(
        case_id,
        record["gate"],
        record["submitted_at"],
        record["withdrawn_at"],
        _fact(record) if record["fact"] else None,
        tuple(
            Telling(UUID(hour), case_id, version, told)
            for hour, (version, told) in sorted(record["tellings"].items())
        ),
        Standing(*(record[name] for name in Standing.__slots__)),
        record["version"],
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
        record["by_person"],
    )


def _row(progress: Progress) -> tuple[Any, ...]:
    fact = progress.fact
    said = (None,) * 7 + (False,) if fact is None else _said(fact)
    tellings = {str(told.appointment_id): [told.version, told.told] for told in progress.tellings}
    standing = progress.standing
    return (
        progress.case_id,
        *said,
        orjson.dumps(tellings).decode(),
        progress.withdrawn_at,
        *(getattr(standing, name) for name in Standing.__slots__),
        progress.version,
    )


def _said(fact: Fact) -> tuple[Any, ...]:
    return (
        fact.kind,
        fact.attempt,
        fact.revision,
        fact.at,
        fact.until,
        fact.reason,
        fact.appointment_id,
        fact.by_person,
    )
