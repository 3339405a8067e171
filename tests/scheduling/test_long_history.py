"""Who looks into a few diaries reads these, however long the history is and whatever the planner makes of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from services.scheduling.domain.weeks import first_monday
from services.scheduling.repository.diary import READ
from tests.scheduling import world
from tests.scheduling.reference import minute
from tests.scheduling.store import NOW, Store

# Held, so that no appointment has to belong to them; each hour begins where the one before ends.
RESERVED = """
INSERT INTO scheduling.reservations (appointment_id, resource_id, during, held_until)
SELECT gen_random_uuid(), who, tstzrange(start, start + interval '1 hour'), '2027-01-01'
FROM unnest($1::uuid[]) AS w(who), generate_series($2::timestamptz, $3::timestamptz, interval '1 hour') AS s(start)
"""
OTHERS, DAYS = 100, 2


async def test_only_who_is_asked_for_is_read_when_the_planner_knows_of_no_day_ahead(store: Store) -> None:
    asked = [await world.add_therapist(store) for _ in range(2)]
    others = [UUID(int=number) for number in range(OTHERS)]
    await store.admin.execute(RESERVED, [*asked, *others], NOW - timedelta(days=20), NOW - timedelta(days=10))
    await store.admin.execute("ANALYZE scheduling.reservations")  # for the last time
    await store.admin.execute(RESERVED, [*asked, *others], NOW, NOW + timedelta(days=DAYS))
    looks = [node for node in await reservations_read(store, asked) if node["Actual Rows"]]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in looks) <= len(asked) * (24 * DAYS + 1)


async def test_a_diary_is_read_from_the_index_alone(store: Store) -> None:
    asked = [await world.add_therapist(store) for _ in range(2)]
    await store.admin.execute(RESERVED, asked, NOW, NOW + timedelta(days=DAYS))
    await store.admin.execute("VACUUM (ANALYZE) scheduling.reservations")
    looks = [node for node in await reservations_read(store, asked) if node["Actual Rows"]]
    assert [(node["Node Type"], node["Heap Fetches"]) for node in looks] == [("Index Only Scan", 0)]


async def reservations_read(store: Store, asked: list[UUID]) -> list[dict[str, Any]]:
    """Where a look into these diaries meets their table, as the plan tells it afterwards."""
    monday = first_monday(minute(2026, 11, 23))
    parameters = (asked, NOW, NOW + timedelta(days=28), NOW, asked, monday, None)
    plan = await store.database.pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {READ}", *parameters)
    every = nodes(orjson.loads(plan)[0]["Plan"])
    return [node for node in every if node.get("Relation Name") == "reservations"]


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for one in plan.get("Plans", ()) for node in nodes(one))]
