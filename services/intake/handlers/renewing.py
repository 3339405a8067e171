"""A contact changes while an alarm is open: whoever has the alarm, or takes it, reads the one that counts now.

Whoever saves a contact calls this, in the same transaction and with the person's case locked before.
"""

from collections.abc import Mapping
from uuid import UUID

from services.intake.domain.contacts import Contact
from services.intake.handlers.submission import seal_for_the_desk
from services.intake.repository import alarms
from shared.messaging import Transaction
from shared.privacy import Sealer


async def renew_open_alarms(tx: Transaction, contacts: Mapping[UUID, Contact], sealer: Sealer) -> None:
    """By person where to reach them now, in every alarm of theirs that nobody has closed. A copy that was sealed before
    can be opened by nobody any more; where nobody else can begin (an inbox) none takes its place."""
    unclosed = await alarms.unclosed_of(tx, list(contacts))
    reachable = {person_id for person_id, contact in contacts.items() if contact.reachable}
    await alarms.forget_contacts(
        tx, [alarm_id for alarm_id, person_id in unclosed.items() if person_id not in reachable]
    )
    await alarms.renew_contacts(
        tx,
        [
            (alarm_id, person_id, seal_for_the_desk(contacts[person_id], person_id, sealer))
            for alarm_id, person_id in unclosed.items()
            if person_id in reachable
        ],
    )
