"""Alarms as the duty desk reads them: the list in which somebody has to act, and one alarm with its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.domain.alarms import is_overdue, reference
from shared.messaging import Transaction

FIELDS = """a.alarm_id::text, c.case_code, a.level, a.rule, a.state, a.raised_at, a.due_by, a.reachable, a.province,
    a.languages, a.acknowledged_by, a.acknowledged_name, a.acknowledged_at, a.closed_by, a.closed_name, a.closed_at,
    a.outcome, a.unconfirmed_handover IS NULL AS confirmed"""

LIST = f"""
SELECT {FIELDS}, t.attempts, l.outcome AS last_outcome, l.staff_name AS last_name, l.attempted_at AS last_at
FROM alarms a JOIN cases c USING (case_id)
LEFT JOIN LATERAL (SELECT count(*) AS attempts FROM alarm_attempts WHERE alarm_id = a.alarm_id) t ON true
LEFT JOIN LATERAL (
    SELECT outcome, staff_name, attempted_at FROM alarm_attempts WHERE alarm_id = a.alarm_id
    ORDER BY attempted_at DESC, attempt_id DESC LIMIT 1
) l ON true
WHERE a.state = ANY ($1) AND (a.due_by, a.alarm_id) > ($2, $3)
ORDER BY a.due_by, a.alarm_id
LIMIT $4
"""

ONE = f"SELECT {FIELDS}, a.reason FROM alarms a JOIN cases c USING (case_id) WHERE a.alarm_id = ANY ($1)"

ATTEMPTS = """
SELECT alarm_id::text, attempted_at, staff_id, staff_name, outcome, note FROM alarm_attempts
WHERE alarm_id = ANY ($1) ORDER BY attempted_at, attempt_id
"""

LEVEL_CHANGES = """
SELECT alarm_id::text, changed_at, staff_id, staff_name, level_before, level, due_by, reason
FROM alarm_level_changes WHERE alarm_id = ANY ($1) ORDER BY changed_at, change_id
"""

CONTACT_READINGS = """
SELECT alarm_id::text, read_at, staff_id, staff_name FROM alarm_contact_readings
WHERE alarm_id = ANY ($1) ORDER BY read_at, reading_id
"""


HANDOVERS = """
SELECT alarm_id::text, handed_over_at, staff_id, staff_name, from_id, from_name, to_id, to_name, reason
FROM alarm_handovers WHERE alarm_id = ANY ($1) ORDER BY handed_over_at, handover_id
"""

CONFIRMATIONS = """
SELECT alarm_id::text, confirmed_at, confirmed_by AS staff_id, confirmed_name AS staff_name FROM alarm_handovers
WHERE alarm_id = ANY ($1) AND confirmed_at IS NOT NULL ORDER BY confirmed_at, handover_id
"""

ESCALATIONS = """
SELECT alarm_id::text, escalated_at, to_id, to_name FROM alarm_escalations
WHERE alarm_id = ANY ($1) ORDER BY escalated_at, escalation_id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Alarms in these states, after a place in the order of (due_by, alarm_id)."""

    states: tuple[str, ...]
    after: tuple[datetime, UUID]
    limit: int


async def list_alarms(tx: Transaction, page: Page) -> list[dict[str, Any]]:
    """One page in the order in which somebody has to act; of the attempts their number and the last."""
    records = await tx.connection.fetch(LIST, page.states, *page.after, page.limit)
    return [_listed(dict(record), tx.now) for record in records]


async def read_alarms(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[str, dict[str, Any]]:
    """By id: all that a clinician needs to act, and what was done so far, oldest first. No answer, no score."""
    ids = list(set(alarm_ids))
    alarms = {r["alarm_id"]: dict(r) for r in await tx.connection.fetch(ONE, ids)}
    done: dict[str, list[dict[str, Any]]] = {name: [] for name in alarms}
    for statement, entry in (
        (ATTEMPTS, _attempted),
        (LEVEL_CHANGES, _judged),
        (CONTACT_READINGS, _read),
        (HANDOVERS, _handed_over),
        (CONFIRMATIONS, _confirmed),
        (ESCALATIONS, _escalated),
    ):
        for row in await tx.connection.fetch(statement, ids):
            done[row["alarm_id"]].append(entry(row))
    return {name: _whole(alarm, done[name], tx.now) for name, alarm in alarms.items()}


def _listed(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    outcome, name, at = row.pop("last_outcome"), row.pop("last_name"), row.pop("last_at")
    last = {"at": at, "by_name": name, "outcome": outcome} if at else None
    attempts = {"count": row.pop("attempts"), "last": last}
    return row | _shown(row, now) | {"attempts": attempts}


def _whole(row: dict[str, Any], done: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    reason = row.pop("reason")
    history = [{"what": "raised", "at": row["raised_at"]}, *done]
    if row["acknowledged_at"]:
        history.append(_by("acknowledged", row, "acknowledged") | _first_holder(done))
    if row["closed_at"]:
        history.append(_by("closed", row, "closed") | {"outcome": row["outcome"], "reason": reason})
    return row | {
        **_shown(row, now),
        "attempts": [entry for entry in done if entry["what"] == "attempted"],
        "history": sorted(history, key=lambda entry: entry["at"]),
    }


def _first_holder(done: list[dict[str, Any]]) -> dict[str, Any]:
    """Who took it, where somebody else has it now."""
    given = [one for one in done if one["what"] == "handed_over"]
    return {"by": given[0]["from"], "by_name": given[0]["from_name"]} if given else {}


def _shown(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "reference": reference(UUID(row["alarm_id"])),
        "overdue": is_overdue(row["state"], row["due_by"], now),
    }


def _attempted(row: asyncpg.Record) -> dict[str, Any]:
    told = {"outcome": row["outcome"], "note": row["note"]}
    return _entry("attempted", row, row["attempted_at"]) | told


def _judged(row: asyncpg.Record) -> dict[str, Any]:
    told = {name: row[name] for name in ("level_before", "level", "due_by", "reason")}
    return _entry("level_changed", row, row["changed_at"]) | told


def _handed_over(row: asyncpg.Record) -> dict[str, Any]:
    told = {
        "from": row["from_id"],
        "from_name": row["from_name"],
        "to": row["to_id"],
        "to_name": row["to_name"],
        "reason": row["reason"],
    }
    return _entry("handed_over", row, row["handed_over_at"]) | told


def _confirmed(row: asyncpg.Record) -> dict[str, Any]:
    return _entry("confirmed", row, row["confirmed_at"])


def _escalated(row: asyncpg.Record) -> dict[str, Any]:
    return {"what": "escalated", "at": row["escalated_at"], "to": row["to_id"], "to_name": row["to_name"]}


def _read(row: asyncpg.Record) -> dict[str, Any]:
    return _entry("contact_read", row, row["read_at"])


def _entry(what: str, row: asyncpg.Record, at: datetime) -> dict[str, Any]:
    return {"what": what, "at": at, "by": row["staff_id"], "by_name": row["staff_name"]}


def _by(what: str, row: dict[str, Any], act: str) -> dict[str, Any]:
    return {"what": what, "at": row[f"{act}_at"], "by": row[f"{act}_by"], "by_name": row[f"{act}_name"]}
