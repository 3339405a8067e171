"""Operators give partners keys: made on their screen, served by the running process, kept as a digest."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from services.console.main import app as console
from services.partners.handlers.keys import ACTIONS
from services.partners.main import migrations, serve
from services.partners.settings import Settings
from shared.messaging import Database
from shared.messaging.desk import Desk
from shared.postgres import migrate, open_pool
from shared.web import create_app
from tests.partners.conftest import asking, signing
from tests.waiting import running

__all__ = ["signing"]


class Serving:
    """A reader with no topics of its own: the desk serves requests of its group."""

    group = "partners"
    reader = None

    def forget(self) -> None: ...
    def resume(self) -> None: ...


@pytest_asyncio.fixture(loop_scope="session")
async def app(database: Any, signing: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    dsn = database.dsn("partners")
    await migrate(dsn, schema="partners", folders=migrations())
    pool = await open_pool(dsn, schema="partners", size=3, name="tests")
    opened = Database(pool, source="partners", dsn=dsn, lane_of=lambda _: "routine")
    made = create_app("partners")
    serve(made, Settings(token_public_key_file=signing / "token.public.json"), opened)
    monkeypatch.setenv("DATABASE_URL", database.dsn("console"))
    stop = asyncio.Event()
    desk = Desk(opened, [Serving()], actions=ACTIONS)  # type: ignore[list-item]
    async with running(stop, desk.run(stop)):
        yield made
    await pool.close()


async def typed(*words: str) -> Result:
    """What an operator types; off the loop, since the command has one of its own."""
    return await asyncio.to_thread(CliRunner().invoke, console, ["partner-keys", *words])


async def asked(*words: str) -> Any:
    return json.loads((await typed(*words, "--json")).output)


async def status(app: FastAPI, key: str) -> int:
    async with asking(app, key) as client:
        return (await client.get("/v1/bookings")).status_code


async def test_an_operator_gives_changes_and_takes_a_key(app: FastAPI) -> None:
    first = await asked("create", "sehat-clinic", "--by", "asma")
    assert (first["state"], first["result"]) == ("done", "created")
    second = await asked("rotate", "sehat-clinic", "--old-for", "3")
    assert second["result"].startswith(f"rotated; {first['key_id']} is valid until ")
    assert [await status(app, one["key"]) for one in (first, second)] == [200, 200]
    assert (await asked("revoke", first["key_id"], "--reason", "changed over"))["result"] == "revoked"
    assert [await status(app, one["key"]) for one in (first, second)] == [401, 200]
    rows = await asked("list")
    assert [(row["key_id"], row["valid"]) for row in rows] == [
        (first["key_id"], False),
        (second["key_id"], True),
    ]
    assert (rows[0]["organisation"], rows[0]["made_by"], rows[0]["scopes"]) == (
        "sehat-clinic", "asma", ["bookings.read"],
    )  # fmt: skip


async def test_a_key_is_shown_once_and_kept_nowhere(app: FastAPI, database: Any) -> None:
    shown = (await typed("create", "sehat-clinic")).output
    key = shown.split()[-1]
    assert await status(app, key) == 200
    secret = key.rpartition("_")[2]
    assert secret not in (await typed("list")).output

    admin = await asyncpg.connect(database.admin_dsn)
    kept = [
        str(dict(row))
        for table in ("api_keys", "operator_requests", "organisations")
        for row in await admin.fetch(f"SELECT * FROM partners.{table}")
    ]
    await admin.close()
    assert len(kept) == 3
    assert not [row for row in kept if secret in row]


async def test_a_key_is_put_into_a_file_for_its_owner_alone_and_no_file_is_overwritten(
    app: FastAPI, tmp_path: Path
) -> None:
    file = tmp_path / "clinic.key"
    result = await typed("create", "sehat-clinic", "--key-file", str(file), "--json")
    assert (result.exit_code, "hq_" in result.output) == (0, False)
    assert file.stat().st_mode & 0o777 == 0o600
    key = file.read_text()
    assert await status(app, key) == 200
    again = await typed("rotate", "sehat-clinic", "--key-file", str(file))
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert file.read_text() == key
    assert len(await asked("list")) == 1


async def test_the_console_cannot_read_what_keys_are_compared_with(app: FastAPI, database: Any) -> None:

    connection = await asyncpg.connect(database.dsn("console"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT digest FROM partners.api_keys")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM partners.api_keys")
    await connection.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "Sehat Clinic"), "small letters"),
        (("create", "a" * 61), "small letters"),
        (("create", "clinic-"), "small letters"),
        (("create", "sehat-clinic", "--scope", "everything"), "scopes are: bookings.read"),
        (("rotate", "sehat-clinic"), "has no key"),
        (("revoke", "0000000000000000", "--reason", "x"), "no such key"),
        (("revoke", "0000000000000000", "--reason", " "), "A reason is needed"),
    ],
)
async def test_what_cannot_be_done_is_said_and_shows_no_key(
    app: FastAPI, words: tuple[str, ...], said: str
) -> None:
    result = await typed(*words, "--json")
    assert result.exit_code == 1
    assert said in result.output
    assert "hq_" not in result.output


@pytest.mark.parametrize("days", ["-1", "91", "soon"])
async def test_an_old_key_stays_for_some_days_at_most(app: FastAPI, days: str) -> None:
    assert (await typed("rotate", "sehat-clinic", "--old-for", days)).exit_code == 2


async def test_without_a_running_process_the_request_stays_and_its_key_is_shown(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database.dsn("partners"), schema="partners", folders=migrations())
    monkeypatch.setenv("DATABASE_URL", database.dsn("console"))
    monkeypatch.setenv("ANSWER_SECONDS", "0.1")
    result = await typed("create", "sehat-clinic", "--json")
    answer = json.loads(result.output)
    assert (result.exit_code, answer["state"], answer["key"][:3]) == (1, "asked", "hq_")
