"""How somebody is reached is said anew, or said to hold still: sealed, kept and told to notifications at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.contact_changes import KeptContact, Reached, Why, why_not
from services.intake.domain.contacts import CONFIRMED_FOR_DAYS, Contact
from services.intake.domain.vocabulary import Channel
from services.intake.handlers.announcements import contact_changed
from services.intake.handlers.renewing import renew_open_alarms
from services.intake.handlers.submission import seal_address
from services.intake.repository import contacts, keys, standings
from services.intake.repository.locking import lock_cases
from services.intake.repository.standings import CaseView
from shared.contracts.notifications import ContactReconfirmed
from shared.messaging import Transaction
from shared.privacy import Sealer


@dataclass(frozen=True, slots=True)
class Contacting:
    """How one case's person is to be reached from now on, None for as before; and the trace it came in."""

    case_id: UUID
    contact: Contact | None
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Reachable:
    """The ways that count now, until when, and whether nothing is sent all the same because they wanted nothing more."""

    channels: tuple[Channel, ...]
    confirmed_until: datetime
    stopped: bool


@dataclass(frozen=True, slots=True)
class OnRecord:
    """How a case stands and how its person is reached, as they see both."""

    view: CaseView
    kept: KeptContact | None


async def look_up_contacts(codes: Sequence[str], tx: Transaction) -> list[OnRecord | None]:
    """In the order of the codes; None where there is no such case."""
    views = await standings.views(tx, codes)
    found = await contacts.reached_by_code(tx, codes)
    return [OnRecord(views[code], found[code].kept) if code in views else None for code in codes]


async def change_contacts(
    changes: Sequence[Contacting], tx: Transaction, sealer: Sealer
) -> list[Reachable | Why]:
    """In their order; of several for one case the last one that names a contact counts. Twice is once."""
    known = await contacts.lock_reached(tx, [one.case_id for one in changes])
    refused = [why_not(known.get(one.case_id), one.contact) for one in changes]
    wanted: dict[UUID, Contact | None] = {}
    for one, why in zip(changes, refused, strict=True):
        if why is None:
            wanted[one.case_id] = one.contact or wanted.get(one.case_id)
            tx.trace(str(one.case_id), one.traceparent)
    after = await _save([(known[case_id], contact) for case_id, contact in wanted.items()], tx, sealer)
    return [
        why or _reachable(after[one.case_id], known[one.case_id], tx)
        for one, why in zip(changes, refused, strict=True)
    ]


async def confirm_contacts(events: Sequence[ContactReconfirmed], tx: Transaction) -> None:
    """Kafka in, the loop `reconfirm`: a human has found that what is on record holds still."""
    await lock_cases(tx, [event.case_id for event in events])
    people = {event.case_id: event.person_id for event in events}
    kept = await contacts.kept_of(tx, people.values())
    await keep(tx, people, {case_id: kept[one] for case_id, one in people.items() if one in kept})


async def _save(
    changed: Sequence[tuple[Reached, Contact | None]], tx: Transaction, sealer: Sealer
) -> Mapping[UUID, KeptContact]:
    """What is on record afterwards, by case."""
    after: dict[UUID, KeptContact] = {}
    wrapped: dict[UUID, bytes | None] = {}
    for before, contact in changed:
        if contact is not None:
            after[before.case_id], wrapped[before.person_id] = _sealed(before, contact, sealer)
        elif before.kept is not None:
            after[before.case_id] = before.kept
    await keys.replace_contacts(tx, wrapped)
    await keep(tx, {before.case_id: before.person_id for before, _ in changed}, after)
    await renew_open_alarms(tx, {one.person_id: contact for one, contact in changed if contact}, sealer)
    return after


async def keep(tx: Transaction, people: Mapping[UUID, UUID], kept: Mapping[UUID, KeptContact]) -> None:
    """By case whose contact it is and what it is, said and confirmed just now."""
    if kept:
        rows = [(people[case_id], one) for case_id, one in kept.items()]
        await contacts.save(tx, rows, tx.now + timedelta(days=CONFIRMED_FOR_DAYS))
        said = [contact_changed(person_id, one, tx.now) for person_id, one in rows]
        tx.emit(said, causes=list(map(str, kept)))


def _sealed(before: Reached, contact: Contact, sealer: Sealer) -> tuple[KeptContact, bytes | None]:
    """A key of its own each time: what was sealed with the one before is an address that may be somebody else's now."""
    version = before.kept.version + 1 if before.kept else 1
    box, made = seal_address(sealer, before.person_id, contact, version)
    return KeptContact(contact, box, version, before.time_zone), made[0][1] if made else None


def _reachable(kept: KeptContact, whose: Reached, tx: Transaction) -> Reachable:
    return Reachable(kept.contact.channels, tx.now + timedelta(days=CONFIRMED_FOR_DAYS), whose.stopped)
