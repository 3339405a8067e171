"""What was multiplied is what as many people would have left: whole, over, and in nobody's way."""

from uuid import UUID

from benchmarks import statements
from benchmarks.multiply import multiply
from benchmarks.statements import Statement
from tests.scheduling.store import Store
from tests.stack_fixtures import FreshDatabase

WHOLE = """
SELECT count(*) FROM intake.cases c JOIN scheduling.appointments a USING (case_id)
JOIN notifications.messages m USING (appointment_id)
JOIN scheduling.reservations r ON r.appointment_id = a.appointment_id AND r.resource_id = c.person_id
JOIN scheduling.resources p ON p.id = c.person_id AND p.kind = 'person'
WHERE m.case_id = c.case_id AND a.person_ids = ARRAY[m.person_id]
"""


async def count(store: Store, table: str, where: str = "true") -> int:
    return int(await store.admin.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))


async def test_every_copy_is_whole_and_none_is_in_anothers_way(store: Store, database: FreshDatabase) -> None:
    assert await store.admin.fetchval(WHOLE) == 3
    mark = await multiply(database.admin_dsn, 3)
    assert await store.admin.fetchval(WHOLE) == 9
    await multiply(database.admin_dsn, 2, mark)
    assert await store.admin.fetchval(WHOLE) == 18
    assert await store.wrong() == []
    assert await store.admin.fetchval("SELECT count(DISTINCT case_code) FROM intake.cases") == 18


async def test_all_that_was_is_over_and_leaves_every_hour_free(store: Store, database: FreshDatabase) -> None:
    await multiply(database.admin_dsn, 3)
    assert (
        await count(store, "scheduling.appointments", "state = 'fulfilled' AND ends_at < '2026-11-23'") == 9
    )
    assert await count(store, "scheduling.reservations", "upper(during) > '2026-11-23'") == 0
    assert await count(store, "scheduling.weekly_load", "week >= '2026-11-23'") == 0
    assert (
        await count(store, "notifications.messages", "state = 'delivered'") == 6
    )  # some will always be reminded
    assert await count(store, "scheduling.appointment_changes", "step = 'appointment_fulfilled'") == 9


async def test_what_was_over_before_is_not_touched_again(store: Store, database: FreshDatabase) -> None:
    mark = await multiply(database.admin_dsn, 1)
    hours = await store.rows(
        "SELECT appointment_id, starts_at, version FROM scheduling.appointments ORDER BY 1"
    )
    await multiply(database.admin_dsn, 1, mark)
    again = await store.rows(
        "SELECT appointment_id, starts_at, version FROM scheduling.appointments ORDER BY 1"
    )
    assert again == hours


async def test_nobody_who_sees_people_and_no_place_is_there_twice(
    store: Store, database: FreshDatabase
) -> None:
    await multiply(database.admin_dsn, 3)
    for table, rows in {"therapists": 2, "calendars": 2, "rules": 2, "sites": 1, "rooms": 1}.items():
        assert await count(store, f"scheduling.{table}") == rows
    assert await count(store, "scheduling.resources", "kind <> 'person'") == 3
    assert await count(store, "scheduling.weekly_load") == 6


async def test_ids_of_copies_are_of_the_time_before(store: Store, database: FreshDatabase) -> None:
    ids = "SELECT appointment_id AS id FROM scheduling.appointments ORDER BY 1"
    made = [UUID(str(row["id"])) for row in await store.rows(ids)]
    await multiply(database.admin_dsn, 3)
    found = [UUID(str(row["id"])) for row in await store.rows(ids)]
    assert (found[-3:], len(set(found))) == (made, 9)
    assert {one.version for one in found} == {7}


def test_statements_that_became_dearer_come_first_and_new_ones_are_not_compared() -> None:
    before = {"a 1": Statement("SELECT 1", 10, 10, 10), "a 2": Statement("SELECT 2", 10, 10, 10)}
    after = {
        "a 1": Statement("SELECT 1", 10, 11, 10),
        "a 2": Statement("SELECT\n 2", 10, 60, 200),
        "a 3": Statement("SELECT 3", 1, 99, 1),
    }
    first, second = statements.grown(before, after)
    assert (first["service"], first["query"], first["ms"], first["blocks"]) == (
        "a",
        "SELECT 2",
        [10, 60],
        [10, 200],
    )
    assert second["query"] == "SELECT 1"
    assert statements.grown(after, before) == []
