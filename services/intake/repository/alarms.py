"""Alarms: raised with the request, taken, judged anew and closed by name. `alarm_views` reads them for the desk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.domain.alarms import AlarmStanding, AttemptOutcome, Outcome, Staff
from services.intake.domain.new_case import AlarmOfCase, SealedContact
from shared.messaging import Transaction

SAVE = """
INSERT INTO alarms (alarm_id, case_id, person_id, level, rule, rule_version, province, languages, reachable,
    due_by, contact_box, raised_at)
SELECT alarm_id, case_id, person_id, level, rule, rule_version, province, string_to_array(languages, ','),
    reachable, due_by, contact_box, $12
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::boolean[], $10::timestamptz[], $11::text[])
    AS a(alarm_id, case_id, person_id, level, rule, rule_version, province, languages, reachable, due_by, contact_box)
"""

# Into the vault, which this service can write and not read. No key is made again for a person who was erased.
SAVE_KEYS = """
INSERT INTO vault.alarm_keys (alarm_id, person_id, wrapped)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS k(alarm_id, person_id, wrapped)
WHERE NOT EXISTS (SELECT FROM vault.stops s WHERE s.person_id = k.person_id AND s.state = 'erased')
"""

FORGET_KEYS = "DELETE FROM vault.alarm_keys WHERE alarm_id = ANY ($1)"

RENEW_CONTACTS = """
UPDATE alarms a SET contact_box = n.box, reachable = true
FROM unnest($1::uuid[], $2::text[]) AS n(alarm_id, box) WHERE a.alarm_id = n.alarm_id
"""

FORGET_CONTACTS = "UPDATE alarms SET contact_box = NULL, reachable = false WHERE alarm_id = ANY ($1)"

# By the index of their cases: an alarm is of the person who asked.
ALARMS_OF = """
SELECT a.alarm_id, a.person_id, a.state FROM cases c JOIN alarms a USING (case_id) WHERE c.person_id = ANY ($1)
"""

# Whoever raises an alarm on a case locks the case before: nothing is sealed between looking and forgetting.
LOCK_CASES_OF = "SELECT FROM cases WHERE person_id = ANY ($1) ORDER BY case_id FOR NO KEY UPDATE"

LOCK = """
SELECT alarm_id, case_id, state, level, due_by, acknowledged_by, closed_by, unconfirmed_handover
FROM alarms WHERE alarm_id = ANY ($1) ORDER BY alarm_id FOR NO KEY UPDATE
"""

ACKNOWLEDGE = """
UPDATE alarms a
SET state = 'acknowledged', acknowledged_by = n.id, acknowledged_name = n.name, acknowledged_at = $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(alarm_id, id, name)
WHERE a.alarm_id = n.alarm_id
"""

CLOSE = """
UPDATE alarms a
SET state = 'closed', closed_by = n.id, closed_name = n.name, closed_at = $6, outcome = n.outcome,
    reason = n.reason, contact_box = NULL, unconfirmed_handover = NULL
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS n(alarm_id, id, name, outcome, reason)
WHERE a.alarm_id = n.alarm_id
"""

# Who first had it stays as it was; the handover tells who said that they have it now.
CONFIRM = """
UPDATE alarms a SET acknowledged_by = n.id, acknowledged_name = n.name, unconfirmed_handover = NULL
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(alarm_id, id, name) WHERE a.alarm_id = n.alarm_id
"""

CONFIRM_HANDOVERS = """
UPDATE alarm_handovers h SET confirmed_by = n.id, confirmed_name = n.name, confirmed_at = $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(handover_id, id, name) WHERE h.handover_id = n.handover_id
"""

SAVE_ATTEMPTS = """
INSERT INTO alarm_attempts (attempt_id, alarm_id, staff_id, staff_name, outcome, note, attempted_at)
SELECT *, $7 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
"""

SAVE_LEVEL_CHANGES = """
INSERT INTO alarm_level_changes (change_id, alarm_id, staff_id, staff_name, level_before, level, due_by, reason,
    changed_at)
SELECT *, $9 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::text[])
"""

# Of several changes in one batch each is in the history; the alarm itself gets the last.
SAVE_LEVELS = """
UPDATE alarms a SET level = n.level, due_by = n.due_by
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n(alarm_id, level, due_by)
WHERE a.alarm_id = n.alarm_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """An alarm that somebody has now; `handover_id` is the handover that they confirmed by it."""

    alarm_id: UUID
    case_id: UUID
    staff: Staff
    handover_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """An alarm that somebody is done with; the reason stays in its row."""

    alarm_id: UUID
    case_id: UUID
    staff: Staff
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Attempted:
    """Somebody tried to reach the person; the note stays in its row."""

    attempt_id: UUID
    alarm_id: UUID
    case_id: UUID
    staff: Staff
    outcome: AttemptOutcome
    note: str | None


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """An alarm as somebody judged it, and as it stood before; the reason stays in its row."""

    before: AlarmStanding
    after: AlarmStanding
    staff: Staff
    reason: str | None


def save_alarms(tx: Transaction, raised: Sequence[AlarmOfCase]) -> None:
    """In the transaction of what raised them."""
    if not raised:
        return
    rows = [
        (
            one.alarm.alarm_id,
            one.case_id,
            one.person_id,
            one.alarm.raised.level,
            one.alarm.raised.rule,
            one.alarm.raised.version,
            one.province,
            ",".join(one.languages),
            one.reachable,
            one.alarm.due_by,
            one.alarm.contact.box if one.alarm.contact else None,
        )
        for one in raised
    ]
    tx.write_at_end(SAVE, *zip(*rows, strict=True), tx.now)
    sealed = [(one.alarm.alarm_id, one.person_id, one.alarm.contact) for one in raised if one.alarm.contact]
    if sealed:
        tx.write_at_end(SAVE_KEYS, *_wrapped(sealed))


async def renew_contacts(tx: Transaction, contacts: Sequence[tuple[UUID, UUID, SealedContact]]) -> None:
    """(alarm, person, contact): where to reach them now; what was said before cannot be opened any more."""
    if contacts:
        alarm_ids = [alarm_id for alarm_id, _, _ in contacts]
        await tx.connection.execute(FORGET_KEYS, alarm_ids)
        await tx.connection.execute(RENEW_CONTACTS, alarm_ids, [sealed.box for _, _, sealed in contacts])
        await tx.connection.execute(SAVE_KEYS, *_wrapped(contacts))


async def forget_contacts(tx: Transaction, alarm_ids: Sequence[UUID]) -> None:
    """Nobody opens what was sealed for these alarms any more, and there is nothing else to open."""
    if alarm_ids:
        await tx.connection.execute(FORGET_KEYS, alarm_ids)
        await tx.connection.execute(FORGET_CONTACTS, alarm_ids)


async def unclosed_of(tx: Transaction, person_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose each alarm of these people is that nobody has closed, by its id; their cases are locked."""
    records = await tx.connection.fetch(ALARMS_OF, list(person_ids)) if person_ids else []
    return {r["alarm_id"]: r["person_id"] for r in records if r["state"] != "closed"}


async def alarms_of(tx: Transaction, person_ids: Sequence[UUID]) -> list[UUID]:
    """All alarms of these people, closed ones too."""
    return [record["alarm_id"] for record in await tx.connection.fetch(ALARMS_OF, list(person_ids))]


async def lock_cases_of(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """The cases of these people, so that no alarm is raised on them meanwhile."""
    await tx.connection.execute(LOCK_CASES_OF, list(person_ids))


async def lock_alarms(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[UUID, AlarmStanding]:
    """The alarms there are, held until what is decided about them is saved."""
    records = await tx.connection.fetch(LOCK, list(set(alarm_ids)))
    return {record["alarm_id"]: AlarmStanding(*record.values()) for record in records}


async def save_taken(tx: Transaction, taken: Sequence[Taken]) -> None:
    """Named humans have them."""
    first = [(one.alarm_id, one.staff.id, one.staff.name) for one in taken if not one.handover_id]
    given = [one for one in taken if one.handover_id]
    if first:
        await tx.connection.execute(ACKNOWLEDGE, *zip(*first, strict=True), tx.now)
    if given:
        alarms_now = [(one.alarm_id, one.staff.id, one.staff.name) for one in given]
        confirmed = [(one.handover_id, one.staff.id, one.staff.name) for one in given]
        await tx.connection.execute(CONFIRM, *zip(*alarms_now, strict=True))
        await tx.connection.execute(CONFIRM_HANDOVERS, *zip(*confirmed, strict=True), tx.now)


async def save_closed(tx: Transaction, closed: Sequence[Closed]) -> None:
    """Named humans are done with them; the contact that was sealed for an alarm dies with it."""
    if closed:
        rows = [(one.alarm_id, one.staff.id, one.staff.name, one.outcome, one.reason) for one in closed]
        await tx.connection.execute(CLOSE, *zip(*rows, strict=True), tx.now)
        await tx.connection.execute(FORGET_KEYS, [one.alarm_id for one in closed])


async def save_attempts(tx: Transaction, attempted: Sequence[Attempted]) -> None:
    """Each attempt is a row of its own."""
    if attempted:
        rows = [
            (one.attempt_id, one.alarm_id, one.staff.id, one.staff.name, one.outcome, one.note)
            for one in attempted
        ]
        await tx.connection.execute(SAVE_ATTEMPTS, *zip(*rows, strict=True), tx.now)


async def save_level_changes(tx: Transaction, changes: Sequence[LevelChanged]) -> None:
    """In the order in which they were made."""
    if not changes:
        return
    rows = [
        (
            tx.new_id(),
            change.after.alarm_id,
            change.staff.id,
            change.staff.name,
            change.before.level,
            change.after.level,
            change.after.due_by,
            change.reason,
        )
        for change in changes
    ]
    await tx.connection.execute(SAVE_LEVEL_CHANGES, *zip(*rows, strict=True), tx.now)
    last = {change.after.alarm_id: change.after for change in changes}.values()
    stands = [(alarm.alarm_id, alarm.level, alarm.due_by) for alarm in last]
    await tx.connection.execute(SAVE_LEVELS, *zip(*stands, strict=True))


def _wrapped(contacts: Sequence[tuple[UUID, UUID, SealedContact]]) -> Iterator[tuple[Any, ...]]:
    """The columns of their keys."""
    return zip(
        *((alarm_id, person_id, sealed.wrapped) for alarm_id, person_id, sealed in contacts), strict=True
    )
