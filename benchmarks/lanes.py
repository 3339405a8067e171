"""Whether one lane feels what becomes of the other, and what a second worker of one lane brings it.

One stands still with ten times its work before it, and the other is measured: a lane stands still by its process being away, which
burns nothing and holds nothing; its topic fills up meanwhile. Then one is worked off by workers that wait (benchmarks/scheduling.py), by one
and by two of them, while the other is measured.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from benchmarks import steady, world
from benchmarks.stages import Look, watched
from deploy.local.processes import ROUTINE, Process
from deploy.local.stack import Stack
from simulation.population import Person

PER_SECOND, SECONDS, KNOWN = 30.0, 20.0, 1500
TIMES = 10  # so many times what comes in a second waits before the lane that stands still, at least
ONLINE, IN_PERSON = "scheduling-online", "scheduling-in-person"
READS = {ONLINE: "read scheduling scheduling.online", IN_PERSON: "read scheduling scheduling.in_person"}
WAITING = tuple(
    Process(f"{ONLINE}-{number}", "benchmarks.scheduling", "online", "scheduling", nice=ROUTINE)
    for number in (1, 2)
)
SPARE = tuple(worker.name for worker in WAITING)  # need ports of their own
FULL = 1500  # for each worker: more than it works off while the other lane is measured
SHARED_SECONDS = 5.0  # until the workers have shared the partitions out, and are warm
REST = 200  # the last ones may all be one worker's


async def measure(stack: Stack) -> dict[str, Any]:
    """On a stack with care in it and ports for SPARE: p99 from request to message in seconds, quiet and beside a lane that stands still,
    `ratio` is the worse of the two; and `doubled`."""
    people = by_lane(world.askers(steady.SEED, KNOWN))
    found: dict[str, Any] = {}
    for lane, other in ((ONLINE, IN_PERSON), (IN_PERSON, ONLINE)):
        quiet = await _measured(stack, people[lane])
        await stack.hold(other)
        await steady.fill(stack, people[other], round(TIMES * PER_SECOND))
        beside = await _measured(stack, people[lane], READS[other])
        await stack.restart(other)
        await stack.ready(other)
        found[lane] = {"quiet_p99_s": quiet["p99_s"], "beside_p99_s": beside["p99_s"]}
    ratio = max(one["beside_p99_s"] / one["quiet_p99_s"] for one in found.values())
    return found | {"ratio": ratio, "doubled": await double(stack, people)}


async def double(stack: Stack, people: Mapping[str, Sequence[Person]]) -> dict[str, Any]:
    """What ONLINE's workers that wait get done, one of them and two, and how IN_PERSON fares beside them."""
    await stack.hold(ONLINE)
    for worker in WAITING:  # from now on it can be started and held as the others can
        await stack.add(worker)
        await stack.hold(worker.name)
    one, two = [await _worked_off(stack, people, WAITING[:number]) for number in (1, 2)]
    await stack.restart(ONLINE)
    await stack.ready(ONLINE)
    return doubled(one, two)


def doubled(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Events a second of one worker and of two, and the `factor` between them; of the other lane, beside one and beside two, p99 in seconds
    and journeys a second."""
    return {
        "one": one["events_per_second"],
        "two": two["events_per_second"],
        "factor": round(two["events_per_second"] / one["events_per_second"], 2),
        "other_p99_s": [one["p99_s"], two["p99_s"]],
        "other_p99_ratio": round(two["p99_s"] / one["p99_s"], 2),
        "other_per_second": [one["journeys_per_second"], two["journeys_per_second"]],
    }


async def _worked_off(
    stack: Stack, people: Mapping[str, Sequence[Person]], workers: Sequence[Process]
) -> dict[str, Any]:
    """The other lane's figures and `events_per_second` of a topic that is full all the time."""
    await steady.fill(stack, people[ONLINE], FULL * len(workers))
    await steady.settle(stack, READS[ONLINE])
    for worker in workers:
        await stack.restart(worker.name)
    for worker in workers:
        await stack.ready(worker.name)
    left: list[tuple[float, int]] = []

    def note(look: Look) -> None:
        left.append((time.monotonic(), look[READS[ONLINE]].number))

    async with (
        watched(stack.addresses["database"], stack.addresses["kafka"]) as stages,
        stages.looking(note),
    ):
        found = await _measured(stack, people[IN_PERSON], READS[ONLINE], SHARED_SECONDS)
    await steady.settle(stack)
    for worker in workers:
        await stack.hold(worker.name)
    return found | {"events_per_second": worked_off(left)}


def worked_off(left: Sequence[tuple[float, int]]) -> float:
    """Events a second, of when (seconds) how many were left: from the first batch that was seen to be done after SHARED_SECONDS to the last
    before REST. 0 when there were no two."""
    begin = left[0][0] + SHARED_SECONDS
    done = [
        later
        for before, later in pairwise(left)
        if later[1] < before[1] and later[0] >= begin and later[1] >= REST
    ]
    if not done or done[0] == done[-1]:
        return 0.0
    (began, most), (ended, least) = done[0], done[-1]
    return round((most - least) / (ended - began), 1)


def by_lane(people: Sequence[Person]) -> dict[str, list[Person]]:
    """Who would come in person and comes in no other way, and all others online and in no other way."""
    there = [one for one in people if "in_person" in one.body["modalities"]]
    elsewhere = [one for one in people if "in_person" not in one.body["modalities"]]
    return {
        IN_PERSON: [replace(one, body=one.body | {"modalities": ["in_person"]}) for one in there],
        ONLINE: [replace(one, body=one.body | {"modalities": ["video", "audio"]}) for one in elsewhere],
    }


async def _measured(
    stack: Stack, people: Sequence[Person], still: str = "", warm_seconds: float = steady.WARM_SECONDS
) -> dict[str, Any]:
    return await steady.measure(
        stack, SECONDS, per_second=PER_SECOND, people=people, still=still, warm_seconds=warm_seconds
    )
