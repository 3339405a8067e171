"""The fourth step: the message is planned as a row, worded, sent, and marked as sent; the reminder is planned for later.

Three ways: SMS over HTTP, mail by SMTP, or the person's own page, where the row is the news. The contact is read from intake's
tables and the key from the vault's, where ours are told by events and asked over HTTP. Left out: stops, retries, receipts, other
ways when one fails, mail that may not go twice, and sending later what falls due later.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import orjson

from benchmarks.peers.settings import PeerSettings
from benchmarks.peers.steps.opening import transaction
from services.notifications.domain.composing import Occasion, compose, neutral_directions
from services.notifications.domain.outcomes import Accepted
from services.notifications.domain.planning import Fact, Plan, plan
from services.notifications.domain.sending import Channel, Contact, Due, Send, Subject, decide
from services.notifications.domain.sms import count_parts
from services.notifications.domain.templates import Language, Text, choose
from services.notifications.domain.windows import Window
from services.notifications.gateways.mail import MailGateway, MailSettings
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.templates import forbidden_words, load_languages, load_limits
from shared.contracts.scheduling import AppointmentBooked
from shared.messaging import Transaction
from shared.privacy import Sealer, open_box, read_key

MESSAGE = """
INSERT INTO messages (id, subject_id, person_id, case_id, appointment_id, version, purpose, due_at, next_at, planned_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
"""
CONTACT = """
SELECT c.channel, c.box, c.language, c.script, c.safe_windows, c.time_zone, c.confirmed_until, k.wrapped
FROM intake.contacts c LEFT JOIN vault.person_keys k ON k.person_id = c.person_id AND k.purpose = 'contact'
WHERE c.person_id = $1
"""
TOLD = """
UPDATE messages SET state = $2, channel = $3, language = $4, template_version = $5, parts = $6, gateway_id = $7, tries = 1,
    sent_at = CASE WHEN $2 = 'sent' THEN now() END, settled_at = CASE WHEN $2 = 'sent' THEN NULL ELSE now() END
WHERE id = $1
"""
SITES = "SELECT site_id, city, directions FROM scheduling.sites"
JSON = {"Content-Type": "application/json"}


class NotTold(RuntimeError):
    """A gateway did not take a message: the whole step is to be tried again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody goes: the city, and directions that tell nobody what the place is for."""

    city: str
    directions: Mapping[str, str]


class Teller:
    """Plans and sends."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        deployment_key: bytes,
        session: aiohttp.ClientSession,
        settings: PeerSettings,
    ) -> None:
        self._pool = pool
        self._sealer = Sealer(deployment_key)
        self._session = session
        self._sms_url = f"{settings.sms_gateway_url}/v1/messages"
        sender = ("desk@humqadam.example", "Appointment desk", "humqadam.example")
        self._mail = MailGateway(MailSettings(settings.smtp_host, settings.smtp_port, *sender), None)
        self._languages, self._limits = load_languages(), load_limits()
        self._places: dict[UUID, Place] = {}

    async def open(self) -> None:
        """Reads all sites once."""
        words = forbidden_words()
        for row in await self._pool.fetch(SITES):
            self._places[row["site_id"]] = Place(row["city"], neutral_directions(row["directions"], words))

    async def close(self) -> None:
        """Says goodbye to the mail server."""
        await self._mail.close()

    async def tell(self, event: AppointmentBooked) -> None:
        """Every person of the appointment. Raises NotTold."""
        async with transaction(self._pool) as tx:
            now = await self._plan(tx, event)
            contacts = {person: await self._contact(tx, person) for _, person in now}
        for message_id, person_id in now:
            await self._send(message_id, person_id, contacts[person_id], event)

    async def _plan(self, tx: Transaction, event: AppointmentBooked) -> list[tuple[UUID, UUID]]:
        """Writes what is to be told now and later; the ids of those to be told now, with whom."""
        people = tuple(one.person_id for one in event.attendees)
        site = event.site_id if event.modality == "in_person" else None
        fact = Fact(
            "booked",
            event.appointment_id,
            event.version,
            event.attempt,
            event.case_id,
            people,
            event.start,
            site,
        )
        known = {*people, *self._places}
        planned = [(tx.new_id(), one) for one in plan([fact], {}, known, tx.now).messages]
        await tx.connection.executemany(MESSAGE, [_row(key, one, tx) for key, one in planned])
        return [(key, one.person_id) for key, one in planned if one.purpose == "booked"]

    async def _contact(self, tx: Transaction, person_id: UUID) -> asyncpg.Record:
        return await tx.connection.fetchrow(CONTACT, person_id)

    async def _send(
        self, message_id: UUID, person_id: UUID, contact: asyncpg.Record, event: AppointmentBooked
    ) -> None:
        decision = decide(_due(contact, event), datetime.now(UTC), self._limits)
        if not isinstance(decision, Send):
            raise NotTold(str(decision))
        language = choose(self._languages, contact["language"], contact["script"])
        text, gateway_id = compose(language, self._occasion(contact, event)), None
        if decision.channel != "inbox":
            out = self._outgoing(message_id, person_id, contact, text, language)
            gateway_id = await self._by(decision.channel, out)
        state = "delivered" if decision.channel == "inbox" else "sent"
        parts = count_parts(text.body) if decision.channel == "sms" else 1
        marks = (state, decision.channel, language.tag, language.version, parts, gateway_id)
        await self._pool.execute(TOLD, message_id, *marks)

    def _outgoing(
        self, message_id: UUID, person_id: UUID, contact: asyncpg.Record, text: Text, language: Language
    ) -> Outgoing:
        key = self._sealer.unwrap(contact["wrapped"])
        about: dict[str, Any] = {
            "purpose": "contact",
            "person_id": person_id,
            "field": "address",
            "version": 1,
        }
        address = open_box(key, contact["box"], **about).decode()
        return Outgoing(message_id, address, text.subject, text.body, language.tag)

    async def _by(self, channel: Channel, out: Outgoing) -> str:
        """What the gateway calls it."""
        if channel == "email":
            outcome = (await self._mail.send([out]))[out.id]
            if not isinstance(outcome, Accepted):
                raise NotTold(str(outcome))
            return outcome.gateway_id
        body = orjson.dumps({"messages": [{"id": str(out.id), "to": out.to, "text": out.text}]})
        async with self._session.post(self._sms_url, data=body, headers=JSON) as answer:
            [result] = orjson.loads(await answer.read())["results"]
        if result["status"] != "accepted":
            raise NotTold(result["status"])
        return str(result["gateway_id"])

    def _occasion(self, contact: asyncpg.Record, event: AppointmentBooked) -> Occasion:
        in_person = event.modality == "in_person"
        place = self._places[event.site_id] if in_person and event.site_id else Place("", {})
        zone = event.time_zone if in_person else contact["time_zone"]
        return Occasion(
            "booked", event.start, zone, event.modality, place.city, place.directions, event.by,
            provisional=event.certainty == "provisional",
        )  # fmt: skip


@asynccontextmanager
async def telling(pool: asyncpg.Pool, settings: PeerSettings) -> AsyncIterator[Teller]:
    """A teller with one session for all calls."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        teller = Teller(pool, read_key(settings.deployment_key_file), session, settings)
        await teller.open()
        yield teller
        await teller.close()


def _row(message_id: UUID, one: Plan, tx: Transaction) -> tuple[Any, ...]:
    fact = one.fact
    return (
        message_id, fact.subject_id, one.person_id, fact.case_id, fact.appointment_id, fact.version, one.purpose,
        one.due_at, tx.now,
    )  # fmt: skip


def _due(contact: asyncpg.Record, event: AppointmentBooked) -> Due:
    windows = [Window(one["day"], one["start"], one["end"]) for one in contact["safe_windows"]]
    reached = Contact(
        [contact["channel"]],
        windows,
        contact["time_zone"],
        contact["confirmed_until"],
        contact["box"] is not None,
    )
    subject = Subject(event.version, "booked", event.start)
    return Due("booked", event.version, None, False, False, subject, reached)
