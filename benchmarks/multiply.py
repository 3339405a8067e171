"""As if many more had asked before: every row that a case left behind is copied, and the copies lie further back in time.

What people left in the database through the front door is the pattern. Which tables grow with cases is read from the catalogue
and the rows: those with an id that is no therapist's, room's or site's. A copy has other ids, all by one function, so that its
rows still belong together, and its hours lie in weeks before everybody else's, so that no constraint has to be lifted. What was
under way is over, in a copy and in the pattern (`LIFE_OVER`): whoever asks next finds every calendar empty. Ids inside JSON are not rewritten: nothing looks for them there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks.history import GROWS_TOO, LIFE_OVER, NOT_COPIED, ONCE_MORE, STAYS, UNDER_WAY
from deploy.local.databases import SERVICES

AT_ONCE = 2  # connections: as many as the machine has cores
# An id made by UUIDv7 begins with its milliseconds: its first 32 bits count units of 65.5 seconds. Going back by them keeps ids in
# the order of time, as indexes know them, and the random bits untouched.
PREPARE = """
CREATE SCHEMA multiplied;
CREATE FUNCTION multiplied.other(id text, back bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(to_hex((('x' || left(id, 8))::bit(32)::bigint - back) & 4294967295), 8, '0') || substr(id, 9);
CREATE FUNCTION multiplied.other(id uuid, back bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN multiplied.other(id::text, back)::uuid;
CREATE TABLE multiplied.care AS
SELECT id FROM scheduling.resources WHERE kind <> 'person'
UNION SELECT site_id FROM scheduling.sites UNION SELECT therapist_id FROM matching.therapists;
ANALYZE multiplied.care;
"""
DONE = "DROP SCHEMA multiplied CASCADE"
MARK = "SELECT pg_current_xact_id()::xid::text"
# A crash in between would only mean to begin again.
BULK: Mapping[str, str | None] = {"full_page_writes": "off", "autovacuum": "off"}

# How far back a copy has to go: all that is there in weeks of hours, and in units of ids, so that nothing meets.
SPANS = """
SELECT coalesce((SELECT (max(week) - min(week)) / 7 FROM scheduling.weekly_load), 0) + 2 AS weeks,
    coalesce(max(unit) - min(unit), 0) + 2 AS units, count(*) AS cases
FROM (SELECT ('x' || left(case_id::text, 8))::bit(32)::bigint AS unit FROM intake.cases) AS made
"""

COLUMNS = """
SELECT n.nspname AS schema, c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS names,
    array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND n.nspname = ANY ($1::text[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
GROUP BY 1, 2, c.relpages ORDER BY c.relpages DESC
"""
UNIQUE = """
SELECT n.nspname AS schema, c.relname AS table, array_agg(a.attname::text) AS names
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
WHERE i.indisunique AND n.nspname = ANY ($1::text[]) GROUP BY i.indexrelid, 1, 2
"""
# By the type of the column that holds the id.
IS_CARE = {
    "uuid": "{} IN (SELECT id FROM multiplied.care)",
    "text": "{} IN (SELECT id::text FROM multiplied.care)",
}
OTHER = "multiplied.other({}, k * {{units}})"
LOOKS_LIKE_ID = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
SAMPLE = 20_000

TIMES = {
    "timestamp with time zone": "{0} - k * {{back}}",
    "date": "({0} - k * {{back}})::date",
    "tstzrange": "tstzrange(lower({0}) - k * {{back}}, upper({0}) - k * {{back}})",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One that grows with cases: for each column how a copy's value is made of it, and which rows are copied. `over` are the
    columns of which that is true of what was there as well."""

    name: str
    columns: Mapping[str, str]
    rows: str
    over: frozenset[str]

    def copy(self, how: Mapping[str, str]) -> str:
        """The statement that makes the k-th copy of all rows of the pattern."""
        made = ", ".join(self.columns.values()).format_map(how)
        into = f"INSERT INTO {self.name} ({', '.join(self.columns)})"
        return f"{into} SELECT {made} FROM pattern r, (SELECT $1::bigint AS k) AS k WHERE {self.rows}"

    def end(self, how: Mapping[str, str], since: str | None) -> str | None:
        """The statement by which rows that were written since then are over, as the k-th copy is."""
        if not self.over:
            return None
        made = ", ".join(f"{one} = {self.columns[one]}" for one in sorted(self.over)).format_map(how)
        new = f"age(r.xmin) < age('{since}'::xid)" if since else "true"
        return f"UPDATE {self.name} r SET {made} FROM (SELECT $1::bigint AS k) AS k WHERE {new}"


async def multiply(database: str, times: int, since: str | None = None) -> str:
    """So many times as much as there is, at the admin's DSN, while no service runs; what was there is over too afterwards.

    `since` is what the call before returned: what was over then is not touched again.
    """
    connection = await asyncpg.connect(database)
    try:
        await _settings(connection, BULK)
        await connection.execute(PREPARE)
        span = await connection.fetchrow(SPANS)
        how = {
            "units": str(span["units"]),
            "back": f"interval '{7 * span['weeks']} days'",
            # Whoever multiplies what was multiplied makes no code twice.
            "mark": f"'.{span['cases']:x}.' || k",
        }
        waiting = asyncio.Queue[Table]()
        for table in await growing(connection):
            waiting.put_nowait(table)
        await asyncio.gather(*(_work(database, waiting, times, how, since) for _ in range(AT_ONCE)))
        for statement in ONCE_MORE:
            await connection.execute(statement.format(times=times))
        await connection.execute(DONE)
        await _settings(connection, dict.fromkeys(BULK))
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        return str(await connection.fetchval(MARK))
    finally:
        await connection.close()


async def _settings(connection: asyncpg.Connection, values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        how = f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}"
        await connection.execute(how)
    await connection.execute("SELECT pg_reload_conf()")


async def _work(
    database: str, waiting: asyncio.Queue[Table], times: int, how: Mapping[str, str], since: str | None
) -> None:
    """The oldest copy first, as time would have made them; then what was there is over too."""
    connection = await asyncpg.connect(database)
    try:
        # Foreign keys were looked at when the pattern was made, and a copy has the same.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        while not waiting.empty():
            table = waiting.get_nowait()
            async with connection.transaction():
                # All rows are read once, before the first copy is among them.
                await connection.execute(
                    f"CREATE TEMP TABLE pattern ON COMMIT DROP AS SELECT * FROM {table.name}"
                )
                if over := table.end(how, since):
                    await connection.execute(over, times)
                for k in range(times - 1, 0, -1):
                    await connection.execute(table.copy(how), k)
    finally:
        await connection.close()


async def growing(connection: asyncpg.Connection) -> list[Table]:
    """All tables that grow with cases, the largest first. What the care is has to be known (`PREPARE`)."""
    unique: dict[str, list[set[str]]] = {}
    for row in await connection.fetch(UNIQUE, SERVICES):
        unique.setdefault(f"{row['schema']}.{row['table']}", []).append(set(row["names"]))
    found = []
    for row in await connection.fetch(COLUMNS, SERVICES):
        name, columns = f"{row['schema']}.{row['table']}", dict(zip(row["names"], row["types"], strict=True))
        if row["table"] in NOT_COPIED or name in NOT_COPIED:
            continue
        table = await _table(connection, name, columns, unique.get(name, []))
        if table:
            found.append(table)
    return found


async def _table(
    connection: asyncpg.Connection, name: str, columns: Mapping[str, str], unique: Sequence[set[str]]
) -> Table | None:
    ids = await _ids(connection, name, columns)
    mixed = [
        IS_CARE[columns[one]].format(f"r.{one}")
        for one, how in ids.items()
        if how == "mixed" and columns[one] in IS_CARE
    ]
    others = {one for one, how in ids.items() if how == "other"}
    of_care = {one for one, how in ids.items() if how == "care"}
    grows = (others or mixed) and not any(names <= of_care for names in unique)
    if not grows and name.partition(".")[2] not in GROWS_TOO:
        return None
    made = {one: _value(one, kind, ids.get(one)) for one, kind in columns.items()}
    told_apart = {one for one, kind in columns.items() if kind in TIMES} | ids.keys() - of_care
    for names in unique:
        if not names & told_apart and (code := await _code(connection, name, columns, names)):
            made[code] = (
                f"r.{code} || {{mark}}"
                if columns[code] == "text"
                else f"r.{code} || convert_to({{mark}}, 'UTF8')"
            )
    ends = LIFE_OVER.get(name.partition(".")[2], {}) | LIFE_OVER.get(name, {})
    made |= {one: how for one, how in ends.items() if one in made}
    over = (
        set() if name in UNDER_WAY else ends.keys() | {one for one, kind in columns.items() if kind in TIMES}
    )
    only_mixed = mixed and not others
    rows = f"NOT ({' OR '.join(mixed)})" if only_mixed else "true"
    return Table(name, made, rows, frozenset(over & made.keys()) - STAYS)


async def _ids(connection: asyncpg.Connection, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Of each column with ids whether they are the care's, others or both. A column without any is left out."""
    asked = []
    for one, kind in columns.items():
        match kind:
            case "uuid":
                own = IS_CARE[kind].format(one)
                asked.append((one, f"bool_or({own})", f"bool_or(NOT {own})"))
            case "uuid[]":
                some = f"EXISTS (SELECT FROM unnest({one}) AS u(id) WHERE {IS_CARE['uuid'].format('u.id')})"
                asked.append((one, f"bool_or({some})", f"bool_or(cardinality({one}) > 0 AND NOT {some})"))
            case "text":
                like = f"({one} ~ {LOOKS_LIKE_ID})"
                own = IS_CARE[kind].format(one)
                asked.append((one, f"bool_or({like} AND {own})", f"bool_or({like} AND NOT {own})"))
    if not asked:
        return {}
    parts = ", ".join(part for _, *both in asked for part in both)
    rows = await connection.fetchval("SELECT reltuples FROM pg_class WHERE oid = $1::regclass", name)
    share = min(100.0, 100 * SAMPLE / max(1.0, rows))
    row = await connection.fetchrow(
        f"SELECT {parts} FROM {name} TABLESAMPLE BERNOULLI ({share}) REPEATABLE (1)"
    )
    found = {one: (row[2 * place], row[2 * place + 1]) for place, (one, *_) in enumerate(asked)}
    how = {(True, True): "mixed", (True, False): "care", (False, True): "other"}
    return {one: how[care, other] for one, (care, other) in found.items() if care or other}


def _value(name: str, kind: str, ids: str | None) -> str:
    """How a copy's value is made of `r`'s, for its k."""
    own = f"r.{name}"
    if kind in TIMES:
        return TIMES[kind].format(own)
    if ids in (None, "care"):
        return own
    if kind == "uuid[]":
        return f"ARRAY(SELECT {OTHER.format('u.id')} FROM unnest({own}) WITH ORDINALITY AS u(id, place) ORDER BY u.place)"
    other = OTHER.format(own)
    if kind == "text":  # not everything in it needs to be an id
        other = f"CASE WHEN {own} ~ {LOOKS_LIKE_ID.replace('{', '{{').replace('}', '}}')} THEN {other} ELSE {own} END"
    care = IS_CARE[kind].format(own)
    return other if ids == "other" else f"CASE WHEN {care} THEN {own} ELSE {other} END"


async def _code(
    connection: asyncpg.Connection, name: str, columns: Mapping[str, str], names: set[str]
) -> str | None:
    """Of the columns of a unique index that tell no copy apart, the code among them: the one with the most values."""
    codes = [one for one in sorted(names) if columns.get(one) in ("text", "bytea")]
    if not codes:
        return None
    counts: Any = await connection.fetchrow(
        f"SELECT {', '.join(f'count(DISTINCT {one})' for one in codes)} FROM {name}"
    )
    return max(zip(counts, codes, strict=True))[1]
