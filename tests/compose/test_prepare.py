"""The two steps before an installation in containers starts: secrets apart from each other, a database that asks for them."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.image.prepare import FOLDERS, make_database, make_secrets
from deploy.image.settings import PrepareSettings
from deploy.local import databases, postgres
from deploy.local.ports import free_port

ONLY_PASSWORDS = "host all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_secrets(tmp_path)
    return tmp_path


def test_a_second_time_changes_no_secret(folder: Path) -> None:
    def content() -> dict[str, bytes]:
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = content()
    make_secrets(folder)
    assert content() == before


def test_only_intake_and_the_vault_hold_the_key_that_wraps_all_keys(folder: Path) -> None:
    holders = {file.parent.name for file in folder.glob("*/deployment.key")}
    assert holders == {"kept", "intake", "vault", "intake-migrations"}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_opens_the_roles_of_its_owner_only(folder: Path, name: str) -> None:
    lines = (folder / name / "pgpass").read_text().splitlines()
    assert {line.split(":")[3] for line in lines} == set(FOLDERS[name][1])


def test_no_secret_can_be_read_by_others(folder: Path) -> None:
    open_ones = [
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]
    # The database server runs as a user of its own; this folder is mounted for nobody else.
    assert set(open_ones) <= {"database/password", "kept/token.public.json"}


@pytest_asyncio.fixture
async def strict_server(stack_folder: Path, folder: Path) -> AsyncIterator[PrepareSettings]:
    """A server of its own that lets nobody in by TCP without a password."""
    server = await postgres.start(stack_folder / "strict", free_port(), durable=False)
    try:
        admin = await asyncpg.connect(server.dsn("postgres"))
        password = (folder / "kept/postgres.password").read_text()
        await admin.execute(
            await admin.fetchval("SELECT format('ALTER ROLE postgres PASSWORD %L', $1::text)", password)
        )
        (server.data / "pg_hba.conf").write_text(ONLY_PASSWORDS)
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()
        yield PrepareSettings(secrets_dir=folder, database_host="127.0.0.1", database_port=server.port or 0)
    finally:
        await server.stop()


@pytest.mark.processes
async def test_every_service_gets_in_with_its_own_password_file_and_no_other(
    strict_server: PrepareSettings,
) -> None:
    await make_database(strict_server)
    await make_database(strict_server)  # may be run again
    for name, (_, roles) in FOLDERS.items():
        passfile = strict_server.secrets_dir / name / "pgpass"
        for role in databases.SERVICES:
            if role in roles:
                assert await _schema(strict_server, role, passfile) == role
            else:
                with pytest.raises(asyncpg.InvalidPasswordError):
                    await _schema(strict_server, role, passfile)


async def _schema(settings: PrepareSettings, role: str, passfile: Path) -> object:
    assert os.environ.get("PGPASSWORD") is None
    connection = await asyncpg.connect(
        host=settings.database_host,
        port=settings.database_port,
        user=role,
        database=databases.NAME,
        passfile=str(passfile),
    )
    try:
        return await connection.fetchval("SELECT current_schema()")
    finally:
        await connection.close()
