"""What the console says of lag, owners and a case's story follows from what it was given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.console.domain.journey import (
    Cause,
    Reading,
    Step,
    behind,
    is_kept,
    read_case,
    tell,
    trace_id,
    unread,
    with_causes,
)
from services.console.domain.lag import Stored, lags
from services.console.domain.lag import behind as left_to_read
from services.console.domain.owners import Lock, shares

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_lag_is_the_sum_of_what_is_left_and_the_age_of_the_oldest() -> None:
    stored = [Stored("matching", "matching", "intake.cases", p, 10) for p in range(3)]
    ends = {("intake.cases", 0): 10, ("intake.cases", 1): 14, ("intake.cases", 2): 12}
    assert [one.partition for one in left_to_read(stored, ends)] == [1, 2]
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
    blocked = Cause("matching", "blocked_key", "intake.cases is blocked")
    journey = tell([late, early], [blocked, blocked])
    assert journey.steps == (early, late)
    assert (journey.traces, journey.kept) == ((trace,), frozenset())
    assert journey.waits_for == (blocked, Cause("intake", "state", "matching", NOON))
    assert [one.sentence for one in journey.waits_for] == [
        "matching: intake.cases is blocked",
        "intake: matching",
    ]
    assert tell([replace(early, kept=True)], []).kept == {trace}


def test_a_service_that_waited_for_another_waits_no_more_once_that_one_has_gone_on() -> None:
    asks = Step(NOON, "scheduling", "slot_not_found", "no_hour", "matching", None)
    before = Step(NOON - timedelta(seconds=1), "matching", "matched", "", None, None)
    after = Step(NOON + timedelta(seconds=1), "matching", "waitlisted", "", "the review", None)
    assert [one.what for one in tell([asks, before], []).waits_for] == ["matching"]
    assert [one.what for one in tell([asks, before, after], []).waits_for] == ["the review"]


def test_what_was_read_and_is_read_by_nobody_now_is_told() -> None:
    read, unread_now = [Reading("matching", "matching", "intake.cases", place) for place in (1, 2)]
    [cause] = unread([read, unread_now], {read: True})
    assert (cause.code, cause.sentence) == (
        "consumer_stopped",
        "matching: nobody reads intake.cases/2 as matching",
    )


def test_what_has_not_been_read_for_a_while_is_told_before_all_else() -> None:
    topic = "scheduling.appointments"
    late, fresh, done = (
        Reading("matching", "matching", topic, 1, 6),
        Reading("partners", "partners", topic, 1, 8),
        Reading("intake", "intake", topic, 1, 9),
    )
    [cause] = behind([late, fresh, done], {(topic, 1): (8, 9)})
    assert (cause.code, cause.sentence) == (
        "consumer_behind",
        f"matching: 3 left to read in {topic}/1 as matching",
    )
    story = with_causes(tell([], [Cause("matching", "dead_letter", "x")]), [cause])
    assert [one.code for one in story.waits_for] == ["consumer_behind", "dead_letter"]


def test_a_case_is_read_by_its_code_however_it_is_written_or_by_its_id() -> None:
    assert read_case("7k3m9-q2t4x") == read_case(" 7K3M9 Q2T4X ") == "7K3M9Q2T4X"
    assert read_case("OIL3M9Q2T4") == "0113M9Q2T4"
    assert read_case(str(UUID(int=7))) == UUID(int=7)
    for said in ("", "7K3M9Q2T4", "7K3M9Q2T4XX", "7K3M9Q2T4U", "٧K3M9Q2T4X", "x" * 36, "7K3M9Q2T4\0"):
        assert read_case(said) is None


def test_a_trace_that_was_not_sampled_cannot_be_looked_at() -> None:
    stem = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
    assert [is_kept(one) for one in (f"{stem}-01", f"{stem}-00", "nonsense", None)] == [
        True,
        False,
        False,
        False,
    ]


def test_a_trace_id_is_taken_from_a_traceparent_only() -> None:
    assert (
        trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        == "4bf92f3577b34da6a3ce929d0e0e4736"
    )
    assert trace_id("nonsense") is None
    assert trace_id(None) is None
