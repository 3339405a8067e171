"""Offers from which people choose; every change is made under the lock of the case."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.matching.domain.offers import Choice, KeptHour, Offered, OfferState
from shared.messaging import Transaction

# A list in a list would be an array of arrays to the driver, hence JSON as text.
PUT = """
INSERT INTO offers (match_id, case_id, attempt, request_version, modality, options, offered_at, expires_at)
SELECT match_id, case_id, attempt, request_version, modality, options::jsonb, offered_at, expires_at
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
    AS o(match_id, case_id, attempt, request_version, modality, options, offered_at, expires_at)
ORDER BY case_id
"""

KEPT = "kept_version, kept_with, kept_start, kept_end, kept_until"
COLUMNS = f"""match_id, case_id, attempt, request_version, modality, options, offered_at, expires_at, state, option_id,
    reason, decided_at, {KEPT}"""
FIND = f"SELECT {COLUMNS} FROM offers WHERE match_id = $1"
OPEN = f"SELECT {COLUMNS} FROM offers WHERE case_id = ANY ($1) AND state = 'open'"

# A decided offer is never altered, whatever asks for it.
DECIDE = """
UPDATE offers o SET state = d.state, option_id = d.option_id, chosen = d.chosen, reason = d.reason, decided_at = $6
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[]) AS d(match_id, state, option_id, chosen, reason)
WHERE o.match_id = d.match_id AND o.state = 'open'
"""
FOLLOW = f"""
UPDATE offers o SET ({KEPT}) = (k.version, k.who, k.starts, k.ends, k.until)
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
    AS k(match_id, version, who, starts, ends, until)
WHERE o.match_id = k.match_id AND o.state = 'open'
"""
END = "UPDATE offers SET state = $2, decided_at = $3 WHERE case_id = ANY ($1) AND state = 'open'"


async def put_offers(tx: Transaction, made: Sequence[Offered]) -> None:
    """New offers of cases that are saved."""
    if not made:
        return
    await tx.connection.execute(
        PUT,
        [one.match_id for one in made],
        [one.case_id for one in made],
        [one.attempt for one in made],
        [one.request_version for one in made],
        [one.modality for one in made],
        [orjson.dumps([_written(choice) for choice in one.choices]).decode() for one in made],
        [one.offered_at for one in made],
        [one.expires_at for one in made],
    )


async def find_offer(tx: Transaction, match_id: UUID) -> Offered | None:
    """One offer as it stands; None if there is no such one."""
    row = await tx.connection.fetchrow(FIND, match_id)
    return _offer(row) if row else None


async def open_offers(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, Offered]:
    """The open offer of each of these cases that has one, by case."""
    rows = await tx.connection.fetch(OPEN, list(case_ids)) if case_ids else []
    return {row["case_id"]: _offer(row) for row in rows}


async def decide_offers(tx: Transaction, decided: Sequence[Offered]) -> None:
    """Writes how open offers ended."""
    if not decided:
        return
    chosen = [one.choice(one.option_id) if one.option_id else None for one in decided]
    await tx.connection.execute(
        DECIDE,
        [one.match_id for one in decided],
        [one.state for one in decided],
        [one.option_id for one in decided],
        [choice.therapist_id if choice else None for choice in chosen],
        [one.reason for one in decided],
        tx.now,
    )


async def follow_hours(tx: Transaction, offered: Sequence[Offered]) -> None:
    """Writes which hours are kept for open offers, or were."""
    kept = [(one.match_id, one.kept) for one in offered if one.kept]
    if kept:
        await tx.connection.execute(
            FOLLOW,
            [match_id for match_id, _ in kept],
            [hour.version for _, hour in kept],
            [hour.therapist_id for _, hour in kept],
            [hour.start for _, hour in kept],
            [hour.end for _, hour in kept],
            [hour.until for _, hour in kept],
        )


async def end_offers(tx: Transaction, case_ids: Sequence[UUID], state: OfferState) -> None:
    """Ends the open offers of these cases without anybody's decision."""
    if case_ids:
        await tx.connection.execute(END, list(case_ids), state, tx.now)


def _written(choice: Choice) -> dict[str, Any]:
    sites = [str(site) for site in choice.sites]
    return {"option_id": str(choice.option_id), "therapist_id": str(choice.therapist_id), "sites": sites}


def _offer(row: asyncpg.Record) -> Offered:
    choices = tuple(
        Choice(UUID(one["option_id"]), UUID(one["therapist_id"]), tuple(map(UUID, one["sites"])))
        for one in row["options"]
    )
    fields = {
        name: value for name, value in row.items() if name != "options" and not name.startswith("kept_")
    }
    kept = [row[name] for name in KEPT.split(", ")]
    return Offered(choices=choices, kept=KeptHour(*kept) if kept[0] else None, **fields)
