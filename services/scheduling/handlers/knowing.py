"""Kafka in: therapists as matching tells of them, and people who take their consent to care back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.closing import may_have_closed
from services.scheduling.handlers.facts import care_fact, therapist_fact
from services.scheduling.repository import fences, resources, roster
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import TherapistChanged
from shared.messaging import Transaction


async def record_therapists(events: Sequence[TherapistChanged], tx: Transaction) -> None:
    """Weekly limit, organisation and status, under the therapist's lock; matches that waited are taken up, and what is kept
    with whoever takes nobody any more is given back."""
    await resources.lock(tx, resources.named(therapists=[event.therapist_id for event in events]))
    await roster.save_therapists(tx, events)
    await may_have_risen(tx, [event.therapist_id for event in events if event.status == "active"])
    await may_have_closed(tx, [event.therapist_id for event in events if event.status != "active"])
    await tx.arrived([therapist_fact(event.therapist_id) for event in events])


async def follow_consent(events: Sequence[ConsentChanged], tx: Transaction) -> None:
    """The quick stop: nothing new is booked for these cases. What is booked is given back by the withdrawal
    that follows on the lane; consent given again lets waiting matches book."""
    latest: dict[UUID, tuple[bool, datetime]] = {}
    for event in sorted((one for one in events if one.purpose == "care"), key=lambda one: one.changed_at):
        latest |= dict.fromkeys(event.case_ids, (event.state == "withdrawn", event.changed_at))
    await fences.lock(tx, list(latest))
    await fences.stop_care(tx, [(case_id, stopped, at) for case_id, (stopped, at) in latest.items()])
    await tx.arrived([care_fact(case_id) for case_id, (stopped, _) in latest.items() if not stopped])
