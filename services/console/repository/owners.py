"""The advisory locks of the kernel's owners, with the names of the sessions that hold them; whose sessions there are."""

import asyncpg

from services.console.domain.owners import Lock
from shared.messaging.ownership import MARK

# The lock MARK is held in shared mode by every live member, whatever it owns; for a moment also by itself,
# by who asks whether it is alone.
LOCKS = f"""
SELECT a.pid, a.application_name AS name, l.objid::int8 AS item, l.mode = 'ShareLock' AS member
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND a.application_name LIKE 'owner:%'
    AND (l.mode = 'ShareLock' OR l.objid <> {MARK}::oid)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 2, 1, 3
"""

SESSIONS = """
SELECT DISTINCT application_name AS name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE ANY (ARRAY[$1 || ':%', 'owner:' || $1 || ':%']) ORDER BY 1
"""


async def locks(connection: asyncpg.Connection) -> tuple[list[Lock], list[tuple[int, str]]]:
    """The items that are held, and all live members as (session, name)."""
    rows = await connection.fetch(LOCKS)
    held = [Lock(row["pid"], row["name"], row["item"]) for row in rows if not row["member"]]
    return held, [(row["pid"], row["name"]) for row in rows if row["member"]]


async def sessions_of(connection: asyncpg.Connection, service: str) -> list[str]:
    """The names of all sessions that processes of this service have, as far as this role may see them: its owner's may."""
    return [row["name"] for row in await connection.fetch(SESSIONS, service)]
