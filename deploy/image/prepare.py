"""`python -m deploy.image.prepare secrets | database`: what an installation in containers needs before it starts.

Both steps end, and may be run again: what is there is kept. Every process finds its own secrets in a folder of its own,
which is all that is mounted for it; the database's passwords stand in files that asyncpg reads (`PGPASSFILE`, the
format of the PostgreSQL manual's chapter "The Password File"), never in the environment.
"""

import asyncio
import secrets
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import asyncpg

from deploy.image.settings import PrepareSettings
from deploy.local import databases
from deploy.local import secrets as keys

ADMINISTRATOR = "postgres"

# Whose folder it is, which service's files lie in it, and as which roles its owner logs in.
FOLDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "intake": ("intake", ("intake",)),
    "vault": ("intake", ("vault",)),
    "intake-migrations": ("intake", ("intake", "vault")),
    "matching": ("matching", ("matching",)),
    "scheduling": ("scheduling", ("scheduling",)),
    "notifications": ("notifications", ("notifications",)),
    "partners": ("partners", ("partners",)),
    "console": ("console", ("console",)),
    "gateways": ("gateways", ()),
}


def make_secrets(folder: Path) -> None:
    """Makes keys, tokens and passwords that are missing, and lays out one folder per reader."""
    kept = folder / "kept"
    keys.prepare(kept, sorted({service for service, roles in FOLDERS.values() if roles}))
    for role in (ADMINISTRATOR, *databases.SERVICES):
        password_file = kept / f"{role}.password"
        if not password_file.exists():
            _write(password_file, secrets.token_urlsafe(24))
    for name, (service, roles) in FOLDERS.items():
        own = folder / name
        own.mkdir(mode=0o700, exist_ok=True)
        for file in keys.files_for(kept, service).values():
            shutil.copy2(file, own / Path(file).name)
        _write(own / "pgpass", "".join(f"*:*:*:{role}:{_password(kept, role)}\n" for role in roles))
    _for_the_database(folder / "database", _password(kept, ADMINISTRATOR))


async def make_database(settings: PrepareSettings) -> None:
    """Makes database, roles and schemas that are missing, and gives every role its password."""
    kept = settings.secrets_dir / "kept"
    password = quote(_password(kept, ADMINISTRATOR))
    dsn = (
        f"postgresql://{ADMINISTRATOR}:{password}@{settings.database_host}:{settings.database_port}/postgres"
    )
    await databases.prepare(dsn)
    admin = await asyncpg.connect(dsn)
    try:
        # The text of a statement that sets a password must not be kept among the statistics of statements.
        await admin.execute("SET pg_stat_statements.track_utility = off")
        for role in databases.SERVICES:
            statement = await admin.fetchval(
                "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, _password(kept, role)
            )
            await admin.execute(statement)
    finally:
        await admin.close()


def _for_the_database(folder: Path, password: str) -> None:
    # The server's own user reads it, who is not ours; the folder is mounted for the server alone.
    folder.mkdir(mode=0o755, exist_ok=True)
    _write(folder / "password", password, mode=0o444)


def _password(kept: Path, role: str) -> str:
    return (kept / f"{role}.password").read_text()


def _write(file: Path, content: str, mode: int = 0o600) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(content)
    file.chmod(mode)


def main(arguments: list[str]) -> int:
    """0 when the step is done, 2 when it is not one of the two."""
    settings = PrepareSettings()
    match arguments:
        case ["secrets"]:
            make_secrets(settings.secrets_dir)
        case ["database"]:
            asyncio.run(make_database(settings))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
