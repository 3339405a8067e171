"""A database that does not take what it is given: read-only, full at the commit, its sessions ended, or a table that
refuses some rows (a poison event, failing in the middle of a batch) or all of them (a bad deploy)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.messaging.failures import TROUBLE
from tests.faults.deeds.letters import settle_letters
from tests.faults.schedule import Fault
from tests.faults.system import System

TRIES = 20
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = $1 AND pid <> pg_backend_pid()
"""
# 53100 is what a full disk says; at the commit, since a deferred trigger fires there.
REFUSE = """
CREATE OR REPLACE FUNCTION public.refuse_{code}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused by a fault' USING ERRCODE = '{code}'; END $$;
DROP TRIGGER IF EXISTS refused ON {table};
"""
AT_COMMIT = """
CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.refuse_{code}()
"""
BY_ROW = """
CREATE TRIGGER refused BEFORE INSERT ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION public.refuse_{code}()
"""
SOME_CASES = "WHEN (right(NEW.case_id::text, 2) IN ('00', '40', '80', 'c0'))"  # one in 64, whoever it is
FULL_DISK, BROKEN = "53100", "22000"


@asynccontextmanager
async def read_only(system: System, fault: Fault) -> AsyncIterator[None]:
    """As after a failover to a standby: every new session of a service is read-only, and the old ones are gone."""
    await _tell(system, f"ALTER ROLE {fault.whom} SET default_transaction_read_only = on")
    await _end_sessions(system, fault.whom)
    try:
        yield
    finally:
        await _tell(system, f"ALTER ROLE {fault.whom} RESET default_transaction_read_only")
        await _end_sessions(system, fault.whom)


@asynccontextmanager
async def refused_commits(system: System, fault: Fault) -> AsyncIterator[None]:
    """Everything goes well until the commit, which fails as on a full disk."""
    async with _refusing(system, f"{fault.whom}.outbox", AT_COMMIT, FULL_DISK):
        yield


@asynccontextmanager
async def terminated(system: System, fault: Fault) -> AsyncIterator[None]:
    """All sessions of a service end, those that hold its locks among them."""
    await _end_sessions(system, fault.whom)
    yield


@asynccontextmanager
async def expanded(system: System, fault: Fault) -> AsyncIterator[None]:
    """The schema of the next version under the code of today: a table has a column more, and later it is gone again."""
    await _tell(system, f"ALTER TABLE {fault.whom} ADD COLUMN IF NOT EXISTS of_tomorrow text DEFAULT 'new'")
    try:
        yield
    finally:
        await _tell(system, f"ALTER TABLE {fault.whom} DROP COLUMN IF EXISTS of_tomorrow")


@asynccontextmanager
async def poisoned(system: System, fault: Fault) -> AsyncIterator[None]:
    """One case in 64 cannot be written: its event becomes a dead letter, later ones of its key are parked. Then the
    cause is removed, and an operator has them applied."""
    async with _refusing(system, fault.whom, BY_ROW, BROKEN, SOME_CASES):
        yield
    await settle_letters(system, fault.whom.partition(".")[0], "redrive")


@asynccontextmanager
async def all_refused(system: System, fault: Fault) -> AsyncIterator[None]:
    """Every event fails: the consumer has to stop itself. Then the cause is removed, and an operator lets it go on."""
    async with _refusing(system, fault.whom, BY_ROW, BROKEN):
        yield
    await settle_letters(system, fault.whom.partition(".")[0], "redrive")


@asynccontextmanager
async def _refusing(
    system: System, table: str, trigger: str, code: str, condition: str = ""
) -> AsyncIterator[None]:
    await _tell(system, (REFUSE + trigger).format(table=table, code=code, condition=condition))
    try:
        yield
    finally:
        await _tell(system, f"DROP TRIGGER IF EXISTS refused ON {table}")


async def _end_sessions(system: System, role: str) -> None:
    async with system.admin() as connection:
        await connection.fetch(END_SESSIONS, role)


async def _tell(system: System, statement: str) -> None:
    """Until it is done: a lock may be busy, or another fault may have the database down."""
    for turn in range(TRIES):
        try:
            async with system.admin() as connection, connection.transaction():
                await connection.execute(statement)
            return
        except TROUBLE:
            if turn == TRIES - 1:
                raise
            await asyncio.sleep(0.5)
