"""The pager's loop: pages the duty desk, and whoever was asked, at once and again until a named human has the alarm."""

import asyncio
import itertools
import logging
from collections.abc import Sequence

from services.notifications.domain.outcomes import Accepted, Outcome
from services.notifications.domain.paging import PagingRules, number_for, reference
from services.notifications.domain.templates import Language, render
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.gateways.sms import SmsGateway
from services.notifications.handlers import paging
from services.notifications.repository.paging import (
    Page,
    claim_pages,
    follow_dead_letters,
    longest_unanswered,
    unstaffed,
)
from services.notifications.settings import PagerSettings
from shared.messaging import Database
from shared.messaging.failures import describe, is_transient
from shared.resting import rest

BATCH = 100
LOOK_AROUND_TURNS = 10

log = logging.getLogger(__name__)


class Pager:
    """A process and a pool of its own; a backlog of messages to people never delays a page."""

    def __init__(
        self,
        database: Database,
        gateway: SmsGateway,
        language: Language,
        rules: PagingRules,
        settings: PagerSettings,
    ) -> None:
        self.name = "pager"
        self._database = database
        self._gateway = gateway
        self._language = language
        self._rules = rules
        self._settings = settings
        self._numbers = settings.staff_numbers()
        self._waits_for: str | None = None
        self._sent = 0
        self._failed = 0
        self._unanswered = 0.0
        self._unstaffed = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Pages until told to stop."""
        for turn in itertools.count():
            if stop.is_set():
                return
            try:
                if turn % LOOK_AROUND_TURNS == 0:
                    await self.look_around()
                await self.page_once()
                self._waits_for = None
            except Exception as failure:
                if not is_transient(failure):
                    raise
                self._waits_for = "database"
                log.warning("cannot page: %s", describe(failure))
            await rest(stop, self._settings.poll_seconds)

    async def look_around(self) -> None:
        """Alarms that could not be read are paged too; how long the oldest has been without an answer, and how many have
        nobody but the desk to be paged for them."""
        async with self._database.transaction() as tx:
            await follow_dead_letters(tx)
            self._unanswered = await longest_unanswered(tx)
            self._unstaffed = await unstaffed(tx, list(self._numbers))

    async def page_once(self) -> int:
        """Pages what is due; returns how many pages were tried. A crash before the record sends the same page
        again under the same id, which the gateway receives once."""
        async with self._database.statements(ask_time=False) as tx:
            due = await claim_pages(tx, BATCH, self._settings.lease_seconds)
        if not due:
            return 0
        outcomes = await self._gateway.send([self._write(page) for page in due])
        answers = [(page, outcomes[page.page_id]) for page in due]
        async with self._database.transaction() as tx:
            await paging.record_pages(tx, answers, self._rules)
        self._count(answers)
        return len(due)

    def _write(self, page: Page) -> Outgoing:
        text = render(self._language, "page", {"code": reference(page.alarm_id)})
        number = number_for(page.to, page.tries, self._numbers, self._settings.duty_desk_number)
        return Outgoing(page.page_id, number, "", text.body, self._language.tag)

    def _count(self, answers: Sequence[tuple[Page, Outcome]]) -> None:
        taken = sum(isinstance(outcome, Accepted) for _, outcome in answers)
        self._sent += taken
        self._failed += len(answers) - taken
        if taken < len(answers):
            log.critical("the duty desk could not be paged", extra={"pages": len(answers) - taken})

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {
            "pages_sent_total": float(self._sent),
            "pages_failed_total": float(self._failed),
            "alarms_unanswered_seconds": self._unanswered,
            "alarms_unstaffed": float(self._unstaffed),
        }
