"""Reading how to reach somebody who is to be called or told by hand: written down by name first, opened by the vault's key.

The vault is asked after the transaction, as by the sender, and is the last gate here too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from services.notifications.domain.composing import compose
from services.notifications.domain.sending import Channel
from services.notifications.domain.templates import Language, choose
from services.notifications.domain.windows import Hours, Window, next_closing, next_opening
from services.notifications.gateways.vault import Keys
from services.notifications.repository import calls, sending
from services.notifications.repository.sending import Claimed
from shared.messaging import Transaction
from shared.privacy import open_box

Verdict = Literal["unknown", "closed"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A named human wants to know how to reach the person of a task."""

    task_id: UUID
    staff_id: str
    staff_name: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """It is outside the person's hours; `at` is when they begin again, None where they never do."""

    at: datetime | None


@dataclass(frozen=True, slots=True)
class Reach:
    """How they are reached and what they are told, `until` their hours end; or why nobody may know: `stopped`, `erased`,
    `unknown`, or `no_address`."""

    reason: str | None = None
    address: str | None = None
    language: str | None = None
    text: str | None = None
    windows: Sequence[Window] = ()
    time_zone: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Permitted:
    """What may be opened now, `until` the person's hours end."""

    one: Claimed
    until: datetime | None


Permit = Callable[[Reading], Awaitable[Permitted | Verdict | NotNow]]
AskForKeys = Callable[[Sequence[UUID]], Awaitable[Keys]]


async def permit_reading(reading: Reading, tx: Transaction) -> Permitted | Verdict | NotNow:
    """What may be opened, and the row that says who asked."""
    behind = await calls.behind(tx, reading.task_id)
    if behind is None:
        return "unknown"
    if not behind.open:
        return "closed"
    one = (await sending.lock(tx, [behind.message_id], get_args(Channel)))[behind.message_id]
    if one.due.subject is None:  # of what is no more, or is another one by now, there is nothing to say
        return "closed"
    hours = _hours(one)
    if hours and (opens := next_opening(hours, tx.now)) != tx.now:
        return NotNow(opens)
    await calls.save_reading(tx, reading.task_id, reading.staff_id, reading.staff_name)
    return Permitted(one, next_closing(hours, tx.now))


class ContactReader:
    """Opens what was permitted, for one answer; keeps nothing."""

    def __init__(self, permit: Permit, ask_for_keys: AskForKeys, languages: Mapping[str, Language]) -> None:
        self._permit = permit
        self._ask_for_keys = ask_for_keys
        self._languages = languages

    async def read(self, reading: Reading) -> Reach | Verdict | NotNow:
        """Raises VaultAway, or SealBroken where box and key do not belong together."""
        permitted = await self._permit(reading)
        if not isinstance(permitted, Permitted):
            return permitted
        one = permitted.one
        if one.box is None or one.due.contact is None:
            return Reach("no_address")
        person, (box, version) = one.message.person_id, one.box
        answer = await self._ask_for_keys([person])
        if person in answer.refused:
            return Reach(answer.refused[person])
        key = answer.keys[person]
        address = open_box(
            key, box, purpose="contact", person_id=person, field="address", version=version
        ).decode()
        language, contact = choose(self._languages, *one.language), one.due.contact
        return Reach(
            None,
            address,
            language.tag,
            compose(language, one.occasion).body,
            contact.windows,
            contact.time_zone,
            permitted.until,
        )


def _hours(one: Claimed) -> list[Hours]:
    contact = one.due.contact
    return [Hours(contact.windows, contact.time_zone)] if contact else []
