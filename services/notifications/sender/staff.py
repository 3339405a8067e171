"""The loop that tells staff of the hours with them: gathers what is due, sends it by SMS, records what became of it."""

import asyncio
import logging
from collections.abc import Mapping
from uuid import UUID

from services.notifications.domain.staff import Hour, StaffRules, compose
from services.notifications.domain.templates import Language
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.gateways.sms import SmsGateway
from services.notifications.handlers import telling_staff
from services.notifications.repository.staff_messages import StaffMessage, anything_due
from shared.messaging import Database
from shared.messaging.failures import describe, is_transient
from shared.resting import rest

BATCH = 100
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class StaffSender:
    """In the sender's process and never in the pager's: nobody's page waits behind it. `numbers` are the telephones of
    therapists and desks by their id."""

    def __init__(
        self,
        database: Database,
        gateway: SmsGateway,
        language: Language,
        numbers: Mapping[UUID, str],
        lease_seconds: float,
        rules: StaffRules,
    ) -> None:
        self.name = "staff"
        self._database = database
        self._gateway = gateway
        self._language = language
        self._numbers = numbers
        self._lease_seconds = lease_seconds
        self._rules = rules
        self._waits_for: str | None = None
        self._counts = {"sent": 0, "failed": 0, "sending": 0}

    async def run(self, stop: asyncio.Event) -> None:
        """Tells until told to stop."""
        while not stop.is_set():
            try:
                busy = await self.tell_once()
                self._waits_for = None
            except Exception as failure:
                if not is_transient(failure):
                    raise
                busy, self._waits_for = 0, "database"
                log.warning("cannot tell staff: %s", describe(failure))
            if not busy:
                await rest(stop, POLL_SECONDS)

    async def tell_once(self) -> int:
        """Sends what is due; returns how many messages were tried. A crash before the record sends the same message again
        under the same id, which the gateway receives once."""
        async with self._database.statements(ask_time=False) as tx:
            if not await anything_due(tx):
                return 0
        async with self._database.transaction() as tx:
            told = await telling_staff.claim_staff_messages(
                tx, BATCH, self._lease_seconds, self._numbers.keys(), self._rules
            )
        if not told:
            return 0
        outcomes = await self._gateway.send([self._write(message, hours) for message, hours in told.items()])
        async with self._database.transaction() as tx:
            counts = await telling_staff.record_staff_messages(tx, {one: outcomes[one.id] for one in told})
        for state, count in counts.items():
            self._counts[state] += count
        return len(told)

    def _write(self, message: StaffMessage, hours: list[Hour]) -> Outgoing:
        text = compose(self._language, message.purpose, hours)
        return Outgoing(
            message.id, self._numbers[message.recipient_id], text.subject, text.body, self._language.tag
        )

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {
            "staff_messages_sent_total": float(self._counts["sent"]),
            "staff_messages_failed_total": float(self._counts["failed"]),
            "staff_messages_tried_again_total": float(self._counts["sending"]),
        }
