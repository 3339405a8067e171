"""The whole system on a stack of its own, with a proxy before each server, and what a fault needs to reach into it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import asyncpg

from deploy.local import ports
from deploy.local.stack import Plan, Stack
from shared.postgres import connect
from tests.faults.proxy import Proxy
from tests.faults.schedule import SERVERS
from tests.faults.subjects import TWINS

NEAR = {server: f"near-{server}" for server in SERVERS}


class System:
    """Up while inside. `stack` runs the processes, `proxies` stand before "kafka" and "postgres"."""

    def __init__(self, folder: Path, *, seed: int, tell: Callable[[str], None]) -> None:
        chosen = _ports(folder)
        detours = {server: chosen.pop(near) for server, near in NEAR.items()}
        self.stack = Stack(folder, plan=Plan(with_zipkin=False, ports=chosen, detours=detours), tell=tell)
        self.tell = tell
        self.proxies: dict[str, Proxy] = {}
        self.http: aiohttp.ClientSession
        self._near = detours
        self._seed = seed
        self._held = AsyncExitStack()
        self._twins: set[str] = set()

    async def __aenter__(self) -> Self:
        try:
            return await self._up()
        except BaseException:
            await self._held.aclose()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._held.aclose()

    @property
    def addresses(self) -> dict[str, str]:
        return self.stack.addresses

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection past the proxy that may do everything, and waits for nobody for long."""
        connection = await connect(self.addresses["database"], schema="public", name="faults")
        try:
            yield connection
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    async def start_twin(self, name: str) -> None:
        """A second process of that role; not waited for."""
        twin = TWINS[name]
        if twin.name in self._twins:
            await self.stack.restart(twin.name)
        else:
            self._twins.add(twin.name)
            await self.stack.add(twin)

    async def end_twin(self, name: str) -> None:
        """As a deployment ends it: told to stop."""
        await self.stack.hold(TWINS[name].name)

    async def is_ready(self, name: str) -> bool:
        """What the process itself says."""
        return not await self.waits_for(name)

    async def waits_for(self, name: str) -> str:
        """What a process says it waits for; empty when it is ready."""
        try:
            async with self.http.get(f"{self.addresses[name]}/readyz") as answer:
                return "" if answer.status == 200 else await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            return type(failure).__name__

    async def _up(self) -> Self:
        self.http = await self._held.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1))
        )
        for server, near in self._near.items():
            proxy = Proxy(near, ("127.0.0.1", self.stack.plan.ports[server]), self._seed)
            self.proxies[server] = await self._held.enter_async_context(proxy)
        self._held.push_async_callback(self.stack.stop)
        await self.stack.start()
        return self


def _ports(folder: Path) -> dict[str, int]:
    """Anywhere, or where the stack of this folder was before: then its data is gone on with."""
    file = folder / "ports.json"
    found = ports.anywhere((*ports.PREFERRED, *(twin.name for twin in TWINS.values()), *NEAR.values()))
    return found | (ports.chosen(file) if file.exists() else {})


async def everywhere(connection: asyncpg.Connection, table: str, question: str) -> list[Any]:
    """Asks every schema that has the table; {schema} in the question is its name."""
    schemas = await connection.fetch(
        "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE relname = $1 AND relkind = 'r' ORDER BY 1",
        table,
    )
    asked = "\nUNION ALL\n".join(question.replace("{schema}", row["nspname"]) for row in schemas)
    return list(await connection.fetch(asked)) if schemas else []
