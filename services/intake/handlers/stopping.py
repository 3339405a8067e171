"""Kafka in: somebody has answered a message with STOP. The last gate closes, and everybody hears it, as when they say so here."""

from collections.abc import Sequence

from services.intake.repository import keys
from shared.contracts.intake import ContactStopped
from shared.contracts.notifications import StopAsked
from shared.messaging import Transaction


async def close_the_gate(events: Sequence[StopAsked], tx: Transaction) -> None:
    """The loop `stop`: said once for whoever could be written to until now."""
    cases = {event.person_id: event.case_id for event in events}
    stopped = await keys.stop_contact(tx, list(cases))
    tx.emit(
        ContactStopped(person_id=person_id, case_ids=(cases[person_id],), stopped_at=tx.now)
        for person_id in stopped
    )
