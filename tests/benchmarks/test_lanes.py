"""What a second worker brings is counted between batches, and a handler that waits does afterwards what it always does."""

import asyncio
from typing import Any

from benchmarks import lanes, scheduling
from deploy.local.processes import PROCESSES

BEGUN = lanes.SHARED_SECONDS


def test_it_is_counted_from_one_batch_to_another_and_not_before_the_workers_have_shared() -> None:
    left = [(0.0, 5000), (BEGUN / 2, 3000), (BEGUN + 1, 2900), (BEGUN + 1.5, 2900), (BEGUN + 2, 2860)]
    idle = [(BEGUN + 3, 2860), (BEGUN + 4, lanes.REST - 1), (BEGUN + 5, 0)]
    assert lanes.worked_off([*left, *idle]) == 40.0


def test_one_batch_is_no_rate() -> None:
    assert lanes.worked_off([(0.0, 900), (BEGUN + 1, 800), (BEGUN + 2, 800)]) == 0.0


def test_the_other_lane_beside_two_is_held_against_beside_one() -> None:
    one = {"events_per_second": 30.0, "p99_s": 0.8, "journeys_per_second": 29.8}
    two = {"events_per_second": 57.0, "p99_s": 1.0, "journeys_per_second": 29.9}
    found = lanes.doubled(one, two)
    assert (found["factor"], found["other_p99_ratio"]) == (1.9, 1.25)


def test_a_worker_that_waits_is_told_what_the_lane_s_own_is() -> None:
    own = next(one for one in PROCESSES if one.name == lanes.ONLINE)
    for worker in lanes.WAITING:
        assert (worker.role, worker.database_role, worker.service, worker.nice) == (
            own.role, own.database_role, own.service, own.nice,
        )  # fmt: skip


async def test_a_handler_waits_for_each_event_and_then_gets_them_all() -> None:
    got: list[Any] = []

    async def handle(events: Any, tx: Any) -> None:
        got.append((events, tx))

    loop = asyncio.get_running_loop()
    began = loop.time()
    await scheduling.waiting(handle)(["a", "b"], "tx")  # type: ignore[arg-type]
    assert loop.time() - began >= 1.9 * scheduling.WAIT_SECONDS  # whose clock goes in milliseconds
    assert got == [(["a", "b"], "tx")]
