"""Requests for care come in: many at once, one transaction, and everything that follows from them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import orjson

from services.intake.domain.admission import Admission, admit
from services.intake.domain.alarms import Raised
from services.intake.domain.attendees import Participant
from services.intake.domain.codes import BYTES_PER_CODE, case_codes
from services.intake.domain.contacts import CONFIRMED_FOR_DAYS, USUAL_WINDOWS, Contact, Written
from services.intake.domain.crisis import card_language
from services.intake.domain.invitations import SHOWN_TO_THE_ASKER
from services.intake.domain.new_case import NewAlarm, NewAttendee, NewCase, SealedContact, SealedParts
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest
from services.intake.handlers.announcements import announce
from services.intake.handlers.escalating import await_somebody
from services.intake.repository import alarms, attendees, cases
from shared.messaging import Transaction
from shared.privacy import Sealer

# Opening and announcing a case take half a millisecond together; a file has two hundred.
AT_A_STRETCH = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the desk needs beside the requests: the signed rules, the seal, chance, a way to keep a trace, and the PIN of an
    attendee."""

    policy: Policy
    sealer: Sealer
    randomness: Callable[[int], bytes]
    keep_trace: Callable[[str | None], str | None]
    pin_of: Callable[[UUID], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, the trace it came in, the id of its case where somebody has noted it already, and what was decided
    about it where somebody had to know before."""

    request: CareRequest
    traceparent: str | None
    case_id: UUID | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who takes part, and the code by which they answer for themselves."""

    role: str
    code: str
    attendee_id: UUID


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the answer to one request is made of; `invited` are all who take part."""

    case_id: UUID
    case_code: str
    alarmed: bool
    province: str
    card_language: str
    invited: tuple[Invited, ...] = ()

    @property
    def shown(self) -> tuple[Invited, ...]:
        """Whose codes whoever asked for themselves is given, to hand on when and if that is safe."""
        return tuple(one for one in self.invited if one.role in SHOWN_TO_THE_ASKER)


async def submit_cases(asked: Sequence[Asked], tx: Transaction, desk: Desk) -> list[Accepted]:
    """Each request becomes a case of its own; answers in the order of the requests."""
    opened = [_open_case(one, tx, desk) async for one in _by_turns(asked)]
    codes = await _save(opened, tx, desk)
    async for case in _by_turns(opened):
        announce(case, tx, desk.policy.steps.version)
    return [_accepted(case, codes[case.case_id]) for case in opened]


async def _by_turns(items: Sequence[T]) -> AsyncIterator[T]:
    """All of them; after each stretch whoever else waits in this process has a turn, somebody in danger among them."""
    for place, item in enumerate(items, 1):
        yield item
        if place % AT_A_STRETCH == 0:
            await asyncio.sleep(0)


def _open_case(asked: Asked, tx: Transaction, desk: Desk) -> NewCase:
    admission = asked.admission or admit(desk.policy, asked.request)
    person_id = tx.new_id()
    # Whoever may be in danger is followed to the end, whatever the sampling would have said.
    trace = desk.keep_trace(asked.traceparent) if admission.alarm else asked.traceparent
    return NewCase(
        case_id=asked.case_id or tx.new_id(),
        person_id=person_id,
        attendee_id=tx.new_id(),
        request=asked.request,
        admission=admission,
        alarm=_alarm(admission.alarm, person_id, asked.request.contact, tx, desk),
        sealed=_seal(desk.sealer, person_id, asked.request),
        traceparent=trace,
        attendees=tuple(
            new_attendee(one, asked.request.contact, tx, desk) for one in asked.request.attendees
        ),
    )


def new_attendee(one: Participant, asker: Written, tx: Transaction, desk: Desk) -> NewAttendee:
    """Somebody with handles of their own; `asker` is how the one who names them is written to."""
    # Whoever has no contact of their own looks by themselves: the asker's is never written to in their name.
    contact = one.contact or Contact("inbox", None, asker.language, asker.script, USUAL_WINDOWS, "own")
    attendee_id, person_id = tx.new_id(), tx.new_id()
    [code] = case_codes(desk.randomness(BYTES_PER_CODE))
    fields = _address(contact)
    if one.consent == "invited":
        fields["invitation"] = f"{code} {desk.pin_of(attendee_id)}".encode()
    boxes, keys = _seal_all(desk.sealer, person_id, "contact", fields)
    sealed = dict(zip(fields, boxes, strict=True))
    parts = SealedParts(sealed.get("address"), (), keys)
    return NewAttendee(attendee_id, person_id, code, one, contact, parts, sealed.get("invitation"))


def _alarm(
    raised: Raised | None, person_id: UUID, contact: Contact, tx: Transaction, desk: Desk
) -> NewAlarm | None:
    return None if raised is None else new_alarm(raised, person_id, contact, tx, desk)


def new_alarm(
    raised: Raised, person_id: UUID, contact: Contact | None, tx: Transaction, desk: Desk
) -> NewAlarm:
    """An alarm with its own sealed copy of the contact, which outlives a stop of messages and not the alarm."""
    reachable = contact is not None and contact.reachable
    sealed = seal_for_the_desk(contact, person_id, desk.sealer) if contact and reachable else None
    return NewAlarm(tx.new_id(), raised, desk.policy.alarms.due_by(raised.level, tx.now), sealed)


def seal_for_the_desk(contact: Contact, person_id: UUID, sealer: Sealer) -> SealedContact:
    """All of it, with a key of its own: when it is safe to call matters as much as the number."""
    key, text = sealer.new_key(), orjson.dumps(contact)
    box = sealer.seal(key, text, purpose="alarm_contact", person_id=person_id, field="contact", version=1)
    return SealedContact(box, key.wrapped)


def _seal(sealer: Sealer, person_id: UUID, request: CareRequest) -> SealedParts:
    # A key of its own for each purpose, so that each can be destroyed alone.
    sealed_address, contact_keys = seal_address(sealer, person_id, request.contact)
    # With whose cut-offs they were read: without that they could not be read again.
    read_as = {"gender": request.gender} if request.gender else {}
    sealed_answers, answers_keys = _seal_all(
        sealer,
        person_id,
        "answers",
        {name: orjson.dumps({"answers": given} | read_as) for name, given in request.answers.items()},
    )
    return SealedParts(sealed_address, sealed_answers, contact_keys + answers_keys)


def seal_address(
    sealer: Sealer, person_id: UUID, contact: Contact, version: int = 1
) -> tuple[str | None, tuple[tuple[str, bytes], ...]]:
    """The box and the wrapped key of a contact's address; neither where it has none."""
    boxes, keys = _seal_all(sealer, person_id, "contact", _address(contact), version)
    return next(iter(boxes), None), keys


def _address(contact: Contact) -> dict[str, bytes]:
    return {"address": contact.address.encode()} if contact.address else {}


def _seal_all(
    sealer: Sealer, person_id: UUID, purpose: str, fields: Mapping[str, bytes], version: int = 1
) -> tuple[tuple[str, ...], tuple[tuple[str, bytes], ...]]:
    """The boxes in the order of the fields, and the one key they were sealed with, wrapped."""
    if not fields:
        return (), ()
    key = sealer.new_key()
    boxes = (
        sealer.seal(key, text, purpose=purpose, person_id=person_id, field=field, version=version)
        for field, text in fields.items()
    )
    return tuple(boxes), ((purpose, key.wrapped),)


async def _save(opened: Sequence[NewCase], tx: Transaction, desk: Desk) -> dict[UUID, str]:
    codes = await _save_with_codes(opened, tx, desk)
    others = [(case.case_id, one, None) for case in opened for one in case.attendees]
    attendees.save_attendees(tx, others)
    cases.save_consents(tx, opened)
    contacts = [row for case in opened for row in case.contacts]
    cases.save_contacts(tx, contacts, tx.now + timedelta(days=CONFIRMED_FOR_DAYS))
    cases.save_answers(tx, opened)
    sealed = [(case.person_id, case.sealed) for case in opened]
    cases.save_keys(tx, sealed + [(one.person_id, one.sealed) for _, one, _ in others])
    alarms.save_alarms(tx, [alarm for case in opened for alarm in case.alarms])
    await await_somebody(tx, [(one.alarm.alarm_id, one.alarm.due_by) for one in opened if one.alarm])
    return codes


async def _save_with_codes(opened: Sequence[NewCase], tx: Transaction, desk: Desk) -> dict[UUID, str]:
    # A code that is taken already (one in 10**7 at a million cases) is drawn again within the batch.
    codes: dict[UUID, str] = {}
    left = list(opened)
    while left:
        drawn = case_codes(desk.randomness(BYTES_PER_CODE * len(left)))
        saved = await cases.save_cases(tx, left, drawn, desk.policy.steps.version)
        codes |= {case.case_id: code for case, code in zip(left, drawn, strict=True) if case.case_id in saved}
        left = [case for case in left if case.case_id not in saved]
    return codes


def _accepted(case: NewCase, case_code: str) -> Accepted:
    contact = case.request.contact
    return Accepted(
        case.case_id,
        case_code,
        case.alarm is not None,
        case.request.needs.province,
        card_language(contact.language, contact.script),
        tuple(Invited(one.participant.role, one.code, one.attendee_id) for one in case.attendees),
    )
