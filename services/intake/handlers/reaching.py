"""Reading how to reach the person of an alarm: by whoever has taken it, written down first, opened by the vault's key.

The vault is asked after the transaction: it is another process, and no transaction stays open across a call.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.intake.domain.alarms import Staff, Verdict, read_contact
from services.intake.gateways.vault import Refused, Vault
from services.intake.repository import alarm_contacts, alarms
from services.intake.repository.alarm_contacts import SealedReach
from shared.messaging import Transaction
from shared.privacy import open_box


@dataclass(frozen=True, slots=True)
class Reading:
    """A human wants to know how to reach the person."""

    alarm_id: UUID
    staff: Staff


@dataclass(frozen=True, slots=True)
class Reach:
    """`contact` as it was said (channel, address, language, script, owner, safe_windows, time_zone), or why there is
    none: `stopped`, `erased`, `unknown`, or `inbox` where the person looks for news themselves."""

    contact: dict[str, Any] | None
    reason: str | None = None


Permit = Callable[[Reading], Awaitable[SealedReach | Verdict | None]]


async def permit_readings(readings: Sequence[Reading], tx: Transaction) -> list[SealedReach | Verdict | None]:
    """What may be opened, and the row that says who asked; None where there is no such alarm."""
    known = await alarms.lock_alarms(tx, [one.alarm_id for one in readings])
    verdicts = [
        read_contact(alarm, one.staff) if (alarm := known.get(one.alarm_id)) else None for one in readings
    ]
    permitted = [one for one, verdict in zip(readings, verdicts, strict=True) if verdict == "done"]
    boxes = await alarm_contacts.boxes(tx, [one.alarm_id for one in permitted])
    await alarm_contacts.save_readings(tx, [(one.alarm_id, one.staff) for one in permitted])
    return [
        boxes[one.alarm_id] if verdict == "done" else verdict
        for one, verdict in zip(readings, verdicts, strict=True)
    ]


class ContactReader:
    """Opens what was permitted, for one answer; keeps nothing."""

    def __init__(self, permit: Permit, vault: Vault) -> None:
        self._permit = permit
        self._vault = vault

    async def read(self, reading: Reading) -> Reach | Verdict | None:
        """Raises VaultAway, or SealBroken where box and key do not belong together."""
        sealed = await self._permit(reading)
        if not isinstance(sealed, SealedReach):
            return sealed
        if sealed.contact_box is not None:
            return await self._sealed_for_the_alarm(sealed, sealed.contact_box)
        if sealed.box is not None:
            return await self._of_the_case(sealed, sealed.box)
        return Reach(None, "inbox")

    async def _sealed_for_the_alarm(self, sealed: SealedReach, box: str) -> Reach:
        key = await self._vault.key(sealed.alarm_id, "alarm_contact")
        if isinstance(key, Refused):
            return Reach(None, key.reason)
        opened = open_box(
            key, box, purpose="alarm_contact", person_id=sealed.person_id, field="contact", version=1
        )
        return Reach(orjson.loads(opened) | {"time_zone": sealed.known["time_zone"]})

    async def _of_the_case(self, sealed: SealedReach, box: str) -> Reach:
        key = await self._vault.key(sealed.person_id, "contact")
        if isinstance(key, Refused):
            return Reach(None, key.reason)
        address = open_box(
            key,
            box,
            purpose="contact",
            person_id=sealed.person_id,
            field="address",
            version=sealed.version or 1,
        )
        return Reach(sealed.known | {"address": address.decode()})
