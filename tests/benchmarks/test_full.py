"""Calendars are as full as is said, and no week is fuller than its therapist's limit."""

from benchmarks import full
from tests.scheduling.store import Store

WEEKS = """
SELECT w.used, w.most, (
    SELECT count(*) FROM scheduling.reservations r
    WHERE r.resource_id = w.therapist_id AND date_trunc('week', lower(r.during) AT TIME ZONE 'Asia/Karachi')::date = w.week
)::int AS reserved
FROM scheduling.weekly_load w WHERE week > current_date
"""


async def test_of_every_week_one_hour_in_twenty_is_left(store: Store) -> None:
    await store.admin.execute("DELETE FROM scheduling.reservations; DELETE FROM scheduling.weekly_load")
    await store.admin.execute("UPDATE scheduling.rules SET starts = 480, ends = 1440")
    await full.fill(store.admin)
    weeks = await store.rows(WEEKS)
    # Sixteen hours a week, of which a session with its rest takes seventy minutes: fourteen fit, and eighteen may be.
    assert weeks
    assert {(row["used"], row["most"]) for row in weeks} == {(13, 18)}
    assert all(row["reserved"] == row["used"] for row in weeks)
