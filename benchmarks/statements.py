"""What each statement of the services costs the database (pg_stat_statements), and which cost more than they did."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from deploy.local.databases import SERVICES

READ = """
SELECT r.rolname || ' ' || s.queryid AS name, s.query, s.calls, s.total_exec_time AS ms,
    s.shared_blks_hit + s.shared_blks_read AS blocks
FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
WHERE r.rolname = ANY ($1::text[]) AND s.toplevel
"""
SHOWN, LETTERS = 12, 160


@dataclass(frozen=True, slots=True)
class Statement:
    """What a thousand people cost by it: calls, milliseconds of execution (waiting for locks included), and blocks touched."""

    query: str
    calls: float
    ms: float
    blocks: float


async def forget(connection: asyncpg.Connection) -> None:
    """Begins to count anew."""
    await connection.execute("SELECT pg_stat_statements_reset()")


async def counted(connection: asyncpg.Connection, people: int) -> dict[str, Statement]:
    """By service and statement, since `forget`, when so many people have come."""
    each = 1000 / max(1, people)
    return {
        row["name"]: Statement(
            row["query"], row["calls"] * each, row["ms"] * each, float(row["blocks"]) * each
        )
        for row in await connection.fetch(READ, SERVICES)
    }


def grown(before: dict[str, Statement], after: dict[str, Statement]) -> list[dict[str, Any]]:
    """Those that cost more than before, the most first; calls, milliseconds and blocks of a thousand people, then and now."""
    pairs = [(name, before[name], now) for name, now in after.items() if name in before]
    pairs.sort(key=lambda one: one[1].ms - one[2].ms)
    return [
        {
            "service": name.partition(" ")[0],
            "query": " ".join(now.query.split())[:LETTERS],
            "calls": [round(once.calls), round(now.calls)],
            "ms": [round(once.ms, 1), round(now.ms, 1)],
            "blocks": [round(once.blocks), round(now.blocks)],
        }
        for name, once, now in pairs[:SHOWN]
        if now.ms > once.ms
    ]
