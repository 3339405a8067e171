"""Puts the country's care into the services over HTTP, as a coordinator would; doing it again changes nothing."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from shared.web import TokenSigner
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import prepare
from simulation.population import Care

CONNECTIONS = 16


class NotSeeded(Exception):
    """A service refused what the country needs; the message has the path, the status and the problem."""


class Put(NamedTuple):
    """One resource to put; the id in the path is the same every time."""

    path: str
    body: dict[str, Any]


def staff_token(secrets: Path, *, now: float, role: str = "coordinator") -> str:
    """The token of somebody on the staff by the local issuer, for an hour."""
    signer = TokenSigner(secrets / "token.key")
    return signer.sign("simulation", role, {"name": "Simulation"}, now=now, minutes=60)


async def seed_care(
    addresses: Mapping[str, str], care: Care, token: str, progress: Callable[[str], None]
) -> None:
    """Sites, rooms, therapists and calendars, in this order, many at a time. Raises NotSeeded or Unanswered."""
    matching, scheduling = Address.of(addresses["matching"]), Address.of(addresses["scheduling"])
    await _put_all(scheduling, [_put("sites", *site) for site in care.sites.items()], token)
    await _put_all(scheduling, [_put("rooms", *room) for room in care.rooms.items()], token)
    await _put_all(matching, [_put("therapists", one.id, one.profile) for one in care.therapists], token)
    await _put_all(scheduling, [_put("calendars", one.id, one.calendar) for one in care.therapists], token)
    progress(f"care: {len(care.sites)} sites, {len(care.rooms)} rooms, {len(care.therapists)} therapists")


async def entitle(database: str, organisation: str, file: Path) -> None:
    """An operator gives the organisation a key, in this file; one that is there stays. Raises NotSeeded."""
    if await asyncio.to_thread(file.exists):
        return
    command = ("partner-keys", "create", organisation, "--key-file", str(file), "--by", "simulation")
    process = await asyncio.create_subprocess_exec(
        "env", f"DATABASE_URL={database}", sys.executable, "-m", "services.console.main", *command,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode:
        raise NotSeeded(f"partner-keys: {process.returncode} {said.decode(errors='replace')[-500:]}")


def _put(kind: str, identifier: UUID, body: dict[str, Any]) -> Put:
    return Put(f"/v1/{kind}/{identifier}", body)


async def _put_all(address: Address, puts: list[Put], token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}

    async def put(own: Connection, one: Put) -> None:
        answer = await own.insist(prepare("PUT", one.path, address.name, orjson.dumps(one.body), headers))
        if answer.status >= 300:
            raise NotSeeded(f"{one.path}: {answer.status} {answer.body[:500].decode(errors='replace')}")

    await pour(address, puts, put, connections=CONNECTIONS)
