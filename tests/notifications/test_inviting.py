"""Whoever is asked to take part or to agree is written to once, with a code of their own, in words that tell nobody else."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.intake import ConsentChanged, ContactStopped, InvitationMade
from tests.notifications.facts import NOW, TRACE, Desk
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import seen, sending, settled

CODE, PIN = "7ZK4M2XQ9T", "402817"


def an_invitation(outside: OutsideWorld, person: UUID, **changes: Any) -> InvitationMade:
    said: dict[str, Any] = {
        "person_id": person,
        "case_id": uuid4(),
        "attendee_id": uuid4(),
        "purpose": "consent_request",
        "codes": outside.sealed(person, f"{CODE} {PIN}", field="invitation"),
        "expires_at": NOW + timedelta(days=30),
        "made_at": NOW,
    }
    return InvitationMade(**said | changes)


def answered(invitation: InvitationMade, state: str) -> ConsentChanged:
    return ConsentChanged(
        person_id=invitation.person_id,
        case_ids=(invitation.case_id,),
        purpose="contact",
        state=state,  # type: ignore[arg-type]
        text_version="2026-01",
        changed_at=NOW,
    )


@pytest.mark.parametrize(
    ("purpose", "begins"),
    [
        ("consent_request", "Somebody at home asks you to agree to an appointment."),
        ("invitation", "Somebody you know invites you to an appointment."),
    ],
)
async def test_a_guardian_and_a_partner_get_their_code_once(
    desk: Desk, outside: OutsideWorld, purpose: str, begins: str
) -> None:
    person = uuid4()
    invitation = an_invitation(outside, person, purpose=purpose)
    await desk.tell(outside.a_contact(person), invitation, invitation)
    async with sending(desk, outside):
        assert await settled(desk, "sent") == [(purpose, "sent", None)]
    [sms] = outside.received("sms")
    assert sms["to"] == "+923991234567"
    assert sms["text"] == (
        f"{begins} Code 7ZK4M-2XQ9T, PIN {PIN}, until Thu 4 Feb. They can show you where to answer."
    )
    [(kind, said)] = await desk.said()
    assert (kind, said["purpose"], said["case_id"]) == (
        "message_sent",
        purpose,
        str(invitation.case_id),
    )
    assert {row["traceparent"] for row in await desk.pool.fetch("SELECT traceparent FROM messages")} == {
        TRACE
    }


async def test_code_and_pin_stand_in_no_table_and_in_no_event(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), an_invitation(outside, person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    for table in ("messages", "invitations", "contacts", "outbox"):
        rows = await desk.pool.fetch(f"SELECT t::text AS row FROM {table} t")
        assert rows
        assert not [row for row in rows if CODE in row["row"] or f"{PIN}" in row["row"]]


async def test_an_invitation_waits_for_the_contact_it_goes_to(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(an_invitation(outside, person))
    assert await desk.messages("purpose") == []
    await desk.tell(outside.a_contact(person))
    assert await desk.messages("purpose", "state") == [("consent_request", "planned")]


@pytest.mark.parametrize("state", ["given", "withdrawn"])
@pytest.mark.parametrize("first", [True, False])
async def test_whoever_has_answered_is_not_asked(
    desk: Desk, outside: OutsideWorld, state: str, first: bool
) -> None:
    person = uuid4()
    invitation = an_invitation(outside, person)
    word = answered(invitation, state)
    await desk.tell(outside.a_contact(person), *((word, invitation) if first else (invitation, word)))
    async with sending(desk, outside):
        [(purpose, fate, _)] = await settled(desk, "skipped")
    assert (purpose, fate, outside.received("sms")) == ("consent_request", "skipped", [])


async def test_of_a_request_that_was_taken_back_nobody_is_told(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    invitation = an_invitation(outside, person)
    stop = ContactStopped(person_id=person, case_ids=(invitation.case_id,), stopped_at=NOW)
    await desk.tell(outside.a_contact(person), invitation, stop)
    assert await desk.messages("state", "reason") == [("skipped", "stopped")]


async def test_what_cannot_be_opened_with_their_key_is_not_sent(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    strangers = outside.sealed(uuid4(), f"{CODE} {PIN}", field="invitation")
    await desk.tell(outside.a_contact(person), an_invitation(outside, person, codes=strangers))
    async with sending(desk, outside):
        await seen(desk, "state reason", "planned", "address_unreadable")
    assert outside.received("sms") == []
