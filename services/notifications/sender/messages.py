"""The sender's loop: claims what is due, asks the vault, sends in batches, records what became of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from services.notifications.domain.composing import compose, template_of
from services.notifications.domain.outcomes import NotTaken, Outcome
from services.notifications.domain.sending import NEVER_TWICE, UNREADABLE, Channel
from services.notifications.domain.sms import count_parts
from services.notifications.domain.templates import Language, choose
from services.notifications.domain.windows import Limit
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.gateways.vault import Keys, Vault, VaultAway
from services.notifications.handlers import sending
from services.notifications.handlers.announcing import Wording
from services.notifications.handlers.sending import Attempt, Batch
from services.notifications.repository.sending import Claimed, anything_due, oldest_due
from services.notifications.sender.tracing import trace_sends
from services.notifications.settings import SenderSettings
from shared.messaging import Database
from shared.messaging.failures import describe, is_transient
from shared.privacy import SealBroken, open_box
from shared.resting import rest

RECORD_TRIES = 5
AGE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Gateway(Protocol):
    """What sends messages and answers for each of them."""

    async def send(self, messages: Sequence[Outgoing]) -> Mapping[UUID, Outcome]: ...


class Sender:
    """Several may run at once: rows are claimed with SKIP LOCKED and come back when a claim's lease ends."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        gateways: Mapping[Channel, Gateway],
        languages: Mapping[str, Language],
        settings: SenderSettings,
        limits: Sequence[Limit] = (),
    ) -> None:
        self.name = "sender"
        self._database = database
        self._vault = vault
        self._gateways = gateways
        self._languages = languages
        self._settings = settings
        self._limits = limits
        self._slots = asyncio.Semaphore(settings.batches_at_once)
        self._turns = {channel: asyncio.Semaphore(settings.mail_connections) for channel in NEVER_TWICE}
        self._waits_for: str | None = None
        self._counts = {"claimed": 0, "attempts": 0, "refused": 0, "put_back": 0, "unrecorded": 0}
        self._oldest = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until told to stop; what is under way is finished first."""
        async with asyncio.TaskGroup() as running:
            running.create_task(self._watch_age(stop))
            while not stop.is_set():
                found = await self._round(running)
                if found < self._settings.batch:
                    await rest(stop, self._settings.poll_seconds)

    async def _round(self, running: asyncio.TaskGroup) -> int:
        await self._slots.acquire()
        batch: Batch | None = None
        try:
            batch = await self._claim()
            self._waits_for = None
        except Exception as failure:
            if not is_transient(failure):
                raise
            self._waits_for = "database"
            log.warning("cannot claim: %s", describe(failure))
        finally:
            if batch is None or not batch.claimed:
                self._slots.release()
        if batch and batch.claimed:
            running.create_task(self._deliver(batch))
        self._counts["claimed"] += batch.found if batch else 0
        return batch.found if batch else 0

    async def _claim(self) -> Batch | None:
        """What is ours to send, once that is committed: what was claimed in vain is nobody's. None when nothing is due."""
        if not await self._anything():
            return None
        lease = timedelta(seconds=self._settings.lease_seconds)
        async with self._database.transaction() as tx:
            return await sending.claim_due(
                tx, self._settings.batch, lease, self._gateways.keys(), self._limits
            )

    async def _anything(self) -> bool:
        async with self._database.statements(ask_time=False) as tx:
            return await anything_due(tx)

    async def _deliver(self, batch: Batch) -> None:
        """One claimed batch, from the keys to the record. Whatever is left unrecorded comes back by its lease."""
        try:
            await self._deliver_with_keys(batch)
        except Exception as failure:
            if not is_transient(failure):
                raise
            self._counts["unrecorded"] += len(batch.claimed)
            log.warning("outcomes not recorded: %s", describe(failure))
        finally:
            self._slots.release()

    async def _deliver_with_keys(self, batch: Batch) -> None:
        everyone = batch.claimed
        try:
            keys = await self._vault.keys({one.message.person_id for one in everyone})
        except VaultAway as away:
            log.warning("vault away: %s", away)
            self._counts["put_back"] += len(everyone)
            seconds = self._settings.vault_retry_seconds
            async with self._database.transaction() as tx:
                await sending.put_back(tx, batch.claim, everyone, "vault_away", seconds)
            return
        refused = [
            (one, keys.refused[one.message.person_id])
            for one in everyone
            if keys.closed(one.message.person_id)
        ]
        if refused:
            self._counts["refused"] += len(refused)
            async with self._database.transaction() as tx:
                await sending.record_refusals(tx, batch.claim, refused)
        await asyncio.gather(
            *(
                self._send_once(batch.claim, channel, chunk, keys)
                if channel in NEVER_TWICE
                else self._send(batch.claim, channel, chunk, keys)
                for channel, claimed in batch.ways.items()
                for chunk in self._chunks(channel, _allowed(claimed, keys))
            )
        )

    async def _send_once(self, claim: UUID, channel: Channel, chunk: Sequence[Claimed], keys: Keys) -> None:
        """Marked in small chunks just before they leave, so that a crash leaves few with an unknown outcome."""
        lease = timedelta(seconds=self._settings.mail_lease_seconds)
        async with self._turns[channel]:
            async with self._database.transaction() as tx:
                ours = await sending.mark_tried(tx, claim, chunk, channel, lease)
            await self._send(claim, channel, ours, keys)

    def _chunks(self, channel: Channel, claimed: Sequence[Claimed]) -> list[Sequence[Claimed]]:
        size = self._settings.mail_chunk if channel in NEVER_TWICE else len(claimed)
        return [claimed[start : start + size] for start in range(0, len(claimed), size)] if claimed else []

    async def _send(self, claim: UUID, channel: Channel, claimed: Sequence[Claimed], keys: Keys) -> None:
        if not claimed:
            return
        written = [(one, self._write(one, keys)) for one in claimed]
        started = time.time_ns()
        outcomes = await self._gateways[channel].send([text for _, text in written if text])
        trace_sends(channel, claimed, outcomes, (started, time.time_ns()))
        attempts = [self._attempt(channel, one, text, outcomes) for one, text in written]
        self._counts["attempts"] += len(attempts)
        await self._record(claim, attempts)

    async def _record(self, claim: UUID, attempts: Sequence[Attempt]) -> None:
        """The messages are out: it is worth trying hard to write that down."""
        for turn in range(RECORD_TRIES):
            try:
                async with self._database.transaction() as tx:
                    await sending.record_attempts(tx, claim, attempts)
                return
            except Exception as failure:
                if not is_transient(failure) or turn == RECORD_TRIES - 1:
                    raise
                await asyncio.sleep(0.1 * 2**turn)

    def _write(self, one: Claimed, keys: Keys) -> Outgoing | None:
        """The message as it leaves; None when the address cannot be opened with the person's key, or there is none."""
        assert one.box is not None, "a message without an address is decided before it comes here"
        if (key := keys.keys.get(one.message.person_id)) is None:
            return None
        try:
            address = _open(key, one, one.box, "address")
            own = _answer_with(_open(key, one, one.answer_with, "invitation")) if one.answer_with else {}
        except SealBroken:
            return None
        language = choose(self._languages, *one.language)
        text = compose(language, one.occasion, own)
        return Outgoing(
            one.message.id,
            address,
            text.subject,
            text.body,
            language.tag,
            template_of(one.occasion),
            text.variables,
        )

    def _attempt(
        self, channel: Channel, one: Claimed, text: Outgoing | None, outcomes: Mapping[UUID, Outcome]
    ) -> Attempt:
        language, template = choose(self._languages, *one.language), template_of(one.occasion)
        if text is None:
            wording = Wording(language.tag, template, language.version, 0)
            # Whoever has just changed it has a new key already, or none any more; we hear of it a moment later.
            return Attempt(one, channel, wording, NotTaken(UNREADABLE))
        parts = count_parts(text.text) if channel == "sms" else 1
        wording = Wording(language.tag, template, language.version, parts)
        return Attempt(one, channel, wording, outcomes[one.message.id])

    async def _watch_age(self, stop: asyncio.Event) -> None:
        """Asked of the database now and then, so that the figure grows while nothing can be sent. Told to stop, not
        cancelled: a connection that breaks while it is cancelled raises its own failure in the cancellation's place."""
        while not stop.is_set():
            with contextlib.suppress(Exception):
                async with self._database.statements() as tx:
                    self._oldest = (await oldest_due(tx)).total_seconds()
            await rest(stop, AGE_SECONDS)

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        counts = {f"messages_{name}_total": float(count) for name, count in self._counts.items()}
        return counts | {"messages_oldest_due_seconds": self._oldest}


def _open(key: bytes, one: Claimed, sealed: tuple[str, int], field: str) -> str:
    """What only this person's key opens. Raises SealBroken."""
    person, (box, version) = one.message.person_id, sealed
    return open_box(key, box, purpose="contact", person_id=person, field=field, version=version).decode()


def _answer_with(opened: str) -> dict[str, str]:
    """Code and PIN; the code in two halves, as it is read aloud."""
    code, _, pin = opened.partition(" ")
    return {"code": f"{code[:5]}-{code[5:]}", "pin": pin}


def _allowed(claimed: Sequence[Claimed], keys: Keys) -> list[Claimed]:
    return [one for one in claimed if not keys.closed(one.message.person_id)]
