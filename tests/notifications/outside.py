"""The world outside notifications: the simulation's gateways in this process, and an HTTP vault for tests."""

import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.local.ports import free_port
from shared.contracts.intake import ContactChanged, Sealed
from simulation.gateways.mail import MailServer
from simulation.gateways.sms import SmsGateway
from simulation.gateways.whatsapp import WhatsAppPlatform
from tests.notifications.facts import a_contact

TOKEN = "a service's token"


class OutsideWorld:
    """The gateways of the simulation in this process, and an HTTP vault that knows keys and stops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[UUID, bytes] = {}
        self.refused: dict[UUID, str] = {}
        self.vault_calls = 0
        self.vault_status = self.sms_status = self.whatsapp_status = 200
        self.sms = SmsGateway(folder)
        self.mail = MailServer(folder)
        self.whatsapp = WhatsAppPlatform(folder)
        self.url = ""
        self.smtp_port = 0

    async def answer_keys(self, request: web.Request) -> web.Response:
        self.vault_calls += 1
        if self.vault_status != 200 or request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.Response(status=self.vault_status if self.vault_status != 200 else 401)
        ids = [UUID(one) for one in orjson.loads(await request.read())["ids"]]
        refused = {
            str(one): self.refused.get(one, "unknown")
            for one in ids
            if one in self.refused or one not in self.keys
        }
        keys = {str(one): b64encode(self.keys[one]).decode() for one in ids if str(one) not in refused}
        return web.Response(body=orjson.dumps({"keys": keys, "refused": refused}))

    async def take_sms(self, request: web.Request) -> web.Response:
        return (
            await self.sms.take(request) if self.sms_status == 200 else web.Response(status=self.sms_status)
        )

    async def take_whatsapp(self, request: web.Request) -> web.Response:
        if self.whatsapp_status == 200:
            return await self.whatsapp.take(request)
        return web.Response(status=self.whatsapp_status)

    def sealed(self, person: UUID, text: str, version: int = 1, field: str = "address") -> Sealed:
        key = self.keys.setdefault(person, os.urandom(32))
        nonce = os.urandom(12)
        bound = f"contact|{person}|{field}|{version}".encode()
        box = b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), bound)).decode()
        return Sealed(field=field, version=version, box=box)

    def a_contact(self, person: UUID, address: str = "+923991234567", **changes: Any) -> ContactChanged:
        return a_contact(person, address=self.sealed(person, address), **changes)

    def received(self, name: str) -> list[dict[str, Any]]:
        file = self.folder / f"{name}.jsonl"
        return [orjson.loads(line) for line in file.read_bytes().splitlines()]


@asynccontextmanager
async def outside_world(folder: Path) -> AsyncIterator[OutsideWorld]:
    """Listening on loopback until left, however that happens."""
    world = OutsideWorld(folder)
    app = web.Application()
    app.add_routes([
        web.post("/internal/v1/keys", world.answer_keys),
        web.post("/v1/messages", world.take_sms),
        web.post("/whatsapp/v1/1/messages", world.take_whatsapp),
    ])  # fmt: skip
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    async with AsyncExitStack() as left:
        left.callback(world.mail.sink.close)
        left.callback(world.sms.sink.close)
        left.callback(world.whatsapp.sink.close)
        await runner.setup()
        left.push_async_callback(runner.cleanup)
        port, world.smtp_port = free_port(), free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        world.url = f"http://127.0.0.1:{port}"
        server = await world.mail.serve("127.0.0.1", world.smtp_port)
        left.callback(server.close)
        yield world
