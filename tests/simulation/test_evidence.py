"""The checker's facts come from the real tables, topics and sinks, and of the people of one run alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from simulation import evidence
from simulation.evidence import Sources, kernel, waiting
from simulation.history import History, judge
from tests.simulation.filled import T0, Filled, fill, migrated, say_alarm, sink

pytestmark = pytest.mark.kafka
CODE, OTHER = "0000000001", "0000000002"


@pytest_asyncio.fixture(loop_scope="session")
async def own(database: Any, kafka_server: Any, tmp_path: Path) -> AsyncIterator[Filled]:
    """Two booked cases, of which one is ours."""
    await migrated(database)
    filled = await fill(database, CODE)
    sink(tmp_path, filled, T0.timestamp() + 1)
    await say_alarm(database, kafka_server.bootstrap, filled)
    sink(tmp_path, await fill(database, OTHER), T0.timestamp() + 1)
    yield filled


async def load(database: Any, kafka_server: Any, folder: Path, codes: list[str] | None = None) -> History:
    sources = Sources(database.admin_dsn, kafka_server.bootstrap, "", folder)
    return await evidence.load(sources, codes=codes, since=T0.timestamp())


async def test_a_case_is_found_in_every_place(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    history = await load(database, kafka_server, tmp_path, [CODE])
    assert [case.case_code for case in history.cases] == [CODE]
    assert history.matched == {own.case}
    assert [alarm.alarm_id for alarm in history.alarms] == [own.alarm]
    assert history.alarms_on_topic == {own.alarm}
    assert [message.message_id for message in history.messages] == [own.message]
    assert [one.appointment_id for one in history.own_appointments()] == [own.appointment]
    assert history.references == {f"REF{CODE}": own.appointment}
    (record,) = history.streams.records
    assert (record.topic, record.key, record.sequence) == ("intake.alarms", str(own.case), 1)
    assert history.streams.said == {("intake.alarms", str(own.case)): 1}


async def test_what_is_right_in_the_tables_is_found_right(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    history = await load(database, kafka_server, tmp_path, [CODE])
    broken = {name: number for name, number in judge(history).counts.items() if number}
    assert broken == {"partner_differs": 1}  # no hospital runs here
    assert len(history.needed[own.appointment]) == 2


async def test_messages_about_what_was_asked_before_the_run_are_known_as_such(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    history = await load(database, kafka_server, tmp_path, [CODE])
    assert history.earlier == frozenset()  # the other one asked while the run went on
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("UPDATE intake.cases SET submitted_at = submitted_at - interval '1 hour'")
    await connection.close()
    history = await load(database, kafka_server, tmp_path, [CODE])
    others = {one.message_id for one in history.receipts} - {str(own.message)}
    assert len(others) == 1
    assert history.earlier == others


async def test_everybody_is_counted_on_a_fresh_database(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    history = await load(database, kafka_server, tmp_path)
    assert {case.case_code for case in history.cases} == {CODE, OTHER}
    assert len(history.receipts) == 2
    assert judge(history).counts["alarm_missing"] == 1  # the other one's was never said


async def test_an_hour_taken_twice_is_seen_although_the_constraint_is_gone(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("ALTER TABLE scheduling.reservations DROP CONSTRAINT nobody_twice")
    await connection.execute("UPDATE scheduling.appointments SET therapist_id = $1", own.therapist)
    await connection.execute(
        "UPDATE scheduling.reservations SET resource_id = $1 WHERE upper(during) - lower(during) > interval '1 hour'",
        own.therapist,
    )
    await connection.close()
    counts = judge(await load(database, kafka_server, tmp_path, [CODE])).counts
    assert counts["appointments_overlap"] == counts["reservations_overlap"] == 1
    assert counts["appointment_incomplete"] == 0


OFFER = """
INSERT INTO matching.offers (match_id, case_id, attempt, request_version, modality, options, offered_at, expires_at, state,
    option_id, chosen, decided_at, kept_version, kept_with, kept_start, kept_end, kept_until)
VALUES ($1, $2, 1, 0, 'video', '[]', now(), now() + interval '1 day', 'accepted', $3, $4, now(), 1, $4, now(), now(),
    now() + interval '12 hours')
"""
HOLD = """
INSERT INTO scheduling.holds (hold_id, case_id, match_id, attempt, version, state, counted, therapist_id, organisation, lane,
    modality, attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone, held_until, take_by, held_at,
    held_by, ended_at, reason)
SELECT $1, case_id, match_id, attempt, 2, $2, false, therapist_id, organisation, lane, modality, attendee_ids, person_ids,
    now() + interval '1 day', now() + interval '25 hours', 10, week, time_zone, now() + interval '1 hour', now(), now(), 'system',
    now(), 'superseded'
FROM scheduling.appointments WHERE appointment_id = $3
"""


@pytest.mark.parametrize(("state", "lost"), [("confirmed", 0), ("released", 1)])
async def test_an_hour_that_was_kept_and_taken_in_time_has_to_be_booked(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path, state: str, lost: int
) -> None:
    hold_id = uuid4()
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute(OFFER, own.match, own.case, uuid4(), own.therapist)
    await connection.execute(HOLD, hold_id, state, own.appointment)
    await connection.close()
    history = await load(database, kafka_server, tmp_path, [CODE])
    [kept] = history.kept_hours
    assert (kept.hold_id, kept.state, kept.taken) == (hold_id, state, True)
    assert judge(history).counts["kept_hour_lost"] == lost


async def test_a_reservation_that_is_gone_or_left_over_is_seen(
    own: Filled, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("DELETE FROM scheduling.reservations WHERE resource_id = $1", own.therapist)
    await connection.execute(
        "UPDATE scheduling.appointments SET state = 'cancelled' WHERE case_id <> $1", own.case
    )
    await connection.close()
    counts = judge(await load(database, kafka_server, tmp_path, [CODE])).counts
    assert counts["appointment_incomplete"] == 2


async def test_a_run_is_followed_until_nothing_more_can_happen(own: Filled, database: Any) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    stands = await waiting.standing(connection, [CODE, OTHER])
    assert (stands.cases, stands.states, stands.delivered, stands.due) == (2, {"booked": 2}, 2, 0)
    assert stands.settled(2)
    assert not stands.settled(3)
    await connection.execute(
        "UPDATE notifications.messages SET state = 'sending', next_at = now() + interval '1 hour'"
    )
    assert not (await waiting.standing(connection, [CODE, OTHER])).settled(2)
    await connection.execute("DELETE FROM notifications.messages")
    assert (await waiting.standing(connection, [CODE, OTHER])).untold == 2
    await connection.close()


async def test_what_lies_in_the_kernels_tables_is_counted(own: Filled, database: Any) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    assert await kernel.leftovers(connection) == kernel.Leftovers()
    await connection.execute("INSERT INTO partners.skipped VALUES ('partners', 't', 'x.v1', 3)")
    assert (await kernel.leftovers(connection)).skipped == 3
    await connection.execute("INSERT INTO scheduling.streams VALUES ('scheduling.sites', 'a', 3)")
    assert await kernel.behind(connection, "scheduling", "scheduling.sites", "matching") == 1
    await connection.execute("INSERT INTO matching.positions VALUES ('matching', 'scheduling.sites', 'a', 2)")
    assert await kernel.behind(connection, "scheduling", "scheduling.sites", "matching") == 0
    await connection.close()
