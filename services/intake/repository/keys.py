"""The vault's SQL: keys are given and the giving is written down in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.messaging import Transaction

READ = """
WITH asked AS (SELECT DISTINCT person_id FROM unnest($1::uuid[]) AS a(person_id)),
found AS (
    SELECT a.person_id, s.state, CASE WHEN s.state IS NULL THEN k.wrapped END AS wrapped
    FROM asked a
    LEFT JOIN person_keys k ON k.person_id = a.person_id AND k.purpose = $2
    LEFT JOIN stops s ON s.person_id = a.person_id AND s.purpose = $2
),
written AS (
    INSERT INTO readings (principal, purpose, asked, given, person_ids)
    SELECT $3, $2, count(*), count(wrapped), coalesce(array_agg(person_id), '{}') FROM found
)
SELECT person_id, state, wrapped FROM found
"""

# An alarm's key outlives a stop of messages, not the erasing of its person.
READ_OF_ALARMS = """
WITH asked AS (SELECT DISTINCT alarm_id FROM unnest($1::uuid[]) AS a(alarm_id)),
found AS (
    SELECT a.alarm_id AS person_id, s.state, CASE WHEN s.state IS NULL THEN k.wrapped END AS wrapped,
        k.person_id AS whose
    FROM asked a
    LEFT JOIN alarm_keys k USING (alarm_id)
    LEFT JOIN LATERAL (
        SELECT state FROM stops WHERE stops.person_id = k.person_id AND state = 'erased' LIMIT 1
    ) s ON true
),
written AS (
    INSERT INTO readings (principal, purpose, asked, given, person_ids)
    SELECT $3, $2, count(*), count(wrapped), coalesce(array_agg(whose) FILTER (WHERE whose IS NOT NULL), '{}')
    FROM found
)
SELECT person_id, state, wrapped FROM found
"""

# For every purpose: what one of them was stopped for before is erased from now on.
ERASE = """
INSERT INTO vault.stops (person_id, purpose, state, since)
SELECT person_id, purpose, 'erased', $2
FROM unnest($1::uuid[]) AS p(person_id), unnest(ARRAY['answers', 'contact']) AS u(purpose) ORDER BY 1, 2
ON CONFLICT (person_id, purpose) DO UPDATE SET state = 'erased', since = $2
WHERE stops.state <> 'erased'
"""

FORGET = "DELETE FROM vault.person_keys WHERE person_id = ANY ($1)"

FORGET_CONTACTS = "DELETE FROM vault.person_keys WHERE person_id = ANY ($1) AND purpose = 'contact'"

SAVE_CONTACTS = """
INSERT INTO vault.person_keys (person_id, purpose, wrapped)
SELECT person_id, 'contact', wrapped FROM unnest($1::uuid[], $2::bytea[]) AS k(person_id, wrapped)
"""

FORGET_OF_ALARMS = "DELETE FROM vault.alarm_keys WHERE person_id = ANY ($1)"

STOP = """
INSERT INTO vault.stops (person_id, purpose, state, since)
SELECT person_id, 'contact', 'stopped', $2 FROM unnest($1::uuid[]) AS p(person_id) ORDER BY person_id
ON CONFLICT (person_id, purpose) DO NOTHING
RETURNING person_id
"""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """A wrapped key, or why there is none: `stopped`, `erased`, or nothing known of this person or alarm."""

    person_id: UUID
    state: str | None
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class KeyQuestion:
    """Which service wants whose keys, and for what."""

    person_ids: tuple[UUID, ...]
    purpose: str
    principal: str


async def read_keys(tx: Transaction, question: KeyQuestion) -> list[KeyAnswer]:
    """Keys of people who are neither stopped nor erased for this purpose; runs as the vault's own role."""
    read = READ_OF_ALARMS if question.purpose == "alarm_contact" else READ
    records = await tx.connection.fetch(read, question.person_ids, question.purpose, question.principal)
    return [KeyAnswer(r["person_id"], r["state"], r["wrapped"]) for r in records]


async def erase(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """The gate closes for good and the keys go, those of their alarms too: sealed copies are unreadable wherever they
    are."""
    if person_ids:
        await tx.connection.execute(ERASE, sorted(person_ids), tx.now)
        await tx.connection.execute(FORGET, list(person_ids))
        await tx.connection.execute(FORGET_OF_ALARMS, list(person_ids))


async def replace_contacts(tx: Transaction, wrapped: Mapping[UUID, bytes | None]) -> None:
    """The keys of these people's addresses, who are not erased and whose cases are locked: no copy of an address from before
    can be opened any more. None where there is no address now."""
    made = {person_id: key for person_id, key in wrapped.items() if key is not None}
    if wrapped:
        await tx.connection.execute(FORGET_CONTACTS, list(wrapped))
    if made:
        await tx.connection.execute(SAVE_CONTACTS, list(made), list(made.values()))


async def stop_contact(tx: Transaction, person_ids: Sequence[UUID]) -> list[UUID]:
    """The last gate closes at once, in the transaction of the wish; returns whom it was still open for."""
    if not person_ids:
        return []
    records = await tx.connection.fetch(STOP, sorted(person_ids), tx.now)
    return [record["person_id"] for record in records]
