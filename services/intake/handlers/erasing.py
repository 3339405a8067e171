"""What erasing a person does to all that is sealed of them: the keys go, and with them every copy, wherever it is."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.repository import alarms, keys
from shared.messaging import Transaction


async def erase_keys(person_ids: Sequence[UUID], tx: Transaction) -> None:
    """Part of erasing these people, in its transaction. No key of theirs is given or made again; their alarms stay, as
    what was done about them, without how to reach the person. Twice is once."""
    await alarms.lock_cases_of(tx, person_ids)
    await keys.erase(tx, person_ids)
    await alarms.forget_contacts(tx, await alarms.alarms_of(tx, person_ids))
