"""One database, and for each service a role and a schema that no other service can look into."""

from urllib.parse import urlsplit, urlunsplit

import asyncpg

NAME = "humqadam"
SERVICES = ("intake", "vault", "matching", "scheduling", "notifications", "partners", "console")
# The vault is a part of intake with a schema of its own (its keys have their own backups);
# which of its tables intake may use is said in the vault's migrations.
MAY_LOOK_INTO = (("intake", "vault"),)


async def prepare(admin_dsn: str, name: str = NAME) -> None:
    """Makes the database, roles, schemas and extension that are missing; safe to run again."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        for service in SERVICES:
            await _ensure_role(admin, service)
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f'CREATE DATABASE "{name}"')
        await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {", ".join(SERVICES)}')
    finally:
        await admin.close()
    inside = await asyncpg.connect(in_database(admin_dsn, name))
    try:
        async with inside.transaction():
            await _make_schemas(inside)
    finally:
        await inside.close()


async def create_from_template(admin_dsn: str, name: str, template: str) -> None:
    """A copy of `template` in a few tens of milliseconds, with its schemas and rights; for tests."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {", ".join(SERVICES)}')
    finally:
        await admin.close()


async def drop(admin_dsn: str, name: str) -> None:
    """Drops the database, ending whoever is still connected to it."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def in_database(dsn: str, name: str) -> str:
    """The same address with another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _ensure_role(admin: asyncpg.Connection, service: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", service):
        await admin.execute(f"CREATE ROLE {service} LOGIN")
    await admin.execute(f"ALTER ROLE {service} SET search_path = {service}, public")
    await admin.execute(f"ALTER ROLE {service} SET jit = off")


async def _make_schemas(inside: asyncpg.Connection) -> None:
    await inside.execute("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public")
    await inside.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public")
    await inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for service in SERVICES:
        await inside.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {service}")
        await inside.execute(f"REVOKE ALL ON SCHEMA {service} FROM PUBLIC")
    for reader, schema in MAY_LOOK_INTO:
        await inside.execute(f"GRANT USAGE ON SCHEMA {schema} TO {reader}")
