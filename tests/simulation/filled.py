"""One booked case in the real tables of every service, on real topics and in the sinks, written by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from shared import web
from shared.contracts.intake import AlarmRaised
from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging import MIGRATIONS, Database, KafkaSettings, ensure_topics, outbox
from shared.messaging.envelope import to_headers
from shared.messaging.kafka import producer
from shared.postgres import migrate, open_pool

ROOT = Path(__file__).parents[2]
SCHEMAS = ("intake", "matching", "scheduling", "notifications", "partners", "console")
T0 = datetime.now(UTC).replace(microsecond=0)
START = T0 + timedelta(days=2)


# What the checker does not read may stay empty here: services add columns as they please.
RELAX = """
DO $$
DECLARE place record;
BEGIN
    FOR place IN
        SELECT a.attrelid::regclass AS table, a.attname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = ANY (ARRAY['intake', 'matching', 'scheduling', 'notifications', 'partners']::regnamespace[])
            AND c.relkind = 'r' AND a.attnotnull AND a.attnum > 0 AND NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)
            ) AND NOT a.attidentity = 'a'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', place.table, place.name);
    END LOOP;
END $$
"""


async def migrated(database: Any) -> None:
    """The tables of all services."""
    for schema in SCHEMAS:
        own = [web.MIGRATIONS] if schema == "intake" else []
        folders = [MIGRATIONS, *own, ROOT / f"services/{schema}/migrations"]
        await migrate(database.dsn(schema), schema=schema, folders=folders)
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute(RELAX)
    await connection.close()


class Filled:
    """The ids of what `fill` has written."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.case, self.person, self.alarm, self.appointment = uuid4(), uuid4(), uuid4(), uuid4()
        self.therapist, self.message, self.match = uuid4(), uuid4(), uuid4()


async def fill(database: Any, code: str) -> Filled:
    """A case that was booked online with the hospital, its reservations, its delivered message."""
    f = Filled(code)
    rows: list[tuple[str, list[object]]] = [
        ("INSERT INTO intake.cases (case_id, case_code, person_id, gate, alarmed, submitted_at) VALUES ($1, $2, $3, 'open', true, $4)", [f.case, code, f.person, T0]),
        ("INSERT INTO intake.standings (case_id, state, since) VALUES ($1, 'booked', $2)", [f.case, T0]),
        ("INSERT INTO intake.alarms (alarm_id, case_id, person_id, level, rule, rule_version, province, languages, reachable, raised_at, due_by) VALUES ($1, $2, $3, 'R1', 'r', '1', 'PK-PB', '{ur}', true, $4, $4)", [f.alarm, f.case, f.person, T0]),
        ("INSERT INTO matching.cases (case_id, person_id, state, attempt, match_id, changed_at) VALUES ($1, $2, 'booked', 1, $3, $4)", [f.case, f.person, f.match, T0]),
        ("INSERT INTO scheduling.case_fences (case_id, attempt) VALUES ($1, 1)", [f.case]),
        ("INSERT INTO scheduling.appointments (appointment_id, case_id, match_id, attempt, version, state, therapist_id, organisation, lane, modality, attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone, booked_at, changed_at, changed_by) VALUES ($1, $2, $3, 1, 1, 'booked', $4, 'rehmat-hospital', 'online', 'video', ARRAY[$5::uuid], ARRAY[$5::uuid], $6, $7, 10, '2026-01-05', 'Asia/Karachi', $8, $8, 'system')", [f.appointment, f.case, f.match, f.therapist, f.person, START, START + timedelta(minutes=50), T0]),
        ("INSERT INTO scheduling.reservations (appointment_id, resource_id, during) VALUES ($1, $2, tstzrange($3, $4))", [f.appointment, f.therapist, START - timedelta(minutes=10), START + timedelta(minutes=60)]),
        ("INSERT INTO scheduling.reservations (appointment_id, resource_id, during) VALUES ($1, $2, tstzrange($3, $4))", [f.appointment, f.person, START, START + timedelta(minutes=50)]),
        ("INSERT INTO notifications.messages (id, subject_id, person_id, case_id, appointment_id, version, purpose, due_at, next_at, state, channel, planned_at, settled_at) VALUES ($1, $2, $3, $4, $2, 1, 'booked', $5, $5, 'delivered', 'sms', $5, $5)", [f.message, f.appointment, f.person, f.case, T0]),
        ("INSERT INTO notifications.alarms (alarm_id, level, state) VALUES ($1, 'R1', 'open')", [f.alarm]),
        ("INSERT INTO partners.bookings (appointment_id, booking_ref, case_id, organisation, version, status, position, told_at) VALUES ($1, $2, $3, 'rehmat-hospital', 1, 'booked', 1, $4)", [f.appointment, f"REF{code}", f.case, T0]),
    ]  # fmt: skip
    connection = await asyncpg.connect(database.admin_dsn)
    for sql, arguments in rows:
        await connection.execute(sql, *arguments)
    await connection.close()
    return f


async def say_alarm(database: Any, bootstrap: str, f: Filled) -> UUID:
    """The alarm's event: committed, sent, and taken from the outbox, as the relay does it."""
    await ensure_topics(KafkaSettings(bootstrap), (*TOPICS, partner_topic("rehmat-hospital")))
    pool = await open_pool(database.dsn("intake"), schema="intake", size=2, name="test")
    said = AlarmRaised(
        case_id=f.case, alarm_id=f.alarm, person_id=f.person, level="R1", rule="r", rule_version="1", province="PK-PB",
        languages=("ur",), reachable=True, due_by=T0, raised_at=T0,
    )  # fmt: skip
    async with Database(pool, source="intake", lane_of=lambda _: "crisis").transaction() as tx:
        tx.emit([said])
    (row,) = await pool.fetch("DELETE FROM outbox RETURNING *")
    await pool.close()
    live = producer(KafkaSettings(bootstrap), "test")
    await live.start()
    await live.send_and_wait(
        row["topic"], row["payload"], key=row["key"].encode(), headers=to_headers("intake", row),
        partition=outbox.partition_of(row["key"], 12), timestamp_ms=int(T0.timestamp() * 1000),
    )  # fmt: skip
    await live.stop()
    event_id: UUID = row["event_id"]
    return event_id


def sink(folder: Path, f: Filled, at: float) -> None:
    """The message as it reached the SMS gateway."""
    folder.mkdir(parents=True, exist_ok=True)
    line = {"id": str(f.message), "to": "+923990000000", "text": "x", "received_at": at}
    with (folder / "sms.jsonl").open("ab") as file:
        file.write(orjson.dumps(line) + b"\n")
