"""Writes that do not look at one another, in one statement: one round trip instead of one for each."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg

PLACE = re.compile(r"\$(\d+)")

Write = tuple[str, tuple[Any, ...]]


async def write_joined(connection: asyncpg.Connection, writes: Sequence[Write]) -> None:
    """Executes (statement, arguments) as parts of one statement (PostgreSQL manual, 7.8.4 "Data-Modifying Statements in
    WITH"): all see the tables as they were before, in no promised order, and references are checked at the end of all.

    Only the last may begin with WITH itself.
    """
    if writes:
        sql = _joined(tuple((sql, len(arguments)) for sql, arguments in writes))
        await connection.execute(sql, *(one for _, arguments in writes for one in arguments))


@lru_cache(maxsize=256)  # as many as there are combinations of writes, which are few
def _joined(parts: tuple[tuple[str, int], ...]) -> str:
    numbered, before = [], 0
    for sql, arguments in parts:
        numbered.append(_numbered(sql.strip(), before))
        before += arguments
    *others, last = numbered
    if not others:
        return last
    named = ",\n".join(f"write_{place} AS (\n{sql}\n)" for place, sql in enumerate(others))
    return f"WITH {named},\n{last[5:]}" if last.startswith("WITH ") else f"WITH {named}\n{last}"


def _numbered(sql: str, after: int) -> str:
    return PLACE.sub(lambda place: f"${int(place[1]) + after}", sql) if after else sql
