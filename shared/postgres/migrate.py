"""Forward-only migrations: numbered .sql files, each applied once, in one transaction, under one lock."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

LEDGER = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


class MigrationChanged(Exception):
    """A file that was already applied has another content now: migrations are never edited."""


async def migrate(dsn: str, *, schema: str, folders: Sequence[Path]) -> list[str]:
    """Applies what is missing and returns the names applied. Files are named `<folder>/NNNN_verb_object.sql`."""
    connection = await asyncpg.connect(
        dsn, server_settings={"search_path": f"{schema},public", "lock_timeout": "5s"}, timeout=30
    )
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", f"migrate:{schema}")
        await connection.execute(LEDGER)
        known = {row["name"]: row["sha256"] for row in await connection.fetch("SELECT * FROM migrations")}
        return [name for name, sql in _files(folders) if await _apply(connection, known, name, sql)]
    finally:
        await connection.close()


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
            yield f"{folder.parent.name}/{file.name}", file.read_text()


async def _apply(connection: asyncpg.Connection, known: dict[str, str], name: str, sql: str) -> bool:
    digest = hashlib.sha256(sql.encode()).hexdigest()
    if name in known:
        if known[name] != digest:
            raise MigrationChanged(name)
        return False
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("INSERT INTO migrations (name, sha256) VALUES ($1, $2)", name, digest)
    return True
