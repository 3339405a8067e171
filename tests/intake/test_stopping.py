"""Somebody answers a message with STOP: the last gate closes, and everybody hears it once."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.intake.handlers import HANDLERS
from services.intake.handlers.submission import Asked, Desk, submit_cases
from shared.contracts.notifications import StopAsked
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import somebody

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


async def opened(store: IntakeDatabase, desk: Desk) -> tuple[UUID, UUID]:
    """A case and its person."""
    async with store.intake.transaction() as tx:
        [accepted] = await submit_cases([Asked(somebody(), None)], tx, desk)
    person = await store.admin.fetchval(
        "SELECT person_id FROM intake.cases WHERE case_id = $1", accepted.case_id
    )
    return accepted.case_id, person


async def hear(store: IntakeDatabase, *events: StopAsked) -> None:
    async with store.intake.transaction() as tx:
        await HANDLERS[StopAsked](events, tx)


async def stops(store: IntakeDatabase, person: UUID) -> list[Any]:
    """Of this person: the tests share a database."""
    said = await store.said()
    return [one for one in said if (one.type, one.key) == ("intake.contact_stopped.v1", str(person))]


async def gate(store: IntakeDatabase, person: UUID) -> str:
    state = await store.admin.fetchval(
        "SELECT state FROM vault.stops WHERE person_id = $1 AND purpose = 'contact'", person
    )
    return state or "open"


async def test_the_gate_closes_in_the_same_transaction_and_it_is_said_once(
    store: IntakeDatabase, desk: Desk
) -> None:
    case, person = await opened(store, desk)
    asked = StopAsked(case_id=case, person_id=person, channel="whatsapp", asked_at=NOW)
    assert await gate(store, person) == "open"
    await hear(store, asked, asked)
    await hear(store, asked)
    assert await gate(store, person) == "stopped"
    assert len(await stops(store, person)) == 1


async def test_nobody_elses_gate_is_touched(store: IntakeDatabase, desk: Desk) -> None:
    case, person = await opened(store, desk)
    _, other = await opened(store, desk)
    await hear(store, StopAsked(case_id=case, person_id=person, channel="whatsapp", asked_at=NOW))
    assert await gate(store, other) == "open"
