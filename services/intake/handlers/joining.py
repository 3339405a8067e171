"""Somebody is named who is to take part after the request was made: a person of their own, asked for themselves.

Nothing is looked for anew by it: until they answer nobody is told of any hour, and matching hears of them with their
consent. An hour that is booked stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

import orjson

from services.intake.domain.alarms import Staff
from services.intake.domain.attendees import KeptAttendee, Participant, unfitting_later
from services.intake.domain.contacts import CONFIRMED_FOR_DAYS
from services.intake.domain.new_case import NewAttendee
from services.intake.domain.refusals import Refusal
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.announcements import contacts_changed, invited
from services.intake.handlers.submission import Desk, Invited, new_attendee
from services.intake.repository import attendees, cases, requests
from shared.messaging import Transaction
from shared.web import idempotency

SCOPE = "POST /v1/cases/{code}/attendees"
Answer = Invited | Literal["closed", "stale"] | list[Refusal]


@dataclass(frozen=True, slots=True)
class Joining:
    """Somebody for one case, as it was seen, None if that was long ago; `by` is the coordinator who names them, None whoever asked."""

    key: str
    body_hash: bytes
    case_id: UUID
    seen_version: int | None
    participant: Participant
    by: Staff | None
    traceparent: str | None


async def let_join(joining: Sequence[Joining], tx: Transaction, desk: Desk) -> list[Answer | Exception]:
    """In their order; the same key and body is one attendee. Several for one case are taken one after the other."""
    claims = await idempotency.claim(
        tx, [idempotency.KeyedRequest(SCOPE, one.key, one.body_hash) for one in joining]
    )
    fresh = {place: joining[place] for place, claim in enumerate(claims) if claim.state == "new"}
    known = await requests.lock_requests(tx, [one.case_id for one in fresh.values()])
    askers = await attendees.askers_written_to(tx, known)
    answers: dict[int, Answer] = {}
    made: dict[int, NewAttendee] = {}
    others = {case_id: list(case.attendees) for case_id, case in known.items()}
    for place, one in fresh.items():
        if refused := _refused(known[one.case_id], others[one.case_id], one):
            answers[place] = refused
            continue
        made[place] = new_attendee(one.participant, askers[one.case_id], tx, desk)
        others[one.case_id].append(_kept_as(made[place], one.case_id))
        answers[place] = Invited(one.participant.role, made[place].code, made[place].attendee_id)
        tx.trace(str(one.case_id), one.traceparent)
    await _save([(known[joining[place].case_id], joining[place].by, made[place]) for place in made], tx)
    idempotency.record(
        tx,
        [
            (SCOPE, joining[place].key, joining[place].body_hash, 201, orjson.dumps(answers[place]))
            for place in made
        ],
    )
    return [answers.get(place) or _earlier(claim) for place, claim in enumerate(claims)]


def _refused(
    case: KeptRequest, others: Sequence[KeptAttendee], one: Joining
) -> Literal["closed", "stale"] | list[Refusal] | None:
    if case.closed:
        return "closed"
    if case.version != one.seen_version:
        return "stale"
    return unfitting_later(case.needs.kind, others, one.participant) or None


async def _save(made: Sequence[tuple[KeptRequest, Staff | None, NewAttendee]], tx: Transaction) -> None:
    contacts = [
        (one.person_id, one.contact, one.sealed.address, case.needs.time_zone) for case, _, one in made
    ]
    attendees.save_attendees(tx, [(case.case_id, one, by) for case, by, one in made])
    if made:
        cases.save_contacts(tx, contacts, tx.now + timedelta(days=CONFIRMED_FOR_DAYS))
    cases.save_keys(tx, [(one.person_id, one.sealed) for _, _, one in made])
    tx.emit(contacts_changed(contacts, tx.now))
    tx.emit([event for case, _, one in made for event in invited(case.case_id, [one], tx.now)])


def _kept_as(one: NewAttendee, case_id: UUID) -> KeptAttendee:
    participant = one.participant
    return KeptAttendee(one.attendee_id, case_id, one.person_id, participant.role, participant.consent)


def _earlier(claim: idempotency.Claim) -> Invited | Exception:
    if claim.state != "replay" or claim.response is None:
        return idempotency.refusal(claim)
    kept = orjson.loads(claim.response)
    return Invited(**kept | {"attendee_id": UUID(kept["attendee_id"])})
