"""Tells three people of their hours with the sender's own process, with the outside world whole or failing: a mail server
that has taken a mail and is slow to say so, a stop that only the vault knows of yet, an SMS gateway that does not
answer."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from shared.contracts.intake import ContactStopped
from tests.faults.booking_workers import Workers, environment_of
from tests.faults.stage import ROOT
from tests.notifications.facts import Desk, a_booking, cancelled, desk
from tests.notifications.outside import TOKEN, OutsideWorld, outside_world
from tests.waiting import until

SENDER = "sender-0"
LEASE_SECONDS = 4
STOPPED, CANCELLED = "+923991110001", "+923991110002"
OPEN = "SELECT count(*) FROM messages WHERE state IN ('planned', 'sending') AND due_at <= now()"


@dataclass(slots=True)
class Verdict:
    """What reached the outside and should not have."""

    messages: int = 0
    told_twice: int = 0
    told_after_stop: int = 0
    told_what_was_cancelled: int = 0

    @property
    def found(self) -> dict[str, int]:
        """The checks that fail, each with how often."""
        names = ("told_twice", "told_after_stop", "told_what_was_cancelled")
        return {name: count for name in names if (count := getattr(self, name))}


@dataclass(slots=True)
class MessageStage:
    """One run: a database of its own, the sender's process from `tree` (the code under test)."""

    database: Any
    folder: Path
    tree: Path = ROOT
    loud: bool = True
    moments: dict[str, float] = field(default_factory=dict)

    async def play(self) -> Verdict:
        """A mail; then an hour that is stopped and one that is cancelled, both with a reminder due in a moment."""
        async with self._stage() as (it, outside, workers):
            await self._mail(it, outside, workers)
            people = await self._hours(it, outside)
            await (self._end_badly if self.loud else self._end_well)(it, outside, *people)
            await self._settled(it)
            return await self._check(it, outside)

    @contextlib.asynccontextmanager
    async def _stage(self) -> AsyncIterator[tuple[Desk, OutsideWorld, Workers]]:
        token = self.folder / "token"
        token.write_text(TOKEN)
        async with outside_world(self.folder) as outside, desk(self.database.dsn("notifications")) as it:
            told = environment_of(self.database, "127.0.0.1:9", "notifications") | {
                "VAULT_URL": outside.url, "SMS_GATEWAY_URL": outside.url, "SMTP_PORT": str(outside.smtp_port),
                "SERVICE_TOKEN_FILE": str(token), "SENDER_POLL_SECONDS": "0.05",
                "SENDER_LEASE_SECONDS": str(LEASE_SECONDS), "SENDER_MAIL_LEASE_SECONDS": str(LEASE_SECONDS),
                "GATEWAY_TIMEOUT_SECONDS": "3",
            }  # fmt: skip
            async with Workers(self.tree, self.folder, told, "services.notifications.main") as workers:
                workers.start([SENDER])
                await until(workers.at_work, "the sender at work")
                yield it, outside, workers

    async def _mail(self, it: Desk, outside: OutsideWorld, workers: Workers) -> None:
        answers = asyncio.Event()
        if not self.loud:
            answers.set()
        take = outside.mail.handle_DATA

        async def take_slowly(*received: Any) -> str:
            answer = await take(*received)
            await answers.wait()
            return answer

        outside.mail.handle_DATA = take_slowly  # type: ignore[method-assign]
        person = uuid4()
        await self._tell(it, outside.a_contact(person, "somebody@humqadam.example", channels=("email",)))
        await self._tell(it, a_booking(person))
        await until(lambda: outside.mail.received, "the mail with the mail server")
        if self.loud:
            workers.kill(SENDER)
            answers.set()
            workers.start([SENDER])
            await until(workers.at_work, "the sender at work again")
        await self._settled(it)

    async def _hours(self, it: Desk, outside: OutsideWorld) -> tuple[UUID, Any]:
        soon = datetime.now(UTC) + timedelta(days=1, seconds=LEASE_SECONDS)
        people = uuid4(), uuid4()
        for person, number in zip(people, (STOPPED, CANCELLED), strict=True):
            await self._tell(it, outside.a_contact(person, number))
        hours = [a_booking(person, start=soon) for person in people]
        for hour in hours:
            await self._tell(it, hour)
        await until(lambda: len(outside.received("sms")) == 2, "both have heard of their hour")
        return people[0], hours[1]

    async def _end_well(self, it: Desk, outside: OutsideWorld, person: UUID, hour: Any) -> None:
        await self._stop(it, outside, person)
        await self._cancel(it, hour)
        await asyncio.sleep(LEASE_SECONDS)

    async def _end_badly(self, it: Desk, outside: OutsideWorld, person: UUID, hour: Any) -> None:
        """The topic does not come, since Kafka is away; the gateway does not answer, until the reminder was tried."""
        outside.refused[person] = "stopped"
        self.moments[STOPPED] = time.time()
        back, take = asyncio.Event(), outside.sms.take

        async def take_when_back(request: Any) -> Any:
            if back.is_set():
                return await take(request)
            await back.wait()
            return web.Response(status=503)

        outside.sms.take = take_when_back  # type: ignore[method-assign]
        tried = "SELECT tries > 0 FROM messages WHERE purpose = 'reminder' AND appointment_id = $1"
        await until(lambda: it.pool.fetchval(tried, hour.appointment_id), "a try of the reminder")
        await self._cancel(it, hour)
        back.set()

    async def _stop(self, it: Desk, outside: OutsideWorld, person: UUID) -> None:
        outside.refused[person] = "stopped"
        at = datetime.now(UTC)
        await self._tell(it, ContactStopped(person_id=person, case_ids=(uuid4(),), stopped_at=at))
        self.moments[STOPPED] = time.time()

    async def _cancel(self, it: Desk, hour: Any) -> None:
        await self._tell(it, cancelled(hour))
        self.moments[CANCELLED] = time.time()

    async def _tell(self, it: Desk, event: Any) -> None:
        it.now = datetime.now(UTC)
        await it.tell(event)

    async def _settled(self, it: Desk) -> None:
        async def all_settled() -> bool:
            return bool(await it.pool.fetchval(OPEN) == 0)

        await until(all_settled, "every message that is due has its fate")

    async def _check(self, it: Desk, outside: OutsideWorld) -> Verdict:
        purposes = {
            str(row["id"]): row["purpose"] for row in await it.pool.fetch("SELECT id, purpose FROM messages")
        }
        receipts = [*outside.received("sms"), *outside.received("mail")]
        late = [one for one in receipts if one["received_at"] > self.moments.get(one["to"], time.time())]
        return Verdict(
            messages=len(receipts),
            told_twice=sum(count - 1 for count in Counter(one["id"] for one in receipts).values()),
            told_after_stop=sum(one["to"] == STOPPED for one in late),
            told_what_was_cancelled=sum(
                one["to"] == CANCELLED and purposes[one["id"]] != "cancelled" for one in late
            ),
        )
