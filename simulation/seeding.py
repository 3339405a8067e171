"""Puts the country's care into the services over HTTP, as a coordinator would; doing it again changes nothing."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from shared.web import TokenSigner
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import prepare
from simulation.population import Care

CONNECTIONS = 16
UNSEEN = 428


class NotSeeded(Exception):
    """A service refused what the country needs; the message has the path, the status and the problem."""


class Put(NamedTuple):
    """One resource to put; the id in the path is the same every time."""

    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Badges:
    """Tokens of the staff by the local issuer, each for an hour from `now` (Unix seconds)."""

    signer: TokenSigner
    now: float

    @classmethod
    def of(cls, secrets: Path, *, now: float) -> "Badges":
        """With the key that lies there."""
        return cls(TokenSigner(secrets / "token.key"), now)

    def staff(self, role: str) -> str:
        """Somebody who is responsible for everybody."""
        return self._sign("simulation", role)

    def therapist(self, therapist_id: str) -> str:
        """A therapist, who has their own hours."""
        return self._sign(therapist_id, "therapist")

    def desk(self, organisation: str) -> str:
        """The desk of a clinic, which sees what is at its organisation."""
        return self._sign("simulation-desk", "clinic_desk", organisation=organisation)

    def _sign(self, subject: str, role: str, **claims: str) -> str:
        return self.signer.sign(subject, role, {"name": "Simulation"} | claims, now=self.now, minutes=60)


def staff_token(secrets: Path, *, now: float, role: str = "coordinator") -> str:
    """The token of somebody on the staff."""
    return Badges.of(secrets, now=now).staff(role)


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
        body = orjson.dumps(one.body)
        answer = await own.insist(prepare("PUT", one.path, address.name, body, headers))
        if answer.status == UNSEEN:  # it is there, and says something else: the country has changed since
            stands = await own.insist(prepare("GET", one.path, address.name, b"", headers))
            seen = headers | {"if-match": stands.header("etag") or ""}
            answer = await own.insist(prepare("PUT", one.path, address.name, body, seen))
        if answer.status >= 300:
            raise NotSeeded(f"{one.path}: {answer.status} {answer.body[:500].decode(errors='replace')}")

    await pour(address, puts, put, connections=CONNECTIONS)
