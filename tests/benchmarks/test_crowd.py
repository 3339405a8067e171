"""A crowd that was made by copying is as many therapists as are asked for, each with all that one has."""

import pytest

from benchmarks import crowd
from tests.scheduling.store import Store

LOADS = """
INSERT INTO matching.loads (therapist_id, open_cases, changed_by)
SELECT therapist_id, 1, pg_current_xact_id() FROM scheduling.therapists
"""


async def test_every_copy_has_what_its_pattern_has_and_an_id_of_its_own(store: Store) -> None:
    await store.admin.execute(LOADS)
    before = await rows(store)
    await crowd.multiply_care(store.admin, 3)
    after = await rows(store)
    assert before["scheduling.calendars"] == before["matching.loads"] == 2
    assert before["scheduling.resources"] == 2
    assert after == {table: 3 * count for table, count in before.items()}
    assert (
        await store.rows(
            "SELECT c.therapist_id FROM scheduling.calendars c LEFT JOIN scheduling.rules r USING (therapist_id) WHERE r IS NULL"
        )
        == []
    )
    assert await store.wrong() == []


async def test_nothing_that_a_therapist_has_is_left_out(store: Store) -> None:
    """Of what names a therapist only what others left with them is not copied."""
    found = await store.rows(
        "SELECT table_schema || '.' || table_name AS name FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_schema, table_name) WHERE column_name = 'therapist_id' AND table_type = 'BASE TABLE' "
        "AND table_schema IN ('matching', 'scheduling')"
    )
    left = {
        "matching.continuity",
        "scheduling.appointments",
        "scheduling.exceptions",
        "scheduling.holds",
        "scheduling.weekly_load",
    }
    assert {one["name"] for one in found} - left == crowd.OF_A_THERAPIST.keys() - {"scheduling.resources"}


async def rows(store: Store) -> dict[str, int]:
    """How many each table has of therapists."""
    return {
        table: await store.admin.fetchval(
            f"SELECT count(*) FROM {table} WHERE {whose} IN (SELECT therapist_id FROM scheduling.therapists)"
        )
        for table, whose in crowd.OF_A_THERAPIST.items()
    }


@pytest.mark.parametrize(("many", "times"), [(1000, 1), (10_000, 5), (100_000, 50)])
def test_few_of_them_come_through_the_front_door(many: int, times: int) -> None:
    assert -(-many // crowd.AT_THE_DOOR) == times
