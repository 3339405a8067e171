"""What the console says of lag, owners and a case's story follows from what it was given."""

from datetime import UTC, datetime, timedelta

from services.console.domain.journey import Step, tell, trace_id
from services.console.domain.lag import Stored, behind, lags
from services.console.domain.owners import Lock, shares

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_lag_is_the_sum_of_what_is_left_and_the_age_of_the_oldest() -> None:
    stored = [Stored("matching", "matching", "intake.cases", p, 10) for p in range(3)]
    ends = {("intake.cases", 0): 10, ("intake.cases", 1): 14, ("intake.cases", 2): 12}
    assert [one.partition for one in behind(stored, ends)] == [1, 2]
    oldest = {("intake.cases", 1, 10): 95.0, ("intake.cases", 2, 10): 90.0}
    (lag,) = lags(stored, ends, oldest, now=100.0)
    assert (lag.stored, lag.end, lag.behind, lag.oldest_seconds) == (30, 36, 6, 10.0)


def test_a_group_that_has_read_everything_has_no_age() -> None:
    (lag,) = lags([Stored("intake", "intake", "t", 0, 5)], {("t", 0): 5}, {}, now=1.0)
    assert (lag.behind, lag.oldest_seconds) == (0, None)


def test_what_nobody_owns_is_said() -> None:
    locks = [Lock(11, "owner:intake:outbox:routine", 0), Lock(12, "owner:intake:outbox:routine", 1)]
    members = [
        (11, "owner:intake:outbox:routine"),
        (12, "owner:intake:outbox:routine"),
        (13, "owner:intake:outbox:routine"),
    ]
    found = shares(locks, members, {"intake:outbox:routine": {0: "shard 0", 1: "shard 1", 2: "shard 2"}})
    assert [(share.session, share.items) for share in found] == [
        (11, ("shard 0",)),
        (12, ("shard 1",)),
        (13, ()),
        (None, ("shard 2",)),
    ]
    assert {(share.service, share.purpose) for share in found} == {("intake", "outbox:routine")}


def test_a_group_without_any_process_owns_nothing() -> None:
    (share,) = shares([], [], {"matching:consumer:matching": {5: "intake.cases/0"}})
    assert (share.service, share.purpose, share.session) == ("matching", "consumer:matching", None)


def test_a_journey_is_told_in_the_order_of_time_with_its_traces() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    late = Step(
        NOON + timedelta(seconds=2), "scheduling.appointments", "appointment_booked.v1", "#1", None, trace
    )
    early = Step(NOON, "intake", "asked for care", "", "matching", trace)
    journey = tell([late, early], ["matching: intake.cases is blocked"])
    assert journey.steps == (early, late)
    assert journey.traces == (trace,)
    assert journey.waits_for == ("matching: intake.cases is blocked", "intake: matching")


def test_a_trace_id_is_taken_from_a_traceparent_only() -> None:
    assert (
        trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        == "4bf92f3577b34da6a3ce929d0e0e4736"
    )
    assert trace_id("nonsense") is None
    assert trace_id(None) is None
