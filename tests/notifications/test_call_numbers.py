"""How somebody is reached is read in one place: by name, in their hours, while there is something to tell them."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from services.notifications.domain.planning import OFFER_AFTER
from services.notifications.gateways.vault import Keys, VaultAway
from services.notifications.handlers.reaching import (
    ContactReader,
    NotNow,
    Permitted,
    Reach,
    Reading,
    Verdict,
    permit_reading,
)
from services.notifications.main import serve
from services.notifications.settings import Settings
from services.notifications.templates import load_languages
from shared.web import create_app
from simulation.seeding import staff_token
from tests.notifications.callers import FIVE, NUMBER, done, due, open_task, to_call
from tests.notifications.facts import Desk
from tests.notifications.outside import TOKEN, OutsideWorld
from tests.notifications.test_offers import offered


class Office:
    """Where a named human reads a number."""

    def __init__(self, desk: Desk, outside: OutsideWorld) -> None:
        self.desk, self.outside, self.away = desk, outside, False

    async def permit(self, reading: Reading) -> Permitted | Verdict | NotNow:
        async with self.desk.database.transaction() as tx:
            return await permit_reading(reading, tx)

    async def keys(self, people: Any) -> Keys:
        if self.away:
            raise VaultAway("away")
        refused = {one: self.outside.refused[one] for one in people if one in self.outside.refused}
        return Keys({one: self.outside.keys[one] for one in people if one not in refused}, refused)

    async def read(self, task: UUID) -> Reach | Verdict | NotNow:
        reader = ContactReader(self.permit, self.keys, load_languages())
        return await reader.read(Reading(task, "coordinator-1", "Sana"))

    async def readers(self) -> list[tuple[Any, ...]]:
        return [
            tuple(row) for row in await self.desk.pool.fetch("SELECT task_id, staff_name FROM call_readings")
        ]


async def test_the_number_and_the_words_are_read_by_name(desk: Desk, outside: OutsideWorld) -> None:
    office = Office(desk, outside)
    await to_call(desk, outside, language="ur", script="Latn")
    task = await open_task(desk)
    reach = await office.read(task)
    assert isinstance(reach, Reach)
    assert (reach.address, reach.language, reach.until, reach.reason) == (NUMBER, "ur-Latn", FIVE, None)
    assert reach.text
    assert await office.readers() == [(task, "Sana")]


async def test_outside_their_hours_nobody_reads_a_number(desk: Desk, outside: OutsideWorld) -> None:
    office = Office(desk, outside)
    await to_call(desk, outside)
    desk.now = FIVE + timedelta(minutes=1)
    assert await office.read(await open_task(desk)) == NotNow(FIVE + timedelta(hours=16))
    assert await office.readers() == []


async def test_there_is_no_number_behind_what_is_done_or_nobodys(desk: Desk, outside: OutsideWorld) -> None:
    office = Office(desk, outside)
    await to_call(desk, outside)
    task = await open_task(desk)
    await done(desk, "reached")
    assert await office.read(task) == "closed"
    assert await office.read(uuid4()) == "unknown"
    assert await office.readers() == []


async def test_there_are_no_words_for_a_proposal_that_was_replaced(desk: Desk, outside: OutsideWorld) -> None:
    office, person = Office(desk, outside), uuid4()
    await desk.tell(outside.a_contact(person, NUMBER, channels=("call",)), offered(person, uuid4()))
    desk.now += OFFER_AFTER
    await due(desk)
    await desk.pool.execute("UPDATE offers SET match_id = $1, attempt = 2", uuid4())
    assert await office.read(await open_task(desk)) == "closed"
    assert await office.readers() == []


async def test_the_vault_is_the_last_gate_here_too(desk: Desk, outside: OutsideWorld) -> None:
    office = Office(desk, outside)
    person = await to_call(desk, outside)
    outside.refused[person] = "stopped"
    assert await office.read(await open_task(desk)) == Reach("stopped")
    office.away = True
    with pytest.raises(VaultAway):
        await office.read(await open_task(desk))
    assert len(await office.readers()) == 2


# --- the route ---


@pytest_asyncio.fixture(loop_scope="session")
async def client(desk: Desk, outside: OutsideWorld, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    (tmp_path / "token").write_text(TOKEN)
    app = create_app("notifications")
    serve(app, Settings(vault_url=outside.url, service_token_file=tmp_path / "token"), desk.database)
    app.state.waits_for = None
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as opened:
        yield opened


def known(issuer: Path, role: str = "coordinator") -> dict[str, str]:
    return {"authorization": f"Bearer {staff_token(issuer, now=time.time(), role=role)}"}


async def test_a_coordinator_gets_number_words_and_hours(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, issuer: Path
) -> None:
    await to_call(desk, outside)
    path = f"/v1/calls/{await open_task(desk)}"
    answer = await client.get(path, headers=known(issuer))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    contact = answer.json()["contact"]
    assert (contact["address"], contact["time_zone"]) == (NUMBER, "Asia/Karachi")
    assert contact["safe_windows"][0] == {"day": 1, "start": "09:00", "end": "17:00"}
    assert contact["text"].startswith("Your appointment is on")
    assert NUMBER not in path


async def test_why_nobody_is_called_is_said(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, issuer: Path
) -> None:
    person = await to_call(desk, outside)
    path = f"/v1/calls/{await open_task(desk)}"
    outside.refused[person] = "stopped"
    assert (await client.get(path, headers=known(issuer))).json() == {"contact": None, "reason": "stopped"}
    outside.vault_status = 503
    away = await client.get(path, headers=known(issuer))
    assert (away.status_code, away.json()["code"]) == (503, "vault_away")
    desk.now = FIVE
    late = await client.get(path, headers=known(issuer))
    assert (late.status_code, late.json()["code"]) == (409, "outside_their_hours")
    await done(desk, "reached")
    over = await client.get(path, headers=known(issuer))
    assert (over.status_code, over.json()["code"]) == (409, "already_done")
    nobody = await client.get(f"/v1/calls/{uuid4()}", headers=known(issuer))
    assert (nobody.status_code, nobody.json()["code"]) == (404, "task_not_found")


@pytest.mark.parametrize("role", ["operator", "clinic_desk", "therapist", "auditor"])
async def test_nobody_else_reads_a_number(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, issuer: Path, role: str
) -> None:
    await to_call(desk, outside)
    answer = await client.get(f"/v1/calls/{await open_task(desk)}", headers=known(issuer, role))
    assert answer.status_code == 403
    assert await desk.pool.fetchval("SELECT count(*) FROM call_readings") == 0
