"""Composition root of notifications: one process per role; wires everything, decides nothing."""

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args
from uuid import UUID

import aiohttp
import uvloop
from fastapi import FastAPI

from services.notifications import templates
from services.notifications.api.calls import call_routes
from services.notifications.api.receipts import receipt_routes
from services.notifications.api.whatsapp import whatsapp_routes
from services.notifications.domain.receipts import Receipt
from services.notifications.domain.sending import Channel
from services.notifications.gateways.mail import MailGateway, MailSettings
from services.notifications.gateways.sms import SmsGateway
from services.notifications.gateways.vault import Keys, Vault
from services.notifications.gateways.whatsapp import WhatsAppGateway
from services.notifications.handlers import HANDLERS, PAGER_HANDLERS, Handlers, telling_staff_too
from services.notifications.handlers.reaching import (
    ContactReader,
    NotNow,
    Permitted,
    Reading,
    Verdict,
    permit_reading,
)
from services.notifications.handlers.receiving import take_receipts
from services.notifications.handlers.stopping import stop_for_answers
from services.notifications.handlers.telling_staff import StaffNews
from services.notifications.sender.messages import Gateway, Sender
from services.notifications.sender.pages import Pager
from services.notifications.sender.staff import StaffSender
from services.notifications.settings import Role, Settings
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, Database, KafkaSettings, Kernel, Loop, open_kernel
from shared.postgres import migrate
from shared.web import TokenVerifier, create_app, run_process
from shared.web.process import Close

SCHEMA = "notifications"
HEARD = (
    "scheduling.appointments",
    "scheduling.sites",
    "matching.outcomes",
    "intake.contacts",
    "intake.people",
    "intake.invitations",
    "console.tasks",
)


async def build_worker(settings: Settings, app: FastAPI) -> tuple[Sequence[Loop], Close]:
    """Plans messages, takes receipts, and relays what every role of this service says."""
    kernel = await _kernel(settings, "worker")
    serve(app, settings, kernel.database)
    kernel.relay("routine")
    consumer = kernel.consumer("notifications", HEARD, _handlers(settings))
    kernel.desk([consumer])
    kernel.retention()
    return kernel.loops, kernel.close


def _handlers(settings: Settings) -> Handlers:
    """Where staff have no numbers nothing is written for them."""
    numbers = settings.pager.numbers_of_hours()
    if not numbers:
        return HANDLERS
    return telling_staff_too(StaffNews(numbers.keys(), templates.load_staff_rules()))


def serve(app: FastAPI, settings: Settings, database: Database) -> None:
    """The routes."""
    offered: list[Channel] = ["sms", "whatsapp", "email"] if settings.whatsapp_url else ["sms", "email"]

    async def take(receipts: Sequence[Receipt]) -> dict[str, int]:
        async with database.transaction() as tx:
            return await take_receipts(tx, receipts, offered)

    app.include_router(receipt_routes(take, settings.receipts_secrets()))

    async def stop(answered: Sequence[str]) -> int:
        async with database.transaction() as tx:
            return await stop_for_answers(tx, answered)

    token = settings.whatsapp_verify_token.get_secret_value()
    app.include_router(whatsapp_routes(take, stop, settings.whatsapp_secrets(), token))
    app.state.tokens = TokenVerifier(settings.token_public_key_file)
    app.include_router(call_routes(_reader(settings, database).read))


def _reader(settings: Settings, database: Database) -> ContactReader:
    async def permit(reading: Reading) -> Permitted | Verdict | NotNow:
        async with database.transaction() as tx:
            return await permit_reading(reading, tx)

    async def ask_for_keys(people: Sequence[UUID]) -> Keys:
        async with _session(settings) as session:
            return await Vault(session, settings.vault_url, settings.service_token()).keys(people)

    return ContactReader(permit, ask_for_keys, templates.load_languages())


async def build_sender(settings: Settings, _app: FastAPI) -> tuple[Sequence[Loop], Close]:
    """Sends what is due, to people and to staff."""
    kernel = await _kernel(settings, "sender")
    session, mail = _session(settings), _mail(settings)
    vault = Vault(session, settings.vault_url, settings.service_token())
    kernel.loops.append(
        Sender(
            kernel.database,
            vault,
            _gateways(settings, session, mail),
            templates.load_languages(),
            settings.sender,
            templates.load_limits(settings.sending_hours_file or templates.SENDING_HOURS),
        )
    )
    kernel.loops.append(
        StaffSender(
            kernel.database,
            _sms(settings, session),
            templates.load_language(settings.staff_language),
            settings.pager.numbers_of_hours(),
            settings.sender.lease_seconds,
            templates.load_staff_rules(),
        )
    )

    async def close() -> None:
        await mail.close()
        await session.close()
        await kernel.close()

    return kernel.loops, close


async def build_pager(settings: Settings, _app: FastAPI) -> tuple[Sequence[Loop], Close]:
    """Pages the duty desk: a process, a pool and a consumer group of its own."""
    kernel = await _kernel(settings, "pager")
    session = _session(settings)
    consumer = kernel.consumer("pager", ["intake.alarms"], PAGER_HANDLERS)
    kernel.desk([consumer])
    kernel.loops.append(
        Pager(
            kernel.database,
            _sms(settings, session),
            templates.load_languages()["en"],
            templates.load_paging_rules(),
            settings.pager,
        )
    )

    async def close() -> None:
        await session.close()
        await kernel.close()

    return kernel.loops, close


BUILD: dict[str, Callable[[Settings, FastAPI], Awaitable[tuple[Sequence[Loop], Close]]]] = {
    "worker": build_worker,
    "sender": build_sender,
    "pager": build_pager,
}


async def run(role: Role, settings: Settings) -> int:
    """Runs one role to its end; returns the exit code."""
    if role == "migrate":
        folders = [MIGRATIONS, Path(__file__).parent / "migrations"]
        await migrate(settings.process.database_url, schema=SCHEMA, folders=folders)
        return 0

    async def build(app: FastAPI) -> tuple[Sequence[Loop], Close]:
        return await BUILD[role](settings, app)

    return await run_process(
        create_app("notifications"), build, service=SCHEMA, role=role, process=settings.process
    )


async def _kernel(settings: Settings, role: Role) -> Kernel:
    process = settings.process
    return await open_kernel(
        process.database_url,
        schema=SCHEMA,
        role=role,
        pool_size=settings.pool_size,
        kafka=KafkaSettings.of(process),
        topics=TOPICS,
    )


def _session(settings: Settings) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=settings.gateway_timeout_seconds))


def _sms(settings: Settings, session: aiohttp.ClientSession) -> SmsGateway:
    reserved = None if settings.production else templates.load_reserved()
    return SmsGateway(session, settings.sms_gateway_url, reserved)


def _gateways(
    settings: Settings, session: aiohttp.ClientSession, mail: MailGateway
) -> Mapping[Channel, Gateway]:
    """The ways there are; WhatsApp only where it is set up."""
    ways: dict[Channel, Gateway] = {"sms": _sms(settings, session), "email": mail}
    if settings.whatsapp_url:
        reserved = None if settings.production else templates.load_reserved()
        token = settings.whatsapp_token.get_secret_value()
        ways["whatsapp"] = WhatsAppGateway(session, settings.whatsapp_url, token, reserved)
    return ways


def _mail(settings: Settings) -> MailGateway:
    password = settings.smtp_password
    reserved = None if settings.production else templates.load_reserved()
    return MailGateway(
        MailSettings(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.mail_sender,
            sender_name=settings.mail_sender_name,
            message_id_domain=settings.message_id_domain,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            start_tls=settings.smtp_start_tls,
            timeout_seconds=settings.gateway_timeout_seconds,
        ),
        reserved,
    )


def main() -> None:
    """`python -m services.notifications.main --role worker|sender|pager|migrate`."""
    parser = argparse.ArgumentParser(prog="notifications")
    parser.add_argument("--role", choices=get_args(Role), required=True)
    raise SystemExit(uvloop.run(run(parser.parse_args().role, Settings())))


if __name__ == "__main__":
    main()
